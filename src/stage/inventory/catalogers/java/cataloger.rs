//! Java archives: the Maven coordinates in `META-INF/maven/**/pom.properties` and `pom.xml`, also of archives inside of archives, and of archives that
//! lie unpacked.
//!
//! Source: the JAR file specification, Maven's archiver. An archive without coordinates of its own is listed by its manifest or its file name; no
//! feed can know it then, and its component has no ecosystem.

use std::io::{Cursor, Read, Seek};

use zip::ZipArchive;

use super::coordinates::{by_name, is_called_after, nameless, names_version, of_pom, of_properties};
use crate::io::layers::Spilled;
use crate::io::limits::Limits;
use crate::model::coverage::GapKind;
use crate::model::inventory::Component;
use crate::stage::inventory::cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};
use crate::stage::inventory::formats::zipped::{directory, ends_as_zip, is_called, unpack};

/// Reads `.jar`, `.war`, `.ear` and their like.
pub struct Java;

/// How an archive starts that nothing stands before. One that is called so and cannot be opened is a gap; other text of such a name is none.
const ZIP: &[u8] = b"PK";

/// Also of application servers, OSGi containers, portals and Android's libraries.
const ENDINGS: [&str; 12] = [
    ".jar", ".war", ".ear", ".par", ".hpi", ".jpi", ".kar", ".nar", ".sar", ".lpkg", ".rar", ".aar",
];

/// Where Maven puts what an artifact is, a folder for its group and one for its name.
const OF_MAVEN: &str = "META-INF/maven/";

impl Cataloger for Java {
    fn id(&self) -> &'static str {
        "java"
    }

    fn version(&self) -> u32 {
        5
    }

    fn domain(&self) -> Domain {
        Domain::Image
    }

    fn reads(&self) -> Option<(&'static str, &'static str)> {
        Some(("`*.jar`, `*.war`, `*.ear` and archives in them", "Maven"))
    }

    fn wants(&self, head: &EntryHead<'_>) -> Want {
        // Java finds the archive from its end: anything may stand before it, a shell script in executable ones.
        if is_archive(head.path) {
            Want::IfMagic(&[b""])
        } else if is_plain_zip(head.path) {
            Want::IfMagic(&[ZIP])
        } else if is_unpacked(head.path) {
            Want::Whole
        } else {
            Want::No
        }
    }

    fn catalog(&self, file: &LayerFile<'_>, sink: &mut dyn Sink) {
        if is_unpacked(file.head.path) {
            return unpacked_artifact(file.head.path, file.content, sink);
        }
        if is_plain_zip(file.head.path) && !ZipArchive::new(Cursor::new(file.content)).is_ok_and(|zip| is_of_java(&zip)) {
            return;
        }
        let mut budget = Limits::NESTED_ARCHIVES;
        if file.content.starts_with(ZIP) || ends_as_zip(&mut Cursor::new(file.content)).unwrap_or(true) {
            archive(file.head.path, Cursor::new(file.content), 0, &mut budget, sink);
        }
    }

    fn catalog_large(&self, head: &EntryHead<'_>, content: &Spilled, sink: &mut dyn Sink) {
        if is_unpacked(head.path) {
            let mut whole = Vec::new();
            let read = content
                .reader()
                .and_then(|reader| reader.take(Limits::NESTED_ARCHIVE).read_to_end(&mut whole));
            return match read {
                Ok(_) => unpacked_artifact(head.path, &whole, sink),
                Err(error) => sink.gap(GapKind::PartialDatabase, format!("{}: {error}", head.path)),
            };
        }
        let mut budget = Limits::NESTED_ARCHIVES;
        let mut start = [0; ZIP.len()];
        let opened = content
            .read_at(&mut start, 0)
            .and_then(|()| Ok((content.reader()?, content.reader()?)));
        match opened {
            Ok((reader, again)) if is_plain_zip(head.path) => {
                if ZipArchive::new(again).is_ok_and(|zip| is_of_java(&zip)) {
                    archive(head.path, reader, 0, &mut budget, sink);
                }
            }
            Ok((reader, mut again)) => {
                if start == ZIP || ends_as_zip(&mut again).unwrap_or(true) {
                    archive(head.path, reader, 0, &mut budget, sink);
                }
            }
            Err(error) => sink.gap(GapKind::PartialDatabase, format!("{}: {error}", head.path)),
        }
    }
}

