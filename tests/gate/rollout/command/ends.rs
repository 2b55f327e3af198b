//! Commands that fail, hang, lie, or are cut off.

use std::sync::Arc;
use std::time::{Duration, Instant};

use portcullis::model::event::{Event, Observer};
use portcullis::model::health::Answered;
use portcullis::model::outcome::RolloutResult;
use portcullis::stage::rollout;

use super::shop::{DEPLOYS, SHORT, Seen, Shop, UNTIL_IT_SOAKS};
use crate::rollout::roles::{self, Death};
use crate::rollout::world::{LONG, commit, replace};
use crate::rollout::{heavy, says, states};

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_that_exits_0_without_deploying_is_rolled_back() {
    for seen in [Seen::Observed, Seen::Answered, Seen::Both] {
        let mut shop = Shop::new(seen);
        let old = shop.good('a');
        shop.rollout(&old).await;
        shop.plan.health.deadline = SHORT;
        shop.script("deploy", "exit 0\n");
        let report = shop.rollout(&shop.good('b')).await;
        assert_eq!(
            (report.result, report.result.code()),
            (RolloutResult::RolledBack, 10),
            "{seen:?}: {:?}",
            report.reason
        );
        assert_eq!(report.samples.iter().filter(|sample| sample.answered == Answered::New).count(), 0);
        assert_eq!(report.live, Some(*old.digest()));
        assert_eq!(shop.calls(), ["deploy aaaa", "deploy bbbb", "rollback aaaa"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_that_fails_is_rolled_back_and_its_last_words_are_told_without_control_characters() {
    let shop = Shop::new(Seen::Both);
    shop.rollout(&shop.good('a')).await;
    shop.script("deploy", "printf 'no such cluster \\033[2J::error::\\n' >&2\nexit 3\n");
    let report = shop.rollout(&shop.good('b')).await;
    assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
    let reason = report.reason.unwrap();
    assert!(
        reason.contains("`deploy` ended with exit status: 3") && reason.contains("no such cluster"),
        "{reason}"
    );
    assert!(!reason.contains('\u{1b}'), "{reason:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_that_hangs_is_ended_at_its_deadline_with_everything_in_its_group() {
    let mut shop = Shop::new(Seen::Both);
    shop.rollout(&shop.good('a')).await;
    shop.commands().deploy_limit = Duration::from_secs(3);
    shop.script(
        "deploy",
        "trap '' TERM\nsh -c 'trap \"\" TERM; echo $$ > child; while :; do sleep 0.05; done' &\nwait\nwhile :; do sleep 0.05; done\n",
    );
    // Each of the two loops goes on for ever.
    let report = tokio::time::timeout(LONG, shop.rollout(&shop.good('b'))).await.unwrap();
    assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
    says(report.reason, "did not end within 3 s");
    let child = std::fs::read_to_string(shop.file("child")).unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.trim())).unwrap_or_default();
    assert!(stat.is_empty() || stat.contains(") Z "), "it still runs: {stat}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_that_exits_0_without_restoring_has_failed_after_one_attempt() {
    for seen in [Seen::Observed, Seen::Answered] {
        let mut shop = Shop::new(seen);
        shop.rollout(&shop.good('a')).await;
        std::fs::write(shop.file("sick"), commit('b')).unwrap();
        // Neither of them will answer well.
        shop.plan.health.deadline = Duration::from_secs(1);
        shop.script("rollback", "exit 0\n");
        let report = shop.rollout(&shop.good('b')).await;
        assert_eq!(
            (report.result, report.result.code()),
            (RolloutResult::RollbackFailed, 11),
            "{seen:?}: {:?}",
            report.reason
        );
        assert_eq!(shop.calls(), ["deploy aaaa", "deploy bbbb", "rollback aaaa"]);
        // The control: one that restores has not.
        let mut shop = Shop::new(seen);
        shop.rollout(&shop.good('a')).await;
        std::fs::write(shop.file("sick"), commit('b')).unwrap();
        shop.plan.health.deadline = SHORT;
        let report = shop.rollout(&shop.good('b')).await;
        assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_deploy_that_fails_is_stopped_and_there_is_nothing_to_restore() {
    let mut shop = Shop::new(Seen::Both);
    shop.plan.health.deadline = Duration::from_secs(1);
    std::fs::write(shop.file("sick"), commit('a')).unwrap();
    let report = shop.rollout(&shop.good('a')).await;
    assert_eq!(
        (report.result, report.result.code()),
        (RolloutResult::FirstFailed, 11),
        "{:?}",
        report.reason
    );
    assert_eq!(shop.calls(), ["deploy aaaa", "stop aaaa"]);
    assert_eq!(shop.live_file(), "");
    // Without `stop` nothing is said to be gone that is still there.
    shop.commands().stop = None;
    shop.plan.again = Some("once more".to_owned());
    let report = shop.rollout(&shop.good('a')).await;
    assert_eq!(
        (report.result, report.result.code()),
        (RolloutResult::RollbackFailed, 11),
        "{:?}",
        report.reason
    );
    says(report.reason, "is still there");
    assert!(!shop.live_file().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_that_was_rolled_back_by_a_command_is_refused_unless_forced() {
    let mut shop = Shop::new(Seen::Both);
    shop.rollout(&shop.good('a')).await;
    shop.script("deploy", "exit 1\n");
    let bad = shop.good('b');
    assert_eq!(shop.rollout(&bad).await.result, RolloutResult::RolledBack);
    shop.script("deploy", DEPLOYS);
    let calls = shop.calls().len();
    let report = shop.rollout(&bad).await;
    assert_eq!((report.result, report.result.code()), (RolloutResult::Refused, 12));
    assert_eq!(shop.calls().len(), calls, "a command was run");
    shop.plan.again = Some("the cluster is back".to_owned());
    assert_eq!(shop.rollout(&bad).await.result, RolloutResult::Committed);
}

/// Asks to stop when `deploy` has said that it works.
struct CancelAtWork(Arc<std::sync::atomic::AtomicBool>);

impl Observer for CancelAtWork {
    fn on_event(&self, event: &Event) {
        if matches!(event, Event::Note { text, .. } if text == "deploy: at work") {
            self.0.store(true, std::sync::atomic::Ordering::SeqCst);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_deploy_is_ended_and_resume_deploys_again_and_commits() {
    let shop = Shop::new(Seen::Both);
    shop.rollout(&shop.good('a')).await;
    shop.script("deploy", &format!("echo at work\nif [ ! -e go ]; then sleep 60; fi\n{DEPLOYS}"));
    let new = shop.good('b');
    let mut effects = shop.effects();
    effects.observer = Arc::new(CancelAtWork(effects.cancelled.clone()));
    let begun = Instant::now();
    let report = rollout::rollout(&new, &shop.plan, &effects).await.unwrap();
    assert_eq!(
        (report.result, report.result.code()),
        (RolloutResult::Interrupted, 14),
        "{:?}",
        report.reason
    );
    assert!(
        begun.elapsed() < Duration::from_secs(7),
        "a runner kills after 7.5 s: {:?}",
        begun.elapsed()
    );
    assert!(shop.live_file().contains(&commit('a')));
    assert_eq!(
        report.live_commit,
        Some(commit('a')),
        "what serves is looked at when a run is interrupted, too"
    );
    std::fs::write(shop.file("go"), "").unwrap();
    let resumed = rollout::resume(&shop.plan, &shop.effects()).await.unwrap().unwrap();
    assert_eq!(resumed.result, RolloutResult::Committed, "{:?}", resumed.reason);
    assert!(shop.live_file().contains(&commit('b')));
    assert!(rollout::resume(&shop.plan, &shop.effects()).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_every_line_of_a_deploy_by_command_resume_commits_it() {
    let mut line = 1;
    loop {
        let shop = Shop::new(Seen::Both);
        assert_eq!(shop.rollout(&shop.good('a')).await.result, RolloutResult::Committed);
        shop.good('b');
        // Slow enough to be cut off in its middle, and two of them at once would be seen.
        shop.script(
            "deploy",
            &format!("if ! mkdir one; then echo two at once >> clash; fi\nsleep 0.1\n{DEPLOYS}rmdir one\n"),
        );
        let after = roles::killed_and_resumed(&shop, 'b', Death::Soon(line), RolloutResult::Committed).await;
        assert!(!shop.file("clash").exists(), "line {line}: two deploys ran at once");
        assert!(shop.live_file().contains(&commit('b')), "line {line}: {}", shop.live_file());
        if !after.reached {
            break;
        }
        line += 1;
    }
    assert!(line > 14, "the deployer wrote {} lines", line - 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_every_line_of_a_rollback_by_command_resume_rolls_back() {
    if !heavy() {
        println!("skipped: a kill after every line of a rollback by command (it takes long; PORTCULLIS_HEAVY=1 runs it)");
        return;
    }
    let mut line = 1;
    loop {
        let shop = Shop::new(Seen::Both);
        assert_eq!(shop.rollout(&shop.good('a')).await.result, RolloutResult::Committed);
        shop.good('b');
        shop.script("deploy", "exit 1\n");
        shop.script("rollback", &format!("sleep 0.1\n{DEPLOYS}"));
        let after = roles::killed_and_resumed(&shop, 'b', Death::Soon(line), RolloutResult::RolledBack).await;
        assert!(shop.live_file().contains(&commit('a')), "line {line}: {}", shop.live_file());
        if !after.reached {
            break;
        }
        line += 1;
    }
    assert!(line > 7, "the deployer wrote {} lines", line - 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_deploy_in_the_soak_is_seen_by_observe_and_nothing_is_restored() {
    let mut shop = Shop::new(Seen::Observed);
    shop.rollout(&shop.good('a')).await;
    // It ends as soon as the other one is seen.
    shop.plan.health.soak = LONG;
    let foreign = format!("sha256:{} {}", "7".repeat(64), commit('f'));
    let (plan, effects, new) = (shop.plan.clone(), shop.effects(), shop.good('b'));
    let running = tokio::spawn(async move { rollout::rollout(&new, &plan, &effects).await.unwrap() });
    roles::soaking(&shop, &running).await;
    replace(&shop.file("live"), &foreign);
    let report = running.await.unwrap();
    assert_eq!(
        (report.result, report.result.code()),
        (RolloutResult::Superseded, 13),
        "{:?}",
        report.reason
    );
    assert!(states(&report).contains(&"Soaking"), "{:?}", states(&report));
    assert_eq!(shop.live_file(), foreign);
    assert_eq!(shop.calls(), ["deploy aaaa", "deploy bbbb"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_takes_the_new_version_back_by_itself_is_seen_in_the_soak() {
    let mut shop = Shop::new(Seen::Observed);
    shop.rollout(&shop.good('a')).await;
    // The old version, which is brought back, soaks as long.
    shop.plan.health.soak = Duration::from_secs(8);
    std::fs::copy(shop.file("live"), shop.file("before")).unwrap();
    // As a circuit breaker does: `deploy` has exited with 0 long ago.
    shop.script("deploy", &format!("{DEPLOYS}({UNTIL_IT_SOAKS}; mv before live) &\n"));
    let report = shop.rollout(&shop.good('b')).await;
    assert_eq!(
        (report.result, report.result.code()),
        (RolloutResult::RolledBack, 10),
        "{:?}",
        report.reason
    );
    says(report.reason, "the old version answered during the soak");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_version_that_dies_without_a_trace_is_not_healthy_by_its_200() {
    // The front door answers 200 from somewhere; `observe` says that nothing runs.
    let mut shop = Shop::new(Seen::Observed);
    shop.rollout(&shop.good('a')).await;
    shop.plan.health.deadline = SHORT;
    shop.script("observe", "if grep -q bbbb live; then exit 0; fi\ncut -d' ' -f1 live\n");
    let report = shop.rollout(&shop.good('b')).await;
    assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
    says(report.reason, "what runs is nothing");
}
