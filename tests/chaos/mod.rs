//! Real Kafka, real processes, real kills. `make chaos` runs the long form; a short form is part of `make test`.

mod child;
mod kcat;
mod kills;
mod limits;
mod site;
mod sweep;
