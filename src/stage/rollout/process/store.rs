//! Releases on the disk: fetched by digest, complete or not there.
//!
//! A new run has its release unpacked anew, into a folder of its own, so that what another run left is not believed and nothing is taken away
//! below a service that still runs from it. What is used again, for a way back, is held against the sum that was written when it was unpacked.

use crate::io::state_folder;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::super::error::RolloutError;
use super::super::release::Release;
use super::tree::{self, Sum};
use super::{fetch, path_in_root, rootfs};
use crate::io::Effects;
use crate::io::files;
use crate::io::folder;
use crate::io::hash::sha256;
use crate::io::oci_layout::OciLayout;
use crate::model::digest::Digest;
use crate::model::excused::Excused as _;
use crate::model::image::ImageConfig;
use crate::model::image_ref::ImageRef;
use crate::model::program_place::{path_of, places_of};

/// How many folders of one release are kept: the newest, and the one that may still serve while it is made.
const KEPT: usize = 2;

/// What was unpacked, written beside it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sealed {
    config: Digest,
    tree: Sum,
}

/// The releases of a service.
#[derive(Debug, Clone)]
pub(in crate::stage::rollout) struct Store {
    folder: PathBuf,
}

/// A release that lies ready.
#[derive(Debug, Clone)]
pub(in crate::stage::rollout) struct Unpacked {
    pub(in crate::stage::rollout) root: PathBuf,
    pub(super) config: ImageConfig,
}

impl Store {
    pub(in crate::stage::rollout) fn new(state: &Path) -> Self {
        Self {
            folder: state.join("releases"),
        }
    }

    /// The folders of a release with their numbers, the newest last.
    fn places(&self, release: &Release) -> io::Result<Vec<(u32, PathBuf)>> {
        let hex = release.digest.hex();
        let mut places = Vec::new();
        for entry in folder::entries(&self.folder)? {
            let name = entry.file_name();
            if let Some(number) = name.to_str().and_then(|name| number_of(name, &hex)) {
                places.push((number, entry.path()));
            }
        }
        places.sort();
        Ok(places)
    }

    /// Where a release is put next.
    fn next_place(&self, release: &Release) -> io::Result<PathBuf> {
        let hex = release.digest.hex();
        let Some((last, path)) = self.places(release)?.pop() else {
            return Ok(self.folder.join(hex));
        };
        let none_left = || {
            io::Error::new(
                io::ErrorKind::AlreadyExists,
                format!("no number comes after {}: move it away", path.display()),
            )
        };
        let next = last.checked_add(1).ok_or_else(none_left)?;
        Ok(self.folder.join(format!("{hex}.{next}")))
    }

    /// A release that lies there as it was unpacked; fetched and unpacked where none does.
    pub(in crate::stage::rollout) async fn fetch(&self, release: &Release, effects: &Effects) -> Result<Unpacked, RolloutError> {
        match self.open(release).await? {
            Some(unpacked) => Ok(unpacked),
            None => self.fetch_anew(release, effects).await,
        }
    }

    /// Fetches and unpacks a release, whatever lies there.
    pub(in crate::stage::rollout) async fn fetch_anew(&self, release: &Release, effects: &Effects) -> Result<Unpacked, RolloutError> {
        let unsupported = || RolloutError::Unsupported {
            image: release.image.clone(),
        };
        match ImageRef::parse(&release.image) {
            Ok(ImageRef::OciLayout { dir, .. }) => {
                let layout = OciLayout::open(dir)?;
                self.unpack(layout, release.digest, release, effects).await
            }
            Ok(ImageRef::Registry { repository, .. }) => {
                state_folder::private_folder(&self.folder).map_err(|source| self.failed(source))?;
                let fresh = tempfile::Builder::new().prefix(".pulling-").tempdir_in(&self.folder);
                let fresh = fresh.map_err(|source| self.failed(source))?;
                let (layout, manifest) = fetch::pull(&repository, &release.digest, fresh.path(), effects).await?;
                self.unpack(layout, manifest, release, effects).await
            }
            _ => Err(unsupported()),
        }
    }

    fn failed(&self, source: io::Error) -> RolloutError {
        RolloutError::State {
            path: self.folder.clone(),
            source,
        }
    }

    async fn unpack(&self, layout: OciLayout, manifest: Digest, release: &Release, effects: &Effects) -> Result<Unpacked, RolloutError> {
        let (store, release, effects) = (self.clone(), release.clone(), effects.clone());
        let unpacked = tokio::task::spawn_blocking(move || store.unpack_now(&layout, &manifest, &release, &effects));
        unpacked.await.map_err(|error| self.failed(io::Error::other(error)))?
    }

    fn unpack_now(&self, layout: &OciLayout, manifest: &Digest, release: &Release, effects: &Effects) -> Result<Unpacked, RolloutError> {
        let failed = |source| self.failed(source);
        let image = fetch::for_this_machine(layout, manifest, effects)?;
        state_folder::private_folder(&self.folder).map_err(failed)?;
        let fresh = tempfile::Builder::new()
            .prefix(".unpacking-")
            .tempdir_in(&self.folder)
            .map_err(failed)?;
        let root = fresh.path().join("root");
        fs::create_dir(&root).map_err(failed)?;
        rootfs::unpack(layout, &image, &root, &effects.limits)?;
        let config = serde_json::to_vec(&image.config).map_err(|error| failed(error.into()))?;
        files::write(&fresh.path().join("config.json"), &config)?;
        let sealed = Sealed {
            config: sha256(&config),
            tree: tree::sum(&root, None).map_err(failed)?,
        };
        let sealed = serde_json::to_vec(&sealed).map_err(|error| failed(error.into()))?;
        files::write(&fresh.path().join("sealed.json"), &sealed)?;
        let place = self.next_place(release).map_err(failed)?;
        // Complete from here on: the name appears in one step.
        let fresh = fresh.keep();
        if let Err(source) = fs::rename(&fresh, &place) {
            // A folder whose name begins with a dot is removed with the next clean-up.
            let _removed = fs::remove_dir_all(&fresh);
            return Err(failed(source));
        }
        Ok(Unpacked {
            root: place.join("root"),
            config: image.config.clone(),
        })
    }

