//! The test binary started again as something else: the service, or a deployer that is killed on the way.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use portcullis::io::clock::{self, Clock};
use portcullis::model::outcome::{RolloutReport, RolloutResult};
use portcullis::stage::publish::Attested;
use portcullis::stage::rollout;

use super::world::World;

/// Not a test: what the other roles are reached by, and nothing without a role.
#[test]
fn act() {
    let Ok(role) = std::env::var("PORTCULLIS_TEST_ROLE") else { return };
    match role.as_str() {
        "service" => super::service::serve(),
        "deployer" => deploy(),
        other => panic!("no such role: {other}"),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// A deployer in a process of its own, which kills itself after some line of the journal.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Death {
    /// As soon as the line is on the disk: while what it announces is being done.
    Soon(usize),
    /// At the first look at the clock after it: when what it announces has just been done.
    Late(usize),
    Never,
}

impl Death {
    /// The same, so many lines later.
    fn after(self, lines: usize) -> Self {
        match self {
            Self::Soon(line) => Self::Soon(lines + line),
            Self::Late(line) => Self::Late(lines + line),
            Self::Never => Self::Never,
        }
    }

    fn line(self) -> usize {
        match self {
            Self::Soon(line) | Self::Late(line) => line,
            Self::Never => usize::MAX,
        }
    }
}

/// Waits until the last line of a world's journal is of the soak.
pub(crate) async fn soaking(world: &World, running: &tokio::task::JoinHandle<RolloutReport>) {
    come_to("Soaking", world, running).await;
}

/// Waits until the last line of a world's journal is of a state.
pub(crate) async fn come_to(state: &str, world: &World, running: &tokio::task::JoinHandle<RolloutReport>) {
    let journal = world.state().join("journal.jsonl");
    while !fs::read_to_string(&journal).is_ok_and(|text| text.lines().next_back().is_some_and(|line| line.contains(state))) {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let told = fs::read_to_string(&journal).unwrap_or_default();
        let last = told.lines().next_back();
        assert!(!running.is_finished(), "it ended before {state}: {last:?}");
    }
}

/// Of two deployers that began at once one has committed. Gives what the other one was told.
pub(crate) fn of_two_one_is_locked_out(one: RolloutReport, two: RolloutReport) -> String {
    let mut results = [one.result, two.result];
    results.sort_by_key(|result| result.code());
    assert_eq!(
        results,
        [RolloutResult::Committed, RolloutResult::Locked],
        "{:?} {:?}",
        one.reason,
        two.reason
    );
    let mut told = [one.reason, two.reason].into_iter().flatten();
    told.find(|reason| reason.contains("another deployer")).unwrap()
}

/// What became of a deployer that was to die.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Aftermath {
    /// False where it came to its end before the line that it was to die at, or where who watches it on a busy machine came too late.
    pub(crate) killed: bool,
    /// False where it came to its end before the line that it was to die at.
    pub(crate) reached: bool,
    /// False where it left nothing to be resumed.
    pub(crate) resumed: bool,
}

/// Lets a deployer of the release with a letter die at a line of its own run, and resumes: what is resumed ends as `wanted`, as does a deployer
/// that came to its end before it, and nothing stays interrupted.
pub(crate) async fn killed_and_resumed(world: &World, letter: char, death: Death, wanted: RolloutResult) -> Aftermath {
    let journal = world.state().join("journal.jsonl");
    let goal = death.after(lines(&journal)).line();
    let ended = let_die(world, letter, death).await;
    let reached = lines(&journal) >= goal;
    let killed = ended.signal().is_some();
    if !killed {
        let report = fs::read(world.path().join(REPORT))
            .ok()
            .map(|json| serde_json::from_slice::<RolloutReport>(&json).unwrap());
        let said = fs::read_to_string(world.path().join(SAID)).unwrap();
        let result = report.as_ref().map(|report| report.result);
        assert_eq!(result, Some(wanted), "{death:?} was not killed: {ended}: {report:?}\n{said}");
    }
    let resumed = rollout::resume(&world.plan, &world.effects()).await.unwrap();
    if let Some(resumed) = &resumed {
        assert_eq!(resumed.result, wanted, "{death:?}: {:?}", resumed.reason);
    }
    assert!(world.status().await.interrupted.is_none(), "{death:?}");
    Aftermath {
        killed,
        reached,
        resumed: resumed.is_some(),
    }
}

async fn let_die(world: &World, letter: char, death: Death) -> std::process::ExitStatus {
    let before = lines(&world.state().join("journal.jsonl"));
    let mut deployer = start_deployer(world, letter, death.after(before));
    tokio::task::spawn_blocking(move || deployer.wait()).await.unwrap().unwrap()
}

