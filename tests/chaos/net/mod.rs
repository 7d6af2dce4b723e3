//! The network between instances and brokers, and how it fails.

mod proxy;
mod space;

pub use proxy::{Manner, Proxies};
pub use space::Space;
