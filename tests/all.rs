//! The one integration test binary: one binary links the C++ libraries once.

mod authority;
#[cfg(all(feature = "kafka", feature = "http"))]
mod broker;
mod fold;
#[cfg(test)]
mod formats;
#[cfg(all(feature = "kafka", feature = "http"))]
mod kafka;
mod memory;
mod port;
#[cfg(feature = "rocks")]
mod rocks;
