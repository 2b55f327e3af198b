//! An image's root file system on the disk, layer by layer, each verified by digest before and while it is unpacked.
//!
//! Layers are read by the reader that judged them, and what it is not sure of is refused. Nothing that an archive says can lead out of the
//! folder: `..` is refused, links are followed inside the root only, device nodes are left out, set-uid bits are dropped, owners are not
//! restored.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::ops::Bound;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::super::error::RolloutError;
use super::inside::resolve;
use crate::io::hash::Hashing;
use crate::io::layers::{self, Entry, Kind, LayerError, LayerProblem, Need, Stated, Visitor};
use crate::io::limits::Limits;
use crate::io::oci_layout::OciLayout;
use crate::model::image::{Layer, PlatformImage};

/// Unpacks every layer of an image into an empty folder.
pub(super) fn unpack(layout: &OciLayout, image: &PlatformImage, root: &Path, limits: &Limits) -> Result<(), RolloutError> {
    for layer in &image.layers {
        verify_stored(layout, layer)?;
        unpack_layer(layout, layer, root, limits)?;
    }
    Ok(())
}

fn verify_stored(layout: &OciLayout, layer: &Layer) -> Result<(), RolloutError> {
    let file = layout.open_blob(&layer.digest)?;
    let mut hashing = Hashing::new(file);
    io::copy(&mut hashing, &mut io::sink()).map_err(|source| RolloutError::State {
        path: layout.blob_path(&layer.digest),
        source,
    })?;
    let (_, found, _) = hashing.finish();
    if found == layer.digest {
        return Ok(());
    }
    Err(RolloutError::Layout(crate::io::oci_layout::LayoutError::WrongDigest {
        digest: layer.digest,
        found,
        path: layout.blob_path(&layer.digest),
    }))
}

fn unpack_layer(layout: &OciLayout, layer: &Layer, root: &Path, limits: &Limits) -> Result<(), RolloutError> {
    let blob = layout.open_blob(&layer.digest)?;
    let stated = Stated {
        digest: Some(layer.digest),
        diff_id: Some(layer.diff_id),
        size: Some(layer.size),
        name: String::new(),
    };
    let mut folder = Folder {
        root,
        written: BTreeSet::new(),
        file: None,
    };
    match layers::read(blob, &stated, limits, &mut folder) {
        Ok(_) => Ok(()),
        Err(error) => Err(RolloutError::Unpack {
            layer: layer.digest,
            reason: reason(&error),
        }),
    }
}

fn reason(error: &LayerError) -> String {
    match &error.problem {
        LayerProblem::Unpack(reason) => reason.clone(),
        // It says where.
        ambiguous @ LayerProblem::Ambiguous { .. } => ambiguous.to_string(),
        problem => format!(
            "{problem} (byte {} of the {})",
            error.offset,
            if error.unpacked { "unpacked tar" } else { "blob" }
        ),
    }
}

struct Folder<'a> {
    root: &'a Path,
    /// What this layer wrote: an opaque folder hides what lower layers put there, not this.
    written: BTreeSet<PathBuf>,
    /// The file whose content comes.
    file: Option<File>,
}

/// Why an entry cannot be put on the disk.
enum Trouble {
    System(io::Error),
    Refused(&'static str),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

fn told(entry: &Entry<'_>, trouble: Trouble) -> LayerProblem {
    let why = match trouble {
        Trouble::System(error) if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
            format!("the disk is full ({error})")
        }
        Trouble::System(error) => error.to_string(),
        Trouble::Refused(why) => why.to_owned(),
    };
    LayerProblem::Unpack(format!("`{}`: {why}", entry.path.escape_debug()))
}

impl Visitor for Folder<'_> {
    fn entry(&mut self, entry: &Entry<'_>) -> Result<Need, LayerProblem> {
        self.put(entry).map_err(|trouble| told(entry, trouble))
    }

