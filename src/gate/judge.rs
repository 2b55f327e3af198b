//! From an inventory to a verdict: policy, waivers, feeds, and what the verdict is compared with.

use std::collections::BTreeSet;
use std::path::Path;

use super::GateError;
use super::judging_plan::JudgingPlan;
use super::step::Step;
use crate::io::Effects;
use crate::io::files;
use crate::model::context::{Context, WaiverAuthors};
use crate::model::event::Stage;
use crate::model::finding::Judgement;
use crate::model::inventory::{Ecosystem, Inventory};
use crate::model::linked::LinkedImage;
use crate::model::matching::Matching;
use crate::model::outcome::BaselineSummary;
use crate::model::verdict::Verdict;
use crate::report::quantity::count;
use crate::stage::inventory::crate_licenses;
use crate::stage::matching::{self, reachability};
use crate::stage::policy::evidence_file::{EvidenceFile, RecordedBaseline};
use crate::stage::policy::repository::{self, Dockerfiles};
use crate::stage::policy::{self, Evidence, Policy, Reads, Waivers};

/// Policy, waivers and the rest of the plan: read before anything else, so that a broken file costs no build.
pub struct Judge {
    policy: Policy,
    waivers: Waivers,
    baseline: Option<RecordedBaseline>,
    plan: JudgingPlan,
}

/// A verdict with what it was computed from.
pub struct Judged {
    /// What the policy says, with the findings, waivers and inputs that led to it.
    pub verdict: Verdict,
    /// The matches and the gaps that the verdict was made from.
    pub matching: Matching,
    /// What it was compared with.
    pub baseline: Option<BaselineSummary>,
    /// What that had found.
    pub before: Vec<Judgement>,
}

impl Judge {
    /// Reads policy, waivers, VEX documents and the baseline.
    ///
    /// # Errors
    /// [`GateError::Policy`], [`GateError::EvidenceFile`], [`GateError::Publish`] or [`GateError::File`] for the first that cannot be used.
    pub async fn load(plan: &JudgingPlan, effects: &Effects) -> Result<Self, GateError> {
        let policy = plan.policy.open(effects).await?;
        let osv = plan.written.iter().find(|(source, _)| *source == plan.feeds.osv);
        let osv = osv.map_or(plan.feeds.osv.as_str(), |(_, written)| written);
        policy.allows(&Reads {
            osv,
            waivers: plan.waivers.as_ref().map(|(_, name)| name.as_str()),
            vex: plan.vex.len(),
            exclusions: plan.exclude.len(),
        })?;
        let mut waivers = match &plan.waivers {
            Some((path, name)) => Waivers::load_as(path, name, effects)?,
            None => Waivers::default(),
        };
        for (path, name) in &plan.vex {
            let text = files::read_document(path, effects.limits.document)?;
            waivers.add_vex(&policy, name, &text)?;
        }
        let baseline = match &plan.baseline {
            Some(baseline) => Some(baseline.read(effects).await?),
            None => None,
        };
        Ok(Self {
            policy,
            waivers,
            baseline,
            plan: plan.clone(),
        })
    }

    /// Refuses a baseline that says nothing of these services. A run that builds asks before it does.
    ///
    /// # Errors
    /// [`GateError::EvidenceFile`].
    pub fn check_baseline(&self, services: &[&str]) -> Result<(), GateError> {
        self.baseline
            .as_ref()
            .map_or(Ok(()), |baseline| Ok(baseline.vouches_for(services)?))
    }

    /// The policy that every inventory is held against, as it was read.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The waivers of the file and of the VEX documents.
    #[must_use]
    pub const fn waivers(&self) -> &Waivers {
        &self.waivers
    }

    /// Adds the licences of crates to an inventory, where a rule looks at licences. Blocking.
    pub fn add_asked_licenses(&self, inventory: &mut Inventory, effects: &Effects) {
        if self.policy.asks_for_licenses() {
            crate_licenses::complete(inventory, &self.plan.cargo_home, &effects.limits);
        }
    }

    /// Opens the feeds that an inventory needs.
    ///
    /// # Errors
    /// [`GateError::Matching`].
    pub async fn feeds(&self, inventory: &Inventory, effects: &Effects) -> Result<matching::Feeds, GateError> {
        Ok(matching::open(&self.plan.feeds, inventory, effects).await?)
    }

    /// Opens the feeds of some ecosystems, for inventories that are not at hand yet.
    ///
    /// # Errors
    /// [`GateError::Matching`].
    pub async fn feeds_of(&self, ecosystems: &BTreeSet<Ecosystem>, effects: &Effects) -> Result<matching::Feeds, GateError> {
        Ok(matching::open_ecosystems(&self.plan.feeds, ecosystems, effects).await?)
    }

