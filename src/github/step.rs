//! The files that a step hands to the runner: `GITHUB_STEP_SUMMARY` and `GITHUB_OUTPUT`.

use std::fs::OpenOptions;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::model::finding::Disposition;
use crate::model::outcome::Outcome;

/// A summary may have 1 MiB; beyond that GitHub shows none of it.
pub(super) const SUMMARY: usize = 1024 * 1024 - 1024;
/// What stands at the end of one that was cut.
pub(super) const CUT: &str = "This page was cut at GitHub's limit of 1 MiB; `summary.md` and `findings.json` hold all of it.";

/// Why the runner was not told.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("cannot append to {}", path.display())]
#[diagnostic(code(github::step), help("the runner names this file to the step; is its disk full?"))]
pub struct StepError {
    path: PathBuf,
    source: io::Error,
}

impl StepError {
    /// What the operating system said.
    #[must_use]
    pub const fn reason(&self) -> &io::Error {
        &self.source
    }
}

/// One output of the step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its name in `action.yml`.
    pub name: &'static str,
    /// Its value; empty where the run has none.
    pub value: String,
}

/// Every output, in the order of `action.yml`. Paths are below `folder`.
#[must_use]
pub fn outputs(outcome: &Outcome, folder: &str) -> Vec<Output> {
    let file = |name: &str| {
        let written = outcome.files.iter().any(|file| file == name);
        if written {
            format!("{}/{name}", folder.trim_end_matches('/'))
        } else {
            String::new()
        }
    };
    let verdict = outcome.verdict.as_ref();
    // Nothing where nothing was judged: `0` would be taken for "nothing blocks".
    let blocked = verdict.map(|verdict| {
        let gaps = verdict.gaps.iter().filter(|gap| gap.disposition == Disposition::Denied).count();
        (verdict.count(Disposition::Denied) + gaps).to_string()
    });
    let digest = outcome.subject.as_ref().and_then(|subject| subject.digest.as_ref());
    let rollout = outcome.rollout.as_ref().map(|report| serde_json::json!(report.result));
    let values = [
        (
            "verdict",
            verdict.map(|verdict| verdict.verdict.as_str().to_owned()).unwrap_or_default(),
        ),
        ("digest", digest.map(ToString::to_string).unwrap_or_default()),
        (
            "image",
            outcome.publication.as_ref().map(|p| p.reference.clone()).unwrap_or_default(),
        ),
        ("sbom", file("sbom.cdx.json")),
        ("sarif", file("findings.sarif")),
        ("findings", file("findings.json")),
        ("blocked", blocked.unwrap_or_default()),
        ("rollout", rollout.as_ref().and_then(|v| v.as_str()).unwrap_or_default().to_owned()),
    ];
    values.into_iter().map(|(name, value)| Output { name, value }).collect()
}

/// Outputs in the form that no value can break out of: a delimiter of its own that the value does not hold.
#[must_use]
pub(super) fn heredocs(outputs: &[Output]) -> String {
    let mut text = String::new();
    for output in outputs {
        let delimiter = delimiter(&output.value);
        text.push_str(&format!("{}<<{delimiter}\n{}\n{delimiter}\n", output.name, output.value));
    }
    text
}

/// A word that nobody can guess and that the value does not hold.
fn delimiter(value: &str) -> String {
    loop {
        let random = || RandomState::new().build_hasher().finish();
        let word = format!("portcullis-{:016x}{:016x}", random(), random());
        if !value.contains(&word) {
            return word;
        }
    }
}

/// Cuts a page at the end of a line, so that GitHub shows the rest of it, and says so below.
#[must_use]
pub(super) fn bounded(page: String, limit: usize, notice: &str) -> String {
    if page.len() <= limit {
        return page;
    }
    let end = page.floor_char_boundary(limit);
    let end = page[..end].rfind('\n').unwrap_or(0);
    format!("{}\n\n{notice}\n", &page[..end])
}

/// Appends to a file of the runner's.
pub(super) fn append(path: &Path, text: &str) -> Result<(), StepError> {
    let write = || OpenOptions::new().append(true).create(true).open(path)?.write_all(text.as_bytes());
    write().map_err(|source| StepError {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_ends_its_own_heredoc() {
        let output = Output {
            name: "image",
            value: "a\nportcullis-0\nblocked<<x\n0\nx".to_owned(),
        };
        let text = heredocs(std::slice::from_ref(&output));
        let (head, rest) = text.split_once('\n').expect("a first line");
        let delimiter = head.strip_prefix("image<<").expect("a delimiter");
        assert_eq!(rest, format!("{}\n{delimiter}\n", output.value));
        assert_ne!(text, heredocs(&[output]), "the delimiter is another one each time");
    }

    #[test]
    fn a_page_over_the_limit_is_cut_at_a_line() {
        let page = bounded("é line of a table |\n".repeat(100_000), SUMMARY, CUT);
        assert!(page.len() <= 1024 * 1024);
        assert!(page.ends_with("hold all of it.\n"));
        assert_eq!(bounded("short".to_owned(), SUMMARY, CUT), "short");
    }
}
