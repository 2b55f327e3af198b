//! Our own copies of what a builder reads: the Dockerfile and its context.

use std::fs;
use std::path::{Path, PathBuf};

use super::context;
use super::epoch::epoch;
use crate::io::Effects;
use crate::io::files::{self, FileError};
use crate::io::hash::sha256;
use crate::model::digest::Digest;
use crate::model::dockerfile::{self, Dockerfile, Instruction, Mounts, parse, split_flags};
use crate::model::event::Stage;
use crate::model::excused::Excused as _;
use crate::model::plan::{BuildPlan, DockerfileBuild, DockerfileBuilder};
use crate::stage::build::{BuildError, DockerfileError};

pub(super) struct Sources {
    /// The Dockerfile. An empty ignore file of each kind lies beside it: what is to be ignored has not been copied.
    pub(super) dockerfile: PathBuf,
    /// The folder of the context.
    pub(super) context: PathBuf,
    /// Digest of the Dockerfile.
    pub(super) digest: Digest,
    /// Stages whose steps are done anew each time: they keep something from build to build, or see a secret; none for one without a name.
    pub(super) anew: Vec<Option<String>>,
    /// Images that the Dockerfile names, as written.
    pub(super) images: Vec<String>,
    /// True where a stage is built for a platform that the Dockerfile names.
    pub(super) names_platforms: bool,
    /// False where some of the Dockerfile is not understood, or another program reads it.
    pub(super) is_understood: bool,
}

impl Sources {
    /// Copies both into a folder, and tells how large the context is.
    ///
    /// # Errors
    /// [`DockerfileError::NoDockerfile`], [`BuildError::File`], [`BuildError::Interrupted`].
    pub(super) fn stage(
        plan: &BuildPlan,
        build: &DockerfileBuild,
        with: DockerfileBuilder,
        folder: &Path,
        effects: &Effects,
    ) -> Result<Self, BuildError> {
        let (from, root) = (plan.root.join(&build.dockerfile), plan.root.join(&build.context));
        let missing = |what, path: &Path| DockerfileError::NoDockerfile {
            what,
            path: path.to_owned(),
        };
        if from.symlink_metadata().is_err() {
            return Err(missing("Dockerfile", &from).into());
        }
        if !root.is_dir() {
            return Err(missing("folder for the build context", &root).into());
        }
        // Through a link, the builder's excerpts would show text that nobody committed.
        let text = files::read_document(&from, effects.limits.document)?;
        let name = from.file_name().unwrap_or_default();
        let (recipe, copy) = (folder.join("recipe"), folder.join("context"));
        let dockerfile = recipe.join(name);
        let mut ignore_name = name.to_owned();
        ignore_name.push(".dockerignore");
        files::write(&dockerfile, text.as_bytes())?;
        files::write(&recipe.join(&ignore_name), b"")?;
        files::write(&dockerfile.with_extension("ignore"), b"")?;

        let mut ignore_files = vec![from.with_file_name(&ignore_name)];
        if with == DockerfileBuilder::Buildah {
            ignore_files.push(root.join(".containerignore"));
        }
        ignore_files.push(root.join(".dockerignore"));
        let root = fs::canonicalize(&root).map_err(|source| FileError::Read {
            path: root.clone(),
            source,
        })?;
        let items = context::walk(&root, &ignore_files, &ours(plan, &root, folder), &effects.limits)?;
        let file = parse(&text);
        tell(&items, &file, effects);
        if let Some(name) = build.args.keys().find(|name| !takes(&file, name)) {
            let what = "`[build] args`: no ARG of the Dockerfile takes";
            effects.warn(
                Stage::Build,
                format!("{what} `{name}`, and it has no effect, unless an image that it is built from asks for it"),
            );
        }
        let mounts = dockerfile::mounts(&file);
        context::copy(&root, &items, &copy, time_of_files(&mounts, plan, effects), effects)?;
        let (images, problems) = dockerfile::images(&file, &build.args);
        let stages = file.instructions.iter().filter(|instruction| instruction.keyword == "FROM");
        let names_platforms = stages
            .map(|stage| split_flags(stage.arguments()))
            .any(|flags| flags.values("platform").next().is_some());
        Ok(Self {
            dockerfile,
            names_platforms,
            context: copy,
            digest: sha256(text.as_bytes()),
            anew: mounts.caches.into_iter().chain(mounts.secrets).collect(),
            images: images.into_iter().map(|image| image.name).collect(),
            is_understood: file.problems.is_empty() && problems.is_empty(),
        })
    }
}

