//! An image's root file system on the disk, layer by layer, each verified by digest before and while it is unpacked.
//!
//! Layers are read by the reader that judged them, and what it is not sure of is refused. Nothing that an archive says can lead out of the
//! folder: `..` is refused, links are followed inside the root only, device nodes are left out, set-uid bits are dropped, owners are not
//! restored.

use std::io;
use std::path::Path;

use super::super::error::RolloutError;
use super::layer_folder::Folder;
use crate::io::hash::Hashing;
use crate::io::layers::{self, LayerError, LayerProblem, Stated};
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
    let mut folder = Folder::new(root);
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

#[cfg(test)]
mod tests {
    use std::fs;

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
