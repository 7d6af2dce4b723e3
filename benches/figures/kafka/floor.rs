//! How fast this machine is, beside the one on which a peer's figures were taken: one bare P-256 verification.

use attestream::event::Digest;
use attestream::signing::Signer;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey};

use crate::Outcome;
use crate::report::{FLOOR, Report};
use crate::sigstore_go;
use crate::spent::measure;

/// The part of its known rate, by the run's floor, below which a peer's row is void.
pub const PEER_MIN: f64 = 0.85;
const TIMES: u32 = 4_000;
/// Seconds of processor time that one verification took on the machine of the stated figures: sigstore-go's own, which its
/// rates give three times over (34 for 493 a second, 53 for 321, 6.2 for 2,754).
const STATED: f64 = 59e-6;

/// What one by the library measured here took there. It is faster than that of Go, by as much as this run found; where it did
/// not measure that, they are taken for equals, and a peer must come nearer to its known rate than 85 %.
pub fn stated(report: &Report) -> f64 {
    match (report.micros(FLOOR), report.micros(sigstore_go::FLOOR)) {
        (Some(two), Some(of_go)) => STATED * two / 2.0 / of_go,
        _ => STATED,
    }
}

/// By how much this machine is slower (above 1) or faster than the one of the stated figures, at this moment.
pub fn slower(stated: f64) -> Outcome<f64> {
    let signer = Signer::ecdsa_p256([7; 32])?;
    let point = signer.public().spki().last_chunk::<65>().ok_or("a P-256 key has a point")?;
    let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)?;
    let message = Digest::of(b"floor");
    let signature = signer.sign(message.as_bytes())?;
    let (_, took) = measure(|| {
        for _ in 0..TIMES {
            key.verify_sig(message.as_bytes(), &signature)?;
        }
        Ok(())
    })?;
    Ok(took.cpu.as_secs_f64() / f64::from(TIMES) / stated)
}
