//! A network namespace with one cable to this machine, which can be pulled. Nothing leaves the machine.

use std::path::Path;
use std::process::{Command, Stdio};

/// A namespace; gone when dropped.
pub struct Space {
    name: String,
    /// This end of the cable.
    near: String,
    /// Its address, at which brokers are to listen.
    pub address: String,
}

fn ip(arguments: &str) -> Result<(), String> {
    let words: Vec<&str> = arguments.split(' ').collect();
    let output = Command::new("ip").args(&words).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("ip: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(()) } else { Err(format!("ip {arguments}: {said}")) }
}

impl Space {
    /// `Err` where this machine does not allow it.
    pub fn open() -> Result<Space, String> {
        remove_leftovers();
        let pid = std::process::id();
        let (name, near, far) = (format!("attest-{pid}"), format!("at{pid}n"), format!("at{pid}f"));
        let net = format!("10.213.{}", pid % 250);
        let space = Space { name, near, address: format!("{net}.1") };
        let (name, near) = (&space.name, &space.near);
        ip(&format!("netns add {name}"))?;
        ip(&format!("link add {near} type veth peer name {far}"))?;
        ip(&format!("link set {far} netns {name}"))?;
        ip(&format!("addr add {net}.1/30 dev {near}"))?;
        ip(&format!("link set {near} up"))?;
        ip(&format!("-n {name} addr add {net}.2/30 dev {far}"))?;
        ip(&format!("-n {name} link set {far} up"))?;
        ip(&format!("-n {name} link set lo up"))?;
        Ok(space)
    }

    /// What a process is run under, to be inside.
    pub fn under(&self) -> Vec<String> {
        vec!["nsenter".to_owned(), format!("--net=/var/run/netns/{}", self.name)]
    }

    /// The cable is pulled: packets are lost in silence, both ways.
    pub fn pull(&self) {
        ip(&format!("link set {} down", self.near)).unwrap();
    }

    pub fn plug(&self) {
        ip(&format!("link set {} up", self.near)).unwrap();
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        // The other end goes with this one.
        drop(ip(&format!("link del {}", self.near)));
        drop(ip(&format!("netns del {}", self.name)));
    }
}

/// Namespaces of test processes that are gone.
fn remove_leftovers() {
    for entry in std::fs::read_dir("/var/run/netns").into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let pid = name.strip_prefix("attest-").map(str::to_owned);
        if let Some(pid) = pid.filter(|pid| !Path::new("/proc").join(pid).exists()) {
            drop(ip(&format!("link del at{pid}n")));
            drop(ip(&format!("netns del {name}")));
        }
    }
}
