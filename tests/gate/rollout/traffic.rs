//! Requests while versions change: none is lost.

use std::time::Duration;

use portcullis::io::daemon::{self, Signal};
use portcullis::model::outcome::RolloutResult;
use portcullis::model::plan::TargetPlan;
use portcullis::stage::rollout;

use super::heavy;
use super::load::Load;
use super::roles;
use super::service::Behaviour;
use super::world::{World, until};

#[tokio::test(flavor = "multi_thread")]
async fn no_request_is_lost_in_deploys_and_rollbacks_under_load() {
    let rounds = if heavy() { 50 } else { 3 };
    let mut world = World::new();
    world.plan.health.soak = Duration::from_millis(200);
    world.rollout(&world.good('a')).await;
    let load = Load::start(world.listen(), Duration::from_millis(5));
    for round in 0..rounds {
        let salted = |salt| Behaviour {
            salt,
            ..Behaviour::default()
        };
        let letter = if round % 2 == 0 { 'b' } else { 'a' };
        let report = world.rollout(&world.release(letter, salted(round + 1))).await;
        assert_eq!(
            (report.result, report.cut_requests),
            (RolloutResult::Committed, Some(0)),
            "{:?}",
            report.reason
        );
        let failing = Behaviour {
            exits: Some(1),
            salt: round,
            ..Behaviour::default()
        };
        let report = world.rollout(&world.release('c', failing)).await;
        assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
        let report = rollout::rollback(&world.plan, &world.effects()).await.unwrap();
        assert_eq!(
            (report.result, report.cut_requests),
            (RolloutResult::Committed, Some(0)),
            "{:?}",
            report.reason
        );
        // The next deploy has something else to go back to.
        let report = world.rollout(&world.release(letter, salted(1000 + round))).await;
        assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    }
    let tally = load.end().await;
    println!("{} in {} deploys and {} rollbacks", tally.line(), 2 * rounds, 2 * rounds);
    assert_eq!(tally.lost(), Vec::<String>::new(), "{}", tally.line());
    let status = world.status().await;
    let broken: u64 = status.traffic.iter().map(|traffic| traffic.broken).sum();
    assert_eq!((broken, status.instances.len()), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_takes_over_loses_no_request() {
    let world = World::new();
    world.rollout(&world.good('a')).await;
    let load = Load::start(world.listen(), Duration::from_millis(5));
    for _ in 0..3 {
        let before = world.switches();
        let TargetPlan::Process(plan) = &world.plan.target else { panic!() };
        let state = world.state();
        let mut next = std::process::Command::new(&plan.program)
            .args(["switch", "--state"])
            .arg(&state)
            .args(["--listen", &world.listen().to_string(), "--protocol", "http", "--take-over"])
            .env("PORTCULLIS_SWITCH", &state)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // The one before ends by itself when it has finished what it had.
        // It is a child of this process or of the one that started it here: reaped where it can be.
        until("the old switch has ended", async || {
            !world.switches().iter().any(|pid| before.contains(pid))
        })
        .await;
        assert!(next.try_wait().unwrap().is_none(), "the new switch ended");
        std::mem::forget(next);
    }
    let new = world.good('b');
    assert_eq!(world.rollout(&new).await.result, RolloutResult::Committed);
    let tally = load.end().await;
    assert_eq!(tally.lost(), Vec::<String>::new(), "{}", tally.line());
    assert_eq!(world.live().await, (Some(*new.digest()), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_was_killed_is_brought_back_by_the_next_rollout_with_its_routes() {
    let world = World::new();
    let old = world.good('a');
    world.rollout(&old).await;
    world.kill_switch();
    assert!(world.get("/version").await.is_err());
    let report = world.rollout(&old).await;
    assert_eq!(report.result, RolloutResult::AlreadyDeployed, "{:?}", report.reason);
    assert!(world.get("/version").await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_is_killed_in_the_soak_is_brought_back_within_the_budget() {
    let mut world = World::new();
    world.rollout(&world.good('a')).await;
    world.plan.health.soak = Duration::from_secs(3);
    world.plan.health.max_error_rate = 0.2;
    let new = world.good('b');
    let (plan, effects, release) = (world.plan.clone(), world.effects(), world.opened('b'));
    let running = tokio::spawn(async move { rollout::rollout(&release, &plan, &effects).await.unwrap() });
    roles::soaking(&world, &running).await;
    let killed = world.switches();
    for process in daemon::find("PORTCULLIS_SWITCH", &world.state().display().to_string()).unwrap() {
        daemon::end(&process, Signal::Kill).unwrap();
    }
    let report = running.await.unwrap();
    assert_ne!(world.switches(), killed, "it was not killed");
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    assert_eq!(world.live().await, (Some(*new.digest()), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_of_another_protocol_is_switched_connection_by_connection() {
    let mut world = World::new();
    let listen = world.listen();
    world.speaks_tcp();
    world.rollout(&world.good('a')).await;
    let load = Load::start(listen, Duration::from_millis(10));
    let new = world.good('b');
    world.plan.waits.drain = Duration::from_secs(1);
    let report = world.rollout(&new).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    let tally = load.end().await;
    // Kept-alive connections stay with the old version until they are cut: the switch cannot see where a request ends.
    let lost = tally.lost();
    assert!(lost.iter().all(|reason| reason.contains("keep-alive: true")), "{lost:?}");
    assert_eq!(world.live().await, (Some(*new.digest()), 1));
}