    /// Adds to a context what the repository below `root` says: base images, actions, who wrote which waiver.
    pub fn survey(&self, root: &Path, dockerfiles: &Dockerfiles, effects: &Effects, context: &mut Context) {
        repository::survey(root, dockerfiles, &self.waivers, self.blamed_file(), effects, context);
    }

    /// Who wrote the waivers, where an approval hangs on it: what a survey adds, without the rest of it.
    #[must_use]
    pub fn waiver_authors(&self) -> Option<Vec<WaiverAuthors>> {
        repository::waiver_authors(self.blamed_file()?, &self.waivers)
    }

    /// Asking git who wrote what takes time: only where an approval hangs on it.
    fn blamed_file(&self) -> Option<&Path> {
        let asked = self.policy.asks_for_approvals() && self.waivers.entries().iter().any(|waiver| !waiver.approved_by.is_empty());
        self.plan.waivers.as_ref().map(|(path, _)| path.as_path()).filter(|_| asked)
    }

    /// Matches an inventory and judges it.
    ///
    /// # Errors
    /// [`GateError::Matching`]; [`GateError::EvidenceFile`] for a baseline of another service.
    pub async fn judge(&self, inventory: &Inventory, context: &Context, effects: &Effects) -> Result<Judged, GateError> {
        self.judge_built(inventory, None, context, effects).await
    }

    /// The same, with what was linked into the programs of an image that was just built.
    ///
    /// # Errors
    /// As [`Self::judge`].
    pub async fn judge_built(
        &self,
        inventory: &Inventory,
        linked: Option<&LinkedImage>,
        context: &Context,
        effects: &Effects,
    ) -> Result<Judged, GateError> {
        self.check_baseline(&[self.plan.service.as_str(), inventory.subject.name.as_str()])?;
        let mut matching = self.matched(inventory, effects).await?;
        if let Some(linked) = linked {
            tokio::task::block_in_place(|| reachability::add(&mut matching, inventory, linked, &effects.limits));
        }
        let step = Step::start(Stage::Policy, count(matching.matches.len(), "match", "matches"), effects)?;
        let evidence = Evidence {
            inventory,
            matching: &matching,
            context,
            at: effects.clock.evaluation(),
        };
        let mut verdict = policy::judge(&self.policy, &self.waivers, &evidence);
        if let Some(baseline) = &self.baseline {
            baseline.apply(&mut verdict, &matching);
        }
        step.finish(verdict.verdict.as_str().to_owned(), effects);
        Ok(Judged {
            baseline: self.compared(),
            before: self.baseline.as_ref().map(|b| b.verdict.findings.clone()).unwrap_or_default(),
            verdict,
            matching,
        })
    }

    /// Everything that a verdict was computed from, for `replay`.
    #[must_use]
    pub fn record(&self, judged: &Judged, inventory: &Inventory, context: &Context) -> EvidenceFile {
        let evidence = Evidence {
            inventory,
            matching: &judged.matching,
            context,
            at: judged.verdict.evaluated_at,
        };
        let mut record = EvidenceFile::new(&self.policy, &self.waivers, &evidence);
        record.baseline.clone_from(&self.baseline);
        record
    }

    async fn matched(&self, inventory: &Inventory, effects: &Effects) -> Result<Matching, GateError> {
        let step = Step::start(
            Stage::Matching,
            count(inventory.components.len(), "component", "components"),
            effects,
        )?;
        let feeds = self.feeds(inventory, effects).await?;
        let mut matching = tokio::task::block_in_place(|| {
            let mut matching = feeds.match_inventory(inventory, &self.waivers.ids());
            feeds.weigh_updates(&mut matching, inventory, self.plan.sources.as_deref(), effects);
            matching
        });
        for feed in &mut matching.feeds {
            // A folder of this machine in a verdict would make equal verdicts differ.
            if let Some((_, written)) = self.plan.written.iter().find(|(source, _)| *source == feed.source) {
                feed.source.clone_from(written);
            }
        }
        for gap in &mut matching.gaps {
            for (source, written) in &self.plan.written {
                gap.detail = gap.detail.replace(source.as_str(), written);
                gap.subject = gap.subject.replace(source.as_str(), written);
            }
        }
        let found = count(matching.matches.len(), "match", "matches");
        step.finish(format!("{found} in {}", count(matching.feeds.len(), "feed", "feeds")), effects);
        Ok(matching)
    }

    fn compared(&self) -> Option<BaselineSummary> {
        let (plan, baseline) = self.plan.baseline.as_ref().zip(self.baseline.as_ref())?;
        Some(BaselineSummary {
            source: plan.source.to_string(),
            subject: baseline.verdict.subject.clone(),
            verdict: baseline.verdict.verdict,
            evaluated_at: baseline.verdict.evaluated_at,
        })
    }
}
