//! Large files that catalogers read where they lie.

use crate::io::random_access::OnDisk;
use crate::model::coverage::GapKind;
use crate::stage::inventory::cataloger::Sink;

/// Says in the sink that not everything of a file could be read, if so.
pub(in crate::stage::inventory) fn tell(content: &OnDisk<'_>, sink: &mut dyn Sink) {
    if let Some(problem) = content.problem() {
        sink.gap(GapKind::LimitReached, format!("it cannot be read again: {problem}"));
    }
}
