//! Building upon an image that exists.

use std::fs;
use std::path::Path;

use portcullis::io::hash::sha256;
use portcullis::io::oci_layout::OciLayout;
use portcullis::model::exit_kind::ExitKind;
use portcullis::model::image::{Descriptor, media_type};
use portcullis::model::image_ref::ImageRef;
use portcullis::model::plan::{Builder, NativeBuild};
use portcullis::stage::build::{BuildError, build};
use serde_json::json;

use crate::build::native::{MANIFEST, effects, files, package, plan};

fn blob(layout: &OciLayout, media_type: &str, bytes: &[u8]) -> Descriptor {
    Descriptor::new(media_type, layout.write_blob(bytes).unwrap(), bytes.len() as u64)
}

/// An image of one layer with one file, whose configuration says a lot.
fn base(dir: &Path, architecture: &str) -> Descriptor {
    let layout = OciLayout::create(dir).unwrap();
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(5);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    tar.append_data(&mut header, "etc/motd", b"hello".as_slice()).unwrap();
    let tar = tar.into_inner().unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, &tar).unwrap();
    let layer = blob(&layout, media_type::DOCKER_LAYER_GZIP, &gzip.finish().unwrap());
    let config = json!({
        "architecture": architecture, "os": "linux",
        "config": {
            "User": "1000:1000", "Env": ["PATH=/bin", "PORT=1", "LANG=C"], "Cmd": ["sh"], "Healthcheck": {"Test": ["CMD", "true"]},
            "Labels": {"org.opencontainers.image.title": "the base", "vendor": "somebody"},
        },
        "rootfs": {"type": "layers", "diff_ids": [sha256(&tar)]},
        "history": [{"created_by": "the base's own step"}],
    });
    let config = blob(
        &layout,
        "application/vnd.docker.container.image.v1+json",
        config.to_string().as_bytes(),
    );
    let manifest = json!({"schemaVersion": 2, "mediaType": media_type::DOCKER_MANIFEST, "config": config, "layers": [layer]});
    let manifest = blob(&layout, media_type::DOCKER_MANIFEST, manifest.to_string().as_bytes());
    layout.put(&manifest, None).unwrap();
    manifest
}

fn upon(dir: &Path) -> Builder {
    Builder::Native(Box::new(NativeBuild {
        package: "greeter".to_owned(),
        base: Some(ImageRef::parse(&format!("oci:{}", dir.display())).unwrap()),
        ..NativeBuild::default()
    }))
}

#[test]
fn a_base_lies_below_the_program_and_keeps_its_user() {
    let folder = tempfile::tempdir().unwrap();
    package(folder.path(), MANIFEST, true);
    fs::write(folder.path().join("src/main.rs"), "fn main() {}").unwrap();
    let mut plan = plan(folder.path(), folder.path(), &[]);
    let base_digest = base(&folder.path().join("base"), "amd64").digest;
    plan.builder = upon(&folder.path().join("base"));
    let image = build(&plan, &effects()).unwrap();

    let names: Vec<String> = files(&image).into_keys().collect();
    assert_eq!(names, ["app/", "app/greeter", "etc/motd"]);
    let platform = &image.platforms[0];
    assert_eq!(platform.layers[0].created_by.as_deref(), Some("the base's own step"));
    let config = &platform.config;
    assert_eq!(config.user.as_deref(), Some("1000:1000"));
    assert_eq!(config.env, ["PATH=/bin", "LANG=C", "PORT=8080"]);
    assert_eq!((config.cmd.len(), &config.healthcheck), (0, &None));
    assert_eq!(config.labels["vendor"], "somebody");
    assert_eq!(config.labels["org.opencontainers.image.title"], "greeter");
    assert_eq!(config.labels["org.opencontainers.image.base.digest"], base_digest.to_string());
    let materials = image.provenance.as_ref().unwrap().materials.clone();
    assert!(
        materials.iter().any(|m| m.digest.get("sha256") == Some(&base_digest.hex())),
        "{materials:?}"
    );
    assert_eq!(build(&plan, &effects()).unwrap().digest, image.digest);
}

#[test]
fn a_base_for_another_machine_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    package(folder.path(), MANIFEST, true);
    fs::write(folder.path().join("src/main.rs"), "fn main() {}").unwrap();
    let mut plan = plan(folder.path(), folder.path(), &[]);
    base(&folder.path().join("base"), "s390x");
    plan.builder = upon(&folder.path().join("base"));
    let error = build(&plan, &effects()).unwrap_err();
    assert_eq!(error.exit_kind(), ExitKind::Usage);
    assert!(matches!(error, BuildError::BasePlatform { has, .. } if has == ["linux/s390x"]));
}
