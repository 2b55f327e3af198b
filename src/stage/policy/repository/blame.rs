//! Who wrote each waiver entry, by `git blame`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::io::process::Program;
use crate::model::context::WaiverAuthors;
use crate::stage::policy::Waivers;

/// What `git blame` calls the author of a line that is not committed.
const UNCOMMITTED: &str = "not.committed.yet";

/// The authors of each entry, by the lines of the entry but those of `approved_by`: an approver may add their own name.
/// None where the file has no history (no git, no checkout, not tracked), and in a shallow clone: there git names the author of the oldest
/// commit that it has for every line, so that whoever approved their own waiver would not be seen.
#[must_use]
pub fn waiver_authors(file: &Path, waivers: &Waivers) -> Option<Vec<WaiverAuthors>> {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let name = file.file_name()?;
    let git = || Program::new("git").current_dir(folder).env("GIT_OPTIONAL_LOCKS", "0");
    let shallow = git().args(["rev-parse", "--is-shallow-repository"]).stdout().ok()?;
    if shallow.trim_ascii() != b"false" {
        return None;
    }
    let blamed = git().args(["blame", "--line-porcelain", "--"]).args([name]).stdout().ok()?;
    let authors = authors_by_line(&String::from_utf8_lossy(&blamed));
    Some(waivers.entries().iter().map(|waiver| entry(waiver, &authors)).collect())
}

fn entry(waiver: &crate::stage::policy::waivers::Waiver, authors: &BTreeMap<u32, String>) -> WaiverAuthors {
    let is_approval = |line: &u32| waiver.approval_lines.is_some_and(|(first, last)| (first..=last).contains(line));
    let mut addresses = BTreeSet::new();
    let mut uncommitted = false;
    for line in (waiver.line..=waiver.last_line).filter(|line| !is_approval(line)) {
        match authors.get(&line).map(String::as_str) {
            // A blank line after the entry belongs to nobody.
            Some("") | None => {}
            Some(UNCOMMITTED) => uncommitted = true,
            Some(address) => _ = addresses.insert(address.to_owned()),
        }
    }
    WaiverAuthors {
        line: waiver.line,
        authors: addresses.into_iter().collect(),
        uncommitted,
    }
}

/// Line number → mail address in lower case; empty for a blank or comment line.
fn authors_by_line(porcelain: &str) -> BTreeMap<u32, String> {
    let mut authors = BTreeMap::new();
    let (mut number, mut address) = (0u32, String::new());
    for line in porcelain.lines() {
        if let Some(content) = line.strip_prefix('\t') {
            let says_nothing = content.trim().is_empty() || content.trim_start().starts_with('#');
            authors.insert(
                number,
                if says_nothing {
                    String::new()
                } else {
                    std::mem::take(&mut address)
                },
            );
        } else if let Some(mail) = line.strip_prefix("author-mail ") {
            address = mail.trim_matches(['<', '>']).to_lowercase();
        } else if let Some(at) = header(line) {
            number = at;
        }
    }
    authors
}

/// `<commit> <line before> <line now> [<lines>]`.
fn header(line: &str) -> Option<u32> {
    let mut words = line.split(' ');
    let commit = words.next()?;
    let is_commit = commit.len() >= 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_commit { words.nth(1)?.parse().ok() } else { None }
}
