//! `attestream publish`: files as records, a line per file and a summary.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::args::Publish;
use super::client::Client;
use super::cluster::{APPLICATION, in_force, reach};
use super::exit::{Exit, Failure};
use super::out::{Colour, Format, Out, tame};
use crate::event::topic::TopicRole;
use crate::event::{Digest, Tenant, Topic, TopicName, limits};
use crate::formats::arrival::topic_of;
use crate::formats::subjects;
use crate::kafka::{KafkaLog, KafkaOutlet};
use crate::log::{Log as _, Outgoing, Outlet as _};

/// Files and bytes of one transaction.
const BATCH: usize = 200;
const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// A file, and what it is as a record.
struct Item {
    path: PathBuf,
    topic: TopicName,
    key: String,
    value: Vec<u8>,
    digest: Digest,
}

enum Outcome {
    Published,
    /// Found in a folder, and none of ours.
    Skipped(String),
    Failed(String),
}

#[derive(Default)]
struct Tally {
    published: u64,
    skipped: u64,
    failed: u64,
}

enum Sink {
    Server(Client),
    Cluster(Box<KafkaOutlet>),
}

struct Publisher<'a> {
    out: Out,
    format: Format,
    tenant: &'a Tenant,
    topic: Option<TopicName>,
    /// Where content decides the topic: the tenant's own of it.
    own: bool,
    sink: Sink,
    waiting: Vec<Item>,
    waiting_bytes: usize,
    tally: Tally,
}

pub fn publish(asked: &Publish) -> Result<Exit, Failure> {
    let usage = |message: String| Failure::new(Exit::Usage, message);
    let tenant =
        Tenant::new(&asked.tenant).map_err(|error| usage(format!("--tenant: {error}, got {:?}", asked.tenant)))?;
    let topic = asked.topic.as_deref().map(|name| input(name, &tenant)).transpose()?;
    let mut files = Vec::new();
    for path in &asked.paths {
        collect(path, true, &mut files)?;
    }
    let (_, kafka) = reach(&asked.reached)?;
    let (sink, own) = match kafka {
        Some(log) => {
            let table = in_force(&log)?;
            let own = table.document(&tenant).is_some_and(|entry| !entry.topics.has_shared_inputs());
            (Sink::Cluster(Box::new(open(&log)?)), own)
        }
        None => (Sink::Server(Client::new(&asked.reached.server)?), false),
    };
    let (out, format) = (Out::new(), asked.format);
    let (waiting, tally) = (Vec::new(), Tally::default());
    let mut publisher = Publisher { out, format, tenant: &tenant, topic, own, sink, waiting, waiting_bytes: 0, tally };
    for (path, named) in files {
        publisher.file(path, named)?;
    }
    publisher.flush()?;
    Ok(publisher.finish())
}

fn open(log: &KafkaLog) -> Result<KafkaOutlet, Failure> {
    // Several may publish at once: each has an id of its own.
    Ok(log.outlet(&format!("{APPLICATION}-publish-{}", ulid::Ulid::generate()))?)
}

/// A topic that producers write.
fn input(name: &str, tenant: &Tenant) -> Result<TopicName, Failure> {
    let open = |topic: &Topic| topic.role() == TopicRole::Input || *topic == Topic::AttestationBackfill;
    let inputs: Vec<&str> = Topic::ALL.iter().filter(|topic| open(topic)).map(|topic| topic.name()).collect();
    let expected = || {
        Failure::new(
            Exit::Usage,
            format!("--topic: expected one of {}, or {tenant}'s own of one, got {name:?}", inputs.join(", ")),
        )
    };
    let (owner, topic) = TopicName::split(name).filter(|(_, topic)| open(topic)).ok_or_else(expected)?;
    match owner {
        None => Ok(topic.into()),
        Some(owner) if owner == *tenant => Ok(TopicName::own(tenant, topic)),
        Some(_) => Err(expected()),
    }
}

/// Files in a stable order; `named` were given themselves.
fn collect(path: &Path, named: bool, files: &mut Vec<(PathBuf, bool)>) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::io(format!("{}: {error}", path.display()));
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        files.push((path.to_owned(), named));
        return Ok(());
    }
    let mut below = BTreeSet::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        // Links inside a folder may lead around in circles.
        if !entry.file_type().map_err(failed)?.is_symlink() {
            below.insert(entry.path());
        }
    }
    below.iter().try_for_each(|path| collect(path, false, files))
}

