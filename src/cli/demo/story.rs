//! What is fed, in its order, and how each of it must end.

use serde_json::Value;

use crate::cli::exit::{Exit, Failure};
use crate::event::{Digest, Kind, Millis, Subject, SubjectDigests, Tenant, Topic};
use crate::log::{Header, Outgoing};
use crate::signing::{Authority, Order, Predicate, Wrong};
use crate::verdict::TenantTrust;

/// Header that numbers what the demo fed: where to go on after a stop.
pub const NUMBER: &str = "attestream-demo";

/// The authority signs for it, and it knows the key.
const ACME: &str = "acme";
/// Knows the key, and is sent what is wrong.
const GLOBEX: &str = "globex";
/// Learns the key late.
const INITECH: &str = "initech";
/// Forgets the key at the end.
const UMBRELLA: &str = "umbrella";

const SAMPLE: &str = "payments";
const SAMPLE_VERSION: &str = "1.4.0";
const SAMPLE_DIGEST: &str = "5f0c1e7a90b34d2e8c6a7f1b23d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f6";

/// One step of the story.
pub struct Step {
    /// What it shows; where it differs from the step before, a new part begins.
    pub part: &'static str,
    pub what: String,
    pub act: Act,
}

pub enum Act {
    Send(Outgoing),
    Activate(Box<TenantTrust>),
}

