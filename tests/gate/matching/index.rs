//! Processes that read, build and lose the same index.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::matching::feeds::{OLD, archive, record};
use crate::support::tools;

/// A folder with a lock file and a feed of so many records, of which one names the package in the lock.
struct Rig(tempfile::TempDir);

impl Rig {
    fn new(records: usize) -> Self {
        let rig = Self(tempfile::tempdir().unwrap());
        let lock = r#"{"name":"svc","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"svc","version":"1.0.0","dependencies":{"left-pad":"1.0.0"}},"node_modules/left-pad":{"version":"1.0.0"}}}"#;
        std::fs::write(rig.0.path().join("package-lock.json"), lock).unwrap();
        std::fs::create_dir_all(rig.0.path().join("feed/npm")).unwrap();
        rig.publish("GHSA-1", records);
        rig
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Another feed takes the place of the one that is there.
    fn publish(&self, id: &str, records: usize) {
        let mut all: Vec<(String, String)> = (0..records)
            .map(|at| {
                (
                    format!("MAL-{at}"),
                    record(&format!("MAL-{at}"), &format!("other-{at}"), "1.1.0", OLD),
                )
            })
            .collect();
        all.push((id.to_owned(), record(id, "left-pad", "1.1.0", OLD)));
        let all: Vec<(&str, String)> = all.iter().map(|(id, text)| (id.as_str(), text.clone())).collect();
        let mut file = tempfile::NamedTempFile::new_in(self.0.path()).unwrap();
        file.write_all(&archive(&all)).unwrap();
        file.persist(self.path("feed/npm/all.zip")).unwrap();
    }

    fn command(&self) -> Command {
        let mut command = crate::support::portcullis();
        command
            .args([
                "scan",
                "package-lock.json",
                "--osv",
                "feed",
                "--max-age",
                "36500d",
                "--format",
                "json",
            ])
            .current_dir(self.0.path())
            .env("HOME", self.0.path())
            .env("XDG_CACHE_HOME", self.path("cache"));
        command
    }

    fn index(&self) -> PathBuf {
        let folder = std::fs::read_dir(self.path("cache/portcullis/feeds/index"))
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path();
        folder.join("npm.idx")
    }
}

fn found(output: &Output) -> Vec<String> {
    let report: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .filter_map(|finding| Some(finding["ids"][0].as_str()?.to_owned()))
        .collect()
}

#[test]
fn many_processes_read_while_one_after_another_builds_anew() {
    let rig = Rig::new(300);
    for round in 0..4 {
        let id = format!("GHSA-{}", round + 1);
        rig.publish(&id, 300 + round);
        let running: Vec<_> = (0..6)
            .map(|_| rig.command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
            .collect();
        for child in running {
            let output = child.wait_with_output().unwrap();
            assert_eq!(
                found(&output),
                std::slice::from_ref(&id),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
    let leftovers: Vec<PathBuf> = std::fs::read_dir(rig.index().parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| *path != rig.index())
        .collect();
    assert_eq!(leftovers, Vec::<PathBuf>::new());
}

#[test]
fn a_process_that_is_killed_while_it_builds_leaves_the_old_index_whole() {
    let rig = Rig::new(4000);
    assert_eq!(found(&rig.command().output().unwrap()), ["GHSA-1"]);
    let (mut killed, mut kept) = (0, 0);
    for round in 0..25_u64 {
        let before = std::fs::read(rig.index()).unwrap();
        rig.publish(&format!("GHSA-{}", round + 2), 4000);
        let mut child = rig.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(20 + round * 12));
        child.kill().unwrap();
        killed += usize::from(child.wait().unwrap().code().is_none());
        let after = std::fs::read(rig.index()).unwrap();
        kept += usize::from(after == before);
        assert!(after == before || is_whole(&rig, &after), "round {round}: half an index");
    }
    assert!(killed > 3, "only {killed} were killed in time");
    println!("{killed} of 25 were killed, {kept} left the old index, the others had finished the new one");
    assert_eq!(found(&rig.command().output().unwrap()), ["GHSA-26"]);
}

/// An index is whole when the program opens it, and does not build another one.
fn is_whole(rig: &Rig, bytes: &[u8]) -> bool {
    let output = rig.command().output().unwrap();
    found(&output).len() == 1 && std::fs::read(rig.index()).unwrap() == bytes
}

#[test]
fn an_index_of_another_program_or_another_ecosystem_is_built_anew_and_said_so() {
    let rig = Rig::new(10);
    assert_eq!(found(&rig.command().output().unwrap()), ["GHSA-1"]);
    let whole = std::fs::read(rig.index()).unwrap();
    let cut: &[u8] = &whole[..whole.len() / 2];
    let mut turned = whole.clone();
    let at = turned.len() * 3 / 4;
    turned[at] ^= 0xff;
    for bytes in [b"SQLite format 3\0".as_slice(), cut, &turned, b""] {
        std::fs::write(rig.index(), bytes).unwrap();
        let output = rig.command().output().unwrap();
        assert_eq!(found(&output), ["GHSA-1"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("it is built anew"), "{said}");
        assert_eq!(std::fs::read(rig.index()).unwrap(), whole, "equal data gives an equal index");
    }
}

#[test]
fn a_feed_that_changed_in_place_is_noticed_whatever_its_size() {
    let rig = Rig::new(10);
    assert_eq!(found(&rig.command().output().unwrap()), ["GHSA-1"]);
    let path = rig.path("feed/npm/all.zip");
    let before = std::fs::metadata(&path).unwrap();
    rig.publish("GHSA-2", 10);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), before.len(), "the same size");
    assert_eq!(found(&rig.command().output().unwrap()), ["GHSA-2"]);
    // Even with the time of before: it is another file.
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(before.modified().unwrap()).unwrap();
    assert_eq!(found(&rig.command().output().unwrap()), ["GHSA-2"]);
}

#[test]
fn what_a_killed_writer_left_is_swept_away_and_what_a_living_one_holds_is_not() {
    let Some(flock) = tools::program("flock") else { return };
    let rig = Rig::new(10);
    assert_eq!(found(&rig.command().output().unwrap()), ["GHSA-1"]);
    let half = rig.index().with_file_name(".portcullis-half");
    // A process that holds a file as a writer does while it writes; nobody tells it to tidy up.
    let mut writer = Command::new(flock).arg(&half).args(["sleep", "600"]).spawn().unwrap();
    let start = std::time::Instant::now();
    while std::fs::File::open(&half).is_ok_and(|file| file.try_lock().is_ok()) || !half.exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "flock does not hold its file");
        std::thread::sleep(Duration::from_millis(10));
    }
    rig.publish("GHSA-2", 10);
    assert_eq!(found(&rig.command().output().unwrap()), ["GHSA-2"]);
    assert!(half.exists(), "its writer lives");

    kill_with_children(&mut writer);
    // The system takes the lock back when the last of them is gone.
    let start = std::time::Instant::now();
    while std::fs::File::open(&half).is_ok_and(|file| file.try_lock().is_err()) {
        assert!(start.elapsed() < Duration::from_secs(60), "somebody holds the file");
        std::thread::sleep(Duration::from_millis(10));
    }
    rig.publish("GHSA-3", 10);
    assert_eq!(found(&rig.command().output().unwrap()), ["GHSA-3"]);
    assert!(!half.exists(), "its writer is gone");
}

/// `flock` hands its lock on to the program that it runs.
fn kill_with_children(process: &mut std::process::Child) {
    let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", process.id())).unwrap();
    process.kill().unwrap();
    process.wait().unwrap();
    for child in children.split_whitespace() {
        Command::new("kill").args(["-9", child]).status().unwrap();
    }
}
