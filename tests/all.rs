//! The one integration test binary: one binary links the C++ libraries once.

#[cfg(all(feature = "kafka", feature = "http"))]
#[cfg(test)]
mod broker;
#[cfg(all(feature = "kafka", feature = "http"))]
#[cfg(test)]
mod kafka;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod port;
#[cfg(feature = "rocks")]
mod rocks;
