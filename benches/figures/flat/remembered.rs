//! Ledger records of events that were admitted long ago: documents as admission takes them, and evidence whose signatures
//! are noise of the right size, as no fold reads them.

use std::ops::Range;

use attestream::admission::TrustTable;
use attestream::event::{Digest, Millis, jcs};
use attestream::evidence::{LogEntry, Proof};
use attestream::ledger::LedgerRecord;
use attestream::ledger::record::{AdmittedAttestation, Body, Bytes};
use attestream::log::Outgoing;
use attestream::signing::statement::{IN_TOTO, Sealed, bundle, statement};
use attestream::verdict::StatementFacts;
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use serde_json::json;

use crate::Outcome;
use crate::admission::{admit_all, genesis};
use crate::inputs::{Inputs, Make, Producer, Scheme, document};

/// What is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    pub tenants: usize,
    /// Components of a document, from and to: 4 are about 1 KiB, 20 about 4, 85 about 16.
    pub components: [u64; 2],
    /// One event in so many has its attestation too.
    pub attested_every: u64,
}

/// Makes records; the same number gives the same record.
pub struct Remembered {
    shape: Shape,
    inputs: Inputs,
    table: TrustTable,
    tenants: Vec<OfTenant>,
}

/// What one tenant's records have in common.
struct OfTenant {
    producer: Producer,
    /// A record of evidence as admission wrote it.
    evidence: LedgerRecord,
}

const BUILD: &str = "https://slsa.dev/provenance/v1";

impl Remembered {
    /// `at` is when the ledger was born: trust begins before it.
    pub fn new(shape: Shape, at: Millis) -> Outcome<Self> {
        let make = Make { scheme: Scheme::P256Logged, tenants: shape.tenants, events: shape.tenants, first: 0, at };
        let inputs = Inputs::make(make)?;
        let mut table = TrustTable::default();
        table.apply(&genesis(&inputs));
        let evidence: Vec<&Outgoing> = inputs.evidence().collect();
        let admitted = admit_all(&table, &inputs, &evidence)?;
        let tenants = admitted.into_iter().enumerate();
        let tenants = tenants
            .map(|(number, evidence)| Ok(OfTenant { producer: Producer::new(number, Scheme::P256Logged)?, evidence }));
        let tenants = tenants.collect::<Outcome<_>>()?;
        Ok(Remembered { shape, inputs, table, tenants })
    }

    /// Whose genesis begins the ledger.
    pub fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// The records of a range of events in their order, made on all cores.
    pub fn records(&self, numbers: Range<u64>) -> Outcome<Vec<LedgerRecord>> {
        let made: Vec<Vec<LedgerRecord>> =
            numbers.into_par_iter().map(|number| self.event(number)).collect::<Outcome<_>>()?;
        Ok(made.into_iter().flatten().collect())
    }

    fn event(&self, number: u64) -> Outcome<Vec<LedgerRecord>> {
        let at = usize::try_from(number % u64::try_from(self.tenants.len())?)?;
        let of = self.tenants.get(at).ok_or("a tenant")?;
        let [few, many] = self.shape.components;
        // Spread evenly, and not in step with the tenants.
        let components = few + number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % (many - few + 1);
        let (document, subject) = document(&of.producer.tenant, number, components);
        let topic = attestream::event::Topic::SbomSubmitted;
        let sent = of.producer.input(topic, format!("sbom-{number}"), serde_json::to_vec(&document)?);
        let mut records = admit_all(&self.table, &self.inputs, &[&sent])?;
        if number.is_multiple_of(self.shape.attested_every) {
            records.push(of.evidence(number, subject, &document)?);
        }
        Ok(records)
    }
}

impl OfTenant {
    /// Evidence that names the document by its digest: the bytes are a bundle, and what was verified of it is taken from
    /// the pattern.
    fn evidence(
        &self,
        number: u64,
        subject: attestream::event::Subject,
        document: &serde_json::Value,
    ) -> Outcome<LedgerRecord> {
        let canonical = Digest::of(&jcs::of_own_value(document));
        let payload = statement(std::slice::from_ref(&subject), BUILD, &json!({ "location": canonical }));
        let mut noise = Noise(number);
        let (payload_type, keyid) = (IN_TOTO.to_owned(), None);
        let sealed = Sealed { payload_type, payload, keyid, signature: noise.bytes(70) };
        let envelope = sealed.envelope();
        let bytes = jcs::of_own_value(&bundle(&envelope, &self.producer.signer.hint(), &[noise.entry(number)]));
        let digest = Digest::of(&bytes);
        let mut record = self.evidence.clone();
        let Body::Admitted(admitted) = &mut record.body else { return Err("evidence was admitted".into()) };
        admitted.source.offset = number;
        admitted.source.key = Some(format!("{}/att-{number}", self.producer.tenant).into_bytes());
        admitted.input = Bytes { digest, size: u64::try_from(bytes.len())?, inline: Some(bytes), r#ref: None };
        let input = &admitted.input;
        let AdmittedAttestation { facts, bytes, result } = admitted.attestation.as_mut().ok_or("an attestation")?;
        *bytes = Bytes { digest: input.digest, size: input.size, inline: None, r#ref: None };
        facts.envelope = Digest::of(&jcs::of_own_value(&envelope));
        facts.bundle = Some(digest);
        let stated = facts.statement.take().ok_or("a statement")?;
        facts.statement = Some(StatementFacts { subjects: vec![subject], documents: vec![canonical], ..stated });
        if let Some(rekor) = &mut result.rekor {
            rekor.log_index = number;
            rekor.uuid = digest.hex();
        }
        Ok(record)
    }
}

/// Bytes like those of signatures and digests: nothing compresses them.
struct Noise(u64);

impl Noise {
    fn digest(&mut self) -> Digest {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        Digest::of(&self.0.to_be_bytes())
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count.div_ceil(32)).flat_map(|_| *self.digest().as_bytes()).take(count).collect()
    }

    fn entry(&mut self, number: u64) -> LogEntry {
        let hashes: Vec<Digest> = (0..24).map(|_| self.digest()).collect();
        LogEntry {
            index: number,
            log_id: self.digest(),
            kind: "dsse".to_owned(),
            version: "0.0.1".to_owned(),
            integrated_time: Some(1_760_000_000),
            promise: Some(self.bytes(70)),
            proof: Some(Proof {
                index: number,
                size: number + 1,
                root: Some(self.digest()),
                hashes,
                checkpoint: Some(format!("log.example - 1\n{number}\n{}\n", self.digest().hex())),
            }),
            body: self.bytes(700),
            uuid: None,
        }
    }
}
