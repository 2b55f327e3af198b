//! Releases on the disk: fetched by digest, complete or not there.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::super::error::RolloutError;
use super::super::release::Release;
use super::{fetch, inside, rootfs};
use crate::io::Effects;
use crate::io::files;
use crate::io::oci_layout::OciLayout;
use crate::model::digest::Digest;
use crate::model::excused::Excused as _;
use crate::model::image::ImageConfig;
use crate::model::image_ref::ImageRef;

const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

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

    fn place(&self, release: &Release) -> PathBuf {
        self.folder.join(release.digest.hex())
    }

    /// Fetches and unpacks a release, unless it lies there whole.
    pub(in crate::stage::rollout) async fn fetch(&self, release: &Release, effects: &Effects) -> Result<Unpacked, RolloutError> {
        if let Some(unpacked) = self.open(release) {
            return Ok(unpacked);
        }
        let unsupported = || RolloutError::Unsupported {
            image: release.image.clone(),
        };
        match ImageRef::parse(&release.image) {
            Ok(ImageRef::OciLayout { dir, .. }) => {
                let layout = OciLayout::open(dir)?;
                self.unpack(layout, release.digest, release, effects).await
            }
            Ok(ImageRef::Registry { repository, .. }) => {
                fs::create_dir_all(&self.folder).map_err(|source| self.failed(source))?;
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
        fs::create_dir_all(&self.folder).map_err(failed)?;
        let fresh = tempfile::Builder::new()
            .prefix(".unpacking-")
            .tempdir_in(&self.folder)
            .map_err(failed)?;
        let root = fresh.path().join("root");
        fs::create_dir(&root).map_err(failed)?;
        rootfs::unpack(layout, &image, &root, &effects.limits)?;
        let config = serde_json::to_vec(&image.config).map_err(|error| failed(error.into()))?;
        files::write(&fresh.path().join("config.json"), &config)?;
        // Complete from here on: the name appears in one step.
        let fresh = fresh.keep();
        if let Err(source) = fs::rename(&fresh, self.place(release)) {
            // A folder whose name begins with a dot is removed with the next clean-up.
            let _removed = fs::remove_dir_all(&fresh);
            return Err(failed(source));
        }
        self.open(release).ok_or_else(|| RolloutError::EntryPoint {
            digest: release.digest,
            reason: "its unpacked configuration cannot be read back".to_owned(),
        })
    }

    /// A release that lies there whole. One that cannot be read is fetched and unpacked again.
    pub(in crate::stage::rollout) fn open(&self, release: &Release) -> Option<Unpacked> {
        let place = self.place(release);
        let config = files::read(&place.join("config.json"), 4 << 20).or_none("what does not lie there whole is unpacked again")?;
        Some(Unpacked {
            root: place.join("root"),
            config: serde_json::from_slice(&config).or_none("what does not lie there whole is unpacked again")?,
        })
    }

    /// Removes every release but these.
    pub(in crate::stage::rollout) fn clean(&self, keep: &[String]) -> io::Result<()> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            if !keep.iter().any(|kept| name == kept.as_str()) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }
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
        let candidates: Vec<PathBuf> = if name.starts_with('/') {
            vec![PathBuf::from(&name)]
        } else if name.contains('/') {
            vec![Path::new(self.config.working_dir.as_deref().unwrap_or("/")).join(&name)]
        } else {
            let path = self.config.env.iter().find_map(|pair| pair.strip_prefix("PATH="));
            let folders = path.unwrap_or(DEFAULT_PATH).split(':').filter(|folder| !folder.is_empty());
            folders.map(|folder| Path::new(folder).join(&name)).collect()
        };
        let found = candidates.iter().find_map(|candidate| {
            let place = inside::resolve(&self.root, candidate).or_none("the next folder of PATH is tried, and none is an error")?;
            let meta = fs::metadata(&place).or_none("the next folder of PATH is tried, and none is an error")?;
            (meta.is_file() && meta.permissions().mode() & 0o111 != 0).then_some(place)
        });
        let program = found.ok_or_else(|| wrong(format!("`{name}` is no executable file in it")))?;
        Ok((program, argv.collect()))
    }

    /// The image's working folder, on the disk.
    pub(super) fn working_dir(&self) -> PathBuf {
        let named = Path::new(self.config.working_dir.as_deref().unwrap_or("/"));
        match inside::resolve(&self.root, named) {
            Ok(place) if place.is_dir() => place,
            _ => self.root.clone(),
        }
    }
}
