use std::fs;
use std::io::Write;
use std::path::Path;

use serde_json::json;

use super::*;
use crate::io::limits::Limits;
use crate::model::digest::Digest;
use crate::model::exit_kind::ExitKind;
use crate::model::image::{Compression, Descriptor, DescriptorPlatform, media_type};

fn layout() -> (tempfile::TempDir, OciLayout) {
    let dir = tempfile::tempdir().expect("folder");
    let layout = OciLayout::create(dir.path().join("image")).expect("layout");
    (dir, layout)
}

fn descriptor(layout: &OciLayout, media_type: &str, bytes: &[u8]) -> Descriptor {
    Descriptor::new(media_type, layout.write_blob(bytes).expect("blob"), bytes.len() as u64)
}

/// An image of one layer and three history entries, one of them of an empty layer.
fn image(layout: &OciLayout, architecture: &str) -> Descriptor {
    let layer = descriptor(layout, media_type::OCI_LAYER_GZIP, b"not really a layer");
    let config = json!({
        "architecture": architecture, "os": "linux", "created": "2026-01-01T00:00:00Z",
        "config": {"User": "65532", "Env": null, "ExposedPorts": {"8080/tcp": {}}},
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", "1".repeat(64))]},
        "history": [{"created_by": "ENV A=b", "empty_layer": true}, {"created_by": "COPY x /x"}],
    });
    let config = descriptor(layout, media_type::OCI_CONFIG, config.to_string().as_bytes());
    let manifest = json!({"schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": [layer]});
    descriptor(layout, media_type::OCI_MANIFEST, manifest.to_string().as_bytes())
}

/// As BuildKit writes it: its layers are in-toto statements.
fn attestation(layout: &OciLayout) -> Descriptor {
    let layer = descriptor(layout, "application/vnd.in-toto+json", b"{}");
    let config = json!({"architecture": "unknown", "os": "unknown", "rootfs": {"type": "layers", "diff_ids": [layer.digest]}});
    let config = descriptor(layout, media_type::OCI_CONFIG, config.to_string().as_bytes());
    let manifest = json!({"schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": [layer]});
    descriptor(layout, media_type::OCI_MANIFEST, manifest.to_string().as_bytes())
}

fn on(platform: (&str, &str), mut descriptor: Descriptor) -> Descriptor {
    descriptor.platform = Some(DescriptorPlatform {
        os: platform.0.to_owned(),
        architecture: platform.1.to_owned(),
        variant: None,
    });
    descriptor
}

#[test]
fn a_folder_that_is_none_is_the_users_error() {
    let dir = tempfile::tempdir().expect("folder");
    for path in [dir.path().to_owned(), dir.path().join("none")] {
        let error = OciLayout::open(path).expect_err("no layout");
        assert_eq!(error.exit_kind(), ExitKind::Usage, "{error}");
    }
}

#[test]
fn a_blob_that_was_changed_is_refused() {
    let (_dir, layout) = layout();
    let digest = layout.write_blob(b"content").expect("blob");
    assert_eq!(layout.read_blob(&digest, 100).expect("read"), b"content");
    fs::write(layout.blob_path(&digest), b"c0ntent").expect("changed");
    let error = layout.read_blob(&digest, 100).expect_err("changed");
    assert!(matches!(error, LayoutError::WrongDigest { .. }));
    assert_eq!(error.exit_kind(), ExitKind::Undecidable);
    assert!(error.to_string().contains(&digest.hex()));
}

#[test]
fn a_blob_writer_names_what_it_wrote_and_leaves_nothing_when_dropped() {
    let (_dir, layout) = layout();
    let mut writer = layout.blob_writer().expect("writer");
    writer.write_all(b"half").expect("written");
    drop(writer);
    let mut writer = layout.blob_writer().expect("writer");
    writer.write_all(b"whole").expect("written");
    let (digest, size) = writer.finish().expect("finished");
    assert_eq!(
        (layout.read_blob(&digest, 10).expect("read").as_slice(), size),
        (b"whole".as_slice(), 5)
    );
    assert_eq!(fs::read_dir(layout.dir().join("blobs/sha256")).expect("listed").count(), 1);
}

