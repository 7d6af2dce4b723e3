//! Content-addressed bytes: an object's name is its digest, so whoever can name it knows what it says.

mod folder;
mod memory;
mod reference;

pub use folder::FolderObjects;
pub use memory::MemoryObjects;
pub use reference::{NotAReference, Reference};
