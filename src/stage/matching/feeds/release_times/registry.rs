//! One registry, asked for the packages at hand, and what is kept of its answers.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;
use rayon::prelude::*;

use crate::io::hash::sha256;
use crate::io::http::{Http, ReadIfChanged, Validators};
use crate::io::{Effects, files};
use crate::model::advisory::FeedRevision;
use crate::model::error_chain::chain;
use crate::model::event::Stage;
use crate::model::excused::Excused as _;
use crate::model::inventory::{Component, Ecosystem, Inventory, Origin};
use crate::model::logins::redact;
use crate::model::pep503;
use crate::model::release::Release;

use super::documents;
use super::kept::Kept;
use super::npm_cache::NpmCache;
use crate::stage::matching::feeds::crates_index::Listed;
use crate::stage::matching::feeds::feed_source::redacted_file;
use crate::stage::matching::feeds::retrieve::Retriever;

/// Requests under way at once.
const AT_ONCE: usize = 16;
/// The largest document of a package: the largest ones of npm have some ten MB.
const LARGEST: u64 = 64 << 20;

/// The registries that are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::stage::matching) enum Told {
    Npm,
    Python,
}

impl Told {
    /// The name among the feeds.
    pub(in crate::stage::matching) const fn feed(self) -> &'static str {
        match self {
            Self::Npm => "npm-times",
            Self::Python => "pypi-times",
        }
    }

    const fn ecosystem(self) -> &'static str {
        match self {
            Self::Npm => Ecosystem::NPM,
            Self::Python => Ecosystem::PYPI,
        }
    }

    const fn accept(self) -> &'static str {
        match self {
            Self::Npm => "application/json",
            Self::Python => "application/vnd.pypi.simple.v1+json",
        }
    }

    fn url(self, base: &str, name: &str) -> String {
        match self {
            Self::Npm => format!("{base}/{}", name.replace('/', "%2f")),
            Self::Python => format!("{base}/{name}/"),
        }
    }

    fn read(self, bytes: &[u8]) -> Result<Vec<Listed>, serde_json::Error> {
        match self {
            Self::Npm => documents::npm(bytes),
            Self::Python => documents::python(bytes),
        }
    }

    /// The packages of an inventory that a registry of its kind may have, with their versions.
    pub(in crate::stage::matching) fn needs(self, inventory: &Inventory) -> BTreeMap<String, BTreeSet<String>> {
        let mut needs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for component in inventory.components.iter().filter(|component| self.knows(component)) {
            needs.entry(self.name(component)).or_default().insert(component.version.clone());
        }
        needs
    }

    /// As the registry writes it.
    fn name(self, component: &Component) -> String {
        match self {
            Self::Npm => component.name.clone(),
            Self::Python => pep503::normal_name(&component.name).into_owned(),
        }
    }

    fn knows(self, component: &Component) -> bool {
        let is_of = component
            .ecosystem
            .as_ref()
            .is_some_and(|ecosystem| ecosystem.base() == self.ecosystem());
        is_of && component.origin == Origin::Registry && !component.root && component.owned_by.is_none()
    }
}

/// The times of one registry's releases. Answers are kept, for thousands of inventories ask for the same packages.
#[derive(Debug)]
pub(in crate::stage::matching) struct RegistryTimes {
    told: Told,
    folder: PathBuf,
    shown: String,
    known: RwLock<HashMap<String, Arc<Package>>>,
}

/// What is kept of a package.
#[derive(Debug, Default)]
struct Package {
    releases: Vec<Listed>,
    written: Option<Timestamp>,
}

impl RegistryTimes {
    /// npm's own cache: what it tells of the packages at hand is kept in short, for its documents are large.
    pub(in crate::stage::matching) fn of_npm_cache(folder: &Path, cache: &Path, needs: &BTreeMap<String, BTreeSet<String>>) -> Self {
        let times = Self {
            told: Told::Npm,
            folder: cache.join(Told::Npm.feed()).join(redacted_file(&folder.display().to_string())),
            shown: "npm's own cache".to_owned(),
            known: RwLock::default(),
        };
        let lacks = |(name, versions): (&String, &BTreeSet<String>)| {
            let path = times.folder.join(file_name(name)?);
            (!times.has_all(name, versions)).then(|| (name.clone(), path))
        };
        let due: Vec<(String, PathBuf)> = needs.par_iter().filter_map(lacks).collect();
        if !due.is_empty() {
            let npm = NpmCache::open(folder);
            due.par_iter().for_each(|(name, path)| take(&npm, name, path));
        }
        times
    }

