//! What goes well, and what is believed.

use std::time::Duration;

use portcullis::model::health::Answered;
use portcullis::model::outcome::RolloutResult;
use portcullis::model::planned_rollout::{ExpectedInterruption, PlannedChange};
use portcullis::stage::rollout;

use super::shop::{DEPLOYS, Seen, Shop};
use crate::rollout::{says, states, world::commit};

#[tokio::test(flavor = "multi_thread")]
async fn a_release_is_deployed_seen_to_run_and_committed_and_the_next_one_replaces_it() {
    for seen in [Seen::Observed, Seen::Answered, Seen::Both] {
        let shop = Shop::new(seen);
        let (old, new) = (shop.good('a'), shop.good('b'));
        let first = shop.rollout(&old).await;
        assert_eq!(first.result, RolloutResult::Committed, "{seen:?}: {:?}", first.reason);
        let report = shop.rollout(&new).await;
        assert_eq!(report.result, RolloutResult::Committed, "{seen:?}: {:?}", report.reason);
        let expected = [
            "Locked",
            "Snapshotted",
            "Shifting",
            "Verifying",
            "Soaking",
            "Draining",
            "Retiring",
            "Committed",
        ];
        assert_eq!(states(&report), expected);
        assert_eq!((report.live, report.previous), (Some(*new.digest()), Some(*old.digest())));
        assert_eq!(report.cut_requests, None, "nobody counted them");
        assert!(report.samples.iter().rev().take(3).all(|sample| sample.answered == Answered::New));
        assert_eq!(shop.calls(), ["deploy aaaa", "deploy bbbb"]);
        // The control: the same again is verified, and no command is run.
        assert_eq!(shop.rollout(&new).await.result, RolloutResult::AlreadyDeployed);
        assert_eq!(shop.calls().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_names_the_commands_and_runs_none_of_them() {
    let shop = Shop::new(Seen::Both);
    let (old, new) = (shop.good('a'), shop.good('b'));
    let planned = rollout::plan(&old, &shop.plan, &shop.effects()).await.unwrap();
    assert_eq!(
        (planned.change, planned.interruption.expected),
        (PlannedChange::First, ExpectedInterruption::NothingServes)
    );
    assert!(!shop.state().exists() && shop.calls().is_empty());
    shop.rollout(&old).await;
    let planned = rollout::plan(&new, &shop.plan, &shop.effects()).await.unwrap();
    assert_eq!(
        (planned.change, planned.interruption.expected),
        (PlannedChange::Replace, ExpectedInterruption::Unknown)
    );
    assert_eq!(planned.now.unwrap().digest, *old.digest());
    assert!(planned.steps[0].what.contains("./deploy.sh"), "{:?}", planned.steps[0]);
    assert_eq!(planned.steps[0].clocks[0].setting, "rollout.waits.deploy");
    assert!(planned.way_back.how.contains("./rollback.sh"), "{:?}", planned.way_back);
    assert_eq!(shop.calls(), ["deploy aaaa"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_of_a_target_that_shares_out_no_requests_is_refused_before_a_command_is_run() {
    let mut shop = Shop::new(Seen::Both);
    shop.rollout(&shop.good('a')).await;
    shop.plan.canary = Some(crate::rollout::canary::quick());
    let new = shop.good('b');
    let planned = rollout::plan(&new, &shop.plan, &shop.effects()).await.unwrap();
    assert!(planned.refused[0].reason.contains("`command`"), "{:?}", planned.refused);
    let report = shop.rollout(&new).await;
    assert_eq!((report.result, report.result.code()), (RolloutResult::Refused, 12));
    says(report.next, "take [rollout.canary] out");
    assert_eq!(shop.calls(), ["deploy aaaa"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_rolls_back_gets_the_version_before_by_deploy() {
    let shop = Shop::new(Seen::Both);
    for letter in ['a', 'b'] {
        shop.rollout(&shop.good(letter)).await;
    }
    let report = rollout::rollback(&shop.plan, &shop.effects()).await.unwrap();
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    assert!(shop.live_file().contains(&commit('a')));
    assert_eq!(shop.calls(), ["deploy aaaa", "deploy bbbb", "deploy aaaa"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_runs_stop_and_without_one_it_is_refused() {
    let mut shop = Shop::new(Seen::Both);
    shop.rollout(&shop.good('a')).await;
    let stopped = rollout::stop(&shop.plan, &shop.effects()).await.unwrap();
    assert_eq!((stopped.stopped.len(), stopped.cut_requests), (1, None));
    assert_eq!(shop.live_file(), "");
    shop.commands().stop = None;
    shop.rollout(&shop.good('a')).await;
    let refused = rollout::stop(&shop.plan, &shop.effects()).await.unwrap_err();
    assert_eq!(refused.exit_kind().code(), 12, "{refused}");
    assert!(shop.live_file().contains(&commit('a')));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_deploy_starts_in_the_background_lives_on() {
    let shop = Shop::new(Seen::Both);
    shop.script("deploy", &format!("sleep 600 &\necho $! > background\necho on\n{DEPLOYS}"));
    let begun = std::time::Instant::now();
    let report = shop.rollout(&shop.good('a')).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    assert!(
        begun.elapsed() < Duration::from_secs(300),
        "the output of a background process was waited for"
    );
    let pid = std::fs::read_to_string(shop.file("background")).unwrap();
    assert!(std::path::Path::new("/proc").join(pid.trim()).exists(), "it was ended with deploy");
}
