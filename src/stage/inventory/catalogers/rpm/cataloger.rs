//! The headers of a database as components, and which package brings what another needs.

use std::borrow::Cow;
use std::collections::HashMap;

use super::header::Header;
use super::{bdb, header, ndb, sqlite};
use crate::model::coverage::GapKind;
use crate::model::inventory::{Component, SourcePackage};
use crate::model::purl::Purl;
use crate::stage::inventory::cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};

/// Reads the package database.
pub struct Rpm;

const JOURNAL: &str = "rpmdb.sqlite-journal";

const FOLDERS: &[&str] = &["var/lib/rpm/", "usr/lib/sysimage/rpm/", "usr/share/rpm/"];

impl Cataloger for Rpm {
    fn id(&self) -> &'static str {
        "rpm"
    }

    fn version(&self) -> u32 {
        3
    }

    fn domain(&self) -> Domain {
        Domain::Image
    }

    fn reads(&self) -> Option<(&'static str, &'static str)> {
        Some(("`rpmdb.sqlite`, `Packages.db`, `Packages`", "the rpm distributions"))
    }

    fn anchors(&self) -> &'static [&'static str] {
        FOLDERS
    }

    fn wants(&self, head: &EntryHead<'_>) -> Want {
        match file_name(head.path) {
            Some("rpmdb.sqlite" | "Packages.db" | "Packages") if head.size > 0 => Want::Whole,
            Some("rpmdb.sqlite-wal") if head.size > 0 => Want::Path,
            Some(JOURNAL) if head.size > 0 => Want::Whole,
            _ => Want::No,
        }
    }

    fn catalog(&self, file: &LayerFile<'_>, sink: &mut dyn Sink) {
        let read = match file_name(file.head.path) {
            Some("rpmdb.sqlite") => sqlite::blobs(file.content),
            Some("Packages.db") => ndb::blobs(file.content),
            Some("Packages") => bdb::blobs(file.content),
            // sqlite leaves the journal of a transaction that is done empty, or with zeros at its start.
            Some(JOURNAL) if file.content.first() == Some(&0) => return,
            Some(JOURNAL) => {
                let detail = "a transaction was not done: sqlite takes it back, to packages that are in the journal".to_owned();
                return sink.gap(GapKind::PartialDatabase, detail);
            }
            _ => {
                let detail = "packages may be in a journal that was not merged into the database".to_owned();
                return sink.gap(GapKind::PartialDatabase, detail);
            }
        };
        for trouble in read.troubles {
            sink.gap(GapKind::PartialDatabase, trouble);
        }
        packages(&read.blobs, sink);
    }
}

fn file_name(path: &str) -> Option<&str> {
    FOLDERS
        .iter()
        .find_map(|folder| path.strip_prefix(folder))
        .filter(|name| !name.contains('/'))
}

fn packages(blobs: &[Cow<'_, [u8]>], sink: &mut dyn Sink) {
    let mut packages = Vec::with_capacity(blobs.len());
    for (at, blob) in blobs.iter().enumerate() {
        match Header::new(blob).and_then(|header| package(&header).map(|component| (header, component))) {
            Some((_, component)) if component.purl.name == "gpg-pubkey" => {}
            Some(package) => packages.push(package),
            None => sink.gap(
                GapKind::PartialDatabase,
                format!("the header of package {} of {} cannot be read", at + 1, blobs.len()),
            ),
        }
    }
    let providers = providers(&packages);
    for (header, component) in &packages {
        for path in header.files() {
            sink.owns(path.trim_start_matches('/'), &component.purl);
        }
        let mut component = component.clone();
        let needs = header
            .texts(header::REQUIRE_NAME)
            .into_iter()
            .filter_map(|name| providers.get(name).copied());
        component.dependencies = needs.filter(|purl| **purl != component.purl).cloned().collect();
        component.dependencies.sort();
        component.dependencies.dedup();
        sink.component(component);
    }
}

/// Which package answers to a name: each provides its own, its libraries and its files.
fn providers<'a>(packages: &'a [(Header<'_>, Component)]) -> HashMap<&'a str, &'a Purl> {
    let mut providers = HashMap::new();
    for (header, component) in packages {
        for name in header.texts(header::PROVIDE_NAME) {
            providers.entry(name).or_insert(&component.purl);
        }
    }
    providers
}

pub(super) fn package(header: &Header<'_>) -> Option<Component> {
    let name = header.text(header::NAME)?;
    let version = format!("{}-{}", header.text(header::VERSION)?, header.text(header::RELEASE)?);
    let epoch = header
        .number(header::EPOCH)
        .filter(|epoch| *epoch > 0)
        .map(|epoch| epoch.to_string());
    let purl = Purl::new("rpm", name, &version)
        .with_qualifier("arch", header.text(header::ARCH).unwrap_or_default())
        .with_qualifier("epoch", epoch.as_deref().unwrap_or_default())
        .with_qualifier("rpmmod", header.text(header::MODULARITY_LABEL).unwrap_or_default());
    // The file name of the source package leaves out its epoch, which is that of what is built from it.
    let with_epoch = |version: &str| {
        epoch
            .as_deref()
            .map_or_else(|| version.to_owned(), |epoch| format!("{epoch}:{version}"))
    };
    let mut component = Component::new(purl, None, "rpm");
    component.version = with_epoch(&version);
    let (source_name, source_version) =
        source(header.text(header::SOURCE_RPM).unwrap_or_default()).unwrap_or_else(|| (name.to_owned(), version.clone()));
    component.source = Some(SourcePackage {
        name: source_name,
        version: with_epoch(&source_version),
    });
    component.licenses = header
        .text(header::LICENSE)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
        .into_iter()
        .collect();
    Some(component)
}

/// Name and version of `bash-5.1.8-6.el9.src.rpm`.
fn source(file: &str) -> Option<(String, String)> {
    let stem = file.strip_suffix(".src.rpm").or_else(|| file.strip_suffix(".nosrc.rpm"))?;
    let mut parts = stem.rsplitn(3, '-');
    let (release, version, name) = (parts.next()?, parts.next()?, parts.next()?);
    Some((name.to_owned(), format!("{version}-{release}")))
}
