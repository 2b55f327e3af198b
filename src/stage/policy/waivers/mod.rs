//! The waiver file.
//!
//! Takes its text. Gives entries with their lines, or an error that points at the place. Invariant: a file that is not understood whole is
//! never read as fewer waivers, or as none.

mod cover;
mod entry;

mod retraction;
mod settings;
mod vex;

pub use cover::Standing;
pub use settings::WaiverSettings;
pub use vex::{VexOutcome, VexSettings};

pub(crate) use cover::{Covered, cover};
pub(crate) use entry::{Day, WaiverFile};

use std::ops::Range;
use std::path::Path;

use toml::Spanned;

use crate::io::document::{DocumentError, parse};
use crate::io::{Effects, files, hash};
use crate::model::digest::Digest;
use crate::model::event::Stage;
use crate::model::waiver::VexStatus;

use super::PolicyError;
use entry::WaiverEntry;
use retraction::Retraction;

/// How an imported entry marks what a human must still fill in. A file that holds it anywhere is refused.
pub const PLACEHOLDER: &str = "TODO";

/// A parsed waiver file.
#[derive(Debug, Clone, Default)]
pub struct Waivers {
    file: Option<File>,
    entries: Vec<Waiver>,
    vex: Vec<vex::VexDocument>,
}

#[derive(Debug, Clone)]
struct File {
    name: String,
    text: String,
    digest: Digest,
}

impl Waivers {
    /// Reads a waiver file; `None` is no waivers. Duplicates are told to the observer.
    ///
    /// # Errors
    /// [`PolicyError`] with the span.
    pub fn load(path: Option<&Path>, effects: &Effects) -> Result<Self, PolicyError> {
        let Some(path) = path else {
            return Ok(Self::default());
        };
        // Findings about waivers name the file: a folder of this machine would make equal verdicts differ.
        let name = if path.is_absolute() {
            super::document::file_name(path)
        } else {
            path.display().to_string()
        };
        Self::load_as(path, &name, effects)
    }

    /// Reads a waiver file that findings call `name`: its path in the repository.
    ///
    /// # Errors
    /// [`PolicyError`] with the span.
    pub fn load_as(path: &Path, name: &str, effects: &Effects) -> Result<Self, PolicyError> {
        let text = files::read_document(path, effects.limits.document).map_err(PolicyError::UnreadableWaivers)?;
        let waivers = Self::from_text(name, &text)?;
        for (first, again) in waivers.duplicates() {
            effects.warn(
                Stage::Policy,
                format!("{name}: waiver {} says the same as {}", again.name(), first.name()),
            );
        }
        Ok(waivers)
    }

    /// Parses the text of a waiver file that findings call `name`.
    ///
    /// # Errors
    /// [`PolicyError::Waivers`] with the span.
    pub fn from_text(name: &str, text: &str) -> Result<Self, PolicyError> {
        let file: WaiverFile = parse(Path::new(name), text).map_err(PolicyError::Waivers)?;
        let lines = Lines::new(text);
        let mut entries = Vec::with_capacity(file.waiver.len());
        for (index, entry) in file.waiver.into_iter().enumerate() {
            entries.push(checked(index + 1, entry.span(), entry.into_inner(), &lines, name, text).map_err(PolicyError::Waivers)?);
        }
        // The span of an entry may be that of its header alone: it ends where the next one begins.
        for index in 0..entries.len() {
            let next = entries.get(index + 1).map_or(lines.last() + 1, |next| next.line);
            entries[index].last_line = next.saturating_sub(1).max(entries[index].line);
        }
        let digest = hash::sha256(text.as_bytes());
        Ok(Self {
            file: Some(File {
                name: name.to_owned(),
                text: text.to_owned(),
                digest,
            }),
            entries,
            vex: Vec::new(),
        })
    }

    /// The ids of all entries and statements, for [`Matching::known_ids`](crate::model::matching::Matching::known_ids).
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.all().map(|waiver| waiver.id.clone()).collect();
        ids.extend(self.retractions().flat_map(|retraction| retraction.ids.iter().cloned()));
        ids.sort();
        ids.dedup();
        ids
    }

    /// Every entry, in file order.
    #[must_use]
    pub fn entries(&self) -> &[Waiver] {
        &self.entries
    }

    /// Every entry, then every statement of a trusted VEX document.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Waiver> {
        self.entries.iter().chain(self.vex.iter().flat_map(|document| &document.statements))
    }

    fn retractions(&self) -> impl Iterator<Item = &Retraction> {
        self.vex.iter().flat_map(|document| &document.retractions)
    }

    /// What findings call the file; none where there is none.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.file.as_ref().map(|file| file.name.as_str())
    }

    /// The file as it was read.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.file.as_ref().map(|file| file.text.as_str())
    }

    /// SHA-256 of the file.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        self.file.as_ref().map(|file| file.digest)
    }

    /// Entries that say the same of the same package and paths, each after the first one.
    fn duplicates(&self) -> impl Iterator<Item = (&Waiver, &Waiver)> {
        self.entries.iter().enumerate().filter_map(|(index, again)| {
            let same = |first: &&Waiver| first.id == again.id && first.package == again.package && first.paths == again.paths;
            self.entries[..index].iter().find(same).map(|first| (first, again))
        })
    }
}