#[test]
fn a_tag_names_one_manifest() {
    let (_dir, layout) = layout();
    let (one, two) = (image(&layout, "amd64"), image(&layout, "arm64"));
    layout.put(&one, None).expect("put");
    assert_eq!(layout.find(None).expect("the only one").digest, one.digest);
    layout.put(&one, Some("v1")).expect("put");
    assert_eq!(layout.index().expect("index").len(), 1, "the untagged entry became the tagged one");
    layout.put(&two, Some("v2")).expect("put");
    assert!(matches!(layout.find(None), Err(LayoutError::Ambiguous { count: 2, .. })));
    layout.put(&two, Some("v1")).expect("put");
    assert_eq!(layout.find(Some("v1")).expect("v1").digest, two.digest);
    assert!(matches!(layout.find(Some("v3")), Err(LayoutError::UnknownTag { known, .. }) if known == ["v1", "v2"]));
    layout.remove(&two.digest).expect("removed");
    assert!(matches!(layout.find(None), Err(LayoutError::Empty { .. })));
}

#[test]
fn a_signature_beside_the_image_does_not_make_it_ambiguous() {
    let (_dir, layout) = layout();
    let (one, mut signature, mut hidden) = (image(&layout, "amd64"), attestation(&layout), image(&layout, "arm64"));
    signature.artifact_type = Some("application/vnd.dev.sigstore.bundle.v0.3+json".to_owned());
    layout.put(&one, None).expect("put");
    layout.put(&signature, None).expect("put");
    assert_eq!(layout.find(None).expect("the image").digest, one.digest);
    hidden.artifact_type.clone_from(&signature.artifact_type);
    layout.put(&hidden, None).expect("put");
    let error = layout.find(None).expect_err("an image that calls itself a signature");
    assert!(matches!(error, LayoutError::Ambiguous { count: 2, .. }), "{error}");
}

