//! An entry as a waiver, or what is wrong with it.

use std::ops::Range;

use toml::Spanned;

use super::entry::WaiverEntry;
use super::waiver::Waiver;
use crate::io::document::DocumentError;
use crate::model::waiver::VexStatus;

/// How an imported entry marks what a human must still fill in. A file that holds it anywhere is refused.
pub const PLACEHOLDER: &str = "TODO";

pub(super) fn checked(
    place: usize,
    span: Range<usize>,
    entry: WaiverEntry,
    lines: &Lines,
    name: &str,
    text: &str,
) -> Result<Waiver, DocumentError> {
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
    let line_start = text[..value.start].rfind('\n').unwrap_or(0);
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

pub(super) struct Lines(Vec<usize>);

impl Lines {
    pub(super) fn new(text: &str) -> Self {
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self(std::iter::once(0).chain(starts).collect())
    }

    /// The line of a byte, from 1.
    fn of(&self, offset: usize) -> u32 {
        u32::try_from(self.0.partition_point(|start| *start <= offset)).unwrap_or(u32::MAX)
    }

    pub(super) fn last(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }
}
