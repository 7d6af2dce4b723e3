//! The text that names an object in records.

use std::fmt;
use std::str::FromStr;

use crate::event::{Digest, Tenant};

/// `cas://objects/{tenant}/sha256/{64 lower-case hex digits}`: one text per object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    pub tenant: Tenant,
    pub digest: Digest,
}

/// Text that is not a reference, or not in its one form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a reference of the form cas://objects/<tenant>/sha256/<64 lower-case hex digits>")]
pub struct NotAReference;

const PREFIX: &str = "cas://objects/";

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}/sha256/{}", self.tenant, self.digest.hex())
    }
}

impl FromStr for Reference {
    type Err = NotAReference;

    fn from_str(text: &str) -> Result<Self, NotAReference> {
        let path = text.strip_prefix(PREFIX).ok_or(NotAReference)?;
        let (tenant, digest) = path.split_once("/sha256/").ok_or(NotAReference)?;
        let tenant = Tenant::new(tenant).map_err(|_| NotAReference)?;
        let digest = Digest::from_hex(digest).map_err(|_| NotAReference)?;
        let reference = Reference { tenant, digest };
        // Digests are read in either case elsewhere; here another spelling would be a second name of the same object.
        if reference.to_string() == text { Ok(reference) } else { Err(NotAReference) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_has_one_spelling() {
        let digest = Digest::of(b"x");
        let text = format!("cas://objects/acme/sha256/{}", digest.hex());
        let reference: Reference = text.parse().unwrap();
        assert_eq!((reference.tenant.as_str(), reference.digest), ("acme", digest));
        assert_eq!(reference.to_string(), text);
    }

    #[test]
    fn anything_else_is_refused() {
        let hex = Digest::of(b"x").hex();
        let refused = [
            String::new(),
            format!("cas://objects/acme/sha256/{}", hex.to_uppercase()),
            format!("CAS://objects/acme/sha256/{hex}"),
            format!("cas://objects/Acme/sha256/{hex}"),
            format!("cas://objects/../sha256/{hex}"),
            format!("cas://objects/acme/../acme/sha256/{hex}"),
            format!("cas://objects//sha256/{hex}"),
            format!("cas://objects/acme/sha256//{hex}"),
            format!("cas://objects/acme/sha256/{hex}/"),
            format!("cas://objects/acme/sha256/{hex}?x"),
            format!("cas://objects/acme/sha256/{}", &hex[1..]),
            format!("cas://objects/acme/sha256/{hex}0"),
            format!("cas://objects/acme/sha256/../../{hex}"),
            format!("cas://objects/acme/sha512/{hex}"),
            format!("cas://signals/acme/sha256/{hex}"),
            format!("cas://objects/acme%2f/sha256/{hex}"),
            format!(" cas://objects/acme/sha256/{hex}"),
            format!("cas://objects/acme/sha256/{hex}\n"),
        ];
        for text in refused {
            assert_eq!(text.parse::<Reference>(), Err(NotAReference), "{text}");
        }
    }
}
