//! The one integration test binary: one binary links the C++ libraries once.

#[cfg(test)]
mod formats;
