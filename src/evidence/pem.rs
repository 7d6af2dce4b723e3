//! PEM of one block, strictly (RFC 7468).

use crate::event::base64;

/// The DER of the one block labelled `label`, with nothing around it but line ends.
pub fn decode(text: &str, label: &str) -> Option<Vec<u8>> {
    let rest = text.trim_ascii().strip_prefix("-----BEGIN ")?.strip_prefix(label)?.strip_prefix("-----")?;
    let body = rest.strip_suffix("-----")?.strip_suffix(label)?.strip_suffix("-----END ")?;
    let mut joined = Vec::with_capacity(body.len());
    for line in body.as_bytes().split(|byte| matches!(byte, b'\n' | b'\r')) {
        joined.extend_from_slice(line.trim_ascii_end());
    }
    if joined.iter().any(|byte| matches!(byte, b'-' | b'_' | b' ')) {
        return None;
    }
    base64::decode(std::str::from_utf8(&joined).ok()?).ok()
}

/// One block, in lines of 64.
pub fn encode(der: &[u8], label: &str) -> String {
    let text = base64::encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        pem.extend(line.iter().map(|byte| char::from(*byte)));
        pem.push('\n');
    }
    pem.push_str(&format!("-----END {label}-----\n"));
    pem
}