fn is_archive(path: &str) -> bool {
    is_called(path, &ENDINGS)
}

/// Java takes an archive of any name: of those that are called so, what has no part of Java's in it is no program.
fn is_plain_zip(path: &str) -> bool {
    is_called(path, &[".zip"])
}

fn is_of_java<R: Read + Seek>(zip: &ZipArchive<R>) -> bool {
    // A name that cannot be read is told by the reading.
    zip.file_names()
        .any(|name| name.map_or(true, |name| Part::of(&name).is_some_and(|part| part != Part::Archive)))
}

/// An artifact's properties in a folder: an archive that lies unpacked.
fn is_unpacked(path: &str) -> bool {
    is_of_maven(path, "/pom.properties") || is_of_maven(path, "/pom.xml")
}

/// A file of Maven's folder, also where that lies below `WEB-INF/classes`.
fn is_of_maven(path: &str, file: &str) -> bool {
    path.ends_with(file) && path.rfind(OF_MAVEN).is_some_and(|at| at == 0 || path.as_bytes()[at - 1] == b'/')
}

fn unpacked_artifact(path: &str, content: &[u8], sink: &mut dyn Sink) {
    let text = String::from_utf8_lossy(content);
    let is_pom = path.ends_with(".xml");
    match if is_pom { of_pom(&text) } else { of_properties(&text) } {
        Some(component) => sink.component(component),
        // The properties beside it say the same without variables.
        None if is_pom => {}
        None => sink.gap(GapKind::PartialDatabase, "it names no group, artifact or version".to_owned()),
    }
}

/// Reads one archive and those inside of it. `budget` is how many bytes may still be unpacked.
fn archive<R: Read + Seek>(name: &str, mut content: R, depth: usize, budget: &mut u64, sink: &mut dyn Sink) {
    const DEEPEST: usize = 4;
    if depth > DEEPEST {
        return sink.gap(
            GapKind::LimitReached,
            format!("{name}: archives are nested more than {DEEPEST} deep"),
        );
    }
    let listed = match directory(&mut content) {
        Ok(listed) => listed,
        Err(error) => return sink.gap(GapKind::PartialDatabase, format!("{name}: {error}")),
    };
    let mut zip = match ZipArchive::new(content) {
        Ok(zip) => zip,
        Err(error) => return sink.gap(GapKind::PartialDatabase, format!("{name}: {error}")),
    };
    if let Some(problem) = listed.disagrees(&zip) {
        sink.gap(GapKind::PartialDatabase, format!("{name}: {problem}"));
    }
    let mut inside_of_it = Contents::default();
    for at in 0..zip.len() {
        let entry = match zip.name_for_index(at) {
            Some(Ok(entry)) => entry.into_owned(),
            Some(Err(error)) => {
                sink.gap(GapKind::PartialDatabase, format!("{name}: {error}"));
                continue;
            }
            None => continue,
        };
        let Some(part) = Part::of(&entry) else { continue };
        if part == Part::Program {
            inside_of_it.has_programs = true;
            continue;
        }
        let unpacked = match unpack(&mut zip, at, budget) {
            Ok(unpacked) => unpacked,
            Err((kind, problem)) => {
                sink.gap(kind, format!("{name}: {entry}: {problem}"));
                continue;
            }
        };
        let text = || String::from_utf8_lossy(&unpacked).into_owned();
        match part {
            Part::Archive => inside(&format!("{name}:{entry}"), &unpacked, depth + 1, budget, sink),
            Part::Properties => inside_of_it.artifact(of_properties(&text()), (name, &entry), sink),
            Part::Pom => inside_of_it.poms.push((entry, text())),
            Part::Manifest => inside_of_it.manifest = text(),
            Part::Program => {}
        }
    }
    inside_of_it.finish(name, sink);
}

