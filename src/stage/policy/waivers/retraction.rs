//! What takes a VEX waiver back: a newer statement of a trusted document, this one's or another's, that something is to fix or that nobody knows.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Waiver;
use crate::model::digest::Digest;
use crate::model::finding::Finding;
use crate::model::purl::Purl;
use crate::model::waiver::VexStatus;

/// A statement that waives nothing.
#[derive(Debug, Clone)]
pub(super) struct Retraction {
    /// The document that holds it.
    pub(super) document: String,
    /// Its place there, from 1.
    pub(super) place: usize,
    /// Every id that it gives the vulnerability.
    pub(super) ids: Vec<String>,
    /// The package, every version where it names none; whatever the vulnerability is found in where no package is told.
    pub(super) package: Option<Purl>,
    /// The image; every image where it names none.
    pub(super) product: Option<Digest>,
    pub(super) status: VexStatus,
    pub(super) date: Option<Timestamp>,
}

impl Retraction {
    fn concerns(&self, package: &Purl, subject: Option<Digest>) -> bool {
        let is_same = |own: &Purl| {
            let names = |purl: &Purl| {
                (
                    purl.kind.clone(),
                    purl.namespace.as_deref().map(str::to_lowercase),
                    purl.name.to_lowercase(),
                )
            };
            let version = |purl: &Purl| {
                purl.version
                    .as_deref()
                    .map(|version| version.trim_start_matches(['v', 'V']).to_owned())
            };
            // What is no version of anything is about any.
            let is_any = version(own).is_none_or(|version| !version.starts_with(|first: char| first.is_ascii_alphanumeric()));
            names(own) == names(package) && (is_any || version(own) == version(package))
        };
        self.package.as_ref().is_none_or(is_same) && (self.product.is_none() || self.product == subject)
    }

    /// Newer, or of the same time, wherever it is written: of two words of one moment the "no" counts. One without a time may be the newest.
    fn is_after(&self, waiver: &Waiver) -> bool {
        let Some(date) = self.date else { return true };
        waiver.said.is_none_or(|said| date >= said)
    }

    /// `vex.json#3 says affected`
    fn told(&self) -> String {
        format!("{}#{} says {}", self.document, self.place, self.status.as_str())
    }
}

/// Every retraction, by each id of its vulnerability.
pub(super) struct Retractions<'a> {
    /// By ids in capitals.
    by_id: BTreeMap<String, Vec<&'a Retraction>>,
    subject: Option<Digest>,
}

impl<'a> Retractions<'a> {
    /// `groups` gives the other ids that advisory data know for one.
    pub(super) fn new(
        all: impl Iterator<Item = &'a Retraction>,
        groups: &'a BTreeMap<String, Vec<String>>,
        subject: Option<Digest>,
    ) -> Self {
        let mut by_id: BTreeMap<String, Vec<&Retraction>> = BTreeMap::new();
        for retraction in all {
            for id in &retraction.ids {
                for id in groups.get(id).into_iter().flatten().chain([id]) {
                    by_id.entry(folded(id)).or_default().push(retraction);
                }
            }
        }
        Self { by_id, subject }
    }

    /// Why a statement that covers a finding does not hold any more.
    pub(super) fn against(&self, waiver: &Waiver, finding: &Finding) -> Option<String> {
        let package = finding.purl.as_ref().filter(|_| waiver.vex.is_some())?;
        let mut all = finding.ids.iter().flat_map(|id| self.by_id.get(&folded(id)).into_iter().flatten());
        let found = all.find(|retraction| retraction.concerns(package, self.subject) && retraction.is_after(waiver))?;
        Some(format!("it was taken back: {}", found.told()))
    }
}

