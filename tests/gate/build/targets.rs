//! Native builds for other platforms, by other linkers, and upon bases that bring a loader.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use portcullis::io::hash::sha256;
use portcullis::io::oci_layout::OciLayout;
use portcullis::model::exit_kind::ExitKind;
use portcullis::model::image::{BuiltImage, Descriptor, DescriptorPlatform, media_type};
use portcullis::model::image_ref::ImageRef;
use portcullis::model::plan::{CargoCommand, Link, NativeBuild};
use portcullis::stage::build::{BuildError, NativeError, build};
use serde_json::json;

use crate::build::crates::{attempt, contains, pay, placed, plan, workspace};
use crate::build::native::effects;
use crate::support::tools::program;

const ARM: &str = "aarch64-unknown-linux-gnu";
const HERE: &str = "x86_64-unknown-linux-gnu";

/// Adds an entry: folders are somebody's own.
pub(crate) fn of_base(tar: &mut tar::Builder<Vec<u8>>, path: &str, kind: tar::EntryType, mode: u32, link: &str, content: &[u8]) {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(kind);
    header.set_size(content.len() as u64);
    header.set_mode(mode);
    let is_folder = kind == tar::EntryType::Directory;
    header.set_uid(if is_folder { 7 } else { 0 });
    header.set_gid(if is_folder { 8 } else { 0 });
    header.set_mtime(0);
    match kind {
        tar::EntryType::Symlink => tar.append_link(&mut header, path, link).unwrap(),
        _ => tar.append_data(&mut header, path, content).unwrap(),
    }
}

/// An image of one layer for some architectures, as an index.
pub(crate) fn base_with(place: &Path, architectures: &[&str], fill: impl Fn(&mut tar::Builder<Vec<u8>>)) -> ImageRef {
    let dir = place.join("base");
    let layout = OciLayout::create(&dir).unwrap();
    let blob = |media_type: &str, bytes: &[u8]| Descriptor::new(media_type, layout.write_blob(bytes).unwrap(), bytes.len() as u64);
    let mut manifests = Vec::new();
    for architecture in architectures {
        let mut tar = tar::Builder::new(Vec::new());
        fill(&mut tar);
        // The loader of its platform.
        let (machine, path) = match *architecture {
            "arm64" => (183_u8, "lib/ld-linux-aarch64.so.1"),
            _ => (62, "lib64/ld-linux-x86-64.so.2"),
        };
        let mut header = [0_u8; 64];
        header[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        (header[16], header[18], header[20]) = (3, machine, 1);
        if architectures.len() > 1 {
            of_base(&mut tar, path, tar::EntryType::Regular, 0o755, "", &header);
        }
        let tar = tar.into_inner().unwrap();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&tar).unwrap();
        let layer = blob(media_type::OCI_LAYER_GZIP, &gzip.finish().unwrap());
        let config = json!({
            "architecture": architecture, "os": "linux", "config": {"User": "1000:1000"},
            "rootfs": {"type": "layers", "diff_ids": [sha256(&tar)]},
        });
        let config = blob(media_type::OCI_CONFIG, config.to_string().as_bytes());
        let manifest = json!({"schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": [layer]});
        let mut manifest = blob(media_type::OCI_MANIFEST, manifest.to_string().as_bytes());
        manifest.platform = Some(DescriptorPlatform {
            architecture: (*architecture).to_owned(),
            os: "linux".to_owned(),
            variant: None,
        });
        manifests.push(manifest);
    }
    let index = json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": manifests});
    let index = blob(media_type::OCI_INDEX, index.to_string().as_bytes());
    layout.put(&index, None).unwrap();
    // Relative to the checkout: the name is in the provenance.
    ImageRef::parse("oci:../base").unwrap()
}

/// A base of several platforms, each with what looks like its loader.
pub(crate) fn loader_base(place: &Path, architectures: &[&str]) -> ImageRef {
    base_with(place, architectures, |_| ())
}

/// Mode and owner of an entry of the layers above a base of one layer.
pub(crate) fn raw(image: &BuiltImage, platform: usize, path: &str) -> (u32, u64, u64) {
    let layout = OciLayout::open(&image.layout).unwrap();
    for layer in &image.platforms[platform].layers[1..] {
        let blob = layout.read_blob(&layer.digest, 1 << 30).unwrap();
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(blob.as_slice()));
        for entry in archive.entries().unwrap().map(Result::unwrap) {
            if entry.path_bytes().as_ref() == path.as_bytes() {
                let header = entry.header();
                return (header.mode().unwrap(), header.uid().unwrap(), header.gid().unwrap());
            }
        }
    }
    panic!("no {path}")
}

