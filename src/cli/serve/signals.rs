//! Ctrl-C and SIGTERM: stop in order; a second one stops at once.

use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::processor::Stop;

/// Exit code of a process that a second signal ended.
const INTERRUPTED: i32 = 130;

/// Listens from now on.
pub fn listen(runtime: &Runtime, stop: Stop) -> std::io::Result<()> {
    let _entered = runtime.enter();
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    runtime.spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if stop.is_stopped() {
                std::process::exit(INTERRUPTED);
            }
            stop.stop();
        }
    });
    Ok(())
}
