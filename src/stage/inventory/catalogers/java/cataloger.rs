//! Java archives: the Maven coordinates in `META-INF/maven/**/pom.properties` and `pom.xml`, also of archives inside of archives, and of archives that
//! lie unpacked.
//!
//! Source: the JAR file specification, Maven's archiver. An archive without coordinates of its own is listed by its manifest or its file name; no
//! feed can know it then, and its component has no ecosystem.

use std::io::{Cursor, Read, Seek};

use zip::ZipArchive;

use super::coordinates::{by_name, is_called_after, is_named, nameless, names_version, of_pom, of_properties};
use super::programs::Programs;
use crate::io::layers::Spilled;
use crate::io::limits::Limits;
use crate::model::coverage::GapKind;
use crate::model::inventory::Component;
use crate::model::purl::Purl;
use crate::stage::inventory::cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};
use crate::stage::inventory::formats::zipped::{begins_as_zip, directory, ends_as_zip, is_called, unpack};

/// Reads `.jar`, `.war`, `.ear` and their like.
pub struct Java;

/// How an archive starts that nothing stands before. One that is called so and cannot be opened is a gap; other text of such a name is none.
const ZIP: &[u8] = b"PK";
/// How an archive starts that has its first entry there.
const ENTRY: &[u8] = b"PK\x03\x04";

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
        8
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
        } else if is_unpacked(head.path) {
            Want::Whole
        } else {
            Want::IfMagic(&[ENTRY])
        }
    }

    fn catalog(&self, file: &LayerFile<'_>, sink: &mut dyn Sink) {
        if is_unpacked(file.head.path) {
            return unpacked_artifact(file.head.path, file.content, sink);
        }
        if !is_archive(file.head.path) && !ZipArchive::new(Cursor::new(file.content)).is_ok_and(|zip| is_of_java(&zip)) {
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
            Ok((reader, again)) if !is_archive(head.path) => {
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

/// Java takes an archive of any name (`app.bin`, `app.jar.original`): what has no program of Java's in it, and is not called so, is none. A manifest
/// alone is Android's, or a browser's.
fn is_of_java<R: Read + Seek>(zip: &ZipArchive<R>) -> bool {
    let is_of_java = |name: &str| matches!(Part::of(name), Some(Part::Program | Part::Properties | Part::Pom));
    // A name that cannot be read is told by the reading.
    zip.file_names().any(|name| name.map_or(true, |name| is_of_java(&name)))
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
        let part = match Part::of(&entry) {
            Some(part) => part,
            // A class loader of the user's own takes archives of any name.
            None if !entry.ends_with('/') && begins_as_zip(&mut zip, at) => Part::MayBeArchive,
            None => continue,
        };
        if part == Part::Program {
            inside_of_it.programs.take(&entry);
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
            Part::MayBeArchive if !ZipArchive::new(Cursor::new(&unpacked)).is_ok_and(|zip| is_of_java(&zip)) => {}
            Part::Archive | Part::MayBeArchive => inside(&format!("{name}:{entry}"), &unpacked, depth + 1, budget, sink),
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
    /// It begins as one, and is called otherwise.
    MayBeArchive,
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
    /// The artifacts whose coordinates are in it: its own, and those that were put into it.
    artifacts: Vec<Purl>,
    /// Folders of Maven's whose properties were read.
    folders: Vec<String>,
    /// Each `pom.xml` with its name.
    poms: Vec<(String, String)>,
    manifest: String,
    programs: Programs,
}

impl Contents {
    fn artifact(&mut self, read: Option<Component>, (name, entry): (&str, &str), sink: &mut dyn Sink) {
        self.folders.extend(entry.rsplit_once('/').map(|(folder, _)| folder.to_owned()));
        match read {
            Some(component) => {
                self.artifacts.push(component.purl.clone());
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
        // A name without a version is one of the user's own, as for most services: what is in it tells.
        let is_one = || is_named(&self.manifest, &self.artifacts) || self.programs.are_of(&self.artifacts);
        let is_known = !self.artifacts.is_empty() && (is_called_after(name, &self.artifacts) || (!names_version(name) && is_one()));
        if is_known {
            if let Some(foreign) = self.programs.foreign_to(&self.artifacts) {
                sink.gap(
                    GapKind::UnownedExecutable,
                    format!("{name}: it names no artifact that its classes in {foreign} may be of: they were not looked up"),
                );
            }
            return;
        }
        match by_name(name, &self.manifest) {
            Some(component) => sink.component(component),
            None if self.programs.are_there() => sink.component(nameless(name)),
            None => {}
        }
    }
}

/// An archive inside of another: behind this function all of them have one type.
pub(super) fn inside(name: &str, content: &[u8], depth: usize, budget: &mut u64, sink: &mut dyn Sink) {
    archive(name, Cursor::new(content), depth, budget, sink);
}
