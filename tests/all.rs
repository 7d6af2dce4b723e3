//! The one integration test binary: one binary links the C++ libraries once.

mod authority;
#[cfg(test)]
mod broker;
mod fold;
#[cfg(test)]
mod formats;
#[cfg(test)]
mod kafka;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod port;
#[cfg(feature = "rocks")]
mod rocks;
mod spine;
