//! `vulnerable-component`: which vulnerabilities block.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Objections, Rule, RuleText, Settings, advisories};
use crate::model::advisory::{AdvisoryKind, Match};
use crate::model::finding::{Level, Reason, ReasonCode};
use crate::model::inventory::{Component, Scope};
use crate::model::linked::{NotLinkedUse, ReachabilityAnswer};
use crate::model::severity::Severity;
use crate::stage::policy::Evidence;

/// From which severity on a vulnerability blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub(crate) enum Threshold {
    /// Every vulnerability blocks.
    None,
    /// Low and worse.
    Low,
    /// Medium and worse.
    Medium,
    /// High and worse.
    High,
    /// Critical only.
    Critical,
    /// None blocks; all are listed.
    Never,
}

impl Threshold {
    /// The word used in policies.
    fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Days between publication and the day from which a vulnerability blocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct GraceDays {
    /// For critical ones.
    pub critical: u16,
    /// For high ones.
    pub high: u16,
    /// For medium ones.
    pub medium: u16,
    /// For low ones, and those rated `none`.
    pub low: u16,
}

/// Settings of `vulnerable-component`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct VulnerableComponent {
    /// `deny`: what reaches the threshold blocks. `warn`: it is listed. `off`: the rule does not look.
    pub level: Level,
    /// From which severity on a vulnerability blocks; below it is listed as a warning.
    pub threshold: Threshold,
    /// Other thresholds for ecosystems, by OSV's names (`"crates.io"`, `npm`, `Debian`, `"Debian:12"`); the longest name wins.
    pub ecosystems: BTreeMap<String, Threshold>,
    /// Other thresholds for what is not needed at run time; the milder one of scope and ecosystem counts.
    pub scopes: BTreeMap<Scope, Threshold>,
    /// What a vulnerability without any severity is treated as.
    pub unknown_severity: Severity,
    /// Only a vulnerability that some release fixes blocks; the others are listed.
    pub only_fixable: bool,
    /// Days after publication in which a vulnerability is listed and does not block. Without a publication date, or with one
    /// that is still to come, there are none.
    pub grace_days: GraceDays,
    /// Whether upstream's advisories count for files that an OS package owns. Distributions patch without raising upstream's version, so that their
    /// own advisories decide on them otherwise.
    pub upstream_for_os_files: bool,
    /// What comes of a vulnerability whose functions were not linked into the programs that were just built (`[build] builder = "native"`).
    /// `show`: it is told, and changes nothing. `warn`: its severity does not block. `not-affected`: the same, and the OpenVEX document says
    /// `vulnerable_code_not_present`. The code that was built could have a hand in what its line tables say.
    pub not_linked: NotLinkedUse,
    /// A vulnerability that is known to be exploited (CISA's catalogue) blocks whatever threshold, fix and grace say.
    pub known_exploited: bool,
    /// A vulnerability whose EPSS probability (0.0 to 1.0) reaches this blocks whatever threshold, fix and grace say.
    #[schemars(range(min = 0.0, max = 1.0))]
    #[serde(deserialize_with = "probability")]
    pub epss: Option<f64>,
}

/// A limit that no probability reaches (97, where 97 % was meant) would be none.
fn probability<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    let limit = Option::<f64>::deserialize(from)?;
    match limit.filter(|limit| !(0.0..=1.0).contains(limit)) {
        None => Ok(limit),
        Some(limit) => Err(serde::de::Error::custom(format!(
            "`epss` is a probability from 0.0 to 1.0, and this is {limit}"
        ))),
    }
}

impl Default for VulnerableComponent {
    fn default() -> Self {
        Self {
            level: Level::Deny,
            threshold: Threshold::High,
            ecosystems: BTreeMap::new(),
            scopes: BTreeMap::new(),
            unknown_severity: Severity::High,
            only_fixable: false,
            upstream_for_os_files: false,
            grace_days: GraceDays::default(),
            not_linked: NotLinkedUse::Show,
            known_exploited: true,
            epss: None,
        }
    }
}

impl Settings for VulnerableComponent {
    const ABOUT: RuleText = RuleText {
        code: "vulnerable-component",
        summary: "A component has a known vulnerability.",
        why: "What ships with a known vulnerability is found by everybody who reads the same advisories. The policy says from which severity \
              on that blocks, for each ecosystem and for what the component is needed for; a vulnerability without a severity is treated as a \
              bad one, because nobody has said that it is harmless.",
        fix: "Update the component to a fixed version; the finding names the smallest one. For a package of the operating system rebuild on a \
              newer base image. Where no fix exists or the bug cannot be reached, write a waiver with a reason, an owner and an end.",
    };
}

