//! Everything that can be wrong before anything is compiled.

use std::collections::BTreeMap;

use super::compile::linker_path;
use super::configurations::Configurations;
use super::files;
use super::named::{self, Content};
use super::placement::Placement;
use super::project::Project;
use super::rootfs;
use super::target::Target;
use super::targets;
use super::toolchain::Toolchain;
use super::tooling::Tree;
use crate::io::Effects;
use crate::io::environment;
use crate::io::process::{ProcessError, Program};
use crate::model::event::Stage;
use crate::model::excused::Excused as _;
use crate::model::plan::{BuildPlan, CargoCommand, Link, NativeBuild};
use crate::stage::build::{BuildError, NativeError};

/// What a build rests on.
pub(super) struct Prepared {
    pub(super) tree: Tree,
    pub(super) configurations: Configurations,
    pub(super) project: Project,
    pub(super) toolchain: Toolchain,
    pub(super) targets: Vec<Target>,
    pub(super) placement: Placement,
    /// Programs beside rustc that have a part in what comes out, and their versions.
    pub(super) tools: BTreeMap<String, String>,
}

/// Looks at the project, the compiler, what links, and what else is to lie in the image.
///
/// # Errors
/// [`BuildError`]; nothing was compiled or written.
pub(super) fn prepare(plan: &BuildPlan, build: &NativeBuild, effects: &Effects) -> Result<Prepared, BuildError> {
    if plan.commit.is_none() {
        effects.warn(
            Stage::Build,
            "no git commit here: the image's date is 1970-01-01, and it names no revision",
        );
    }
    if build.link == Link::Dynamic && build.base.is_none() {
        return Err(NativeError::NeedsBase.into());
    }
    let configurations = Configurations::of(&plan.root, &effects.limits)?;
    let tree = Tree::of(&plan.root)?;
    tree.chooses_nothing(build, &configurations, &effects.limits)?;
    let (project, toolchain) = std::thread::scope(|scope| {
        let toolchain = scope.spawn(|| Toolchain::of(&plan.root));
        let project = Project::find(&plan.root, build, &effects.limits)?;
        let toolchain = toolchain.join().unwrap_or_else(|_| unreachable!("asking rustc does not panic"))?;
        Ok::<_, BuildError>((project, toolchain))
    })?;
    let targets = targets::choose(build, &toolchain, &plan.root)?;
    tree.links_nothing(build, &configurations, &targets, &toolchain.host)?;
    targets
        .iter()
        .try_for_each(|target| has_a_linker(target, build, &toolchain, &configurations))?;
    let placement = files::collect(plan, build, effects)?;
    placement.leaves_room_for(project.programs().map(|program| format!("app/{program}")))?;
    if build.base.is_none() {
        let content = Content {
            below: &rootfs::tree(),
            placement: &placement,
            programs: project.programs().map(String::as_str).collect(),
            path: None,
        };
        content.has_what_checks(&build.image)?;
        named::knows_the_user(&build.image, &placement, None)?;
    }
    if placement.of_the_ignored {
        effects.warn(
            Stage::Build,
            "files that git ignores go into the image: no commit says what is in them",
        );
    }
    let is_clean = plan.commit.as_ref().is_some_and(|commit| !commit.dirty);
    if let Some(path) = placement.differs.as_ref().filter(|_| is_clean) {
        let what = "does not lie here with the bytes that git keeps (line ends, keywords, files kept elsewhere): the image is not called reproducible";
        effects.warn(Stage::Build, format!("{} {what}", path.display()));
    }
    Ok(Prepared {
        tools: tools(plan, build, &targets)?,
        tree,
        configurations,
        project,
        toolchain,
        targets,
        placement,
    })
}

/// Refuses a target of another machine that nothing was named for: what links for this one would be tried after everything was compiled.
fn has_a_linker(target: &Target, build: &NativeBuild, toolchain: &Toolchain, configurations: &Configurations) -> Result<(), NativeError> {
    let machine = |triple: &str| triple.split('-').next().map(str::to_owned);
    let is_named = build.cargo == CargoCommand::Zigbuild
        || target.linker(build).is_some()
        || configurations.name_a_linker(&target.triple)
        || environment::variable(&target.linker_variable()).is_some();
    if is_named || machine(&target.triple) == machine(&toolchain.host) {
        return Ok(());
    }
    let compiler = target.triple.replace("-unknown", "").replace("-musl", "-gnu");
    Err(NativeError::Target {
        target: target.asked.clone(),
        reason: format!("this machine is {}, and nothing was named that links for another", toolchain.host),
        help: format!(
            "set `[build] cargo = \"zigbuild\"`, or `linker = \"{compiler}-gcc\"` (Debian: `apt install gcc-{}`)",
            compiler.replace('_', "-")
        ),
    })
}

/// Asks what links for its version: one that is not there is told before anything is compiled.
fn tools(plan: &BuildPlan, build: &NativeBuild, targets: &[Target]) -> Result<BTreeMap<String, String>, BuildError> {
    let mut tools = BTreeMap::new();
    if build.cargo == CargoCommand::Zigbuild {
        let asked = Program::new("cargo").args(["zigbuild", "--help"]).current_dir(&plan.root).stdout();
        asked.map_err(|source| NativeError::NoZigbuild { source })?;
        // cargo finds them in its own folder, too: then their versions are not told.
        for (name, arguments) in [
            ("cargo-zigbuild", &["--version"][..]),
            ("zig cc", &["zig", "cc", "--", "--version"]),
        ] {
            let said = Program::new("cargo-zigbuild").args(arguments).current_dir(&plan.root).stdout();
            let said = said.or_none("what is not on the PATH tells no version; the build says what it cannot do");
            tools.extend(said.and_then(|said| version(name, &said)));
        }
    }
    for target in targets {
        let Some(linker) = target.linker(build) else { continue };
        let path = linker_path(&plan.root, linker);
        let asked = Program::new(&path.to_string_lossy())
            .args(["--version"])
            .current_dir(&plan.root)
            .stdout();
        match asked {
            Ok(said) => tools.extend(version(&format!("linker for {}", target.asked), &said)),
            // Not every linker knows the question.
            Err(ProcessError::Failed { .. }) => {}
            Err(source @ ProcessError::Start { .. }) => {
                return Err(NativeError::NoLinker {
                    linker: linker.to_owned(),
                    target: target.triple.clone(),
                    source,
                }
                .into());
            }
        }
    }
    Ok(tools)
}

/// The first line of what a program says of itself.
fn version(name: &str, said: &[u8]) -> Option<(String, String)> {
    let said = std::str::from_utf8(said).or_none("no text: it is not told")?;
    let line = said.lines().next()?.trim();
    (!line.is_empty()).then(|| (name.to_owned(), line.to_owned()))
}