/// An id as it is compared: what takes something back may be written with less care.
fn folded(id: &str) -> String {
    id.trim().to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::Retractions;
    use crate::model::finding::{Finding, Level, RuleCode};
    use crate::model::purl::Purl;
    use crate::stage::policy::Policy;
    use crate::stage::policy::waivers::Waivers;

    const WHY: Option<&str> = Some("vulnerable_code_not_present");

    fn open_vex(statements: &[(&str, &str, Option<&str>, Option<&str>)]) -> Value {
        let statement = |(id, status, justification, day): &(&str, &str, Option<&str>, Option<&str>)| {
            let mut said = json!({
                "vulnerability": {"name": id}, "products": [{"@id": "pkg:npm/evil@1.0.0"}],
                "status": status, "justification": justification,
            });
            if let Some(day) = day {
                said["timestamp"] = format!("2026-11-{day}T00:00:00Z").into();
            }
            said
        };
        json!({"@context": "https://openvex.dev/ns/v0.2.0", "author": "V", "timestamp": "2026-11-20T00:00:00Z",
            "statements": statements.iter().map(statement).collect::<Vec<_>>()})
    }

    /// How many statements still hold for a finding of `CVE-1`, which is `GHSA-1` too.
    fn holding(documents: &[Value]) -> usize {
        let policy = Policy::from_text("p", "[vex]\ntrusted_authors = [\"V\"]\n").expect("valid");
        let mut waivers = Waivers::default();
        for (at, document) in documents.iter().enumerate() {
            waivers
                .add_vex(&policy, &format!("{at}.json"), &document.to_string())
                .expect("a VEX document");
        }
        let mut finding = Finding::new(RuleCode::new("vulnerable-component"), Level::Deny, "x");
        finding.purl = Some(Purl::parse("pkg:npm/evil@1.0.0").expect("a purl"));
        finding.ids = vec!["CVE-1".to_owned(), "GHSA-1".to_owned()];
        let groups = BTreeMap::from([("PYSEC-1".to_owned(), vec!["CVE-1".to_owned(), "PYSEC-1".to_owned()])]);
        let retractions = Retractions::new(waivers.retractions(), &groups, None);
        waivers
            .all()
            .filter(|waiver| retractions.against(waiver, &finding).is_none())
            .count()
    }

    #[test]
    fn a_newer_statement_takes_back_a_waiver() {
        let waives = ("CVE-1", "not_affected", WHY, Some("20"));
        assert_eq!(holding(&[open_vex(&[waives])]), 1);
        for status in ["affected", "under_investigation"] {
            let back = |day| ("CVE-1", status, None, day);
            assert_eq!(holding(&[open_vex(&[waives, back(Some("25"))])]), 0, "{status}");
            assert_eq!(holding(&[open_vex(&[back(Some("25")), waives])]), 0, "{status}, written first");
            assert_eq!(holding(&[open_vex(&[waives, back(None)])]), 0, "{status}, of the document's time");
            assert_eq!(holding(&[open_vex(&[back(Some("19")), waives])]), 1, "{status}, before");
        }
    }

    #[test]
    fn another_document_and_another_id_take_back_a_waiver_too() {
        let waives = open_vex(&[("CVE-1", "not_affected", WHY, Some("20"))]);
        for id in ["CVE-1", "GHSA-1", "PYSEC-1"] {
            let back = open_vex(&[(id, "affected", None, Some("25"))]);
            assert_eq!(holding(&[waives.clone(), back.clone()]), 0, "{id}");
            assert_eq!(holding(&[back, waives.clone()]), 0, "{id}, given first");
            let before = open_vex(&[(id, "affected", None, Some("19"))]);
            assert_eq!(holding(&[waives.clone(), before]), 1, "{id}, before");
        }
        let other = open_vex(&[("CVE-2", "affected", None, Some("25"))]);
        assert_eq!(holding(&[waives, other]), 1, "another vulnerability");
    }

    #[test]
    fn of_two_statements_of_one_moment_the_no_counts_in_one_document_as_in_two() {
        let waives = ("CVE-1", "not_affected", WHY, Some("20"));
        let back = ("CVE-1", "affected", None, Some("20"));
        for document in [open_vex(&[back, waives]), open_vex(&[waives, back])] {
            assert_eq!(holding(std::slice::from_ref(&document)), 0, "{document}");
        }
        assert_eq!(holding(&[open_vex(&[waives]), open_vex(&[back])]), 0, "two documents");
        assert_eq!(holding(&[cyclonedx(&[("exploitable", "20"), ("not_affected", "20")])]), 0);
        // The controls: the no is older, or of another version.
        let older = ("CVE-1", "affected", None, Some("19"));
        assert_eq!(holding(&[open_vex(&[older, waives])]), 1);
        let mut other = open_vex(&[back, waives]);
        other["statements"][0]["products"] = json!([{"@id": "pkg:npm/evil@0.9.0"}]);
        assert_eq!(holding(&[other]), 1);
    }

    #[test]
    fn what_takes_back_holds_for_whatever_its_product_cannot_tell() {
        let waives = open_vex(&[("CVE-1", "not_affected", WHY, Some("20"))]);
        let back = |products: &Value, id: &str| {
            let mut document = open_vex(&[(id, "affected", None, Some("25"))]);
            document["statements"][0]["products"] = products.clone();
            holding(&[waives.clone(), document])
        };
        let inside = json!([{"@id": "pkg:npm/evil@1.0.0"}]);
        for products in [
            json!([]),
            json!([{"@id": "https://example.org/app"}]),
            json!([{"@id": "app", "hashes": {"sha-256": "aa"}}]),
            json!([{"@id": "pkg:oci/app?tag=1", "subcomponents": inside}]),
            json!([{"@id": "pkg:npm/app@1", "subcomponents": inside}]),
            json!([{"@id": "pkg:npm/evil@*"}]),
            json!([{"@id": "pkg:npm/evil@v1.0.0"}]),
            json!([{"@id": "pkg:NPM/Evil@1.0.0"}]),
        ] {
            assert_eq!(back(&products, "CVE-1"), 0, "{products}");
        }
        for id in ["cve-1", " CVE-1"] {
            assert_eq!(back(&inside, id), 0, "{id}");
        }
        let other = format!("pkg:oci/app@sha256:{}", "0".repeat(64));
        for products in [
            json!([{"@id": "pkg:npm/evil@2.0.0"}]),
            json!([{"@id": "pkg:npm/other@1.0.0"}]),
            json!([{"@id": other, "subcomponents": inside}]),
        ] {
            assert_eq!(back(&products, "CVE-1"), 1, "the control: {products}");
        }
    }

    fn cyclonedx(states: &[(&str, &str)]) -> Value {
        let vulnerability = |(state, day): &(&str, &str)| {
            json!({"id": "CVE-1", "affects": [{"ref": "pkg:npm/evil@1.0.0"}],
                "analysis": {"state": state, "lastUpdated": format!("2026-11-{day}T00:00:00Z")}})
        };
        json!({"bomFormat": "CycloneDX", "specVersion": "1.5", "metadata": {"authors": [{"name": "V"}]},
            "vulnerabilities": states.iter().map(vulnerability).collect::<Vec<_>>()})
    }

    #[test]
    fn a_newer_analysis_of_cyclonedx_takes_back_a_waiver() {
        let waives = ("not_affected", "20");
        assert_eq!(holding(&[cyclonedx(&[waives])]), 1, "the control");
        assert_eq!(holding(&[cyclonedx(&[waives, ("exploitable", "25")])]), 0);
        assert_eq!(holding(&[cyclonedx(&[waives, ("exploitable", "19")])]), 1);
        for affects in [json!([]), json!([{"ref": "a-component-of-another-document"}])] {
            let mut back = cyclonedx(&[("exploitable", "25")]);
            back["vulnerabilities"][0]["affects"] = affects;
            assert_eq!(holding(&[cyclonedx(&[waives]), back]), 0);
        }
    }

    #[test]
    fn not_affected_without_a_reason_is_told_and_decides_nothing() {
        let policy = Policy::from_text("p", "[vex]\ntrusted_authors = [\"V\"]\n").expect("valid");
        let reasoned = |status: &str, why: Option<&str>| {
            let mut waivers = Waivers::default();
            let text = open_vex(&[("CVE-1", status, why, None)]).to_string();
            waivers.add_vex(&policy, "v.json", &text).expect("a VEX document");
            waivers.all().map(|waiver| waiver.is_reasoned).collect::<Vec<_>>()
        };
        assert_eq!(reasoned("not_affected", None), [false]);
        assert_eq!(reasoned("not_affected", WHY), [true]);
        assert_eq!(reasoned("fixed", None), [true]);
    }
}
