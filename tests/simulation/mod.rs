//! The whole system in one thread, decided by a seed: instances of both roles on the in-memory log, with everything that
//! may befall them, held to the invariants of exactness.

mod blows;
mod clock;
mod director;
mod folders;
mod holes;
mod judge;
mod numbers;
mod objects;
mod pool;
mod process;
mod run;
mod sweep;
mod watch;
mod workload;
mod world;
