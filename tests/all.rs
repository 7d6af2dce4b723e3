//! The one integration test binary: one binary links the C++ libraries once.

mod authority;
mod evidence;
mod trust;