fn is_installed(target: &str) -> bool {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let asked = Command::new(rustc).args(["--print", "sysroot"]).output().unwrap();
    let sysroot = PathBuf::from(String::from_utf8(asked.stdout).unwrap().trim());
    let installed = sysroot.join("lib/rustlib").join(target).join("lib").is_dir();
    if !installed {
        println!("skipped: the standard library for {target} is not installed (rustup target add {target})");
    }
    installed
}

fn for_targets(targets: &[&str]) -> NativeBuild {
    NativeBuild {
        targets: targets.iter().map(|&target| target.to_owned()).collect(),
        ..pay()
    }
}

fn fails(asked: &NativeBuild, change: impl Fn(&Path)) -> BuildError {
    let folder = tempfile::tempdir().unwrap();
    let root = workspace(folder.path());
    change(folder.path());
    let error = attempt(&root, folder.path(), asked).unwrap_err();
    assert!(!folder.path().join("image/index.json").exists(), "nothing half written");
    error
}

#[test]
fn two_targets_make_an_index_whose_platforms_hold_their_own_programs() {
    let linker = "aarch64-linux-gnu-gcc";
    if program(linker).is_none() || !is_installed(ARM) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let asked = NativeBuild {
        linkers: BTreeMap::from([(ARM.to_owned(), linker.to_owned())]),
        files: vec![placed("assets", "/srv")],
        ..for_targets(&[ARM, HERE])
    };
    let images = ["first", "second-and-longer/down"].map(|name| {
        let place = folder.path().join(name);
        let mut plan = plan(&workspace(&place), &place, &asked);
        plan.twice = name == "first";
        build(&plan, &effects()).unwrap()
    });
    let [image, again] = &images;
    assert_eq!(image.digest, again.digest);
    assert_eq!(image.media_type, media_type::OCI_INDEX);
    let platforms: Vec<String> = image.platforms.iter().map(|image| image.platform.to_string()).collect();
    assert_eq!(
        platforms,
        ["linux/amd64", "linux/arm64"],
        "in one order, whatever order they are named in"
    );
    let parameters = &image.provenance.as_ref().unwrap().parameters;
    assert_eq!(parameters["target"], format!("{HERE},{ARM}"));
    assert_eq!(parameters[&format!("linker:{ARM}")], linker);
    for (at, machine) in [(0, 62), (1, 183)] {
        let one = BuiltImage {
            platforms: vec![image.platforms[at].clone()],
            ..image.clone()
        };
        let found = crate::build::native::files(&one);
        assert_eq!(found["app/pay"].2[18], machine);
        assert!(found.contains_key("srv/run.sh"));
        let info = auditable_info::audit_info_from_slice(&found["app/pay"].2, 1 << 20).unwrap();
        assert_eq!(info.packages.len(), 1);
    }
    assert_eq!(
        image.platforms[0].layers[..2],
        image.platforms[1].layers[..2],
        "what is alike is one blob"
    );
}

#[test]
fn a_foreign_target_without_a_linker_for_it_says_what_links() {
    if !is_installed(ARM) {
        return;
    }
    let error = fails(&for_targets(&[ARM]), |_| ());
    assert!(matches!(error, BuildError::Native(NativeError::Target { .. })), "{error}");
    assert_eq!(error.exit_kind(), ExitKind::Usage, "nothing was compiled");
    let by_the_hosts = NativeBuild {
        linkers: BTreeMap::from([(String::new(), "cc".to_owned())]),
        ..for_targets(&[ARM])
    };
    let error = fails(&by_the_hosts, |_| ());
    assert!(matches!(error, BuildError::Native(NativeError::CannotLink { .. })), "{error}");
    assert_eq!(error.exit_kind(), ExitKind::Undecidable);
}

#[test]
fn zig_links_upon_a_base_and_gives_one_digest_in_two_folders() {
    if program("cargo-zigbuild").is_none() {
        return;
    }
    let targets: &[&str] = if is_installed(ARM) {
        &[HERE, "aarch64-unknown-linux-gnu.2.28"]
    } else {
        &[HERE]
    };
    let folder = tempfile::tempdir().unwrap();
    let images = ["first", "second-and-longer/down"].map(|name| {
        let place = folder.path().join(name);
        let root = workspace(&place);
        let asked = NativeBuild {
            cargo: CargoCommand::Zigbuild,
            link: Link::Dynamic,
            base: Some(loader_base(&place, &["amd64", "arm64"])),
            ..for_targets(targets)
        };
        build(&plan(&root, &place, &asked), &effects()).unwrap()
    });
    assert_eq!(images[0].digest, images[1].digest);
    assert_eq!(images[0].platforms.len(), targets.len());
    let provenance = images[0].provenance.as_ref().unwrap();
    assert_eq!(provenance.parameters["cargo"], "zigbuild");
    assert!(
        provenance.parameters["command"].starts_with("cargo zigbuild --release --locked "),
        "{provenance:?}"
    );
    assert!(provenance.tools["cargo-zigbuild"].contains("zigbuild"));
    let found = crate::build::native::files(&images[0]);
    let here = folder.path().to_str().unwrap();
    assert!(!contains(&found["app/pay"].2, here), "the program names {here}");
}

