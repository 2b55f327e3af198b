//! Java archives: the Maven coordinates in `META-INF/maven/**/pom.properties`, also of archives inside of archives.
//!
//! Source: the JAR file specification, Maven's archiver. An archive without coordinates is listed by its manifest or its file name; no feed
//! can know it then, and its component has no ecosystem.

use std::io::{Cursor, Read, Seek};

use zip::ZipArchive;

use crate::io::layers::Spilled;
use crate::io::limits::Limits;
use crate::model::coverage::GapKind;
use crate::model::inventory::{Component, Ecosystem};
use crate::model::purl::Purl;

use crate::stage::inventory::cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};

/// Reads `.jar`, `.war`, `.ear` and their like.
pub struct Java;

/// How an archive starts that nothing stands before. One that is called so and cannot be opened is a gap; other text of such a name is none.
const ZIP: &[u8] = b"PK";

const ENDINGS: [&str; 6] = [".jar", ".war", ".ear", ".par", ".hpi", ".jpi"];

impl Cataloger for Java {
    fn id(&self) -> &'static str {
        "java"
    }

    fn version(&self) -> u32 {
        2
    }

    fn domain(&self) -> Domain {
        Domain::Image
    }

    fn reads(&self) -> Option<(&'static str, &'static str)> {
        Some(("`*.jar`, `*.war`, `*.ear` and archives in them", "Maven"))
    }

    fn wants(&self, head: &EntryHead<'_>) -> Want {
        // Java finds the archive from its end: anything may stand before it, a shell script in executable ones.
        if is_archive(head.path) { Want::IfMagic(&[b""]) } else { Want::No }
    }

    fn catalog(&self, file: &LayerFile<'_>, sink: &mut dyn Sink) {
        let mut budget = Limits::NESTED_ARCHIVES;
        if file.content.starts_with(ZIP) || ZipArchive::new(Cursor::new(file.content)).is_ok() {
            archive(file.head.path, Cursor::new(file.content), 0, &mut budget, sink);
        }
    }

    fn catalog_large(&self, head: &EntryHead<'_>, content: &Spilled, sink: &mut dyn Sink) {
        let mut budget = Limits::NESTED_ARCHIVES;
        let mut start = [0; ZIP.len()];
        let opened = content
            .read_at(&mut start, 0)
            .and_then(|()| Ok((content.reader()?, content.reader()?)));
        match opened {
            Ok((reader, again)) => {
                if start == ZIP || ZipArchive::new(again).is_ok() {
                    archive(head.path, reader, 0, &mut budget, sink);
                }
            }
            Err(error) => sink.gap(GapKind::PartialDatabase, format!("{}: {error}", head.path)),
        }
    }
}

fn is_archive(path: &str) -> bool {
    let path = path.as_bytes();
    ENDINGS.iter().any(|ending| {
        let start = path.len().saturating_sub(ending.len());
        start > 0 && path[start..].eq_ignore_ascii_case(ending.as_bytes())
    })
}

/// Reads one archive and those inside of it. `budget` is how many bytes may still be unpacked.
fn archive<R: Read + Seek>(name: &str, content: R, depth: usize, budget: &mut u64, sink: &mut dyn Sink) {
    const DEEPEST: usize = 4;
    if depth > DEEPEST {
        return sink.gap(
            GapKind::LimitReached,
            format!("{name}: archives are nested more than {DEEPEST} deep"),
        );
    }
    let mut zip = match ZipArchive::new(content) {
        Ok(zip) => zip,
        Err(error) => return sink.gap(GapKind::PartialDatabase, format!("{name}: {error}")),
    };
    let mut found = false;
    let mut manifest = None;
    for at in 0..zip.len() {
        let entry = match zip.name_for_index(at) {
            Some(Ok(entry)) => entry.into_owned(),
            Some(Err(error)) => {
                sink.gap(GapKind::PartialDatabase, format!("{name}: {error}"));
                continue;
            }
            None => continue,
        };
        let is_properties = entry.starts_with("META-INF/maven/") && entry.ends_with("/pom.properties");
        let is_manifest = entry.eq_ignore_ascii_case("META-INF/MANIFEST.MF");
        let inner = is_archive(&entry);
        if !is_properties && !is_manifest && !inner {
            continue;
        }
        let unpacked = match unpack(&mut zip, at, budget) {
            Ok(unpacked) => unpacked,
            Err((kind, problem)) => {
                sink.gap(kind, format!("{name}: {entry}: {problem}"));
                continue;
            }
        };
        if inner {
            inside(&format!("{name}:{entry}"), &unpacked, depth + 1, budget, sink);
        } else if is_properties {
            match coordinates(&String::from_utf8_lossy(&unpacked)) {
                Some(component) => {
                    found = true;
                    sink.component(component);
                }
                None => sink.gap(
                    GapKind::PartialDatabase,
                    format!("{name}: {entry} names no group, artifact or version"),
                ),
            }
        } else {
            manifest = Some(String::from_utf8_lossy(&unpacked).into_owned());
        }
    }
    if !found && let Some(component) = uncoordinated(name, manifest.as_deref().unwrap_or_default()) {
        sink.component(component);
    }
}

/// An archive inside of another: behind this function all of them have one type.
fn inside(name: &str, content: &[u8], depth: usize, budget: &mut u64, sink: &mut dyn Sink) {
    archive(name, Cursor::new(content), depth, budget, sink);
}

