//! A consumer that is not ours: kcat reads the product from the broker, and needs nothing but the schema.

use std::process::Command;

use attestream::event::Topic;

use super::site::Site;
use crate::broker;
use crate::schemas;

#[test]
fn kcat_reads_the_verified_events_and_each_fits_the_schema() {
    let Some(cluster) = broker::shared() else { return };
    if Command::new("kcat").arg("-V").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "kcat is missing");
        println!("skipped, kcat is missing");
        return;
    }
    let mut site = Site::open(cluster, 2);
    site.feed(20);
    let judgement = site.judge(site.start("one", None), &["one"]);
    let topic = format!("{}{}", site.orders("one", None).prefix, Topic::Verified);
    let output = Command::new("kcat")
        .args(["-C", "-b", cluster.brokers(), "-t", &topic, "-o", "beginning", "-e", "-q"])
        .args(["-X", "isolation.level=read_committed", "-f", "%k %h %s\n"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let verified = judgement.events.values().filter(|event| event.trust.verified).count();
    assert_eq!(text.lines().count(), verified, "each event once, none of them superseded");
    for line in text.lines() {
        let (key, rest) = line.split_once(' ').unwrap();
        let (headers, value) = rest.split_once(' ').unwrap();
        let change = headers.strip_prefix("change=").unwrap();
        let headers = [("change".to_owned(), Some(change.as_bytes().to_vec()))];
        schemas::validate(Topic::Verified, value.as_bytes(), &headers).unwrap();
        assert!(key.starts_with("tenant-"));
    }
}
