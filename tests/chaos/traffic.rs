//! Live traffic: the tenants' producers go on sending while things break.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use attestream::kafka::KafkaLog;
use attestream::log::{Log as _, LogError, Outgoing, Outlet as _};

use super::site::Site;
use crate::spine::feed::{Made, Producer};

/// How long a producer tries to send.
const PATIENCE: Duration = Duration::from_secs(180);

/// A thread that sends for every tenant of a site, until it is ended.
pub struct Traffic {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    thread: JoinHandle<(Vec<Producer>, Vec<Vec<Made>>)>,
}

impl Traffic {
    /// Takes the site's producers; one document of each per `pace`.
    pub fn start(site: &mut Site, pace: Duration) -> Traffic {
        let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let mut producers = std::mem::take(&mut site.producers);
        let mut made = std::mem::take(&mut site.made);
        let (log, ended, count) = (site.log.clone(), Arc::clone(&stop), Arc::clone(&sent));
        let thread = std::thread::spawn(move || {
            let mut round = 0u64;
            while !ended.load(Ordering::Acquire) {
                round += 1;
                let mut inputs = Vec::new();
                for (producer, made) in producers.iter_mut().zip(&mut made) {
                    let mut next = producer.next();
                    inputs.extend(next.send());
                    made.push(next);
                    if round % 17 == 3 {
                        inputs.extend(producer.garbage());
                    }
                }
                let records = u64::try_from(inputs.len()).unwrap();
                send_surely(&log, "traffic", &inputs);
                count.fetch_add(records, Ordering::AcqRel);
                std::thread::park_timeout(pace);
            }
            (producers, made)
        });
        Traffic { stop, sent, thread }
    }

    /// Records sent so far.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Acquire)
    }

    /// Gives the producers back.
    pub fn end(self, site: &mut Site) {
        self.stop.store(true, Ordering::Release);
        (site.producers, site.made) = self.thread.join().unwrap();
    }
}

/// Sends until it is certain that these inputs are there: where the outcome was unknown, they may be there twice, as any
/// producer's are.
pub fn send_surely(log: &KafkaLog, producer: &str, inputs: &[Outgoing]) {
    let begun = Instant::now();
    while let Err(error) = send(log, producer, inputs) {
        assert!(begun.elapsed() < PATIENCE, "nothing can be sent: {error}");
        std::thread::park_timeout(Duration::from_millis(200));
    }
}

fn send(log: &KafkaLog, producer: &str, inputs: &[Outgoing]) -> Result<(), LogError> {
    let mut outlet = log.outlet(producer)?;
    outlet.begin()?;
    for input in inputs {
        outlet.append(input.clone())?;
    }
    outlet.commit()
}