    fn content(&mut self, _entry: &Entry<'_>, _bytes: &[u8]) {}

    fn piece(&mut self, entry: &Entry<'_>, at: u64, bytes: &[u8]) -> Result<(), LayerProblem> {
        let written = self.file.as_ref().map(|file| file.write_all_at(bytes, at));
        let written = written.ok_or(Trouble::Refused("its content comes before it"));
        written.and_then(|written| Ok(written?)).map_err(|trouble| told(entry, trouble))
    }
}

impl Folder<'_> {
    fn put(&mut self, entry: &Entry<'_>) -> Result<Need, Trouble> {
        let path = path(entry.raw);
        let (Some(name), Some(parent)) = (path.file_name(), path.parent()) else {
            return Ok(Need::Nothing);
        };
        let parent = self.folder(parent)?;
        if let Some(hidden) = name.as_bytes().strip_prefix(b".wh.") {
            self.hide(&parent, hidden)?;
            return Ok(Need::Nothing);
        }
        let place = parent.join(name);
        let mode = entry.mode & 0o777;
        let mut need = Need::Nothing;
        match entry.kind {
            Kind::Directory => {
                if !is_real_folder(&place) {
                    clear(&place)?;
                    fs::create_dir(&place)?;
                }
                fs::set_permissions(&place, fs::Permissions::from_mode(mode | 0o700))?;
            }
            Kind::File => {
                clear(&place)?;
                let file = File::options().write(true).create_new(true).mode(mode | 0o600).open(&place)?;
                if entry.sparse {
                    file.set_len(entry.size)?;
                }
                self.file = Some(file);
                need = Need::Pieces;
            }
            Kind::Symlink(to) => {
                clear(&place)?;
                symlink(std::ffi::OsStr::from_bytes(to), &place)?;
            }
            Kind::HardLink(to) => self.link(path_of_target(to)?, &place)?,
            // Devices and pipes: the service has those of the machine.
            Kind::Special => return Ok(Need::Nothing),
        }
        self.written.insert(place);
        Ok(need)
    }

    fn link(&self, (parent, name): (&Path, &std::ffi::OsStr), place: &Path) -> Result<(), Trouble> {
        let existing = self.folder(parent)?.join(name);
        if !fs::symlink_metadata(&existing).is_ok_and(|meta| meta.is_file() || meta.is_symlink()) {
            return Err(Trouble::Refused("it is a hard link to a file that is not there"));
        }
        if existing != place {
            clear(place)?;
            fs::hard_link(&existing, place)?;
        }
        Ok(())
    }

    fn hide(&self, parent: &Path, hidden: &[u8]) -> Result<(), Trouble> {
        if hidden != b".wh..opq" {
            if hidden.is_empty() || hidden == b"." || hidden == b".." {
                return Err(Trouble::Refused("a whiteout that names nothing"));
            }
            return Ok(clear(&parent.join(std::ffi::OsStr::from_bytes(hidden)))?);
        }
        for entry in fs::read_dir(parent)? {
            let path = entry?.path();
            // What lies in a folder comes right behind it.
            let mut from = self.written.range::<Path, _>((Bound::Included(path.as_path()), Bound::Unbounded));
            if !from.next().is_some_and(|written| written.starts_with(&path)) {
                clear(&path)?;
            }
        }
        Ok(())
    }

    /// The real folder of a path, made where it is missing.
    fn folder(&self, path: &Path) -> Result<PathBuf, Trouble> {
        let found = resolve(self.root, path)?;
        if !is_real_folder(&found) {
            fs::create_dir_all(&found)?;
        }
        Ok(found)
    }
}

fn path(raw: &[u8]) -> &Path {
    Path::new(std::ffi::OsStr::from_bytes(raw))
}

fn path_of_target(raw: &[u8]) -> Result<(&Path, &std::ffi::OsStr), Trouble> {
    let path = path(raw);
    let parts = path.parent().zip(path.file_name());
    parts.ok_or(Trouble::Refused("it is a hard link to nothing"))
}

fn is_real_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir())
}

