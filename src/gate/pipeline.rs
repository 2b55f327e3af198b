//! One stage after the other, each on what the one before gave.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::error::GateError;
use super::judge::Judge;
use super::judging_plan::JudgingPlan;
use super::output::leave_only;
use super::step::Step;
use super::{attested, output};
use crate::io::Effects;
use crate::io::files;
use crate::model::commit::CLEAN_TREE;
use crate::model::context::Context;
use crate::model::event::Stage;
use crate::model::image::BuiltImage;
use crate::model::inventory::{Inventory, Subject};
use crate::model::outcome::Outcome;
use crate::model::plan::{BuildPlan, Builder, PublishPlan, RolloutPlan};
use crate::model::verdict::Decision;
use crate::report::quantity::{self, count};
use crate::stage::build::{self, BuildError};
use crate::stage::inventory::ImageInventory;
use crate::stage::inventory::{self, crate_licenses, sbom};
use crate::stage::policy::evidence_file::EVIDENCE_FILE;
use crate::stage::policy::repository::{Built, Dockerfiles};
use crate::stage::policy::{self, Cleared, Policy};
use crate::stage::publish::{self, Attested};
use crate::stage::rollout;

/// Everything one run needs.
#[derive(Debug, Clone)]
pub struct GatePlan {
    /// The service's name, as verdicts, tags and the state folder spell it.
    pub service: String,
    /// How the image is built, or where a finished one is.
    pub build: BuildPlan,
    /// The Dockerfiles that the image is of, also where another run has built it: what they say is judged each time.
    pub dockerfiles: Built,
    /// Policy, waivers, feeds and baseline.
    pub judging: JudgingPlan,
    /// Where a cleared image goes, and who signs for it.
    pub publish: PublishPlan,
    /// Where to roll out; none ends the run after publishing.
    pub rollout: Option<RolloutPlan>,
    /// The last stage that runs; what comes behind it is not begun.
    pub until: Stage,
    /// The folder that verdict, evidence and SBOMs are written to.
    pub output: PathBuf,
}

/// Runs the gate. The outcome holds whatever was reached, also when the run ends with an error.
pub async fn run(plan: &GatePlan, effects: &Effects) -> (Outcome, Result<(), GateError>) {
    let mut outcome = Outcome {
        service: plan.service.clone(),
        commit: plan.build.commit.clone(),
        until: Some(plan.until),
        dry_run: plan.publish.dry_run,
        ..Outcome::default()
    };
    let result = advance(plan, &mut outcome, effects).await;
    (outcome, result)
}

