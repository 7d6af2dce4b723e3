//! Real Kafka, real processes, real kills. `make chaos` runs the long form; a short form is part of `make test`.

mod child;
mod kcat;
mod kills;
mod life;
mod limits;
mod site;
mod sweep;

/// `make chaos`: how often each point is died at.
fn rounds() -> u64 {
    std::env::var("ATTESTREAM_CHAOS").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

fn is_long() -> bool {
    rounds() > 1
}
