//! The one integration test binary: one binary links the C++ libraries once.

#[cfg(test)]
mod authority;
#[cfg(all(feature = "kafka", feature = "http"))]
#[cfg(test)]
mod broker;
#[cfg(test)]
mod evidence;
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
#[cfg(test)]
mod trust;
