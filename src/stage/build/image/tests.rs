use std::path::PathBuf;

use super::*;
use crate::io::Effects;
use crate::io::hash::sha256;
use crate::io::layers::sample::{Tar, gzip};
use crate::io::oci_layout::OciLayout;
use crate::model::exit_kind::ExitKind;
use crate::model::image::BuiltImage;
use crate::model::image_ref::ImageRef;
use crate::model::plan::{BuildPlan, Builder};
use crate::stage::build::{BuildError, ImageSource as _};

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn plan(&self, image: &str) -> BuildPlan {
        BuildPlan {
            service: "payments".to_owned(),
            root: self.0.path().to_owned(),
            builder: Builder::Image(ImageRef::parse(image).expect("a reference")),
            port: None,
            commit: None,
            layout: self.path("out/image"),
            work: self.path("work"),
            offline: true,
            ours: Vec::new(),
            fresh: false,
            twice: false,
        }
    }

    fn acquire(&self, image: &str) -> Result<BuiltImage, BuildError> {
        Image.acquire(&self.plan(image), &Effects::plain(self.path("cache")))
    }
}

fn layer() -> Vec<u8> {
    Tar::new().file("etc/os-release", "ID=debian\nVERSION_ID=12\n").finish()
}

fn config(tar: &[u8]) -> String {
    format!(
        r#"{{"os":"linux","architecture":"amd64","config":{{"User":"1000"}},"rootfs":{{"type":"layers","diff_ids":["{}"]}}}}"#,
        sha256(tar)
    )
}

/// What `docker save` of an old engine writes.
fn docker_archive(layer: &[u8], config: &str) -> Vec<u8> {
    let hex = sha256(config.as_bytes()).hex();
    let manifest = format!(r#"[{{"Config":"{hex}.json","RepoTags":["a:1"],"Layers":["1/layer.tar"]}}]"#);
    Tar::new()
        .dir("1")
        .file("1/layer.tar", layer)
        .file(&format!("{hex}.json"), config)
        .file("manifest.json", manifest)
        .finish()
}

#[test]
fn a_docker_archive_gives_one_digest_whatever_its_layers_were_packed_with() {
    let place = Place::new();
    let config = config(&layer());
    std::fs::write(place.path("plain.tar"), docker_archive(&layer(), &config)).expect("written");
    std::fs::write(place.path("packed.tar"), docker_archive(&gzip(&layer()), &config)).expect("written");
    std::fs::write(place.path("whole.tar.gz"), gzip(&docker_archive(&layer(), &config))).expect("written");
    let plain = place.acquire("docker-archive:plain.tar").expect("imported");
    let packed = place.acquire("docker-archive:packed.tar").expect("imported");
    let whole = place.acquire("docker-archive:whole.tar.gz").expect("imported");
    assert_eq!((plain.digest, plain.digest), (packed.digest, whole.digest));
    assert_eq!(plain.platforms[0].layers[0].diff_id, sha256(&layer()));
    assert_eq!(plain.platforms[0].config.user.as_deref(), Some("1000"));
}

#[test]
fn an_oci_image_keeps_its_digest() {
    let place = Place::new();
    std::fs::write(place.path("a.tar"), docker_archive(&layer(), &config(&layer()))).expect("written");
    let first = place.acquire("docker-archive:a.tar").expect("imported");
    std::fs::rename(place.path("out/image"), place.path("copy")).expect("renamed");
    let second = place.acquire("oci:copy").expect("imported");
    assert_eq!((first.digest, first.size), (second.digest, second.size));
    let again = place.acquire("oci:copy").expect("the layout is replaced");
    assert_eq!(again.digest, first.digest);
}

#[test]
fn a_layer_with_another_digest_is_refused_and_nothing_stays() {
    let place = Place::new();
    let other = Tar::new().file("x", "y").finish();
    std::fs::write(place.path("a.tar"), docker_archive(&other, &config(&layer()))).expect("written");
    let error = place.acquire("docker-archive:a.tar").expect_err("refused");
    assert_eq!(error.exit_kind(), ExitKind::Undecidable);
    assert!(error.to_string().contains("the configuration states"), "{error}");
    assert!(!place.path("out/image").exists());
    assert_eq!(std::fs::read_dir(place.path("out")).expect("listed").count(), 0);
}

#[test]
fn a_damaged_blob_is_refused() {
    let place = Place::new();
    std::fs::write(place.path("a.tar"), docker_archive(&layer(), &config(&layer()))).expect("written");
    let image = place.acquire("docker-archive:a.tar").expect("imported");
    std::fs::rename(place.path("out/image"), place.path("copy")).expect("renamed");
    let blob = OciLayout::open(place.path("copy"))
        .expect("a layout")
        .blob_path(&image.platforms[0].layers[0].digest);
    let mut bytes = std::fs::read(&blob).expect("read");
    bytes[40] ^= 1;
    std::fs::write(&blob, &bytes).expect("written");
    assert!(matches!(place.acquire("oci:copy"), Err(BuildError::Layout(_))));
    std::fs::write(&blob, &bytes[..20]).expect("written");
    assert_eq!(place.acquire("oci:copy").expect_err("refused").exit_kind(), ExitKind::Undecidable);
}

#[test]
fn a_folder_that_is_no_layout_is_not_replaced() {
    let place = Place::new();
    std::fs::write(place.path("a.tar"), docker_archive(&layer(), &config(&layer()))).expect("written");
    std::fs::create_dir_all(place.path("out/image")).expect("made");
    std::fs::write(place.path("out/image/precious"), "x").expect("written");
    assert!(place.acquire("docker-archive:a.tar").is_err());
    assert!(place.path("out/image/precious").exists());
}
