//! What a result says before any of its findings, in one line: no list of findings may be read without it.

use super::exit;
use super::text::prose;
use crate::model::finding::Disposition;
use crate::model::outcome::Outcome;
use crate::model::verdict::{Decision, Verdict};

/// `blocked by policy: 3 findings denied`. A run without a verdict says why there is none.
#[must_use]
pub(super) fn sentence(outcome: &Outcome) -> String {
    if let Some(failure) = &outcome.failure {
        return prose(&format!("no answer: {}", failure.message));
    }
    match outcome.verdict.as_ref().map(|verdict| verdict.verdict) {
        None => "no answer: the run ended before a verdict".to_owned(),
        Some(Decision::Cleared) => "cleared".to_owned(),
        Some(Decision::Blocked) => exit::meaning(outcome, 1),
        Some(Decision::Undecidable) => exit::meaning(outcome, 2),
    }
}

/// True where something was not looked at that the policy does not accept: no list of findings is whole then, whatever the verdict.
#[must_use]
pub(super) fn is_partial(outcome: &Outcome) -> bool {
    let denied = |verdict: &Verdict| verdict.gaps.iter().any(|gap| gap.disposition == Disposition::Denied);
    is_unknown(outcome) || outcome.verdict.as_ref().is_some_and(denied)
}

/// True where nobody knows: no verdict, an undecidable one, or a run that stopped.
#[must_use]
pub(super) fn is_unknown(outcome: &Outcome) -> bool {
    let decision = outcome.verdict.as_ref().map(|verdict| verdict.verdict);
    outcome.failure.is_some() || !matches!(decision, Some(Decision::Cleared | Decision::Blocked))
}
