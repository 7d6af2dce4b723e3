//! The network between an instance and its brokers.

use crate::chaos::net::Manner;
use crate::chaos::scene::{Scene, last};

/// A proxy that cuts, stalls, holds back the answers or half-closes, before one broker or all; what it held back arrives
/// in the end, or never.
pub fn cut(scene: &mut Scene<'_>) -> String {
    let manner = scene.random.pick(&Manner::FAULTS);
    let node = scene.random.pick(&[None, None, Some(1), Some(2), Some(3)]);
    let time = scene.random.millis(300, 6_000);
    let proxies = &scene.ground.proxies;
    proxies.set(node, manner);
    last(time);
    let never = scene.random.below(2) == 0;
    if never {
        proxies.reset();
    }
    proxies.set(None, Manner::Open);
    let whom = node.map_or("every broker".to_owned(), |node| format!("broker {node}"));
    let end = if never { ", what was under way is lost" } else { "" };
    format!("{manner:?} before {whom} for {} ms{end}", time.as_millis())
}

/// The cable of instance two's namespace: packets are lost in silence.
pub fn pulled(scene: &mut Scene<'_>) -> String {
    let time = scene.random.millis(500, 7_000);
    match &scene.ground.space {
        Ok(space) => {
            space.pull();
            last(time);
            space.plug();
            format!("of two for {} ms", time.as_millis())
        }
        Err(_) => {
            scene.ground.proxies.set(None, Manner::Stalled);
            last(time);
            scene.ground.proxies.set(None, Manner::Open);
            format!("of both for {} ms, by proxies that stall", time.as_millis())
        }
    }
}