#[test]
fn what_the_index_holds_beside_its_entries_is_kept() {
    let (_dir, layout) = layout();
    let index = json!({"schemaVersion": 2, "annotations": {"a": "b"}, "manifests": []});
    fs::write(layout.dir().join("index.json"), index.to_string()).expect("written");
    layout.put(&image(&layout, "amd64"), Some("v1")).expect("put");
    let index = fs::read_to_string(layout.dir().join("index.json")).expect("read");
    assert!(index.contains(r#""annotations":{"a":"b"}"#), "{index}");
}

#[test]
fn a_layer_knows_the_history_entry_that_made_it() {
    let (_dir, layout) = layout();
    let platforms = layout.platforms(&image(&layout, "amd64"), &Limits::default()).expect("platforms");
    let [platform] = platforms.as_slice() else { panic!("one platform") };
    assert_eq!(platform.platform.to_string(), "linux/amd64");
    assert_eq!(platform.config.user.as_deref(), Some("65532"));
    assert_eq!(platform.config.exposed_ports, ["8080/tcp"]);
    assert_eq!(platform.layers[0].compression, Compression::Gzip);
    assert_eq!(platform.layers[0].created_by.as_deref(), Some("COPY x /x"));
}

#[test]
fn an_index_gives_every_platform_but_no_attestation() {
    let (_dir, layout) = layout();
    let entries = [
        on(("linux", "amd64"), image(&layout, "amd64")),
        on(("linux", "arm64"), image(&layout, "arm64")),
        on(("unknown", "unknown"), attestation(&layout)),
        attestation(&layout),
        // Not copied with the image.
        on(
            ("unknown", "unknown"),
            Descriptor::new(media_type::OCI_MANIFEST, Digest::from_bytes([7; 32]), 9),
        ),
    ];
    let index = json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": entries});
    let index = descriptor(&layout, media_type::OCI_INDEX, index.to_string().as_bytes());
    let platforms = layout.platforms(&index, &Limits::default()).expect("platforms");
    let names: Vec<String> = platforms.iter().map(|p| p.platform.to_string()).collect();
    assert_eq!(names, ["linux/amd64", "linux/arm64"]);
    let few = Limits {
        platforms: 1,
        ..Limits::default()
    };
    assert!(layout.platforms(&index, &few).is_err());
}

#[test]
fn an_image_that_calls_itself_an_attestation_is_judged() {
    let (_dir, layout) = layout();
    let mut by_annotation = image(&layout, "amd64");
    let kind = ("vnd.docker.reference.type".to_owned(), "attestation-manifest".to_owned());
    by_annotation.annotations.extend([kind]);
    for hidden in [on(("unknown", "unknown"), image(&layout, "amd64")), by_annotation] {
        let index = json!({"schemaVersion": 2, "manifests": [on(("linux", "arm64"), image(&layout, "arm64")), hidden]});
        let index = descriptor(&layout, media_type::OCI_INDEX, index.to_string().as_bytes());
        assert_eq!(layout.platforms(&index, &Limits::default()).expect("platforms").len(), 2);
    }
}

#[test]
fn every_annotation_is_among_the_texts_of_its_image() {
    let (_dir, layout) = layout();
    let note = |name: &str| std::collections::BTreeMap::from([(name.to_owned(), "v".to_owned())]);
    let mut layer = descriptor(&layout, media_type::OCI_LAYER_GZIP, b"not really a layer");
    layer.annotations = note("layer");
    let config = json!({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [layer.digest]}});
    let mut config = descriptor(&layout, media_type::OCI_CONFIG, config.to_string().as_bytes());
    config.annotations = note("config");
    let manifest = json!({"schemaVersion": 2, "config": config, "layers": [layer], "annotations": note("manifest")});
    let mut manifest = descriptor(&layout, media_type::OCI_MANIFEST, manifest.to_string().as_bytes());
    manifest.annotations = note("entry");
    let index = json!({"schemaVersion": 2, "manifests": [manifest], "annotations": note("index")});
    let index = descriptor(&layout, media_type::OCI_INDEX, index.to_string().as_bytes());
    let platforms = layout.platforms(&index, &Limits::default()).expect("platforms");
    let notes: Vec<&str> = platforms[0]
        .config
        .texts
        .iter()
        .map(|(_, text)| text.as_str())
        .filter(|text| text.ends_with("=v"))
        .collect();
    assert_eq!(notes, ["entry=v", "manifest=v", "config=v", "layer=v", "index=v"]);
}

#[test]
fn a_manifest_that_calls_itself_an_index_is_refused() {
    let (_dir, layout) = layout();
    let descriptor = image(&layout, "amd64");
    let text = String::from_utf8(layout.read_blob(&descriptor.digest, 9999).expect("manifest")).expect("text");
    let parse = |text: String| Manifest::parse(Path::new("m"), text.as_bytes()).map(|_| ());
    assert!(parse(text.clone()).is_ok() && parse(text.replace(media_type::OCI_MANIFEST, media_type::DOCKER_MANIFEST)).is_ok());
    for other in [
        text.replace(media_type::OCI_MANIFEST, media_type::OCI_INDEX),
        text.replace("\"schemaVersion\":2", "\"schemaVersion\":1"),
        text.replace("\"schemaVersion\":2", "\"manifests\":[]"),
        text.replace("\"schemaVersion\":2", "\"fsLayers\":[]"),
    ] {
        assert!(matches!(parse(other.clone()), Err(LayoutError::Inconsistent { .. })), "{other}");
    }
    let index = |text: &str| Index::parse(Path::new("i"), text.as_bytes()).map(|_| ());
    assert!(index(r#"{"manifests":[]}"#).is_ok());
    for other in [r#"{"manifests":[],"layers":[]}"#, r#"{"manifests":[],"config":{}}"#] {
        assert!(matches!(index(other), Err(LayoutError::Inconsistent { .. })), "{other}");
    }
}

#[test]
fn a_tag_that_names_two_images_is_refused() {
    let (_dir, layout) = layout();
    let named = |mut d: Descriptor| {
        d.annotations.insert(REF_NAME.to_owned(), "v1".to_owned());
        d
    };
    let one = named(image(&layout, "amd64"));
    let write = |entries: &[&Descriptor]| {
        let index = json!({"schemaVersion": 2, "manifests": entries});
        fs::write(layout.dir().join("index.json"), index.to_string()).expect("written");
    };
    write(&[&one, &one]);
    assert!(layout.find(Some("v1")).is_ok());
    write(&[&one, &named(image(&layout, "arm64"))]);
    assert!(matches!(layout.find(Some("v1")), Err(LayoutError::Inconsistent { .. })));
}

#[test]
fn a_layer_that_was_cut_off_is_refused_by_name() {
    let (_dir, layout) = layout();
    let image = image(&layout, "amd64");
    let layer = layout.platforms(&image, &Limits::default()).expect("platforms")[0].layers[0].digest;
    fs::write(layout.blob_path(&layer), b"not really").expect("cut");
    let error = layout.platforms(&image, &Limits::default()).expect_err("cut");
    assert!(
        matches!(
            &error,
            LayoutError::WrongSize {
                expected: 18,
                found: 10,
                ..
            }
        ),
        "{error}"
    );
    fs::remove_file(layout.blob_path(&layer)).expect("removed");
    let error = layout.platforms(&image, &Limits::default()).expect_err("gone");
    assert!(matches!(error, LayoutError::BlobMissing { digest, .. } if digest == layer));
}

#[test]
fn a_configuration_must_account_for_every_layer() {
    let (_dir, layout) = layout();
    let config = json!({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}});
    let config = descriptor(&layout, media_type::OCI_CONFIG, config.to_string().as_bytes());
    let layer = descriptor(&layout, media_type::OCI_LAYER, b"layer");
    let manifest = json!({"schemaVersion": 2, "config": config, "layers": [layer]});
    let manifest = descriptor(&layout, media_type::OCI_MANIFEST, manifest.to_string().as_bytes());
    let error = layout.platforms(&manifest, &Limits::default()).expect_err("no diff ids");
    assert!(error.to_string().contains("names 0 layers where its manifest has 1"), "{error}");
}

#[test]
fn a_document_that_is_manifest_and_index_at_once_is_refused() {
    let (_dir, layout) = layout();
    let good = image(&layout, "amd64");
    let bytes = layout.read_blob(&good.digest, 10_000).expect("manifest");
    let mut value: serde_json::Value = serde_json::from_slice(&bytes).expect("json");
    value["manifests"] = json!([good]);
    for media in [media_type::OCI_MANIFEST, media_type::OCI_INDEX] {
        let both = descriptor(&layout, media, value.to_string().as_bytes());
        let error = layout.platforms(&both, &Limits::default()).expect_err("both");
        assert!(error.to_string().contains("at once"), "{error}");
    }
}

#[test]
fn a_broken_document_names_file_and_offset() {
    let (_dir, layout) = layout();
    fs::write(layout.dir().join("index.json"), "{\n\"manifests\": [}").expect("broken");
    let error = layout.index().expect_err("broken");
    assert!(matches!(&error, LayoutError::Document { offset: 16, .. }), "{error}");
    assert!(error.to_string().contains("index.json"), "{error}");
}

#[test]
fn a_nested_manifest_is_found_by_its_digest() {
    let (_dir, layout) = layout();
    let inner = image(&layout, "amd64");
    let found = layout.find_digest(&inner.digest, &Limits::default()).expect("found");
    assert_eq!((found.media_type, found.size), (inner.media_type, inner.size));
}

#[test]
fn the_old_image_goes_when_a_new_one_takes_its_place() {
    let (_dir, layout) = layout();
    let (old, new) = (image(&layout, "amd64"), image(&layout, "arm64"));
    layout.put(&old, Some("old")).expect("put");
    layout.replace_with(&new, None, &Limits::default()).expect("replaced");
    assert_eq!(layout.find(None).expect("the new one").digest, new.digest);
    assert!(!layout.has_blob(&old.digest));
    assert_eq!(fs::read_dir(layout.dir().join("blobs/sha256")).expect("listed").count(), 3);
    layout.platforms(&new, &Limits::default()).expect("whole");
}

#[test]
fn an_image_that_is_not_whole_takes_no_place() {
    let (_dir, layout) = layout();
    let (old, new) = (image(&layout, "amd64"), image(&layout, "arm64"));
    layout.put(&old, None).expect("put");
    fs::remove_file(layout.blob_path(&new.digest)).expect("removed");
    assert!(layout.replace_with(&new, None, &Limits::default()).is_err());
    assert_eq!(layout.find(None).expect("the old one").digest, old.digest);
}

#[test]
fn a_folder_with_other_things_in_it_is_left_alone() {
    let dir = tempfile::tempdir().expect("folder");
    fs::write(dir.path().join("thesis.txt"), "years of work").expect("written");
    let error = OciLayout::create(dir.path()).expect_err("somebody's own folder");
    assert_eq!(error.exit_kind(), ExitKind::Usage);
    assert_eq!(fs::read_dir(dir.path()).expect("listed").count(), 1);
}
