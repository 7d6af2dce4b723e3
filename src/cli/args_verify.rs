//! What can be asked of the verifier.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::out::Format;

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("by").required(true).args(["key", "certificate_identity", "trust"]))]
pub struct Verify {
    /// The attestation: a Sigstore bundle, a DSSE envelope, an envelope with its log entry, or cosign's older bundle.
    #[arg(long, value_name = "FILE")]
    pub bundle: PathBuf,
    /// The log entry of an envelope, as Rekor's API gives it.
    #[arg(long, value_name = "FILE")]
    pub entry: Option<PathBuf>,
    /// A public key (PEM) that must have signed.
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// What the key signs with, where it is not the usual of its type.
    #[arg(long, value_name = "NAME", requires = "key", value_enum)]
    pub key_algorithm: Option<KeyChoice>,
    /// The name in the certificate that must have signed.
    #[arg(long, value_name = "NAME", requires = "certificate_oidc_issuer")]
    pub certificate_identity: Option<String>,
    /// Who vouched for that name.
    #[arg(long, value_name = "URL", requires = "certificate_identity", conflicts_with_all = ["key", "trust"])]
    pub certificate_oidc_issuer: Option<String>,
    /// A tenant's entry (YAML): its keys, identities and rules.
    #[arg(long, value_name = "FILE")]
    pub trust: Option<PathBuf>,
    /// The tenant, where the file has several.
    #[arg(long, value_name = "NAME", requires = "trust")]
    pub tenant: Option<String>,
    /// The trust root (trusted_root.json) of logs and authorities. Without it, the public-good one is used for a
    /// certificate, and none for a key.
    #[arg(long, value_name = "FILE")]
    pub root: Option<PathBuf>,
    /// What is demanded of a log. Without it: a proof where there is a trust root, nothing where there is none.
    #[arg(long, value_name = "WHAT", conflicts_with = "trust", value_enum)]
    pub log: Option<LogChoice>,
    /// The file that it must be about: signed itself, or a subject of the statement.
    #[arg(long, value_name = "FILE_OR_DIGEST")]
    pub file: Option<String>,
    /// The document that the predicate must be, or name.
    #[arg(long, value_name = "FILE")]
    pub document: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// In the form that sigstore-conformance asks clients in.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("by").required(true).args(["key", "certificate_identity"]))]
pub struct VerifyBundle {
    /// Trust the staging instance of Sigstore, not the public-good one.
    #[arg(long)]
    pub staging: bool,
    #[arg(long, value_name = "FILE")]
    pub bundle: PathBuf,
    /// The name in the certificate that must have signed.
    #[arg(long, value_name = "NAME", requires = "certificate_oidc_issuer")]
    pub certificate_identity: Option<String>,
    /// Who vouched for that name.
    #[arg(long, value_name = "URL", requires = "certificate_identity", conflicts_with = "key")]
    pub certificate_oidc_issuer: Option<String>,
    /// A public key (PEM) that must have signed.
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// The trust root, in place of the one that ships with this program.
    #[arg(long, value_name = "FILE", conflicts_with = "staging")]
    pub trusted_root: Option<PathBuf>,
    /// What was signed: a file, or `sha256:` and its digest in hex.
    #[arg(value_name = "FILE_OR_DIGEST")]
    pub file: String,
}

/// Algorithms of a key, by the names that a tenant's entry has for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum KeyChoice {
    Ed25519,
    Ed25519ph,
    #[value(name = "ecdsa-p256-sha256")]
    EcdsaP256Sha256,
    #[value(name = "ecdsa-p384-sha384")]
    EcdsaP384Sha384,
    #[value(name = "ecdsa-p521-sha512")]
    EcdsaP521Sha512,
    #[value(name = "rsa-pkcs1-sha256")]
    RsaPkcs1Sha256,
    #[value(name = "rsa-pss-sha256")]
    RsaPssSha256,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogChoice {
    Proof,
    Promise,
    None,
}
