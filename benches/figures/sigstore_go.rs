//! sigstore-go on the same bundles under the same roots: a small driver of ours in Go, built from its modules.
//!
//! Each round it runs once, on one core, and tells its own processor time. Its own floor, bare verifications by Go's
//! cryptography, is measured in the same run: by it we see whether the peer runs as fast as it is known to.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::Outcome;
use crate::inputs::Inputs;
use crate::keyless::{Bundles, Generation};
use crate::published::Published;
use crate::report::{Report, Unit};
use crate::spent::Spent;

pub const SECTION: &str = "sigstore-go";

/// Its figure of a bare verification.
pub const FLOOR: &str = "sigstore-go: bare P-256 verification by Go";

/// Its figure of what is called so.
pub fn figure(name: &str) -> String {
    format!("sigstore-go: {name}")
}

/// The name of keyed evidence without its predicate read.
pub fn lean(name: &str) -> String {
    format!("{name}, predicate not read")
}

/// The peer, built, and what it will be asked.
pub struct Peer {
    program: PathBuf,
    plan: PathBuf,
    _dir: tempfile::TempDir,
}

/// What the peer tells of a case.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Took {
    name: String,
    count: usize,
    cpu_seconds: f64,
    wall_seconds: f64,
    error: Option<String>,
}

/// Writes what the peer reads.
struct Desk<'a> {
    dir: &'a Path,
    cases: Vec<Value>,
}

impl Peer {
    /// Builds it, and lays out the bundles.
    pub fn prepare(distinct: &[Bundles], keyed: &Inputs, times: usize) -> Outcome<Self> {
        let program = build()?;
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let mut desk = Desk { dir: dir.path(), cases: Vec::new() };
        for generation in Generation::ALL {
            desk.keyless(generation.real(), &Bundles::real(generation), times.div_ceil(4))?;
        }
        for bundles in distinct {
            desk.keyless(bundles.generation.distinct(), bundles, bundles.bundles.len() - 1)?;
        }
        let published = Published::keyed_rekor();
        let pem = [published.key.to_owned()];
        desk.keyed(published.name, published.root, &[published.bundle.as_bytes()], &pem, times.div_ceil(4))?;
        let evidence: Vec<&[u8]> = keyed.evidence().filter_map(|sent| sent.value.as_deref()).collect();
        let keys = keyed.tenants.iter().map(|trust| Ok(trust.keys.first().ok_or("a key")?.spki.clone()));
        let keys: Vec<String> = keys.collect::<Outcome<_>>()?;
        desk.keyed(keyed.scheme.name(), &keyed.root.json, &evidence, &keys, evidence.len())?;
        let plan = dir.path().join("plan.json");
        std::fs::write(&plan, serde_json::to_vec(&json!({ "floor": times, "cases": desk.cases }))?)?;
        Ok(Peer { program, plan, _dir: dir })
    }

    /// One round. What it refuses is skipped, with its words.
    pub fn measure(&self, report: &mut Report) -> Outcome<()> {
        let output = Command::new(&self.program).arg(&self.plan).stdin(Stdio::null()).output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        for took in serde_json::from_slice::<Vec<Took>>(&output.stdout)? {
            let name = if took.name == "floor" { FLOOR.to_owned() } else { figure(&took.name) };
            if let Some(why) = took.error {
                report.skip(&name, &why);
                continue;
            }
            let (cpu, wall) = (Duration::from_secs_f64(took.cpu_seconds), Duration::from_secs_f64(took.wall_seconds));
            report.add(&name, Unit::Record, took.count, Spent { cpu, wall });
        }
        Ok(())
    }
}

impl Desk<'_> {
    fn put(&self, name: &str, bytes: &[u8]) -> Outcome<String> {
        let path = self.dir.join(format!("{}-{name}", self.cases.len()));
        std::fs::write(&path, bytes)?;
        Ok(path.to_str().ok_or("a path of UTF-8")?.to_owned())
    }

    fn keyless(&mut self, name: &str, bundles: &Bundles, times: usize) -> Outcome<()> {
        let root = self.put("root", bundles.root.as_bytes())?;
        let put = bundles.bundles.iter().enumerate().map(|(at, bundle)| self.put(&format!("{at}"), bundle.as_bytes()));
        let paths: Vec<String> = put.collect::<Outcome<_>>()?;
        self.cases.push(json!({ "name": name, "root": root, "bundles": paths, "times": times }));
        Ok(())
    }

    /// Twice: as it comes, and with the predicate left unread, which is an option of the peer's.
    fn keyed(&mut self, name: &str, root: &str, bundles: &[&[u8]], keys: &[String], times: usize) -> Outcome<()> {
        let root = self.put("root", root.as_bytes())?;
        let put = bundles.iter().enumerate().map(|(at, bundle)| self.put(&format!("{at}"), bundle));
        let paths: Vec<String> = put.collect::<Outcome<_>>()?;
        let put = keys.iter().enumerate().map(|(at, key)| self.put(&format!("key-{at}"), key.as_bytes()));
        let keys: Vec<String> = put.collect::<Outcome<_>>()?;
        let case = |name: &str, lean: bool| json!({ "name": name, "root": root, "bundles": paths, "keys": keys, "times": times, "lean": lean });
        let cases = [case(name, false), case(&lean(name), true)];
        self.cases.extend(cases);
        Ok(())
    }
}

/// Builds the driver into the target folder; what is unchanged costs a second.
fn build() -> Outcome<PathBuf> {
    let target = crate::report::folder()?;
    let program = target.parent().ok_or("a target folder")?.join("peers/bin/sigstore-go-peer");
    let output = Command::new("go")
        .args(["build", "-mod=readonly", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/sigstore-go"))
        .stdin(Stdio::null())
        .output()
        .map_err(|problem| format!("there is no Go here: {problem}"))?;
    let said = || format!("the driver was not built: {}", String::from_utf8_lossy(&output.stderr).trim());
    if output.status.success() { Ok(program) } else { Err(said().into()) }
}
