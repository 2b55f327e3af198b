//! Why a finding is there today: each one against the last cleared verdict of the same service.

use std::collections::BTreeSet;

use crate::model::finding::{Cause, Disposition, Finding, Judgement};
use crate::model::inventory::Inventory;
use crate::model::matching::Matching;
use crate::model::purl::Purl;
use crate::model::verdict::Verdict;

use super::judge::{decide, rank};

/// The rule whose findings say themselves why they are there.
const EXPIRED: &str = "expired-waiver";

/// What is compared with.
#[derive(Debug, Clone, Copy)]
pub struct Baseline<'a> {
    /// The last cleared verdict.
    pub verdict: &'a Verdict,
    /// Its inventory, where it was kept: then it alone tells what was there, since one commit gives other components with other features or with
    /// changes that are not committed. Without it a component that the old verdict does not mention counts as new, unless the whole inventory or
    /// the commit is the same.
    pub inventory: Option<&'a Inventory>,
}

/// Fills in the cause of every finding. `matching` is what today's verdict was computed from.
pub fn fill_causes(verdict: &mut Verdict, matching: &Matching, baseline: &Baseline<'_>) {
    let before = baseline.verdict;
    let same_commit = verdict.subject.commit.is_some() && verdict.subject.commit == before.subject.commit;
    let comparison = Comparison {
        before,
        same_content: verdict.inputs.inventory == before.inputs.inventory || (baseline.inventory.is_none() && same_commit),
        same_policy: verdict.inputs.policy.digest == before.inputs.policy.digest,
        same_waivers: verdict.inputs.waivers == before.inputs.waivers,
        components: baseline
            .inventory
            .map(|inventory| inventory.components.iter().map(|c| &c.purl).collect()),
        mentioned: before
            .findings
            .iter()
            .filter_map(|judgement| judgement.finding.purl.as_ref())
            .collect(),
        matching,
    };
    for judgement in &mut verdict.findings {
        judgement.cause = Some(comparison.cause(judgement));
    }
}

/// Lets nothing but what the change introduces block (`--only-new`); the rest is listed. Such a verdict never publishes. Malware blocks always.
pub fn only_new(verdict: &mut Verdict) {
    verdict.only_new = true;
    for judgement in &mut verdict.findings {
        let was_there = judgement.cause.is_some_and(|cause| cause != Cause::IntroducedByChange);
        let is_lenient = judgement.finding.rule.as_str() != "malicious-component";
        if was_there && is_lenient && judgement.disposition == Disposition::Denied {
            judgement.disposition = Disposition::Warned;
        }
    }
    verdict.findings.sort_by_cached_key(rank);
    verdict.verdict = decide(&verdict.findings, &verdict.gaps);
}

struct Comparison<'a> {
    before: &'a Verdict,
    same_content: bool,
    same_policy: bool,
    same_waivers: bool,
    components: Option<BTreeSet<&'a Purl>>,
    mentioned: BTreeSet<&'a Purl>,
    matching: &'a Matching,
}

impl Comparison<'_> {
    fn cause(&self, now: &Judgement) -> Cause {
        let same = |then: &&Judgement| then.finding.is_same(&now.finding);
        match self.before.findings.iter().find(same) {
            Some(then) => self.moved(now, then),
            None => self.appeared(&now.finding),
        }
    }

    /// It was there before: what made it weigh more?
    fn moved(&self, now: &Judgement, then: &Judgement) -> Cause {
        if now.disposition >= then.disposition {
            return Cause::Unchanged;
        }
        if then.disposition == Disposition::Waived {
            return Cause::WaiverExpired;
        }
        if now.finding.severity > then.finding.severity || self.is_exploited(&now.finding) {
            return Cause::SeverityRaised;
        }
        if then.finding.fixed.is_empty() && !now.finding.fixed.is_empty() {
            return Cause::FixReleased;
        }
        if !self.same_policy {
            return Cause::PolicyChanged;
        }
        Cause::GraceEnded
    }

    /// It was not there before.
    fn appeared(&self, finding: &Finding) -> Cause {
        if finding.rule.as_str() == EXPIRED {
            return Cause::WaiverExpired;
        }
        let Some(purl) = finding.purl.as_ref() else {
            return self.appeared_without_component(finding);
        };
        let was_there = self.same_content
            || match &self.components {
                Some(components) => components.contains(purl),
                None => self.mentioned.contains(purl),
            };
        if !was_there {
            return Cause::IntroducedByChange;
        }
        let published = self.match_of(finding).and_then(|matched| matched.advisory.published);
        let is_old = finding.ids.is_empty() || published.is_some_and(|published| published <= self.before.evaluated_at);
        if is_old && !self.same_policy {
            Cause::PolicyChanged
        } else {
            Cause::NewlyPublished
        }
    }

    fn appeared_without_component(&self, finding: &Finding) -> Cause {
        let is_of_waivers = finding.rule.as_str().ends_with("-waiver");
        if is_of_waivers && self.same_waivers && self.same_policy {
            // The file is the same: the world around it has moved.
            Cause::NewlyPublished
        } else if !self.same_policy && self.same_content {
            Cause::PolicyChanged
        } else {
            Cause::IntroducedByChange
        }
    }

    fn is_exploited(&self, finding: &Finding) -> bool {
        self.match_of(finding).is_some_and(|matched| matched.advisory.known_exploited)
    }

    fn match_of(&self, finding: &Finding) -> Option<&crate::model::advisory::Match> {
        let id = finding.ids.first()?;
        self.matching.matches.iter().find(|matched| matched.advisory.id == *id)
    }
}
