//! The one integration test binary: one binary links the C++ libraries once.

mod authority;
#[cfg(all(feature = "kafka", feature = "http"))]
#[cfg(test)]
mod broker;
mod fold;
#[cfg(test)]
mod formats;
#[cfg(all(feature = "kafka", feature = "http"))]
#[cfg(test)]
mod kafka;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod port;
#[cfg(feature = "rocks")]
mod rocks;
mod spine;
