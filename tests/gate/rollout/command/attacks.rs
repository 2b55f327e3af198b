//! What a command is told, what it must not see, and what is refused before any of them runs.

use std::time::Duration;

use portcullis::model::error_chain::chain;
use portcullis::model::outcome::RolloutResult;
use portcullis::model::plan::ProbePlan;
use portcullis::stage::rollout;

use super::shop::{Seen, Shop};
use crate::rollout::{says, world::commit};

#[tokio::test(flavor = "multi_thread")]
async fn without_observe_and_without_a_version_it_is_refused_at_plan_time_and_no_command_runs() {
    let mut shop = Shop::new(Seen::Answered);
    let release = shop.good('a');
    let version = shop.plan.health.version.take();
    let planned = rollout::plan(&release, &shop.plan, &shop.effects()).await.unwrap();
    let refusal = planned.refusal().unwrap();
    assert!(
        refusal.contains("status of 0 proves nothing") && refusal.contains("observe"),
        "{refusal}"
    );
    let report = shop.rollout(&release).await;
    assert_eq!((report.result, report.result.code()), (RolloutResult::Refused, 12));
    assert!(shop.calls().is_empty());
    // A version that cannot be asked for is none.
    shop.plan.health.version = version;
    let address = shop.listen().to_string();
    let url = std::mem::replace(&mut shop.plan.health.probe, ProbePlan::Tcp { address });
    assert_eq!(shop.rollout(&release).await.result, RolloutResult::Refused);
    assert!(shop.calls().is_empty());
    // The control.
    shop.plan.health.probe = url;
    assert_eq!(shop.rollout(&release).await.result, RolloutResult::Committed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_not_there_is_refused_at_plan_time() {
    let mut shop = Shop::new(Seen::Both);
    shop.commands().rollback = vec!["./no-such-file.sh".to_owned()];
    let report = shop.rollout(&shop.good('a')).await;
    assert_eq!((report.result, report.result.code()), (RolloutResult::Refused, 12));
    let reason = report.reason.unwrap();
    assert!(
        reason.contains("rollback cannot be started") && reason.contains("no-such-file"),
        "{reason}"
    );
    assert!(shop.calls().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observe_that_never_stops_printing_is_ended_long_before_its_time_is_over() {
    let mut shop = Shop::new(Seen::Both);
    shop.rollout(&shop.good('a')).await;
    shop.commands().observe_limit = Duration::from_secs(120);
    shop.script("observe", "exec yes aaaa\n");
    let new = shop.good('b');
    let begun = std::time::Instant::now();
    let error = rollout::rollout(&new, &shop.plan, &shop.effects()).await.unwrap_err();
    assert_eq!(error.exit_kind().code(), 12, "{error}");
    assert!(chain(&error).contains("wrote more than 4 MiB"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(100), "{:?}", begun.elapsed());
    assert_eq!(shop.calls(), ["deploy aaaa"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_seen_is_not_taken_for_nothing_that_runs() {
    for text in ["exit 1\n", "echo null\n", "sleep 60\n"] {
        let mut shop = Shop::new(Seen::Both);
        shop.rollout(&shop.good('a')).await;
        if text.starts_with("sleep") {
            shop.commands().observe_limit = Duration::from_millis(300);
        }
        shop.script("observe", text);
        let new = shop.good('b');
        let error = rollout::rollout(&new, &shop.plan, &shop.effects()).await.unwrap_err();
        assert_eq!(error.exit_kind().code(), 12, "{text}: {error}");
        assert_eq!(shop.calls(), ["deploy aaaa"], "{text}");
        assert!(shop.status().await.unseen.is_some(), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observe_that_fails_at_the_snapshot_refuses_and_stops_nothing() {
    let shop = Shop::new(Seen::Observed);
    shop.rollout(&shop.good('a')).await;
    // Without the journal, a rollback would have nothing to go to but "stop everything". It is looked at twice before.
    std::fs::remove_file(shop.state().join("journal.jsonl")).unwrap();
    shop.script(
        "observe",
        "echo x >> looks\nif [ $(wc -l < looks) -gt 2 ]; then exit 1; fi\ncut -d' ' -f1 live\n",
    );
    let report = shop.rollout(&shop.good('b')).await;
    assert_eq!(
        (report.result, report.result.code()),
        (RolloutResult::Refused, 12),
        "{:?}",
        report.reason
    );
    assert_eq!(shop.calls(), ["deploy aaaa"]);
    assert!(shop.live_file().contains(&commit('a')));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observe_that_fails_in_the_soak_is_unknown_and_counts_against_the_budget() {
    let mut shop = Shop::new(Seen::Observed);
    shop.rollout(&shop.good('a')).await;
    // It ends with the look that fails. The old version, which is brought back, soaks as long.
    shop.plan.health.soak = Duration::from_secs(10);
    shop.script(
        "observe",
        "if grep -q bbbb live; then echo x >> looks; if [ $(wc -l < looks) -gt 6 ]; then exit 1; fi; fi\ncut -d' ' -f1 live\n",
    );
    let report = shop.rollout(&shop.good('b')).await;
    assert_ne!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    let unseen = report.samples.iter().filter_map(|sample| sample.error.as_deref());
    assert!(
        unseen.clone().any(|error| error.contains("what runs cannot be seen")),
        "{:?}",
        unseen.collect::<Vec<_>>()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_versions_at_once_that_nobody_knows_are_refused_and_one_is_a_way_back() {
    let shop = Shop::new(Seen::Observed);
    let digests = ["1", "2"].map(|digit| format!("sha256:{}", digit.repeat(64)));
    std::fs::write(shop.file("live"), format!("{} x\n{} x\n", digests[0], digests[1])).unwrap();
    let report = shop.rollout(&shop.good('a')).await;
    assert_eq!(report.result, RolloutResult::Refused);
    says(report.reason, "nobody knows which one to go back to");
    assert!(shop.calls().is_empty());
    // The control: one version that was not deployed from here is a way back, by its digest.
    std::fs::write(shop.file("live"), format!("{} x\n", digests[0])).unwrap();
    shop.script("deploy", "exit 1\n");
    shop.script("rollback", "echo \"$PORTCULLIS_DIGEST x\" > live\n");
    let report = shop.rollout(&shop.good('a')).await;
    assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
    assert!(shop.live_file().starts_with(&digests[0]), "{}", shop.live_file());
}
