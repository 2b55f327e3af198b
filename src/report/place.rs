//! The line of the repository that brings a finding: the crate's entry in the lock file, the instruction of the Dockerfile.

use crate::model::finding::Finding;
use crate::model::inventory::Location;
use crate::model::outcome::{Outcome, SourceFile};

/// A line of a file of the source tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Relative to the repository, with `/`.
    pub file: String,
    /// From 1.
    pub line: u32,
}

/// Where to show a finding in the repository; none where no file of the tree brings it.
#[must_use]
pub fn place(finding: &Finding, outcome: &Outcome) -> Option<Place> {
    in_folder(finding, &outcome.sources).map(|place| Place {
        file: in_repository(outcome, &place.file),
        ..place
    })
}

/// A path in the service's folder as a path in the repository.
#[must_use]
pub fn in_repository(outcome: &Outcome, file: &str) -> String {
    match outcome.folder.trim_matches('/') {
        "" => file.to_owned(),
        folder => format!("{folder}/{file}"),
    }
}

fn in_folder(finding: &Finding, sources: &[SourceFile]) -> Option<Place> {
    let in_tree = finding
        .locations
        .iter()
        .find(|location| location.layer.is_none() && !location.path.starts_with('/'));
    if let Some(Location {
        path, line: Some(line), ..
    }) = in_tree
    {
        return Some(Place {
            file: path.clone(),
            line: *line,
        });
    }
    in_lock_file(finding, sources)
        .or_else(|| in_dockerfile(finding, sources))
        .or_else(|| in_tree.map(|location| first_line(&location.path)))
}

fn first_line(file: &str) -> Place {
    Place {
        file: file.to_owned(),
        line: 1,
    }
}

fn in_lock_file(finding: &Finding, sources: &[SourceFile]) -> Option<Place> {
    let purl = finding.purl.as_ref()?;
    let version = purl.version.as_deref().unwrap_or_default();
    let name = match purl.kind.as_str() {
        "cargo" => "Cargo.lock",
        "npm" => "package-lock.json",
        _ => return None,
    };
    let find = if purl.kind == "cargo" { cargo_lock_line } else { npm_lock_line };
    let named = |source: &&SourceFile| source.path.rsplit('/').next() == Some(name);
    sources.iter().filter(named).find_map(|source| {
        let line = find(&source.text, &purl.full_name(), version)?;
        Some(Place {
            file: source.path.clone(),
            line,
        })
    })
}

/// The `name = "…"` line of the entry of a crate's version.
#[must_use]
pub fn cargo_lock_line(text: &str, name: &str, version: &str) -> Option<u32> {
    let name = format!("name = \"{name}\"");
    let version = format!("version = \"{version}\"");
    let lines: Vec<&str> = text.lines().collect();
    let at = lines.windows(2).position(|pair| pair[0] == name && pair[1] == version)?;
    u32::try_from(at + 1).ok()
}

/// The line of the entry of a package's version in npm's lock file.
fn npm_lock_line(text: &str, name: &str, version: &str) -> Option<u32> {
    let entry = format!("node_modules/{name}\": {{");
    let version = format!("\"version\": \"{version}\"");
    let lines: Vec<&str> = text.lines().collect();
    let at = lines.iter().enumerate().position(|(at, line)| {
        let next = lines[at + 1..].iter().take(3);
        line.trim_end().ends_with(&entry) && next.into_iter().any(|line| line.contains(&version))
    })?;
    u32::try_from(at + 1).ok()
}

fn in_dockerfile(finding: &Finding, sources: &[SourceFile]) -> Option<Place> {
    let dockerfile = sources.iter().find(|source| is_dockerfile(&source.path))?;
    let instructions = instructions(&dockerfile.text);
    let steps = finding.locations.iter().filter_map(|location| location.created_by.as_deref());
    let line = steps
        .map(bare_step)
        .find_map(|step| {
            instructions
                .iter()
                .rev()
                .find(|(_, text)| same_step(text, &step))
                .map(|(line, _)| *line)
        })
        .or_else(|| {
            // A layer that no instruction made came with the base image of the last stage.
            let of_layer = finding.locations.iter().any(|location| location.layer.is_some());
            let from = instructions
                .iter()
                .rev()
                .find(|(_, text)| text.to_ascii_uppercase().starts_with("FROM "));
            from.filter(|_| of_layer).map(|(line, _)| *line)
        })?;
    Some(Place {
        file: dockerfile.path.clone(),
        line,
    })
}

fn is_dockerfile(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.starts_with("Dockerfile") || name.starts_with("Containerfile") || name.ends_with(".Dockerfile")
}

