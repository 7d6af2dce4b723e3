//! Normalised facts: what the rest of the product knows of a document. Made once, in admission; nothing later parses
//! the document again. Lists keep the document's order; absent members are not written.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::event::{Digest, Millis, Subject};

/// Version of the normaliser. It rises when the same bytes give other facts.
pub const FACTS_VERSION: u32 = 1;

/// What a document says, normalised.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Facts {
    /// `FACTS_VERSION` of the binary that made them.
    pub version: u32,
    /// The document's format and version: `CycloneDX 1.6`, `OpenVEX 0.2.0`, `SARIF 2.1.0`.
    pub format: String,
    /// The subject that the document names, if it names one; several (VEX products) are in `subjects` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<Subject>,
    /// The document's own time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ts: Option<Millis>,
    /// Who the document says wrote it (OpenVEX `author`): among one author's statements the later wins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statements: Vec<VexStatement>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scan: Option<ScanInputs>,
}

/// Facts as they were written: what only carries them reads no more than where they end.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WrittenFacts(Box<RawValue>);

impl WrittenFacts {
    pub fn of(facts: &Facts) -> Self {
        // Facts always have a form in JSON: their keys are text, and so is what could be no number there.
        WrittenFacts(serde_json::value::to_raw_value(facts).unwrap_or_default())
    }

    pub fn json(&self) -> &str {
        self.0.get()
    }

    /// What was written; `None` where that are not facts as this version has them.
    pub fn read(&self) -> Option<Facts> {
        serde_json::from_str(self.json()).ok()
    }
}

impl PartialEq for WrittenFacts {
    fn eq(&self, other: &Self) -> bool {
        self.json() == other.json()
    }
}

/// One component of an SBOM.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Component {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purl: Option<String>,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
}

/// One statement of a VEX document.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VexStatement {
    pub vulnerability: String,
    /// Other names of the same vulnerability.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Product identifiers (purl or other IRI), with the sub-components that the statement is limited to.
    pub products: Vec<VexProduct>,
    /// `affected`, `not_affected`, `fixed` or `under_investigation`.
    pub status: String,
    /// Absent on a `not_affected` that has an impact statement only: free text, which never waives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub justification: Option<String>,
    /// The statement's own time, else the document's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ts: Option<Millis>,
}

/// A product of a VEX statement.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VexProduct {
    pub id: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subcomponents: Vec<String>,
}

/// One normalised finding of a scan (contracts: the enriched event). What the scan did not give is in `unexplained`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Finding {
    pub id: String,
    /// `CRITICAL`, `HIGH`, `MEDIUM`, `LOW` or `NONE`: from `security-severity` by the CVSS bands, else from `level`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exploitability: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purl: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_path: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub symbols: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub call_stack: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry_point: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unexplained: Vec<String>,
}

/// What a scan ran on. What is missing is `scan-inputs-unpinned`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScanInputs {
    #[serde(default)]
    pub image_digests: Vec<String>,
    #[serde(default)]
    pub sbom_digests: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scanner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scanner_version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub db_snapshot: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_hash: Option<String>,
}

/// A producer's statements about provenance and trust: kept, shown, never believed.
pub type Claimed = Value;
