//! The waiver file that an import gives.

use jiff::civil::Date;
use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, value};

use super::error::ImportError;
use super::formats;
use super::imported_waiver::Format;
use super::imported_waiver::ImportedWaiver;
use crate::model::waiver::VexStatus;
use crate::stage::policy::waive::day;
use crate::stage::policy::waivers::PLACEHOLDER;

/// What an import gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The waiver file. The gate refuses it until every `TODO` is filled in.
    pub text: String,
    /// How many entries it has.
    pub entries: usize,
    /// What a reader should know: what has no counterpart here.
    pub notes: Vec<String>,
}

/// Reads another tool's file. `today` becomes `created`; where the file names no package, `package_of` may know which an id was last found in.
///
/// # Errors
/// [`ImportError`] for an unknown name, and for anything in the file that is not understood.
pub fn import(
    name: &str,
    format: Option<Format>,
    text: &str,
    today: Date,
    package_of: impl Fn(&str) -> Option<String>,
) -> Result<Imported, ImportError> {
    let format = format
        .or_else(|| Format::of_name(name))
        .ok_or_else(|| ImportError::UnknownFormat(name.to_owned()))?;
    let mut notes = Vec::new();
    let mut waivers = formats::read(format, text, &mut notes).map_err(|(line, problem)| ImportError::Malformed {
        file: name.to_owned(),
        line,
        problem,
    })?;
    let mut entries = ArrayOfTables::new();
    for waiver in &mut waivers {
        waiver.package = waiver.package.take().or_else(|| package_of(&waiver.id));
        entries.push(table(waiver, today));
    }
    let mut document = DocumentMut::new();
    document.insert("waiver", Item::ArrayOfTables(entries));
    let head = format!(
        "# Imported from {}. Portcullis refuses this file until every `{PLACEHOLDER}` is filled in by somebody who knows.\n",
        name.rsplit('/').next().unwrap_or(name)
    );
    Ok(Imported {
        text: head + &document.to_string(),
        entries: waivers.len(),
        notes,
    })
}

pub(super) fn table(waiver: &ImportedWaiver, today: Date) -> Table {
    let todo = |what: &str| value(format!("{PLACEHOLDER}: {what}"));
    let mut table = Table::new();
    let hint = waiver
        .hint
        .as_ref()
        .map(|hint| format!("# {}\n", hint.replace(['\n', '\r'], " ")))
        .unwrap_or_default();
    table.decor_mut().set_prefix(format!("\n{hint}"));
    table.insert("id", value(&waiver.id));
    let package = waiver.package.as_ref().map(value);
    table.insert(
        "package",
        package.unwrap_or_else(|| todo("the package, such as pkg:cargo/name@1.2.*")),
    );
    if !waiver.paths.is_empty() {
        table.insert("paths", value(waiver.paths.iter().collect::<Array>()));
    }
    let reason = waiver.reason.map(|reason| value(reason.as_str()));
    table.insert(
        "reason",
        reason.unwrap_or_else(|| todo("not_affected, affected, fixed or under_investigation")),
    );
    match (waiver.reason, waiver.justification) {
        (_, Some(justification)) => _ = table.insert("justification", value(justification.as_str())),
        (Some(VexStatus::NotAffected), None) => _ = table.insert("justification", todo("one of OpenVEX's justifications")),
        _ => {}
    }
    let statement = waiver
        .statement
        .as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(value);
    table.insert(
        "statement",
        statement.unwrap_or_else(|| todo("why, in words that a reviewer can check")),
    );
    // No other tool asks who answers for it: this one is always left to a human.
    table.insert("owner", todo("who answers for it"));
    // One that has ended already began before today; nobody knows when.
    if waiver.expires.is_none_or(|expires| expires >= today) {
        table.insert("created", day(today));
    }
    table.insert(
        "expires",
        waiver.expires.map_or_else(|| todo("the last day it holds, without quotes"), day),
    );
    table
}