/// Each instruction on one line with the line that it begins on; comments left out, continuations joined.
fn instructions(text: &str) -> Vec<(u32, String)> {
    let mut all: Vec<(u32, String)> = Vec::new();
    let mut open = false;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        let body = line.trim_end_matches('\\').trim_end();
        match all.last_mut().filter(|_| open) {
            Some((_, whole)) => {
                whole.push(' ');
                whole.push_str(body);
            }
            None => all.push((number, body.to_owned())),
        }
        open = line.ends_with('\\');
    }
    all
}

/// A history entry without what engines add: `RUN /bin/sh -c x # buildkit`, `/bin/sh -c #(nop) COPY …`, `|1 ARG=v /bin/sh -c x`.
fn bare_step(step: &str) -> String {
    let step = step.trim_end_matches("# buildkit").trim();
    let step = match step.split_once("#(nop)") {
        Some((_, rest)) => rest,
        None => step.split_once("/bin/sh -c").map_or(step, |(_, rest)| rest),
    };
    words(step)
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// True when an instruction is what a step says, or (for COPY and ADD, whose sources become hashes) has its destination.
fn same_step(instruction: &str, step: &str) -> bool {
    let instruction = words(instruction);
    let (verb, rest) = instruction.split_once(' ').unwrap_or((&instruction, ""));
    if step.is_empty() {
        return false;
    }
    if verb.eq_ignore_ascii_case("RUN") {
        return rest == step || step.strip_prefix("RUN ") == Some(rest);
    }
    let copies = ["COPY", "ADD"]
        .iter()
        .any(|name| verb.eq_ignore_ascii_case(name) && step.to_ascii_uppercase().starts_with(*name));
    instruction == step || (copies && rest.split(' ').next_back() == step.split(' ').next_back())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::digest::Digest;
    use crate::model::finding::{Level, RuleCode};
    use crate::model::purl::Purl;

    const LOCK: &str = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"a\"\nversion = \"2.0.0\"\n";
    const DOCKERFILE: &str = "# syntax\nFROM rust AS build\nRUN cargo build\n\nFROM debian:12\nRUN apt-get update \\\n # why\n && apt-get install -y curl\nCOPY --from=build /target/x /x\n";

    fn outcome() -> Outcome {
        let sources = [("Cargo.lock", LOCK), ("Dockerfile", DOCKERFILE)].map(|(path, text)| SourceFile {
            path: path.to_owned(),
            text: text.to_owned(),
        });
        Outcome {
            sources: sources.to_vec(),
            ..Outcome::default()
        }
    }

    fn finding(purl: &str, step: Option<&str>) -> Finding {
        let mut finding = Finding::new(RuleCode::new("vulnerable-component"), Level::Deny, "x");
        finding.purl = Some(Purl::parse(purl).expect("a purl"));
        finding.locations = vec![Location {
            path: "/var/lib/dpkg/status".to_owned(),
            layer: Some(Digest::from_bytes([1; 32])),
            created_by: step.map(str::to_owned),
            line: None,
        }];
        finding
    }

    #[test]
    fn a_crate_is_shown_at_its_version_in_the_lock_file() {
        let at = place(&finding("pkg:cargo/a@2.0.0", None), &outcome()).expect("a place");
        assert_eq!((at.file.as_str(), at.line), ("Cargo.lock", 8));
        let nested = Outcome {
            folder: "services/pay".to_owned(),
            ..outcome()
        };
        let at = place(&finding("pkg:cargo/a@2.0.0", None), &nested).expect("a place");
        assert_eq!(at.file, "services/pay/Cargo.lock");
    }

    #[test]
    fn a_layer_is_shown_at_the_instruction_that_made_it() {
        for (step, line) in [
            ("RUN /bin/sh -c apt-get update && apt-get install -y curl # buildkit", 6),
            ("/bin/sh -c apt-get update  && apt-get install -y curl", 6),
            ("COPY /target/x /x # buildkit", 9),
            ("/bin/sh -c #(nop) COPY file:1234 in /x", 9),
            ("/bin/sh -c #(nop) ADD file:99 in / ", 5),
        ] {
            let at = place(&finding("pkg:deb/debian/curl@7", Some(step)), &outcome()).expect("a place");
            assert_eq!((at.file.as_str(), at.line), ("Dockerfile", line), "{step}");
        }
    }

    #[test]
    fn what_no_file_brings_has_no_place() {
        assert_eq!(place(&finding("pkg:deb/debian/curl@7", None), &Outcome::default()), None);
    }
}