fn unpack<R: Read + Seek>(zip: &mut ZipArchive<R>, at: usize, budget: &mut u64) -> Result<Vec<u8>, (GapKind, String)> {
    let entry = zip.by_index(at).map_err(|error| (GapKind::PartialDatabase, error.to_string()))?;
    let mut unpacked = Vec::new();
    // The size that the archive names is not trusted.
    let most = Limits::NESTED_ARCHIVE.min(*budget);
    let read = entry.take(most + 1).read_to_end(&mut unpacked);
    let size = unpacked.len() as u64;
    // What was unpacked counts, also where it was of no use.
    *budget = budget.saturating_sub(size);
    read.map_err(|error| (GapKind::PartialDatabase, error.to_string()))?;
    if size > most {
        return Err((
            GapKind::LimitReached,
            format!(
                "it unpacks to more than {} bytes, or everything inside to more than {}",
                Limits::NESTED_ARCHIVE,
                Limits::NESTED_ARCHIVES
            ),
        ));
    }
    Ok(unpacked)
}

/// The component of a `pom.properties`.
fn coordinates(text: &str) -> Option<Component> {
    let property = |wanted: &str| {
        let pairs = text.lines().filter_map(|line| line.split_once(['=', ':']));
        pairs
            .map(|(key, value)| (key.trim(), value.trim()))
            .find(|(key, value)| *key == wanted && !value.is_empty())
            .map(|(_, value)| value)
    };
    let purl = Purl::new("maven", property("artifactId")?, property("version")?).with_namespace(property("groupId")?);
    Some(Component::new(purl, Some(Ecosystem::new(Ecosystem::MAVEN)), "java"))
}

/// An archive that does not say which artifact it is: by its manifest, or by a file name with a version.
fn uncoordinated(name: &str, manifest: &str) -> Option<Component> {
    let header = |wanted: &str| {
        let pairs = manifest.lines().filter_map(|line| line.split_once(':'));
        pairs
            .map(|(key, value)| (key.trim(), value.trim()))
            .find(|(key, value)| *key == wanted && !value.is_empty())
            .map(|(_, value)| value)
    };
    let file = name.rsplit(['/', ':']).next().unwrap_or(name);
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let versioned = stem
        .match_indices('-')
        .map(|(at, _)| (&stem[..at], &stem[at + 1..]))
        .find(|(artifact, version)| !artifact.is_empty() && version.starts_with(|c: char| c.is_ascii_digit()));
    let (artifact, version) = match (versioned, header("Implementation-Version").or(header("Bundle-Version"))) {
        (Some(parts), _) => parts,
        (None, Some(version)) => (stem, version),
        (None, None) => return None,
    };
    Some(Component::new(Purl::new("maven", artifact, version), None, "java"))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use zip::write::SimpleFileOptions;

    use super::*;
    use crate::stage::inventory::recorder::Recorder;

    fn jar(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in entries {
            writer.start_file(*name, SimpleFileOptions::default()).expect("in memory");
            writer.write_all(content).expect("in memory");
        }
        writer.finish().expect("in memory").into_inner()
    }

    const POM: (&str, &[u8]) = (
        "META-INF/maven/org.acme/lib/pom.properties",
        b"#Generated\ngroupId=org.acme\nartifactId=lib\nversion=1.2.3\n",
    );

    #[test]
    fn archives_inside_of_archives_are_read() {
        let inner = jar(&[POM]);
        let plain = jar(&[("META-INF/MANIFEST.MF", b"Implementation-Version: 9\r\n")]);
        let war = jar(&[("WEB-INF/lib/lib-1.2.3.jar", &inner), ("WEB-INF/lib/other-2.0.jar", &plain)]);
        let seen = Recorder::of(&Java, "srv/app.war", &war);
        assert_eq!(seen.purls(), ["pkg:maven/org.acme/lib@1.2.3", "pkg:maven/other@2.0"]);
        let looked_up: Vec<bool> = seen.components.iter().map(|c| c.ecosystem.is_some()).collect();
        assert_eq!((looked_up, seen.gaps.len()), (vec![true, false], 0));
    }

    #[test]
    fn broken_archives_and_nameless_properties_are_partial_coverage() {
        assert_eq!(Recorder::of(&Java, "a.jar", b"PK\x03\x04junk").gaps.len(), 1);
        let nameless = jar(&[(POM.0, b"version=1\n")]);
        assert_eq!(Recorder::of(&Java, "a.jar", &nameless).gaps.len(), 1);
    }

    #[test]
    fn an_archive_behind_a_shell_script_is_read() {
        let behind = [&b"#!/bin/bash\nexec java -jar $0\nexit 1\n"[..], &jar(&[POM])].concat();
        assert_eq!(Recorder::of(&Java, "app.jar", &behind).purls(), ["pkg:maven/org.acme/lib@1.2.3"]);
        let text = Recorder::of(&Java, "notes.par", b"no archive at all");
        assert!(text.components.is_empty() && text.gaps.is_empty());
    }

    #[test]
    fn bombs_and_deep_nests_end_at_a_limit() {
        let mut nest = jar(&[POM]);
        for _ in 0..8 {
            nest = jar(&[("inner.jar", &nest)]);
        }
        let seen = Recorder::of(&Java, "a.jar", &nest);
        assert!(seen.gaps.iter().any(|(kind, _)| *kind == GapKind::LimitReached), "{seen:?}");
        let mut budget = 1000;
        let mut recorder = Recorder::default();
        inside("a.jar", &jar(&[("inner.jar", &[0; 5000])]), 0, &mut budget, &mut recorder);
        assert_eq!(recorder.gaps.first().map(|gap| gap.0), Some(GapKind::LimitReached));
    }
}
