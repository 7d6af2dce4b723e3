//! Several observers as one.

use std::sync::Arc;

use super::{Happening, Observer};

/// Tells each of its observers, in order.
pub struct Fan(pub Vec<Arc<dyn Observer>>);

impl Observer for Fan {
    fn happened(&self, happening: &Happening<'_>) {
        for observer in &self.0 {
            observer.happened(happening);
        }
    }
}
