//! Inputs that nobody wants: garbage by the thousand, and records as large as they may be.

use attestream::event::{Topic, limits};
use attestream::log::Outgoing;
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

use crate::chaos::scene::{Random, Scene};
use crate::chaos::traffic::send_surely;

/// Pieces of what might be a document, an envelope or nothing.
const PIECES: [&str; 10] = [
    "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\"",
    "{\"payloadType\":\"application/vnd.in-toto+json\",\"payload\":\"",
    "{\"@context\":\"https://openvex.dev/ns/v0.2.0\",\"statements\":[",
    "{\"specversion\":\"1.0\",\"type\":\"",
    "[[[[[[[[[[[[[[[[",
    "\u{0}\u{ffff}",
    "\"signatures\":[{\"keyid\":\"\",\"sig\":\"AAAA\"}]}",
    "1e999999",
    "\"}}}}",
    "{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\"runs\":[{}]}",
];

fn garbage(random: &mut Random, number: u64) -> Outgoing {
    let topics = [Topic::SbomSubmitted, Topic::AttestationPublished, Topic::VexSubmitted, Topic::ScanCompleted];
    let topic = random.pick(&topics);
    let mut value = Vec::new();
    for _ in 0..random.below(5) {
        value.extend_from_slice(random.pick(&PIECES).as_bytes());
    }
    value.extend_from_slice(number.to_string().as_bytes());
    let cut = usize::try_from(random.below(u64::try_from(value.len()).unwrap())).unwrap();
    if random.below(3) == 0 {
        value.truncate(cut);
    } else {
        value[cut] ^= 1 << random.below(8);
    }
    let whose = random.pick(&["tenant-0", "tenant-1", "nobody", "", "..", "tenant-0/tenant-1"]);
    let key = (random.below(5) > 0).then(|| format!("{whose}/{number}").into_bytes());
    let headers = vec![("attestream-tenant".to_owned(), Some(whose.as_bytes().to_vec()))];
    let headers = if random.below(4) == 0 { headers } else { Vec::new() };
    let partition = key.is_none().then_some(0);
    Outgoing { topic, owner: None, partition, key, value: Some(value).filter(|_| cut != 1), headers }
}

/// Thousands in one burst, with the traffic's good ones between: each has its fate, and none stops anything.
pub fn poison(scene: &mut Scene<'_>) -> String {
    let (bursts, each) = if crate::chaos::is_campaign() { (4, 1_000) } else { (2, 1_000) };
    let mut number = 0;
    for _ in 0..bursts {
        let mut burst = Vec::new();
        for _ in 0..each {
            number += 1;
            burst.push(garbage(&mut scene.random, number));
        }
        send_surely(&scene.site.log, "storm", &burst);
    }
    format!("{number} in {bursts} bursts")
}

/// A document of the largest size, a large one with evidence that holds it, and one that only fits because it is
/// compressed.
pub fn large(scene: &mut Scene<'_>) -> String {
    let number = 1_000_000 + scene.random.below(1 << 40);
    let mut made = scene.twin(0).large(number, 2_400_000);
    let sizes: Vec<usize> = made.inputs.iter().map(|input| input.value.as_ref().unwrap().len()).collect();
    assert!(sizes.iter().all(|size| *size < limits::RECORD_MAX), "{sizes:?}");
    let mut inputs = made.send();
    scene.extra.push((0, made));
    let padded = padded(number, limits::RECORD_MAX - 1024);
    let key = Some(format!("tenant-1/{number}").into_bytes());
    let topic = Topic::SbomSubmitted;
    inputs.push(Outgoing { topic, owner: None, partition: None, key, value: Some(padded), headers: Vec::new() });
    for input in inputs {
        send_surely(&scene.site.log, "large", &[input]);
    }
    let huge = if scene.random.below(3) == 0 { too_large(scene, number) } else { "" };
    format!("{sizes:?} and {}{huge}", limits::RECORD_MAX - 1024)
}

fn padded(number: u64, size: usize) -> Vec<u8> {
    let head = format!("{{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"version\":{number}}}");
    let mut bytes = head.into_bytes();
    bytes.resize(size, b' ');
    bytes
}

/// By a producer of somebody else's, which may send what compresses below the topic's limit.
fn too_large(scene: &Scene<'_>, number: u64) -> &'static str {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", scene.ground.cluster.brokers())
        .set("message.max.bytes", "100000000")
        .set("compression.type", "zstd")
        .create()
        .unwrap();
    let topic = format!("{}{}", scene.site.prefix, Topic::SbomSubmitted);
    let (key, value) = (format!("tenant-2/{number}"), padded(number, 20 << 20));
    producer.send(BaseRecord::to(&topic).partition(0).key(&key).payload(&value)).unwrap();
    producer.flush(crate::chaos::scene::PATIENCE).unwrap();
    ", and 20 MiB that compress"
}
