//! What a rollout to a real swarm does, sees and leaves behind. One swarm for all: a machine can be in one alone.

use std::time::{Duration, Instant};

use portcullis::model::error_chain::chain;
use portcullis::model::outcome::RolloutResult;
use portcullis::model::plan::TargetPlan;
use portcullis::stage::rollout;
use serde_json::json;

use super::fleet::{Fleet, NAME};
use crate::rollout::contained;
use crate::rollout::heavy;
use crate::rollout::load::{Load, plain_get};
use crate::rollout::roles::{self, Death};
use crate::rollout::says;
use crate::rollout::world::{LONG, commit, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_real_swarm_is_deployed_to_rolled_back_resumed_and_left_alone_where_others_deploy() {
    if !heavy() {
        println!("skipped: a swarm is started with PORTCULLIS_HEAVY=1");
        return;
    }
    let Some(mut fleet) = Fleet::new() else { return };
    let begun = Instant::now();
    let told = |what: &str| println!("{:6.1} s {what}", begun.elapsed().as_secs_f64());
    no_request_is_lost_and_a_bad_version_leaves_the_old_tasks_as_they_are(&fleet).await;
    told("committed, rolled back, and back again, under load");
    an_image_that_cannot_be_pulled_is_rolled_back_long_before_the_deadline(&fleet).await;
    told("unpullable");
    a_task_that_ends_in_the_soak_is_rolled_back(&mut fleet).await;
    told("ended in the soak");
    a_task_that_ends_where_nothing_soaks_is_rolled_back(&mut fleet).await;
    told("ended while answers were counted");
    a_foreign_update_in_the_soak_is_left_alone_and_a_scaling_is_none(&mut fleet).await;
    told("foreign");
    killed_on_the_way_resume_ends_it(&fleet).await;
    told("killed and resumed");
    Box::pin(another_machine_goes_back_and_goes_on_where_one_vanished(&fleet)).await;
    told("vanished machines");
    of_two_deployers_with_states_of_their_own_one_is_told_who_has_the_lease(&fleet).await;
    told("two deployers");
    what_cannot_work_is_refused_and_nothing_is_changed(&mut fleet).await;
    told("refused");
    a_service_on_every_node_is_replaced_with_an_interruption_that_is_announced(&mut fleet).await;
    told("global");
}

async fn no_request_is_lost_and_a_bad_version_leaves_the_old_tasks_as_they_are(fleet: &Fleet) {
    let deadline = Instant::now() + 2 * LONG;
    while !plain_get(fleet.door, "/version").await.is_ok_and(|(status, _)| status == 200) {
        assert!(Instant::now() < deadline, "the first version does not answer");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let load = Load::start(fleet.door, Duration::from_millis(10));
    let (found, tasks) = (fleet.template(), fleet.tasks());
    // The first one fails: the way back is what was found.
    let bad = fleet.image('c', &json!({"Env": ["EXITS=3"]}));
    let report = fleet.rollout(&bad).await;
    assert_eq!(
        (report.result, report.result.code()),
        (RolloutResult::RolledBack, 10),
        "{:?}",
        report.reason
    );
    let reason = report.reason.unwrap();
    assert!(
        reason.contains("non-zero exit (3)") && reason.contains("cannot read the configuration"),
        "{reason}"
    );
    assert_eq!((fleet.template(), fleet.tasks()), (found, tasks));
    let new = fleet.image('b', &json!({}));
    let report = fleet.rollout(&new).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    assert_eq!(report.previous, Some(*fleet.opened('a').digest()));
    assert_eq!(fleet.live().await, (Some(*new.digest()), 2));
    assert_eq!(fleet.template()["ContainerSpec"]["Env"], json!(["COLOUR=blue"]));
    // The control: the same again is verified, and nothing is changed.
    assert_eq!(fleet.rollout(&new).await.result, RolloutResult::AlreadyDeployed);
    let again = fleet.rollout(&bad).await;
    assert_eq!(again.result, RolloutResult::Refused, "it was rolled back here");
    let next = fleet.image('p', &json!({}));
    let report = fleet.rollout(&next).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    let report = rollout::rollback(&fleet.plan, &fleet.effects()).await.unwrap();
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    assert_eq!(fleet.live().await, (Some(*new.digest()), 2));
    let tally = load.end().await;
    println!(
        "swarm behind its DNS: {} in a failing deploy, two good ones and a rollback",
        tally.line()
    );
    assert_eq!(tally.lost(), Vec::<String>::new(), "{}", tally.line());
}

async fn an_image_that_cannot_be_pulled_is_rolled_back_long_before_the_deadline(fleet: &Fleet) {
    let lost = fleet.image('d', &json!({}));
    contained::spoil(fleet, &fleet.registry.repository(NAME), 'd', &["-u", "robot:sesame"]);
    let (found, tasks) = (fleet.template(), fleet.tasks());
    let begun = Instant::now();
    let report = fleet.rollout(&lost).await;
    assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
    assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
    let reason = report.reason.unwrap();
    assert!(reason.contains("does not stay up: No such image"), "{reason}");
    assert_eq!((fleet.template(), fleet.tasks()), (found, tasks));
}

async fn a_task_that_ends_in_the_soak_is_rolled_back(fleet: &mut Fleet) {
    let new = fleet.image('l', &json!({}));
    let found = fleet.template();
    let soak = std::mem::replace(&mut fleet.plan.health.soak, Duration::from_secs(20));
    // The other task answers well enough: it is the engine that tells.
    let rate = std::mem::replace(&mut fleet.plan.health.max_error_rate, 1.0);
    let (plan, effects) = (fleet.plan.clone(), fleet.effects());
    let running = tokio::spawn(async move { rollout::rollout(&new, &plan, &effects).await.unwrap() });
    roles::soaking(fleet, &running).await;
    let _ = plain_get(fleet.door, "/exit?3").await;
    let report = running.await.unwrap();
    (fleet.plan.health.soak, fleet.plan.health.max_error_rate) = (soak, rate);
    assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
    let reason = report.reason.unwrap();
    assert!(reason.contains("non-zero exit (3)"), "{reason}");
    assert_eq!(fleet.template(), found);
}

async fn a_task_that_ends_where_nothing_soaks_is_rolled_back(fleet: &mut Fleet) {
    let new = fleet.image('m', &json!({}));
    let found = fleet.template();
    let health = fleet.plan.health.clone();
    (fleet.plan.health.soak, fleet.plan.health.successes, fleet.plan.health.deadline) = (Duration::ZERO, 100, 2 * LONG);
    let (plan, effects) = (fleet.plan.clone(), fleet.effects());
    let running = tokio::spawn(async move { rollout::rollout(&new, &plan, &effects).await.unwrap() });
    roles::come_to("Verifying", fleet, &running).await;
    // Until the old tasks, which serve on for a moment, are not asked any more.
    let mut in_a_row = 0;
    while in_a_row < 10 {
        let answer = plain_get(fleet.door, "/version").await;
        in_a_row = if answer.is_ok_and(|(_, text)| text.contains(&commit('m'))) {
            in_a_row + 1
        } else {
            0
        };
        assert!(!running.is_finished(), "it ended before the old tasks did");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let _ = plain_get(fleet.door, "/exit?3").await;
    let report = running.await.unwrap();
    fleet.plan.health = health;
    assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
    let reason = report.reason.unwrap();
    assert!(reason.contains("non-zero exit (3)"), "{reason}");
    assert_eq!(fleet.template(), found);
}

async fn a_foreign_update_in_the_soak_is_left_alone_and_a_scaling_is_none(fleet: &mut Fleet) {
    let new = fleet.image('e', &json!({}));
    let soak = std::mem::replace(&mut fleet.plan.health.soak, Duration::from_secs(6));
    let (plan, effects, release) = (fleet.plan.clone(), fleet.effects(), fleet.opened('e'));
    let running = tokio::spawn(async move { rollout::rollout(&release, &plan, &effects).await.unwrap() });
    roles::soaking(fleet, &running).await;
    fleet.docker(&["service", "scale", "--detach", &format!("{NAME}=3")]);
    let report = running.await.unwrap();
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    until("there are three tasks", async || fleet.live().await == (Some(*new.digest()), 3)).await;
    fleet.docker(&["service", "scale", "--detach", &format!("{NAME}=2")]);
    let next = fleet.image('n', &json!({}));
    fleet.plan.health.soak = Duration::from_secs(20);
    let (plan, effects) = (fleet.plan.clone(), fleet.effects());
    let running = tokio::spawn(async move { rollout::rollout(&next, &plan, &effects).await.unwrap() });
    roles::soaking(fleet, &running).await;
    // The image stays as it is, and so do our labels: the template alone tells.
    fleet.docker(&[
        "service",
        "update",
        "--quiet",
        "--with-registry-auth",
        "--env-add",
        "COLOUR=green",
        NAME,
    ]);
    let theirs = fleet.template();
    let report = running.await.unwrap();
    assert_eq!(
        (report.result, report.result.code()),
        (RolloutResult::Superseded, 13),
        "{:?}",
        report.reason
    );
    assert_eq!(fleet.template(), theirs);
    fleet.plan.health.soak = soak;
}

async fn killed_on_the_way_resume_ends_it(fleet: &Fleet) {
    // After every line it was run too; after every third one it takes a third of the time.
    for line in (1..).step_by(3) {
        let letter = if line % 2 == 1 { 'f' } else { 'g' };
        let new = fleet.image(letter, &json!({}));
        let after = roles::killed_and_resumed(fleet, letter, Death::Soon(line), RolloutResult::Committed).await;
        if after.resumed {
            assert_eq!(fleet.live().await, (Some(*new.digest()), 2), "{line}");
        }
        if !after.reached {
            assert!(line > 9, "it wrote {line} lines");
            break;
        }
    }
}

/// A state folder is gone with the machine that it was on: what the swarm keeps is enough.
async fn another_machine_goes_back_and_goes_on_where_one_vanished(fleet: &Fleet) {
    let (before, _) = fleet.live().await;
    let new = fleet.image('r', &json!({}));
    let report = fleet.rollout(&new).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    roles::another_machine_goes_back(fleet, &new).await;
    assert_eq!(fleet.live().await.0, before);
    let other = fleet.image('s', &json!({}));
    roles::another_machine_goes_on(fleet, 's').await;
    assert_eq!(fleet.live().await, (Some(*other.digest()), 2));
}

async fn of_two_deployers_with_states_of_their_own_one_is_told_who_has_the_lease(fleet: &Fleet) {
    let new = fleet.image('h', &json!({}));
    let mut other = fleet.plan.clone();
    if let TargetPlan::Swarm(plan) = &mut other.target {
        plan.state = fleet.path().join("another-state");
    }
    let effects = fleet.effects();
    let (one, two) = tokio::join!(fleet.rollout(&new), rollout::rollout(&new, &other, &effects));
    let told = roles::of_two_one_is_locked_out(one, two.unwrap());
    assert!(told.contains("docker config rm portcullis-lease-"), "{told}");
}

async fn what_cannot_work_is_refused_and_nothing_is_changed(fleet: &mut Fleet) {
    let new = fleet.image('k', &json!({}));
    let found = fleet.template();
    let update = |more: &[&str]| {
        fleet.docker(&[&["service", "update", "--quiet", "--detach", "--with-registry-auth"], more, &[NAME]].concat());
    };
    update(&["--update-parallelism", "0"]);
    let report = fleet.rollout(&new).await;
    assert_eq!(report.result.code(), 12, "{:?}", report.reason);
    says(report.reason, "all of its tasks at once");
    update(&["--update-parallelism", "1"]);
    assert_eq!(fleet.template(), found);
    let elsewhere = fleet.path().join("state-of-nothing");
    let name = std::mem::replace(&mut fleet.target().service, "sho".to_owned());
    let state = std::mem::replace(&mut fleet.target().state, elsewhere);
    let refused = rollout::plan(&new, &fleet.plan, &fleet.effects()).await.unwrap_err();
    assert!(
        refused.exit_kind().code() == 12 && chain(&refused).contains("there is no service `sho`"),
        "{refused}"
    );
    (fleet.target().service, fleet.target().state) = (name, state);
    assert_eq!(
        rollout::stop(&fleet.plan, &fleet.effects()).await.unwrap_err().exit_kind().code(),
        12
    );
    // What is named by a tag alone is not known: another image may be behind it by now.
    let tag = format!("{}:k", fleet.registry.repository(NAME));
    fleet.docker(&[
        "service",
        "update",
        "--quiet",
        "--detach",
        "--no-resolve-image",
        "--with-registry-auth",
        "--image",
        &tag,
        NAME,
    ]);
    let told = match rollout::plan(&new, &fleet.plan, &fleet.effects()).await {
        Ok(planned) => planned.refusal().unwrap_or_default(),
        // By then a task of it runs.
        Err(error) => chain(&error),
    };
    assert!(told.contains("by a tag alone"), "{told}");
}

async fn a_service_on_every_node_is_replaced_with_an_interruption_that_is_announced(fleet: &mut Fleet) {
    let image = format!("{}@{}", fleet.registry.repository(NAME), fleet.opened('a').digest());
    let always = [
        "service",
        "create",
        "--quiet",
        "--with-registry-auth",
        "--network",
        "net",
        "--name",
        "every",
    ];
    let order = ["--mode", "global", "--update-monitor", "1s"];
    fleet.docker(&[&always[..], &order[..], &[&image]].concat());
    let state = fleet.path().join("state-of-every");
    fleet.target().service = "every".to_owned();
    fleet.target().state = state;
    // It is not the one behind the door: what runs is told by the engine.
    fleet.plan.health.max_error_rate = 1.0;
    fleet.docker(&["service", "update", "--quiet", "--detach", "--env-add", "DOOR=tasks.every", "door"]);
    let new = fleet.image('q', &json!({}));
    let planned = rollout::plan(&new, &fleet.plan, &fleet.effects()).await.unwrap();
    assert!(planned.interruption.why.contains("stop-first"), "{:?}", planned.interruption);
    let report = fleet.rollout(&new).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    assert_eq!(fleet.live().await, (Some(*new.digest()), 1));
}
