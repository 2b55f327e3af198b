//! The folder of a service, with its configuration and its commit.

use std::path::{Component, Path, PathBuf};

use crate::cli::args::Global;
use crate::cli::ci;
use crate::cli::config::Config;
use crate::cli::error::CliError;
use crate::cli::folders;
use crate::cli::results::DEFAULT_OUTPUT;
use crate::io::document::{self, DocumentError};
use crate::io::files::{self, FileError};
use crate::io::{git, limits::Limits};
use crate::model::commit::Commit;
use crate::model::excused::Excused as _;
use crate::model::image_ref::ImageRef;
use crate::model::plan::BuildPlan;

pub(in crate::cli) const CONFIG_FILE: &str = "portcullis.toml";

/// A folder of work with its configuration, ready to make plans of.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Workspace {
    /// The folder that relative paths are relative to.
    pub root: PathBuf,
    pub output: PathBuf,
    /// The folder that is judged, without links.
    pub(super) directory: PathBuf,
    /// Where the program was started, without links: `-C` may lead below it.
    pub(super) started: PathBuf,
    /// The configuration; the defaults where there is no file.
    pub config: Config,
    /// The commit that the event of a workflow compares with, where there is one.
    pub(in crate::cli) base: Option<String>,
    pub(in crate::cli) offline: bool,
    pub(super) cache: PathBuf,
    pub(super) cargo_home: PathBuf,
    pub(super) npm_cache: PathBuf,
}

/// Folders that the environment names.
#[derive(Debug, Clone)]
pub(in crate::cli) struct UserFolders {
    /// For what can be made again: `$XDG_CACHE_HOME/portcullis`.
    pub cache: PathBuf,
    /// Cargo's home: `$CARGO_HOME`.
    pub cargo: PathBuf,
    /// npm's cache: `$npm_config_cache`.
    pub npm: PathBuf,
    /// For what must last: `$XDG_STATE_HOME/portcullis`.
    pub state: PathBuf,
}

impl Workspace {
    /// Reads the configuration of a folder.
    ///
    /// # Errors
    /// [`CliError`] when the folder is not there, a named configuration is not there, or the configuration is invalid.
    pub(in crate::cli) fn open(global: &Global, folders: &UserFolders, limits: &Limits) -> Result<Self, CliError> {
        let directory = global.directory.canonicalize().map_err(|source| CliError::Directory {
            path: global.directory.clone(),
            source,
        })?;
        let named = global.config.as_ref().map(|path| directory.join(path));
        let path = named.clone().unwrap_or_else(|| directory.join(CONFIG_FILE));
        // A link that leads nowhere is there: it is refused below, and does not stand for the defaults.
        let configured = named.is_some() || path.symlink_metadata().is_ok();
        if named.is_some() && !path.exists() {
            return Err(CliError::Missing {
                problem: format!("there is no configuration {}", path.display()),
                help: "name one that is there with --config, or let the verb `init` write one".to_owned(),
            });
        }
        // What is judged lies beside the configuration.
        if let Some(named) = &named {
            folders::of_the_commit(named, "--config")?;
        }
        let config = if configured {
            let text = files::read_document(&path, limits.document)?;
            document::parse(&shown(&path, &directory), &text).map_err(DocumentError::without_values)?
        } else {
            Config::default()
        };
        // Paths in a configuration are relative to the folder it lies in, so that `--config` works from anywhere.
        let root = match path.parent() {
            Some(parent) if configured => parent.canonicalize().unwrap_or_else(|_| parent.to_owned()),
            _ => directory.clone(),
        };
        let output = directory.join(global.output.clone().unwrap_or_else(|| DEFAULT_OUTPUT.into()));
        // A commit may bring a link wherever its checkout reaches, also above the service's folder.
        let checkout = directory.ancestors().find(|folder| folder.join(".git").symlink_metadata().is_ok());
        // Which links are the commit's is git's to say; without it, each that lies where a CI put the commit. Where it does not answer (a checkout of
        // another user's, in a container of the job's), that is told by what needs the commit.
        let mut jobs = ci::checkouts();
        if !jobs.is_empty() && matches!(git::top_level(&directory), Ok(Some(_))) {
            jobs.clear();
        }
        let projects: Vec<&Path> = [directory.as_path()]
            .into_iter()
            .chain(checkout)
            .chain(jobs.iter().map(PathBuf::as_path))
            .collect();
        folders::inside(&projects, &output)?;
        // The service may be judged from elsewhere: then its checkout is none of these.
        if let Some(link) = folders::link_out_of_its_checkout(&output) {
            let target = link.canonicalize().or_empty("it led out of the checkout just now");
            return Err(CliError::OutputElsewhere { link, target });
        }
        let started = global.started.as_ref().map(|started| started.canonicalize());
        Ok(Self {
            started: started
                .transpose()
                .or_none("the folder that we came from is gone")
                .flatten()
                .unwrap_or_else(|| directory.clone()),
            directory,
            root,
            output,
            config,
            base: None,
            offline: global.offline,
            cache: folders.cache.clone(),
            cargo_home: folders.cargo.clone(),
            npm_cache: folders.npm.clone(),
        })
    }

    /// The service's name: configured, else the folder's.
    #[must_use]
    pub(in crate::cli) fn service(&self) -> String {
        let folder = || {
            self.root
                .file_name()
                .map_or_else(|| "service".to_owned(), |name| name.to_string_lossy().into_owned())
        };
        self.config.service.name.clone().unwrap_or_else(folder)
    }

    /// What git says of the folder; the gate's own output does not make it dirty.
    ///
    /// # Errors
    /// [`CliError::Git`].
    pub(in crate::cli) fn commit(&self) -> Result<Option<Commit>, CliError> {
        Ok(git::commit(&self.root, std::slice::from_ref(&self.output))?)
    }

