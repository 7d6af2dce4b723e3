//! `verify-bundle` and `verify` on the bundles of other clients: the built binary, its exit code and what it says.

use std::path::PathBuf;

use serde_json::Value;

use super::process::run;

fn vectors(file: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(file);
    path.to_str().unwrap().to_owned()
}

/// Who must have signed.
#[derive(Clone, Copy)]
enum By {
    Identity(&'static str, &'static str),
    Key(&'static str),
}

/// Whose trust root.
#[derive(Clone, Copy)]
enum Root {
    Shipped,
    Staging,
    File(&'static str),
}

/// A case in the form of sigstore-conformance: `Ok` is accepted; `Err` is refused, with the gravest code.
struct Case {
    bundle: &'static str,
    by: By,
    root: Root,
    file: &'static str,
    expected: Result<(), &'static str>,
}

const fn case(
    bundle: &'static str,
    by: By,
    root: Root,
    file: &'static str,
    expected: Result<(), &'static str>,
) -> Case {
    Case { bundle, by, root, file, expected }
}

const BEACON: By = By::Identity(
    "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main",
    ACTIONS,
);
const ACTIONS: &str = "https://token.actions.githubusercontent.com";
const GITHUB: &str = "https://github.com/login/oauth";
const GOOGLE: &str = "https://accounts.google.com";
const WILLIAM: By = By::Identity("william@yossarian.net", GITHUB);
const WOLF: By = By::Identity("w.vollprecht@gmail.com", GITHUB);
const BRIAN: By = By::Identity("brian@dehamer.com", GITHUB);
const CONDA: By = By::Identity(
    "https://github.com/prefix-dev/sigstore-example/.github/workflows/action.yaml@refs/heads/main",
    ACTIONS,
);
const WHEEL: By =
    By::Identity("https://github.com/trailofbits/rfc8785.py/.github/workflows/release.yml@refs/tags/v0.1.2", ACTIONS);
const STAGING_CI: By = By::Identity(
    "https://github.com/sigstore/root-signing-staging/.github/workflows/custom-test.yml@refs/heads/main",
    ACTIONS,
);
const ALEXIS: By = By::Identity("alexis.challande@trailofbits.com", GOOGLE);
const MANAGED: By = By::Key("rust/managed-key.pub");
const OTHER_KEY: By = By::Key("go/public-key-validity.pem");
const A_TXT: &str = "files/a.txt";
const A_DIGEST: &str = "sha256:a0cfc71271d6e278e57cd332ff957c3f7043fdda354c4cbb190a30d56efa01bf";
const V3_DIGEST: &str = "sha256:5e6ae9de58c1177bea615b4fcbfb2fd688e8c4b51c2e56b6a38e817833ec24a2";
const REKOR2: Root = Root::File("rust/rekor2-timestamp.trusted_root.json");

/// What each bundle is for is in its name. The last of each group are the same with one thing wrong.
const CASES: &[Case] = &[
    case("rust/cosign-v3-blob.sigstore.json", WOLF, Root::Shipped, "files/cosign-v3-blob.txt", Ok(())),
    case("rust/cosign-v3-blob.sigstore.json", WOLF, Root::Shipped, A_TXT, Err("file-mismatch")),
    case("rust/cosign-v3-blob.sigstore.json", WOLF, Root::Shipped, A_DIGEST, Err("file-mismatch")),
    case(
        "rust/cosign-v3-blob.sigstore.json",
        WILLIAM,
        Root::Shipped,
        "files/cosign-v3-blob.txt",
        Err("identity-mismatch"),
    ),
    case(
        "rust/cosign-v3-blob.sigstore.json",
        By::Identity("w.vollprecht@gmail.com", GOOGLE),
        Root::Shipped,
        "files/cosign-v3-blob.txt",
        Err("identity-mismatch"),
    ),
    case("rust/cosign-v3-blob.sigstore.json", MANAGED, Root::Shipped, "files/cosign-v3-blob.txt", Err("key-unknown")),
    case("rust/cosign-v3-blob.sigstore.json", WOLF, Root::Staging, "files/cosign-v3-blob.txt", Err("log-unknown")),
    case("rust/rekor2-timestamp.sigstore.json", BEACON, REKOR2, A_TXT, Ok(())),
    case("rust/rekor2-timestamp.sigstore.json", BEACON, REKOR2, A_DIGEST, Ok(())),
    case("rust/rekor2-timestamp.sigstore.json", BEACON, Root::Staging, A_TXT, Ok(())),
    case("rust/rekor2-timestamp.sigstore.json", BEACON, Root::Shipped, A_TXT, Err("log-unknown")),
    case(
        "rust/rekor2-timestamp-mismatch.sigstore.json",
        BEACON,
        Root::Staging,
        A_TXT,
        Err("timestamp-imprint-mismatch"),
    ),
    case("rust/managed-key.sigstore.json", MANAGED, Root::Shipped, A_TXT, Ok(())),
    case("rust/managed-key.sigstore.json", MANAGED, Root::Shipped, A_DIGEST, Ok(())),
    case("rust/managed-key.sigstore.json", MANAGED, Root::Shipped, "files/cosign-v3-blob.txt", Err("file-mismatch")),
    case("rust/managed-key.sigstore.json", OTHER_KEY, Root::Shipped, A_TXT, Err("key-unknown")),
    case("rust/managed-key.sigstore.json", BEACON, Root::Shipped, A_TXT, Err("key-unknown")),
    case(
        "go/public-key-validity.sigstore.json",
        OTHER_KEY,
        Root::File("go/public-key-validity.trusted_root.json"),
        "sha256:6ae8a75555209fd6c44157c0aed8016e763ff435a19cf186f76863140143ff72",
        Err("log-required"),
    ),
    case(
        "rust/sct-multi-intermediate.sigstore.json",
        STAGING_CI,
        Root::Staging,
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        Ok(()),
    ),
    case(
        "rust/invalid-ct-key.sigstore.json",
        BEACON,
        Root::File("rust/invalid-ct-key.trusted_root.json"),
        A_TXT,
        Err("certificate-not-logged"),
    ),
    case(
        "rust/conda-attestation.sigstore.json",
        CONDA,
        Root::Shipped,
        "files/signed-package-2.1.0-hb0f4dca_0.conda",
        Ok(()),
    ),
    case("rust/conda-attestation.sigstore.json", CONDA, Root::Shipped, A_TXT, Err("file-mismatch")),
    case(
        "rust/conda-attestation-rekor2.sigstore.json",
        By::Identity("jku@goto.fi", GITHUB),
        Root::Staging,
        "files/signed-package-2.1.0-hb0f4dca_0.conda",
        Ok(()),
    ),
    case("python/a.dsse.staging-rekor-v2.txt.sigstore.json", BEACON, Root::Staging, A_TXT, Ok(())),
    case("python/a.dsse.staging-rekor-v2.txt.sigstore.json", BEACON, Root::Staging, V3_DIGEST, Err("file-mismatch")),
    case("python/bundle_v3.txt.sigstore", WILLIAM, Root::Staging, V3_DIGEST, Ok(())),
    case("python/bundle_v3.txt.sigstore", WILLIAM, Root::Shipped, V3_DIGEST, Err("log-unknown")),
    case(
        "python/bundle_v3_alt.txt.sigstore",
        WILLIAM,
        Root::Staging,
        "sha256:4191e6b4e2b0260e6e297d4797d2a873584965afef021bf22f2bb7bec41102d0",
        Ok(()),
    ),
    case("python/bundle_v3_github.whl.sigstore", WHEEL, Root::Shipped, "files/bundle_v3_github.whl", Ok(())),
    case("python/bundle_v3_github.whl.sigstore", WHEEL, Root::Shipped, A_TXT, Err("file-mismatch")),
    case(
        "python/bundle_cve_2022_36056.txt.sigstore",
        WILLIAM,
        Root::Staging,
        "files/bundle_cve_2022_36056.txt",
        Err("entry-signature-mismatch"),
    ),
    case(
        "python/bundle_v3_no_signed_time.txt.sigstore.json",
        WILLIAM,
        Root::Staging,
        "files/bundle_v3_no_signed_time.txt",
        Err("log-unknown"),
    ),
    case(
        "python/bundle_no_cert_v1.txt.sigstore",
        WILLIAM,
        Root::Staging,
        "files/bundle_no_cert_v1.txt",
        Err("bundle-material"),
    ),
    case(
        "python/bundle_no_log_entry.txt.sigstore",
        By::Identity("alex.cameron@trailofbits.com", GITHUB),
        Root::Staging,
        "files/bundle_no_log_entry.txt",
        Err("identity-mismatch"),
    ),
    // P-384 with SHA-256, as an older client signed: the hash is the curve's own, and no other.
    case(
        "python/bundle_no_checkpoint.txt.sigstore",
        WILLIAM,
        Root::Staging,
        "files/bundle.txt",
        Err("signature-invalid"),
    ),
    case(
        "python/bundle_invalid_version.txt.sigstore",
        WILLIAM,
        Root::Staging,
        "sha256:7a1f2b23ec9add163c6d0bbb454af45e1483b9bec7b72aea1b4fdf0e2f5644f0",
        Err("bundle-media-type"),
    ),
    case(
        "python/Python-3.12.5.tgz.sigstore",
        By::Identity("thomas@python.org", GOOGLE),
        Root::Shipped,
        "sha256:38dc4e2c261d49c661196066edbfb70fdb16be4a79cc8220c224dfeb5636d405",
        Err("file-needed"),
    ),
    case("python/tsa.bundle.many_timestamp.sigstore", ALEXIS, Root::Staging, "files/bundle.txt", Err("evidence-limit")),
    case("go/dsse-2sigs.sigstore.json", BRIAN, Root::Shipped, A_TXT, Err("bundle-signature-count")),
    case("rust/cosign_v3_missing_fields.json", WOLF, Root::Shipped, A_TXT, Err("evidence-field")),
    case("js/bundleV01-dsse-no-proof.sigstore", BRIAN, Root::Shipped, A_TXT, Err("inclusion-proof-missing")),
    case("files/a.txt", WOLF, Root::Shipped, A_TXT, Err("json-syntax")),
];

impl Case {
    fn arguments(&self) -> Vec<String> {
        let path = |file: &str| vectors(&format!("sigstore/{file}"));
        let mut arguments = vec!["verify-bundle".to_owned()];
        if matches!(self.root, Root::Staging) {
            arguments.push("--staging".to_owned());
        }
        arguments.extend(["--bundle".to_owned(), path(self.bundle)]);
        match self.by {
            By::Identity(name, issuer) => arguments
                .extend(["--certificate-identity", name, "--certificate-oidc-issuer", issuer].map(str::to_owned)),
            By::Key(key) => arguments.extend(["--key".to_owned(), path(key)]),
        }
        if let Root::File(file) = self.root {
            arguments.extend(["--trusted-root".to_owned(), path(file)]);
        }
        let is_digest = self.file.starts_with("sha256:");
        arguments.push(if is_digest { self.file.to_owned() } else { path(self.file) });
        arguments
    }
}

#[test]
fn verify_bundle_answers_each_bundle_of_other_clients() {
    let mut wrong = Vec::new();
    for case in CASES {
        let arguments = case.arguments();
        let (exit, stdout, stderr) = run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        let first = stdout.lines().next().unwrap_or_default();
        let said = match case.expected {
            Ok(()) => exit == 0 && first == "verified",
            Err(code) => exit == 1 && first.split([' ', ',']).nth(1) == Some(code),
        };
        if !said {
            wrong.push(format!("{} of {}, {:?}: exit {exit}, {stdout}{stderr}", case.bundle, case.file, case.expected));
        }
    }
    let accepted = CASES.iter().filter(|case| case.expected.is_ok()).count();
    println!("verify-bundle: {} cases, {accepted} expected to be accepted, {} wrong", CASES.len(), wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Reads `verify … --format json` on a file of the cosign set.
fn verify(bundle: &str, more: &[&str]) -> (i32, Value) {
    let bundle = vectors(&format!("cosign/{bundle}"));
    let mut arguments = vec!["verify", "--bundle", &bundle, "--format", "json"];
    arguments.extend(more);
    let (exit, stdout, stderr) = run(&arguments);
    (exit, serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{arguments:?}: {stdout}{stderr}")))
}

#[test]
fn verify_by_key_identity_file_and_document() {
    let path = |file: &str| vectors(&format!("cosign/{file}"));
    let (root, key) = (path("config/trusted-root-local.json"), path("keys/ecdsa-p256.pub"));
    let (blob, tampered) = (path("blobs/orders-api-1.4.2.tar.gz"), path("blobs/tampered-orders-api-1.4.2.tar.gz"));
    let (sbom, vex) = (path("blobs/orders-api-1.4.2.cdx.json"), path("blobs/orders-api-1.4.2.openvex.json"));
    let (ed25519, rsa) = (path("keys/ed25519.pub"), path("keys/rsa-2048.pub"));
    let (dsse, entry) = ("rekor-cli/dsse-0.0.1.slsa-v1.dsse.json", path("rekor-cli/dsse-0.0.1.slsa-v1.entry.json"));
    let other = path("rekor-cli/dsse-0.0.1.slsa-v1.entry.json");
    let mail = ["--certificate-identity", "releaser@example.com"];
    let issuer = ["--certificate-oidc-issuer", "http://127.0.0.1:8888/email"];
    let by_mail = [&mail[..], &issuer, &["--root", &root]].concat();
    let cases: &[(&str, Vec<&str>, i32, &str)] = &[
        ("keyed-log/rekor1.cyclonedx-1.6", vec!["--key", &key, "--root", &root], 0, ""),
        ("keyed-log/rekor1.cyclonedx-1.6", vec!["--key", &key, "--root", &root, "--file", &blob], 0, ""),
        (
            "keyed-log/rekor1.cyclonedx-1.6",
            vec!["--key", &key, "--root", &root, "--file", &tampered],
            1,
            "file-mismatch",
        ),
        ("keyed-log/rekor1.cyclonedx-1.6", vec!["--key", &key, "--root", &root, "--document", &sbom], 0, ""),
        (
            "keyed-log/rekor1.cyclonedx-1.6",
            vec!["--key", &key, "--root", &root, "--document", &vex],
            1,
            "document-unbound",
        ),
        ("keyed-log/rekor1.cyclonedx-1.6", vec!["--key", &key], 1, "trust-root-missing"),
        ("keyed-log/rekor1.cyclonedx-1.6", vec!["--key", &rsa, "--root", &root], 1, "key-unknown"),
        ("keyed/cyclonedx-1.6", vec!["--key", &key], 0, ""),
        ("keyed/cyclonedx-1.6", vec!["--key", &key, "--root", &root], 1, "log-required"),
        ("keyed/cyclonedx-1.6", vec!["--key", &key, "--root", &root, "--log", "none"], 0, ""),
        ("keyed/cyclonedx-1.6.ed25519", vec!["--key", &ed25519], 0, ""),
        ("keyed/cyclonedx-1.6.ed25519", vec!["--key", &ed25519, "--key-algorithm", "ed25519"], 1, "signature-invalid"),
        ("keyed/cyclonedx-1.6.rsa-2048", vec!["--key", &rsa], 0, ""),
        (
            "keyed/cyclonedx-1.6.rsa-2048",
            vec!["--key", &rsa, "--key-algorithm", "rsa-pss-sha256"],
            1,
            "signature-invalid",
        ),
        ("altered/rekor1.no-proof-declared-v0.1", vec!["--key", &key, "--root", &root], 1, "inclusion-proof-missing"),
        ("altered/rekor1.no-proof-declared-v0.1", vec!["--key", &key, "--root", &root, "--log", "promise"], 0, ""),
        ("keyless/email.rekor1.cyclonedx-1.6", by_mail.clone(), 0, ""),
        ("keyless/email.rekor1.cyclonedx-1.6", [&mail[..], &issuer].concat(), 1, "log-unknown"),
        ("keyless/ci.rekor1.openvex", by_mail, 1, "identity-mismatch"),
        // A message signature is about its file, and evidence of nothing without it.
        ("message-signature/ecdsa-p256", vec!["--key", &key, "--file", &blob], 0, ""),
        ("message-signature/ecdsa-p256", vec!["--key", &key, "--file", &tampered], 1, "file-mismatch"),
        ("message-signature/ecdsa-p256", vec!["--key", &key], 1, "no-envelope"),
        ("message-signature/ed25519", vec!["--key", &ed25519, "--file", &blob], 0, ""),
        ("message-signature/ed25519", vec!["--key", &ed25519, "--file", &tampered], 1, "signature-invalid"),
        ("message-signature/rsa-2048", vec!["--key", &rsa, "--file", &blob], 0, ""),
        (dsse, vec!["--key", &key, "--root", &root, "--entry", &entry], 0, ""),
        ("legacy/vuln.dsse.json", vec!["--key", &key, "--root", &root, "--entry", &other], 1, "entry-payload-mismatch"),
        (dsse, vec!["--key", &key], 0, ""),
    ];
    for (bundle, more, code, reason) in cases {
        let bundle = if bundle.ends_with(".json") { (*bundle).to_owned() } else { format!("{bundle}.sigstore.json") };
        let (exit, answer) = verify(&bundle, more);
        let reasons = answer["reasons"].as_array().unwrap();
        let fits = if reason.is_empty() { reasons.is_empty() } else { reasons.iter().any(|of| of == reason) };
        assert!(exit == *code && fits, "{bundle} {more:?}: exit {exit}, {answer}");
    }
}

#[test]
fn an_answer_names_what_was_checked_and_what_was_not() {
    let (root, key) = (vectors("cosign/config/trusted-root-local.json"), vectors("cosign/keys/ecdsa-p256.pub"));
    let blob = vectors("cosign/blobs/orders-api-1.4.2.tar.gz");
    let bundle = "keyed-log/rekor1.cyclonedx-1.6.sigstore.json";
    let (_, answer) = verify(bundle, &["--key", &key, "--root", &root, "--file", &blob]);
    let names = |of: &Value, name: &str| {
        of.as_array().unwrap().iter().any(|one| one == name || (one["check"] == name && one["outcome"] == "pass"))
    };
    for checked in ["key", "signature", "threshold", "statement", "log-entry", "inclusion-proof", "checkpoint", "file"]
    {
        assert!(names(&answer["checks"], checked) && !names(&answer["notChecked"], checked), "{checked}: {answer}");
    }
    for not in ["certificate", "timestamp", "witnesses", "age", "document"] {
        assert!(names(&answer["notChecked"], not) && !names(&answer["checks"], not), "{not}: {answer}");
    }
    let (_, stdout, _) = run(&["verify", "--key", &key, "--bundle", &vectors(&format!("cosign/{bundle}"))]);
    assert!(stdout.starts_with("failed trust-root-missing") || stdout.contains("trust-root-missing"), "{stdout}");
    assert!(stdout.contains("not checked: "), "{stdout}");
}

#[test]
fn there_is_an_exit_code_for_each_way_to_end() {
    let key = vectors("sigstore/rust/managed-key.pub");
    let bundle = vectors("sigstore/rust/managed-key.sigstore.json");
    let (file, sbom) = (vectors("sigstore/files/a.txt"), vectors("cosign/blobs/orders-api-1.4.2.cdx.json"));
    let cases: &[(&[&str], i32)] = &[
        (&["verify-bundle", "--bundle", &bundle, "--key", &key, &file], 0),
        (&["verify-bundle", "--bundle", &bundle, "--key", &key, &sbom], 1),
        (&["verify-bundle", "--bundle", &bundle, "--key", &key], 2),
        (&["verify-bundle", "--bundle", &bundle, &file], 2),
        (&["verify-bundle", "--bundle", &bundle, "--certificate-identity", "a@example.com", &file], 2),
        (&["verify-bundle", "--bundle", &bundle, "--certificate-oidc-issuer", "https://x", "--key", &key, &file], 2),
        (&["verify-bundle", "--bundle", &bundle, "--key", &bundle, &file], 2),
        (&["verify-bundle", "--bundle", &sbom, "--key", &key, &file], 3),
        (&["verify-bundle", "--bundle", &bundle, "--key", &key, "/nonexistent"], 4),
        (&["verify-bundle", "--bundle", "/nonexistent", "--key", &key, &file], 4),
        (&["verify-bundle", "--bundle", &bundle, "--key", "/nonexistent", &file], 4),
        (&["verify-bundle", "--bundle", &bundle, "--key", &key, "--trusted-root", "/nonexistent", &file], 4),
        (&["verify", "--bundle", &sbom, "--key", &key], 3),
        (&["verify", "--bundle", &bundle, "--key", &key, "--certificate-identity", "x"], 2),
    ];
    for (arguments, expected) in cases {
        let (exit, stdout, stderr) = run(arguments);
        assert_eq!(exit, *expected, "{arguments:?}: {stdout}{stderr}");
    }
}

/// Who stops reading early and asks for the exit code must not be told yes.
#[test]
fn a_refusal_stays_one_when_nobody_reads_it() {
    let key = vectors("sigstore/go/public-key-validity.pem");
    let (bundle, file) = (vectors("sigstore/rust/managed-key.sigstore.json"), vectors("sigstore/files/a.txt"));
    let arguments = ["verify-bundle", "--bundle", &bundle, "--key", &key, &file];
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = super::process::command(&arguments).stdout(writer).status().unwrap();
    assert_eq!(status.code(), Some(1));
}
