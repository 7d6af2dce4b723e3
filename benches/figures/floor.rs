//! What any implementation must pay: the bare verification of signatures over 32 bytes, by the same libraries.

use attestream::event::Digest;
use attestream::signing::Signer;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey};
use ed25519_dalek::{Signature, VerifyingKey};

use crate::Outcome;
use crate::report::{FLOOR, Report, Unit};
use crate::spent::measure as spent;

const SIGNATURES: usize = 64;

pub fn measure(report: &mut Report, events: usize) -> Outcome<()> {
    let signer = Signer::ecdsa_p256([7; 32])?;
    // The point is the last 65 bytes of an SPKI.
    let point = signer.public().spki().last_chunk::<65>().ok_or("a P-256 key has a point")?;
    let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)?;
    let signed = signatures(&signer)?;
    let (_, took) = spent(|| {
        for (message, signature) in signed.iter().cycle().take(2 * events) {
            key.verify_sig(message.as_bytes(), signature)?;
        }
        Ok(())
    })?;
    report.add(FLOOR, Unit::Event, events, took);

    let signer = Signer::ed25519([7; 32])?;
    let raw = signer.public().spki().last_chunk::<32>().ok_or("an Ed25519 key has 32 bytes")?;
    let key = VerifyingKey::from_bytes(raw)?;
    let signed = signatures(&signer)?;
    let (_, took) = spent(|| {
        for (message, signature) in signed.iter().cycle().take(2 * events) {
            key.verify_strict(message.as_bytes(), &Signature::from_slice(signature)?)?;
        }
        Ok(())
    })?;
    report.add("bare: two Ed25519 verifications, strict", Unit::Event, events, took);
    Ok(())
}

fn signatures(signer: &Signer) -> Outcome<Vec<(Digest, Vec<u8>)>> {
    let one = |number: usize| {
        let message = Digest::of(&number.to_be_bytes());
        Ok((message, signer.sign(message.as_bytes())?))
    };
    (0..SIGNATURES).map(one).collect()
}
