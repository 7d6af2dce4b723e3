//! What a demo's folder is begun with, and begun again with: the same keys, the same log, the same bytes.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::story;
use crate::cli::exit::{Exit, Failure};
use crate::cli::verify::now;
use crate::event::{Digest, Millis};
use crate::settings::{Settings, TrustRootFile};
use crate::signing::signer::random_seed;
use crate::signing::{Authority, SigningError};

/// The file beside the log: with it the whole story can be told again, byte for byte.
const FILE: &str = "demo.json";
const DAY_MS: i64 = 86_400_000;

/// What the authority is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Seed {
    seed: u64,
    pub start: Millis,
}

impl Seed {
    pub fn authority(self) -> Result<Authority, SigningError> {
        Authority::new("acme", self.seed, self.start)
    }
}

/// Makes the settings those of the demo. A ledger of another kind is left alone.
pub fn prepare(settings: &mut Settings) -> Result<Seed, Failure> {
    let path = settings.data.join(FILE);
    let seed = match fs::read(&path) {
        Ok(bytes) => {
            serde_json::from_slice(&bytes).map_err(|error| Failure::io(format!("{}: {error}", path.display())))?
        }
        Err(_) if settings.data.join("log").exists() => {
            let folder = settings.data.display();
            let message =
                format!("{folder} holds a ledger that no demo began; give the demo a folder of its own (--data)");
            return Err(Failure::new(Exit::Usage, message));
        }
        Err(_) => begin(&path)?,
    };
    let authority = seed.authority().map_err(Failure::io)?;
    let json = String::from_utf8(authority.trust_root()).map_err(Failure::io)?;
    let sha256 = Digest::of(json.as_bytes()).hex();
    settings.trust_root = Some(TrustRootFile { file: PathBuf::from(FILE), sha256, json });
    settings.tenants = story::tenants(&authority)?;
    Ok(seed)
}

/// A new demo's seed, durable before anything is signed with it.
fn begin(path: &Path) -> Result<Seed, Failure> {
    let failed = |error: std::io::Error| Failure::io(format!("{}: {error}", path.display()));
    let random = random_seed().map_err(Failure::io)?;
    let seed = random.iter().take(8).fold(0_u64, |seed, byte| seed << 8 | u64::from(*byte));
    let seed = Seed { seed, start: now().plus(-DAY_MS) };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let bytes = serde_json::to_vec(&seed).map_err(Failure::io)?;
    fs::write(path, bytes).map_err(failed)?;
    Ok(seed)
}
