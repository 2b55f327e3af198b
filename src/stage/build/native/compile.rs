//! Running cargo: the build itself and the graph of what it linked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread;

use serde::Deserialize;

use super::audit::{self, Compiled};
use super::project::Project;
use super::toolchain::Toolchain;
use crate::io::Effects;
use crate::io::files::FileError;
use crate::io::process::{ProcessError, Program};
use crate::model::event::{Event, Stage, Unit};
use crate::model::inventory::Scope;
use crate::model::plan::BuildPlan;
use crate::stage::build::BuildError;

/// What is compiled, and how.
pub(super) struct Compilation<'a> {
    pub(super) plan: &'a BuildPlan,
    pub(super) project: &'a Project,
    pub(super) toolchain: &'a Toolchain,
    /// Arguments that select features.
    pub(super) features: Vec<String>,
    pub(super) effects: &'a Effects,
}

pub(super) struct Compilate {
    pub(super) executable: PathBuf,
    /// Every package that was compiled, by cargo's identity of it.
    pub(super) compiled: BTreeMap<String, Compiled>,
    /// The answer of `cargo tree`: who needs whom.
    pub(super) tree: String,
}

/// The part of cargo's `compiler-artifact` message that matters.
#[derive(Deserialize)]
struct Artifact {
    reason: String,
    package_id: Option<String>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

impl Compilation<'_> {
    /// Builds, and asks for the graph as soon as cargo has everything that it needs from the network.
    ///
    /// # Errors
    /// [`BuildError`].
    pub(super) fn run(&self) -> Result<Compilate, BuildError> {
        let target_dir = self.target_dir();
        if self.plan.fresh && target_dir.exists() {
            std::fs::remove_dir_all(&target_dir).map_err(|source| FileError::Write {
                path: target_dir.clone(),
                source,
            })?;
        }
        let for_target = target_dir.join(&self.toolchain.target);
        let mut compiled: BTreeMap<String, Compiled> = BTreeMap::new();
        let tree = thread::scope(|scope| {
            let mut tree = None;
            let on_message = |line: &str| {
                let Ok(message) = serde_json::from_str::<Artifact>(line) else {
                    return;
                };
                let Some(id) = message.package_id.filter(|_| message.reason == "compiler-artifact") else {
                    return;
                };
                tree.get_or_insert_with(|| scope.spawn(|| self.tree()));
                let scope = if message.filenames.iter().any(|file| file.starts_with(&for_target)) {
                    Scope::Runtime
                } else {
                    Scope::Build
                };
                audit::note(&mut compiled, &id, scope);
                self.effects.emit(&Event::Progress {
                    stage: Stage::Build,
                    task: "crates".to_owned(),
                    done: compiled.len() as u64,
                    total: None,
                    unit: Unit::Items,
                });
            };
            let on_output = |line: &str| {
                self.effects.emit(&Event::Output {
                    stage: Stage::Build,
                    line: line.to_owned(),
                });
            };
            let built = self.build(&target_dir).lines(&self.effects.cancelled, on_message, on_output);
            let tree = tree.map(|tree| tree.join().unwrap_or_else(|_| unreachable!("asking cargo does not panic")));
            built.map_err(|error| self.failure(error))?;
            tree.unwrap_or_else(|| self.tree())
        })?;
        Ok(Compilate {
            executable: for_target.join("release").join(&self.project.bin),
            compiled,
            tree,
        })
    }

    /// Not the workspace's own: flags differ, and a developer's build must not throw this one away.
    pub(super) fn target_dir(&self) -> PathBuf {
        self.plan.work.join("cargo")
    }

    /// The arguments as they are shown in the image's history: without paths of this machine.
    pub(super) fn shown(&self) -> String {
        let mut words = vec![
            "cargo",
            "build",
            "--release",
            "--locked",
            "--package",
            &self.project.package,
            "--bin",
            &self.project.bin,
        ];
        words.extend(self.features.iter().map(String::as_str));
        words.extend(["--target", &self.toolchain.target]);
        words.join(" ")
    }

    fn build(&self, target_dir: &Path) -> Program {
        let epoch = self.plan.commit.as_ref().map_or(0, |commit| commit.time.as_second());
        let sha = self.plan.commit.as_ref().map_or("unknown", |commit| commit.sha.as_str());
        self.cargo("build")
            .args([
                "--release",
                "--message-format",
                "json-render-diagnostics",
                "--bin",
                &self.project.bin,
                "--target-dir",
            ])
            .args([target_dir])
            .env("CARGO_ENCODED_RUSTFLAGS", self.toolchain.flags(&self.project.workspace, target_dir))
            .env("CARGO_BUILD_BUILD_DIR", target_dir)
            .env("CARGO_INCREMENTAL", "0")
            .env("SOURCE_DATE_EPOCH", epoch.to_string())
            .env("PORTCULLIS_COMMIT", sha)
    }

    fn tree(&self) -> Result<String, BuildError> {
        let question = self
            .cargo("tree")
            .args(["--edges", "normal,build", "--prefix", "depth", "--format", "|{p}"]);
        let answer = question.stdout().map_err(|source| BuildError::Cargo {
            what: "the graph of dependencies",
            source,
        })?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    fn cargo(&self, verb: &str) -> Program {
        let offline = self.plan.offline.then_some("--offline");
        Program::new("cargo")
            .args([
                verb,
                "--locked",
                "--package",
                &self.project.package,
                "--target",
                &self.toolchain.target,
            ])
            .args(&self.features)
            .args(offline)
            .env("CARGO_TERM_COLOR", "never")
            .env("CARGO_TERM_PROGRESS_WHEN", "never")
            .current_dir(&self.plan.root)
    }

    /// Tells apart what a person would do something different about.
    fn failure(&self, error: ProcessError) -> BuildError {
        if self.effects.is_cancelled() {
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
            return BuildError::DiskFull {
                folder: self.plan.work.clone(),
            };
        }
        if says(&["--locked was passed", "--locked` was passed"]) {
            return BuildError::StaleLock { source: error };
        }
        if says(&["cannot find -lc:", "cannot find -lc\n", "attempted static link of dynamic object"]) {
            return BuildError::NoStaticLibc {
                musl: self.toolchain.target.replace("-gnu", "-musl"),
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
                offline: self.plan.offline,
            };
        }
        BuildError::Compile {
            package: self.project.package.clone(),
            tail,
        }
    }
}

/// What stands before the first error is progress.
fn from_first_error(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.iter().position(|line| line.starts_with("error")).unwrap_or(0);
    lines[first..].join("\n").trim_end().to_owned()
}
