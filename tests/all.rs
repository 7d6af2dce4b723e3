//! The one integration test binary: one binary links the C++ libraries once.
//!
//! It is built with the default features; each module says that it is test code, so that helpers may unwrap.

#[cfg(test)]
mod authority;
#[cfg(test)]
mod broker;
#[cfg(test)]
mod chaos;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod corpora;
#[cfg(test)]
mod evidence;
#[cfg(test)]
mod fold;
#[cfg(test)]
mod formats;
#[cfg(test)]
mod kafka;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod port;
#[cfg(test)]
mod rocks;
#[cfg(test)]
mod rooms;
#[cfg(test)]
mod schemas;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod spine;
#[cfg(test)]
mod trust;
