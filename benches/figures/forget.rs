//! What is measured as seen for the first time must be.

use attestream::evidence::memo;
use attestream::verdict::judged;

/// Forgets every signature that verified but those within trust roots, and all evidence that was judged.
pub fn everything() {
    memo::forget();
    judged::forget();
}
