//! What became of the stored inventories.

use serde::{Deserialize, Serialize};

use crate::model::finding::Disposition;
use crate::model::inventory::Subject;
use crate::model::verdict::{Decision, Verdict};

/// What became of one stored inventory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rechecked {
    /// The file, relative to the folder, or the image.
    pub file: String,
    /// What it is about; none where the file could not be read.
    pub subject: Option<Subject>,
    /// The answer. A file that cannot be read is undecidable, never left out.
    pub verdict: Decision,
    /// Denied findings, by id (or rule) and package, sorted.
    pub denied: Vec<String>,
    /// What keeps it from being decided: the gaps that the policy denies, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<String>,
    /// How many findings are listed as warnings.
    pub warned: usize,
    /// How many are waived.
    pub waived: usize,
    /// Why it could not be judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A file that cannot be read is undecidable, never left out.
pub(super) fn unreadable(file: String, problem: String) -> Rechecked {
    Rechecked {
        file,
        subject: None,
        verdict: Decision::Undecidable,
        denied: Vec::new(),
        gaps: Vec::new(),
        warned: 0,
        waived: 0,
        problem: Some(problem),
    }
}

pub(super) fn denied(verdict: &Verdict) -> Vec<String> {
    let denied = verdict
        .findings
        .iter()
        .filter(|judgement| judgement.disposition == Disposition::Denied);
    let mut names: Vec<String> = denied
        .map(|judgement| {
            let finding = &judgement.finding;
            let what = finding.ids.first().map_or(finding.rule.as_str(), String::as_str);
            let which = finding.purl.as_ref().map(ToString::to_string).or_else(|| finding.subject.clone());
            which.map_or_else(|| what.to_owned(), |which| format!("{what} {which}"))
        })
        .collect();
    names.sort();
    names
}

/// The gaps that the policy denies.
pub(super) fn denied_gaps(verdict: &Verdict) -> Vec<String> {
    let denied = verdict.gaps.iter().filter(|gap| gap.disposition == Disposition::Denied);
    let mut gaps: Vec<String> = denied
        .map(|gap| format!("{} {}: {}", gap.kind.as_str(), gap.subject, gap.detail))
        .collect();
    gaps.sort();
    gaps
}
