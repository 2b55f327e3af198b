//! Archives of images: honest ones in every form, and such that nobody honest writes.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use super::*;
use crate::io::files::FileError;
use crate::io::hash::sha256;
use crate::io::layers::sample::{Tar, gzip, zstd};
use crate::io::layers::{LayerProblem, Stated, Visitor, read};
use crate::io::limits::Limits;
use crate::io::oci_layout::LayoutError;
use crate::model::exit_kind::ExitKind;

/// A file in a folder that goes away with it.
struct Stored {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn stored(bytes: &[u8]) -> Stored {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("image.tar");
    fs::write(&path, bytes).expect("written");
    Stored { _folder: folder, path }
}

fn docker(bytes: &[u8]) -> Result<DockerImage, ArchiveError> {
    DockerImage::open(&stored(bytes).path, &Limits::default())
}

fn oci(bytes: &[u8]) -> Result<OciImage, ArchiveError> {
    OciImage::open(&stored(bytes).path, &Limits::default())
}

fn layer() -> Vec<u8> {
    Tar::new().file("etc/os-release", "ID=debian\n").finish()
}

fn config(layers: &[&[u8]]) -> String {
    let diff_ids: Vec<String> = layers.iter().map(|layer| sha256(layer).to_string()).collect();
    json!({"architecture": "arm64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": diff_ids}}).to_string()
}

fn manifest(config: &str, layers: &[&str]) -> String {
    json!([{"Config": config, "RepoTags": ["sample:1"], "Layers": layers}]).to_string()
}

/// As old engines write it: a folder for each layer.
fn saved() -> Tar {
    let config = config(&[&layer()]);
    let name = format!("{}.json", sha256(config.as_bytes()).hex());
    Tar::new()
        .file("1/layer.tar", layer())
        .file(&name, &config)
        .file("manifest.json", manifest(&name, &["1/layer.tar"]))
}

/// As new engines write it: blobs by digest.
fn saved_by_digest() -> Tar {
    let config = config(&[&layer()]);
    let blob = |bytes: &[u8]| format!("blobs/sha256/{}", sha256(bytes).hex());
    let names = (blob(config.as_bytes()), blob(&layer()));
    Tar::new()
        .file(&names.0, &config)
        .file(&names.1, layer())
        .file("manifest.json", manifest(&names.0, &[&names.1]))
}

struct Nothing;

impl Visitor for Nothing {
    fn entry(&mut self, _: &crate::io::layers::Entry<'_>) -> Result<crate::io::layers::Need, LayerProblem> {
        Ok(crate::io::layers::Need::Nothing)
    }

