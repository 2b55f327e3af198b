//! SARIF's rules: one for each of the policy's, and one for each advisory, since code scanning sorts by a severity that it reads there.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::model::finding::{Disposition, Finding, Judgement};
use crate::model::rule_text::RuleText;
use crate::model::severity::Severity;
use crate::report::group::message;
use crate::report::sarif::address::uri;
use crate::report::text::prose;

/// The descriptors of a run, in order.
pub(super) struct Rules<'a> {
    texts: &'a [RuleText],
    ids: Vec<String>,
    index: HashMap<String, usize>,
    findings: Vec<Option<&'a Judgement>>,
}

impl<'a> Rules<'a> {
    /// The policy's rules, then what the findings add to them.
    pub(super) fn new(texts: &'a [RuleText], findings: impl Iterator<Item = &'a Judgement>) -> Self {
        let ids: Vec<String> = texts.iter().map(|text| text.code.to_owned()).collect();
        let mut rules = Self {
            texts,
            index: ids.iter().cloned().zip(0..).collect(),
            ids,
            findings: vec![None; texts.len()],
        };
        for judgement in findings {
            let id = id(&judgement.finding);
            if !rules.index.contains_key(&id) {
                rules.index.insert(id.clone(), rules.ids.len());
                rules.ids.push(id);
                rules.findings.push(Some(judgement));
            }
        }
        rules
    }

    /// The id and index of a finding's rule.
    pub(super) fn of(&self, finding: &Finding) -> (String, usize) {
        let id = id(finding);
        let index = self.index.get(&id).copied().unwrap_or_default();
        (id, index)
    }

    pub(super) fn descriptors(&self) -> Vec<Value> {
        self.ids
            .iter()
            .zip(&self.findings)
            .map(|(id, judgement)| match judgement {
                Some(judgement) => self.advisory(id, judgement),
                None => self.rule(id),
            })
            .collect()
    }

    fn text(&self, code: &str) -> Option<&RuleText> {
        self.texts.iter().find(|text| text.code == code)
    }

    /// A rule of the policy.
    fn rule(&self, code: &str) -> Value {
        let mut value = json!({"id": code, "name": code});
        if let Some(text) = self.text(code) {
            value["shortDescription"] = json!({"text": text.summary});
            value["fullDescription"] = json!({"text": format!("{} {}", text.summary, text.why)});
            value["help"] = json!({
                "text": format!("{}\n\n{}\n\nTo do: {}", text.summary, text.why, text.fix),
                "markdown": format!("{}\n\n{}\n\n**To do:** {}", text.summary, text.why, text.fix),
            });
        }
        value
    }

    /// A rule's word on one advisory, or a rule that describes itself by its finding.
    fn advisory(&self, id: &str, judgement: &Judgement) -> Value {
        let finding = &judgement.finding;
        let mut value = self.rule(finding.rule.as_str());
        value["id"] = json!(id);
        value["shortDescription"] = json!({"text": prose(message(finding))});
        let level = if judgement.disposition == Disposition::Denied {
            "error"
        } else {
            "warning"
        };
        value["defaultConfiguration"] = json!({"level": level});
        let mut tags = vec!["security".to_owned()];
        tags.extend(finding.ids.iter().map(|id| prose(id)));
        value["properties"] = json!({"tags": tags});
        if let Some(id) = finding.ids.first() {
            if let Some(score) = score(finding) {
                value["properties"]["security-severity"] = json!(score);
            }
            value["helpUri"] = json!(format!("https://osv.dev/vulnerability/{}", uri(id).replace('/', "%2F")));
        }
        value
    }
}

/// `vulnerable-component/RUSTSEC-2026-0001`, or the rule's code alone.
fn id(finding: &Finding) -> String {
    match finding.ids.first() {
        Some(id) => prose(&format!("{}/{id}", finding.rule)),
        None => finding.rule.to_string(),
    }
}

/// The CVSS score, where it lies in the range of the level that the finding has; else a number inside that range. A distribution that rates a
/// bug lower than its vector does is believed.
fn score(finding: &Finding) -> Option<String> {
    let severity = finding.severity?;
    let of_level = match severity {
        Severity::Critical => 9.5,
        Severity::High => 8.0,
        Severity::Medium => 5.5,
        Severity::Low => 2.0,
        Severity::None => 0.0,
    };
    let fits = |score: &f64| Severity::of_score(*score) == severity;
    Some(format!("{:.1}", finding.score.filter(fits).unwrap_or(of_level)))
}
