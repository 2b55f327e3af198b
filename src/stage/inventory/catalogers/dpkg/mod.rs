//! Debian's package database: `var/lib/dpkg/status`, and `status.d/*` of images without a package manager.
//!
//! Source: deb-control(5), dpkg(1) "Package states". Purls have no namespace and components no ecosystem: these follow from the
//! operating system's release, which another file tells.

mod package;
mod relations;

use package::{Package, is_name};

use std::io::{self, BufRead};

use crate::io::layers::Spilled;
use crate::io::limits::Limits;
use crate::model::coverage::GapKind;
use crate::model::inventory::{Component, SourcePackage};
use crate::model::purl::Purl;

use crate::stage::inventory::cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};
use crate::stage::inventory::formats::deb822::{self, Paragraph};
use crate::stage::inventory::formats::paragraphs::{self, Paragraphs};

/// Reads the package database and the lists of files that packages own.
pub struct Dpkg;

const STATUS: &str = "var/lib/dpkg/status";
const STATUS_D: &str = "var/lib/dpkg/status.d/";
const INFO: &str = "var/lib/dpkg/info/";
/// What dpkg did since it last wrote the whole database: a file with a paragraph for each step, read over it in the order of their names.
const UPDATES: &str = "var/lib/dpkg/updates/";

impl Cataloger for Dpkg {
    fn id(&self) -> &'static str {
        "dpkg"
    }

    fn version(&self) -> u32 {
        3
    }

    fn domain(&self) -> Domain {
        Domain::Image
    }

    fn anchors(&self) -> &'static [&'static str] {
        &[STATUS, STATUS_D, INFO, UPDATES]
    }

    fn wants(&self, head: &EntryHead<'_>) -> Want {
        let Some(rest) = head.path.strip_prefix("var/lib/dpkg/") else {
            return Want::No;
        };
        let wanted = match rest.split_once('/') {
            None => rest == "status",
            Some(("status.d", name)) => !name.contains('/'),
            Some(("updates", name)) => !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()),
            Some(("info", name)) => name.ends_with(".list") || name.ends_with(".md5sums"),
            Some(_) => false,
        };
        if wanted { Want::Whole } else { Want::No }
    }

    fn catalog(&self, file: &LayerFile<'_>, sink: &mut dyn Sink) {
        read(file.head.path, file.content, sink);
    }

    fn catalog_large(&self, head: &EntryHead<'_>, content: &Spilled, sink: &mut dyn Sink) {
        match content.reader() {
            Ok(reader) => read(head.path, reader, sink),
            Err(error) => unreadable(&error, sink),
        }
    }
}

fn read(path: &str, content: impl BufRead, sink: &mut dyn Sink) {
    let done = if path == STATUS {
        status(content, sink)
    } else if let Some(name) = path.strip_prefix(STATUS_D) {
        match name.strip_suffix(".md5sums") {
            Some(name) => checksummed_files(name, content, sink),
            None => packages(&mut Paragraphs::new(content), Others::Elsewhere, sink),
        }
    } else if path.starts_with(UPDATES) {
        let detail = "dpkg was interrupted: what this step of its journal changes was not laid over the database";
        sink.gap(GapKind::PartialDatabase, detail.to_owned());
        packages(&mut Paragraphs::new(content), Others::Elsewhere, sink)
    } else if let Some(name) = path.strip_prefix(INFO) {
        match (name.strip_suffix(".list"), name.strip_suffix(".md5sums")) {
            (Some(name), _) => listed_files(name, content, sink),
            (_, Some(name)) => checksummed_files(name, content, sink),
            _ => Ok(()),
        }
    } else {
        Ok(())
    };
    if let Err(error) = done {
        unreadable(&error, sink);
    }
}

fn unreadable(error: &io::Error, sink: &mut dyn Sink) {
    sink.gap(GapKind::PartialDatabase, format!("the rest cannot be read: {error}"));
}

fn status(content: impl BufRead, sink: &mut dyn Sink) -> io::Result<()> {
    let mut blocks = Paragraphs::new(content);
    let read = packages(&mut blocks, Others::Here, sink);
    if !blocks.ends_a_line {
        let detail = format!("the package database ends in the middle of a line, at byte {}", blocks.offset());
        sink.gap(GapKind::PartialDatabase, detail);
    }
    read
}