async fn advance(plan: &GatePlan, outcome: &mut Outcome, effects: &Effects) -> Result<(), GateError> {
    let judge = Judge::load(&plan.judging, effects).await?;
    judge.check_baseline(&[&plan.service])?;
    tell_of_changes(plan, judge.policy(), effects);
    let image = build_stage(plan, effects)?;
    // Not before: the baseline may be the folder's own verdict, and a build that is refused (no lock file, no such package) has changed nothing.
    leave_only(&plan.output, &[], true)?;
    reached(outcome, Stage::Build);
    outcome.subject = Some(subject(plan, &image));
    if plan.until <= Stage::Build {
        return Ok(());
    }

    let seen = inventory_stage(plan, &image, judge.policy(), effects)?;
    let (inventory, cached_layers) = (seen.inventory, seen.cached_layers);
    write_inventory(plan, &inventory, outcome, effects)?;
    reached(outcome, Stage::Inventory);
    if plan.until <= Stage::Inventory {
        return Ok(());
    }

    let mut context = Context {
        commit: plan.build.commit.clone(),
        tags: plan.publish.tags.clone(),
        branch_tags: plan.publish.branch_tags.clone(),
        asked_as_of: effects.clock.asked(),
        publishes: plan.until >= Stage::Publish,
        cached_layers,
        ..Context::default()
    };
    let dockerfiles = Dockerfiles::These(plan.dockerfiles.clone());
    judge.survey(&plan.build.root, &dockerfiles, effects, &mut context);
    let mut with_actions = inventory.clone();
    inventory::add_actions(&mut with_actions, &context.actions);
    let judged = judge.judge_built(&with_actions, image.linked.as_ref(), &context, effects).await?;
    reached(outcome, Stage::Policy);
    let decision = judged.verdict.verdict;
    let record = judge.record(&judged, &with_actions, &context);
    outcome.verdict = Some(judged.verdict.clone());
    outcome.baseline.clone_from(&judged.baseline);
    outcome.before.clone_from(&judged.before);
    write(&plan.output, EVIDENCE_FILE, &record.bytes()?, outcome)?;
    if plan.until <= Stage::Policy || decision != Decision::Cleared {
        return Ok(());
    }

    let Ok(cleared) = policy::clearance::clear(image, judged.verdict) else {
        // The verdict above is cleared and about this image: anything else is a bug that must not publish.
        unreachable!("a cleared verdict of this image was not accepted")
    };
    let attested = publish_stage(plan, cleared, (&inventory, &with_actions), outcome, effects).await;
    // What was signed is of this run, also where publishing failed behind it.
    outcome.files.extend(output::signed(&plan.output)?);
    let attested = attested?;
    reached(outcome, Stage::Publish);
    let Some(rollout) = plan.rollout.as_ref().filter(|_| plan.until >= Stage::Rollout) else {
        return Ok(());
    };

    let step = Step::start(Stage::Rollout, attested.digest().short(), effects)?;
    let report = rollout::rollout(&attested, rollout, effects).await?;
    step.finish(format!("{:?}", report.result), effects);
    outcome.rollout = Some(report);
    reached(outcome, Stage::Rollout);
    Ok(())
}

/// Nobody waits for a build to hear that its image will be denied.
fn tell_of_changes(plan: &GatePlan, policy: &Policy, effects: &Effects) {
    let changed = plan.build.commit.as_ref().filter(|commit| commit.dirty);
    if let Some(commit) = changed.filter(|_| plan.until >= Stage::Publish && policy.denies_dirty_trees()) {
        let text = format!(
            "the tree differs from commit {}, and the policy's untraceable-tag will deny the image: {CLEAN_TREE}",
            commit.sha.short()
        );
        effects.warn(Stage::Build, text);
    }
}

fn reached(outcome: &mut Outcome, stage: Stage) {
    outcome.reached = Some(stage);
}

pub(super) fn subject(plan: &GatePlan, image: &BuiltImage) -> Subject {
    Subject {
        name: plan.service.clone(),
        digest: Some(image.digest),
        commit: plan.build.commit.as_ref().map(|commit| commit.sha.clone()),
    }
}

fn build_stage(plan: &GatePlan, effects: &Effects) -> Result<BuiltImage, GateError> {
    let at = plan
        .build
        .commit
        .as_ref()
        .map_or_else(|| "no commit".to_owned(), |commit| commit.sha.short().to_owned());
    let step = Step::start(Stage::Build, format!("{} at {at}", plan.service), effects)?;
    let image = tokio::task::block_in_place(|| build::build(&plan.build, effects))?;
    if effects.is_cancelled() {
        // The signal came too late to stop the build, and is meant for the run.
        return Err(BuildError::Interrupted.into());
    }
    let layers = image.platforms.iter().map(|platform| platform.layers.len()).sum();
    let bytes: u64 = image
        .platforms
        .iter()
        .flat_map(|platform| &platform.layers)
        .map(|layer| layer.size)
        .sum();
    step.finish(
        format!(
            "{}, {}, {}",
            count(layers, "layer", "layers"),
            quantity::bytes(bytes),
            image.digest.short()
        ),
        effects,
    );
    Ok(image)
}

