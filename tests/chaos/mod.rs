//! Real Kafka, real processes, real faults. `make chaos` runs the long forms; a short form of each is part of `make test`.

mod campaign;
mod child;
mod faults;
mod ground;
mod kcat;
mod kills;
mod life;
mod limits;
mod net;
mod report;
mod scene;
mod site;
mod sweep;
mod tally;
mod traffic;

/// `make chaos-points`: how often each point is died at.
fn rounds() -> u64 {
    std::env::var("ATTESTREAM_CHAOS").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

fn is_long() -> bool {
    rounds() > 1
}

/// `make chaos`: whether a number of faults was ordered.
fn is_campaign() -> bool {
    std::env::var_os("ATTESTREAM_FAULTS").is_some()
}
