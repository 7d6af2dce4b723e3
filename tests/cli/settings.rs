//! Wrong configuration stops the start with the file, the field and what was expected.

use std::fs;

use attestream::settings::{Settings, SettingsError, VARIABLES};

fn load(yaml: &str, environment: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("attestream.yaml");
    fs::write(&path, yaml).unwrap();
    fs::write(folder.path().join("bad-tenant.yaml"), "tenant: acme\nkeys: [{ name: k }]\n").unwrap();
    fs::write(folder.path().join("root.json"), "{}").unwrap();
    Settings::load(Some(&path), |name| environment.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
}

#[test]
fn an_error_names_the_field_and_what_was_expected() {
    let pin = "ab".repeat(32);
    let root = format!("trustRoot: {{ file: root.json, sha256: {pin} }}");
    let gone = format!("trustRoot: {{ file: gone.json, sha256: {pin} }}");
    let cases = [
        ("listne: x", "listne", "expected one of `data`"),
        ("listen: nowhere", "listen", "socket address"),
        ("kafka: { broker: x }", "kafka.broker", "expected one of `brokers`"),
        ("kafka: 3", "kafka", "expected"),
        ("ledger: { partitions: many }", "ledger.partitions", "u32"),
        ("ledger: { partitions: 0 }", "ledger.partitions", "expected 1 to 64, got 0"),
        ("ticks: { intervalMs: 0 }", "ticks.intervalMs", "at least 1"),
        ("ticks: { intervalMs: -5 }", "ticks.intervalMs", "u64"),
        ("snapshots: { keep: 0 }", "snapshots.keep", "at least 1"),
        ("verifier: ' '", "verifier", "the name of this service"),
        ("tenants: acme", "tenants", "expected a sequence"),
        ("tenants: [7]", "tenants[0]", "expected a tenant"),
        ("tenants: [{ tenant: Acme }]", "tenants[0].tenant", "a tenant is 1 to 63"),
        ("tenants: [{ tenant: acme }, { tenant: acme }]", "tenants", "acme twice"),
        ("tenants: [{ tenant: acme, threshold: 2 }]", "tenants", "trust-threshold"),
        (
            "tenants: [{ tenant: acme, keys: [{ name: k, spki: x, algorithm: md5 }] }]",
            "tenants[0].keys[0].algorithm",
            "md5",
        ),
        ("tenants: [{ tenant: acme, keys: [{ name: k, spki: x, algorithm: ed25519 }] }]", "tenants", "at k"),
        ("tenants: [gone.yaml]", "", "gone.yaml"),
        ("tenants: [bad-tenant.yaml]", "keys[0]", "bad-tenant.yaml"),
        ("trustRoot: { file: root.json, sha256: abc }", "trustRoot.sha256", "64 hex digits"),
        (gone.as_str(), "trustRoot.file", "gone.json"),
        (root.as_str(), "", "root.json"),
        ("- a list", "", "expected a mapping"),
        ("a: [", "", "expected YAML"),
        ("data: a\ndata: b", "", "data"),
    ];
    for (yaml, field, expected) in cases {
        let error = load(yaml, &[]).expect_err(yaml);
        assert_eq!(error.field, field, "{yaml}: {error}");
        assert!(error.to_string().contains(expected), "{yaml}: {error}");
        assert!(error.place.ends_with(".yaml") || error.place.ends_with(".json"), "{yaml}: {error}");
    }
}

#[test]
fn the_environment_goes_before_the_file_and_is_named_where_it_is_wrong() {
    let yaml = "kafka: { brokers: 'a:1', properties: { sasl.mechanism: PLAIN } }\nledger: { partitions: 2 }";
    let environment = [
        ("ATTESTREAM_KAFKA_BROKERS", "b:2"),
        ("ATTESTREAM_LEDGER_PARTITIONS", "9"),
        ("ATTESTREAM_KAFKA_SASL_PASSWORD", "secret"),
        ("ATTESTREAM_DATA", "elsewhere"),
        ("ATTESTREAM_OBJECTS", "/shared/objects"),
    ];
    let settings = load(yaml, &environment).unwrap();
    assert_eq!(settings.kafka.brokers.as_deref(), Some("b:2"));
    assert_eq!(settings.ledger.partitions, 9);
    assert_eq!(settings.data, std::path::Path::new("elsewhere"));
    assert_eq!(settings.objects_folder(), std::path::Path::new("/shared/objects"));
    assert_eq!(load("data: here", &[]).unwrap().objects_folder(), std::path::Path::new("here/objects"));
    assert_eq!(settings.kafka.properties["sasl.password"], "secret");
    assert_eq!(settings.kafka.properties["sasl.mechanism"], "PLAIN");
    assert!(!format!("{settings:?}").contains("secret"), "values of properties are never shown");

    let error = load("", &[("ATTESTREAM_SNAPSHOTS_KEEP", "two")]).unwrap_err();
    assert_eq!((error.place.as_str(), error.field.as_str()), ("environment", "ATTESTREAM_SNAPSHOTS_KEEP"));
}

#[test]
fn the_example_says_what_the_defaults_are_and_names_every_variable() {
    let text = include_str!("../../config/attestream.yaml");
    let (example, defaults) = (load(text, &[]).unwrap(), load("", &[]).unwrap());
    let shown = |mut settings: Settings| {
        settings.place.clear();
        format!("{settings:?}")
    };
    assert_eq!(shown(example), shown(defaults));
    for (variable, _) in VARIABLES {
        assert!(text.contains(variable), "{variable}");
    }
}

#[test]
fn what_exactness_depends_on_is_refused_with_file_and_property() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("attestream.yaml");
    fs::write(&path, "kafka: { brokers: 'localhost:1', properties: { isolation.level: read_uncommitted } }").unwrap();
    let (exit, stdout, stderr) = super::process::run(&["up", "--config", path.to_str().unwrap()]);
    assert_eq!((exit, stdout.as_str()), (2, ""));
    for expected in ["attestream.yaml: kafka: ", "isolation.level", "always read_committed"] {
        assert!(stderr.contains(expected), "{expected} in {stderr}");
    }
}
