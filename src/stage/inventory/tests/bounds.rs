//! Damage, limits, memory, and what is remembered.

use crate::model::excused::Excused as _;

use super::*;

#[test]
fn a_broken_layer_names_itself_and_nothing_is_reported() {
    let sample = Sample::new(&[base(), Tar::new().file("x", "y")]);
    let blob = OciLayout::open(sample.dir.path().join("image"))
        .expect("layout")
        .blob_path(&sample.layers[1].digest);
    let bytes = std::fs::read(&blob).expect("read");
    std::fs::write(&blob, &bytes[..bytes.len() / 2]).expect("written");
    let error = sample.result(vec![sample.platform("amd64")]).expect_err("truncated");
    assert_eq!(error.exit_kind(), ExitKind::Undecidable);
    let text = error.to_string();
    assert!(
        text.contains(&sample.layers[1].digest.to_string()) && text.contains("truncated"),
        "{text}"
    );
}

#[test]
fn a_file_past_the_limit_is_a_gap_and_not_an_absence() {
    let sample = Sample::new(&[base()]);
    let inventory = sample.within(&Limits {
        wanted_file: 10,
        ..Limits::default()
    });
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
    let cold = run(engine::LayerCache::Cached).expect("an inventory");
    std::fs::write(layout.blob_path(&sample.layers[0].digest), "damaged").expect("written");
    let warm = run(engine::LayerCache::Cached).expect("from the cache");
    assert_eq!(cold, warm);
    assert!(run(engine::LayerCache::None).is_err());
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
    let limits = Limits::default();
    let pulse = || std::ops::ControlFlow::Continue(());
    let mut scan = crate::stage::inventory::image::scan::Scan::new(&catalogers, &limits, &pulse);
    let many = ManyFiles {
        left: 3_000_000,
        block: std::io::Cursor::default(),
    };
    let totals = crate::io::layers::read(many, &crate::io::layers::Stated::default(), &limits, &mut scan).expect("a sound layer");
    assert_eq!(totals.entries, 3_000_000);
    assert!(scan.finish().paths.hides(b"srv/7/7/f"));
    assert!(peak().is_none_or(|kilobytes| kilobytes < 150_000), "{:?} kB", peak());
}

/// An image of Debian and one of Alpine with every kind of database, and files behind links.
fn databases() -> [Tar; 2] {
    let debian = base()
        .file("var/lib/dpkg/info/base.list", "/.\n/usr/bin/tool\n")
        .file("var/lib/dpkg/status.d/single", "Package: single\nVersion: 2\nDepends: base\n")
        .file("usr/share/doc/base/copyright", "See /usr/share/common-licenses/GPL-2\n")
        .file("srv/node_modules/a/package.json", r#"{"name":"a","version":"1.0.0"}"#)
        .file("opt/real/installed", "P:hidden\nV:1\n\n")
        .symlink("lib/apk/db/installed", "/opt/real/installed");
    let alpine = Tar::new()
        .file("etc/os-release", "ID=alpine\nVERSION_ID=3.20.1\n")
        .file("lib/apk/db/installed", "P:musl\nV:1\nF:lib\nR:ld.so\n\nP:b\nV:2\nD:musl\n\nP:c\n");
    [debian, alpine]
}

#[test]
fn what_is_too_large_to_be_held_says_the_same_from_disk() {
    for tar in databases() {
        let sample = Sample::new(&[tar]);
        let run = |held| sample.within(&Limits { held, ..Limits::default() });
        let held = run(1 << 20);
        assert!(!held.components.is_empty());
        assert_eq!(held, run(1));
    }
}

#[test]
fn more_components_or_paths_than_a_layer_may_declare_are_a_gap() {
    let sample = Sample::new(&[base().file("var/lib/dpkg/info/base.list", "/a\n/b\n/c\n")]);
    let inventory = sample.within(&Limits {
        components: 0,
        owned_paths: 2,
        ..Limits::default()
    });
    assert!(inventory.components.is_empty());
    let limits: Vec<&str> = inventory
        .gaps
        .iter()
        .filter(|gap| gap.kind == GapKind::LimitReached)
        .map(|gap| gap.subject.as_str())
        .collect();
    assert_eq!(limits, ["/var/lib/dpkg/info/base.list", "/var/lib/dpkg/status"]);
}

#[test]
fn what_is_noted_of_one_layer_and_of_one_file_is_bounded() {
    let broken = "Package: x\nStatus: install ok installed\n\n".repeat(9);
    let first = Tar::new().file("var/lib/dpkg/status", broken);
    let many = (0..9).fold(first, |tar, at| tar.file_mode(&format!("srv/{at}"), 0o666, ""));
    let sample = Sample::new(&[many]);
    let inventory = sample.within(&Limits {
        noted_files: 5,
        noted_in_file: 3,
        ..Limits::default()
    });
    let of_layer = inventory.gaps.iter().filter(|gap| gap.detail.contains("more than 5 files")).count();
    let of_file: Vec<GapKind> = inventory
        .gaps
        .iter()
        .filter(|gap| gap.subject == "/var/lib/dpkg/status")
        .map(|gap| gap.kind)
        .collect();
    assert_eq!(of_layer, 1);
    assert_eq!(
        of_file.iter().filter(|kind| **kind == GapKind::LimitReached).count(),
        1,
        "{of_file:?}"
    );
    assert!(of_file.len() <= 4 && inventory.facts.len() <= 5);
}

/// The memory of the process at its largest, in kB.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").or_none("another system")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().or_none("another system")
}

/// A package database as large as one may be, made as it is read.
struct LargeDatabase {
    packages: u64,
    block: std::io::Cursor<Vec<u8>>,
}

impl LargeDatabase {
    const PACKAGE: usize = 1 << 20;

    fn new(packages: u64) -> Self {
        let head = Tar::new().header("var/lib/dpkg/status", b'0', 0o644, packages * Self::PACKAGE as u64, "");
        Self {
            packages,
            block: std::io::Cursor::new(head.unfinished()),
        }
    }
}

impl std::io::Read for LargeDatabase {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.block.position() == self.block.get_ref().len() as u64 && self.packages > 0 {
            self.packages -= 1;
            let mut text = format!("Package: p{}\nVersion: 1\nDescription: ", self.packages).into_bytes();
            text.resize(Self::PACKAGE - 2, b'x');
            text.extend_from_slice(b"\n\n");
            self.block = std::io::Cursor::new(text);
        }
        std::io::Read::read(&mut self.block, buffer)
    }
}

#[test]
#[ignore = "run it alone: it looks at the memory of the whole process"]
fn four_databases_of_64_megabytes_at_once_stay_within_100_megabytes() {
    let catalogers = engine::image_catalogers();
    let limits = Limits::default();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let pulse = || std::ops::ControlFlow::Continue(());
                let mut scan = crate::stage::inventory::image::scan::Scan::new(&catalogers, &limits, &pulse);
                crate::io::layers::read(LargeDatabase::new(64), &crate::io::layers::Stated::default(), &limits, &mut scan)
                    .expect("a layer");
                let facts = scan.finish();
                assert_eq!(facts.files.iter().map(|file| file.components.len()).sum::<usize>(), 64);
            });
        }
    });
    assert!(peak().is_none_or(|kilobytes| kilobytes < 100_000), "{:?} kB", peak());
}