impl Publisher<'_> {
    fn file(&mut self, path: PathBuf, named: bool) -> Result<(), Failure> {
        match self.item(&path, named) {
            Err(outcome) => self.report(&path, None, &outcome),
            Ok(item) if item.value.len() + item.key.len() + limits::FRAME_MAX > limits::MESSAGE_MAX => {
                self.report(&path, Some(&item), &Outcome::Failed("record-too-large".to_owned()));
            }
            Ok(item) => {
                self.waiting_bytes += item.value.len();
                self.waiting.push(item);
            }
        }
        let alone = matches!(self.sink, Sink::Server(_));
        if alone || self.waiting.len() >= BATCH || self.waiting_bytes >= BATCH_BYTES { self.flush() } else { Ok(()) }
    }

    /// What a file is as a record, or why it is none.
    fn item(&self, path: &Path, named: bool) -> Result<Item, Outcome> {
        let value = fs::read(path).map_err(|error| Outcome::Failed(format!("unreadable: {error}")))?;
        let of_content = |error: crate::formats::FormatError| match named {
            true => Outcome::Failed(error.to_string()),
            false => Outcome::Skipped(error.to_string()),
        };
        let topic = match self.topic {
            Some(topic) => topic,
            None => self.own_or_shared(topic_of(&value).map_err(of_content)?),
        };
        let digest = Digest::of(&value);
        let key = format!("{}/{}", self.tenant, name(path, digest));
        Ok(Item { path: path.to_owned(), topic, key, value, digest })
    }

    fn own_or_shared(&self, topic: Topic) -> TopicName {
        if self.own { TopicName::own(self.tenant, topic) } else { topic.into() }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        let mut items = std::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        if items.is_empty() {
            return Ok(());
        }
        let tenant = self.tenant.as_str();
        let mut outcomes = Vec::with_capacity(items.len());
        match &mut self.sink {
            Sink::Cluster(outlet) => {
                outlet.begin()?;
                for item in &items {
                    outlet.append(outgoing(item))?;
                }
                outlet.commit()?;
                outcomes.extend(items.iter().map(|_| Outcome::Published));
            }
            Sink::Server(client) => {
                for item in &mut items {
                    let key = item.key.strip_prefix(tenant).and_then(|key| key.strip_prefix('/')).unwrap_or_default();
                    let mut sent = client.publish(item.topic, tenant, key, &item.value)?;
                    // Only the server knows whether the tenant has topics of its own; it says so once.
                    let misled = sent.as_ref().is_err_and(|refused| refused.code == "tenant-mismatch");
                    if misled && self.topic.is_none() && !self.own {
                        self.own = true;
                        item.topic = TopicName::own(self.tenant, item.topic.topic);
                        sent = client.publish(item.topic, tenant, key, &item.value)?;
                    }
                    outcomes.push(match sent {
                        Ok(()) => Outcome::Published,
                        Err(refused) if refused.is_passing() => return Err(refused.into()),
                        Err(refused) => Outcome::Failed(format!("{}: {}", refused.code, refused.detail)),
                    });
                }
            }
        }
        for (item, outcome) in items.iter().zip(outcomes) {
            self.report(&item.path, Some(item), &outcome);
        }
        Ok(())
    }

    fn report(&mut self, path: &Path, item: Option<&Item>, outcome: &Outcome) {
        let (word, colour, why) = match outcome {
            Outcome::Published => ("published", Colour::Green, None),
            Outcome::Skipped(why) => ("skipped", Colour::Dim, Some(why)),
            Outcome::Failed(why) => ("failed", Colour::Red, Some(why)),
        };
        match outcome {
            Outcome::Published => self.tally.published += 1,
            Outcome::Skipped(_) => self.tally.skipped += 1,
            Outcome::Failed(_) => self.tally.failed += 1,
        }
        let topic = item.map(|item| item.topic.to_string());
        match self.format {
            Format::Json => {
                let (key, digest) = (item.map(|item| &item.key), item.map(|item| item.digest));
                let path = path.display().to_string();
                self.out.line(
                    json!({ "path": path, "outcome": word, "topic": topic, "key": key, "digest": digest, "why": why }),
                );
            }
            Format::Text => {
                let what = topic.as_deref().or(why.map(String::as_str)).unwrap_or_default();
                let why = if topic.is_some() { why.map(String::as_str).unwrap_or_default() } else { "" };
                let path = tame(&path.display().to_string());
                self.out.line(format!("{}  {path}  {what}  {why}", self.out.paint(colour, word)).trim_end());
            }
        }
    }

    fn finish(self) -> Exit {
        let Tally { published, skipped, failed } = self.tally;
        match self.format {
            Format::Json => {
                self.out.line(json!({ "summary": { "published": published, "skipped": skipped, "failed": failed } }));
            }
            Format::Text => {
                let summary = format!("{published} published, {skipped} skipped, {failed} failed");
                self.out.line(self.out.paint(Colour::Bold, &summary));
            }
        }
        match (published, failed) {
            (_, 1..) => Exit::Failed,
            (0, _) => Exit::Indeterminate,
            _ => Exit::Done,
        }
    }
}

/// The key below the tenant: the file's name, which is for people. One that reads as a subject, or that no header can
/// carry, would say more or less than it means; the digest stands in, as `file-…`, which is no subject.
fn name(path: &Path, digest: Digest) -> String {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic());
    if plain && subjects::from_text(name) == Ok(None) { name.to_owned() } else { format!("file-{}", digest.hex()) }
}

fn outgoing(item: &Item) -> Outgoing {
    Outgoing {
        topic: item.topic.topic,
        owner: item.topic.owner,
        partition: None,
        key: Some(item.key.clone().into_bytes()),
        value: Some(item.value.clone()),
        headers: Vec::new(),
    }
}