    /// The newest folder of a release that holds what was unpacked into it, and nothing else.
    ///
    /// # Errors
    /// When the releases cannot be listed.
    pub(in crate::stage::rollout) async fn open(&self, release: &Release) -> Result<Option<Unpacked>, RolloutError> {
        let (store, release) = (self.clone(), release.clone());
        let opened = tokio::task::spawn_blocking(move || {
            let places = store.places(&release).map_err(|source| store.failed(source))?;
            Ok(places.into_iter().rev().find_map(|(_, place)| open(&place)))
        });
        opened.await.map_err(|error| self.failed(io::Error::other(error)))?
    }

    /// Removes every release but these, by their digests' digits, and of these the folders that are neither among the newest nor in use.
    pub(in crate::stage::rollout) fn clean(&self, keep: &[String], in_use: &[PathBuf]) -> io::Result<()> {
        let mut kept: BTreeMap<&str, Vec<(u32, PathBuf)>> = BTreeMap::new();
        let mut gone = Vec::new();
        for entry in folder::entries(&self.folder)? {
            let name = entry.file_name();
            let number = |hex: &str| name.to_str().and_then(|name| number_of(name, hex));
            match keep.iter().find_map(|hex| Some((hex, number(hex)?))) {
                Some((hex, number)) => kept.entry(hex).or_default().push((number, entry.path())),
                None => gone.push(entry.path()),
            }
        }
        for places in kept.values_mut() {
            places.sort();
            places.truncate(places.len().saturating_sub(KEPT));
            gone.extend(places.drain(..).map(|(_, place)| place));
        }
        gone.retain(|place| !in_use.iter().any(|used| used.starts_with(place)));
        gone.iter().try_for_each(fs::remove_dir_all)
    }
}

/// The number of a release's folder: `<hex>` is the first, then `<hex>.1`.
fn number_of(name: &str, hex: &str) -> Option<u32> {
    match name.strip_prefix(hex)? {
        "" => Some(0),
        rest => {
            let digits = rest.strip_prefix('.')?;
            let number: u32 = digits.parse().or_none("no folder of ours")?;
            (number > 0 && number.to_string() == digits).then_some(number)
        }
    }
}

/// What lies in a folder, where it is what was unpacked into it.
fn open(place: &Path) -> Option<Unpacked> {
    as_sealed(place).or_none("what does not lie there as it was unpacked is unpacked again")?
}

fn as_sealed(place: &Path) -> io::Result<Option<Unpacked>> {
    let read = |name: &str, most: u64| files::read(&place.join(name), most).map_err(io::Error::other);
    let sealed: Sealed = serde_json::from_slice(&read("sealed.json", 4096)?)?;
    let config = read("config.json", 4 << 20)?;
    let root = place.join("root");
    let found = Sealed {
        config: sha256(&config),
        tree: tree::sum(&root, Some(&sealed.tree))?,
    };
    if found != sealed {
        return Ok(None);
    }
    let config = serde_json::from_slice(&config)?;
    Ok(Some(Unpacked { root, config }))
}

impl Unpacked {
    /// The program to execute, and its arguments: `ENTRYPOINT` and `CMD`, the program found inside the root.
    pub(super) fn entry_point(&self, release: &Release) -> Result<(PathBuf, Vec<String>), RolloutError> {
        let wrong = |reason: String| RolloutError::EntryPoint {
            digest: release.digest,
            reason,
        };
        let mut argv = self.config.entrypoint.iter().chain(&self.config.cmd).cloned();
        let name = argv
            .next()
            .filter(|name| !name.is_empty())
            .ok_or_else(|| wrong("the image has no ENTRYPOINT and no CMD".to_owned()))?;
        let config = &self.config;
        let candidates = places_of(&name, config.working_dir.as_deref(), path_of(&config.env));
        let found = candidates.iter().find_map(|candidate| {
            let place = path_in_root::resolve(&self.root, Path::new(candidate))
                .or_none("the next folder of PATH is tried, and none is an error")?;
            let meta = fs::metadata(&place).or_none("the next folder of PATH is tried, and none is an error")?;
            (meta.is_file() && meta.permissions().mode() & 0o111 != 0).then_some(place)
        });
        let program = found.ok_or_else(|| wrong(format!("`{name}` is no executable file in it")))?;
        Ok((program, argv.collect()))
    }

    /// The image's working folder, on the disk.
    pub(super) fn working_dir(&self) -> PathBuf {
        let named = Path::new(self.config.working_dir.as_deref().unwrap_or("/"));
        match path_in_root::resolve(&self.root, named) {
            Ok(place) if place.is_dir() => place,
            _ => self.root.clone(),
        }
    }
}
