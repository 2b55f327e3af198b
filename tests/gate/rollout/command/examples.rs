//! The examples in `policies/examples/rollout`, as they are there, each with a service that really runs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis::cli::config::Config;
use portcullis::model::outcome::RolloutResult;
use portcullis::model::plan::{CommandPlan, TargetPlan};
use portcullis::stage::publish::Attested;
use portcullis::stage::rollout;

use crate::rollout::heavy;
use crate::rollout::service::Behaviour;
use crate::rollout::world::{World, commit};
use crate::support::tools;

/// Stands in for systemd, which cannot run here: `restart`, `start`, `stop` and `show` as systemctl(1) has them.
const SYSTEMCTL: &str = r#"#!/bin/sh
pid=$(cat "$RELEASES/unit.pid" 2>/dev/null)
runs() { [ -n "$pid" ] && readlink "/proc/$pid/cwd" >/dev/null; }
run() {
    (cd "$(readlink -f "$RELEASES/current")" && PORTCULLIS_ROOT=$PWD exec ./service >/dev/null 2>&1) &
    echo $! >"$RELEASES/unit.pid"
}
end() {
    if runs; then kill -9 "$pid"; fi
    while runs; do sleep 0.02; done
}
case "$1 $2" in
"restart "*) end; run ;;
"start "*) runs || run ;;
"stop "*) end ;;
"show --property=ActiveState") if runs; then echo active; else echo inactive; fi ;;
"show --property=MainPID") if runs; then echo "$pid"; else echo 0; fi ;;
*) echo "unknown: $*" >&2; exit 1 ;;
esac
"#;

/// A world whose target is an example, with its scripts copied and its settings read from its configuration.
fn world_of(example: &str, env: &[(&str, String)]) -> World {
    let mut world = World::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("policies/examples/rollout")
        .join(example);
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, world.path().join(path.file_name().unwrap())).unwrap();
    }
    let text = fs::read_to_string(folder.join("portcullis.toml")).unwrap();
    let settings = toml::from_str::<Config>(&text).unwrap().rollout.unwrap();
    fs::create_dir_all(world.path().join("releases")).unwrap();
    let mut variables: BTreeMap<String, String> = settings.env.clone();
    let releases = world.path().join("releases").display().to_string();
    variables.insert("RELEASES".to_owned(), releases);
    variables.insert("PORT".to_owned(), world.listen().port().to_string());
    variables.extend(env.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    world.plan.target = TargetPlan::Command(CommandPlan {
        service: "shop".to_owned(),
        root: world.path().to_owned(),
        deploy: settings.deploy.unwrap(),
        rollback: settings.rollback.unwrap(),
        observe: settings.observe,
        stop: settings.stop,
        unpack: settings.unpack,
        env: variables,
        pass_env: settings.pass_env,
        deploy_limit: Duration::from_secs(60),
        rollback_limit: Duration::from_secs(60),
        observe_limit: Duration::from_secs(30),
        state: world.state(),
    });
    world
}

fn under_systemd() -> World {
    let stand_in = tempfile::tempdir().unwrap().keep();
    let file = stand_in.join("systemctl");
    fs::write(&file, SYSTEMCTL).unwrap();
    tools::executable(&file);
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", stand_in.display());
    world_of("systemd", &[("PATH", path)])
}

/// Replaces a word in the world's copy of `deploy.sh`, and leaves `rollback` what it was.
fn spoil(world: &mut World, from: &str, to: &str) {
    let path = world.path().join("deploy.sh");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from}: {text}");
    fs::copy(&path, world.path().join("rollback.sh")).unwrap();
    fs::write(&path, text.replace(from, to)).unwrap();
    let TargetPlan::Command(plan) = &mut world.plan.target else {
        panic!("an example is deployed by commands")
    };
    plan.rollback = vec!["./rollback.sh".to_owned()];
    world.plan.health.deadline = Duration::from_secs(20);
}

