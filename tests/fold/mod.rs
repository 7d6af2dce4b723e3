//! The fold: joins in any order, trust that comes and goes, replay to the same bytes.

mod order;
mod run;
mod stories;
mod trees;
mod world;
