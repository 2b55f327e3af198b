//! What a verdict is computed with: feeds, policy, waivers, baseline.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Workspace;
use crate::cli::args::{self, Judging};
use crate::cli::ci;
use crate::cli::error::CliError;
use crate::gate::{BaselinePlan, BaselineSource, JudgingPlan, PolicySource};
use crate::io::{git, links};
use crate::model::digest::Digest;
use crate::model::human_duration::HumanDuration;
use crate::model::image_ref::{ImageRef, is_reference};
use crate::model::plan::{CratesIndexSource, FeedsPlan, KeySource, NpmRegistrySource};

/// The public export that feeds come from unless configured otherwise.
const DEFAULT_OSV: &str = "https://osv-vulnerabilities.storage.googleapis.com";
/// Where waivers lie if nothing else is configured.
pub(in crate::cli) const WAIVER_FILE: &str = "policies/waivers.toml";
/// Stands for the commit that an event compares with.
const BASE: &str = "{base}";
const DEFAULT_MAX_AGE: Duration = Duration::from_secs(24 * 3600);

/// A registry that is asked for the times of releases.
fn registry(key: &'static str, configured: Option<&str>) -> Result<Option<String>, CliError> {
    match configured {
        Some(url) if !["https://", "http://"].iter().any(|scheme| url.starts_with(scheme)) => {
            let problem = format!("`{url}` is not the URL of a registry, `https://HOST/…`");
            Err(CliError::setting(key, problem))
        }
        configured => Ok(configured.map(str::to_owned)),
    }
}

impl Workspace {
    /// The feeds' plan.
    ///
    /// # Errors
    /// [`CliError::Setting`] for an invalid age.
    pub(in crate::cli) fn feeds_plan(&self, judging: &Judging) -> Result<FeedsPlan, CliError> {
        let feeds = &self.config.feeds;
        let max_age = match &judging.max_age {
            Some(text) => {
                HumanDuration::parse(text)
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
            npm_registry: self.npm_registry()?,
            pypi_index: registry("feeds.pypi_index", feeds.pypi_index.as_deref())?,
            max_age,
            cache: self.cache.join("feeds"),
            offline: self.offline,
        })
    }

    /// Refuses a feed that is named as a folder or a file and is not there: no update brings it, so that it is told before anything is built.
    ///
    /// # Errors
    /// [`CliError::Setting`].
    pub(in crate::cli) fn feeds_are_there(&self, judging: &Judging) -> Result<(), CliError> {
        let feeds = &self.config.feeds;
        match (&judging.osv, &feeds.osv) {
            (Some(flag), _) => is_there("--osv", flag, Path::is_dir, "a folder")?,
            (None, Some(configured)) => is_there("feeds.osv", &self.source(configured), Path::is_dir, "a folder")?,
            (None, None) => {}
        }
        let named = |text: &Option<String>| text.as_deref().map(|text| self.source(text));
        if let Some(place) = named(&feeds.rustsec) {
            is_there("feeds.rustsec", &place, Path::exists, "a folder or a tarball")?;
        }
        if let Some(place) = named(&feeds.kev) {
            is_there("feeds.kev", &place, Path::is_file, "a file")?;
        }
        if let Some(place) = named(&feeds.epss) {
            is_there("feeds.epss", &place, Path::is_file, "a file")?;
        }
        Ok(())
    }

    fn crates_index(&self) -> Result<Option<CratesIndexSource>, CliError> {
        Ok(match self.config.feeds.crates_index.as_deref() {
            None | Some("cargo") => Some(CratesIndexSource::Cargo(self.cargo_home.join("registry/index"))),
            Some("off") => None,
            Some(url) if url.trim_start_matches("sparse+").starts_with("http") => Some(CratesIndexSource::Sparse(url.to_owned())),
            Some(other) => {
                let problem = format!("`{other}` is neither `cargo`, `off` nor the URL of a sparse index");
                return Err(CliError::setting("feeds.crates_index", problem));
            }
        })
    }

    fn npm_registry(&self) -> Result<Option<NpmRegistrySource>, CliError> {
        Ok(match self.config.feeds.npm_registry.as_deref() {
            None | Some("npm") => Some(NpmRegistrySource::Cache(self.npm_cache.join("_cacache"))),
            Some("off") => None,
            url => registry("feeds.npm_registry", url)?.map(NpmRegistrySource::Url),
        })
    }

    /// A URL as it is; a path relative to the configuration's folder.
    fn source(&self, text: &str) -> String {
        if text.contains("://") || text.starts_with("git@") {
            text.to_owned()
        } else {
            self.root.join(text).display().to_string()
        }
    }