    /// The registry behind a URL, asked for the packages of which a release that is needed is not kept. Where it cannot be reached, what is kept
    /// speaks, and releases that are not among that are "not known".
    pub(in crate::stage::matching) async fn of_url(
        told: Told,
        url: &str,
        cache: &Path,
        needs: &BTreeMap<String, BTreeSet<String>>,
        retriever: &Retriever<'_>,
        effects: &Effects,
    ) -> Self {
        let base = url.trim_end_matches('/');
        let times = Self {
            told,
            folder: cache.join(told.feed()).join(redacted_file(base)),
            shown: redact(base),
            known: RwLock::default(),
        };
        let Some(http) = retriever.http() else { return times };
        let due = needs.iter().filter_map(|(name, versions)| {
            let path = times.folder.join(file_name(name)?);
            times.is_due(name, &path, versions, retriever).then(|| (told.url(base, name), path))
        });
        let now = SystemTime::from(effects.clock.now());
        let bring = due.map(|(url, path)| bring(http, told, url, path, now)).collect::<Vec<_>>();
        let brought: Vec<Result<(), String>> = stream::iter(bring).buffer_unordered(AT_ONCE).collect().await;
        let failed: Vec<String> = brought.into_iter().filter_map(Result::err).collect();
        if let Some(first) = failed.iter().min() {
            retriever.not_reached(told.feed(), first.clone());
            effects.warn(
                Stage::Matching,
                format!("{}: {} packages could not be asked for: {first}", told.feed(), failed.len()),
            );
        }
        times
    }

    /// The time of npm's release does not change: who has it need not ask again. One that the registry did not list is asked for when it is no longer
    /// fresh, and so is what Python's index has: files are added to old releases there.
    fn is_due(&self, name: &str, path: &Path, versions: &BTreeSet<String>, retriever: &Retriever<'_>) -> bool {
        let is_done = self.has_all(name, versions) && self.told == Told::Npm;
        let is_due = !is_done && !written(path).is_some_and(|written| retriever.is_fresh(written));
        if is_due {
            self.known.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        }
        is_due
    }

    /// Whether every release that is needed is kept. What lacks one is forgotten: it is about to be brought up to date.
    fn has_all(&self, name: &str, versions: &BTreeSet<String>) -> bool {
        let package = self.package(name);
        let has_all = versions
            .iter()
            .all(|version| found(self.told, &package.releases, version).next().is_some());
        if !has_all {
            self.known.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        }
        has_all
    }

    /// The releases of a package; none where nothing is known of it.
    pub(in crate::stage::matching) fn releases(&self, component: &Component) -> Option<Vec<Listed>> {
        let package = self.knows(component).then(|| self.package(&self.told.name(component)))?;
        (!package.releases.is_empty()).then(|| package.releases.clone())
    }

    fn knows(&self, component: &Component) -> bool {
        self.told.knows(component)
    }

    /// When the releases of an inventory were published, and what that was read from.
    pub(in crate::stage::matching) fn standing(&self, inventory: &Inventory) -> (Vec<Release>, Option<FeedRevision>) {
        let components: Vec<(usize, &Component)> = inventory.components.iter().enumerate().filter(|(_, c)| self.knows(c)).collect();
        let packages: Vec<Arc<Package>> = components
            .par_iter()
            .with_min_len(16)
            .map(|(_, c)| self.package(&self.told.name(c)))
            .collect();
        let (mut releases, mut lines, mut newest) = (Vec::new(), BTreeSet::new(), None);
        for ((at, component), package) in components.iter().zip(&packages) {
            let Some(published) = published(self.told, &package.releases, &component.version) else {
                continue;
            };
            newest = newest.max(package.written);
            lines.insert(format!("{} {} {published}\n", component.name, component.version));
            releases.push(Release {
                component: *at,
                published: Some(published),
                told_by: self.told.feed().to_owned(),
                clears: Vec::new(),
            });
        }
        let revision = newest.map(|as_of| FeedRevision {
            name: self.told.feed().to_owned(),
            source: self.shown.clone(),
            revision: sha256(lines.iter().map(String::as_str).collect::<String>().as_bytes()),
            records: lines.len() as u64,
            quarantined: 0,
            as_of,
            bundle: None,
            served_by: None,
        });
        (releases, revision)
    }

    fn package(&self, name: &str) -> Arc<Package> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(package) = known.get(name) {
            return Arc::clone(package);
        }
        drop(known);
        let path = file_name(name).map(|file| self.folder.join(file));
        let package = path.map(|path| Package {
            releases: Kept::read(&path).map(|kept| kept.releases).unwrap_or_default(),
            written: written(&path),
        });
        let package = Arc::new(package.unwrap_or_default());
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(name.to_owned(), Arc::clone(&package));
        package
    }
}

/// The releases of a version. A Python version has several spellings, and its files need not agree on one.
fn found<'a>(told: Told, releases: &'a [Listed], version: &'a str) -> impl Iterator<Item = &'a Listed> {
    use crate::model::version::Scheme::Pep440;
    releases.iter().filter(move |release| {
        let is_equal = || told == Told::Python && Pep440.compare(&release.version, version).is_ok_and(std::cmp::Ordering::is_eq);
        release.version == version || is_equal()
    })
}

