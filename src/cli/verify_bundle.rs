//! `attestream verify-bundle`: a Sigstore bundle about a file, in the form in which sigstore-conformance asks clients
//! (`docs/cli_protocol.md` there). Exit code 0 is accepted; any other is not.

use super::args_verify::VerifyBundle;
use super::believe;
use super::exit::{Exit, Failure};
use super::opinion::Opinion;
use super::out::{Format, Out};
use super::verify;
use crate::verdict;
use crate::verdict::tenant::LogPolicy;

pub fn verify_bundle(asked: &VerifyBundle) -> Result<Exit, Failure> {
    let root = match believe::load_root(asked.trusted_root.as_deref())? {
        Some(root) => root,
        None => believe::shipped_root(asked.staging)?,
    };
    let trusts = match (&asked.key, &asked.certificate_identity, &asked.certificate_oidc_issuer) {
        (Some(path), _, _) => believe::key(path, None, LogPolicy::Proof)?,
        (None, Some(name), Some(issuer)) => vec![believe::identity(name, issuer, LogPolicy::Proof)?],
        _ => return Err(Failure::new(Exit::Usage, "a key, or an identity and its issuer, must be given")),
    };
    let bytes = believe::read_file(&asked.bundle)?;
    let file = believe::artifact(&asked.file)?;
    let stated = verdict::parse_about(&bytes, &file, &[]).ok().and_then(|parsed| parsed.statement.ok());
    let stated = stated.map(|statement| statement.predicate_type);
    let trusts: Vec<_> = trusts.into_iter().map(|trust| believe::of_any_type(trust, stated.as_deref())).collect();
    let opinion = match verify::best(&bytes, &trusts, Some(&root), Some(&file))? {
        Ok((_, opinion)) => opinion,
        Err(reason) => Opinion::refused(reason),
    };
    opinion.show(&Out::new(), Format::Text);
    Ok(opinion.exit())
}
