//! The statements of one document, as waivers.

use crate::model::verdict::VexInput;
use crate::stage::policy::waivers::Waiver;
use crate::stage::policy::waivers::retraction::Retraction;

/// A document whose author is trusted.
#[derive(Debug, Clone)]
pub(in crate::stage::policy::waivers) struct VexDocument {
    pub(in crate::stage::policy::waivers) input: VexInput,
    pub(in crate::stage::policy::waivers) text: String,
    pub(in crate::stage::policy::waivers) statements: Vec<Waiver>,
    /// What it says against older statements, its own and those of others.
    pub(in crate::stage::policy::waivers) retractions: Vec<Retraction>,
}
