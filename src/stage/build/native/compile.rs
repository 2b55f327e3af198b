//! Running cargo: the build itself and the graph of what it linked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, MetadataCommand};
use serde::Deserialize;

use super::compiled::{self, Compiled};
use super::dep_info::read_for;
use super::failure::{self, Attempt};
use super::graph::Graph;
use super::lines::Contents;
use super::linked_in::LinkedIn;
use super::project::{Project, Selected};
use super::target::Target;
use super::toolchain::{self, Toolchain};
use super::units::{Read, Units};
use crate::io::Effects;
use crate::io::environment;
use crate::io::process::Program;
use crate::model::event::{Event, Stage, Unit};
use crate::model::inventory::Scope;
use crate::model::plan::{BuildPlan, CargoCommand, NativeBuild};
use crate::model::visible::shortened;
use crate::stage::build::{BuildError, NativeError};

/// So many characters of a line that is none of cargo's are told.
const SHOWN: usize = 120;

/// What is compiled, and how: the programs of one package for one target.
#[derive(Clone, Copy)]
pub(super) struct Compilation<'a> {
    pub(super) plan: &'a BuildPlan,
    pub(super) build: &'a NativeBuild,
    pub(super) project: &'a Project,
    pub(super) package: &'a Selected,
    pub(super) toolchain: &'a Toolchain,
    pub(super) target: &'a Target,
    pub(super) effects: &'a Effects,
}

pub(super) struct Compilate {
    /// By the name of the program.
    pub(super) executables: Vec<(String, PathBuf)>,
    /// Every package that was compiled, by cargo's identity of it.
    pub(super) compiled: BTreeMap<String, Compiled>,
    /// What went into the programs; none where cargo does not say.
    pub(super) read: Option<Read>,
    /// Packages whose build script had a library linked, by the same.
    foreign: BTreeSet<String>,
    /// The graph as it was before anything was compiled: who needs whom.
    pub(super) graph: Graph,
}

impl Compilate {
    /// What was compiled for the program itself, and what of it brings code that is not Rust's.
    ///
    /// # Errors
    /// [`BuildError::Answer`].
    pub(super) fn contents(&self) -> Result<Contents, BuildError> {
        let release = |id: &String| compiled::parse_id(id).map(|(name, version, _)| (name, version.to_string()));
        let linked = self.compiled.iter().filter(|(_, compiled)| compiled.scope == Scope::Runtime);
        Ok(Contents {
            compiled: linked.map(|(id, _)| release(id)).collect::<Result<_, _>>()?,
            foreign: self.foreign.iter().map(release).collect::<Result<_, _>>()?,
        })
    }
}

/// The part of cargo's messages `compiler-artifact` and `build-script-executed` that matters.
#[derive(Deserialize)]
struct Message {
    reason: String,
    package_id: Option<String>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
    #[serde(default)]
    linked_libs: Vec<String>,
    #[serde(default)]
    linked_paths: Vec<String>,
    out_dir: Option<PathBuf>,
}

