//! Commands that need no process and no network.

use std::fs;
use std::path::Path;

use attestream::event::{Digest, Millis, Subject, SubjectDigests};
use attestream::signing::{Authority, Order, Predicate, Wrong};
use serde_json::{Value, json};

use super::process::run;

fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

fn bundle(authority: &mut Authority, start: Millis, wrong: Option<Wrong>) -> Vec<u8> {
    let digest = SubjectDigests { sha256: Some(Digest::of(b"image").hex()), ..SubjectDigests::default() };
    let subject = Subject { digest, name: Some("image".into()), ..Subject::default() };
    let predicate = json!({ "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1 });
    let order = Order {
        subjects: std::slice::from_ref(&subject),
        predicate: Predicate::Document { predicate_type: "https://cyclonedx.org/bom", document: &predicate },
        at: start.plus(60_000),
        logged: true,
        wrong,
    };
    authority.attest(&order).unwrap().bytes
}

#[test]
fn the_exit_code_of_verify_is_the_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let start = Millis(1_750_000_000_000);
    let mut authority = Authority::new("acme", 7, start).unwrap();
    let key = write(folder.path(), "key.pem", authority.signer().public_pem());
    let root = write(folder.path(), "trusted_root.json", authority.trust_root());
    let trust = write(folder.path(), "acme.yaml", authority.tenant_trust("acme", "proof").to_string());
    let cases = [
        (None, 0, "verified"),
        (Some(Wrong::TamperedPayload), 1, "signature-invalid"),
        (Some(Wrong::WrongKey), 1, "key-unknown"),
        (Some(Wrong::Unsigned), 1, "envelope-unsigned"),
        (Some(Wrong::CheckpointForged), 1, "checkpoint-signature-invalid"),
    ];
    for (wrong, code, word) in cases {
        let file = write(folder.path(), "bundle.json", bundle(&mut authority, start, wrong));
        for by in [["--key", key.as_str()], ["--trust", trust.as_str()]] {
            let arguments = ["verify", by[0], by[1], "--root", &root, "--bundle", &file, "--format", "json"];
            let (exit, stdout, stderr) = run(&arguments);
            assert_eq!(exit, code, "{wrong:?} {by:?}: {stdout}{stderr}");
            let answer: Value = serde_json::from_str(&stdout).unwrap();
            let said = [answer["status"].clone(), answer["reasons"].clone()];
            assert!(Value::from(said.to_vec()).to_string().contains(word), "{wrong:?}: {stdout}");
        }
    }
}

#[test]
fn trust_check_names_the_key_that_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("acme", 7, Millis(1_750_000_000_000)).unwrap();
    let pem = authority.signer().public_pem();
    let root = write(folder.path(), "trusted_root.json", authority.trust_root());
    let good = write(folder.path(), "good.yaml", authority.tenant_trust("acme", "proof").to_string());
    assert_eq!(run(&["trust", "check", &good]).0, 0);
    assert_eq!(run(&["trust", "check", &root]).0, 0);
    let broken = write(folder.path(), "broken.json", &authority.trust_root()[..200]);
    assert_ne!(run(&["trust", "check", &broken]).0, 0);

    let key = |name: &str, spki: &str, algorithm: &str| json!({ "name": name, "spki": spki, "algorithm": algorithm });
    let keys =
        [key("right", &pem, "ed25519"), key("garbled", "no pem", "ed25519"), key("other", &pem, "ecdsa-p256-sha256")];
    let several = json!([{ "tenant": "acme", "keys": keys }, { "tenant": "0.system" }, { "tenant": "fine" }]);
    let file = write(folder.path(), "several.yaml", several.to_string());
    let (exit, stdout, _) = run(&["trust", "check", &file]);
    assert_eq!(exit, 1, "{stdout}");
    for expected in ["garbled", "other", "0.system", "fine"] {
        assert!(stdout.contains(expected), "{expected} in {stdout}");
    }
    assert!(!stdout.contains("at right"), "{stdout}");

    let (exit, _, stderr) = run(&["trust", "check", &write(folder.path(), "x.yaml", "tenant: acme\nkeyz: []")]);
    assert_eq!(exit, 2);
    assert!(stderr.contains("x.yaml") && stderr.contains("keyz"), "{stderr}");
    assert_eq!(run(&["trust", "check", "/nonexistent/file"]).0, 4);
}

#[test]
fn mistakes_on_the_command_line_are_usage() {
    for arguments in [
        &["publish"][..],
        &["publish", "--tenant", "Acme", "."],
        &["publish", "--tenant", "acme", "--topic", "attestream.ledger", "."],
        &["publish", "--tenant", "acme", "--server", "https://x", "Cargo.toml"],
        &["tail", "no.such.topic"],
        &["up", "--exit"],
        &["up", "--demo", "--brokers", "x:1"],
        &["run", "--role", "all", "--brokers", "x:1"],
        &["run", "--role", "all", "--instance", "a"],
        &["topics", "plan"],
        &["verify", "--bundle", "x"],
        &["nothing"],
    ] {
        let (exit, stdout, stderr) = run(arguments);
        assert_eq!(exit, 2, "{arguments:?}: {stdout}{stderr}");
        assert!(stdout.is_empty() && !stderr.is_empty(), "{arguments:?}: {stdout}");
    }
    assert_eq!(run(&["--help"]).0, 0);
    let (exit, stdout, _) = run(&["topics", "export"]);
    assert_eq!((exit, stdout.matches("kind: KafkaTopic").count()), (0, attestream::event::Topic::ALL.len()));
}