fn inventory_stage(plan: &GatePlan, image: &BuiltImage, policy: &Policy, effects: &Effects) -> Result<ImageInventory, GateError> {
    let step = Step::start(Stage::Inventory, image.digest.short(), effects)?;
    let look = if policy.trusts_cached_layers() {
        inventory::image_trusting_cache
    } else {
        inventory::image
    };
    // After a build by cargo every crate's sources are here, so that the licences do not depend on the machine.
    let licenses = matches!(plan.build.builder, Builder::Native(_)) || policy.asks_for_licenses();
    let seen = tokio::task::block_in_place(|| -> Result<ImageInventory, GateError> {
        let mut seen = look(image, subject(plan, image), effects)?;
        if licenses {
            crate_licenses::complete(&mut seen.inventory, &plan.judging.cargo_home, &effects.limits);
        }
        Ok(seen)
    })?;
    let mut said = format!(
        "{}, {}",
        count(seen.inventory.components.len(), "component", "components"),
        count(seen.inventory.gaps.len(), "gap", "gaps")
    );
    if !seen.cached_layers.is_empty() {
        said.push_str(&format!(", {} from the cache", count(seen.cached_layers.len(), "layer", "layers")));
    }
    step.finish(said, effects);
    Ok(seen)
}

async fn publish_stage(
    plan: &GatePlan,
    cleared: Cleared,
    inventories: (&Inventory, &Inventory),
    outcome: &mut Outcome,
    effects: &Effects,
) -> Result<Attested, GateError> {
    let step = Step::start(Stage::Publish, cleared.image().digest.short(), effects)?;
    if cleared.image().provenance.is_none() && plan.publish.key.is_some() {
        effects.note(
            Stage::Publish,
            "no SLSA provenance is attached: another run has built the image, and only who builds it can vouch for how",
        );
    }
    let predicates = attested::predicates(&cleared, inventories, &plan.publish, created(&plan.build, effects))?;
    let (attested, publication) = publish::publish(cleared, &predicates, &plan.publish, effects).await?;
    step.finish(publication.reference.clone(), effects);
    if !plan.publish.dry_run {
        outcome.publication = Some(publication);
    } else {
        outcome
            .planned
            .push(format!("publish {} as {}", publication.reference, publication.tags.join(", ")));
        let target = plan.rollout.as_ref().filter(|_| plan.until >= Stage::Rollout);
        outcome
            .planned
            .extend(target.map(|rollout| format!("roll it out to {}", rollout.target.name())));
    }
    Ok(attested)
}

fn write_inventory(plan: &GatePlan, inventory: &Inventory, outcome: &mut Outcome, effects: &Effects) -> Result<(), GateError> {
    let created = created(&plan.build, effects);
    let crates = crates_of(inventory);
    if !crates.components.is_empty() {
        write(&plan.output, "crates.cdx.json", &sbom::cyclonedx(&crates, created)?, outcome)?;
    }
    write(&plan.output, "sbom.cdx.json", &sbom::cyclonedx(inventory, created)?, outcome)?;
    write(&plan.output, "sbom.spdx.json", &sbom::spdx(inventory, created)?, outcome)
}

/// The service's crates alone, as its binary's own audit data lists them: resolved by features and target.
fn crates_of(inventory: &Inventory) -> Inventory {
    let mut crates = Inventory::new(inventory.subject.clone());
    crates.components = inventory
        .components
        .iter()
        .filter(|component| component.purl.kind == "cargo")
        .cloned()
        .collect();
    crates
}

/// The date in reports about a build: the commit's, so that equal commits give equal bytes.
pub(super) fn created(build: &BuildPlan, effects: &Effects) -> Timestamp {
    build
        .commit
        .as_ref()
        .map_or_else(|| effects.clock.evaluation(), |commit| commit.time)
}

/// Writes a result and remembers that it was written.
///
/// # Errors
/// [`GateError::File`].
pub fn write(output: &Path, name: &str, bytes: &[u8], outcome: &mut Outcome) -> Result<(), GateError> {
    files::write_result(&output.join(name), bytes)?;
    outcome.files.push(name.to_owned());
    outcome.files.sort();
    outcome.files.dedup();
    Ok(())
}
