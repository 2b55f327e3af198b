//! An image's root file system on the disk, layer by layer, each verified by digest before and while it is unpacked.
//!
//! Nothing that an archive says can lead out of the folder: `..` is refused, links are followed inside the root only, device nodes are
//! left out, set-uid bits are dropped, owners are not restored.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use tar::EntryType;

use super::super::error::RolloutError;
use crate::io::hash::Hashing;
use crate::io::limits::Limits;
use crate::io::oci_layout::OciLayout;
use crate::model::image::{Compression, Layer, PlatformImage};

/// Links that are followed on the way to one entry.
const MAX_LINKS: usize = 40;

/// Unpacks every layer of an image into an empty folder.
pub(super) fn unpack(layout: &OciLayout, image: &PlatformImage, root: &Path, limits: &Limits) -> Result<(), RolloutError> {
    for layer in &image.layers {
        verify_stored(layout, layer)?;
        unpack_layer(layout, layer, root, limits).map_err(|error| match error {
            Trouble::Unpack(reason) => RolloutError::Unpack {
                layer: layer.digest,
                reason,
            },
            Trouble::Layout(error) => RolloutError::Layout(*error),
        })?;
    }
    Ok(())
}

enum Trouble {
    Unpack(String),
    Layout(Box<crate::io::oci_layout::LayoutError>),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Unpack(match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => format!("the disk is full ({error})"),
            _ => error.to_string(),
        })
    }
}

fn refuse<T>(reason: impl Into<String>) -> Result<T, Trouble> {
    Err(Trouble::Unpack(reason.into()))
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

fn unpack_layer(layout: &OciLayout, layer: &Layer, root: &Path, limits: &Limits) -> Result<(), Trouble> {
    let file = layout.open_blob(&layer.digest).map_err(|error| Trouble::Layout(Box::new(error)))?;
    let file = io::BufReader::with_capacity(1 << 18, file);
    let plain: Box<dyn Read> = match layer.compression {
        Compression::None => Box::new(file),
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(file)?;
            decoder.window_log_max(27)?;
            Box::new(decoder)
        }
    };
    let most = limits
        .layer_unpacked
        .min((layer.size.saturating_mul(limits.expansion)).max(1 << 20));
    let mut archive = tar::Archive::new(Hashing::new(plain.take(most + 1)));
    let mut folder = Folder {
        root,
        written: HashSet::new(),
    };
    for (count, entry) in (0u64..).zip(archive.entries()?) {
        let mut entry = entry?;
        if count >= limits.entries {
            return refuse(format!("more than {} entries", limits.entries));
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        match folder.put(&mut entry, limits) {
            Ok(()) => {}
            Err(Trouble::Unpack(reason)) => return refuse(format!("`{}`: {reason}", name.escape_debug())),
            Err(other) => return Err(other),
        }
    }
    let mut rest = archive.into_inner();
    io::copy(&mut rest, &mut io::sink())?;
    let (_, found, count) = rest.finish();
    if count > most {
        return refuse(format!("it unpacks to more than {most} bytes"));
    }
    if found != layer.diff_id {
        return refuse(format!("unpacked it is {found}, and the image says {}", layer.diff_id));
    }
    Ok(())
}

struct Folder<'a> {
    root: &'a Path,
    /// What this layer wrote: an opaque folder hides what lower layers put there, not this.
    written: HashSet<PathBuf>,
}

