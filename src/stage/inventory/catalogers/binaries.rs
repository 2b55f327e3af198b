//! Well-known programs that nobody's package owns, by the version strings in them: what language base images copy into place.
//!
//! No feed is about these names, so that their components have no ecosystem, and the executables stay unaccounted for.

use std::ops::ControlFlow;

use memchr::memmem;

use crate::io::layers::Spilled;
use crate::model::excused::Excused as _;
use crate::model::inventory::Component;
use crate::model::purl::Purl;

use crate::io::random_access::{OnDisk, RandomAccess};
use crate::stage::inventory::cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};
use crate::stage::inventory::formats::large;

/// Reads executables of certain names.
pub struct Binaries;

pub(in crate::stage::inventory) const ID: &str = "binaries";

/// A program, the files that carry its version, and how it stands in them.
struct Program {
    name: &'static str,
    /// True for a file name, version and ending taken off.
    is_file: fn(&str) -> bool,
    mark: Mark,
}

/// How a version is told from other texts.
enum Mark {
    /// By what stands before it.
    After(&'static [u8]),
    /// The same; what follows the first of these letters was added by whoever built it.
    AfterUntil(&'static [u8], &'static [char]),
    /// It is the newest of those that stand alone: the others say since when a command is there.
    Newest,
}

use Mark::{After, AfterUntil, Newest};

const PROGRAMS: &[Program] = &[
    program("node", |file| file == "node" || starts(file, "libnode"), After(b"node.js/v")),
    program(
        "ruby",
        |file| starts(file, "ruby") || starts(file, "libruby"),
        AfterUntil(b"\0ruby ", &['p']),
    ),
    program("busybox", |file| starts(file, "busybox"), After(b"BusyBox v")),
    program(
        "openssl",
        |file| file == "openssl" || starts(file, "libcrypto"),
        After(b"\0OpenSSL "),
    ),
    program("nginx", |file| file == "nginx", After(b"\0nginx/")),
    program("redis", |file| file.starts_with("redis-"), Newest),
    program("curl", |file| file == "curl", After(b"\0curl/")),
    program("curl", |file| starts(file, "libcurl"), After(b"libcurl/")),
    program(
        "php",
        |file| starts(file, "php") || starts(file, "libphp"),
        After(b"X-Powered-By: PHP/"),
    ),
    program("httpd", |file| file == "httpd" || file == "apache2", After(b"\0Apache/")),
    program("postgresql", |file| file == "postgres" || file == "psql", After(b"(PostgreSQL) ")),
    program("haproxy", |file| file == "haproxy", AfterUntil(b"\0 version ", &['-'])),
    program("bash", |file| file == "bash", After(b"@(#)Bash version ")),
    program("perl", |file| starts(file, "perl") || starts(file, "libperl"), After(b"\0v")),
    program("deno", |file| file == "deno", After(b"Deno/")),
    program("git", |file| file == "git", After(b"git/")),
    program("lighttpd", |file| file == "lighttpd", After(b"lighttpd/")),
    program("memcached", |file| file == "memcached", After(b"\0memcached ")),
    program("tini", |file| starts(file, "tini"), After(b"tini version ")),
];

const fn program(name: &'static str, is_file: fn(&str) -> bool, mark: Mark) -> Program {
    Program { name, is_file, mark }
}

/// `python` of `python3.12`, `libpython3.12.so.1.0`, `libcrypto.so.3`, `libcurl-gnutls.so.4`.
fn starts(file: &str, name: &str) -> bool {
    file.strip_prefix(name)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-')))
}

impl Cataloger for Binaries {
    fn id(&self) -> &'static str {
        ID
    }

    fn version(&self) -> u32 {
        2
    }

    fn domain(&self) -> Domain {
        Domain::Image
    }

    fn wants(&self, head: &EntryHead<'_>) -> Want {
        if programs(head.path).next().is_some() || python_series(head.path).is_some() {
            Want::IfMagic(&[b"\x7fELF"])
        } else {
            Want::No
        }
    }

    fn catalog(&self, file: &LayerFile<'_>, sink: &mut dyn Sink) {
        catalog(file.head.path, &file.content, sink);
    }

    fn catalog_large(&self, head: &EntryHead<'_>, content: &Spilled, sink: &mut dyn Sink) {
        let content = OnDisk::new(content);
        catalog(head.path, &content, sink);
        large::tell(&content, sink);
    }
}

fn catalog(path: &str, content: &dyn RandomAccess, sink: &mut dyn Sink) {
    let found = programs(path).filter_map(|program| {
        let after = |before: &[u8]| first(content, |window, own| version(window, own, before));
        let version = match program.mark {
            After(before) => after(before)?,
            AfterUntil(before, end) => after(before)?.split(end).next().unwrap_or_default().to_owned(),
            Newest => newest(content)?,
        };
        Some((program.name, version))
    });
    let python = python_series(path).and_then(|series| Some(("python", first(content, |window, own| python(window, own, series))?)));
    for (name, version) in found.chain(python) {
        sink.component(Component::new(Purl::new("generic", name, &version), None, ID));
    }
}

