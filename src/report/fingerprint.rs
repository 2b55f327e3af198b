//! What makes a finding the same finding tomorrow.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::model::finding::Finding;

/// Gives fingerprints; equal findings get an ordinal, so that two versions of one crate stay two.
#[derive(Debug, Default)]
pub(super) struct Fingerprints {
    seen: BTreeMap<String, u32>,
}

impl Fingerprints {
    /// SHA-256 in hexadecimal over the rule, the advisory, the package without its version, the subject and the file; never lines or layers.
    pub(super) fn of(&mut self, finding: &Finding) -> String {
        let package = finding.purl.as_ref().map(|purl| purl.package().to_string());
        let parts = [
            finding.rule.as_str(),
            finding.ids.first().map_or("", String::as_str),
            package.as_deref().unwrap_or_default(),
            finding.subject.as_deref().unwrap_or_default(),
            finding.locations.first().map_or("", |location| &location.path),
        ];
        let key = fingerprint(&parts);
        let count = self.seen.entry(key.clone()).or_default();
        *count += 1;
        if *count == 1 { key } else { format!("{key}:{count}") }
    }
}

/// SHA-256 in hexadecimal over what makes something the same tomorrow.
pub(super) fn fingerprint(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::{Level, RuleCode};
    use crate::model::inventory::Location;
    use crate::model::purl::Purl;

    fn finding(purl: &str, line: u32) -> Finding {
        let mut finding = Finding::new(RuleCode::new("vulnerable-component"), Level::Deny, "x");
        finding.ids = vec!["RUSTSEC-2026-0001".to_owned()];
        finding.purl = Some(Purl::parse(purl).expect("a purl"));
        finding.locations = vec![Location {
            line: Some(line),
            ..Location::path("Cargo.lock")
        }];
        finding
    }

    #[test]
    fn a_finding_keeps_its_fingerprint_when_lines_and_versions_move() {
        let first = Fingerprints::default().of(&finding("pkg:cargo/a@1.0.0", 3));
        assert_eq!(first, Fingerprints::default().of(&finding("pkg:cargo/a@1.0.1", 90)));
        assert_ne!(first, Fingerprints::default().of(&finding("pkg:cargo/b@1.0.0", 3)));
    }

    #[test]
    fn two_versions_of_one_crate_stay_two() {
        let mut all = Fingerprints::default();
        assert_ne!(all.of(&finding("pkg:cargo/a@1.0.0", 3)), all.of(&finding("pkg:cargo/a@2.0.0", 9)));
    }
}
