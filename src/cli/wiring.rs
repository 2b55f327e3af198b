//! Arguments and configuration resolved into plans: nothing is left to look up after this.

mod rollout;

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::args::{Global, Judging};
use super::config::{self, Config};
use super::error::CliError;
use crate::gate::{BaselinePlan, BaselineSource, JudgingPlan, PolicySource};
use crate::io::{document, files, git, limits::Limits};
use crate::model::commit::Commit;
use crate::model::image_ref::ImageRef;
use crate::model::plan::{BuildPlan, Builder, CratesIndexPlace, Destination, FeedsPlan, KeySource, PublishPlan};
use crate::model::span::Span;

/// The public export that feeds come from unless configured otherwise.
pub(super) const DEFAULT_OSV: &str = "https://osv-vulnerabilities.storage.googleapis.com";
const CONFIG_FILE: &str = "portcullis.toml";
const WAIVER_FILE: &str = "policies/waivers.toml";
const DEFAULT_MAX_AGE: Duration = Duration::from_secs(24 * 3600);

/// A folder of work with its configuration, ready to make plans of.
#[derive(Debug, Clone)]
pub(super) struct Workspace {
    /// The folder that relative paths are relative to.
    pub root: PathBuf,
    /// Folder for results.
    pub output: PathBuf,
    /// The configuration; the defaults where there is no file.
    pub config: Config,
    offline: bool,
    cache: PathBuf,
    cargo_home: PathBuf,
}

/// Folders that the environment names.
#[derive(Debug, Clone)]
pub(super) struct UserFolders {
    /// For what can be made again: `$XDG_CACHE_HOME/portcullis`.
    pub cache: PathBuf,
    /// Cargo's home: `$CARGO_HOME`.
    pub cargo: PathBuf,
    /// For what must last: `$XDG_STATE_HOME/portcullis`.
    pub state: PathBuf,
}

impl Workspace {
    /// Reads the configuration of a folder.
    ///
    /// # Errors
    /// [`CliError`] when the folder is not there, a named configuration is not there, or the configuration is invalid.
    pub(super) fn open(global: &Global, folders: &UserFolders, limits: &Limits) -> Result<Self, CliError> {
        let directory = global.directory.canonicalize().map_err(|source| CliError::Directory {
            path: global.directory.clone(),
            source,
        })?;
        let named = global.config.as_ref().map(|path| directory.join(path));
        let path = named.clone().unwrap_or_else(|| directory.join(CONFIG_FILE));
        let configured = named.is_some() || path.is_file();
        let config = if configured {
            let text = files::read_text(&path, limits.document)?;
            document::parse(&shown(&path, &directory), &text)?
        } else {
            Config::default()
        };
        // Paths in a configuration are relative to the folder it lies in, so that `--config` works from anywhere.
        let root = match path.parent() {
            Some(parent) if configured => parent.canonicalize().unwrap_or_else(|_| parent.to_owned()),
            _ => directory.clone(),
        };
        let output = directory.join(global.output.clone().unwrap_or_else(|| PathBuf::from("target/portcullis")));
        Ok(Self {
            root,
            output,
            config,

            offline: global.offline,
            cache: folders.cache.clone(),
            cargo_home: folders.cargo.clone(),
        })
    }

