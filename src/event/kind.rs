//! The closed kinds of event.

use serde::{Deserialize, Serialize};

/// What an event is (contracts: the enriched event, `kind`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Kind {
    Sbom,
    Vex,
    Scan,
    Ingest,
    Derived,
}

impl Kind {
    pub const ALL: [Kind; 5] = [Kind::Sbom, Kind::Vex, Kind::Scan, Kind::Ingest, Kind::Derived];

    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Sbom => "SBOM",
            Kind::Vex => "VEX",
            Kind::Scan => "SCAN",
            Kind::Ingest => "INGEST",
            Kind::Derived => "DERIVED",
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
