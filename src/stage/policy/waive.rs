//! Writing waivers: an entry at the end of the file, the rest of it untouched.

use std::path::Path;

use jiff::civil::Date;
use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, value};

use crate::io::document::DocumentError;
use crate::io::{Effects, files};
use crate::model::waiver::{Justification, VexStatus};

use super::{PolicyError, Waivers};

/// What `waive` is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWaiver {
    /// Any id of the advisory.
    pub id: String,
    /// A pattern of package URLs: `pkg:cargo/foo@1.2.*`.
    pub package: String,
    /// The places; empty for all.
    pub paths: Vec<String>,
    /// OpenVEX status.
    pub reason: VexStatus,
    /// OpenVEX justification.
    pub justification: Option<Justification>,
    /// Why, in words.
    pub statement: String,
    /// Who answers for it.
    pub owner: String,
    /// Mail addresses of the approvers who agreed.
    pub approved_by: Vec<String>,
    /// The first day on which it holds.
    pub created: Date,
    /// The last day on which it holds.
    pub expires: Date,
}

/// Why an entry could not be added.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum WaiveError {
    /// The file cannot be read or written.
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(#[from] files::FileError),
    /// The file as it is, or the new entry, is not valid.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Invalid(#[from] PolicyError),
}

/// Adds an entry to a waiver file, which is made if it is not there. A result that would not be valid is not written.
///
/// # Errors
/// [`WaiveError`]; the file is as it was then.
pub fn waive(path: &Path, waiver: &NewWaiver, effects: &Effects) -> Result<(), WaiveError> {
    let text = match path.exists() {
        true => files::read_document(path, effects.limits.document)?,
        false => {
            let schema = Path::new("schema/waivers.schema.json");
            let schema = match path.parent().is_some_and(|folder| folder.join(schema).is_file()) {
                true => format!("#:schema ./{}\n", schema.display()),
                false => String::new(),
            };
            format!("{schema}# Waivers: dated promises about single findings. `portcullis waivers list` says what each covers.\n")
        }
    };
    let name = path.display().to_string();
    let text = with_entry(&name, &text, waiver)?;
    Ok(files::write(path, text.as_bytes())?)
}

/// The text of a waiver file with one more entry at its end.
///
/// # Errors
/// [`PolicyError::Waivers`] when the file is not valid before, or would not be after.
pub fn with_entry(name: &str, text: &str, waiver: &NewWaiver) -> Result<String, PolicyError> {
    Waivers::from_text(name, text)?;
    let document: DocumentMut = text
        .parse()
        .map_err(|error: toml_edit::TomlError| refuse(name, text, error.span().unwrap_or(0..0), error.message()))?;
    if document.get("waiver").is_some_and(|entries| !entries.is_array_of_tables()) {
        let help = "its entries are written in one line: write each as [[waiver]]";
        return Err(refuse(name, text, 0..0, help));
    }
    let mut entry = DocumentMut::new();
    let mut entries = ArrayOfTables::new();
    entries.push(table(waiver));
    entry.insert("waiver", Item::ArrayOfTables(entries));
    // Behind everything that stands there, comments too: the head of a file stays its head.
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let mut written = format!("{text}{end}{entry}");
    if !written.ends_with('\n') {
        written.push('\n');
    }
    Waivers::from_text(name, &written)?;
    Ok(written)
}

fn refuse(name: &str, text: &str, span: std::ops::Range<usize>, problem: &str) -> PolicyError {
    PolicyError::Waivers(DocumentError::at(name, text, span, problem, None))
}

fn table(waiver: &NewWaiver) -> Table {
    let list = |items: &[String]| value(items.iter().collect::<Array>());
    let mut table = Table::new();
    table.decor_mut().set_prefix("\n");
    table.insert("id", value(&waiver.id));
    table.insert("package", value(&waiver.package));
    if !waiver.paths.is_empty() {
        table.insert("paths", list(&waiver.paths));
    }
    table.insert("reason", value(waiver.reason.as_str()));
    if let Some(justification) = waiver.justification {
        table.insert("justification", value(justification.as_str()));
    }
    table.insert("statement", value(&waiver.statement));
    table.insert("owner", value(&waiver.owner));
    if !waiver.approved_by.is_empty() {
        table.insert("approved_by", list(&waiver.approved_by));
    }
    table.insert("created", day(waiver.created));
    table.insert("expires", day(waiver.expires));
    table
}

/// A TOML day, which is written without quotes.
pub(super) fn day(date: Date) -> Item {
    match date.to_string().parse::<toml_edit::Datetime>() {
        Ok(datetime) => value(datetime),
        Err(_) => value(date.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn new() -> NewWaiver {
        NewWaiver {
            id: "CVE-2026-1".to_owned(),
            package: "pkg:cargo/foo@1.2.*".to_owned(),
            paths: Vec::new(),
            reason: VexStatus::Affected,
            justification: None,
            statement: "We say \"no\" to it.".to_owned(),
            owner: "team".to_owned(),
            approved_by: vec!["lead@acme.example".to_owned()],
            created: date(2026, 11, 21),
            expires: date(2026, 12, 1),
        }
    }

    #[test]
    fn the_rest_of_the_file_stays_as_it_was() {
        let before = "# ours\n\n[[waiver]]   # old\nid = 'CVE-1'\npackage='pkg:npm/x'\nreason = \"affected\"\nstatement = \"s\"\nowner = \"o\"\nexpires = 2026-12-01 # soon\n";
        let after = with_entry("w", before, &new()).expect("written");
        assert!(after.starts_with(before), "{after}");
        let waivers = Waivers::from_text("w", &after).expect("valid");
        assert_eq!(waivers.entries().len(), 2);
        assert_eq!(
            (waivers.entries()[1].id.as_str(), waivers.entries()[1].expires),
            ("CVE-2026-1", date(2026, 12, 1))
        );
    }

    #[test]
    fn the_head_of_a_file_stays_its_head() {
        for head in ["# Waivers\n# of ours\n", "# without an end", "\n\n# later\n", ""] {
            let after = with_entry("w", head, &new()).expect("written");
            assert!(after.starts_with(head), "{after}");
            assert_eq!(Waivers::from_text("w", &after).expect("valid").entries().len(), 1);
        }
    }

    #[test]
    fn an_entry_that_would_not_be_valid_is_not_written() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("policies/waivers.toml");
        let effects = Effects::plain(dir.path().to_owned());
        let bad = NewWaiver {
            owner: " ".to_owned(),
            ..new()
        };
        assert!(waive(&path, &bad, &effects).is_err());
        assert!(!path.exists());
        waive(&path, &new(), &effects).expect("written");
        waive(&path, &new(), &effects).expect("written");
        assert_eq!(Waivers::load(Some(&path), &effects).expect("valid").entries().len(), 2);
    }

    #[test]
    fn a_broken_file_is_not_appended_to() {
        assert!(with_entry("w", "[[waiver]]\nid = \"x\"\n", &new()).is_err());
    }
}