    fn content(&mut self, _: &crate::io::layers::Entry<'_>, _: &[u8]) {}
}

/// Entries of the image's only layer, read as whoever inventories it reads it.
fn entries(image: &DockerImage) -> u64 {
    let layer = &image.image.layers[0];
    let stated = Stated {
        digest: Some(layer.digest),
        diff_id: Some(layer.diff_id),
        size: Some(layer.size),
        name: String::new(),
    };
    let blob = image.open_layer(layer).expect("the member");
    read(blob, &stated, &Limits::default(), &mut Nothing)
        .expect("a sound layer")
        .entries
}

#[test]
fn old_and_new_archives_plain_and_compressed_hold_the_same_image() {
    for tar in [saved().finish(), saved_by_digest().finish(), saved().unfinished()] {
        for file in [tar.clone(), gzip(&tar), zstd(&tar)] {
            let image = docker(&file).expect("an image");
            assert_eq!(image.tag.as_deref(), Some("sample:1"));
            assert_eq!(image.image.platform.to_string(), "linux/arm64");
            assert_eq!(image.image.manifest, sha256(config(&[&layer()]).as_bytes()));
            assert_eq!(entries(&image), 1);
        }
    }
}

#[test]
fn a_layer_that_links_to_an_equal_one_is_read_there() {
    let config = config(&[&layer(), &layer(), &layer()]);
    let name = format!("{}.json", sha256(config.as_bytes()).hex());
    let tar = Tar::new()
        .file("1/layer.tar", layer())
        .symlink("2/layer.tar", "../1/layer.tar")
        .hard_link("3/layer.tar", "2/layer.tar")
        .file(&name, &config)
        .file("manifest.json", manifest(&name, &["1/layer.tar", "2/layer.tar", "3/layer.tar"]));
    let image = docker(&tar.finish()).expect("an image");
    assert_eq!((image.image.layers.len(), entries(&image)), (3, 1));
}

#[test]
fn links_in_a_circle_and_links_out_of_the_archive_lead_nowhere() {
    let config = config(&[&layer()]);
    let name = format!("{}.json", sha256(config.as_bytes()).hex());
    let with = |tar: Tar| docker(&tar.file(&name, &config).file("manifest.json", manifest(&name, &["l"])).finish());
    for tar in [
        Tar::new().symlink("l", "m").symlink("m", "l"),
        Tar::new().hard_link("l", "l"),
        Tar::new().symlink("l", "/etc/passwd"),
        Tar::new().symlink("l", "../../../../etc/passwd"),
        Tar::new(),
    ] {
        let error = with(tar).expect_err("nothing is there");
        assert!(matches!(&error, ArchiveError::Missing { member, .. } if member == "l"), "{error}");
        assert_eq!(error.exit_kind(), ExitKind::Undecidable);
    }
    let out = with(Tar::new().hard_link("l", "../../etc/passwd")).expect_err("refused");
    assert!(
        matches!(&out, ArchiveError::Broken(error) if matches!(error.problem, LayerProblem::Escape(_))),
        "{out}"
    );
}

#[test]
fn an_archive_that_was_cut_off_says_where() {
    let tar = saved().finish();
    for cut in [100, 600, 1800] {
        let error = docker(&tar[..cut]).expect_err("cut off");
        let ArchiveError::Broken(inner) = &error else { panic!("{error}") };
        assert!(matches!(inner.problem, LayerProblem::EndsInside(_)), "{error}");
        assert!(
            error.to_string().contains("image.tar") && error.to_string().contains("(byte "),
            "{error}"
        );
    }
    let packed = gzip(&tar);
    let error = docker(&packed[..packed.len() - 9]).expect_err("cut off");
    assert!(error.to_string().contains("compressed stream is broken"), "{error}");
    assert_eq!(error.exit_kind(), ExitKind::Undecidable);
}

#[test]
fn what_is_no_archive_of_an_image_is_the_users_mistake() {
    let kind = |error: ArchiveError| {
        assert!(matches!(error, ArchiveError::WrongKind { .. }), "{error}");
        error.exit_kind()
    };
    assert_eq!(
        kind(docker(&Tar::new().file("x", "y").finish()).expect_err("no manifest")),
        ExitKind::Usage
    );
    assert_eq!(kind(oci(&saved().finish()).expect_err("no index")), ExitKind::Usage);
    assert!(matches!(
        docker(b"text, and more of it than a tar's block has. ".repeat(20).as_slice()),
        Err(ArchiveError::Broken(_))
    ));
    let two = json!([{"Config": "c", "Layers": []}, {"Config": "d", "Layers": []}]).to_string();
    let two = docker(&Tar::new().file("manifest.json", two).finish()).expect_err("two");
    assert!(matches!(two, ArchiveError::Several { count: 2, .. }), "{two}");
}

#[test]
fn documents_that_contradict_each_other_or_their_digest_are_refused() {
    let tar = |config: &str, name: &str, layers: &[&str]| {
        Tar::new()
            .file("l", layer())
            .file(name, config)
            .file("manifest.json", manifest(name, layers))
            .finish()
    };
    let good = config(&[&layer()]);
    let digest = sha256(b"another").hex();
    let wrong = docker(&tar(&good, &format!("{digest}.json"), &["l"])).expect_err("wrong digest");
    assert!(
        matches!(&wrong, ArchiveError::WrongDigest { found, .. } if *found == sha256(good.as_bytes())),
        "{wrong}"
    );
    let count = docker(&tar(&good, "c.json", &["l", "l"])).expect_err("two layers, one diff id");
    assert!(matches!(&count, ArchiveError::Layout(LayoutError::Inconsistent { .. })), "{count}");
    for (text, what) in [
        ("{", "cut off"),
        ("[]", "another shape"),
        ("{\"rootfs\":{\"diff_ids\":[\"x\"]}}", "no digest"),
    ] {
        let error = docker(&tar(text, "c.json", &["l"])).expect_err(what);
        assert!(error.to_string().contains("c.json"), "{what}: {error}");
        assert_eq!(error.exit_kind(), ExitKind::Undecidable, "{what}");
    }
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(docker(&Tar::new().file("manifest.json", nested).finish()).is_err());
}

#[test]
fn bounds_hold_for_documents_layers_members_and_what_a_compressed_archive_unpacks_to() {
    let limits = Limits {
        manifest: 1000,
        layers: 2,
        expansion_free: 1 << 20,
        entries: 50,
        ..Limits::default()
    };
    let open = |bytes: &[u8]| DockerImage::open(&stored(bytes).path, &limits).expect_err("past a bound");
    let large = Tar::new().file("manifest.json", vec![b' '; 2000]).finish();
    assert!(matches!(open(&large), ArchiveError::File(FileError::TooLarge { limit: 1000, .. })));
    let layers = [layer(), layer(), layer()];
    let config = config(&layers.each_ref().map(Vec::as_slice));
    let many = Tar::new()
        .file("l", layer())
        .file("c", &config)
        .file("manifest.json", manifest("c", &["l", "l", "l"]));
    assert!(open(&many.finish()).to_string().contains("has 3 layers, more than 2"));
    let members = (0..60).fold(Tar::new(), |tar, at| tar.file(&format!("f{at}"), ""));
    assert!(open(&members.finish()).to_string().contains("number of entries"));
    let bomb = gzip(&Tar::new().file("zeros", vec![0; 8 << 20]).finish());
    let bomb = open(&bomb);
    assert!(
        matches!(&bomb, ArchiveError::Broken(error) if matches!(error.problem, LayerProblem::Bomb { .. })),
        "{bomb}"
    );
}

/// An image of one layer as the documents of an OCI layout in a tar, each blob once; gives the manifest's descriptor.
fn laid_out(tar: Tar, layer: &[u8], media: &str) -> (Tar, serde_json::Value) {
    let blob = |bytes: &[u8]| format!("blobs/sha256/{}", sha256(bytes).hex());
    let describe = |media: &str, bytes: &[u8]| json!({"mediaType": media, "digest": sha256(bytes).to_string(), "size": bytes.len()});
    let config = config(&[layer]);
    let manifest = json!({
        "schemaVersion": 2,
        "config": describe("application/vnd.oci.image.config.v1+json", config.as_bytes()),
        "layers": [describe(media, layer)],
    })
    .to_string();
    let tar = tar
        .file(&blob(layer), layer)
        .file(&blob(config.as_bytes()), &config)
        .file(&blob(manifest.as_bytes()), &manifest);
    (tar, describe("application/vnd.oci.image.manifest.v1+json", manifest.as_bytes()))
}

const PLAIN: &str = "application/vnd.oci.image.layer.v1.tar";

fn index(entries: &[&serde_json::Value]) -> String {
    json!({"schemaVersion": 2, "manifests": entries}).to_string()
}

/// `manifest.json` for an image whose blobs lie by digest.
fn naming(layer: &[u8]) -> String {
    let blob = |bytes: &[u8]| format!("blobs/sha256/{}", sha256(bytes).hex());
    manifest(&blob(config(&[layer]).as_bytes()), &[&blob(layer)])
}

/// As `docker save | portcullis` reads it.
fn streamed(bytes: &[u8]) -> Result<StreamedImage<()>, ArchiveError> {
    let limits = Limits::default();
    let mut members = crate::io::layers::Members::new(bytes, "stream", &limits);
    let mut take = |member: &crate::io::layers::Member, content: &mut (dyn std::io::Read + Send)| {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes).expect("content");
        assert_eq!(bytes.len() as u64, member.size);
        let digest = sha256(&bytes);
        Ok::<_, ArchiveError>(Taken {
            digest,
            diff_id: digest,
            said: (),
        })
    };
    receive(&mut members, "stream", &limits, &mut take)
}

