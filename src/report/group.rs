//! Findings as people think of them: what must be changed, with everything that is wrong with it.

use std::collections::HashMap;

use crate::model::finding::{Disposition, Finding, Judgement};
use crate::model::severity::Severity;
use crate::model::verdict::Verdict;

/// The findings of one disposition that one change would clear: those of one package (an OS package's source) or of one subject.
#[derive(Debug)]
pub(super) struct Group<'a> {
    /// `smallvec 1.6.0`; a rule without packages and its subject: `root-user User`.
    pub(super) title: String,
    /// `cargo`, `deb`; empty for rules without packages.
    pub(super) ecosystem: String,
    /// Binary packages, where they differ from the title.
    pub(super) packages: Vec<String>,
    /// The findings, the worst first; one for each rule and advisory.
    pub(super) judgements: Vec<&'a Judgement>,
}

/// Groups the findings of a disposition; the group with the worst finding first.
pub(super) fn groups(verdict: &Verdict, disposition: Disposition) -> Vec<Group<'_>> {
    let mut out: Vec<Group<'_>> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for judgement in verdict.findings.iter().filter(|j| j.disposition == disposition) {
        let (key, title, ecosystem) = name(&judgement.finding);
        let at = *known.entry(key).or_insert(out.len());
        if at == out.len() {
            out.push(Group {
                title,
                ecosystem,
                packages: Vec::new(),
                judgements: Vec::new(),
            });
        }
        out[at].add(judgement);
    }
    out.sort_by_key(|group| (std::cmp::Reverse(group.worst()), group.title.clone()));
    out
}

/// The name and the version of what a finding is about: of an OS package's source, of a package, or a subject without a version.
pub(super) fn about(finding: &Finding) -> (String, String) {
    match (&finding.purl, &finding.source) {
        (Some(_), Some(source)) => (source.name.clone(), source.version.clone()),
        (Some(purl), None) => (purl.full_name(), purl.version.clone().unwrap_or_default()),
        (None, _) => (finding.subject.clone().unwrap_or_default(), String::new()),
    }
}

/// What a finding is about: a key, a title, an ecosystem.
fn name(finding: &Finding) -> (String, String, String) {
    let (name, version) = about(finding);
    match &finding.purl {
        Some(purl) => {
            let title = format!("{name} {version}").trim_end().to_owned();
            (format!("{} {title}", purl.kind), title, purl.kind.clone())
        }
        None => {
            let title = format!("{} {name}", finding.rule).trim_end().to_owned();
            (format!("rule {title}"), title, String::new())
        }
    }
}

impl<'a> Group<'a> {
    fn add(&mut self, judgement: &'a Judgement) {
        if let (Some(purl), Some(_)) = (&judgement.finding.purl, &judgement.finding.source) {
            let package = purl.full_name();
            if !self.packages.contains(&package) {
                self.packages.push(package);
                self.packages.sort();
            }
        }
        let same = |known: &&Judgement| known.finding.rule == judgement.finding.rule && known.finding.ids == judgement.finding.ids;
        let repeated = !judgement.finding.ids.is_empty() && self.judgements.iter().any(same);
        if !repeated {
            self.judgements.push(judgement);
        }
    }

    /// The worst severity; unknown counts below the least.
    pub(super) fn worst(&self) -> Option<Severity> {
        self.judgements.iter().filter_map(|j| j.finding.severity).max()
    }

    /// The version that clears all its findings.
    pub(super) fn fixed(&self) -> Option<&'a str> {
        let firsts: Vec<&str> = self.judgements.iter().filter_map(|j| fix(&j.finding)).collect();
        match firsts.as_slice() {
            [] => None,
            all if all.len() < self.judgements.len() => None,
            [only] => Some(only),
            all => all.iter().all(|one| *one == all[0]).then(|| all[0]),
        }
    }

    /// Lines of help that differ, in order.
    pub(super) fn helps(&self) -> Vec<&'a str> {
        let mut out: Vec<&str> = Vec::new();
        for help in self.judgements.iter().filter_map(|j| j.finding.help.as_deref()) {
            if !out.contains(&help) {
                out.push(help);
            }
        }
        out
    }

    /// Places that differ, in order.
    pub(super) fn places(&self) -> Vec<&'a crate::model::inventory::Location> {
        let mut out = Vec::new();
        for place in self.judgements.iter().flat_map(|j| &j.finding.locations) {
            if !out.contains(&place) {
                out.push(place);
            }
        }
        out
    }
}

/// The version to go to: the one that clears everything found in the package, else the only one that fixes this.
pub(super) fn fix(finding: &Finding) -> Option<&str> {
    match (&finding.clears, finding.fixed.as_slice()) {
        (Some(version), _) => Some(version),
        (None, [only]) => Some(only),
        (None, _) => None,
    }
}

/// `name → fixed` of findings with several fixes: the lists, joined.
pub(super) fn fixes(finding: &Finding) -> String {
    finding.fixed.join(", ")
}

/// The message without the id and the package in front of it, for where these stand already; empty where nothing else is said.
#[must_use]
pub fn message(finding: &Finding) -> &str {
    let mut rest = finding.message.as_str();
    let package = finding
        .purl
        .as_ref()
        .map(|purl| format!("{} {}", purl.full_name(), purl.version.as_deref().unwrap_or_default()));
    let source = finding.source.as_ref().map(|source| format!("{} {}", source.name, source.version));
    for known in finding.ids.first().into_iter().chain(&package).chain(&source) {
        if let Some(after) = rest.strip_prefix(known.as_str()).and_then(|after| after.strip_prefix(':')) {
            rest = after.trim_start();
        }
    }
    // A record without a title has only its id to say.
    if finding.ids.first().is_some_and(|id| id == rest) {
        ""
    } else {
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::{Level, RuleCode};
    use crate::model::purl::Purl;

    fn title_of(text: &str) -> String {
        let mut finding = Finding::new(RuleCode::new("vulnerable-component"), Level::Deny, text);
        finding.ids = vec!["CVE-2026-1".to_owned()];
        finding.purl = Some(Purl::parse("pkg:deb/debian/perl@5.36").expect("a purl"));
        message(&finding).to_owned()
    }

    #[test]
    fn a_message_does_not_repeat_the_package_or_the_id() {
        assert_eq!(title_of("perl 5.36: a title"), "a title");
        assert_eq!(title_of("CVE-2026-1: a title"), "a title");
        assert_eq!(title_of("perl 5.36: CVE-2026-1"), "");
    }
}