/// What is found first in a file, window by window.
fn first(content: &dyn RandomAccess, mut find: impl FnMut(&[u8], usize) -> Option<String>) -> Option<String> {
    let mut found = None;
    content.windows(0, content.size(), &mut |window, own| {
        found = find(window, own);
        if found.is_some() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    found
}

/// The newest version of three numbers that stands by itself.
fn newest(content: &dyn RandomAccess) -> Option<String> {
    const LONGEST: usize = 12;
    let mut newest = None;
    content.windows(0, content.size(), &mut |window, own| {
        for at in memchr::memchr_iter(0, window).take_while(|at| *at < own) {
            let rest = &window[at + 1..window.len().min(at + 2 + LONGEST)];
            let Some(end) = rest.iter().position(|byte| *byte == 0) else {
                continue;
            };
            newest = newest.max(three_numbers(&rest[..end]));
        }
        ControlFlow::Continue(())
    });
    newest.map(|[major, minor, patch]| format!("{major}.{minor}.{patch}"))
}

fn three_numbers(text: &[u8]) -> Option<[u32; 3]> {
    let mut numbers = std::str::from_utf8(text)
        .or_none("no version: the next place is looked at")?
        .split('.');
    let mut next = || {
        let text = numbers.next().filter(|text| text.bytes().all(|b| b.is_ascii_digit()))?;
        text.parse().or_none("no version: the next place is looked at")
    };
    let found = [next()?, next()?, next()?];
    numbers.next().is_none().then_some(found)
}

/// Python's version stands by itself. The file's name tells how it begins: `python3.12`, `libpython3.12.so.1.0`.
fn python(content: &[u8], own: usize, series: &str) -> Option<String> {
    let before = format!("\0{series}.");
    let hits = memmem::find_iter(content, &before).take_while(|at| *at < own);
    hits.into_iter().find_map(|at| {
        let rest = content.get(at + 1..)?;
        let end = rest.iter().position(|byte| *byte == 0).filter(|end| *end < before.len() + 8)?;
        let text = std::str::from_utf8(&rest[..end]).or_none("no version: the next place is looked at")?;
        let patch = text.get(before.len() - 1..)?;
        let is_version = patch.starts_with(|c: char| c.is_ascii_digit()) && patch.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+');
        is_version.then(|| text.to_owned())
    })
}

fn python_series(path: &str) -> Option<&str> {
    let file = path.rsplit('/').next().unwrap_or(path);
    let rest = file.strip_prefix("lib").unwrap_or(file).strip_prefix("python")?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let series = rest[..end].trim_end_matches('.');
    series
        .split_once('.')
        .is_some_and(|(major, minor)| !major.is_empty() && !minor.is_empty())
        .then_some(series)
}

fn programs(path: &str) -> impl Iterator<Item = &'static Program> {
    let file = path.rsplit('/').next().unwrap_or(path);
    PROGRAMS.iter().filter(move |program| (program.is_file)(file))
}

/// The first version that stands behind a text: digits with at least one dot, then what suffixes are made of.
fn version(content: &[u8], own: usize, before: &[u8]) -> Option<String> {
    const LONGEST: usize = 32;
    let mut hits = memmem::find_iter(content, before).take_while(|at| *at < own);
    hits.find_map(|at| {
        let rest = &content[at + before.len()..];
        let rest = &rest[..rest.len().min(LONGEST)];
        let end = rest
            .iter()
            .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'+')))
            .unwrap_or(rest.len());
        let text = std::str::from_utf8(&rest[..end]).or_none("no version: the next place is looked at")?;
        let text = text.trim_end_matches(['.', '-', '_', '+']);
        let (major, minor) = text.split_once('.')?;
        let is_number = !major.is_empty() && major.bytes().all(|b| b.is_ascii_digit());
        (is_number && minor.starts_with(|c: char| c.is_ascii_digit())).then(|| text.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::inventory::recorder::Recorder;

    #[test]
    fn programs_are_known_by_their_version_strings() {
        for (path, content, expected) in [
            (
                "usr/local/bin/node",
                &b"\x7fELF..node.js/v20.11.1\0"[..],
                "pkg:generic/node@20.11.1",
            ),
            (
                "usr/local/lib/libpython3.12.so.1.0",
                b"\x7fELF\0Python %s\0\x003.12.%d\0\x003.12.1\0",
                "pkg:generic/python@3.12.1",
            ),
            ("bin/busybox", b"\x7fELF BusyBox v1.36.1 (2023)", "pkg:generic/busybox@1.36.1"),
            (
                "usr/lib/libcrypto.so.1.1",
                b"\x7fELF\0OpenSSL 1.1.1w  11 Sep 2023",
                "pkg:generic/openssl@1.1.1w",
            ),
            ("usr/sbin/nginx", b"\x7fELF\0nginx/1.25.3\0", "pkg:generic/nginx@1.25.3"),
            (
                "usr/local/bin/redis-server",
                b"\x7fELF\x002.8.13\x007.0.3\x007.0.15\x005.3.0-0-g5\x007.0.99.1\0x7.9.9\x006.2.0\0",
                "pkg:generic/redis@7.0.15",
            ),
            (
                "usr/local/lib/libruby.so.3.1.2",
                b"\x7fELF\0ruby 3.1.2p20 (2022-04-12)\0",
                "pkg:generic/ruby@3.1.2",
            ),
            (
                "usr/local/sbin/haproxy",
                b"\x7fELF since HAProxy version 2.5.\0\0 version 2.6.12-1+deb12u4, released\0",
                "pkg:generic/haproxy@2.6.12",
            ),
        ] {
            assert_eq!(Recorder::of(&Binaries, path, content).purls(), [expected], "{path}");
        }
    }

    #[test]
    fn other_files_and_texts_without_a_version_say_nothing() {
        assert!(
            Recorder::of(&Binaries, "usr/bin/nodeenv", b"\x7fELF node.js/v20.1.1")
                .components
                .is_empty()
        );
        assert!(
            Recorder::of(&Binaries, "usr/bin/node", b"\x7fELF node.js/v%s")
                .components
                .is_empty()
        );
        assert!(
            Recorder::of(&Binaries, "usr/bin/node", b"#!/bin/sh node.js/v20.1.1")
                .components
                .is_empty()
        );
    }
}
