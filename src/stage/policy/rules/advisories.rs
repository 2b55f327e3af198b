//! What the rules on advisories share: from a match to a finding.

use crate::model::advisory::{AdvisoryKind, Match};
use crate::model::finding::{Finding, Level};
use crate::model::inventory::Component;

use super::RuleText;
use crate::model::visible::shortened;
use crate::stage::policy::{Evidence, remedy};

/// The matches of one kind that apply, each with its component.
pub(super) fn matches<'a>(evidence: &Evidence<'a>, kind: AdvisoryKind) -> impl Iterator<Item = (&'a Component, &'a Match)> + use<'a> {
    let components = &evidence.inventory.components;
    let applies = move |matched: &&Match| matched.not_applicable.is_none();
    of_kind(evidence, kind)
        .filter(applies)
        .filter_map(move |matched| Some((components.get(matched.component)?, matched)))
}

/// The matches of upstream on files that an OS package owns, which apply only where a policy asks for them.
pub(super) fn owned_by_os<'a>(evidence: &Evidence<'a>, kind: AdvisoryKind) -> impl Iterator<Item = (&'a Component, &'a Match)> + use<'a> {
    let components = &evidence.inventory.components;
    let owned = of_kind(evidence, kind).filter(|matched| matched.owned_by_os);
    owned.filter_map(move |matched| Some((components.get(matched.component)?, matched)))
}

fn of_kind<'a>(evidence: &Evidence<'a>, kind: AdvisoryKind) -> impl Iterator<Item = &'a Match> + use<'a> {
    evidence
        .matching
        .matches
        .iter()
        .filter(move |matched| matched.advisory.kind == kind)
}

/// A finding about a match: the advisory's own id first, the rest of its alias group after it.
pub(super) fn finding(about: &RuleText, level: Level, component: &Component, matched: &Match) -> Finding {
    let advisory = &matched.advisory;
    let mut ids = vec![advisory.id.clone()];
    ids.extend(advisory.ids.iter().filter(|id| **id != advisory.id).cloned());
    ids[1..].sort();
    let mut finding = about.finding(level, message(component, matched));
    finding.ids = ids;
    finding.advisory_kind = Some(advisory.kind);
    finding.purl = Some(component.purl.clone());
    finding.source = component.source.clone();
    finding.severity = advisory.rating.as_ref().map(|rating| rating.severity);
    finding.severity_source = advisory.rating.as_ref().map(|rating| rating.source.clone());
    finding.score = advisory.rating.as_ref().and_then(|rating| rating.score);
    finding.vector = advisory.rating.as_ref().and_then(|rating| rating.vector.clone());
    finding.published = advisory.published;
    finding.url.clone_from(&advisory.url);
    finding.fixed = matched.fixed.clone();
    finding.clears.clone_from(&matched.clears_all);
    finding.update.clone_from(&matched.update);
    finding.locations = component.locations.clone();
    finding.functions.clone_from(&advisory.functions);
    finding.reachability.clone_from(&matched.reachability);
    finding.evidence = Some(matched.evidence.range.clone()).filter(|range| !range.is_empty());
    let version = matched.clears_all.as_deref().or(matched.fixed.last().map(String::as_str));
    finding.help = Some(remedy::help(component, version, matched.update.as_ref()));
    finding
}

fn message(component: &Component, matched: &Match) -> String {
    let summary = shortened(&matched.advisory.summary, 200);
    let summary = match summary.trim() {
        "" => matched.advisory.id.as_str(),
        summary => summary,
    };
    format!("{} {}: {summary}", component.name, component.version)
}

/// A finding about a component that no advisory names.
pub(super) fn of_component(about: &RuleText, level: Level, component: &Component, message: String, help: String) -> Finding {
    let mut finding = about.finding(level, message);
    finding.purl = Some(component.purl.clone());
    finding.source = component.source.clone();
    finding.locations = component.locations.clone();
    finding.help = Some(help);
    finding
}
