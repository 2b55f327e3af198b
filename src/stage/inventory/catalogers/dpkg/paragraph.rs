//! The paragraphs of the database, each a package.

use std::io::{self, BufRead};

use super::package::{Package, is_name};
use super::relations;
use crate::io::limits::Limits;
use crate::model::coverage::GapKind;
use crate::model::inventory::{Component, SourcePackage};
use crate::model::purl::Purl;

use crate::stage::inventory::cataloger::Sink;
use crate::stage::inventory::formats::deb822::{self, Paragraph};
use crate::stage::inventory::formats::paragraphs::Paragraphs;

/// Where the packages stand that a package needs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Others {
    /// In the same file.
    Here,
    /// Each in a file of its own: needs are told by name, for whoever sees all of them.
    Elsewhere,
}

/// Says what was read even where the rest cannot be.
pub(super) fn packages(blocks: &mut Paragraphs<impl BufRead>, others: Others, sink: &mut dyn Sink) -> io::Result<()> {
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
    // As dpkg itself does.
    let name = paragraph
        .field("Package")
        .filter(|name| is_name(name))
        .ok_or("no readable package name")?
        .to_ascii_lowercase();
    let name = name.as_str();
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
        name: or(source, name).to_ascii_lowercase(),
        version: or(in_brackets.trim_end().trim_end_matches(')'), version),
    }
}
