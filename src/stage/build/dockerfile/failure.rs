//! What a builder complains of, as the one error that says what to do next.

use super::engine::Request;
use super::progress::{FailedStep, Steps};
use crate::io::process::ProcessError;
use crate::model::dockerfile::parse;
use crate::model::excused::Excused as _;
use crate::stage::build::{BuildError, DockerfileError};

/// Why a build failed.
pub(super) fn explain(request: &Request<'_>, steps: &Steps, builder: &'static str, error: &ProcessError) -> BuildError {
    if request.effects.is_cancelled() {
        return BuildError::Interrupted;
    }
    let rest = steps.rest();
    let all = rest.join("\n");
    let reason = reason(&rest).unwrap_or_else(|| match steps.failure() {
        Some(failed) => failed.reason.clone(),
        None => steps.without_secrets(&error.to_string()),
    });
    let full = format!("{all}\n{reason}\n{}", steps.failure().map_or("", |failed| &failed.tail));
    if says(&full, &["no space left on device", "No space left on device"]) {
        return BuildError::DiskFull {
            folder: request.plan.layout.clone(),
        };
    }
    let place = place(request, &rest, steps.failure());
    if says(
        &reason,
        &[
            "dockerfile parse error",
            "failed to parse",
            "nknown instruction",
            "parsing main Dockerfile",
            "failed to reach build target",
            "target stage",
            "no build stage",
        ],
    ) {
        return DockerfileError::Refused { place, reason }.into();
    }
    if says(
        &reason,
        &[
            "failed to resolve source metadata",
            "failed to authorize",
            "pull access denied",
            "creating build container",
            "initializing source",
            "pinging container registry",
            "reading manifest",
            "image not known",
        ],
    ) {
        return DockerfileError::BaseImage { place, reason }.into();
    }
    if says(
        &reason,
        &["ache export is not supported", "cache export feature is currently not supported"],
    ) {
        return DockerfileError::NoCacheExport { reason }.into();
    }
    if says(&reason, &["Cannot connect to the Docker daemon", "error during connect"]) {
        return DockerfileError::NoEngine { reasons: vec![reason] }.into();
    }
    match steps.failure() {
        Some(failed) if is_the_builders(&failed.name, &reason, &failed.tail) => DockerfileError::NotRun {
            step: failed.name.clone(),
            place,
            reason: brief(&reason),
            tail: failed.tail.clone(),
        }
        .into(),
        Some(failed) => DockerfileError::Step {
            step: failed.name.clone(),
            place,
            reason: brief(&reason),
            tail: failed.tail.clone(),
        }
        .into(),
        None => DockerfileError::Builder { builder, tail: all }.into(),
    }
}

/// A command that ran ends with a code, and one that is not in the image is missing there; of all else that stops a `RUN` the step is not the cause.
/// What runs it for buildah ends with a code as well, and says why by its own name.
fn is_the_builders(step: &str, reason: &str, tail: &str) -> bool {
    const OF_THE_STEP: [&str; 9] = [
        "no such file or directory",
        "not found",
        "permission denied",
        "exec format error",
        "not a directory",
        "no users found",
        "unable to find user",
        "secret",
        "ssh",
    ];
    let runs = step.split(' ').any(|word| word.eq_ignore_ascii_case("RUN"));
    let said = format!("{reason}\n{tail}").to_ascii_lowercase();
    let by_the_runtime = said
        .lines()
        .any(|line| line.contains("crun: ") || line.contains("runc: ") || line.starts_with("runc run failed"));
    let ended = says(&reason.to_ascii_lowercase(), &["exit code", "exit status"]);
    runs && (by_the_runtime || !ended) && !says(&said, &OF_THE_STEP)
}

fn says(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.contains(word))
}

/// The line that begins with `ERROR:` (docker) or `Error:` (buildah), without that word.
fn reason(rest: &[String]) -> Option<String> {
    let found = rest
        .iter()
        .rev()
        .find_map(|line| line.strip_prefix("ERROR: ").or_else(|| line.strip_prefix("Error: ")))?;
    Some(without_structure(found.strip_prefix("failed to solve: ").unwrap_or(found)))
}

