//! Several observers as one.

use std::sync::Arc;

use crate::model::event::{Event, Observer};

/// Hands each event to several observers, in order.
pub struct Fanout(pub Vec<Arc<dyn Observer>>);

impl Observer for Fanout {
    fn on_event(&self, event: &Event) {
        for observer in &self.0 {
            observer.on_event(event);
        }
    }
}