/// Two versions one after the other, back by a person's wish, and stopped.
async fn goes_through_its_life(world: &World, releases: [Attested; 2]) {
    for release in &releases {
        let report = world.rollout(release).await;
        assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
        assert_eq!(world.live().await, (Some(*release.digest()), 1));
    }
    assert!(world.get("/version").await.unwrap().1.contains(&commit('b')));
    let back = rollout::rollback(&world.plan, &world.effects()).await.unwrap();
    assert_eq!(back.result, RolloutResult::Committed, "{:?}", back.reason);
    assert!(world.get("/version").await.unwrap().1.contains(&commit('a')));
    rollout::stop(&world.plan, &world.effects()).await.unwrap();
    assert_eq!(world.live().await, (None, 0));
    assert!(world.get("/version").await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_for_systemd_deploys_goes_back_and_stops() {
    println!("systemd is a stand-in here: it cannot run on a machine that is not booted by it");
    let world = under_systemd();
    let releases = ['a', 'b'].map(|letter| world.good(letter));
    goes_through_its_life(&world, releases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_for_systemd_brings_the_old_version_back_when_the_new_one_is_sick() {
    let mut world = under_systemd();
    let old = world.good('a');
    world.rollout(&old).await;
    world.plan.health.deadline = Duration::from_secs(20);
    let sick = Behaviour {
        sick: true,
        ..Behaviour::default()
    };
    let report = world.rollout(&world.release('b', sick)).await;
    assert_eq!(
        (report.result, report.result.code()),
        (RolloutResult::RolledBack, 10),
        "{:?}",
        report.reason
    );
    assert_eq!(world.live().await, (Some(*old.digest()), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_on_an_active_unit_changes_nothing_and_is_rolled_back() {
    let mut world = under_systemd();
    let old = world.good('a');
    world.rollout(&old).await;
    spoil(&mut world, "systemctl restart", "systemctl start");
    let report = world.rollout(&world.good('b')).await;
    assert_eq!(
        (report.result, report.result.code()),
        (RolloutResult::RolledBack, 10),
        "{:?}",
        report.reason
    );
    assert_eq!(world.live().await, (Some(*old.digest()), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_cannot_be_unpacked_is_refused_before_a_command_runs() {
    let world = under_systemd();
    let release = world.good('a');
    for blob in fs::read_dir(world.path().join("image-a/blobs/sha256")).unwrap() {
        let path = blob.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        if bytes.len().is_multiple_of(512) {
            bytes[600] ^= 1;
            fs::write(path, bytes).unwrap();
        }
    }
    let error = rollout::rollout(&release, &world.plan, &world.effects()).await.unwrap_err();
    assert_eq!(error.exit_kind().code(), 12, "{error}");
    assert!(!world.path().join("releases/current").exists());
}

/// A Node.js service that names its commit.
fn node_release(world: &World, letter: char) -> Attested {
    let server = "const text = require('fs').readFileSync(__dirname + '/commit', 'utf8');\n\
                  require('http').createServer((request, answer) => answer.end(JSON.stringify({ commit: text }))).listen(process.env.PORT, '127.0.0.1');\n";
    world.pack(
        letter,
        &[
            ("app/server.js", 0o644, server.as_bytes().to_vec()),
            ("app/commit", 0o644, commit(letter).into_bytes()),
        ],
    )
}

/// A world under PM2, whose daemon ends with it: it hides its environment, so that the world does not find it.
struct UnderPm2 {
    world: World,
    program: PathBuf,
    env: Vec<(&'static str, String)>,
}

impl Drop for UnderPm2 {
    fn drop(&mut self) {
        let ended = std::process::Command::new(&self.program)
            .arg("kill")
            .envs(self.env.clone())
            .output();
        assert!(ended.is_ok_and(|output| output.status.success()), "PM2's daemon still runs");
    }
}

fn under_pm2() -> Option<UnderPm2> {
    if !heavy() {
        println!("skipped: PM2 (it takes long; PORTCULLIS_HEAVY=1 runs it)");
        return None;
    }
    let program = tools::file("pm2/node_modules/.bin/pm2")?;
    let node = tools::program("node")?;
    let folders = [program.parent(), node.parent()].map(|folder| folder.map(Path::to_owned).unwrap_or_default());
    let path = std::env::join_paths(folders.iter().chain([&PathBuf::from("/usr/bin"), &PathBuf::from("/bin")])).unwrap();
    let home = tempfile::tempdir().unwrap().keep();
    let env = vec![("PATH", path.into_string().unwrap()), ("PM2_HOME", home.display().to_string())];
    let mut world = world_of("pm2", &env);
    world.plan.health.successes = 2;
    Some(UnderPm2 { world, program, env })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_for_pm2_deploys_goes_back_and_stops() {
    let Some(pm2) = under_pm2() else { return };
    let releases = ['a', 'b'].map(|letter| node_release(&pm2.world, letter));
    goes_through_its_life(&pm2.world, releases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_of_a_release_by_its_own_path_runs_the_old_code_and_is_rolled_back() {
    let Some(mut pm2) = under_pm2() else { return };
    let world = &mut pm2.world;
    let old = node_release(world, 'a');
    let first = world.rollout(&old).await;
    assert_eq!(first.result, RolloutResult::Committed, "{:?}", first.reason);
    spoil(world, "    pm2 delete \"$APP\"\n", "    exec pm2 reload \"$APP\"\n");
    world.plan.health.deadline = Duration::from_secs(20);
    let report = world.rollout(&node_release(world, 'b')).await;
    assert_eq!(
        (report.result, report.result.code()),
        (RolloutResult::RolledBack, 10),
        "{:?}",
        report.reason
    );
    assert!(world.get("/version").await.unwrap().1.contains(&commit('a')));
}