    /// What a verdict needs beside the inventory.
    ///
    /// # Errors
    /// [`CliError::Setting`] for an invalid age.
    pub(crate) fn judging_plan(&self, judging: &Judging) -> Result<JudgingPlan, CliError> {
        let feeds = &self.config.feeds;
        let sources = [&feeds.osv, &feeds.rustsec, &feeds.kev, &feeds.epss];
        Ok(JudgingPlan {
            service: self.service(),
            cargo_home: self.cargo_home.clone(),
            feeds: self.feeds_plan(judging)?,
            written: sources
                .into_iter()
                .flatten()
                .map(|text| (self.source(text), text.clone()))
                .collect(),
            sources: Some(self.root.clone()),
            policy: self.policy(judging)?,
            waivers: self.waivers(judging)?,
            vex: self.vex()?,
            exclude: self.exclusions()?,
            baseline: match &judging.baseline {
                Some(text) => Some(BaselinePlan {
                    source: self.baseline(text, judging)?,
                    only_new: judging.only_new,
                }),
                None => None,
            },
        })
    }

    /// A file or a folder, or an image that carries its verdict. With `--only-new` it decides what blocks: then it is not the commit's own. `{base}` is the commit that the event of a workflow compares with.
    fn baseline(&self, text: &str, judging: &Judging) -> Result<BaselineSource, CliError> {
        let named = match (&self.base, text.contains(BASE)) {
            (Some(base), true) => text.replace(BASE, base),
            (None, true) => {
                return Err(CliError::setting(
                    "--baseline",
                    "{base} is the commit that a pull request, a merge queue or a push on GitHub compares with, and this event has none",
                ));
            }
            (_, false) => text.to_owned(),
        };
        let text = named.as_str();
        let path = PathBuf::from(text);
        if !is_reference(text) {
            self.is_nobodys_of_the_commit(&path, judging.only_new)?;
            return Ok(BaselineSource::File(path));
        }
        let image = args::image_ref(text).map_err(|problem| CliError::setting("--baseline", problem.to_string()))?;
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

    /// Refuses a baseline that git tracks where it decides what blocks: a pull request could bring its own.
    fn is_nobodys_of_the_commit(&self, path: &Path, only_new: bool) -> Result<(), CliError> {
        if !only_new {
            return Ok(());
        }
        let is_tracked = git::is_tracked(path).map_err(|error| CliError::setting("--baseline", error.to_string()))?;
        match is_tracked || self.may_be_of_a_commit(path)? {
            false => Ok(()),
            true => Err(CliError::setting(
                "--baseline",
                format!(
                    "{} is part of the commit that is judged, and --only-new lets pass whatever it lists: name the image of an earlier run \
                     (registry:…@sha256:…), whose verdict is signed, or a folder that is kept outside of the commit, by its whole path where git tracks nothing here",
                    path.display()
                ),
            )),
        }
    }

    /// Where git tracks nothing of what is judged, nobody knows what a commit brought: whatever is named from there, or lies in the project, in the folder
    /// that the program was started in or where a CI put the commit, may be of it, and so may each link there.
    fn may_be_of_a_commit(&self, path: &Path) -> Result<bool, CliError> {
        let setting = |problem: String| CliError::setting("--baseline", problem);
        if git::is_tracked(&self.directory).map_err(|error| setting(error.to_string()))? {
            return Ok(false);
        }
        let way = links::way(path).map_err(|error| setting(format!("{}: {error}", path.display())))?;
        let mut places = ci::checkouts();
        places.extend([self.root.clone(), self.directory.clone(), self.started.clone()]);
        let is_in_one = |path: &PathBuf| places.iter().any(|place| path.starts_with(place));
        Ok(path.is_relative() || is_in_one(&way.end) || way.links.iter().any(is_in_one))
    }

    /// The policy document: named, configured, or the embedded default. Named ones may be pinned: `FILE#sha256:…`, `registry:REPOSITORY@sha256:…`.
    fn policy(&self, judging: &Judging) -> Result<PolicySource, CliError> {
        let (named, configured) = (judging.policy.as_ref(), self.config.policy.document.as_ref());
        if let Some(path) = configured.filter(|_| named.is_none()) {
            let file = path.to_str().and_then(|text| text.rsplit_once("#sha256:"));
            self.reviewed("policy.document", file.map_or(path, |(file, _)| Path::new(file)), "--policy FILE")?;
        }
        if let Some(text) = named.or(configured).and_then(|path| path.to_str())
            && let Some(pinned) = self.pinned_policy(text, named.is_none())?
        {
            return Ok(pinned);
        }
        Ok(match (named, configured) {
            // Never a file of that name, which a commit could bring: `./strict` is one.
            (Some(named), _) if named.as_os_str() == "strict" => PolicySource::Strict,
            (Some(named), _) => PolicySource::File(named.clone()),
            (None, Some(configured)) if configured.as_os_str() == "strict" => PolicySource::Strict,
            (None, Some(configured)) => PolicySource::File(self.root.join(configured)),
            (None, None) => PolicySource::Default,
        })
    }

    /// A policy by digest; `None` if the text names no digest.
    fn pinned_policy(&self, text: &str, is_configured: bool) -> Result<Option<PolicySource>, CliError> {
        let wrong = |problem: String| CliError::setting("--policy", problem);
        if let Some((path, digest)) = text.rsplit_once("#sha256:") {
            let digest = Digest::parse(&format!("sha256:{digest}")).map_err(|error| wrong(error.to_string()))?;
            let path = if is_configured { self.root.join(path) } else { PathBuf::from(path) };
            return Ok(Some(PolicySource::Pinned(path, digest)));
        }
        if !text.starts_with("registry:") {
            return Ok(None);
        }
        match args::image_ref(text).map_err(|problem| wrong(problem.to_string()))? {
            ImageRef::Registry { repository, digest } => Ok(Some(PolicySource::Registry {
                repository,
                digest,
                plain_http: self.config.image.plain_http,
            })),
            _ => Err(wrong(format!("`{text}` is not registry:REPOSITORY@sha256:…"))),
        }
    }

    /// Refuses a document of the configuration that lies outside of the checkout; whoever starts the run may name it by a flag.
    fn reviewed(&self, key: &'static str, path: &Path, flag: &str) -> Result<(), CliError> {
        match self.within(key, path) {
            Err(CliError::Setting { key, problem }) => {
                let problem =
                    format!("{problem}: what stands there was not reviewed with the commit; whoever starts the run may name it by {flag}");
                Err(CliError::Setting { key, problem })
            }
            other => other,
        }
    }

    /// The VEX documents, with their paths in the repository.
    fn vex(&self) -> Result<Vec<(PathBuf, String)>, CliError> {
        let documents = self.config.policy.vex.iter().map(|path| {
            self.within("policy.vex", path)?;
            Ok((self.root.join(path), path.display().to_string()))
        });
        documents.collect()
    }

    /// Where the waiver file is, if there is one.
    ///
    /// # Errors
    /// [`CliError::Setting`] for one of the configuration that lies outside of the checkout.
    pub(crate) fn waivers_file(&self, judging: &Judging) -> Result<Option<PathBuf>, CliError> {
        Ok(self.waivers(judging)?.map(|(path, _)| path))
    }

    /// The waiver file: named, configured, or `policies/waivers.toml` where it exists; with its path in the repository.
    fn waivers(&self, judging: &Judging) -> Result<Option<(PathBuf, String)>, CliError> {
        if let (None, Some(configured)) = (&judging.waivers, &self.config.policy.waivers) {
            self.reviewed("policy.waivers", configured, "--waivers FILE")?;
        }
        let configured = || self.config.policy.waivers.as_ref().map(|path| self.root.join(path));
        let usual = || Some(self.root.join(WAIVER_FILE)).filter(|path| path.symlink_metadata().is_ok());
        let Some(path) = judging.waivers.clone().or_else(configured).or_else(usual) else {
            return Ok(None);
        };
        let inside = path.strip_prefix(&self.root).unwrap_or(&path);
        let name = match inside.file_name() {
            Some(name) if inside.is_absolute() => Path::new(name),
            _ => inside,
        };
        Ok(Some((path.clone(), name.display().to_string())))
    }
}

/// True to its word: what is no address is on this machine, and of the kind that a feed is.
fn is_there(key: &'static str, place: &str, is: fn(&Path) -> bool, what: &str) -> Result<(), CliError> {
    let path = match place.split_once("://") {
        Some(("file", path)) => Path::new(path),
        Some(_) => return Ok(()),
        None if place.starts_with("git@") => return Ok(()),
        None => Path::new(place),
    };
    let shown = path.display();
    match (is(path), path.exists()) {
        (true, _) => Ok(()),
        (false, true) => Err(CliError::setting(key, format!("`{shown}` is not {what}"))),
        (false, false) => Err(CliError::setting(
            key,
            format!("`{shown}` does not exist: {what} or an address is expected"),
        )),
    }
}