/// Where the packages stand that a package needs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Others {
    /// In the same file.
    Here,
    /// Each in a file of its own: needs are told by name, for whoever sees all of them.
    Elsewhere,
}

/// Says what was read even where the rest cannot be.
fn packages(blocks: &mut Paragraphs<impl BufRead>, others: Others, sink: &mut dyn Sink) -> io::Result<()> {
    let mut parsed = Vec::new();
    let read = collect(blocks, &mut parsed, sink);
    let providers = relations::providers(&parsed);
    for package in &parsed {
        let mut component = package.component.clone();
        component.dependencies = match others {
            Others::Here => relations::dependencies(package, &providers),
            Others::Elsewhere => relations::names(package),
        };
        sink.component(component);
    }
    read
}

fn collect(blocks: &mut Paragraphs<impl BufRead>, parsed: &mut Vec<Package>, sink: &mut dyn Sink) -> io::Result<()> {
    let most = Limits::default().components;
    while let Some(block) = blocks.next()? {
        let Some(paragraph) = deb822::paragraph(&block) else { continue };
        match package(&paragraph) {
            Ok(Some(package)) if parsed.len() < most => parsed.push(package),
            Ok(Some(_)) => {
                sink.gap(GapKind::LimitReached, format!("more than {most} packages"));
                break;
            }
            Ok(None) => {}
            Err(problem) => {
                let detail = format!("{problem}, in the paragraph at line {}, byte {}", paragraph.line, paragraph.offset);
                sink.gap(GapKind::PartialDatabase, detail);
            }
        }
        if let Some(line) = paragraph.malformed_line {
            sink.gap(
                GapKind::PartialDatabase,
                format!("line {line} is neither a field nor its continuation"),
            );
        }
    }
    Ok(())
}

/// The package of a paragraph; none where it is not installed.
fn package(paragraph: &Paragraph<'_>) -> Result<Option<Package>, &'static str> {
    // dpkg refuses such an entry; whoever reads it anyway takes the first value or the last.
    for (name, problem) in ONCE {
        if paragraph.count(name) > 1 {
            return Err(problem);
        }
    }
    let name = paragraph
        .field("Package")
        .filter(|name| is_name(name))
        .ok_or("no readable package name")?;
    match paragraph.field("Status") {
        Some(status) if !has_files(status)? => return Ok(None),
        // Without a package manager (`status.d`) there is no state: what is listed is there.
        _ => {}
    }
    let version = paragraph
        .field("Version")
        .filter(|v| !v.is_empty())
        .ok_or("no readable version of an installed package")?;
    let architecture = paragraph.field("Architecture").unwrap_or_default();
    let purl = Purl::new("deb", name, version).with_qualifier("arch", architecture);
    let mut component = Component::new(purl, None, "dpkg");
    component.source = Some(source(paragraph.field("Source").unwrap_or_default(), name, version));
    let text = |name| paragraph.field(name).unwrap_or_default().to_owned();
    Ok(Some(Package {
        component,
        provides: text("Provides"),
        depends: [text("Pre-Depends"), text("Depends")],
    }))
}

/// Fields that decide on what is looked up.
const ONCE: [(&str, &str); 5] = [
    ("Package", "two `Package` fields"),
    ("Status", "two `Status` fields"),
    ("Version", "two `Version` fields"),
    ("Architecture", "two `Architecture` fields"),
    ("Source", "two `Source` fields"),
];

/// Whether a package's files are on the disk, by `Status: want flag state`.
fn has_files(status: &str) -> Result<bool, &'static str> {
    match status.split_ascii_whitespace().nth(2) {
        Some("installed" | "unpacked" | "half-configured" | "half-installed" | "triggers-awaited" | "triggers-pending") => Ok(true),
        Some("not-installed" | "config-files") => Ok(false),
        _ => Err("an unknown package state"),
    }
}