    /// The service's name: configured, else the folder's.
    #[must_use]
    pub(super) fn service(&self) -> String {
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
    pub(super) fn commit(&self) -> Result<Option<Commit>, CliError> {
        Ok(git::commit(&self.root, std::slice::from_ref(&self.output))?)
    }

    /// When the folder's commit was made, where there is one.
    ///
    /// # Errors
    /// [`CliError::Git`].
    pub(super) fn commit_time(&self) -> Result<Option<jiff::Timestamp>, CliError> {
        Ok(git::commit_time(&self.root)?)
    }

    /// The folder of the image's OCI layout.
    #[must_use]
    pub(super) fn layout(&self) -> PathBuf {
        self.output.join("image")
    }

    /// The build's plan.
    ///
    /// # Errors
    /// [`CliError::Setting`] for a combination that means nothing.
    pub(super) fn build_plan(&self, commit: Option<Commit>) -> Result<BuildPlan, CliError> {
        let build = &self.config.build;
        let builder = match build.using {
            config::Using::Native => Builder::Native {
                package: build.package.clone().unwrap_or_else(|| self.service()),
                bin: build.bin.clone(),
                base: match build.base.as_deref() {
                    None | Some("scratch") => None,
                    Some(base) => Some(self.image_ref("build.base", base)?),
                },
                features: build.features.clone(),
                no_default_features: build.no_default_features,
            },
            config::Using::Image => {
                let image = build
                    .image
                    .as_deref()
                    .ok_or_else(|| CliError::setting("build.image", "`using = \"image\"` needs it: which image is to be judged?"))?;
                Builder::Image(self.image_ref("build.image", image)?)
            }
        };
        Ok(BuildPlan {
            service: self.service(),
            root: self.root.clone(),
            builder,
            port: build.port,
            commit,
            layout: self.layout(),
            work: self.output.join("work"),
            offline: self.offline,
        })
    }

    fn image_ref(&self, key: &'static str, text: &str) -> Result<ImageRef, CliError> {
        let parsed = super::args::image_ref(text).map_err(|problem| CliError::setting(key, problem.to_string()))?;
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

    /// The feeds' plan.
    ///
    /// # Errors
    /// [`CliError::Setting`] for an age that is none.
    pub(super) fn feeds_plan(&self, judging: &Judging) -> Result<FeedsPlan, CliError> {
        let feeds = &self.config.feeds;
        let max_age = match &judging.max_age {
            Some(text) => {
                Span::parse(text)
                    .map_err(|problem| CliError::setting("--max-age", problem.to_string()))?
                    .0
            }
            None => feeds.max_age.map_or(DEFAULT_MAX_AGE, |span| span.0),
        };
        let osv = match (&judging.osv, &feeds.osv) {
            (Some(flag), _) => flag.clone(),
            (None, Some(configured)) => self.source(configured),
            (None, None) => DEFAULT_OSV.to_owned(),
        };
        Ok(FeedsPlan {
            osv,
            rustsec: feeds.rustsec.as_deref().map(|source| self.source(source)),
            kev: feeds.kev.as_deref().map(|source| self.source(source)),
            epss: feeds.epss.as_deref().map(|source| self.source(source)),
            crates_index: self.crates_index()?,
            max_age,
            cache: self.cache.join("feeds"),
            offline: self.offline,
        })
    }

    fn crates_index(&self) -> Result<Option<CratesIndexPlace>, CliError> {
        Ok(match self.config.feeds.crates_index.as_deref() {
            None | Some("cargo") => Some(CratesIndexPlace::Cargo(self.cargo_home.join("registry/index"))),
            Some("off") => None,
            Some(url) if url.trim_start_matches("sparse+").starts_with("http") => Some(CratesIndexPlace::Sparse(url.to_owned())),
            Some(other) => {
                let problem = format!("`{other}` is neither `cargo`, `off` nor the URL of a sparse index");
                return Err(CliError::setting("feeds.crates_index", problem));
            }
        })
    }

    /// A URL as it is; a path relative to the configuration's folder.
    fn source(&self, text: &str) -> String {
        if text.contains("://") {
            text.to_owned()
        } else {
            self.root.join(text).display().to_string()
        }
    }

    /// What a verdict needs beside the inventory.
    ///
    /// # Errors
    /// [`CliError::Setting`] for an age that is none.
    pub(crate) fn judging_plan(&self, judging: &Judging) -> Result<JudgingPlan, CliError> {
        let feeds = &self.config.feeds;
        let sources = [&feeds.osv, &feeds.rustsec, &feeds.kev, &feeds.epss];
        Ok(JudgingPlan {
            feeds: self.feeds_plan(judging)?,
            written: sources
                .into_iter()
                .flatten()
                .map(|text| (self.source(text), text.clone()))
                .collect(),
            sources: Some(self.root.clone()),
            policy: self.policy(judging),
            waivers: self.waivers(judging),
            vex: self
                .config
                .policy
                .vex
                .iter()
                .map(|path| (self.root.join(path), path.display().to_string()))
                .collect(),
            baseline: match &judging.baseline {
                Some(text) => Some(BaselinePlan {
                    source: self.baseline(text, judging)?,
                    only_new: judging.only_new,
                }),
                None => None,
            },
        })
    }

    /// A file or folder that exists, else an image that carries its verdict.
    fn baseline(&self, text: &str, judging: &Judging) -> Result<BaselineSource, CliError> {
        let path = PathBuf::from(text);
        let is_image = text.contains("@sha256:") || ["registry:", "oci:"].iter().any(|scheme| text.starts_with(scheme));
        if path.exists() || !is_image {
            return Ok(BaselineSource::File(path));
        }
        let image = super::args::image_ref(text).map_err(|problem| CliError::setting("--baseline", problem.to_string()))?;
        let key = match &judging.baseline_key {
            Some(path) => Some(KeySource::File(path.clone())),
            None => self.key()?,
        };
        Ok(BaselineSource::Image {
            image,
            key: key.ok_or_else(|| CliError::Missing {
                problem: "no key to verify the baseline with".to_owned(),
                help: "name the public key with --baseline-key FILE, or configure [sign] key; a verdict that nobody signed is no baseline"
                    .to_owned(),
            })?,
            plain_http: self.config.image.plain_http,
        })
    }

    /// The policy document: named, configured, or the embedded default.
    fn policy(&self, judging: &Judging) -> PolicySource {
        match (&judging.policy, &self.config.policy.document) {
            (Some(named), _) if named.as_os_str() == "strict" && !named.exists() => PolicySource::Strict,
            (Some(named), _) => PolicySource::File(named.clone()),
            (None, Some(configured)) if configured.as_os_str() == "strict" => PolicySource::Strict,
            (None, Some(configured)) => PolicySource::File(self.root.join(configured)),
            (None, None) => PolicySource::Default,
        }
    }

    /// Where the waiver file is, if there is one.
    #[must_use]
    pub(crate) fn waivers_file(&self, judging: &Judging) -> Option<PathBuf> {
        self.waivers(judging).map(|(path, _)| path)
    }

    /// The waiver file: named, configured, or `policies/waivers.toml` where it exists; with its path in the repository.
    fn waivers(&self, judging: &Judging) -> Option<(PathBuf, String)> {
        let configured = || self.config.policy.waivers.as_ref().map(|path| self.root.join(path));
        let usual = || Some(self.root.join(WAIVER_FILE)).filter(|path| path.is_file());
        let path = judging.waivers.clone().or_else(configured).or_else(usual)?;
        let inside = path.strip_prefix(&self.root).unwrap_or(&path);
        let name = if inside.is_absolute() {
            Path::new(inside.file_name()?)
        } else {
            inside
        };
        Some((path.clone(), name.display().to_string()))
    }

    /// Publishing's plan.
    ///
    /// # Errors
    /// [`CliError::Setting`] for a destination, a tag or a key that is none.
    pub(super) fn publish_plan(&self, commit: Option<&Commit>, dry_run: bool) -> Result<PublishPlan, CliError> {
        Ok(PublishPlan {
            destination: self.destination()?,
            tags: self.tags(commit)?,
            key: self.key()?,
            service: self.service(),
            envelopes: Some(self.output.clone()),
            dry_run,
        })
    }

    /// Where the image goes.
    ///
    /// # Errors
    /// [`CliError::Setting`] for a repository with a tag or digest.
    pub(super) fn destination(&self) -> Result<Destination, CliError> {
        let image = &self.config.image;
        match image.repository.as_deref() {
            None => Ok(Destination::OciLayout(self.output.join("registry"))),
            Some(text) => match text.strip_prefix("oci:") {
                Some(dir) => Ok(Destination::OciLayout(self.root.join(dir))),
                None if text.contains('@') || text.rsplit('/').next().is_some_and(|name| name.contains(':')) || !text.contains('/') => {
                    Err(CliError::setting(
                        "image.repository",
                        format!("`{text}` is no repository: expected host/path without tag or digest, or oci:DIR"),
                    ))
                }
                None => Ok(Destination::Registry {
                    repository: text.to_owned(),
                    plain_http: image.plain_http,
                }),
            },
        }
    }

    fn tags(&self, commit: Option<&Commit>) -> Result<Vec<String>, CliError> {
        let default = vec!["{sha}".to_owned()];
        let mut tags = Vec::new();
        for template in self.config.image.tags.as_ref().unwrap_or(&default) {
            let Some(commit) = commit else { continue };
            if template.contains("{git-tag}") {
                tags.extend(commit.tags.iter().map(|tag| template.replace("{git-tag}", tag)));
                continue;
            }
            let tag = template
                .replace("{sha}", commit.sha.as_str())
                .replace("{short}", commit.sha.short());
            if tag.contains(['{', '}']) {
                let known = ["{sha}", "{short}", "{git-tag}"];
                return Err(CliError::setting(
                    "image.tags",
                    format!("`{template}` has an unknown field: known are {}", known.join(", ")),
                ));
            }
            tags.push(tag);
        }
        Ok(tags)
    }

    /// Where the signing key is.
    ///
    /// # Errors
    /// [`CliError::Setting`] for a key written into the configuration itself.
    pub(super) fn key(&self) -> Result<Option<KeySource>, CliError> {
        let Some(text) = self.config.sign.key.as_deref() else {
            return Ok(None);
        };
        if text.contains("PRIVATE KEY") {
            return Err(CliError::setting(
                "sign.key",
                "a key must not stand in the configuration: write env:NAME or a file",
            ));
        }
        Ok(Some(match text.split_once(':') {
            Some(("env", name)) => KeySource::Env(name.to_owned()),
            Some(("local", file)) => KeySource::Local(self.root.join(file)),
            _ if text == "keyless" => {
                return Err(CliError::setting(
                    "sign.key",
                    "keyless signing is not available: write env:NAME or a file",
                ));
            }
            _ => KeySource::File(self.root.join(text)),
        }))
    }
}

fn shown(path: &Path, directory: &Path) -> PathBuf {
    path.strip_prefix(directory).unwrap_or(path).to_owned()
}