fn checked(place: usize, span: Range<usize>, entry: WaiverEntry, lines: &Lines, name: &str, text: &str) -> Result<Waiver, DocumentError> {
    let fail = |span: Range<usize>, problem: &str, help: &str| DocumentError::at(name, text, span, problem, Some(help.to_owned()));
    let required = [
        ("id", &entry.id, "name an advisory"),
        ("statement", &entry.statement, "say why, in words that a reviewer can check"),
        ("owner", &entry.owner, "name who answers for it"),
    ];
    for (key, value, help) in required {
        if value.get_ref().trim().is_empty() {
            return Err(fail(value.span(), &format!("`{key}` is empty"), help));
        }
        if value.get_ref().trim_start().starts_with(PLACEHOLDER) {
            return Err(fail(value.span(), &format!("`{key}` still has to be filled in"), help));
        }
    }
    if let Some(paths) = &entry.paths
        && paths.get_ref().is_empty()
    {
        return Err(fail(
            paths.span(),
            "`paths` is empty",
            "leave it out to waive every place, or name some",
        ));
    }
    if entry.reason == VexStatus::NotAffected && entry.justification.is_none() {
        return Err(fail(
            entry.id.span(),
            "`not_affected` needs a `justification`",
            "one of component_not_present, vulnerable_code_not_present, vulnerable_code_not_in_execute_path, \
             vulnerable_code_cannot_be_controlled_by_adversary, inline_mitigations_already_exist",
        ));
    }
    let expires = entry.expires.get_ref().0;
    if entry.created.is_some_and(|created| created.0 > expires) {
        return Err(fail(
            entry.expires.span(),
            "it ends before it begins",
            "`expires` is the last day it holds",
        ));
    }
    let approval_lines = entry.approved_by.as_ref().and_then(|list| own_lines(list.span(), lines, text));
    Ok(Waiver {
        place,
        line: lines.of(span.start),
        last_line: lines.of(span.end),
        approval_lines,
        id: entry.id.into_inner().trim().to_owned(),
        package: entry.package,
        paths: entry.paths.map(Spanned::into_inner),
        reason: entry.reason,
        justification: entry.justification,
        statement: entry.statement.into_inner(),
        owner: entry.owner.into_inner(),
        approved_by: entry.approved_by.map(Spanned::into_inner).unwrap_or_default(),
        created: entry.created.map(|day| day.0),
        expires,
        vex: None,
        signed: false,
        product: None,
        said: None,
        is_reasoned: true,
    })
}

/// The lines of a value that hold its key, the value and nothing else. In an inline table the approver's line is the author's too.
fn own_lines(value: Range<usize>, lines: &Lines, text: &str) -> Option<(u32, u32)> {
    let (mut first, mut last) = (lines.of(value.start), lines.of(value.end.saturating_sub(1)));
    let line_start = text[..value.start].rfind('\n').map_or(0, |at| at + 1);
    let before: String = text[line_start..value.start].chars().filter(|c| !c.is_whitespace()).collect();
    if !matches!(before.as_str(), "approved_by=" | "\"approved_by\"=" | "'approved_by'=") {
        first += 1;
    }
    let behind = text[value.end..].split('\n').next().unwrap_or_default().trim();
    if !(behind.is_empty() || behind.starts_with('#')) {
        last = last.saturating_sub(1);
    }
    (first <= last).then_some((first, last))
}

struct Lines(Vec<usize>);

impl Lines {
    fn new(text: &str) -> Self {
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self(std::iter::once(0).chain(starts).collect())
    }

    /// The line of a byte, from 1.
    fn of(&self, offset: usize) -> u32 {
        u32::try_from(self.0.partition_point(|start| *start <= offset)).unwrap_or(u32::MAX)
    }

    fn last(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests;
mod waiver;

pub use waiver::Waiver;