/// `Source: name (version)`; what is left out is as the binary package's.
fn source(field: &str, name: &str, version: &str) -> SourcePackage {
    let (source, in_brackets) = field.split_once('(').unwrap_or((field, ""));
    let or = |text: &str, default: &str| match text.trim() {
        "" => default.to_owned(),
        text => text.to_owned(),
    };
    SourcePackage {
        name: or(source, name),
        version: or(in_brackets.trim_end().trim_end_matches(')'), version),
    }
}

/// The package that a file of `info/` is about: `name` or `name:architecture`. Its version is in the database, not here.
fn owner(stem: &str) -> Purl {
    match stem.split_once(':') {
        Some((name, architecture)) => Purl::new("deb", name, "").with_qualifier("arch", architecture),
        None => Purl::new("deb", stem, ""),
    }
}

fn listed_files(stem: &str, content: impl BufRead, sink: &mut dyn Sink) -> io::Result<()> {
    let owner = owner(stem);
    paragraphs::each_line(content, |line| owns(line, &owner, sink))
}

/// Lines of `md5  path`.
fn checksummed_files(stem: &str, content: impl BufRead, sink: &mut dyn Sink) -> io::Result<()> {
    let owner = owner(stem);
    paragraphs::each_line(content, |line| {
        if let Some(at) = line.iter().position(|b| *b == b' ') {
            owns(line[at..].trim_ascii_start(), &owner, sink);
        }
    })
}

