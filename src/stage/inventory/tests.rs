//! Layers over each other, with the real catalogers.

use std::path::Path;

use super::engine;
use super::*;
use crate::io::hash::sha256;
use crate::io::layers::sample::{Tar, gzip};
use crate::io::oci_layout::OciLayout;
use crate::model::digest::Digest;
use crate::model::fault::Fault;
use crate::model::image::{Compression, ImageConfig, Layer, Platform, PlatformImage, media_type};

const OS: &str = "ID=debian\nVERSION_ID=12\n";

fn status(packages: &[&str]) -> String {
    packages
        .iter()
        .map(|name| format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0-1\n\n"))
        .collect()
}

/// An image of some tars, the lowest first.
struct Sample {
    dir: tempfile::TempDir,
    layers: Vec<Layer>,
}

impl Sample {
    fn new(tars: &[Tar]) -> Self {
        let dir = tempfile::tempdir().expect("folder");
        let layout = OciLayout::create(dir.path().join("image")).expect("layout");
        let layers = tars
            .iter()
            .enumerate()
            .map(|(at, tar)| {
                let tar = tar.clone().finish();
                let blob = gzip(&tar);
                Layer {
                    digest: layout.write_blob(&blob).expect("written"),
                    diff_id: sha256(&tar),
                    size: blob.len() as u64,
                    compression: Compression::Gzip,
                    created_by: Some(format!("step {at}")),
                }
            })
            .collect();
        Self { dir, layers }
    }

    fn platform(&self, architecture: &str) -> PlatformImage {
        PlatformImage {
            platform: Platform {
                os: "linux".to_owned(),
                architecture: architecture.to_owned(),
                variant: None,
            },
            manifest: Digest::from_bytes([7; 32]),
            config: ImageConfig::default(),
            layers: self.layers.clone(),
        }
    }

    fn result(&self, platforms: Vec<PlatformImage>) -> Result<Inventory, InventoryError> {
        let built = BuiltImage {
            digest: Digest::from_bytes([7; 32]),
            media_type: media_type::OCI_MANIFEST.to_owned(),
            size: 1,
            layout: self.dir.path().join("image"),
            platforms,
            commit: None,
            provenance: None,
        };
        let subject = Subject {
            name: "sample".to_owned(),
            digest: Some(built.digest),
            commit: None,
        };
        image(&built, subject, &effects(self.dir.path())).map(|seen| seen.inventory)
    }

    fn inventory(&self) -> Inventory {
        self.result(vec![self.platform("amd64")]).expect("an inventory")
    }
}

fn effects(dir: &Path) -> Effects {
    Effects::plain(dir.join("cache"))
}

fn of(tars: &[Tar]) -> Inventory {
    Sample::new(tars).inventory()
}

fn names(inventory: &Inventory) -> Vec<&str> {
    inventory.components.iter().map(|c| c.name.as_str()).collect()
}

/// Each component with the build step that brought it.
fn brought(inventory: &Inventory) -> Vec<(String, String)> {
    let step = |c: &Component| c.locations[0].created_by.clone().unwrap_or_default();
    inventory.components.iter().map(|c| (c.name.clone(), step(c))).collect()
}

fn gaps(inventory: &Inventory) -> Vec<(GapKind, &str)> {
    inventory.gaps.iter().map(|g| (g.kind, g.subject.as_str())).collect()
}

fn base() -> Tar {
    Tar::new().file("etc/os-release", OS).file("var/lib/dpkg/status", status(&["base"]))
}

#[test]
fn os_packages_get_the_release_that_the_image_ends_with() {
    let inventory = of(&[base()]);
    assert_eq!(
        inventory.components[0].purl.to_string(),
        "pkg:deb/debian/base@1.0-1?arch=amd64&distro=debian-12"
    );
    assert_eq!(inventory.components[0].ecosystem.as_ref().map(|e| e.as_str()), Some("Debian:12"));
    assert_eq!(inventory.components[0].locations[0].path, "/var/lib/dpkg/status");
    assert_eq!(inventory.platforms[0].os.as_ref().map(|os| os.id.as_str()), Some("debian"));
    assert_eq!(gaps(&inventory), []);
    let upgraded = of(&[base(), Tar::new().file("etc/os-release", "ID=debian\nVERSION_ID=13\n")]);
    assert_eq!(upgraded.components[0].ecosystem.as_ref().map(|e| e.as_str()), Some("Debian:13"));
}

#[test]
fn etc_os_release_counts_before_the_one_in_usr_lib() {
    let usr = Tar::new().file("usr/lib/os-release", "ID=debian\nVERSION_ID=11\n");
    assert_eq!(
        of(&[base(), usr]).platforms[0].os.as_ref().map(|os| os.version_id.as_str()),
        Some("12")
    );
    let linked = Tar::new()
        .file("usr/lib/os-release", OS)
        .symlink("etc/os-release", "../usr/lib/os-release")
        .file("var/lib/dpkg/status", status(&["base"]));
    assert_eq!(gaps(&of(&[linked])), []);
}

#[test]
fn a_package_is_attributed_to_the_layer_that_first_brought_it() {
    let second = Tar::new().file("var/lib/dpkg/status", status(&["added", "base"]));
    let third = Tar::new().file("var/lib/dpkg/status", status(&["added", "base", "late"]));
    let inventory = of(&[base(), second, third]);
    let expected = [("added", "step 1"), ("base", "step 0"), ("late", "step 2")];
    assert_eq!(brought(&inventory), expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
}

#[test]
fn a_package_that_was_removed_later_is_not_reported() {
    let second = Tar::new().file("var/lib/dpkg/status", status(&["base", "gone"]));
    let third = Tar::new().file("var/lib/dpkg/status", status(&["base"]));
    assert_eq!(names(&of(&[base(), second.clone(), third])), ["base"]);
    let back = Tar::new().file("var/lib/dpkg/status", status(&["base", "gone"]));
    let without = Tar::new().file("var/lib/dpkg/status", status(&["base"]));
    assert_eq!(brought(&of(&[base(), second, without, back]))[1].1, "step 3");
}

#[test]
fn whiteouts_and_opaque_folders_hide_databases() {
    for hiding in [
        Tar::new().file("var/lib/dpkg/.wh.status", ""),
        Tar::new().file("var/lib/.wh.dpkg", ""),
        Tar::new().file("var/lib/.wh..wh..opq", ""),
        Tar::new().file("var", "a file now"),
        Tar::new().symlink("var/lib", "/nowhere"),
        Tar::new().dir("var/lib/dpkg/status"),
        Tar::new().file(".wh..wh..opq", ""),
    ] {
        let inventory = of(&[base(), hiding]);
        assert_eq!(names(&inventory), [] as [&str; 0]);
        assert!(gaps(&inventory).contains(&(GapKind::EmptyInventory, "linux/amd64")));
    }
}

#[test]
fn a_whiteout_in_one_layer_does_not_hide_files_of_the_same_layer() {
    let both = base().file("var/lib/dpkg/.wh.status", "").file("var/lib/.wh..wh..opq", "");
    assert_eq!(names(&of(&[base(), both])), ["base"]);
    let beside = Tar::new().file("var/lib/dpkg/.wh.stat", "").dir("var/lib/dpkg").dir("var");
    assert_eq!(names(&of(&[base(), beside])), ["base"]);
}

#[test]
fn a_folder_replaced_by_a_file_and_back_shows_what_is_new_only() {
    let file = Tar::new().file("var/lib/dpkg", "");
    let again = Tar::new().file("var/lib/dpkg/status", status(&["new"]));
    assert_eq!(names(&of(&[base(), file, again])), ["new"]);
}

#[test]
fn the_last_of_two_entries_of_one_path_counts() {
    let twice = base().file("var/lib/dpkg/status", status(&["second"]));
    assert_eq!(names(&of(&[twice])), ["second"]);
    let dotted = base().file("./var/lib//dpkg/status", status(&["second"]));
    assert_eq!(names(&of(&[dotted])), ["second"]);
    let replaced = base().symlink("var/lib/dpkg/status", "/nowhere");
    assert_eq!(names(&of(&[replaced])), [] as [&str; 0]);
}

#[test]
fn a_database_behind_symbolic_links_is_found() {
    let folder = Tar::new()
        .file("etc/os-release", OS)
        .symlink("var/lib/dpkg", "../../opt/db")
        .file("opt/db/status", status(&["linked"]));
    let inventory = of(std::slice::from_ref(&folder));
    assert_eq!(names(&inventory), ["linked"]);
    assert_eq!(inventory.components[0].locations[0].path, "/opt/db/status");
    let file = Tar::new()
        .file("etc/os-release", OS)
        .file("opt/list", status(&["linked"]))
        .symlink("var/lib/dpkg/status", "/opt/list");
    assert_eq!(names(&of(&[file])), ["linked"]);
    let later = Tar::new().file("opt/db/status", status(&["linked", "second"]));
    let expected = [("linked", "step 0"), ("second", "step 1")];
    assert_eq!(brought(&of(&[folder, later])), expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
}

#[test]
fn a_database_that_is_a_hard_link_is_found() {
    let linked = Tar::new()
        .file("etc/os-release", OS)
        .file("opt/list", status(&["linked"]))
        .hard_link("opt/second", "opt/list")
        .hard_link("var/lib/dpkg/status", "opt/second");
    assert_eq!(names(&of(std::slice::from_ref(&linked))), ["linked"]);
    let removed = Tar::new().file("opt/.wh.list", "").file("opt/.wh.second", "");
    assert_eq!(names(&of(&[linked, removed])), ["linked"], "the other name is still there");
}

#[test]
fn a_circle_of_links_where_a_database_should_be_is_undecidable() {
    let circle = Tar::new()
        .file("etc/os-release", OS)
        .symlink("var/lib/dpkg", "dpkg2")
        .symlink("var/lib/dpkg2", "dpkg");
    let sample = Sample::new(&[circle]);
    let error = sample.result(vec![sample.platform("amd64")]).expect_err("a circle");
    assert_eq!(error.fault(), Fault::Undecidable);
    assert!(error.to_string().contains("var/lib/dpkg"), "{error}");
}

#[test]
fn an_upper_layer_that_writes_through_a_linked_folder_replaces_what_lies_below() {
    let merged = Tar::new()
        .file("etc/os-release", OS)
        .symlink("lib", "usr/lib")
        .file("var/lib/dpkg/status", status(&["base"]))
        .file("usr/lib/tool", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0");
    let over = Tar::new().file("lib/tool", "a script");
    assert!(gaps(&of(std::slice::from_ref(&merged))).contains(&(GapKind::UnownedExecutable, "/usr/lib/tool")));
    assert_eq!(gaps(&of(&[merged, over])), []);
}

#[test]
fn only_installed_packages_own_executables() {
    let elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0";
    let owned = base()
        .file("var/lib/dpkg/info/base.list", "/bin/tool\n")
        .symlink("bin", "usr/bin")
        .file("usr/bin/tool", elf);
    assert_eq!(gaps(&of(&[owned])), [], "owned under its other name");
    let pretended = base()
        .file("var/lib/dpkg/info/ghost.list", "/usr/bin/tool\n")
        .file("usr/bin/tool", elf);
    assert_eq!(gaps(&of(&[pretended])), [(GapKind::UnownedExecutable, "/usr/bin/tool")]);
}

#[test]
fn packages_without_a_release_are_a_gap() {
    let inventory = of(&[Tar::new().file("var/lib/dpkg/status", status(&["base"]))]);
    assert_eq!(gaps(&inventory), [(GapKind::UnknownDistro, "linux/amd64")]);
    let unheard = Tar::new()
        .file("etc/os-release", "ID=unheard\nVERSION_ID=1\n")
        .file("var/lib/dpkg/status", status(&["base"]));
    assert_eq!(gaps(&of(&[unheard])), [(GapKind::UnknownDistro, "linux/amd64")]);
}

#[test]
fn every_platform_of_an_index_is_inventoried() {
    let sample = Sample::new(&[base()]);
    let inventory = sample
        .result(vec![sample.platform("amd64"), sample.platform("arm64")])
        .expect("an inventory");
    let platforms: Vec<String> = inventory
        .components
        .iter()
        .filter_map(|c| Some(c.platform.as_ref()?.to_string()))
        .collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm64"]);
    assert_eq!(inventory.platforms.len(), 2);
}

#[test]
fn equal_images_give_equal_bytes() {
    let tars = [base(), Tar::new().file("var/lib/dpkg/status", status(&["added", "base"]))];
    let sample = Sample::new(&tars);
    let text = |inventory: Inventory| serde_json::to_string(&inventory).expect("JSON");
    assert_eq!(text(sample.inventory()), text(sample.inventory()));
}

#[test]
fn a_broken_layer_names_itself_and_nothing_is_reported() {
    let sample = Sample::new(&[base(), Tar::new().file("x", "y")]);
    let blob = OciLayout::open(sample.dir.path().join("image"))
        .expect("layout")
        .blob_path(&sample.layers[1].digest);
    let bytes = std::fs::read(&blob).expect("read");
    std::fs::write(&blob, &bytes[..bytes.len() / 2]).expect("written");
    let error = sample.result(vec![sample.platform("amd64")]).expect_err("truncated");
    assert_eq!(error.fault(), Fault::Undecidable);
    let text = error.to_string();
    assert!(
        text.contains(&sample.layers[1].digest.to_string()) && text.contains("truncated"),
        "{text}"
    );
}

#[test]
fn a_file_past_the_limit_is_a_gap_and_not_an_absence() {
    let sample = Sample::new(&[base()]);
    let mut effects = effects(sample.dir.path());
    effects.limits.wanted_file = 10;
    let layout = OciLayout::open(sample.dir.path().join("image")).expect("layout");
    let subject = Subject {
        name: String::new(),
        digest: None,
        commit: None,
    };
    let inventory = engine::inventory(&[sample.platform("amd64")], &layout, subject, &effects, engine::Memory::None).expect("an inventory");
    assert!(gaps(&inventory).contains(&(GapKind::LimitReached, "/var/lib/dpkg/status")));
}

#[test]
fn names_that_are_not_utf8_do_not_stop_the_walk() {
    let mut odd = Tar::new().file("var/lib/dpkg/info/x.list", "").unfinished();
    odd[20] = 0xff;
    let mut block = [0; 512];
    block.copy_from_slice(&odd[..512]);
    crate::io::layers::sample::checksum(&mut block);
    assert_eq!(names(&of(&[base().raw(&block)])), ["base"]);
}

fn secret() -> String {
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", "QUJD".repeat(32))
}

#[test]
fn a_secret_that_a_later_layer_deletes_is_still_reported() {
    let leak = Tar::new().file("app/key.pem", secret());
    let inventory = of(&[base(), leak, Tar::new().file("app/.wh.key.pem", "")]);
    let fact = &inventory.facts[0];
    assert_eq!(
        (fact.kind, fact.deleted, fact.location.path.as_str()),
        (FactKind::Secret, true, "/app/key.pem")
    );
    assert_eq!((fact.location.created_by.as_deref(), fact.location.line), (Some("step 1"), Some(1)));
}

#[test]
fn setuid_files_count_while_they_are_there() {
    let tool = Tar::new()
        .file_mode("usr/bin/tool", 0o4755, "#!/bin/sh\n")
        .hard_link("usr/bin/link", "usr/bin/tool");
    let kinds = |inventory: &Inventory| {
        inventory
            .facts
            .iter()
            .map(|f| (f.kind, f.location.path.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        kinds(&of(&[base(), tool.clone()])),
        [(FactKind::SetuidFile, "/usr/bin/tool".to_owned())]
    );
    let removed = Tar::new().file("usr/bin/.wh.tool", "");
    assert_eq!(
        kinds(&of(&[base(), tool, removed])),
        [(FactKind::SetuidFile, "/usr/bin/link".to_owned())]
    );
}

#[test]
fn what_a_package_ships_is_no_secret_but_what_lies_in_etc_may_be() {
    let shipped = base()
        .file("var/lib/dpkg/info/base.list", "/usr/lib/base/key.pem\n/etc/base/key.pem\n")
        .file("usr/lib/base/key.pem", secret())
        .file("etc/base/key.pem", secret());
    let inventory = of(&[shipped]);
    let paths: Vec<&str> = inventory.facts.iter().map(|f| f.location.path.as_str()).collect();
    assert_eq!(paths, ["/etc/base/key.pem"]);
}

#[test]
fn cached_facts_give_the_same_inventory_and_are_not_believed_by_the_gate() {
    let second = Tar::new()
        .file("var/lib/dpkg/status", status(&["added", "base"]))
        .file("app/key.pem", secret());
    let sample = Sample::new(&[base(), second, Tar::new().file("app/.wh.key.pem", "")]);
    let layout = OciLayout::open(sample.dir.path().join("image")).expect("layout");
    let effects = effects(sample.dir.path());
    let subject = || Subject {
        name: "sample".to_owned(),
        digest: Some(Digest::from_bytes([7; 32])),
        commit: None,
    };
    let run = |memory| engine::inventory(&[sample.platform("amd64")], &layout, subject(), &effects, memory);
    let cold = run(engine::Memory::Cached).expect("an inventory");
    std::fs::write(layout.blob_path(&sample.layers[0].digest), "damaged").expect("written");
    let warm = run(engine::Memory::Cached).expect("from the cache");
    assert_eq!(cold, warm);
    assert!(run(engine::Memory::None).is_err());
}

/// A tar of empty files, made as it is read.
struct ManyFiles {
    left: u64,
    block: std::io::Cursor<Vec<u8>>,
}

impl std::io::Read for ManyFiles {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.block.position() == self.block.get_ref().len() as u64 && self.left > 0 {
            self.left -= 1;
            let path = format!("srv/{}/{}/f", self.left % 1000, self.left);
            self.block = std::io::Cursor::new(Tar::new().file(&path, "").unfinished());
        }
        std::io::Read::read(&mut self.block, buffer)
    }
}

#[test]
#[ignore = "takes a minute without optimisation; run it alone: it looks at the memory of the whole process"]
fn three_million_tiny_files_stream_within_150_megabytes() {
    let catalogers = engine::image_catalogers();
    let limits = crate::io::limits::Limits::default();
    let pulse = || std::ops::ControlFlow::Continue(());
    let mut scan = super::scan::Scan::new(&catalogers, &limits, &pulse);
    let many = ManyFiles {
        left: 3_000_000,
        block: std::io::Cursor::default(),
    };
    let totals = crate::io::layers::read(many, &crate::io::layers::Stated::default(), &limits, &mut scan).expect("a sound layer");
    assert_eq!(totals.entries, 3_000_000);
    assert!(scan.finish().paths.hides(b"srv/7/7/f", 0));
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse::<u64>().ok());
    assert!(peak.is_none_or(|kilobytes| kilobytes < 150_000), "{peak:?} kB");
}

/// A file that the loader would take.
fn shared_object() -> Vec<u8> {
    [&b"\x7fELF\x02\x01\x01"[..], &[0; 9], &[3, 0, 62, 0], &[0; 60]].concat()
}

#[test]
fn native_parts_of_language_packages_are_accounted_for_by_their_package() {
    let site = "usr/lib/python3/dist-packages";
    let metadata = "Metadata-Version: 2.1\nName: Fast_Math\nVersion: 1.0\n";
    let inventory = of(&[Tar::new()
        .file(&format!("{site}/fast_math-1.0.dist-info/METADATA"), metadata)
        .file(
            &format!("{site}/fast_math-1.0.dist-info/RECORD"),
            "fast_math/_c.so,sha256=AA,1\n../../../bin/fast,,\n",
        )
        .file(&format!("{site}/fast_math/_c.so"), shared_object())
        .file(&format!("{site}/fast_math/_dropped.so"), shared_object())
        .file("usr/bin/fast", shared_object())
        .file("srv/node_modules/bcrypt/package.json", r#"{"name":"bcrypt","version":"5.1.0"}"#)
        .file("srv/node_modules/bcrypt/lib/binding/bcrypt.node", shared_object())
        .file("srv/bcrypt.node", shared_object())]);
    assert_eq!(
        gaps(&inventory),
        [
            (GapKind::UnownedExecutable, "/srv/bcrypt.node"),
            (GapKind::UnownedExecutable, "/usr/lib/python3/dist-packages/fast_math/_dropped.so"),
        ]
    );
}

#[test]
fn a_record_of_a_package_that_is_not_there_accounts_for_nothing() {
    let inventory = of(&[base()
        .file("opt/a-1.dist-info/RECORD", "a/x.so,,\n")
        .file("opt/a/x.so", shared_object())]);
    assert_eq!(gaps(&inventory), [(GapKind::UnownedExecutable, "/opt/a/x.so")]);
}

#[test]
fn licences_of_debian_packages_are_found_through_links() {
    let text = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: GPL-2+\n";
    let inventory = of(&[
        Tar::new()
            .file("etc/os-release", OS)
            .file("var/lib/dpkg/status", status(&["gcc-12-base", "libgcc-s1", "other"]))
            .symlink("usr/share/doc/libgcc-s1", "gcc-12-base"),
        Tar::new().file("usr/share/doc/gcc-12-base/copyright", text),
    ]);
    let licenses: Vec<_> = inventory
        .components
        .iter()
        .map(|c| (c.name.as_str(), c.licenses.join(", ")))
        .collect();
    let gpl = || "GPL-2.0-or-later".to_owned();
    assert_eq!(licenses, [("gcc-12-base", gpl()), ("libgcc-s1", gpl()), ("other", String::new())]);
}

#[test]
fn packages_with_a_record_each_know_what_they_need() {
    let record = |name: &str, needs: &str| format!("Package: {name}\nVersion: 1\nArchitecture: amd64\n{needs}");
    let inventory = of(&[Tar::new()
        .file("etc/os-release", OS)
        .file("var/lib/dpkg/status.d/libc6", record("libc6", ""))
        .file(
            "var/lib/dpkg/status.d/libssl3",
            record("libssl3", "Depends: libc6 (>= 2.34), debconf (>= 0.5) | debconf-2.0\n"),
        )]);
    let needs: Vec<String> = inventory.components[1].dependencies.iter().map(ToString::to_string).collect();
    assert_eq!(needs, ["pkg:deb/debian/libc6@1?arch=amd64&distro=debian-12"]);
}
