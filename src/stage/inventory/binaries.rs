//! Well-known programs that nobody's package owns, by the version strings in them: what language base images copy into place.
//!
//! No feed is about these names, so that their components have no ecosystem, and the executables stay unaccounted for.

use std::ops::ControlFlow;

use memchr::memmem;

use crate::io::layers::Spilled;
use crate::model::inventory::Component;
use crate::model::purl::Purl;

use super::bytes::Bytes;
use super::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};

/// Reads executables of certain names.
pub struct Binaries;

pub(super) const ID: &str = "binaries";

/// A program, the files that carry its version, and what stands before the version in them.
struct Program {
    name: &'static str,
    /// True for a file name, version and ending taken off.
    is_file: fn(&str) -> bool,
    before: &'static [u8],
}

const PROGRAMS: &[Program] = &[
    program("node", |file| file == "node", b"node.js/v"),
    program("ruby", |file| starts(file, "ruby") || starts(file, "libruby"), b"\0ruby "),
    program("busybox", |file| starts(file, "busybox"), b"BusyBox v"),
    program(
        "openssl",
        |file| starts(file, "openssl") || starts(file, "libcrypto"),
        b"\0OpenSSL ",
    ),
    program("nginx", |file| file == "nginx", b"\0nginx/"),
    program("redis", |file| file.starts_with("redis-"), b"redis_version:"),
    program("curl", |file| starts(file, "curl") || starts(file, "libcurl"), b"libcurl/"),
    program("php", |file| starts(file, "php") || starts(file, "libphp"), b"X-Powered-By: PHP/"),
    program("httpd", |file| file == "httpd" || file == "apache2", b"\0Apache/"),
    program("postgresql", |file| file == "postgres" || file == "psql", b"(PostgreSQL) "),
    program("haproxy", |file| file == "haproxy", b"HAProxy version "),
    program("bash", |file| file == "bash", b"@(#)Bash version "),
    program("perl", |file| starts(file, "perl"), b"/perl5/"),
    program("deno", |file| file == "deno", b"Deno/"),
];

const fn program(name: &'static str, is_file: fn(&str) -> bool, before: &'static [u8]) -> Program {
    Program { name, is_file, before }
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
        1
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
        catalog(head.path, content, sink);
    }
}

fn catalog(path: &str, content: &dyn Bytes, sink: &mut dyn Sink) {
    let found = programs(path).filter_map(|program| {
        let version = first(content, |window, own| version(window, own, program.before))?;
        Some((program.name, version))
    });
    let python = python_series(path).and_then(|series| Some(("python", first(content, |window, own| python(window, own, series))?)));
    for (name, version) in found.chain(python) {
        sink.component(Component::new(Purl::new("generic", name, &version), None, ID));
    }
}

/// What is found first in a file, window by window.
fn first(content: &dyn Bytes, mut find: impl FnMut(&[u8], usize) -> Option<String>) -> Option<String> {
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

/// Python's version stands by itself. The file's name tells how it begins: `python3.12`, `libpython3.12.so.1.0`.
fn python(content: &[u8], own: usize, series: &str) -> Option<String> {
    let before = format!("\0{series}.");
    let hits = memmem::find_iter(content, &before).take_while(|at| *at < own);
    hits.into_iter().find_map(|at| {
        let rest = content.get(at + 1..)?;
        let end = rest.iter().position(|byte| *byte == 0).filter(|end| *end < before.len() + 8)?;
        let text = std::str::from_utf8(&rest[..end]).ok()?;
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
        let text = std::str::from_utf8(&rest[..end]).ok()?;
        let text = text.trim_end_matches(['.', '-', '_', '+']);
        let (major, minor) = text.split_once('.')?;
        let is_number = !major.is_empty() && major.bytes().all(|b| b.is_ascii_digit());
        (is_number && minor.starts_with(|c: char| c.is_ascii_digit())).then(|| text.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::super::recorder::Recorder;
    use super::*;

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
