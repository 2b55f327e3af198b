//! `.dockerignore` against the package that BuildKit reads it with.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use portcullis::stage::build::ignored;
use serde_json::json;

const PROGRAM: &str = include_str!("../../support/go_ignore/main.go");
const VERSION: &str = "v0.6.0";

/// The answers of moby's package to lines of JSON; `None` where Go, or the package, cannot be had.
fn by_go(lines: &str) -> Option<Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let module = format!("module ignore\n\ngo 1.19\n\nrequire github.com/moby/patternmatcher {VERSION}\n");
    fs::write(folder.path().join("go.mod"), module).unwrap();
    fs::write(folder.path().join("main.go"), PROGRAM).unwrap();
    let built = build(folder.path());
    if !built {
        println!("skipped: Go, or its module github.com/moby/patternmatcher, cannot be had here");
        return None;
    }
    let mut child = Command::new(folder.path().join("ignore"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut to = child.stdin.take().unwrap();
    let text = lines.to_owned();
    let writer = std::thread::spawn(move || to.write_all(text.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    Some(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
}

fn build(folder: &Path) -> bool {
    let built = Command::new("go")
        .args(["build", "-mod=mod", "-o", "ignore", "."])
        .current_dir(folder)
        .env("GOTOOLCHAIN", "local")
        .env("GONOSUMDB", "*")
        .env("GOFLAGS", "-modcacherw")
        .stderr(Stdio::null())
        .status();
    built.is_ok_and(|status| status.success())
}

/// Numbers that look random, the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }
}

const PIECES: [&str; 36] = [
    "a", "b", "ab", "c", "*", "*", "**", "**/", "/", "/", "?", "[ab]", "[^a]", "[a-c]", "[b", "]", "\\*", "\\", "!", "..", ".", "./", "é",
    "[é]", " ", "#", "$", "(", "+", "a.b", "/**", "/*", "***", "[\\]]", "[^/]", "x",
];
const PARTS: [&str; 12] = ["a", "b", "ab", "c", "é", "*", ".a", "a.b", "#a", "!a", "a]", "x$"];

fn patterns(dice: &mut Dice) -> String {
    let mut text = String::new();
    for _ in 0..1 + dice.below(4) {
        if dice.below(3) == 0 {
            text.push('!');
        }
        for _ in 0..1 + dice.below(5) {
            text.push_str(dice.of(&PIECES));
        }
        text.push('\n');
    }
    text
}

/// Paths of up to three parts, folders before what is in them.
fn paths(dice: &mut Dice) -> Vec<String> {
    let mut all = Vec::new();
    for _ in 0..6 {
        let mut path = String::new();
        for _ in 0..1 + dice.below(3) {
            if !path.is_empty() {
                path.push('/');
            }
            path.push_str(dice.of(&PARTS));
            if !all.contains(&path) {
                all.push(path.clone());
            }
        }
    }
    all
}

#[test]
fn what_stays_out_of_the_context_is_what_buildkit_leaves_out() {
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    let cases: Vec<(String, Vec<String>)> = (0..30_000).map(|_| (patterns(&mut dice), paths(&mut dice))).collect();
    let lines: String = cases
        .iter()
        .map(|(patterns, paths)| format!("{}\n", json!({ "Patterns": patterns, "Paths": paths })))
        .collect();
    let Some(answers) = by_go(&lines) else { return };
    assert_eq!(answers.len(), cases.len());
    let (mut same, mut refused, mut careful) = (0, 0, 0);
    for ((patterns, paths), theirs) in cases.iter().zip(&answers) {
        let names: Vec<&str> = paths.iter().map(String::as_str).collect();
        match ignored(patterns, &names) {
            Ok(ours) => {
                let ours: String = ours.iter().map(|ignored| if *ignored { '1' } else { '0' }).collect();
                assert_eq!(&ours, theirs, "{patterns:?} {names:?}");
                same += 1;
            }
            Err(_) if theirs == "error" => refused += 1,
            // What a builder makes of a class of characters is not guessed.
            Err(_) => careful += 1,
        }
    }
    println!("{same} read alike, {refused} refused by both, {careful} by us alone");
    assert!(
        same > 10_000 && refused > 1_000 && careful < cases.len() / 10,
        "{same} {refused} {careful}"
    );
}
