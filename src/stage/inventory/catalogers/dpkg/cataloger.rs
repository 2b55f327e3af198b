//! Which files are read, and as what.

use std::io::{self, BufRead};

use super::file_lists::{checksummed_files, listed_files};
use super::paragraph::{Others, packages};
use crate::io::layers::Spilled;
use crate::model::coverage::GapKind;

use crate::stage::inventory::cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};
use crate::stage::inventory::formats::paragraphs::Paragraphs;

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

    fn reads(&self) -> Option<(&'static str, &'static str)> {
        Some(("`var/lib/dpkg/status`, `var/lib/dpkg/status.d/*`", "Debian, Ubuntu, Echo"))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::purl::Purl;
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
}