impl Folder<'_> {
    fn put<R: Read>(&mut self, entry: &mut tar::Entry<'_, R>, limits: &Limits) -> Result<(), Trouble> {
        let kind = entry.header().entry_type();
        if matches!(kind, EntryType::XGlobalHeader) {
            return Ok(());
        }
        let path = relative(&entry.path_bytes(), limits)?;
        let Some(name) = path.file_name().map(ToOwned::to_owned) else {
            return Ok(());
        };
        let parent = self.folder(path.parent().unwrap_or(Path::new("")))?;
        if let Some(hidden) = name.as_bytes().strip_prefix(b".wh.") {
            return self.hide(&parent, hidden);
        }
        let place = parent.join(&name);
        let mode = entry.header().mode().unwrap_or(0o644) & 0o777;
        match kind {
            EntryType::Directory => {
                if !is_real_folder(&place) {
                    clear(&place)?;
                    fs::create_dir(&place)?;
                }
                fs::set_permissions(&place, fs::Permissions::from_mode(mode | 0o700))?;
            }
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                clear(&place)?;
                let mut file = fs::File::options().write(true).create_new(true).mode(mode | 0o600).open(&place)?;
                io::copy(entry, &mut file)?;
            }
            EntryType::Symlink => {
                clear(&place)?;
                let to = entry.link_name_bytes().map(|bytes| bytes.into_owned()).unwrap_or_default();
                symlink(std::ffi::OsStr::from_bytes(&to), &place)?;
            }
            EntryType::Link => {
                let to = entry.link_name_bytes().map(|bytes| bytes.into_owned()).unwrap_or_default();
                let to = relative(&to, limits)?;
                let folder = self.folder(to.parent().unwrap_or(Path::new("")))?;
                let existing = folder.join(to.file_name().unwrap_or_default());
                if !fs::symlink_metadata(&existing).is_ok_and(|meta| meta.is_file() || meta.is_symlink()) {
                    return refuse("it is a hard link to a file that is not there");
                }
                if existing != place {
                    clear(&place)?;
                    fs::hard_link(&existing, &place)?;
                }
            }
            // Devices and pipes: the service has those of the machine.
            _ => return Ok(()),
        }
        self.written.insert(place);
        Ok(())
    }

    fn hide(&self, parent: &Path, hidden: &[u8]) -> Result<(), Trouble> {
        if hidden != b".wh..opq" {
            if hidden.is_empty() || hidden == b"." || hidden == b".." {
                return refuse("a whiteout that names nothing");
            }
            return Ok(clear(&parent.join(std::ffi::OsStr::from_bytes(hidden)))?);
        }
        for entry in fs::read_dir(parent)? {
            let path = entry?.path();
            if !self.written.iter().any(|written| written.starts_with(&path)) {
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

/// The place that a path inside a root leads to when every link is followed as if the root were `/`. Nothing need be there.
pub(super) fn resolve(root: &Path, path: &Path) -> io::Result<PathBuf> {
    let mut found = root.to_owned();
    let mut depth = 0usize;
    let mut links = 0usize;
    let mut rest: Vec<std::ffi::OsString> = names(path);
    rest.reverse();
    while let Some(name) = rest.pop() {
        if name == ".." {
            if depth > 0 {
                found.pop();
                depth -= 1;
            }
            continue;
        }
        let next = found.join(&name);
        match fs::read_link(&next) {
            Ok(to) => {
                links += 1;
                if links > MAX_LINKS {
                    return Err(io::Error::other("its links go in circles"));
                }
                if to.is_absolute() {
                    root.clone_into(&mut found);
                    depth = 0;
                }
                rest.extend(names(&to).into_iter().rev());
            }
            Err(_) => {
                found = next;
                depth += 1;
            }
        }
    }
    Ok(found)
}

fn names(path: &Path) -> Vec<std::ffi::OsString> {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        })
        .collect()
}

/// An entry's path without its leading `/` or `./`.
fn relative(bytes: &[u8], limits: &Limits) -> Result<PathBuf, Trouble> {
    if bytes.len() > limits.path || bytes.contains(&0) {
        return refuse("its path is too long or holds a zero byte");
    }
    let path = Path::new(std::ffi::OsStr::from_bytes(bytes));
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => clean.push(name),
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => return refuse("its path leads out of the image"),
        }
    }
    if clean.components().count() > limits.depth {
        return refuse("its path is too deep");
    }
    Ok(clean)
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
    use crate::model::digest::Digest;
    use crate::model::image::{ImageConfig, Platform};

    type Item<'a> = (&'a str, EntryType, &'a str);

    fn tarball(items: &[Item<'_>]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, kind, content) in items {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_mode(0o755);
            let data = if *kind == EntryType::Regular { content.as_bytes() } else { b"" };
            header.set_size(data.len() as u64);
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            if *kind != EntryType::Regular {
                header.as_old_mut().linkname[..content.len()].copy_from_slice(content.as_bytes());
            }
            header.set_cksum();
            builder.append(&header, data).expect("appended");
        }
        builder.into_inner().expect("finished")
    }

    fn unpacked(layers: &[&[Item<'_>]]) -> Result<tempfile::TempDir, RolloutError> {
        let dir = tempfile::tempdir().expect("folder");
        let layout = OciLayout::create(dir.path().join("image")).expect("layout");
        let layers = layers
            .iter()
            .map(|items| {
                let bytes = tarball(items);
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

    use EntryType::{Directory, Link, Regular, Symlink};

    #[test]
    fn a_path_that_leads_out_of_the_image_is_refused() {
        for path in ["../x", "a/../../x", "/../x"] {
            assert!(
                matches!(unpacked(&[&[(path, Regular, "x")]]), Err(RolloutError::Unpack { .. })),
                "{path}"
            );
        }
    }

    #[test]
    fn a_link_that_points_out_of_the_image_is_followed_inside_it() {
        let dir = unpacked(&[&[
            ("up", Symlink, "../../../.."),
            ("up/etc/evil", Regular, "x"),
            ("abs", Symlink, "/tmp"),
            ("abs/evil", Regular, "y"),
        ]])
        .expect("unpacked");
        let root = dir.path().join("root");
        assert_eq!(fs::read(root.join("etc/evil")).expect("inside"), b"x");
        assert_eq!(fs::read(root.join("tmp/evil")).expect("inside"), b"y");
    }

    #[test]
    fn a_file_written_over_a_link_replaces_the_link() {
        let dir = unpacked(&[&[("a", Symlink, "/etc/hostname"), ("a", Regular, "mine")]]).expect("unpacked");
        assert_eq!(fs::read(dir.path().join("root/a")).expect("file"), b"mine");
    }

    #[test]
    fn links_in_circles_are_refused() {
        assert!(unpacked(&[&[("a", Symlink, "b"), ("b", Symlink, "a"), ("a/x", Regular, "")]]).is_err());
    }

    #[test]
    fn a_hard_link_to_something_outside_is_refused() {
        assert!(unpacked(&[&[("a", Link, "/etc/hostname")]]).is_err());
        assert!(unpacked(&[&[("a", Link, "../../etc/hostname")]]).is_err());
    }

    #[test]
    fn whiteouts_hide_what_lower_layers_have() {
        let dir = unpacked(&[
            &[
                ("d", Directory, ""),
                ("d/a", Regular, "1"),
                ("d/b", Regular, "1"),
                ("e/f", Regular, "1"),
            ],
            &[("d/.wh.a", Regular, ""), ("e/new", Regular, "2"), ("e/.wh..wh..opq", Regular, "")],
        ])
        .expect("unpacked");
        let root = dir.path().join("root");
        assert!(!root.join("d/a").exists() && root.join("d/b").exists());
        assert!(!root.join("e/f").exists() && root.join("e/new").exists());
    }

    #[test]
    fn a_layer_that_is_not_what_it_is_called_is_refused() {
        let dir = tempfile::tempdir().expect("folder");
        let layout = OciLayout::create(dir.path().join("image")).expect("layout");
        let digest = layout.write_blob(&tarball(&[("a", Regular, "1")])).expect("written");
        fs::write(layout.blob_path(&digest), tarball(&[("a", Regular, "2")])).expect("changed");
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