#[test]
fn an_archive_whose_manifest_json_and_index_json_are_of_two_images_is_refused() {
    let other = Tar::new().file("etc/os-release", "ID=evil\n").finish();
    let (tar, honest) = laid_out(Tar::new(), &layer(), PLAIN);
    let agreeing = tar.file("index.json", index(&[&honest])).file("manifest.json", naming(&layer()));
    let agreeing = agreeing.finish();
    let read = docker(&agreeing).expect("what docker 25 writes");
    assert_eq!(read.image.manifest.to_string(), honest["digest"]);
    assert!(streamed(&agreeing).is_ok() && oci(&agreeing).is_ok());

    let (tar, honest) = laid_out(Tar::new(), &layer(), PLAIN);
    let (tar, evil) = laid_out(tar, &other, PLAIN);
    let with = |entries: &[&serde_json::Value]| {
        tar.clone()
            .file("index.json", index(entries))
            .file("manifest.json", naming(&layer()))
    };
    for entries in [&[&evil][..], &[&honest, &evil][..]] {
        let archive = with(entries).finish();
        for error in [
            docker(&archive).expect_err("two images"),
            streamed(&archive).expect_err("two images"),
        ] {
            assert!(matches!(&error, ArchiveError::Disagree { .. }), "{error}");
            assert_eq!(error.exit_kind(), ExitKind::Undecidable);
        }
    }
    assert!(matches!(oci(&with(&[&evil]).finish()), Err(ArchiveError::Disagree { .. })));
    // The same configuration over another layer is another image as well.
    let described = json!({"mediaType": PLAIN, "digest": sha256(&other).to_string(), "size": other.len()});
    let config = config(&[&layer()]);
    let swapped = json!({"schemaVersion": 2, "layers": [described], "config": {
        "mediaType": "application/vnd.oci.image.config.v1+json", "digest": sha256(config.as_bytes()).to_string(), "size": config.len()}})
    .to_string();
    let entry = json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": sha256(swapped.as_bytes()).to_string(), "size": swapped.len()});
    let archive = tar
        .file(&format!("blobs/sha256/{}", sha256(swapped.as_bytes()).hex()), &swapped)
        .file("index.json", index(&[&entry]))
        .file("manifest.json", naming(&layer()));
    assert!(matches!(docker(&archive.finish()), Err(ArchiveError::Disagree { .. })));
}

