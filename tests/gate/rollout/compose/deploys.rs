//! From version to version under load, and what is not touched by it.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use portcullis::model::canary::StepVerdict;
use portcullis::model::exit_kind::ExitKind;
use portcullis::model::outcome::RolloutResult;
use portcullis::model::plan::{CanaryPlan, FrontPlan, TargetPlan};
use portcullis::model::planned_rollout::ExpectedInterruption;
use portcullis::stage::rollout;
use serde_json::json;

use super::rig::{Door, Rig, lost, migrates};
use crate::rollout::canary;
use crate::rollout::load::{Load, plain_get};
use crate::rollout::states;
use crate::rollout::world::LONG;

/// Deploys, a failing deploy, a rollback: each under load, with the exact count after each.
async fn no_request_is_lost(door: Door, replicas: usize) {
    let Some(mut rig) = Rig::new(door, replicas) else { return };
    let cache = rig.containers("cache");
    let a = rig.opened('a');
    let report = rig.rollout(&a).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    rig.runs_alone(&a, replicas);
    let load = Load::start(rig.listen(), Duration::from_millis(5));
    let b = rig.good('b');
    let report = rig.rollout(&b).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    // They keep idle connections to the old instances: what is on them is not known.
    let keeps = matches!(door, Door::Caddy | Door::Traefik);
    let counted = report.cut_requests == Some(0) || (keeps && report.cut_requests.is_none());
    assert!(counted, "{:?}", report.cut_requests);
    assert!(states(&report).contains(&"StagedHealthy"), "{:?}", states(&report));
    let planned = report.plan.unwrap();
    assert_eq!(planned.interruption.expected, ExpectedInterruption::None);
    let told = planned.notes.iter().any(|note| note.contains("net.ipv4.tcp_migrate_req"));
    assert_eq!(told, door == Door::Caddy && !migrates(), "{:?}", planned.notes);
    rig.runs_alone(&b, replicas);
    // A version that ends at its start never gets a request.
    let c = rig.image('c', &json!({"Env": ["EXITS=3"]}));
    let report = rig.rollout(&c).await;
    assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
    let reason = report.reason.unwrap();
    assert!(
        reason.contains("ended with 3") && reason.contains("cannot read the configuration"),
        "{reason}"
    );
    rig.runs_alone(&b, replicas);
    // One that is sick by its own address, too.
    let d = rig.image('d', &json!({"Env": ["SICK=1"]}));
    rig.plan.waits.stage = Duration::from_secs(1);
    let report = rig.rollout(&d).await;
    assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
    rig.runs_alone(&b, replicas);
    rig.plan.waits.stage = LONG;
    let report = rollout::rollback(&rig.plan, &rig.effects()).await.unwrap();
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    rig.runs_alone(&a, replicas);
    let report = rig.rollout(&a).await;
    assert_eq!(report.result, RolloutResult::AlreadyDeployed, "{:?}", report.reason);
    let tally = load.end().await;
    println!(
        "compose behind {door:?}: {} in a deploy, two failing ones and a rollback",
        tally.line()
    );
    assert_eq!(lost(door, &tally), Vec::<String>::new(), "{}", tally.line());
    assert_eq!(rig.containers("cache"), cache, "the cache was left alone");
    stops(&mut rig, door).await;
}