impl Compilation<'_> {
    /// Builds. What is compiled may write into cargo's messages: a line that
    /// is none of them ends the build, and what the graph has and they do not name is compiled all the same.
    ///
    /// # Errors
    /// [`BuildError`].
    pub(super) fn run(&self, graph: Graph) -> Result<Compilate, BuildError> {
        let target_dir = target_dir(self.plan);
        let for_target = target_dir.join(&self.target.triple);
        let mut compiled: BTreeMap<String, Compiled> = BTreeMap::new();
        compiled::note(&mut compiled, &self.package.id, Scope::Runtime);
        let mut foreign: BTreeSet<String> = BTreeSet::new();
        let mut linked = LinkedIn::in_folder(&self.project.workspace);
        let mut units = Units::default();
        let mut odd: Option<String> = None;
        let on_message = |line: &str| {
            let Ok(message) = serde_json::from_str::<Message>(line) else {
                if !line.is_empty() {
                    odd.get_or_insert_with(|| shortened(line, SHOWN));
                }
                return;
            };
            let Some(id) = message.package_id else { return };
            match message.reason.as_str() {
                "compiler-artifact" => {}
                "build-script-executed" => {
                    linked.add(&message.linked_libs, &message.linked_paths);
                    units.add_script(&id, message.out_dir);
                    if !message.linked_libs.is_empty() || !message.linked_paths.is_empty() {
                        foreign.insert(id);
                    }
                    return;
                }
                _ => return,
            }
            let scope = if message.filenames.iter().any(|file| file.starts_with(&for_target)) {
                Scope::Runtime
            } else {
                Scope::Build
            };
            compiled::note(&mut compiled, &id, scope);
            units.add(message.filenames);
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
        built.map_err(|error| failure::of(&self.attempt(), error))?;
        if let Some(line) = odd {
            return Err(NativeError::Disturbed { line }.into());
        }
        for package in graph.complete(&mut compiled)? {
            let what = "is in what is built by cargo's graph, and cargo's messages do not name it: it is in the list of crates";
            self.effects.warn(Stage::Build, format!("{package} {what}"));
        }
        let folder = for_target.join(self.profile_folder());
        let executables: Vec<(String, PathBuf)> = self.package.bins.iter().map(|bin| (bin.clone(), folder.join(bin))).collect();
        let read = executables.iter().map(|(_, path)| read_for(path, &self.effects.limits));
        let read: Option<Vec<Vec<PathBuf>>> = read.collect();
        let of_units = units.read(&self.project.workspace, &self.effects.limits);
        let read = read.zip(of_units).map(|(read, mut of_units)| {
            of_units.compiled.extend(read.into_iter().flatten());
            of_units.linked.extend(linked);
            of_units
        });
        Ok(Compilate {
            executables,
            read,
            compiled,
            foreign,
            graph,
        })
    }

    fn attempt(&self) -> Attempt<'_> {
        Attempt {
            plan: self.plan,
            workspace: &self.project.workspace,
            package: &self.package.name,
            profile: self.build.profile.as_deref(),
            target: &self.target.triple,
            host: &self.toolchain.host,
            command: self.shown(),
            effects: self.effects,
        }
    }

    /// The arguments as they are shown in the image's history: without paths of this machine.
    pub(super) fn shown(&self) -> String {
        let mut words = vec!["cargo".to_owned(), self.verb().to_owned()];
        words.extend(self.profile());
        words.extend(["--locked", "--package", &self.package.name].map(str::to_owned));
        words.extend(self.bins());
        words.extend(self.features());
        words.extend(["--target", &self.target.asked].map(str::to_owned));
        words.join(" ")
    }

    fn verb(&self) -> &'static str {
        match self.build.cargo {
            CargoCommand::Build => "build",
            CargoCommand::Zigbuild => "zigbuild",
        }
    }

    fn profile(&self) -> Vec<String> {
        match self.build.profile.as_deref() {
            None | Some("release") => vec!["--release".to_owned()],
            Some(name) => vec!["--profile".to_owned(), name.to_owned()],
        }
    }

    /// Source: cargo's reference, "Profiles" and "Build cache".
    fn profile_folder(&self) -> &str {
        match self.build.profile.as_deref() {
            None | Some("release" | "bench") => "release",
            Some("dev" | "test") => "debug",
            Some(name) => name,
        }
    }

    fn bins(&self) -> impl Iterator<Item = String> {
        self.package.bins.iter().flat_map(|bin| ["--bin".to_owned(), bin.clone()])
    }

    /// Features that are written without a package, or with one that none of the programs is of (a dependency), are for the package of the
    /// build; `member/feature` is for a member whose program is built.
    fn features(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        if self.build.no_default_features {
            arguments.push("--no-default-features".to_owned());
        }
        let of_member = |feature: &str| {
            let (member, feature) = feature.split_once('/')?;
            let is_built = self.project.packages.iter().any(|package| package.name == member);
            is_built.then(|| (member.to_owned(), feature.to_owned()))
        };
        let wanted = |feature: &String| match of_member(feature) {
            Some((member, feature)) => (member == self.package.name).then_some(feature),
            None => (self.package.name == self.build.package).then(|| feature.clone()),
        };
        let features: Vec<String> = self.build.features.iter().filter_map(wanted).collect();
        if !features.is_empty() {
            arguments.extend(["--features".to_owned(), features.join(",")]);
        }
        arguments
    }

    fn build(&self, target_dir: &Path) -> Program {
        let program = self
            .cargo(self.verb(), &self.target.asked)
            .args(self.profile())
            .args(["--message-format", "json-render-diagnostics"])
            .args(self.bins())
            .args(["--target-dir"])
            .args([target_dir]);
        self.seeing(program, target_dir)
    }

    /// What cargo and all that it starts see beside the files. The graph hangs on it too: flags decide which `cfg` of a manifest hold.
    fn seeing(&self, mut program: Program, target_dir: &Path) -> Program {
        let epoch = self.plan.commit.as_ref().map_or(0, |commit| commit.time.as_second());
        let sha = self.plan.commit.as_ref().map_or("unknown", |commit| commit.sha.as_str());
        let flags = self.toolchain.flags(self.build, self.target, &self.project.workspace, target_dir);
        for name in &self.build.pass_env {
            if let Some(value) = environment::variable(name) {
                program = program.env(name, value);
            }
        }
        for (name, value) in &self.build.env {
            program = program.env(name, value);
        }
        if let Some(linker) = self.target.linker(self.build) {
            program = program.env(&self.target.linker_variable(), linker_path(&self.plan.root, linker));
        }
        program
            .env("CARGO_ENCODED_RUSTFLAGS", flags)
            .env("CARGO_BUILD_BUILD_DIR", target_dir)
            // What cargo writes of the files that were read is whole paths, whatever a configuration says.
            .env("CARGO_BUILD_DEP_INFO_BASEDIR", target_dir)
            .env("CARGO_INCREMENTAL", "0")
            .env("SOURCE_DATE_EPOCH", epoch.to_string())
            .env("PORTCULLIS_COMMIT", sha)
    }

    /// Asks for the graph: to be done while nothing that is judged has run. The first question may use the network; the second finds everything
    /// there.
    ///
    /// # Errors
    /// [`BuildError`], as for the build itself.
    pub(super) fn graph(&self) -> Result<Graph, BuildError> {
        let all = self.tree("normal,build")?;
        let runtime = self.tree("normal,no-proc-macro")?;
        Graph::read(&all, &runtime)
    }

    fn tree(&self, edges: &str) -> Result<String, BuildError> {
        let question = self
            .cargo("tree", &self.target.triple)
            .args(["--edges", edges, "--prefix", "depth", "--format", "|{p}"]);
        let question = self.seeing(question, &target_dir(self.plan));
        let answer = question.stdout().map_err(|error| failure::of(&self.attempt(), error))?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    /// Asks for every package of the lock file, built or not.
    ///
    /// # Errors
    /// [`BuildError`], as for the build itself.
    pub(super) fn packages(&self) -> Result<Metadata, BuildError> {
        let question = of_no_other_compiler(Program::new("cargo"))
            .args(["metadata", "--locked", "--format-version", "1"])
            .args(self.plan.offline.then_some("--offline"))
            .env("CARGO_TERM_COLOR", "never")
            .current_dir(&self.plan.root);
        let answer = question.stdout().map_err(|error| failure::of(&self.attempt(), error))?;
        MetadataCommand::parse(String::from_utf8_lossy(&answer)).map_err(|error| BuildError::Answer {
            what: "cargo metadata",
            detail: error.to_string(),
        })
    }

    fn cargo(&self, verb: &str, target: &str) -> Program {
        let offline = self.plan.offline.then_some("--offline");
        of_no_other_compiler(Program::new("cargo"))
            .args([verb, "--locked", "--package", &self.package.name, "--target", target])
            .args(self.features())
            .args(offline)
            .env("CARGO_TERM_COLOR", "never")
            .env("CARGO_TERM_PROGRESS_WHEN", "never")
            .current_dir(&self.plan.root)
    }
}

/// The compiler is the one that was asked what it is, and nothing of the tree stands before it: a configuration of the commit's could name a program
/// of the commit's, which would run before the graph is known, and compile what it likes. A wrapper of the environment is the operator's.
fn of_no_other_compiler(program: Program) -> Program {
    let wrappers = ["RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER"];
    let unset = wrappers.into_iter().filter(|name| environment::variable(name).is_none());
    unset.fold(program.env("RUSTC", toolchain::program()), |program, name| program.env(name, ""))
}

/// Where cargo builds: not the workspace's own folder. Flags differ, and a developer's build must not throw this one away. What is in no commit has a
/// folder of its own: what it runs can write there, and a commit is not built upon it.
pub(super) fn target_dir(plan: &BuildPlan) -> PathBuf {
    let is_committed = plan.commit.as_ref().is_some_and(|commit| !commit.dirty);
    plan.work.join(if is_committed { "cargo" } else { "cargo-uncommitted" })
}

/// A linker that is named by a path lies where the configuration says; one that is a name is looked for by whoever starts it.
pub(super) fn linker_path(root: &Path, linker: &str) -> PathBuf {
    match linker.contains('/') {
        true => root.join(linker),
        false => PathBuf::from(linker),
    }
}