#[test]
fn a_broken_index_json_beside_a_manifest_json_is_not_passed_over() {
    let (tar, _) = laid_out(Tar::new(), &layer(), PLAIN);
    for broken in ["{", r#"{"manifests":[],"Manifests":[]}"#] {
        let archive = tar.clone().file("index.json", broken).file("manifest.json", naming(&layer()));
        assert!(matches!(docker(&archive.finish()), Err(ArchiveError::Layout(_))), "{broken}");
    }
}

#[test]
fn an_image_that_calls_itself_an_artifact_in_the_index_is_counted() {
    let other = Tar::new().file("etc/os-release", "ID=evil\n").finish();
    let (tar, honest) = laid_out(Tar::new(), &layer(), PLAIN);
    let (tar, mut hidden) = laid_out(tar, &other, PLAIN);
    hidden["artifactType"] = json!("application/vnd.example.signature");
    let archive = tar.clone().file("index.json", index(&[&honest, &hidden])).finish();
    assert!(matches!(
        oci(&archive),
        Err(ArchiveError::Layout(LayoutError::Ambiguous { count: 2, .. }))
    ));
    let (tar, mut signature) = laid_out(tar, b"a signature", "application/vnd.example.signature");
    signature["artifactType"] = json!("application/vnd.example.signature");
    let archive = tar.file("index.json", index(&[&honest, &signature])).finish();
    assert!(oci(&archive).is_ok(), "a real artifact is passed over");
}

#[test]
fn a_member_that_stands_twice_is_refused_also_through_a_dot() {
    for name in ["manifest.json", "./manifest.json"] {
        let twice = Tar::new().file(name, manifest("x", &[])).raw(&saved().unfinished()).finish();
        for error in [
            docker(&twice).expect_err("two readings"),
            streamed(&twice).expect_err("two readings"),
        ] {
            assert!(
                matches!(&error, ArchiveError::Twice { member, .. } if member == "manifest.json"),
                "{error}"
            );
            assert_eq!(error.exit_kind(), ExitKind::Undecidable);
        }
    }
    let folders = Tar::new().dir("1").dir("1").raw(&saved().unfinished());
    assert!(docker(&folders.finish()).is_ok(), "a folder may stand twice");
    let (tar, honest) = laid_out(Tar::new(), &layer(), PLAIN);
    let one = tar.file("index.json", index(&[&honest]));
    assert!(oci(&one.clone().finish()).is_ok());
    assert!(matches!(
        oci(&one.file("./index.json", index(&[])).finish()),
        Err(ArchiveError::Twice { .. })
    ));
}

#[test]
fn sparse_members_are_refused() {
    let sparse = Tar::new()
        .pax(&[("GNU.sparse.map", "0,1"), ("GNU.sparse.size", "9")])
        .file("manifest.json", "[");
    assert!(docker(&sparse.finish()).expect_err("sparse").to_string().contains("sparse"));
}

#[test]
fn a_layer_that_is_not_what_the_configuration_says_is_found_when_it_is_read() {
    let other = Tar::new().file("etc/os-release", "ID=fedora\n").finish();
    let config = config(&[&layer()]);
    let tar = Tar::new()
        .file("l", &other)
        .file("c", &config)
        .file("manifest.json", manifest("c", &["l"]));
    let image = docker(&tar.finish()).expect("the documents are sound");
    let layer = &image.image.layers[0];
    let stated = Stated {
        digest: Some(layer.digest),
        ..Stated::default()
    };
    let error = read(
        image.open_layer(layer).expect("the member"),
        &stated,
        &Limits::default(),
        &mut Nothing,
    )
    .expect_err("another layer");
    assert!(
        matches!(error.problem, LayerProblem::WrongDigest(found) if found == sha256(&other)),
        "{error}"
    );
}

proptest::proptest! {
    #[test]
    fn damaged_archives_never_panic(at in 0usize..6000, byte: u8, cut in 0usize..8000) {
        let mut tar = saved().finish();
        if let Some(target) = tar.get_mut(at) {
            *target = byte;
        }
        tar.truncate(cut);
        drop(docker(&tar));
        drop(oci(&tar));
    }
}