impl Rule for VulnerableComponent {
    fn check(&self, evidence: &Evidence<'_>, objections: &mut Objections) {
        if self.level == Level::Off {
            return;
        }
        let kind = AdvisoryKind::Vulnerability;
        let of_os_files = advisories::owned_by_os(evidence, kind).filter(|_| self.upstream_for_os_files);
        for (component, matched) in advisories::matches(evidence, kind).chain(of_os_files) {
            let reasons = self.reasons(component, matched, evidence.at);
            let level = if reasons.is_empty() { Level::Warn } else { self.level };
            let mut finding = advisories::finding(&Self::ABOUT, level, component, matched);
            if level == Level::Deny {
                finding.reasons = reasons;
            } else if self.is_excused(matched)
                && let Some(reachability) = &mut finding.reachability
            {
                reachability.applied = Some(self.not_linked);
            }
            objections.findings.push(finding);
        }
    }

    fn denies(&self, component: &Component, matched: &Match, at: Timestamp) -> bool {
        matched.advisory.kind == AdvisoryKind::Vulnerability
            && self.level == Level::Deny
            && !self.reasons(component, matched, at).is_empty()
    }
}

impl VulnerableComponent {
    /// Every reason for which it blocks; none where it is listed only.
    fn reasons(&self, component: &Component, matched: &Match, at: Timestamp) -> Vec<Reason> {
        let advisory = &matched.advisory;
        let mut reasons = Vec::new();
        let mut add = |code, detail| reasons.push(Reason { code, detail });
        let rated = advisory.rating.as_ref().map(|rating| rating.severity);
        let severity = rated.unwrap_or(self.unknown_severity);
        let threshold = self.threshold_for(component);
        let blocks = reaches(severity, threshold)
            && (!self.only_fixable || !matched.fixed.is_empty())
            && !self.in_grace(severity, advisory.published, at)
            && !self.is_excused(matched);
        match rated {
            _ if !blocks => {}
            Some(_) => add(
                ReasonCode::Severity,
                format!("its severity, {severity}, reaches the policy's threshold, {}", threshold.as_str()),
            ),
            None => add(
                ReasonCode::UnknownSeverity,
                format!("nobody says how severe it is, and the policy takes it for {severity}"),
            ),
        }
        if self.known_exploited && advisory.known_exploited {
            add(ReasonCode::KnownExploited, "it is known to be exploited".to_owned());
        }
        if let (Some(limit), Some(epss)) = (self.epss, advisory.epss)
            && epss >= limit
        {
            add(
                ReasonCode::Epss,
                format!("its EPSS probability, {epss}, reaches the policy's limit, {limit}"),
            );
        }
        reasons
    }

    /// What it is about was not linked, and the policy says that this counts.
    fn is_excused(&self, matched: &Match) -> bool {
        let answer = matched.reachability.as_ref().map(|reachability| reachability.answer);
        self.not_linked != NotLinkedUse::Show && answer == Some(ReachabilityAnswer::NotLinked)
    }

    fn threshold_for(&self, component: &Component) -> Threshold {
        let ecosystem = component.ecosystem.as_ref();
        let by_ecosystem = ecosystem.and_then(|e| self.ecosystems.get(e.as_str()).or_else(|| self.ecosystems.get(e.base())));
        let threshold = by_ecosystem.copied().unwrap_or(self.threshold);
        self.scopes
            .get(&component.scope)
            .map_or(threshold, |by_scope| threshold.max(*by_scope))
    }

    fn in_grace(&self, severity: Severity, published: Option<Timestamp>, at: Timestamp) -> bool {
        let days = match severity {
            Severity::Critical => self.grace_days.critical,
            Severity::High => self.grace_days.high,
            Severity::Medium => self.grace_days.medium,
            Severity::Low | Severity::None => self.grace_days.low,
        };
        let grace = SignedDuration::ZERO..SignedDuration::from_hours(24 * i64::from(days));
        published.is_some_and(|published| grace.contains(&at.duration_since(published)))
    }
}

fn reaches(severity: Severity, threshold: Threshold) -> bool {
    match threshold {
        Threshold::None => true,
        Threshold::Low => severity >= Severity::Low,
        Threshold::Medium => severity >= Severity::Medium,
        Threshold::High => severity >= Severity::High,
        Threshold::Critical => severity >= Severity::Critical,
        Threshold::Never => false,
    }
}