fn owns(path: &[u8], owner: &Purl, sink: &mut dyn Sink) {
    // A path that is not UTF-8 is left unowned: that is reported where it matters, as an executable without an owner.
    let Ok(path) = std::str::from_utf8(path) else { return };
    let path = path.trim_start_matches("./").trim_start_matches('/');
    if !path.is_empty() && path != "." {
        sink.owns(path, owner);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_field_that_is_given_twice_is_a_gap_and_not_its_first_value() {
        let entry = "Package: a\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2\n";
        let seen = |more: &str| Recorder::of(&Dpkg, STATUS, format!("{entry}{more}\n").as_bytes());
        assert_eq!((seen("").components.len(), seen("").gaps.len()), (1, 0));
        for twice in ["version: 1\n", "Source: b\nSource: c\n", "Status: deinstall ok config-files\n"] {
            let seen = seen(twice);
            assert_eq!((seen.components.len(), seen.gaps.len()), (0, 1), "{twice}");
        }
    }

    #[test]
    fn a_step_of_an_interrupted_dpkg_is_read_and_a_gap() {
        let step = "Package: a\nStatus: install ok unpacked\nArchitecture: amd64\nVersion: 2\n";
        let seen = Recorder::of(&Dpkg, "var/lib/dpkg/updates/0003", step.as_bytes());
        assert_eq!((seen.purls().len(), seen.gaps.len()), (1, 1));
        assert!(
            Recorder::of(&Dpkg, "var/lib/dpkg/updates/tmp.i", step.as_bytes())
                .components
                .is_empty()
        );
    }

    use super::*;
    use crate::stage::inventory::recorder::Recorder;

    fn of_status(text: &str) -> Recorder {
        Recorder::of(&Dpkg, STATUS, text.as_bytes())
    }

    #[test]
    fn installed_packages_carry_their_source_package() {
        let seen = of_status(
            "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nSource: glibc\nVersion: 2.36-9+deb12u10\n\n\
             Package: passwd\nStatus: install ok installed\nArchitecture: amd64\nSource: shadow (1:4.13+dfsg1-1)\nVersion: 1:4.13+dfsg1-1+b1\n\n\
             Package: bash\nStatus: hold ok installed\nArchitecture: amd64\nVersion: 5.2.15-2+b7\n\n",
        );
        assert_eq!(
            seen.purls(),
            [
                "pkg:deb/libc6@2.36-9%2Bdeb12u10?arch=amd64",
                "pkg:deb/passwd@1:4.13%2Bdfsg1-1%2Bb1?arch=amd64",
                "pkg:deb/bash@5.2.15-2%2Bb7?arch=amd64"
            ]
        );
        let sources: Vec<_> = seen
            .components
            .iter()
            .flat_map(|c| &c.source)
            .map(|s| (s.name.as_str(), s.version.as_str()))
            .collect();
        assert_eq!(
            sources,
            [("glibc", "2.36-9+deb12u10"), ("shadow", "1:4.13+dfsg1-1"), ("bash", "5.2.15-2+b7")]
        );
        assert!(seen.gaps.is_empty());
    }

    #[test]
    fn removed_packages_are_not_there() {
        let seen =
            of_status("Package: vim\nStatus: deinstall ok config-files\nVersion: 2\n\nPackage: ed\nStatus: purge ok not-installed\n\n");
        assert_eq!((seen.purls().len(), seen.gaps.len()), (0, 0));
    }

    #[test]
    fn unparsable_dpkg_status_is_partial_coverage() {
        let seen = of_status(
            "Package: a\nStatus: install ok installed\nVersion: 1\n\nPackage: b\nStatus: install ok installed\n\n\
             garbage\n\nPackage: c\nStatus: install ok installed\nVersion: 3\nMaintai",
        );
        assert_eq!(seen.purls(), ["pkg:deb/a@1", "pkg:deb/c@3"]);
        let details: Vec<_> = seen.gaps.iter().map(|(kind, detail)| (*kind, detail.as_str())).collect();
        assert_eq!(details.len(), 5, "{details:?}");
        assert!(details.iter().all(|(kind, _)| *kind == GapKind::PartialDatabase));
        assert!(
            details.iter().any(|(_, d)| d.contains("paragraph at line 5, byte 52")),
            "{details:?}"
        );
        assert!(details.iter().any(|(_, d)| d.contains("in the middle of a line")), "{details:?}");
    }

    #[test]
    fn a_distroless_record_needs_no_state() {
        let seen = Recorder::of(
            &Dpkg,
            "var/lib/dpkg/status.d/tzdata",
            b"Package: tzdata\nArchitecture: all\nVersion: 2024a-0+deb12u1\n",
        );
        assert_eq!(seen.purls(), ["pkg:deb/tzdata@2024a-0%2Bdeb12u1?arch=all"]);
        assert!(seen.gaps.is_empty());
    }

    #[test]
    fn dependencies_are_those_that_are_installed_by_name_or_provision() {
        let seen = of_status(
            "Package: a\nStatus: install ok installed\nVersion: 1\nPre-Depends: d\nDepends: b (>= 1) | x, mail-agent, c:any, missing\n\n\
             Package: x\nStatus: install ok installed\nVersion: 1\n\n\
             Package: exim\nStatus: install ok installed\nVersion: 4\nProvides: mail-agent (= 1), other\n\n\
             Package: c\nStatus: install ok installed\nVersion: 1\n\nPackage: d\nStatus: install ok installed\nVersion: 1\n\n",
        );
        let names: Vec<_> = seen.named("a").dependencies.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["c", "d", "exim", "x"]);
    }

    #[test]
    fn file_lists_say_who_owns_what() {
        let seen = Recorder::of(
            &Dpkg,
            "var/lib/dpkg/info/libc6:amd64.list",
            b"/.\n/lib\n/lib/x86_64-linux-gnu/libc.so.6\n",
        );
        let owner = Purl::new("deb", "libc6", "").with_qualifier("arch", "amd64");
        assert_eq!(
            seen.owned,
            [
                ("lib".to_owned(), owner.clone()),
                ("lib/x86_64-linux-gnu/libc.so.6".to_owned(), owner)
            ]
        );
        let seen = Recorder::of(
            &Dpkg,
            "var/lib/dpkg/status.d/base.md5sums",
            b"0123  ./usr/bin/x\n0123  usr/bin/y z\n",
        );
        let paths: Vec<_> = seen.owned.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["usr/bin/x", "usr/bin/y z"]);
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            Recorder::of(&Dpkg, STATUS, &bytes);
            Recorder::of(&Dpkg, "var/lib/dpkg/info/x.md5sums", &bytes);
        }

        #[test]
        fn broken_paragraphs_never_panic(text in "(Package: [a-z\n ]{0,4}|Status: [a-z ]{0,20}|Version:|\n| |Source: \\(?x?\\)?){0,20}") {
            of_status(&text);
        }
    }
}
