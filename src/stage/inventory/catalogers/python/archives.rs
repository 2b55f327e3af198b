//! Archives that Python imports from: wheels, eggs, zip applications, and zip files that hold packages with their metadata.
//!
//! Source: PEP 427 (wheels), PEP 441 (zip applications), `zipimport`.

use std::io::{Cursor, Read, Seek};

use zip::ZipArchive;

use super::installed::of_metadata;
use crate::io::layers::Spilled;
use crate::io::limits::Limits;
use crate::model::coverage::GapKind;
use crate::stage::inventory::cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};
use crate::stage::inventory::formats::zipped::{is_called, unpack};

/// Reads the metadata of packages in `*.whl`, `*.egg`, `*.pyz`, `*.pex` and `*.zip`.
pub struct PythonArchives;

/// Packages, and programs with what they need; one that cannot be opened, or names no package, is a gap.
const PACKAGES: [&str; 4] = [".whl", ".egg", ".pyz", ".pex"];
/// Whatever else may be on the search path: it need not hold packages.
const OTHERS: [&str; 1] = [".zip"];

impl Cataloger for PythonArchives {
    fn id(&self) -> &'static str {
        "python-archives"
    }

    fn version(&self) -> u32 {
        1
    }

    fn domain(&self) -> Domain {
        Domain::Image
    }

    fn reads(&self) -> Option<(&'static str, &'static str)> {
        Some(("`*.whl`, `*.egg`, `*.pyz`, `*.pex`, `*.zip` with packages' metadata", "PyPI"))
    }

    fn wants(&self, head: &EntryHead<'_>) -> Want {
        // Python finds the archive from its end: a line that names the interpreter stands before it.
        match is_called(head.path, &PACKAGES) || is_called(head.path, &OTHERS) {
            true => Want::IfMagic(&[b"PK", b"#!"]),
            false => Want::No,
        }
    }

    fn catalog(&self, file: &LayerFile<'_>, sink: &mut dyn Sink) {
        archive(file.head.path, Cursor::new(file.content), sink);
    }

    fn catalog_large(&self, head: &EntryHead<'_>, content: &Spilled, sink: &mut dyn Sink) {
        match content.reader() {
            Ok(reader) => archive(head.path, reader, sink),
            Err(error) => sink.gap(GapKind::PartialDatabase, format!("{}: {error}", head.path)),
        }
    }
}

fn is_metadata(entry: &str) -> bool {
    entry.ends_with(".dist-info/METADATA") || entry.ends_with(".egg-info/PKG-INFO") || entry == "EGG-INFO/PKG-INFO"
}

fn archive<R: Read + Seek>(path: &str, content: R, sink: &mut dyn Sink) {
    let is_package = is_called(path, &PACKAGES);
    let mut zip = match ZipArchive::new(content) {
        Ok(zip) => zip,
        // Some other kind of file of such a name: Python cannot import from it either.
        Err(_) if !is_package => return,
        Err(error) => return sink.gap(GapKind::PartialDatabase, format!("{path}: {error}")),
    };
    let mut budget = Limits::NESTED_ARCHIVES;
    let mut found = 0;
    for at in 0..zip.len() {
        let entry = match zip.name_for_index(at) {
            Some(Ok(entry)) if is_metadata(&entry) => entry.into_owned(),
            _ => continue,
        };
        found += 1;
        match unpack(&mut zip, at, &mut budget) {
            Ok(metadata) => match of_metadata(&String::from_utf8_lossy(&metadata)) {
                Some(component) => sink.component(component),
                None => sink.gap(GapKind::PartialDatabase, format!("{path}: {entry} names no package or no version")),
            },
            Err((kind, problem)) => sink.gap(kind, format!("{path}: {entry}: {problem}")),
        }
    }
    if is_package && found == 0 {
        sink.gap(GapKind::PartialDatabase, format!("{path}: no metadata in it name a package"));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use zip::write::SimpleFileOptions;

    use super::*;
    use crate::stage::inventory::recorder::Recorder;

    const METADATA: &[u8] = b"Metadata-Version: 2.1\nName: Evil_Pkg\nVersion: 1.0\n";

    fn zipped(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in entries {
            writer.start_file(*name, SimpleFileOptions::default()).expect("in memory");
            writer.write_all(content).expect("in memory");
        }
        writer.finish().expect("in memory").into_inner()
    }

    #[test]
    fn packages_in_archives_that_python_imports_from_are_listed() {
        let wheel = zipped(&[("evil_pkg/__init__.py", b""), ("evil_pkg-1.0.dist-info/METADATA", METADATA)]);
        let program = [
            &b"#!/usr/bin/env python3\n"[..],
            &zipped(&[("site-packages/e-1.0.dist-info/METADATA", METADATA)]),
        ]
        .concat();
        let egg = zipped(&[("EGG-INFO/PKG-INFO", METADATA)]);
        for (path, content) in [
            ("opt/evil_pkg-1.0-py3-none-any.whl", &wheel),
            ("opt/lib.zip", &wheel),
            ("opt/evil_pkg-1.0-py3.11.egg", &egg),
            ("opt/app.pyz", &program),
        ] {
            assert_eq!(
                Recorder::of(&PythonArchives, path, content).purls(),
                ["pkg:pypi/evil-pkg@1.0"],
                "{path}"
            );
        }
    }

    #[test]
    fn a_wheel_that_names_no_package_is_a_gap_and_another_zip_is_none() {
        let plain = zipped(&[("a.txt", b"x")]);
        let gaps = |path: &str, content: &[u8]| Recorder::of(&PythonArchives, path, content).gaps.len();
        assert_eq!(
            (gaps("opt/a.whl", &plain), gaps("opt/a.pyz", &plain), gaps("opt/a.zip", &plain)),
            (1, 1, 0)
        );
        assert_eq!((gaps("opt/a.whl", b"PK\x03\x04junk"), gaps("opt/a.zip", b"PK\x03\x04junk")), (1, 0));
        let nameless = zipped(&[("a-1.dist-info/METADATA", b"Name: a\n")]);
        assert_eq!(gaps("opt/a.zip", &nameless), 1);
    }
}
