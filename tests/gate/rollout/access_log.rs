//! The switch's access log: a line of JSON for each request, and no secret in it.

use std::path::Path;
use std::time::Duration;

use portcullis::model::exit_kind::ExitKind;
use portcullis::model::plan::{AccessLog, TargetPlan};
use portcullis::stage::rollout;
use serde_json::Value;

use super::load::plain_get;
use super::world::World;

fn logging(world: &mut World, log: AccessLog) {
    let TargetPlan::Process(plan) = &mut world.plan.target else {
        panic!()
    };
    plan.access_log = Some(log);
}

/// The lines of a log, once there are so many of requests with this path.
async fn lines_of(log: &Path, path: &str, count: usize) -> Vec<Value> {
    for _ in 0..3_000 {
        let text = std::fs::read_to_string(log).unwrap_or_default();
        let lines: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let lines: Vec<Value> = lines.into_iter().filter(|line| line["path"] == path).collect();
        if lines.len() >= count {
            return lines;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{} never had {count} lines of {path}", log.display());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_has_a_line_with_the_version_that_answered_and_no_query_and_no_header() {
    use std::os::unix::fs::PermissionsExt;
    let mut world = World::new();
    let log = world.path().join("access.jsonl");
    logging(&mut world, AccessLog::File(log.clone()));
    let release = world.good('a');
    let report = world.rollout(&release).await;
    plain_get(world.listen(), "/slow?20").await.unwrap();
    plain_get(world.listen(), "/nothing?token=hunter2").await.unwrap();
    let line = lines_of(&log, "/slow", 1).await.remove(0);
    assert_eq!((line["status"].as_u64(), line["method"].as_str()), (Some(200), Some("GET")));
    assert_eq!(
        (line["run"].as_str(), line["client"].as_str()),
        (Some(report.run.as_str()), Some("127.0.0.1"))
    );
    assert_eq!(line["digest"].as_str(), Some(release.digest().to_string().as_str()));
    assert!(line["ms"].as_f64().unwrap() >= 20.0, "{line}");
    assert!(line["at"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{line}");
    assert_eq!(lines_of(&log, "/nothing", 1).await[0]["status"], 404);
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(!text.contains("hunter2") && !text.contains("shop"), "{text}");
    assert_eq!(std::fs::metadata(&log).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_moved_away_is_begun_again_and_one_that_is_asked_for_later_needs_no_stop() {
    let mut world = World::new();
    world.rollout(&world.good('a')).await;
    let log = world.path().join("access.jsonl");
    logging(&mut world, AccessLog::File(log.clone()));
    let before = world.switches();
    world.rollout(&world.good('b')).await;
    assert_ne!(world.switches(), before, "another switch has taken the listener over");
    plain_get(world.listen(), "/echo").await.unwrap();
    lines_of(&log, "/echo", 1).await;
    std::fs::rename(&log, world.path().join("access.jsonl.1")).unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    plain_get(world.listen(), "/slow?1").await.unwrap();
    lines_of(&log, "/slow", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_written_is_refused_before_anything_is_touched() {
    let mut world = World::new();
    let old = world.good('a');
    world.rollout(&old).await;
    let before = world.switches();
    std::os::unix::fs::symlink("/dev/null", world.path().join("link")).unwrap();
    for place in ["nowhere/access.jsonl", "link", "state"] {
        let place_of = world.path().join(place);
        logging(&mut world, AccessLog::File(place_of));
        let error = rollout::rollout(&world.good('b'), &world.plan, &world.effects()).await.unwrap_err();
        assert_eq!(error.exit_kind(), ExitKind::Refused, "{place}: {error}");
        let told = portcullis::model::error_chain::chain(&error);
        assert!(told.contains("[rollout] access_log"), "{place}: {told}");
        assert_eq!(
            (world.switches(), world.live().await),
            (before.clone(), (Some(*old.digest()), 1)),
            "{place}"
        );
    }
}
