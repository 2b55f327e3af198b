//! One waiver.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::model::digest::Digest;
use crate::model::waiver::{Justification, VexStatus};
use crate::stage::policy::pattern::{PurlPattern, TextPattern};

/// One entry whose fields have been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// Place in the file, from 1.
    pub place: usize,
    /// Line of the entry, from 1.
    pub line: u32,
    /// Last line of the entry.
    pub last_line: u32,
    /// Lines that hold `approved_by` and nothing else; `None` if there is no such line.
    pub approval_lines: Option<(u32, u32)>,
    /// The id as written.
    pub id: String,
    /// The packages that it is for.
    pub package: PurlPattern,
    /// The places; none where the entry does not narrow them.
    pub paths: Option<Vec<TextPattern>>,
    /// OpenVEX status.
    pub reason: VexStatus,
    /// OpenVEX justification.
    pub justification: Option<Justification>,
    /// Mail addresses of the approvers who agreed, as the entry itself says.
    pub statement: String,
    /// Who answers for it.
    pub owner: String,
    /// Who agreed.
    pub approved_by: Vec<String>,
    /// The first day on which it holds; `None` where the entry does not say.
    pub created: Option<Date>,
    /// The last day, in UTC.
    pub expires: Date,
    /// The VEX document that it comes from; none for an entry of the waiver file.
    pub vex: Option<String>,
    /// True for a statement of a VEX document that a key of the policy signed.
    pub signed: bool,
    /// The image that a VEX statement is about, where it is about one.
    pub product: Option<Digest>,
    /// When a VEX statement was made.
    pub said: Option<Timestamp>,
    /// False for a VEX statement that does not say why, where its format asks for it.
    pub is_reasoned: bool,
}

impl Waiver {
    /// `#3 CVE-2024-12345`, or `vex.json#3 CVE-2024-12345`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}#{} {}", self.vex.as_deref().unwrap_or_default(), self.place, self.id)
    }
}
