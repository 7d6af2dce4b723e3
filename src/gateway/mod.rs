//! HTTP: health and metrics for everyone, inputs, control and reading topics for this machine alone.

mod control;
pub mod lag;
pub mod line;
mod loopback;
pub mod problem;
mod publish;
pub mod records;
pub mod registry;
mod router;
mod surface;
mod writer;

pub use line::Line;
pub use problem::{Problem, ProblemCode};
pub use registry::{Entries, Registry};
pub use router::{Server, serve};
pub use surface::{Accept, Clock, Gateway, Given};
pub use writer::{WriteError, Writer};
