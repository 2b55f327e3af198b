//! Alpine's package database: `lib/apk/db/installed`, also used by Wolfi and Chainguard.
//!
//! Source: apk-tools' "Installed database" format: paragraphs of `X:value` lines. `o:` names the source package, whose version is that of
//! all packages built from it. Purls have no namespace and components no ecosystem: these follow from the system's release.

use std::collections::HashMap;
use std::io::{self, BufRead};

use crate::io::layers::Spilled;
use crate::io::limits::Limits;
use crate::model::coverage::GapKind;
use crate::model::excused::Excused as _;
use crate::model::inventory::{Component, SourcePackage};
use crate::model::purl::Purl;

use crate::stage::inventory::cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};
use crate::stage::inventory::formats::paragraphs::Paragraphs;

/// Reads the package database.
pub struct Apk;

const DATABASES: &[&str] = &["lib/apk/db/installed", "usr/lib/apk/db/installed"];

impl Cataloger for Apk {
    fn id(&self) -> &'static str {
        "apk"
    }

    fn version(&self) -> u32 {
        1
    }

    fn domain(&self) -> Domain {
        Domain::Image
    }

    fn reads(&self) -> Option<(&'static str, &'static str)> {
        Some(("`lib/apk/db/installed`", "Alpine, Wolfi, Chainguard and their kin"))
    }

    fn anchors(&self) -> &'static [&'static str] {
        DATABASES
    }

    fn wants(&self, head: &EntryHead<'_>) -> Want {
        if DATABASES.contains(&head.path) { Want::Whole } else { Want::No }
    }

    fn catalog(&self, file: &LayerFile<'_>, sink: &mut dyn Sink) {
        database(file.content, sink);
    }

    fn catalog_large(&self, _head: &EntryHead<'_>, content: &Spilled, sink: &mut dyn Sink) {
        match content.reader() {
            Ok(reader) => database(reader, sink),
            Err(error) => unreadable(&error, sink),
        }
    }
}

fn unreadable(error: &io::Error, sink: &mut dyn Sink) {
    sink.gap(GapKind::PartialDatabase, format!("the rest cannot be read: {error}"));
}

fn database(content: impl BufRead, sink: &mut dyn Sink) {
    let mut blocks = Paragraphs::new(content);
    let mut packages = Vec::new();
    if let Err(error) = collect(&mut blocks, &mut packages, sink) {
        unreadable(&error, sink);
    }
    if !blocks.ends_a_line {
        let detail = format!("the package database ends in the middle of a line, at byte {}", blocks.offset());
        sink.gap(GapKind::PartialDatabase, detail);
    }
    let providers = providers(&packages);
    for package in &packages {
        let mut component = package.component.clone();
        component.dependencies = dependencies(package, &providers);
        sink.component(component);
    }
}

fn collect(blocks: &mut Paragraphs<impl BufRead>, packages: &mut Vec<Package>, sink: &mut dyn Sink) -> io::Result<()> {
    let most = Limits::default().components;
    while let Some(block) = blocks.next()? {
        match package(block.text) {
            Ok(_) if packages.len() >= most => {
                sink.gap(GapKind::LimitReached, format!("more than {most} packages"));
                break;
            }
            Ok(package) => {
                owns(block.text, &package.component.purl, sink);
                packages.push(package);
            }
            Err(problem) => {
                let detail = format!("{problem}, in the paragraph at line {}, byte {}", block.line, block.offset);
                sink.gap(GapKind::PartialDatabase, detail);
            }
        }
    }
    Ok(())
}

/// Each line's letter and value. Names of files need not be UTF-8: such lines are passed over.
fn fields(paragraph: &[u8]) -> impl Iterator<Item = (u8, &str)> {
    paragraph.split(|b| *b == b'\n').filter_map(|line| match line {
        [letter, b':', value @ ..] => Some((
            *letter,
            std::str::from_utf8(value).or_none("names and versions that are no text are a gap; other fields may be in any encoding")?,
        )),
        _ => None,
    })
}

struct Package {
    component: Component,
    provides: String,
    depends: String,
}

fn package(paragraph: &[u8]) -> Result<Package, &'static str> {
    if paragraph.contains(&b'\r') {
        return Err("a line that ends in a carriage return, which apk takes for a part of the value");
    }
    // apk takes the last of each.
    let value = |wanted: u8| {
        let of_letter = fields(paragraph).filter(|(letter, _)| *letter == wanted);
        of_letter.last().map(|(_, value)| value)
    };
    let name = value(b'P').filter(|name| !name.is_empty()).ok_or("no readable package name")?;
    let version = value(b'V').filter(|version| !version.is_empty()).ok_or("no readable version")?;
    let purl = Purl::new("apk", name, version).with_qualifier("arch", value(b'A').unwrap_or_default());
    let mut component = Component::new(purl, None, "apk");
    component.source = Some(SourcePackage {
        name: value(b'o').filter(|origin| !origin.is_empty()).unwrap_or(name).to_owned(),
        version: version.to_owned(),
    });
    component.licenses = value(b'L')
        .filter(|license| !license.is_empty())
        .map(str::to_owned)
        .into_iter()
        .collect();
    Ok(Package {
        component,
        provides: value(b'p').unwrap_or_default().to_owned(),
        depends: value(b'D').unwrap_or_default().to_owned(),
    })
}

