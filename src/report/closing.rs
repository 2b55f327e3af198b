//! What closes a gap.

use std::collections::HashSet;

use super::text::prose;
use crate::model::coverage::GapKind;
use crate::model::finding::Disposition;
use crate::model::verdict::Verdict;

/// What to do about each gap that the policy does not accept, and what it is about; the same thing once.
pub(super) fn closing(verdict: &Verdict) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut known = HashSet::new();
    for judged in verdict.gaps.iter().filter(|gap| gap.disposition == Disposition::Denied) {
        let help = closes(judged.kind, &judged.subject);
        if known.insert(help.clone()) {
            out.push((format!("{} {}", judged.kind.as_str(), prose(&judged.subject)), help));
        }
    }
    out
}

/// One sentence or command.
fn closes(kind: GapKind, subject: &str) -> String {
    let subject = prose(subject);
    match kind {
        GapKind::MissingFeed | GapKind::StaleFeed => {
            "run again where the advisory data can be fetched, or point --osv at newer data".to_owned()
        }
        GapKind::UncoveredEcosystem => {
            format!("point --osv at data that covers {subject}, or accept it by name in the policy under [rules.incomplete-inventory]")
        }
        GapKind::PartialDatabase => format!("repair {subject}, or have it written anew by what wrote it"),
        GapKind::EmptyInventory => "name a folder with a lock file, or an image: `portcullis help scan`".to_owned(),
        _ => "close the gap, or accept it by name in the policy under [rules.incomplete-inventory]".to_owned(),
    }
}