fn clear(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::layers::sample::Tar;
    use crate::model::digest::Digest;
    use crate::model::image::{Compression, ImageConfig, Platform};

    fn unpacked(layers: &[Tar]) -> Result<tempfile::TempDir, RolloutError> {
        let dir = tempfile::tempdir().expect("folder");
        let layout = OciLayout::create(dir.path().join("image")).expect("layout");
        let layers = layers
            .iter()
            .map(|tar| {
                let bytes = tar.clone().finish();
                let digest = layout.write_blob(&bytes).expect("written");
                Layer {
                    digest,
                    diff_id: digest,
                    size: bytes.len() as u64,
                    compression: Compression::None,
                    created_by: None,
                }
            })
            .collect();
        let image = PlatformImage {
            platform: Platform::linux_amd64(),
            manifest: Digest::from_bytes([0; 32]),
            config: ImageConfig::default(),
            layers,
        };
        let root = dir.path().join("root");
        fs::create_dir(&root).expect("made");
        unpack(&layout, &image, &root, &Limits::default())?;
        Ok(dir)
    }

    #[test]
    fn a_path_that_leads_out_of_the_image_is_refused() {
        for path in ["../x", "a/../../x", "/../x", "a/../x"] {
            assert!(
                matches!(unpacked(&[Tar::new().file(path, "x")]), Err(RolloutError::Unpack { .. })),
                "{path}"
            );
        }
    }

    #[test]
    fn a_link_that_points_out_of_the_image_is_followed_inside_it() {
        let dir = unpacked(&[Tar::new()
            .symlink("up", "../../../..")
            .file("up/etc/evil", "x")
            .symlink("abs", "/tmp")
            .file("abs/evil", "y")])
        .expect("unpacked");
        let root = dir.path().join("root");
        assert_eq!(fs::read(root.join("etc/evil")).expect("inside"), b"x");
        assert_eq!(fs::read(root.join("tmp/evil")).expect("inside"), b"y");
    }

    #[test]
    fn a_file_written_over_a_link_replaces_the_link() {
        let dir = unpacked(&[Tar::new().symlink("a", "/etc/hostname").file("a", "mine")]).expect("unpacked");
        assert_eq!(fs::read(dir.path().join("root/a")).expect("file"), b"mine");
    }

    #[test]
    fn links_in_circles_are_refused() {
        assert!(unpacked(&[Tar::new().symlink("a", "b").symlink("b", "a").file("a/x", "")]).is_err());
    }

    #[test]
    fn a_hard_link_to_something_outside_is_refused() {
        assert!(unpacked(&[Tar::new().hard_link("a", "/etc/hostname")]).is_err());
        assert!(unpacked(&[Tar::new().hard_link("a", "../../etc/hostname")]).is_err());
        let inside = unpacked(&[Tar::new().file("etc/hostname", "mine").hard_link("a", "/etc/hostname")]).expect("the control");
        assert_eq!(fs::read(inside.path().join("root/a")).expect("linked"), b"mine");
    }

    #[test]
    fn whiteouts_hide_what_lower_layers_have() {
        let dir = unpacked(&[
            Tar::new()
                .dir("d")
                .file("d/a", "1")
                .file("d/b", "1")
                .file("e/f", "1")
                .file("e/new-not", "1"),
            Tar::new().file("d/.wh.a", "").file("e/new", "2").file("e/.wh..wh..opq", ""),
        ])
        .expect("unpacked");
        let root = dir.path().join("root");
        assert!(!root.join("d/a").exists() && root.join("d/b").exists());
        assert!(!root.join("e/f").exists() && !root.join("e/new-not").exists() && root.join("e/new").exists());
    }

    #[test]
    fn what_the_judge_is_not_sure_of_is_refused_and_nothing_of_it_is_written() {
        let twice = Tar::new().pax(&[("path", "judged"), ("path", "run")]).file("x", "1");
        let Err(RolloutError::Unpack { reason, .. }) = unpacked(&[twice]) else {
            panic!("it was unpacked")
        };
        assert!(
            reason.contains("`run` (byte 0 of the tar) can be read in more than one way"),
            "{reason}"
        );
        let slash = Tar::new().file("run/", "1");
        assert!(unpacked(&[slash]).is_err());
        let once = unpacked(&[Tar::new().pax(&[("path", "run")]).file("x", "1")]).expect("the control");
        assert_eq!(fs::read(once.path().join("root/run")).expect("written"), b"1");
    }

    #[test]
    fn a_sparse_file_has_its_holes_on_disk() {
        let records = [
            ("GNU.sparse.size", "8"),
            ("GNU.sparse.numblocks", "2"),
            ("GNU.sparse.map", "1,2,5,1"),
            ("GNU.sparse.name", "real"),
        ];
        let dir = unpacked(&[Tar::new().pax(&records).file("GNUSparseFile.0/real", "abc")]).expect("unpacked");
        assert_eq!(fs::read(dir.path().join("root/real")).expect("written"), b"\0ab\0\0c\0\0");
    }

    #[test]
    fn a_layer_that_is_not_what_it_is_called_is_refused() {
        let dir = tempfile::tempdir().expect("folder");
        let layout = OciLayout::create(dir.path().join("image")).expect("layout");
        let digest = layout.write_blob(&Tar::new().file("a", "1").finish()).expect("written");
        fs::write(layout.blob_path(&digest), Tar::new().file("a", "2").finish()).expect("changed");
        let layer = Layer {
            digest,
            diff_id: digest,
            size: 0,
            compression: Compression::None,
            created_by: None,
        };
        assert!(matches!(
            verify_stored(&layout, &layer),
            Err(RolloutError::Layout(crate::io::oci_layout::LayoutError::WrongDigest { .. }))
        ));
    }
}
