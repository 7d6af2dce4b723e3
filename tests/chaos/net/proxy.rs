//! A TCP proxy in front of each broker, which can cut, stall, silence and half-close what goes through it.
//!
//! What it holds back lies in the kernel's buffers and arrives when it heals: requests that are late by seconds, as a
//! network delivers them too.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use crate::broker::Cluster;

/// What a proxy does to what goes through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Manner {
    /// Carries.
    Open,
    /// Ends every connection and every new one.
    Cut,
    /// Carries nothing either way; connections stay.
    Stalled,
    /// Carries requests and holds back the answers: what was done is not known.
    Silent,
    /// Carries requests, and has told clients that no answer will ever come.
    HalfClosed,
}

impl Manner {
    pub const FAULTS: [Manner; 4] = [Manner::Cut, Manner::Stalled, Manner::Silent, Manner::HalfClosed];

    fn of(number: u8) -> Manner {
        Self::FAULTS.into_iter().find(|manner| *manner as u8 == number).unwrap_or(Manner::Open)
    }
}

/// How often a connection looks at what its proxy is to do.
const GLANCE: Duration = Duration::from_millis(10);

struct Gate {
    manner: AtomicU8,
    /// Counts the cuts: a connection of an earlier one is over.
    cuts: AtomicU64,
    closed: AtomicBool,
}

impl Gate {
    fn manner(&self) -> Manner {
        Manner::of(self.manner.load(Ordering::Acquire))
    }

    fn is_over(&self, born: u64) -> bool {
        self.closed.load(Ordering::Acquire) || self.cuts.load(Ordering::Acquire) != born
    }
}

/// One proxy per broker.
pub struct Proxies {
    gates: Vec<Arc<Gate>>,
}

impl Proxies {
    pub fn before(cluster: &Cluster) -> Proxies {
        let gates = (1..=cluster.nodes()).map(|node| {
            let (at, to) = cluster.proxied(node);
            let gate = Gate { manner: AtomicU8::new(0), cuts: AtomicU64::new(0), closed: AtomicBool::new(false) };
            let gate = Arc::new(gate);
            let listener = TcpListener::bind(("127.0.0.1", at)).unwrap();
            listener.set_nonblocking(true).unwrap();
            let own = Arc::clone(&gate);
            std::thread::spawn(move || accept(&listener, to, &own));
            gate
        });
        Proxies { gates: gates.collect() }
    }

    /// To one node, or to all (`None`).
    pub fn set(&self, node: Option<u32>, manner: Manner) {
        for (at, gate) in (1u32..).zip(&self.gates) {
            if node.is_none_or(|node| node == at) {
                gate.manner.store(manner as u8, Ordering::Release);
                if manner == Manner::Cut {
                    gate.cuts.fetch_add(1, Ordering::AcqRel);
                }
            }
        }
    }

    /// Ends every connection that is open, at once, and lets new ones in.
    pub fn reset(&self) {
        self.set(None, Manner::Cut);
        self.set(None, Manner::Open);
    }
}

impl Drop for Proxies {
    fn drop(&mut self) {
        for gate in &self.gates {
            gate.closed.store(true, Ordering::Release);
        }
    }
}

fn accept(listener: &TcpListener, to: u16, gate: &Arc<Gate>) {
    while !gate.closed.load(Ordering::Acquire) {
        let born = gate.cuts.load(Ordering::Acquire);
        let Ok((client, _)) = listener.accept() else {
            std::thread::park_timeout(GLANCE);
            continue;
        };
        if gate.manner() == Manner::Cut {
            continue;
        }
        // A broker that is down refuses, and so does its proxy.
        if let Ok(broker) = TcpStream::connect(("127.0.0.1", to)) {
            carry(&client, &broker, gate, born);
        }
    }
}

fn carry(client: &TcpStream, broker: &TcpStream, gate: &Arc<Gate>, born: u64) {
    for stream in [client, broker] {
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(GLANCE)).unwrap();
        // A peer that is asleep reads nothing: its proxy must not wait for it for ever.
        stream.set_write_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.set_nodelay(true).unwrap();
    }
    for (from, to, answers) in [(client, broker, false), (broker, client, true)] {
        let (from, to, gate) = (from.try_clone().unwrap(), to.try_clone().unwrap(), Arc::clone(gate));
        std::thread::spawn(move || {
            pump(&from, &to, &gate, born, answers);
            // A side that has only said its last word may still be answered.
            let how = if gate.is_over(born) || answers { Shutdown::Both } else { Shutdown::Write };
            drop(to.shutdown(how));
            if how == Shutdown::Both {
                drop(from.shutdown(how));
            }
        });
    }
}

/// One direction of one connection, until it ends.
fn pump(mut from: &TcpStream, mut to: &TcpStream, gate: &Gate, born: u64, answers: bool) {
    let mut bytes = vec![0; 64 * 1024];
    let mut told = false;
    while !gate.is_over(born) {
        match gate.manner() {
            Manner::HalfClosed if answers => {
                if !told {
                    drop(to.shutdown(Shutdown::Write));
                    told = true;
                }
                std::thread::park_timeout(GLANCE);
                continue;
            }
            Manner::Silent if answers => {
                std::thread::park_timeout(GLANCE);
                continue;
            }
            Manner::Stalled => {
                std::thread::park_timeout(GLANCE);
                continue;
            }
            // No answer can follow its own end.
            _ if told => return,
            _ => {}
        }
        match from.read(&mut bytes) {
            Ok(0) => return,
            Ok(count) => {
                if to.write_all(&bytes[..count]).is_err() {
                    return;
                }
            }
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(_) => return,
        }
    }
}