    /// True where nothing but files that ignore files of the user's own hide from `git status` makes the tree dirty.
    ///
    /// # Errors
    /// [`CliError::Git`].
    pub(in crate::cli) fn has_hidden_files_alone(&self) -> Result<bool, CliError> {
        Ok(git::has_hidden_files_alone(&self.root, std::slice::from_ref(&self.output))?)
    }

    /// When the folder's commit was made, where there is one.
    ///
    /// # Errors
    /// [`CliError::Git`].
    pub(in crate::cli) fn commit_time(&self) -> Result<Option<jiff::Timestamp>, CliError> {
        Ok(git::commit_time(&self.root)?)
    }

    /// The folder of the image's OCI layout.
    #[must_use]
    pub(in crate::cli) fn layout(&self) -> PathBuf {
        self.output.join("image")
    }

    /// The build's plan.
    ///
    /// # Errors
    /// [`CliError::Setting`] for a combination that means nothing.
    pub(in crate::cli) fn build_plan(&self, commit: Option<Commit>) -> Result<BuildPlan, CliError> {
        let builder = self.builder(commit.as_ref())?;
        Ok(BuildPlan {
            service: self.service(),
            root: self.root.clone(),
            builder,
            port: self.config.build.port,
            commit,
            layout: self.layout(),
            ours: self.ours(),
            work: self.output.join("work"),
            offline: self.offline,
            fresh: false,
            twice: false,
        })
    }

    /// Where the gate itself writes, as far as the configuration says.
    fn ours(&self) -> Vec<PathBuf> {
        let Config { image, sign, rollout, .. } = &self.config;
        let layouts = image
            .repository
            .iter()
            .chain(&image.also)
            .filter_map(|place| place.strip_prefix("oci:"));
        let file = |key: &'_ String| match key.strip_prefix("local:") {
            Some(key) => Some(PathBuf::from(key)),
            None => (key != "keyless" && !key.starts_with("env:")).then(|| PathBuf::from(key)),
        };
        let key = sign.key.iter().filter_map(file).flat_map(|key| [key.with_extension("pub"), key]);
        let state = rollout.iter().filter_map(|rollout| rollout.state.clone());
        let own = layouts.map(PathBuf::from).chain(key).chain(state);
        std::iter::once(self.output.clone())
            .chain(own.map(|path| self.root.join(path)))
            .collect()
    }

    /// Refuses a path of the configuration that leads out of the checkout, by `..`, from the root or through a link: what stands there was not
    /// reviewed with the commit, and a message about it would quote it.
    ///
    /// # Errors
    /// [`CliError::Setting`].
    pub(super) fn within(&self, key: &'static str, path: &Path) -> Result<(), CliError> {
        let failed = |source| {
            CliError::File(FileError::Read {
                path: self.root.clone(),
                source,
            })
        };
        // One that is not there is told when it is needed.
        let Ok(whole) = self.root.join(path).canonicalize() else {
            return Ok(());
        };
        let root = self.root.canonicalize().map_err(failed)?;
        if whole.starts_with(&root) {
            return Ok(());
        }
        let bound = git::top_level(&self.root)?.unwrap_or(root);
        if whole.starts_with(&bound) {
            return Ok(());
        }
        let problem = format!("it leads to {}, which is outside of {}", whole.display(), bound.display());
        Err(CliError::setting(key, problem))
    }

    /// The whole path of one that a rollout uses. One that is written as lying in the project and leads out of it through a link is refused: what is
    /// used then was not reviewed with the commit, and nobody sees it in the configuration. One that is written as lying
    /// elsewhere says openly where it leads.
    ///
    /// # Errors
    /// [`CliError::Setting`].
    pub(super) fn used(&self, key: &'static str, path: &Path) -> Result<PathBuf, CliError> {
        let whole = self.root.join(path);
        let is_open = !as_written(&whole).starts_with(as_written(&self.root));
        let there = whole.ancestors().find(|above| above.symlink_metadata().is_ok());
        let Some(there) = there.filter(|_| !is_open) else {
            return Ok(whole);
        };
        let Ok(leads_to) = there.canonicalize() else {
            let problem = format!("{} is a link that leads nowhere", there.display());
            return Err(CliError::setting(key, problem));
        };
        match self.within(key, &leads_to) {
            Ok(()) => Ok(whole),
            Err(CliError::Setting { problem, .. }) => {
                let problem = format!("{} is reached through a link: {problem}; write the path itself", path.display());
                Err(CliError::setting(key, problem))
            }
            Err(other) => Err(other),
        }
    }

    pub(in crate::cli) fn image_ref(&self, key: &'static str, text: &str) -> Result<ImageRef, CliError> {
        let parsed = super::super::args::image_ref(text).map_err(|problem| CliError::setting(key, problem.to_string()))?;
        Ok(match parsed {
            ImageRef::OciLayout { dir, tag, digest } => ImageRef::OciLayout {
                dir: self.root.join(dir),
                tag,
                digest,
            },
            ImageRef::OciArchive(file) => ImageRef::OciArchive(self.root.join(file)),
            ImageRef::DockerArchive(file) => ImageRef::DockerArchive(self.root.join(file)),
            ImageRef::RootFs(dir) => ImageRef::RootFs(self.root.join(dir)),
            other => other,
        })
    }
}

/// A path without `.` and `..`, as one who reads it takes it: links are not followed.
fn as_written(path: &Path) -> PathBuf {
    let mut written = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(written.components().next_back(), Some(Component::Normal(_))) => {
                written.pop();
            }
            other => written.push(other),
        }
    }
    written
}

pub(super) fn shown(path: &Path, directory: &Path) -> PathBuf {
    path.strip_prefix(directory).unwrap_or(path).to_owned()
}
