//! What scenarios stand on, and share: three brokers, a proxy before each, and a namespace where that is allowed.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::net::{Proxies, Space};
use crate::broker::Own;

pub struct Ground {
    pub cluster: Own,
    pub proxies: Proxies,
    pub space: Result<Space, String>,
}

impl Ground {
    pub fn open() -> Option<Ground> {
        let space = Space::open();
        let cluster = Own::start_apart(space.as_ref().ok().map(|space| space.address.as_str()))?;
        let proxies = Proxies::before(&cluster);
        Some(Ground { cluster, proxies, space })
    }

    /// What this machine does not allow, and what stands in for it.
    pub fn tell(&self) {
        match &self.space {
            Ok(space) => println!("chaos: instance two lies in a network namespace behind {}", space.address),
            Err(why) => println!("chaos: no network namespace ({why}); a proxy that stalls stands in for the cable"),
        }
    }
}

/// A folder that is a small disk of its own; `Err` where this machine does not allow it. Gone when dropped.
pub struct SmallDisk(PathBuf);

/// Room for the files of four states, which RocksDB allocates ahead, and their snapshots.
const DISK: &str = "size=512m";
const SOURCE: &str = "attestream-chaos-";

impl SmallDisk {
    pub fn mount(at: &Path) -> Result<SmallDisk, String> {
        fs::create_dir_all(at).map_err(|error| error.to_string())?;
        unmount_leftovers();
        let source = format!("{SOURCE}{}", std::process::id());
        let output = Command::new("mount").args(["-t", "tmpfs", "-o", DISK, &source]).arg(at).output();
        let output = output.map_err(|error| format!("mount: {error}"))?;
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        if output.status.success() { Ok(SmallDisk(at.to_owned())) } else { Err(said) }
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }

    /// Not a byte is left, until something is removed.
    pub fn fill(&self) {
        let mut file = File::options().create(true).append(true).open(self.filler()).unwrap();
        for size in [1 << 20, 1 << 12, 1] {
            let bytes = vec![7; size];
            while file.write_all(&bytes).is_ok() {}
        }
    }

    pub fn is_full(&self) -> bool {
        self.filler().exists()
    }

    pub fn free(&self) {
        fs::remove_file(self.filler()).unwrap();
    }
}

/// Disks of test processes that were killed.
fn unmount_leftovers() {
    for line in fs::read_to_string("/proc/mounts").unwrap_or_default().lines() {
        let mut fields = line.split(' ');
        let pid = fields.next().and_then(|source| source.strip_prefix(SOURCE));
        if let (Some(pid), Some(at)) = (pid, fields.next())
            && !Path::new("/proc").join(pid).exists()
        {
            drop(Command::new("umount").args(["-l", at]).status());
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}
