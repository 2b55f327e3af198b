//! npm's versions and ranges against npm's own semver.

use std::path::{Path, PathBuf};
use std::process::Command;

use portcullis::model::version::Scheme;
use portcullis::model::version::npm_range::NpmRange;

use crate::matching::versions::{Dice, PAIRS, agree, listed, made, output, pairs, written};
use crate::support::tools;

/// The folder of npm's own semver.
fn node_semver() -> Option<(PathBuf, String)> {
    let node = tools::program("node")?;
    let places = [
        "/usr/lib/node_modules/npm/node_modules/semver",
        "/usr/share/nodejs/semver",
        "/usr/local/lib/node_modules/npm/node_modules/semver",
    ];
    let found = places.into_iter().find(|place| Path::new(place).is_dir());
    if found.is_none() {
        println!("skipped: npm's semver (npm is not installed where it usually is)");
    }
    Some((node, found?.to_owned()))
}

fn npm_versions() -> Vec<String> {
    let mut samples = listed("semver.txt");
    samples.extend(listed("go.txt"));
    samples.extend(made(
        4,
        &[
            &["0", "1", "2", "10"],
            &[".0", ".1", ".2", ".10"],
            &[".0", ".1", ".2", ".3"],
            &["", "", "", "-alpha", "-alpha.1", "-rc.1", "-0", "-1", "-beta.11"],
            &["", "", "+build.5"],
        ],
    ));
    samples
}

#[test]
fn npm_orders_as_we_do() {
    let Some((node, semver)) = node_semver() else { return };
    let samples = npm_versions();
    let pairs = pairs(&samples);
    let file = written(&pairs);
    let script = "const semver = require(process.argv[1]); for (const line of require('fs').readFileSync(process.argv[2], 'utf8').trim().split('\\n')) { const [a, b] = line.split('\\t'); console.log(semver.valid(a) && semver.valid(b) ? semver.compare(a, b) : '?'); }";
    agree(
        Scheme::Semver,
        &pairs,
        &output(Command::new(node).args(["-e", script, &semver]).arg(file.path())),
    );
}

#[test]
fn npm_allows_what_our_ranges_allow() {
    let Some((node, semver)) = node_semver() else { return };
    let mut ranges = made(
        5,
        &[
            &["", "^", "~", ">=", "<", ">", "<=", "=", "~>", "^ ", ">= "],
            &["0", "1", "2", "x", "*"],
            &["", ".0", ".1", ".x", ".10"],
            &["", "", " || ^2.1.0", " <2.0.0", " || 0.x"],
        ],
    );
    ranges.extend(made(
        6,
        &[
            &["^", "~", ">=", "<", ">", "<=", ""],
            &["0.0", "0.1", "1.2", "2.0"],
            &[".0", ".3", ".1"],
            &["", "", "-alpha", "-rc.1", "-0"],
            &["", " || 1.0.0 - 2.1", " - 2.2.0"],
        ],
    ));
    ranges.extend(["", "*", "latest", "1.2.3 - 1.4", ">*", "<*"].map(str::to_owned));
    // Of a number behind a wildcard npm's releases say different things.
    ranges.retain(|range| !["x.0", "x.1", "*.0", "*.1"].iter().any(|odd| range.contains(odd)));
    let versions: Vec<String> = npm_versions()
        .into_iter()
        // npm counts in floating point numbers, and takes nothing above what they hold exactly.
        .filter(|text| {
            let exact = |number: u64| number < 1 << 53;
            text.parse::<semver::Version>()
                .is_ok_and(|v| exact(v.major) && exact(v.minor) && exact(v.patch))
        })
        .collect();
    let mut dice = Dice(7);
    let pairs: Vec<(&str, &str)> = (0..2 * PAIRS)
        .map(|_| {
            (
                ranges[dice.roll(ranges.len())].as_str(),
                versions[dice.roll(versions.len())].as_str(),
            )
        })
        .collect();
    let file = written(&pairs);
    let script = "const semver = require(process.argv[1]); for (const line of require('fs').readFileSync(process.argv[2], 'utf8').split('\\n')) { if (!line) continue; const [range, version] = line.split('\\t'); const valid = semver.validRange(range) !== null; console.log(valid ? semver.satisfies(version, range) : 'none'); }";
    let answers = output(Command::new(node).args(["-e", script, &semver]).arg(file.path()));
    let mut differing = Vec::new();
    for ((range, version), answer) in pairs.iter().zip(answers.lines()) {
        let ours = match NpmRange::parse(range) {
            Some(range) => range.allows(&version.parse().unwrap()).to_string(),
            None => "none".to_owned(),
        };
        if ours != answer {
            differing.push(format!("`{range}` and {version}: {ours}, not {answer}"));
        }
    }
    differing.sort();
    differing.dedup();
    assert!(differing.is_empty(), "{} differ:\n{}", differing.len(), differing.join("\n"));
    println!("npm ranges: {} questions, the same", pairs.len());
}