/// What an entry of an archive is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Archive,
    Properties,
    Pom,
    Manifest,
    Program,
}

impl Part {
    fn of(entry: &str) -> Option<Self> {
        let of_maven = |file: &str| is_of_maven(entry, file);
        match entry {
            _ if of_maven("/pom.properties") => Some(Self::Properties),
            _ if of_maven("/pom.xml") => Some(Self::Pom),
            _ if entry.eq_ignore_ascii_case("META-INF/MANIFEST.MF") => Some(Self::Manifest),
            _ if is_archive(entry) => Some(Self::Archive),
            _ if entry.ends_with(".class") => Some(Self::Program),
            _ => None,
        }
    }
}

/// What an archive holds, as far as it says which artifact it is.
#[derive(Default)]
struct Contents {
    /// Names of the artifacts whose coordinates are in it: its own, and those that were put into it.
    artifacts: Vec<String>,
    /// Folders of Maven's whose properties were read.
    folders: Vec<String>,
    /// Each `pom.xml` with its name.
    poms: Vec<(String, String)>,
    manifest: String,
    has_programs: bool,
}

impl Contents {
    fn artifact(&mut self, read: Option<Component>, (name, entry): (&str, &str), sink: &mut dyn Sink) {
        self.folders.extend(entry.rsplit_once('/').map(|(folder, _)| folder.to_owned()));
        match read {
            Some(component) => {
                self.artifacts.push(component.purl.name.clone());
                sink.component(component);
            }
            None => sink.gap(
                GapKind::PartialDatabase,
                format!("{name}: {entry} names no group, artifact or version"),
            ),
        }
    }

    /// Artifacts that have a `pom.xml` alone, then the archive itself, unless it is one of those in it.
    fn finish(mut self, name: &str, sink: &mut dyn Sink) {
        for (entry, text) in std::mem::take(&mut self.poms) {
            let folder = entry.rsplit_once('/').map_or("", |(folder, _)| folder);
            if self.folders.iter().all(|known| known != folder) {
                self.artifact(of_pom(&text), (name, &entry), sink);
            }
        }
        let is_known = !self.artifacts.is_empty() && (is_called_after(name, &self.artifacts) || !names_version(name));
        if is_known {
            return;
        }
        match by_name(name, &self.manifest) {
            Some(component) => sink.component(component),
            None if self.has_programs => sink.component(nameless(name)),
            None => {}
        }
    }
}

