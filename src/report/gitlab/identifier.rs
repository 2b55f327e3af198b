//! What a finding is called elsewhere.

use serde_json::{Value, json};

use crate::model::finding::Finding;
use crate::report::text::prose;

/// Every name of a finding; never empty. GitLab takes the first for the finding's own: the CVE, which other scanners name too.
#[must_use]
pub(super) fn identifiers(finding: &Finding) -> Vec<Value> {
    if finding.ids.is_empty() {
        let rule = finding.rule.as_str();
        return vec![json!({"type": "portcullis_rule", "name": prose(rule), "value": prose(rule)})];
    }
    let (cves, others): (Vec<&String>, Vec<&String>) = finding.ids.iter().partition(|id| id.starts_with("CVE-"));
    cves.into_iter().chain(others).map(|id| identifier(id)).collect()
}

fn identifier(id: &str) -> Value {
    let kind = match id.split_once('-') {
        Some(("CVE", _)) => "cve",
        Some(("GHSA", _)) => "ghsa",
        Some(("RUSTSEC", _)) => "rustsec",
        _ => "osv",
    };
    let name = prose(id);
    let mut value = json!({"type": kind, "name": name, "value": name});
    if let Some(url) = page(id) {
        value["url"] = json!(url);
    }
    value
}

/// The page of an id, which is foreign text: one that has the shape of an id alone gets an address.
fn page(id: &str) -> Option<String> {
    let is_plain = id.starts_with(|c: char| c.is_ascii_uppercase()) && id.chars().all(|c| c.is_ascii_alphanumeric() || "-_:.".contains(c));
    is_plain.then(|| match id.starts_with("CVE-") {
        true => format!("https://nvd.nist.gov/vuln/detail/{id}"),
        false => format!("https://osv.dev/vulnerability/{id}"),
    })
}
