//! A plan says what will be done, touches nothing, and refuses what cannot work.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use portcullis::model::event::{Event, Observer};
use portcullis::model::outcome::RolloutResult;
use portcullis::model::planned_rollout::{ExpectedInterruption, PlannedChange, PlannedRollout};
use portcullis::report::rollout_plan;
use portcullis::stage::publish::Attested;
use portcullis::stage::rollout;
use serde_json::Value;

use super::roles::{self, Death};
use super::service::Behaviour;
use super::world::{World, commit};

async fn plan(world: &World, release: &Attested) -> PlannedRollout {
    rollout::plan(release, &world.plan, &world.effects()).await.unwrap()
}

/// Every file and folder below one, with its size and time.
fn everything(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return found };
    for entry in entries {
        let entry = entry.unwrap();
        let meta = entry.metadata().unwrap();
        found.insert(format!("{} {} {:?}", entry.path().display(), meta.len(), meta.modified().unwrap()));
        if meta.is_dir() {
            found.extend(everything(&entry.path()));
        }
    }
    found
}

fn states(plan: &PlannedRollout) -> Vec<&str> {
    plan.steps.iter().map(|step| step.state.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_a_first_deploy_says_that_nothing_serves_and_that_there_is_no_way_back_and_leaves_no_trace() {
    let world = World::new();
    let release = world.good('a');
    let planned = plan(&world, &release).await;
    assert!(!world.state().exists(), "a state folder was made");
    assert_eq!((planned.change, &planned.now), (PlannedChange::First, &None));
    assert_eq!(planned.interruption.expected, ExpectedInterruption::NothingServes);
    assert_eq!(planned.way_back.to, None);
    assert!(planned.way_back.how.contains("ends with 11"), "{:?}", planned.way_back);
    assert_eq!(planned.next.commit, Some(commit('a')), "the image names its commit");
    assert_eq!(planned.refusal(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_says_what_serves_the_order_each_clock_and_the_way_back_and_touches_nothing() {
    let mut world = World::new();
    let (old, new) = (world.good('a'), world.good('b'));
    world.rollout(&old).await;
    world.plan.waits.stage = Duration::from_secs(7);
    let before = everything(&world.state());
    let planned = plan(&world, &new).await;
    let after: BTreeSet<String> = everything(&world.state());
    assert_eq!(before, after);
    assert_eq!(planned.change, PlannedChange::Replace);
    assert_eq!(planned.now.as_ref().map(|now| now.digest), Some(*old.digest()));
    assert_eq!(
        states(&planned),
        ["Staging", "Shifting", "Verifying", "Soaking", "Draining", "Retiring"]
    );
    assert_eq!(planned.interruption.expected, ExpectedInterruption::None);
    assert_eq!(planned.way_back.to.as_ref().map(|to| to.digest), Some(*old.digest()));
    let clocks: u64 = planned.steps.iter().flat_map(|step| &step.clocks).map(|clock| clock.limit_ms).sum();
    assert_eq!(planned.at_most_ms, clocks);
    let staged = &planned.steps[0].clocks[0];
    assert_eq!((staged.setting.as_str(), staged.limit_ms), ("rollout.waits.stage", 7000));
    // The control: what was planned is what is done, in that order, and the plan is in the report and was told at the start.
    let told = std::sync::Arc::new(Told::default());
    let mut effects = world.effects();
    effects.observer = told.clone();
    let report = rollout::rollout(&new, &world.plan, &effects).await.unwrap();
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    let done = super::states(&report);
    let mut wanted = states(&planned).into_iter();
    let mut next = wanted.next();
    for state in done {
        if Some(state) == next {
            next = wanted.next();
        }
    }
    assert_eq!(next, None, "not every planned step was done, in order");
    assert_eq!(report.plan.as_deref(), Some(&planned));
    assert_eq!(*told.0.lock().unwrap(), ["planned", "Locked"]);
}

/// The first two things of a rollout that are told beside notes.
#[derive(Default)]
struct Told(std::sync::Mutex<Vec<String>>);

impl Observer for Told {
    fn on_event(&self, event: &Event) {
        let mut told = self.0.lock().unwrap();
        match event {
            _ if told.len() == 2 => {}
            Event::Planned { .. } => told.push("planned".to_owned()),
            Event::State { state, .. } => told.push(state.to_string()),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_what_serves_already_says_that_it_is_only_verified() {
    let world = World::new();
    let release = world.good('a');
    world.rollout(&release).await;
    let planned = plan(&world, &release).await;
    assert_eq!(planned.change, PlannedChange::Verify);
    assert_eq!(states(&planned), ["Verifying"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn text_and_json_of_a_plan_are_of_one_value() {
    let world = World::new();
    let (old, new) = (world.good('a'), world.good('b'));
    world.rollout(&old).await;
    let planned = plan(&world, &new).await;
    let json: Value = serde_json::from_slice(&serde_json::to_vec(&planned).unwrap()).unwrap();
    let text = rollout_plan::lines(&planned).join("\n");
    assert_eq!(json["schema"], "portcullis/rollout-plan/v1");
    for step in json["steps"].as_array().unwrap() {
        assert!(text.contains(step["what"].as_str().unwrap()), "{step}: {text}");
        for clock in step["clocks"].as_array().unwrap() {
            assert!(text.contains(clock["setting"].as_str().unwrap()), "{clock}: {text}");
        }
    }
    for part in [
        &json["interruption"]["why"],
        &json["way_back"]["how"],
        &json["service"],
        &json["url"],
    ] {
        assert!(text.contains(part.as_str().unwrap()), "{part}: {text}");
    }
    let again: PlannedRollout = serde_json::from_value(json).unwrap();
    assert_eq!(again, planned);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_work_is_refused_by_the_plan_and_by_the_rollout_before_anything_is_touched() {
    let mut world = World::new();
    let (old, new) = (world.good('a'), world.good('b'));
    world.rollout(&old).await;
    world.plan.health.interval = Duration::from_secs(5);
    world.plan.health.deadline = Duration::from_secs(9);
    let before = everything(&world.state().join("instances"));
    let planned = plan(&world, &new).await;
    let refusal = planned.refusal().unwrap();
    assert!(refusal.contains("take 10 s at least") && refusal.contains("9 s"), "{refusal}");
    let report = world.rollout(&new).await;
    assert_eq!((report.result.code(), report.reason), (12, Some(refusal)));
    assert_eq!(report.live, Some(*old.digest()));
    assert_eq!(everything(&world.state().join("instances")), before);
    // The control.
    world.plan.health.deadline = Duration::from_secs(10);
    assert_eq!(plan(&world, &new).await.refusal(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_refuses_a_digest_that_was_rolled_back_here_unless_it_is_forced() {
    let mut world = World::new();
    world.rollout(&world.good('a')).await;
    let bad = world.release('b', Behaviour::exiting());
    assert_eq!(world.rollout(&bad).await.result, RolloutResult::RolledBack);
    let refusal = plan(&world, &bad).await.refusal().unwrap();
    assert!(refusal.contains("was rolled back here") && refusal.contains("--again"), "{refusal}");
    world.plan.again = Some("once more".to_owned());
    assert_eq!(plan(&world, &bad).await.refusal(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_refuses_when_there_is_no_way_back() {
    let mut world = World::new();
    world.rollout(&world.good('a')).await;
    world.reboot();
    for gone in [world.state().join("releases"), world.path().join("image-a")] {
        std::fs::remove_dir_all(gone).unwrap();
    }
    let next = world.good('b');
    let refusal = plan(&world, &next).await.refusal().unwrap();
    assert!(
        refusal.contains("no way back") && refusal.contains("--without-way-back"),
        "{refusal}"
    );
    world.plan.without_way_back = true;
    assert_eq!(plan(&world, &next).await.refusal(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_beside_another_deployer_is_made_and_names_it() {
    let world = World::new();
    world.good('a');
    let other = world.good('b');
    let mut first = roles::start_deployer(&world, 'a', Death::Never);
    world.until_journal_has(3).await;
    let planned = plan(&world, &other).await;
    assert!(
        planned.notes.iter().any(|note| note.contains(&format!("process {}", first.id()))),
        "{:?}",
        planned.notes
    );
    assert!(first.wait().unwrap().success());
}