/// An archive inside of another: behind this function all of them have one type.
fn inside(name: &str, content: &[u8], depth: usize, budget: &mut u64, sink: &mut dyn Sink) {
    archive(name, Cursor::new(content), depth, budget, sink);
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
    fn a_zip_file_that_java_could_run_is_read_as_an_archive_of_java() {
        let with_class = jar(&[("org/acme/Evil.class", b"x"), POM]);
        assert_eq!(
            Recorder::of(&Java, "opt/app.zip", &with_class).purls(),
            ["pkg:maven/org.acme/lib@1.2.3"]
        );
        for other in [jar(&[("a.txt", b"x")]), b"PK\x03\x04junk".to_vec()] {
            let seen = Recorder::of(&Java, "opt/data.zip", &other);
            assert!(seen.components.is_empty() && seen.gaps.is_empty());
        }
    }

    #[test]
    fn an_archive_whose_end_tells_less_than_its_directory_is_a_gap() {
        let whole = jar(&[POM]);
        assert!(Recorder::of(&Java, "a.jar", &whole).gaps.is_empty(), "the control");
        let end = whole.len() - 22;
        let mut none = whole.clone();
        none[end + 8..end + 12].fill(0);
        let seen = Recorder::of(&Java, "a.jar", &none);
        assert_eq!(seen.gaps.len(), 1, "{:?}", seen.gaps);
        // Behind a script, with a number of a disk that no reader looks at.
        let mut script = [&b"#!/bin/sh\nexec java -jar $0\n"[..], &whole].concat();
        let end = script.len() - 22;
        script[end + 4] = 1;
        let seen = Recorder::of(&Java, "a.jar", &script);
        assert!(!seen.gaps.is_empty() || !seen.components.is_empty());
        assert!(
            Recorder::of(&Java, "a.jar", b"#!/bin/sh\nexec java -jar real.jar\n")
                .gaps
                .is_empty(),
            "a script"
        );
    }

    #[test]
    fn maven_folders_below_the_classes_of_a_web_application_are_read() {
        let of = |folder: &str| {
            let path = format!("{folder}{}", POM.0);
            Recorder::of(&Java, "app.war", &jar(&[(&path, POM.1)])).purls()
        };
        for folder in ["", "WEB-INF/classes/", "BOOT-INF/classes/"] {
            assert_eq!(of(folder), ["pkg:maven/org.acme/lib@1.2.3"], "{folder}");
        }
        let pom = b"<project><groupId>org.acme</groupId><artifactId>lib</artifactId><version>1.2.3</version></project>";
        let seen = Recorder::of(&Java, "srv/WEB-INF/classes/META-INF/maven/org.acme/lib/pom.xml", pom);
        assert_eq!(seen.purls(), ["pkg:maven/org.acme/lib@1.2.3"]);
    }

    #[test]
    fn broken_archives_and_nameless_properties_are_partial_coverage() {
        assert_eq!(Recorder::of(&Java, "a.jar", b"PK\x03\x04junk").gaps.len(), 1);
        let nameless = jar(&[(POM.0, b"version=1\n")]);
        assert_eq!(Recorder::of(&Java, "a.jar", &nameless).gaps.len(), 1);
    }

    #[test]
    fn an_archive_that_is_none_of_the_artifacts_in_it_is_listed_by_its_name() {
        let of = |name: &str, entries: &[(&str, &[u8])]| {
            let seen = Recorder::of(&Java, name, &jar(entries));
            let looked_up = seen.components.iter().filter(|component| component.ecosystem.is_some()).count();
            (seen.purls(), looked_up)
        };
        assert_eq!(
            of("evil-1.0.jar", &[POM]),
            (vec!["pkg:maven/org.acme/lib@1.2.3".to_owned(), "pkg:maven/evil@1.0".to_owned()], 1)
        );
        // The controls: what it is called after, also by a name of the user's own.
        for name in ["lib-1.2.3.jar", "lib.jar", "service.jar", "lib-1.2.3-all.jar"] {
            assert_eq!(of(name, &[POM]), (vec!["pkg:maven/org.acme/lib@1.2.3".to_owned()], 1), "{name}");
        }
        assert_eq!(
            of("evil.jar", &[("org/acme/Evil.class", b"x")]),
            (vec!["pkg:maven/evil".to_owned()], 0)
        );
        assert!(of("data.jar", &[("a.txt", b"x")]).0.is_empty());
        let pom = b"<project><groupId>org.acme</groupId><artifactId>evil</artifactId><version>1.0</version></project>";
        let alone = ("META-INF/maven/org.acme/evil/pom.xml", &pom[..]);
        assert_eq!(of("a.aar", &[alone]), (vec!["pkg:maven/org.acme/evil@1.0".to_owned()], 1));
        let unpacked = Recorder::of(&Java, "srv/WEB-INF/classes/META-INF/maven/org.acme/lib/pom.properties", POM.1);
        assert_eq!(unpacked.purls(), ["pkg:maven/org.acme/lib@1.2.3"]);
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
