//! HTTP: health and metrics for everyone, inputs, control and reading topics for this machine alone.

mod control;
mod gateway;
pub mod lag;
pub mod line;
mod loopback;
pub mod problem;
mod publish;
pub mod records;
mod router;
mod writer;

pub use gateway::{Accept, Gateway};
pub use line::Line;
pub use problem::{Problem, ProblemCode};
pub use router::{Server, serve};
pub use writer::{WriteError, Writer};
