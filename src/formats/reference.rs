//! A claim check: a document that lies in the content-addressed store, named by its digest.

use std::str::FromStr;

use crate::event::{Digest, Tenant};

use super::fault::Fault;

/// `cas://objects/{tenant}/sha256/{hex}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    pub tenant: Tenant,
    pub digest: Digest,
}

impl FromStr for Reference {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let rest = text.strip_prefix("cas://objects/").ok_or(Fault::ReferenceInvalid)?;
        let (tenant, hex) = rest.split_once("/sha256/").ok_or(Fault::ReferenceInvalid)?;
        let tenant = Tenant::new(tenant).map_err(|_| Fault::ReferenceInvalid)?;
        let digest = Digest::from_hex(hex).map_err(|_| Fault::ReferenceInvalid)?;
        Ok(Reference { tenant, digest })
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cas://objects/{}/sha256/{}", self.tenant, self.digest.hex())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_one_form_is_a_reference() {
        let hex = Digest::of(b"{}").hex();
        for bad in [
            String::new(),
            format!("cas://objects/acme/sha512/{hex}"),
            format!("cas://objects/acme/../other/sha256/{hex}"),
            format!("cas://objects/Acme/sha256/{hex}"),
            format!("cas://signals/acme/sha256/{hex}"),
            format!("https://example.com/sha256/{hex}"),
            format!("cas://objects/acme/sha256/{}", &hex[1..]),
        ] {
            assert_eq!(bad.parse::<Reference>(), Err(Fault::ReferenceInvalid), "{bad}");
        }
        let good = format!("cas://objects/acme/sha256/{hex}");
        assert_eq!(good.parse::<Reference>().unwrap().to_string(), good);
    }
}