/// buildah prints the step that it does not know as its program holds it, with the whole environment.
fn without_structure(reason: &str) -> String {
    let parts = reason
        .split_once("&imagebuilder.Step{")
        .and_then(|(before, rest)| Some((before, rest.rsplit_once('}')?.1)));
    parts.map_or_else(
        || reason.to_owned(),
        |(before, after)| format!("{}{after}", before.trim_end_matches([' ', ':'])),
    )
}

/// The command stands in the step's name already: `process "…" did not complete successfully: exit code: 1` is `exit code: 1`.
fn brief(reason: &str) -> String {
    let after = |mark: &str| reason.rsplit_once(mark).map(|(_, rest)| rest.trim().to_owned());
    after("did not complete successfully: ")
        .or_else(|| after("\": ").filter(|_| reason.starts_with("building at STEP")))
        .unwrap_or_else(|| reason.to_owned())
}

/// `Dockerfile:7`, as BuildKit says it before its excerpt, or as the instruction of the failed step is found; else the file.
fn place(request: &Request<'_>, rest: &[String], failed: Option<&FailedStep>) -> String {
    let file = request.build.dockerfile.display().to_string();
    let name = request
        .dockerfile
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let stated = rest.iter().find_map(|line| {
        let number = line.strip_prefix(&name)?.strip_prefix(':')?;
        number.trim().parse::<u32>().or_none("no number: no exit code is told")
    });
    match stated.or_else(|| line_of(request, failed?)) {
        Some(line) => format!("{file}:{line}"),
        None => file,
    }
}

/// The line of the instruction that a step shows.
fn line_of(request: &Request<'_>, failed: &FailedStep) -> Option<u32> {
    let shown = failed.name.split_once("] ").map(|(_, text)| words(text))?;
    // What was read once is read again only to find a line: without it the message lacks a number.
    let text = std::fs::read_to_string(request.dockerfile).or_none("without it the message lacks a number")?;
    let file = parse(&text);
    let same = file.instructions.iter().find(|instruction| words(&instruction.text) == shown);
    same.map(|instruction| instruction.line)
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().filter(|word| *word != "\\").collect()
}

#[cfg(test)]
mod tests {
    use super::{is_the_builders, without_structure};

    #[test]
    fn the_environment_of_a_step_that_buildah_does_not_know_is_not_shown() {
        let said = r#"building at STEP "COPPY a b": Unknown instruction: "COPPY": &imagebuilder.Step{Env:[]string{"PATH=/bin", "KEY=value"}, Command:"coppy"}"#;
        assert_eq!(
            without_structure(said),
            r#"building at STEP "COPPY a b": Unknown instruction: "COPPY""#
        );
        assert_eq!(without_structure("exit status 1"), "exit status 1");
    }

    #[test]
    fn a_command_that_ended_or_is_not_there_is_the_steps_own_fault_and_what_the_kernel_refused_is_not() {
        const STEP: &str = "[build 2/3] RUN npm ci";
        for reason in [
            "npm error code ENOTFOUND: exit status 1",
            "process \"/bin/sh -c npm ci\" did not complete successfully: exit code: 1",
            "building at STEP \"RUN npm ci\": while running runtime: exit status 127",
            "runc run failed: unable to start container process: exec: \"/bin/sh\": stat /bin/sh: no such file or directory",
            "unable to find user nobody: no matching entries in passwd file",
        ] {
            assert!(!is_the_builders(STEP, reason, ""), "{reason}");
        }
        for reason in [
            "failed to mount overlay: device or resource busy",
            "sealing memfd copy of /proc/self/exe: resource busy",
            "error mounting storage: input/output error",
        ] {
            assert!(is_the_builders(STEP, reason, ""), "{reason}");
            assert!(
                !is_the_builders(STEP, "exit status 1", reason),
                "what a command says of it: {reason}"
            );
            assert!(!is_the_builders("[2/3] COPY a b", reason, ""), "{reason}");
        }
        for said in [
            "error running container: crun: cgroups in hybrid mode not supported",
            "runc run failed: unable to apply cgroup configuration",
        ] {
            assert!(is_the_builders(STEP, "while running runtime: exit status 1", said), "{said}");
        }
    }
}
