//! Blocking calls of librdkafka's admin client.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, ConfigEntry, ConfigSource, NewPartitions, NewTopic, ResourceSpecifier,
    TopicReplication,
};
use rdkafka::error::KafkaResult;

use crate::log::LogError;

use super::group::Quiet;
use super::manifest::Manifest;
use super::record::raw_number;
use super::{KafkaSettings, error};

const TIMEOUT: Duration = Duration::from_secs(30);

pub(super) struct Admin(AdminClient<Quiet>);

impl Admin {
    pub(super) fn new(settings: &KafkaSettings) -> Result<Self, LogError> {
        settings.admin().create_with_context(Quiet).map(Admin).map_err(|error| error::of("admin client", &error))
    }

    pub(super) fn create(&self, name: &str, manifest: &Manifest) -> Result<(), LogError> {
        let replication = TopicReplication::Fixed(raw_number(manifest.replicas)?);
        let new = NewTopic::new(name, raw_number(manifest.partitions)?, replication);
        let new = manifest.config.iter().fold(new, |new, (key, value)| new.set(key, value));
        answered(name, self.0.create_topics([&new], &options()))
    }

    pub(super) fn grow(&self, name: &str, partitions: u32) -> Result<(), LogError> {
        let count = usize::try_from(partitions).unwrap_or(usize::MAX);
        answered(name, self.0.create_partitions([&NewPartitions::new(name, count)], &options()))
    }

    /// The settings of a topic that are in force.
    pub(super) fn config(&self, name: &str) -> Result<Vec<ConfigEntry>, LogError> {
        let asked = [ResourceSpecifier::Topic(name)];
        let found = block_on(self.0.describe_configs(&asked, &options())).map_err(|error| error::of(name, &error))?;
        match found.into_iter().next() {
            Some(Ok(resource)) => Ok(resource.entries),
            Some(Err(code)) => Err(error::of_code(name, code)),
            None => Err(LogError::Unreachable(format!("{name}: no answer about its settings"))),
        }
    }

    /// Sets what the manifest names. librdkafka's call replaces all settings of a topic, so what an operator has set
    /// besides is sent along.
    pub(super) fn alter(&self, name: &str, manifest: &Manifest) -> Result<(), LogError> {
        let found = self.config(name)?;
        let mut alter = AlterConfig::new(ResourceSpecifier::Topic(name));
        for entry in found.iter().filter(|entry| entry.source == ConfigSource::DynamicTopic) {
            if let Some(value) = &entry.value {
                alter = alter.set(&entry.name, value);
            }
        }
        let alter = manifest.config.iter().fold(alter, |alter, (key, value)| alter.set(key, value));
        let altered = block_on(self.0.alter_configs([&alter], &options())).map_err(|error| error::of(name, &error))?;
        match altered.into_iter().next() {
            Some(Err((_, code))) => Err(error::of_code(name, code)),
            _ => Ok(()),
        }
    }
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(TIMEOUT)).operation_timeout(Some(TIMEOUT))
}

fn answered(
    name: &str,
    answer: impl Future<Output = KafkaResult<Vec<rdkafka::admin::TopicResult>>>,
) -> Result<(), LogError> {
    let results = block_on(answer).map_err(|error| error::of(name, &error))?;
    match results.into_iter().next() {
        Some(Err((_, code))) => Err(error::of_code(name, code)),
        _ => Ok(()),
    }
}

/// librdkafka answers on a thread of its own; this one sleeps until then.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(answer) => return answer,
            Poll::Pending => thread::park(),
        }
    }
}