/// A machine that committed a release is gone with its state folder: another one knows of it and goes back.
pub(crate) async fn another_machine_goes_back(world: &World, newest: &Attested) {
    vanish(world, "first-machine");
    let status = world.status().await;
    assert_eq!(status.good.last().map(|good| good.release.digest), Some(*newest.digest()));
    assert!(!world.state().exists(), "whoever only asks leaves no trace");
    let report = rollout::rollback(&world.plan, &world.effects()).await.unwrap();
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
}

/// A deployer was killed when its version had come up, and its machine is gone: another one commits it. The one of before, which comes back late, goes
/// on from there. After [`another_machine_goes_back`].
pub(crate) async fn another_machine_goes_on(world: &World, letter: char) {
    assert!(let_die(world, letter, Death::Soon(6)).await.signal().is_some());
    vanish(world, "second-machine");
    assert!(world.status().await.interrupted.is_some(), "the target knows of the run");
    let mut plan = world.plan.clone();
    plan.waits.lock = Duration::from_secs(90);
    let resumed = rollout::resume(&plan, &world.effects()).await.unwrap().unwrap();
    assert_eq!(resumed.result, RolloutResult::Committed, "{:?}", resumed.reason);
    vanish(world, "third-machine");
    fs::rename(world.path().join("first-machine"), world.state()).unwrap();
    let new = world.opened(letter);
    let status = world.status().await;
    assert_eq!(status.good.last().map(|good| good.release.digest), Some(*new.digest()));
    let report = rollout::rollout(&new, &world.plan, &world.effects()).await.unwrap();
    assert_eq!(report.result, RolloutResult::AlreadyDeployed, "{:?}", report.reason);
}

fn vanish(world: &World, to: &str) {
    fs::rename(world.state(), world.path().join(to)).unwrap();
}

/// The report of a deployer, in its world, if it lives to give one.
const REPORT: &str = "deployer.json";
/// What a deployer wrote to its standard error.
const SAID: &str = "deployer.log";

/// Starts a deployer for the release with a letter.
pub(crate) fn start_deployer(world: &World, letter: char, death: Death) -> std::process::Child {
    let (how, line) = match death {
        Death::Soon(line) => ("soon", line),
        Death::Late(line) => ("late", line),
        Death::Never => ("never", 0),
    };
    // One of a deployer before would be taken for this one's.
    let report = world.path().join(REPORT);
    if report.exists() {
        fs::remove_file(report).unwrap();
    }
    std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "rollout::roles::act", "--nocapture"])
        .env("PORTCULLIS_TEST_ROLE", "deployer")
        .env("PORTCULLIS_TEST_WORLD", world.path())
        .env("PORTCULLIS_TEST_RELEASE", letter.to_string())
        .env("PORTCULLIS_TEST_DEATH", format!("{how} {line}"))
        .stdout(std::process::Stdio::null())
        .stderr(fs::File::create(world.path().join(SAID)).unwrap())
        .spawn()
        .unwrap()
}

fn deploy() {
    let mut world = World::at(Path::new(&std::env::var("PORTCULLIS_TEST_WORLD").unwrap()));
    let letter = std::env::var("PORTCULLIS_TEST_RELEASE").unwrap().chars().next().unwrap();
    let death = std::env::var("PORTCULLIS_TEST_DEATH").unwrap();
    let (how, line) = death.split_once(' ').unwrap();
    let goal = line.parse::<usize>().unwrap();
    if how == "never" {
        // Long enough for somebody else to come while it is at work, on a busy machine too.
        world.plan.health.soak = Duration::from_secs(8);
    }
    let journal = world.state().join("journal.jsonl");
    let mut effects = world.effects();
    match how {
        "late" => effects.clock = Arc::new(Deadly { journal, goal }),
        "soon" => {
            std::thread::spawn(move || {
                loop {
                    die_after(&journal, goal);
                    std::thread::sleep(Duration::from_micros(100));
                }
            });
        }
        _ => {}
    }
    let release = world.opened(letter);
    let report = runtime().block_on(rollout::rollout(&release, &world.plan, &effects)).unwrap();
    fs::write(world.path().join(REPORT), serde_json::to_vec(&report).unwrap()).unwrap();
}

#[derive(Debug)]
struct Deadly {
    journal: PathBuf,
    goal: usize,
}

impl Clock for Deadly {
    fn now(&self) -> jiff::Timestamp {
        die_after(&self.journal, self.goal);
        clock::System.now()
    }

    fn evaluation(&self) -> jiff::Timestamp {
        clock::System.evaluation()
    }
}

pub(crate) fn lines(journal: &Path) -> usize {
    fs::read(journal).map_or(0, |bytes| bytes.iter().filter(|byte| **byte == b'\n').count())
}

fn die_after(journal: &Path, goal: usize) {
    if lines(journal) >= goal {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}
