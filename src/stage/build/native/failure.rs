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
    pub(super) effects: &'a Effects,
}

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
    if says(&["No space left on device", "os error 28"]) {
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
    }
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
