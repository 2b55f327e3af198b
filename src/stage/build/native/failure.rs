//! Why cargo built nothing: told apart by what a person would do something different about.

use std::path::Path;

use crate::io::Effects;
use crate::io::document::nearest;
use crate::io::files;
use crate::io::process::ProcessError;
use crate::model::excused::Excused as _;
use crate::model::plan::BuildPlan;
use crate::stage::build::{BuildError, NativeError};

/// What was compiled when it failed.
pub(super) struct Attempt<'a> {
    pub(super) plan: &'a BuildPlan,
    pub(super) workspace: &'a Path,
    pub(super) package: &'a str,
    /// The profile, where one is named.
    pub(super) profile: Option<&'a str>,
    /// rustc's names of what is built for, and of this machine.
    pub(super) target: &'a str,
    pub(super) host: &'a str,
    /// The command, as it is shown.
    pub(super) command: String,
    pub(super) effects: &'a Effects,
}

/// A linker writes by memory that is a file's: where that has no room, the kernel ends it by this signal. As collect2, rustc and shells tell it.
const BUS_ERROR: [&str; 4] = ["Bus error", "SIGBUS", "terminated with signal 7", "signal: 7"];
/// Bytes that are left free by a linker that found no room for its program: what it wrote may have been taken away again.
const NEARLY_FULL: u64 = 64 << 20;

/// What a build that failed means.
pub(super) fn of(attempt: &Attempt<'_>, error: ProcessError) -> BuildError {
    let plan = attempt.plan;
    if attempt.effects.is_cancelled() {
        return BuildError::Interrupted;
    }
    let ProcessError::Failed { ref tail, .. } = error else {
        return BuildError::Toolchain {
            program: "cargo",
            source: error,
        };
    };
    let says = |words: &[&str]| words.iter().any(|word| tail.contains(word));
    if tells_of_a_full_disk(tail, || free(&plan.work)) {
        return BuildError::DiskFull { folder: plan.work.clone() };
    }
    if says(&["--locked was passed", "--locked` was passed"]) {
        return BuildError::StaleLock { source: error };
    }
    if let Some(name) = attempt
        .profile
        .filter(|name| tail.contains(&format!("profile `{name}` is not defined")))
    {
        return unknown_profile(attempt, name);
    }
    if says(&["cannot find -lc:", "cannot find -lc\n", "attempted static link of dynamic object"]) {
        return BuildError::NoStaticLibc {
            musl: attempt.target.replace("-gnu", "-musl"),
        };
    }
    let tail = from_first_error(tail);
    if says(&[
        "failed to download",
        "failed to get `",
        "Unable to update registry",
        "network failure",
        "--offline was specified",
        "--offline` was specified",
    ]) {
        return BuildError::Crates {
            tail,
            offline: plan.offline,
        };
    }
    let architecture = |triple: &str| triple.split('-').next().map(str::to_owned);
    let is_foreign = architecture(attempt.target) != architecture(attempt.host);
    if is_foreign && says(&["error: linking with `", "error: linker `"]) {
        return NativeError::CannotLink {
            target: attempt.target.to_owned(),
            tail,
        }
        .into();
    }
    BuildError::Compile {
        package: attempt.package.to_owned(),
        tail,
        command: attempt.command.clone(),
    }
}

/// True where a compiler or a linker found no room; `free` gives the bytes that are left, where somebody can say.
fn tells_of_a_full_disk(tail: &str, free: impl FnOnce() -> Option<u64>) -> bool {
    let says = |words: &[&str]| words.iter().any(|word| tail.contains(word));
    says(&["No space left on device", "os error 28"]) || says(&BUS_ERROR) && free().is_some_and(|free| free < NEARLY_FULL)
}

fn free(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).or_none("what cargo said is told as it is")?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// What stands before the first error is progress.
fn from_first_error(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.iter().position(|line| line.starts_with("error")).unwrap_or(0);
    lines[first..].join("\n").trim_end().to_owned()
}

/// The profiles of a workspace are those of its manifest and cargo's own.
#[derive(serde::Deserialize)]
struct Manifest {
    #[serde(default)]
    profile: toml::Table,
}

fn unknown_profile(attempt: &Attempt<'_>, name: &str) -> BuildError {
    let limit = attempt.effects.limits.document;
    let text = files::read_text(&attempt.workspace.join("Cargo.toml"), limit);
    let manifest: Option<Manifest> = text
        .or_none("cargo has read it: only the list of names hangs on it")
        .and_then(|text| toml::from_str(&text).or_none("cargo has read it: only the list of names hangs on it"));
    let mut known: Vec<String> = ["bench", "dev", "release", "test"].map(str::to_owned).to_vec();
    known.extend(
        manifest
            .into_iter()
            .flat_map(|manifest| manifest.profile.into_iter().map(|(name, _)| name)),
    );
    known.sort();
    known.dedup();
    let candidates: Vec<&str> = known.iter().map(String::as_str).collect();
    NativeError::Profile {
        nearest: nearest(name, &candidates).map(str::to_owned),
        name: name.to_owned(),
        known,
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linker_that_found_no_room_for_its_memory_tells_of_a_full_disk() {
        let ended = "error: linking with `cc` failed\n = note: collect2: fatal error: ld terminated with signal 7 [Bus error], core dumped";
        assert!(tells_of_a_full_disk(ended, || Some(4096)));
        // Where there is room, the linker itself is broken.
        assert!(!tells_of_a_full_disk(ended, || Some(1 << 30)));
        assert!(!tells_of_a_full_disk(ended, || None));
        assert!(!tells_of_a_full_disk("error: mismatched types", || Some(0)));
        assert!(tells_of_a_full_disk(
            "LLVM ERROR: IO failure on output stream: No space left on device",
            || None
        ));
        assert!(free(Path::new("/")).is_some() && free(Path::new("/absent")).is_none());
    }
}