/// When a release was published: the youngest of its spellings counts. None where one of them has no time.
fn published(told: Told, releases: &[Listed], version: &str) -> Option<Timestamp> {
    let times: Option<Vec<Timestamp>> = found(told, releases, version).map(|release| release.published).collect();
    times?.into_iter().max()
}

/// When the registry last gave this.
fn written(path: &Path) -> Option<Timestamp> {
    let time = fs::metadata(path)
        .and_then(|found| found.modified())
        .or_none("of no known age: it is asked for")?;
    Timestamp::try_from(time).or_none("of no known age: it is asked for")
}

/// Where a package's file lies, `re/react`, `@b/@babel+core`; none for what is no package's name. Names come from what is looked at, and none steers
/// us out of the folder.
fn file_name(name: &str) -> Option<PathBuf> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'@' | b'/');
    let is_name = !name.is_empty() && name.len() <= 214 && name.bytes().all(plain) && !name.starts_with('.') && !name.contains("..");
    let file = name.replace('/', "+");
    is_name.then(|| Path::new(&format!("_{}", &file[..file.len().min(2)])).join(file))
}

/// Keeps in short what npm's cache tells of a package, with the time at which npm asked: as long as it has not asked again, nothing is read twice.
/// Where that cannot be written, nothing is known.
fn take(npm: &NpmCache, name: &str, path: &Path) {
    let Some(asked) = npm.asked(name) else { return };
    if written(path).is_some_and(|written| SystemTime::from(written) == asked) {
        return;
    }
    let kept = Kept {
        validators: Validators::default(),
        releases: npm.releases(name),
    };
    files::write_unsynced(path, &kept.bytes()).dismissed("what is not kept is not known, and what is not known is told");
    let file = File::options().write(true).open(path);
    file.and_then(|file| file.set_modified(asked))
        .dismissed("it is as new as its copy then");
}

/// Brings what is kept of a package up to date. One that the registry does not have is kept without a release.
async fn bring(http: &Http, told: Told, url: String, path: PathBuf, now: SystemTime) -> Result<(), String> {
    let known = Kept::read(&path).map(|kept| kept.validators).unwrap_or_default();
    let answer = http.read_if_changed_as(&url, Some(told.accept()), &known, LARGEST).await;
    let kept = match answer.map_err(|error| chain(&error))? {
        ReadIfChanged::NotModified => None,
        ReadIfChanged::Absent => Some(Kept::default()),
        ReadIfChanged::New { bytes, validators } => {
            let releases = told.read(&bytes).map_err(|error| format!("{}: {error}", redact(&url)))?;
            Some(Kept { validators, releases })
        }
    };
    if let Some(kept) = kept {
        files::write_unsynced(&path, &kept.bytes()).map_err(|error| chain(&error))?;
    }
    // The time of the file is when the registry last said so.
    let dated = File::options().write(true).open(&path).and_then(|file| file.set_modified(now));
    dated.map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_python_release_is_as_young_as_the_youngest_of_its_spellings() {
        let listed = |version: &str, published: Option<&str>| Listed {
            version: version.to_owned(),
            yanked: false,
            published: published.map(|text| text.parse().expect("a time")),
        };
        let (old, young) = (Some("2020-01-01T00:00:00Z"), Some("2026-11-20T00:00:00Z"));
        let of = |told, other: Listed| published(told, &[listed("1.0", old), other], "1.0").map(|time| time.strftime("%Y").to_string());
        assert_eq!(of(Told::Python, listed("1.0.0", young)).as_deref(), Some("2026"));
        assert_eq!(of(Told::Python, listed("v1.0", None)), None);
        assert_eq!(of(Told::Python, listed("1.0.1", young)).as_deref(), Some("2020"), "the control");
        assert_eq!(
            of(Told::Npm, listed("1.0.0", young)).as_deref(),
            Some("2020"),
            "npm has one spelling"
        );
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        let of = |name: &str| file_name(name).map(|path| path.display().to_string());
        assert_eq!(of("react").as_deref(), Some("_re/react"));
        assert_eq!(of("@babel/core").as_deref(), Some("_@b/@babel+core"));
        assert_eq!(of("x").as_deref(), Some("_x/x"));
        for name in ["", "..", "../x", ".x", "a/../b", "a b", "a%2f", "a\0", "ä"] {
            assert_eq!(of(name), None, "{name:?}");
        }
    }

    #[test]
    fn a_python_version_is_found_in_its_other_spelling_and_npms_is_not() {
        let listed = |version: &str| Listed {
            version: version.to_owned(),
            yanked: false,
            published: None,
        };
        let releases = [listed("1.0"), listed("2.0.0rc1")];
        assert!(found(Told::Python, &releases, "1.0.0").next().is_some() && found(Told::Python, &releases, "2.0.0-rc.1").next().is_some());
        assert!(found(Told::Npm, &releases, "1.0.0").next().is_none() && found(Told::Npm, &releases, "1.0").next().is_some());
    }
}