/// How something must end.
pub enum Ending {
    /// The event of a document is verified.
    Verified { tenant: &'static str, document: Digest },
    /// It is not, for this reason.
    Refused { tenant: &'static str, document: Digest, code: &'static str },
    /// It waits for evidence.
    Missing { tenant: &'static str, document: Digest },
    /// The input of this number is dead-lettered.
    DeadLetter { number: usize, code: &'static str },
}

pub struct Story {
    pub steps: Vec<Step>,
    pub endings: Vec<Ending>,
}

/// The tenants that the demo's ledger begins with.
pub fn tenants(authority: &Authority) -> Result<Vec<TenantTrust>, Failure> {
    let known = |name| trusting(authority, name);
    Ok(vec![known(ACME)?, known(GLOBEX)?, forgetting(known(INITECH)?), known(UMBRELLA)?])
}

fn trusting(authority: &Authority, tenant: &str) -> Result<TenantTrust, Failure> {
    serde_json::from_value(authority.tenant_trust(tenant, "proof")).map_err(Failure::io)
}

fn forgetting(trust: TenantTrust) -> TenantTrust {
    TenantTrust { keys: Vec::new(), ..trust }
}

/// A document of an invented service, made from a sample.
struct Document {
    kind: Kind,
    name: String,
    text: String,
    subject: Subject,
}

impl Document {
    fn new(kind: Kind, tenant: &str, service: &str, version: &str) -> Self {
        let text = match kind {
            Kind::Vex => include_str!("../../../config/samples/payments.openvex.json"),
            Kind::Scan => include_str!("../../../config/samples/payments.sarif.json"),
            _ => include_str!("../../../config/samples/payments.cdx.json"),
        };
        let digest = Digest::of(format!("{tenant} {service} {version}").as_bytes()).hex();
        let text = text.replace(SAMPLE, service).replace(SAMPLE_VERSION, version).replace(SAMPLE_DIGEST, &digest);
        let digest = SubjectDigests { sha256: Some(digest), ..SubjectDigests::default() };
        let subject = Subject { digest, name: Some(service.to_owned()), ..Subject::default() };
        Document { kind, name: format!("{service} {version}"), text, subject }
    }

    fn digest(&self) -> Digest {
        Digest::of(self.text.as_bytes())
    }

    fn topic(&self) -> Topic {
        match self.kind {
            Kind::Vex => Topic::VexSubmitted,
            Kind::Scan => Topic::ScanCompleted,
            _ => Topic::SbomSubmitted,
        }
    }

    fn predicate_type(&self) -> &'static str {
        match self.kind {
            Kind::Vex => "https://openvex.dev/ns/v0.2.0",
            Kind::Scan => "https://docs.oasis-open.org/sarif/sarif/v2.1.0",
            _ => "https://cyclonedx.org/bom",
        }
    }
}

/// Writes the story down, step by step.
struct Teller {
    authority: Authority,
    start: Millis,
    steps: Vec<Step>,
    endings: Vec<Ending>,
}

/// The whole story. The same authority tells it the same way.
pub fn tell(authority: Authority, start: Millis) -> Result<Story, Failure> {
    let mut teller = Teller { authority, start, steps: Vec::new(), endings: Vec::new() };
    teller.good()?;
    teller.carriers()?;
    teller.wrong()?;
    teller.unreadable()?;
    teller.trust_changes()?;
    Ok(Story { steps: teller.steps, endings: teller.endings })
}

impl Teller {
    fn send(
        &mut self,
        part: &'static str,
        what: String,
        topic: Topic,
        key: &str,
        value: &[u8],
        headers: &[(&str, &str)],
    ) {
        let number = self.steps.len();
        let header = |(name, value): &(&str, &str)| ((*name).to_owned(), Some(value.as_bytes().to_vec()));
        let mut headers: Vec<Header> = headers.iter().map(header).collect();
        headers.push((NUMBER.to_owned(), Some(number.to_string().into_bytes())));
        let record = Outgoing {
            topic,
            owner: None,
            partition: None,
            key: Some(key.as_bytes().to_vec()),
            value: Some(value.to_vec()),
            headers,
        };
        self.steps.push(Step { part, what: format!("{topic}: {what}"), act: Act::Send(record) });
    }

    fn document(&mut self, part: &'static str, tenant: &str, document: &Document) {
        let (key, what) =
            (format!("{tenant}/{}", document.name), format!("{tenant}, {} of {}", document.kind, document.name));
        self.send(part, what, document.topic(), &key, document.text.as_bytes(), &[]);
    }

    fn sign(&mut self, document: &Document, wrong: Option<Wrong>) -> Result<Vec<u8>, Failure> {
        let value: Value = serde_json::from_str(&document.text).map_err(Failure::io)?;
        let minutes = i64::try_from(self.steps.len()).unwrap_or(0);
        let order = Order {
            subjects: std::slice::from_ref(&document.subject),
            predicate: Predicate::Document { predicate_type: document.predicate_type(), document: &value },
            at: self.start.plus(60_000 * (minutes + 1)),
            logged: true,
            wrong,
        };
        Ok(self.authority.attest(&order).map_err(Failure::io)?.bytes)
    }

    fn evidence(
        &mut self,
        part: &'static str,
        tenant: &str,
        document: &Document,
        wrong: Option<Wrong>,
    ) -> Result<(), Failure> {
        let bytes = self.sign(document, wrong)?;
        let how = wrong.map_or_else(|| "right".to_owned(), |wrong| format!("wrong: {wrong:?}"));
        let what = format!("{tenant}, evidence for {} of {}, {how}", document.kind, document.name);
        let key = format!("{tenant}/evidence {}", document.name);
        self.send(part, what, Topic::AttestationPublished, &key, &bytes, &[]);
        Ok(())
    }

    fn verified(&mut self, tenant: &'static str, document: &Document) {
        self.endings.push(Ending::Verified { tenant, document: document.digest() });
    }

    fn good(&mut self) -> Result<(), Failure> {
        let part = "Evidence after its event, and before";
        for (at, service) in ["payments", "ledger-api", "web-shop"].into_iter().enumerate() {
            for kind in [Kind::Sbom, Kind::Vex, Kind::Scan] {
                let document = Document::new(kind, ACME, service, "2.0.1");
                if at % 2 == 0 {
                    self.document(part, ACME, &document);
                    self.evidence(part, ACME, &document, None)?;
                } else {
                    self.evidence(part, ACME, &document, None)?;
                    self.document(part, ACME, &document);
                }
                self.verified(ACME, &document);
            }
        }
        let part = "The same again, and an event that nobody vouches for";
        self.document(part, ACME, &Document::new(Kind::Sbom, ACME, "payments", "2.0.1"));
        let alone = Document::new(Kind::Sbom, ACME, "prototype", "0.1.0");
        self.document(part, ACME, &alone);
        self.endings.push(Ending::Missing { tenant: ACME, document: alone.digest() });
        Ok(())
    }

    fn carriers(&mut self) -> Result<(), Failure> {
        let part = "CloudEvents, and a document inside its evidence";
        let binary = Document::new(Kind::Sbom, ACME, "search", "3.1.0");
        let attributes = [
            ("ce_specversion", "1.0"),
            ("ce_id", "build-4711"),
            ("ce_source", "https://ci.example.com/search"),
            ("ce_type", "com.example.sbom"),
            ("ce_tenantid", ACME),
            ("content-type", "application/vnd.cyclonedx+json"),
        ];
        let what = format!("{ACME}, {} of {}, CloudEvents in headers", binary.kind, binary.name);
        self.send(part, what, binary.topic(), "", binary.text.as_bytes(), &attributes);
        self.evidence(part, ACME, &binary, None)?;
        self.verified(ACME, &binary);

        let structured = Document::new(Kind::Vex, ACME, "search", "3.1.0");
        let data: Value = serde_json::from_str(&structured.text).map_err(Failure::io)?;
        let data = crate::event::jcs::of_own_value(&data);
        let event = format!(
            r#"{{"specversion":"1.0","id":"vex-12","source":"https://psirt.example.com","type":"com.example.vex","tenantid":"{ACME}","data":{}}}"#,
            String::from_utf8_lossy(&data)
        );
        let what = format!("{ACME}, {} of {}, one CloudEvent", structured.kind, structured.name);
        let content_type = [("content-type", "application/cloudevents+json")];
        self.send(part, what, structured.topic(), "", event.as_bytes(), &content_type);
        self.evidence(part, ACME, &structured, None)?;
        self.endings.push(Ending::Verified { tenant: ACME, document: Digest::of(&data) });

        let inside = Document::new(Kind::Scan, ACME, "search", "3.1.0");
        let bundle = self.sign(&inside, None)?;
        let what = format!("{ACME}, {} of {}, inside its evidence", inside.kind, inside.name);
        self.send(part, what, inside.topic(), &format!("{ACME}/inside"), &bundle, &[]);
        let value: Value = serde_json::from_str(&inside.text).map_err(Failure::io)?;
        let document = Digest::of(&crate::event::jcs::of_own_value(&value));
        self.endings.push(Ending::Verified { tenant: ACME, document });
        Ok(())
    }

    fn wrong(&mut self) -> Result<(), Failure> {
        let part = "Evidence that is wrong";
        let wrongs = [
            Wrong::TamperedPayload,
            Wrong::BadSignature,
            Wrong::WrongKey,
            Wrong::WrongDocument,
            Wrong::HintMismatch,
            Wrong::NoEntry,
            Wrong::BadProof,
            Wrong::CheckpointForged,
            Wrong::EntryOfAnother,
            Wrong::UnknownLog,
            Wrong::TimeOutsideKey,
        ];
        for (at, wrong) in wrongs.into_iter().enumerate() {
            let document = Document::new(Kind::Sbom, GLOBEX, "rocket", &format!("1.{at}.0"));
            self.document(part, GLOBEX, &document);
            self.evidence(part, GLOBEX, &document, Some(wrong))?;
            let (tenant, code) = (GLOBEX, wrong.expected());
            self.endings.push(Ending::Refused { tenant, document: document.digest(), code });
        }
        let both = Document::new(Kind::Sbom, GLOBEX, "rocket", "2.0.0");
        let part = "Forged evidence beside good: the good counts";
        self.document(part, GLOBEX, &both);
        self.evidence(part, GLOBEX, &both, Some(Wrong::TamperedPayload))?;
        self.evidence(part, GLOBEX, &both, None)?;
        self.verified(GLOBEX, &both);
        Ok(())
    }

    fn unreadable(&mut self) -> Result<(), Failure> {
        let part = "Inputs that cannot be processed";
        let sbom = Document::new(Kind::Sbom, ACME, "stray", "1.0.0");
        let vex = Document::new(Kind::Vex, ACME, "stray", "1.0.0");
        let half = sbom.text.get(..sbom.text.len() / 2).unwrap_or_default().to_owned();
        let unsigned = self.sign(&sbom, Some(Wrong::Unsigned))?;
        let (sboms, acme) = (Topic::SbomSubmitted, format!("{ACME}/x"));
        let mut dead = |what: &str, topic, key: &str, value: &[u8], headers: &[(&str, &str)], code| {
            let number = self.steps.len();
            self.send(part, what.to_owned(), topic, key, value, headers);
            self.endings.push(Ending::DeadLetter { number, code });
        };
        dead("a tenant that nobody registered", sboms, "hooli/x", sbom.text.as_bytes(), &[], "tenant-unknown");
        dead("no tenant at all", sboms, "x", sbom.text.as_bytes(), &[], "tenant-unknown");
        dead("half a document", sboms, &acme, half.as_bytes(), &[], "json-syntax");
        dead("bytes that are no text", sboms, &acme, b"{\"bomFormat\":\"\xff\xfe\"}", &[], "json-not-utf8");
        dead(
            "a member twice",
            sboms,
            &acme,
            br#"{"bomFormat":"CycloneDX","bomFormat":"x"}"#,
            &[],
            "json-duplicate-member",
        );
        dead("a VEX among SBOMs", sboms, &acme, vex.text.as_bytes(), &[], "format-not-for-topic");
        dead("evidence without a signature", Topic::AttestationPublished, &acme, &unsigned, &[], "envelope-unsigned");
        dead("a callgraph", Topic::CallgraphCaptured, &acme, b"{}", &[], "input-not-yet-accepted");
        Ok(())
    }

    fn trust_changes(&mut self) -> Result<(), Failure> {
        let part = "A key that is added late opens what it can change";
        let mut documents = Vec::new();
        for version in ["5.0.0", "5.0.1"] {
            let document = Document::new(Kind::Sbom, INITECH, "printer", version);
            self.document(part, INITECH, &document);
            self.evidence(part, INITECH, &document, None)?;
            documents.push(document);
        }
        let trust = trusting(&self.authority, INITECH)?;
        self.activate(part, trust, "control: initech learns the key");
        for document in &documents {
            self.verified(INITECH, document);
        }

        let part = "A key that is removed turns what rested on it";
        let document = Document::new(Kind::Sbom, UMBRELLA, "hive", "1.0.0");
        self.document(part, UMBRELLA, &document);
        self.evidence(part, UMBRELLA, &document, None)?;
        let trust = forgetting(trusting(&self.authority, UMBRELLA)?);
        self.activate(part, trust, "control: umbrella forgets the key");
        let (tenant, code) = (UMBRELLA, "key-unknown");
        self.endings.push(Ending::Refused { tenant, document: document.digest(), code });
        // So that a start after this one knows that the whole story was told.
        let last = Document::new(Kind::Vex, UMBRELLA, "hive", "1.0.0");
        self.document(part, UMBRELLA, &last);
        self.endings.push(Ending::Missing { tenant: UMBRELLA, document: last.digest() });
        Ok(())
    }

    fn activate(&mut self, part: &'static str, trust: TenantTrust, what: &str) {
        self.steps.push(Step { part, what: what.to_owned(), act: Act::Activate(Box::new(trust)) });
    }
}

/// A tenant's name of the story.
pub fn tenant(name: &str) -> Result<Tenant, Failure> {
    Tenant::new(name).map_err(|error| Failure::new(Exit::Failed, error))
}