/// The time that every file of the context has, in seconds since 1970: the commit's, so that what a step makes of it hangs on nothing else.
///
/// A cache mount keeps what an earlier build made, and what works in it (cargo, make) compares times: a commit may be older than that build, and
/// its changes would be passed over. So files are as new as in a fresh clone there, and where a step sees them without a `COPY`. It never reaches
/// the image: those times become the commit's.
fn time_of_files(mounts: &Mounts, plan: &BuildPlan, effects: &Effects) -> i64 {
    match mounts.binds || !mounts.caches.is_empty() {
        true => effects.clock.now().as_second(),
        false => epoch(plan),
    }
}

/// Our own folders, which never belong to a context: the results of the last run would change the image of this one.
fn ours(plan: &BuildPlan, root: &Path, folder: &Path) -> Vec<PathBuf> {
    let mut ours = vec![folder.to_owned(), plan.layout.clone(), plan.work.clone()];
    ours.extend(plan.ours.iter().filter(|ours| !root.starts_with(ours)).cloned());
    // The folder for results is where the layout lies, unless that is the source tree itself.
    let results = files::folder_of(&plan.layout).to_owned();
    ours.extend(Some(results).filter(|results| !root.starts_with(fs::canonicalize(results).unwrap_or_else(|_| results.clone()))));
    ours.iter()
        .filter_map(|path| fs::canonicalize(path).or_none("before there is such a folder, nothing can lie in it"))
        .collect()
}

fn tell(items: &[context::Item], file: &Dockerfile, effects: &Effects) {
    let bytes: u64 = items.iter().map(|item| item.size).sum();
    effects.note(Stage::Build, format!("context: {}, {} entries", megabytes(bytes), items.len()));
    if let Some(folders) = context::advice(items) {
        let named: Vec<String> = folders
            .iter()
            .map(|(name, bytes)| format!("{name} ({})", megabytes(*bytes)))
            .collect();
        let advice = "a build context of this size is slow to send: name what the image does not need in .dockerignore";
        effects.warn(Stage::Build, format!("{advice}. Largest folders: {}", named.join(", ")));
    }
    let has_git = items.iter().any(|item| item.path == ".git");
    if has_git && copies_everything(file) {
        let what = "the Dockerfile copies all of the context, and .git is in it: no two clones have the same; name .git in .dockerignore";
        effects.warn(Stage::Build, what);
    }
}

/// True for an argument that some `ARG` asks for, or that every builder knows. Source: Docker's Dockerfile reference, "Predefined ARGs".
fn takes(file: &Dockerfile, name: &str) -> bool {
    let asks = |instruction: &Instruction| {
        let words = instruction.arguments().split_whitespace();
        instruction.keyword == "ARG" && words.into_iter().any(|word| word.split('=').next() == Some(name))
    };
    let upper = name.to_ascii_uppercase();
    upper.ends_with("_PROXY") || upper.starts_with("BUILDKIT_") || file.instructions.iter().any(asks)
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// True where a `COPY` or an `ADD` takes the whole context.
fn copies_everything(file: &Dockerfile) -> bool {
    let copies = file.instructions.iter().filter(|i| matches!(i.keyword.as_str(), "COPY" | "ADD"));
    copies.into_iter().any(|instruction| {
        let flags = split_flags(instruction.arguments());
        let is_from_elsewhere = flags.values("from").next().is_some();
        let mut words: Vec<&str> = flags.rest.split_whitespace().collect();
        words.pop();
        !is_from_elsewhere && words.iter().any(|word| matches!(*word, "." | "./" | "/" | "*"))
    })
}
