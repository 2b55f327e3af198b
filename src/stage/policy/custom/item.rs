//! What a custom rule is asked of: each component, advisory or platform, or the run as a whole.

use cel::Value;
use serde::Serialize;

use super::Each;
use super::view::{AdvisoryView, ComponentView, PlatformView, advisory_view, component_view, platform_view, subject};
use crate::model::advisory::AdvisoryKind;
use crate::model::inventory::{Component, Location, SourcePackage};
use crate::model::purl::Purl;
use crate::model::severity::Severity;
use crate::stage::policy::Evidence;

/// What one evaluation is asked of, with its variables.
pub(super) struct Item {
    pub(super) variables: Vec<(&'static str, Value)>,
    pub(super) label: Option<String>,
    pub(super) ids: Vec<String>,
    pub(super) kind: Option<AdvisoryKind>,
    pub(super) severity: Option<Severity>,
    pub(super) purl: Option<Purl>,
    pub(super) source: Option<SourcePackage>,
    pub(super) subject: Option<String>,
    pub(super) locations: Vec<Location>,
}

impl Item {
    fn new(variables: Vec<(&'static str, Value)>) -> Self {
        Self {
            variables,
            label: None,
            ids: Vec::new(),
            kind: None,
            severity: None,
            purl: None,
            source: None,
            subject: None,
            locations: Vec::new(),
        }
    }

    fn of_component(mut self, component: &Component) -> Self {
        self.label = Some(format!("{} {}", component.name, component.version));
        self.purl = Some(component.purl.clone());
        self.source = component.source.clone();
        self.locations = component.locations.clone();
        self
    }

    /// ` for pkg:cargo/x@1`, for messages.
    pub(super) fn name(&self) -> String {
        match (&self.purl, &self.subject) {
            (Some(purl), _) => format!(" for {purl}"),
            (None, Some(subject)) => format!(" for {subject}"),
            (None, None) => String::new(),
        }
    }
}

/// Everything that a rule is asked of, in the order of the evidence.
pub(super) fn items(evidence: &Evidence<'_>, each: Each) -> Result<Vec<Item>, String> {
    let components = &evidence.inventory.components;
    let common = [("subject", value(&subject(evidence))?), ("at", Value::Int(evidence.at.as_second()))];
    let with = |more: Vec<(&'static str, Value)>| Item::new(common.iter().cloned().chain(more).collect());
    match each {
        Each::Component => components
            .iter()
            .enumerate()
            .map(|(at, component)| {
                let view = component_view(component, evidence.is_yanked(at));
                Ok(with(vec![("component", value(&view)?)]).of_component(component))
            })
            .collect(),
        Each::Advisory => evidence
            .matching
            .matches
            .iter()
            .filter(|matched| matched.not_applicable.is_none())
            .filter_map(|matched| Some((matched, components.get(matched.component)?)))
            .map(|(matched, component)| {
                let variables = vec![
                    ("advisory", value(&advisory_view(matched))?),
                    (
                        "component",
                        value(&component_view(component, evidence.is_yanked(matched.component)))?,
                    ),
                ];
                let mut item = with(variables).of_component(component);
                item.ids = vec![matched.advisory.id.clone()];
                item.ids
                    .extend(matched.advisory.ids.iter().filter(|id| **id != matched.advisory.id).cloned());
                item.kind = Some(matched.advisory.kind);
                item.severity = matched.advisory.rating.as_ref().map(|rating| rating.severity);
                Ok(item)
            })
            .collect(),
        Each::Platform => evidence
            .inventory
            .platforms
            .iter()
            .map(|platform| {
                let mut item = with(vec![("platform", value(&platform_view(platform))?)]);
                item.subject = Some(platform.platform.to_string());
                Ok(item)
            })
            .collect(),
        Each::Run => {
            let views = components.iter().enumerate();
            let all: Vec<ComponentView<'_>> = views
                .map(|(at, component)| component_view(component, evidence.is_yanked(at)))
                .collect();
            let advisories: Vec<AdvisoryView<'_>> = evidence.matching.matches.iter().map(advisory_view).collect();
            let platforms: Vec<PlatformView<'_>> = evidence.inventory.platforms.iter().map(platform_view).collect();
            Ok(vec![with(vec![
                ("components", value(&all)?),
                ("advisories", value(&advisories)?),
                ("platforms", value(&platforms)?),
            ])])
        }
    }
}

fn value<T: Serialize>(view: &T) -> Result<Value, String> {
    cel::to_value(view).map_err(|error| format!("the evidence could not be handed over: {error}"))
}
