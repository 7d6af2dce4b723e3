//! A disk without a byte left, below the state.

use crate::chaos::scene::Scene;

/// Blocks of 512 bytes beyond which a file cannot grow, where no small disk can be mounted.
const FILE_BLOCKS: u32 = 64;
/// Whose notes those of such an instance are.
const LIMITED: &str = "two-limited";

/// Instance two's disk is full while it folds, and perhaps when it starts again. The partitions that cannot remember stop,
/// with a code; when there is room and the instance starts again, nothing was lost.
pub fn full(scene: &mut Scene<'_>) -> String {
    const NAME: &str = "two";
    const STOPPED: &str = "code: \"state-failed\"";
    let mark = scene.mark(NAME);
    let again = scene.random.below(2) == 0;
    let how = if let Ok(disk) = &scene.disk {
        disk.fill();
        scene.await_note(NAME, mark, STOPPED);
        if again {
            let mark = scene.mark(NAME);
            scene.kill(NAME);
            scene.start(NAME);
            scene.await_note(NAME, mark, STOPPED);
        }
        scene.kill(NAME);
        if let Ok(disk) = &scene.disk {
            disk.free();
        }
        "a small disk"
    } else {
        scene.kill(NAME);
        let notes = scene.notes_of(LIMITED);
        drop(std::fs::remove_file(&notes));
        scene.start_with(NAME, |orders| {
            let script = format!("trap '' XFSZ; ulimit -f {FILE_BLOCKS}; exec \"$0\" \"$@\"");
            let shell = ["sh".to_owned(), "-c".to_owned(), script];
            // Its notes of before could not grow either.
            orders.notes = Some(notes);
            orders.under.extend(shell);
        });
        scene.await_note(LIMITED, 0, STOPPED);
        scene.kill(NAME);
        "files that cannot grow"
    };
    scene.excuse(NAME);
    scene.start(NAME);
    format!("{how}{}", if again { ", at a start too" } else { "" })
}
