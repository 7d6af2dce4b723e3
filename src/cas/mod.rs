//! Content-addressed bytes: an object's name is its digest, so whoever can name it knows what it says.

mod bytes;
mod folder;
mod memory;
mod reference;

pub use bytes::{Bytes, CasError};
pub use folder::FolderBytes;
pub use memory::MemoryBytes;
pub use reference::{NotAReference, Reference};