/// `F:` names a folder, each `R:` after it a file in it.
fn owns(paragraph: &[u8], owner: &Purl, sink: &mut dyn Sink) {
    let mut path = String::new();
    let mut folder = 0;
    for (letter, value) in fields(paragraph) {
        match letter {
            b'F' => {
                path.clear();
                path.push_str(value.trim_matches('/'));
                path.extend((!path.is_empty()).then_some('/'));
                folder = path.len();
            }
            b'R' => {
                path.truncate(folder);
                path.push_str(value);
                sink.owns(&path, owner);
            }
            _ => {}
        }
    }
}

/// Which package answers to a name: its own, or one that it provides (`so:libc.musl-x86_64.so.1=1`, `cmd:busybox=1.36`).
fn providers(packages: &[Package]) -> HashMap<&str, &Purl> {
    let mut providers = HashMap::with_capacity(packages.len() * 4);
    for package in packages {
        for name in package.provides.split_ascii_whitespace().map(bare_name) {
            providers.entry(name).or_insert(&package.component.purl);
        }
    }
    providers.extend(packages.iter().map(|p| (p.component.name.as_str(), &p.component.purl)));
    providers
}

fn dependencies(package: &Package, providers: &HashMap<&str, &Purl>) -> Vec<Purl> {
    let wanted = package
        .depends
        .split_ascii_whitespace()
        .filter(|relation| !relation.starts_with('!'));
    let mut found: Vec<Purl> = wanted
        .filter_map(|relation| providers.get(bare_name(relation)))
        .filter(|purl| **purl != &package.component.purl)
        .map(|purl| (*purl).clone())
        .collect();
    found.sort();
    found.dedup();
    found
}

/// `musl` of `musl>=1.2.3`.
fn bare_name(relation: &str) -> &str {
    &relation[..relation.find(['<', '>', '=', '~']).unwrap_or(relation.len())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::inventory::recorder::Recorder;

    const DATABASE: &str = "C:Q1abc=\nP:musl\nV:1.2.5-r0\nA:x86_64\nL:MIT\no:musl\np:so:libc.musl-x86_64.so.1=1\nF:lib\nR:ld-musl-x86_64.so.1\na:0:0:755\n\n\
        P:libcrypto3\nV:3.3.1-r0\nA:x86_64\nL:Apache-2.0\no:openssl\nD:so:libc.musl-x86_64.so.1 !libressl\nF:\nR:top\nF:etc/ssl\nR:openssl.cnf\n\n";

    #[test]
    fn packages_have_source_license_files_and_edges() {
        let seen = Recorder::of(&Apk, "lib/apk/db/installed", DATABASE.as_bytes());
        assert!(seen.gaps.is_empty(), "{:?}", seen.gaps);
        let crypto = seen.named("libcrypto3");
        assert_eq!(crypto.purl.to_string(), "pkg:apk/libcrypto3@3.3.1-r0?arch=x86_64");
        assert_eq!(
            crypto.source.as_ref().map(|s| (s.name.as_str(), s.version.as_str())),
            Some(("openssl", "3.3.1-r0"))
        );
        assert_eq!(
            (crypto.licenses.as_slice(), crypto.dependencies[0].name.as_str()),
            (&["Apache-2.0".to_owned()][..], "musl")
        );
        let paths: Vec<_> = seen.owned.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["lib/ld-musl-x86_64.so.1", "top", "etc/ssl/openssl.cnf"]);
    }

    #[test]
    fn a_broken_database_is_partial_coverage() {
        for (cut, gaps) in [(DATABASE.len() - 10, 1), (30, 1)] {
            let seen = Recorder::of(&Apk, "lib/apk/db/installed", &DATABASE.as_bytes()[..cut]);
            assert_eq!(seen.gaps.len(), gaps, "{cut} {:?}", seen.gaps);
        }
        let nameless = Recorder::of(&Apk, "lib/apk/db/installed", b"V:1\n\nP:a\n\nP:b\nV:2\n\n");
        assert_eq!((nameless.gaps.len(), nameless.purls()), (2, vec!["pkg:apk/b@2".to_owned()]));
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            Recorder::of(&Apk, "lib/apk/db/installed", &bytes);
        }
    }
}