#[test]
fn zig_that_is_not_there_is_told_in_plain_words() {
    if program("cargo-zigbuild").is_some() {
        println!("skipped: it is there");
        return;
    }
    let asked = NativeBuild {
        cargo: CargoCommand::Zigbuild,
        link: Link::Dynamic,
        base: Some(ImageRef::parse("oci:../base").unwrap()),
        ..pay()
    };
    let error = fails(&asked, |_| ());
    assert!(matches!(error, BuildError::Native(NativeError::NoZigbuild { .. })), "{error}");
    assert_eq!(error.exit_kind(), ExitKind::Usage);
}

#[test]
fn a_dynamic_program_needs_a_base_that_has_its_loader() {
    let dynamic = |base: Option<ImageRef>| NativeBuild {
        link: Link::Dynamic,
        base,
        ..for_targets(&[HERE])
    };
    let error = fails(&dynamic(None), |_| ());
    assert!(matches!(error, BuildError::Native(NativeError::NeedsBase)), "{error}");
    assert_eq!(error.exit_kind(), ExitKind::Usage);

    let folder = tempfile::tempdir().unwrap();
    let root = workspace(folder.path());
    let bare = base_with(folder.path(), &["amd64"], |_| ());
    let error = attempt(&root, folder.path(), &dynamic(Some(bare.clone()))).unwrap_err();
    assert!(error.to_string().contains("the base has nothing there"), "{error}");
    assert_eq!(error.exit_kind(), ExitKind::Usage);
    // The control, by way of links as Debian has them.
    std::fs::remove_dir_all(folder.path().join("base")).unwrap();
    let base = base_with(folder.path(), &["amd64"], |tar| {
        of_base(tar, "lib64", tar::EntryType::Symlink, 0o777, "usr/lib64", b"");
        of_base(
            tar,
            "usr/lib64/ld-linux-x86-64.so.2",
            tar::EntryType::Symlink,
            0o777,
            "../lib/ld.so",
            b"",
        );
        let mut header = *b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01\0\0\0";
        header[4] = 2;
        of_base(tar, "usr/lib/ld.so", tar::EntryType::Regular, 0o755, "", &header);
    });
    let image = attempt(&root, folder.path(), &dynamic(Some(base))).unwrap();
    assert_eq!(image.provenance.unwrap().parameters["link"], "dynamic");
    // The loader is there, and no library: that is told.
    let log = crate::build::programs::Log::default();
    let effects = portcullis::io::Effects {
        observer: log.observer(),
        ..effects()
    };
    let base = ImageRef::parse("oci:../base").unwrap();
    build(&plan(&root, folder.path(), &dynamic(Some(base))), &effects).unwrap();
    assert!(log.text().contains("/app/pay needs libgcc_s.so.1, libc.so.6"), "{}", log.text());
}

#[test]
fn a_linker_that_is_not_there_is_told_before_anything_is_compiled() {
    let asked = NativeBuild {
        linkers: BTreeMap::from([(String::new(), "no-such-linker".to_owned())]),
        ..pay()
    };
    let error = fails(&asked, |_| ());
    assert!(matches!(error, BuildError::Native(NativeError::NoLinker { .. })), "{error}");
    assert_eq!(error.exit_kind(), ExitKind::Usage);
}

#[test]
fn a_linker_of_the_users_links() {
    let folder = tempfile::tempdir().unwrap();
    let root = workspace(folder.path());
    let script = root.join("tools/linker");
    std::fs::write(
        &script,
        "#!/bin/sh\necho linked >> \"$(dirname \"$0\")/../linked\"\nexec cc \"$@\"\n",
    )
    .unwrap();
    crate::support::tools::executable(&script);
    let asked = NativeBuild {
        linkers: BTreeMap::from([(String::new(), "tools/linker".to_owned())]),
        ..pay()
    };
    attempt(&root, folder.path(), &asked).unwrap();
    let times = std::fs::read_to_string(root.join("linked")).unwrap().lines().count();
    assert!(times >= 2, "asked for its version, and for the program: {times}");
}
