//! What keeps its budgets goes on, and everything else comes back.

use std::fs;
use std::time::Duration;

use portcullis::model::canary::StepVerdict;
use portcullis::model::outcome::RolloutResult;
use portcullis::model::plan::CanaryPlan;
use portcullis::stage::rollout;

use super::rig::{EVERY, came_back, quick, share, under_load, world};
use crate::rollout::load::Load;
use crate::rollout::roles;
use crate::rollout::service::Behaviour;
use crate::rollout::{says, states};

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_that_keeps_its_budgets_takes_over_step_by_step_and_no_request_is_lost() {
    let plan = CanaryPlan {
        steps: vec![5, 25, 100],
        time: Duration::from_secs(5),
        p95: Some(Duration::from_secs(5)),
        p95_of_old: Some(50.0),
        ..quick()
    };
    let world = world(plan).await;
    let (report, tally) = under_load(&world, Behaviour::default()).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    println!("{}; {:?}", tally.line(), report.canary);
    assert_eq!(tally.lost(), Vec::<String>::new(), "{}", tally.line());
    assert_eq!(report.cut_requests, Some(0));
    assert_eq!(states(&report).iter().filter(|state| **state == "Canary").count(), 3);
    for (step, wanted) in report.canary.iter().zip([5.0, 25.0, 100.0]) {
        assert_eq!((step.verdict, f64::from(step.share)), (StepVerdict::Passed, wanted), "{step:?}");
        assert!((share(step) - wanted).abs() <= 3.0, "{} % of {step:?}", share(step));
        assert!(step.elapsed_ms >= 5000 && step.new.p95_ms.is_some(), "{step:?}");
    }
    assert_eq!(world.live().await, (Some(*world.opened('b').digest()), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_answers_5xx_comes_back_at_the_first_step_and_only_a_share_of_it_was_met() {
    let plan = CanaryPlan {
        steps: vec![10, 50, 100],
        time: Duration::from_secs(60),
        errors: 0.02,
        ..quick()
    };
    let world = world(plan).await;
    let behaviour = Behaviour {
        errors_of_10: 4,
        ..Behaviour::default()
    };
    let (report, tally) = under_load(&world, behaviour).await;
    println!("{}; {:?}", tally.line(), report.canary);
    let step = came_back(&world, &report, StepVerdict::Failed).await;
    assert!(step.elapsed_ms < 30_000, "it goes back as soon as the budget is used up: {step:?}");
    assert!((share(&step) - 10.0).abs() <= 3.0, "{} % of {step:?}", share(&step));
    assert!(step.new.server_errors > 0 && step.old.errors() == 0, "{step:?}");
    // 4 of 10 of a tenth: nobody else lost a request.
    let lost = tally.lost();
    assert!(lost.iter().all(|reason| reason.contains("status 500")), "{lost:?}");
    let met = lost.len() as f64 / tally.sent.load(std::sync::atomic::Ordering::SeqCst) as f64;
    assert!(met > 0.0 && met <= 0.06, "{met}: {}", tally.line());
    let reason = report.reason.unwrap();
    assert!(reason.contains("step of 10 %") && reason.contains("with 5xx"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_slow_comes_back_by_the_limit_and_by_the_measure_of_the_old_one() {
    let limit = CanaryPlan {
        p95: Some(Duration::from_millis(700)),
        ..quick()
    };
    let of_old = CanaryPlan {
        p95_of_old: Some(3.0),
        ..quick()
    };
    for plan in [limit, of_old] {
        let time = Duration::from_secs(6);
        let world = world(CanaryPlan { time, ..plan }).await;
        let slow = Behaviour {
            slow_ms: 2_000,
            ..Behaviour::default()
        };
        let (report, tally) = under_load(&world, slow).await;
        let step = came_back(&world, &report, StepVerdict::Failed).await;
        assert!(step.new.p95_ms.unwrap() >= 2_000.0, "{step:?}");
        assert_eq!(tally.lost(), Vec::<String>::new(), "{}", tally.line());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_leaves_some_without_an_answer_comes_back_however_patient_they_are() {
    let world = world(CanaryPlan {
        steps: vec![20, 100],
        // A request counts once it has waited for ten seconds: in what is left, nearly three times as many as the budget allows.
        time: Duration::from_secs(17),
        errors: 0.03,
        ..quick()
    })
    .await;
    let behaviour = Behaviour {
        errors_of_10: 2,
        hangs: true,
        ..Behaviour::default()
    };
    // The load waits for longer than the step.
    let load = Load::start(world.listen(), Duration::from_millis(20));
    let report = world.rollout(&world.release('b', behaviour)).await;
    load.end().await;
    let step = came_back(&world, &report, StepVerdict::Failed).await;
    assert!(step.new.unanswered > 0 && step.new.server_errors == 0, "{step:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_traffic_nothing_is_known_and_the_old_version_stays() {
    let world = world(quick()).await;
    let report = world.rollout(&world.good('b')).await;
    let step = came_back(&world, &report, StepVerdict::Unknown).await;
    assert_eq!(step.new.requests, 0, "probes by its own address are no requests: {step:?}");
    let reason = report.reason.unwrap();
    assert!(reason.contains("no pass") && reason.contains("0 requests"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_ends_in_its_step_comes_back_with_its_last_words() {
    let world = world(CanaryPlan {
        time: Duration::from_secs(60),
        ..quick()
    })
    .await;
    let file = world.path().join("end");
    let behaviour = Behaviour {
        exits_when: Some(file.display().to_string()),
        ..Behaviour::default()
    };
    let load = Load::start(world.listen(), EVERY);
    let (plan, effects, bad) = (world.plan.clone(), world.effects(), world.release('b', behaviour));
    let running = tokio::spawn(async move { rollout::rollout(&bad, &plan, &effects).await.unwrap() });
    roles::come_to("\"operation\":\"weigh\",\"detail\"", &world, &running).await;
    fs::write(file, "").unwrap();
    let report = running.await.unwrap();
    let tally = load.end().await;
    assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
    says(report.reason, "out of memory");
    // Who was on it when it ended has lost a request; who came then was answered by the other one.
    let lost = tally.lost();
    assert!(lost.len() <= 60, "{lost:?}");
}
