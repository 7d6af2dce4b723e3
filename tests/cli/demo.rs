//! The demo, and the demo again.

use super::process::{Running, run};

#[test]
fn the_demo_balances_and_a_second_start_repeats_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("demo");
    let arguments = ["up", "--demo", "--exit", "--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"];
    let (exit, first, stderr) = run(&arguments);
    assert_eq!(exit, 0, "{first}{stderr}");
    let codes = [
        "signature-invalid",
        "key-unknown",
        "document-unbound",
        "tenant-unknown",
        "json-syntax",
        "json-not-utf8",
        "envelope-unsigned",
        "inclusion-proof-invalid",
        "repeated",
        "answer  → verified",
        "the table balances",
        "attestream publish --tenant acme",
    ];
    for code in codes {
        assert!(first.contains(code), "{code} in {first}");
    }
    assert!(!first.contains('\u{1b}'), "colour is for terminals");

    let (exit, second, stderr) = run(&arguments);
    assert_eq!(exit, 0, "{second}{stderr}");
    assert!(second.contains("nothing is repeated"), "{second}");
    let table = |text: &str| {
        let counted = |line: &&str| line.contains(" records") || line.contains(" in = ");
        text.lines().filter(counted).map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(!table(&first).is_empty());
    assert_eq!(table(&first), table(&second));

    // A ledger that no demo began is left alone.
    let other = folder.path().join("other");
    let running = Running::up(&other, &[]);
    running.until_ready();
    assert_eq!(running.stop(), 0);
    let (exit, _, stderr) = run(&["up", "--demo", "--exit", "--data", other.to_str().unwrap()]);
    assert_eq!(exit, 2);
    assert!(stderr.contains("no demo began"), "{stderr}");
}