/// The address of what was stopped is free for the next container, whatever that is: nobody is led to it.
async fn stops(rig: &mut Rig, door: Door) {
    let stopped = rollout::stop(&rig.plan, &rig.effects()).await.unwrap();
    assert_eq!((stopped.stopped.len(), rig.containers("api").len()), (1, 0));
    match door {
        Door::Switch | Door::None => {}
        Door::Nginx => assert!(read(rig, "door/shop.conf").contains("{\n    server 127.0.0.1:9;\n}")),
        Door::Traefik => assert!(read(rig, "door/dynamic/shop.yml").contains(r#""servers":[]"#)),
        Door::Caddy => {
            let admin = read(rig, super::rig::MARK);
            let admin: serde_json::Value = serde_json::from_str(&admin).unwrap();
            let address = admin["admin"].as_str().unwrap().parse().unwrap();
            let (_, handler) = plain_get(address, "/id/shop").await.unwrap();
            assert!(!handler.contains("dial"), "{handler}");
        }
    }
    let answer = plain_get(rig.listen(), "/version").await.map(|(status, _)| status);
    match door {
        Door::Switch | Door::None => assert!(answer.is_err(), "{answer:?}"),
        Door::Nginx => assert_eq!(answer, Ok(502)),
        Door::Caddy | Door::Traefik => assert_eq!(answer, Ok(503)),
    }
    assert_eq!(rig.status().await.live.map(|live| live.deployed.run), None);
    let error = rollout::stop(&rig.plan, &rig.effects()).await.unwrap_err();
    assert_eq!(error.exit_kind(), ExitKind::Refused, "{error}");
    // And it is led to what comes next.
    let e = rig.good('e');
    let report = rig.rollout(&e).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    assert_eq!(plain_get(rig.listen(), "/version").await.unwrap().0, 200);
}

fn read(rig: &Rig, name: &str) -> String {
    fs::read_to_string(rig.path().join(name)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_behind_nginx_change_versions_and_no_request_is_lost() {
    no_request_is_lost(Door::Nginx, 2).await;
}

/// Holds nginx's master up for two seconds when it has started new workers and not yet told the old ones to end. Gives how long it was held.
fn held_up_in_its_next_reload(rig: &Rig) -> std::thread::JoinHandle<Duration> {
    let pid = fs::read_to_string(rig.path().join("door/pid")).unwrap();
    let master: i32 = pid.trim().parse().unwrap();
    let children = move || fs::read_to_string(format!("/proc/{master}/task/{master}/children")).unwrap();
    let before = children().split_whitespace().count();
    std::thread::spawn(move || {
        let signal = |signal| rustix::process::kill_process(rustix::process::Pid::from_raw(master).unwrap(), signal).unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while children().split_whitespace().count() < 2 * before {
            assert!(Instant::now() < deadline, "nginx was not reloaded");
            std::thread::sleep(Duration::from_millis(1));
        }
        signal(rustix::process::Signal::STOP);
        let held = Instant::now();
        std::thread::sleep(Duration::from_secs(2));
        signal(rustix::process::Signal::CONT);
        held.elapsed()
    })
}

/// A client that is connected at once, and asks when some time has passed. Gives how the answer begins.
fn connected_early(rig: &Rig, later: Duration) -> std::thread::JoinHandle<String> {
    let mut stream = TcpStream::connect(rig.listen()).unwrap();
    std::thread::spawn(move || {
        std::thread::sleep(later);
        stream
            .write_all(b"GET /version HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.chars().take(12).collect()
    })
}

/// A browser connects ahead of what it may ask for: such a connection outlives the version that was there when it was made.
async fn who_was_connected_before_is_answered(door: Door) {
    let Some(mut rig) = Rig::new(door, 1) else { return };
    rig.plan.waits.drain = Duration::from_secs(20);
    let a = rig.opened('a');
    let report = rig.rollout(&a).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    let b = rig.good('b');
    let early = connected_early(&rig, Duration::from_secs(8));
    let report = rig.rollout(&b).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    assert_eq!(early.join().unwrap(), "HTTP/1.1 200");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_connected_to_caddy_before_a_rollout_is_answered_after_it() {
    who_was_connected_before_is_answered(Door::Caddy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_connected_to_traefik_before_a_rollout_is_answered_after_it() {
    who_was_connected_before_is_answered(Door::Traefik).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_connected_to_the_switch_before_a_rollout_is_answered_after_it() {
    who_was_connected_before_is_answered(Door::Switch).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_version_stays_until_the_last_worker_of_nginx_that_leads_to_it_takes_no_more_requests() {
    let Some(mut rig) = Rig::new(Door::Nginx, 2) else { return };
    let a = rig.opened('a');
    let report = rig.rollout(&a).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    let load = Load::start(rig.listen(), Duration::from_millis(5));
    rig.plan.waits.drain = Duration::from_secs(20);
    let early = connected_early(&rig, Duration::from_secs(4));
    let held = held_up_in_its_next_reload(&rig);
    let b = rig.good('b');
    let report = rig.rollout(&b).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    assert!(held.join().unwrap() >= Duration::from_secs(2));
    rig.runs_alone(&b, 2);
    assert_eq!(early.join().unwrap(), "HTTP/1.1 200");
    let tally = load.end().await;
    assert_eq!(lost(Door::Nginx, &tally), Vec::<String>::new(), "{}", tally.line());
    assert_eq!(report.cut_requests, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_nginx_that_does_not_take_it_at_a_stop_is_told_and_reads_it_when_it_starts() {
    let Some(mut rig) = Rig::new(Door::Nginx, 1) else { return };
    let report = rig.rollout(&rig.opened('a')).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    let TargetPlan::Compose(plan) = &mut rig.plan.target else {
        panic!("a rig is of Compose")
    };
    if let Some(FrontPlan::Nginx(nginx)) = &mut plan.front {
        nginx.reload = vec!["false".to_owned()];
    }
    let error = rollout::stop(&rig.plan, &rig.effects()).await.unwrap_err();
    assert_eq!(error.exit_kind(), ExitKind::Refused);
    let reason = portcullis::model::error_chain::chain(&error);
    assert!(
        reason.contains("every instance is stopped") && reason.contains("`false` failed"),
        "{reason}"
    );
    assert_eq!(rig.containers("api"), Vec::<String>::new());
    assert!(read(&rig, "door/shop.conf").contains("server 127.0.0.1:9;"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_behind_caddy_change_versions_and_no_request_is_lost() {
    no_request_is_lost(Door::Caddy, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_behind_traefik_change_versions_and_no_request_is_lost() {
    no_request_is_lost(Door::Traefik, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_behind_the_switch_changes_versions_and_no_request_is_lost() {
    no_request_is_lost(Door::Switch, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_behind_the_switch_gets_a_share_first_and_without_traffic_it_is_taken_back() {
    let Some(mut rig) = Rig::new(Door::Switch, 1) else { return };
    let a = rig.opened('a');
    rig.rollout(&a).await;
    rig.plan.canary = Some(CanaryPlan {
        steps: vec![25, 100],
        time: Duration::from_secs(3),
        ..canary::quick()
    });
    let load = Load::start(rig.listen(), Duration::from_millis(5));
    let b = rig.good('b');
    let report = rig.rollout(&b).await;
    let tally = load.end().await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    assert_eq!(lost(Door::Switch, &tally), Vec::<String>::new(), "{}", tally.line());
    let step = &report.canary[0];
    let share = 100.0 * step.new.requests as f64 / (step.new.requests + step.old.requests) as f64;
    assert!((share - 25.0).abs() <= 3.0, "{share}: {step:?}");
    rig.runs_alone(&b, 1);
    let report = rig.rollout(&rig.good('c')).await;
    assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
    assert_eq!(report.canary[0].verdict, StepVerdict::Unknown, "{:?}", report.canary);
    rig.runs_alone(&b, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_port_means_an_interruption_that_is_announced_and_the_old_one_comes_back() {
    let Some(mut rig) = Rig::new(Door::None, 1) else { return };
    let port = rig.listen().port();
    rig.compose_file(
        &json!({"ports": [{"target": 8080, "published": port.to_string(), "host_ip": "127.0.0.1"}], "container_name": "the-shop"}),
    );
    rig.engine_says(&["compose", "up", "--detach", "cache"]);
    let a = rig.opened('a');
    let report = rig.rollout(&a).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    let b = rig.good('b');
    let planned = rollout::plan(&b, &rig.plan, &rig.effects()).await.unwrap();
    assert_eq!(
        planned.interruption.expected,
        ExpectedInterruption::Brief,
        "{}",
        planned.interruption.why
    );
    assert!(planned.interruption.why.contains("container_name"), "{}", planned.interruption.why);
    let report = rig.rollout(&b).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    rig.runs_alone(&b, 1);
    assert_eq!(
        rig.engine_says(&["inspect", "--format", "{{.Name}}", "the-shop"]).trim(),
        "/the-shop"
    );
    for (letter, config) in [('c', json!({"Env": ["EXITS=3"]})), ('d', json!({"Env": ["SICK=1"]}))] {
        let bad = rig.image(letter, &config);
        rig.plan.health.deadline = Duration::from_secs(6);
        let report = rig.rollout(&bad).await;
        assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
        rig.runs_alone(&b, 1);
        let name = rig.engine_says(&["inspect", "--format", "{{.Name}}", "the-shop"]);
        assert_eq!(name.trim(), "/the-shop");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_wait_at_the_switch_while_an_instance_that_must_run_alone_is_replaced_and_none_is_lost() {
    let Some(mut rig) = Rig::new(Door::Switch, 1) else { return };
    rig.compose_file(&json!({"container_name": "the-shop"}));
    rig.plan.waits.stage = Duration::from_secs(8);
    let a = rig.opened('a');
    let report = rig.rollout(&a).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    // No more than may wait, however long that is on a busy machine.
    let load = Load::start(rig.listen(), Duration::from_millis(40));
    let b = rig.good('b');
    let report = rig.rollout(&b).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    assert_eq!(report.cut_requests, Some(0));
    let planned = report.plan.unwrap().interruption;
    assert_eq!(planned.expected, ExpectedInterruption::Held, "{}", planned.why);
    let waited = rig.status().await.waited;
    assert!(waited > 0, "nobody had to wait");
    rig.runs_alone(&b, 1);
    // Nobody is led to a version that ends, or is sick by its own address.
    for (letter, config, words) in [
        ('c', json!({"Env": ["EXITS=3"]}), "ended with 3"),
        ('d', json!({"Env": ["SICK=1"]}), "while requests wait for it"),
    ] {
        let bad = rig.image(letter, &config);
        let report = rig.rollout(&bad).await;
        let reason = report.reason.unwrap_or_default();
        assert!(
            report.result == RolloutResult::RolledBack && reason.contains(words),
            "{:?} {reason}",
            report.result
        );
        rig.runs_alone(&b, 1);
    }
    let report = rollout::rollback(&rig.plan, &rig.effects()).await.unwrap();
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    rig.runs_alone(&a, 1);
    let tally = load.end().await;
    println!(
        "one instance after the other: {} in a deploy, two failing ones and a rollback",
        tally.line()
    );
    assert_eq!(lost(Door::Switch, &tally), Vec::<String>::new(), "{}", tally.line());
    // The control: without it, somebody is refused.
    let TargetPlan::Compose(plan) = &mut rig.plan.target else {
        panic!("a rig is of Compose")
    };
    if let Some(FrontPlan::Switch(switch)) = &mut plan.front {
        switch.hold = Duration::ZERO;
    }
    let load = Load::start(rig.listen(), Duration::from_millis(10));
    let report = rig.rollout(&rig.good('e')).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    assert_eq!(report.plan.unwrap().interruption.expected, ExpectedInterruption::Brief);
    assert_ne!(load.end().await.lost(), Vec::<String>::new());
}
