//! Every waiver of a run: those of the waiver file, and those of VEX documents.

use std::path::Path;

use super::checked::{Lines, checked};
use super::entry::WaiverFile;
use super::retraction::Retraction;
use super::vex;
use super::waiver::Waiver;
use crate::io::document::parse;
use crate::io::{Effects, files, hash};
use crate::model::digest::Digest;
use crate::model::event::Stage;
use crate::stage::policy::PolicyError;

/// A parsed waiver file.
#[derive(Debug, Clone, Default)]
pub struct Waivers {
    file: Option<File>,
    entries: Vec<Waiver>,
    pub(super) vex: Vec<vex::VexDocument>,
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
            super::super::document::file_name(path)
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

    pub(super) fn retractions(&self) -> impl Iterator<Item = &Retraction> {
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
    pub(super) fn duplicates(&self) -> impl Iterator<Item = (&Waiver, &Waiver)> {
        self.entries.iter().enumerate().filter_map(|(index, again)| {
            let same = |first: &&Waiver| first.id == again.id && first.package == again.package && first.paths == again.paths;
            self.entries[..index].iter().find(same).map(|first| (first, again))
        })
    }
}
