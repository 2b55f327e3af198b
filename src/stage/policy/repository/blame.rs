//! Who wrote each waiver entry, by `git blame`.
//!
//! Fail closed: whoever may have had a hand in an entry counts as its author (the author as committed and as `.mailmap` has it, and everybody
//! whom the commit names as co-author, which is where a squashed pull request keeps its authors), and a line whose history is not here has an
//! author whom nobody knows. An entry of which no line can be attributed has no approval. Renames are followed. Somebody who commits under a second address is not seen: that takes signed commits.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::io::files::folder_of;
use crate::io::git;
use crate::model::context::WaiverAuthors;
use crate::model::excused::Excused as _;
use crate::stage::policy::Waivers;
use crate::stage::policy::waivers::Waiver;

/// For each commit: its id, its author as committed, as `.mailmap` has it, and its message. What a trailer is depends on git's configuration and on
/// where a paragraph stands; a line that names a co-author names one wherever it is.
const FORMAT: &str = "--format=%x00%H%x00%ae%x00%aE%x00%B";

/// The authors of each entry, by the lines of the entry but those of `approved_by`: an approver may add their own name.
/// None where the file has no history at all: no git, no checkout, not tracked.
#[must_use]
pub fn waiver_authors(file: &Path, waivers: &Waivers) -> Option<Vec<WaiverAuthors>> {
    let folder = folder_of(file);
    let name = file.file_name()?;
    // Nothing that a checkout or a user has set up may hide a commit.
    let git = || git::question(folder);
    let shallow = git()
        .args(["rev-parse", "--is-shallow-repository"])
        .stdout()
        .or_none("without an answer of git nobody is known to have approved")?;
    let is_shallow = shallow.trim_ascii() != b"false";
    let blamed = git::question_of_content(folder)
        .or_none("without an answer of git nobody is known to have approved")?
        .args(["blame", "--line-porcelain", "--ignore-revs-file=", "--no-textconv", "--"])
        .args([name])
        .stdout()
        .or_none("without an answer of git nobody is known to have approved")?;
    let lines = commits_by_line(&String::from_utf8_lossy(&blamed));
    // What git attributes is the file that was read, line by line, or it attributes nothing.
    let text = waivers.text().unwrap_or_default();
    let is_same = text.lines().count() == lines.len()
        && (1u32..)
            .zip(text.lines())
            .all(|(number, line)| lines.get(&number).is_some_and(|known| known.content == line));
    let lines = if is_same { lines } else { BTreeMap::new() };
    // In a text of several lines a `#` begins no comment.
    let has_long_texts = text.contains("\"\"\"") || text.contains("'''");
    let commits: BTreeSet<&str> = lines
        .values()
        .map(|line| line.commit.as_str())
        .filter(|c| !is_uncommitted(c))
        .collect();
    let shown = match commits.is_empty() {
        true => Vec::new(),
        false => git()
            .args(["show", "--no-patch", FORMAT])
            .args(&commits)
            .stdout()
            .or_none("without an answer of git nobody is known to have approved")?,
    };
    let people = addresses(&String::from_utf8_lossy(&shown));
    let blamed = Blamed {
        lines,
        people,
        is_shallow,
        has_long_texts,
    };
    let entry = |waiver: &Waiver| entry(waiver, &blamed);
    Some(waivers.entries().iter().map(entry).collect())
}

/// What git says of a file.
struct Blamed {
    lines: BTreeMap<u32, Line>,
    /// Commit → mail addresses.
    people: BTreeMap<String, BTreeSet<String>>,
    is_shallow: bool,
    has_long_texts: bool,
}

/// What is known of one line.
struct Line {
    commit: String,
    content: String,
    /// The last commit that git has of its history.
    boundary: bool,
    /// A blank line or a comment: it belongs to nobody.
    says_nothing: bool,
}

fn entry(waiver: &Waiver, blamed: &Blamed) -> WaiverAuthors {
    let is_approval = |line: &u32| waiver.approval_lines.is_some_and(|(first, last)| (first..=last).contains(line));
    let mut authors = WaiverAuthors {
        line: waiver.line,
        authors: Vec::new(),
        uncommitted: false,
        cut: false,
        unattributed: false,
    };
    let mut addresses = BTreeSet::new();
    let mut attributed = 0;
    // The end of the file may be a line of its own to the entry, and is none to git; without any line nothing is attributed.
    let own = blamed.lines.range(waiver.line..=waiver.last_line);
    for (_, line) in own.filter(|(number, _)| !is_approval(number)) {
        if line.says_nothing && (!blamed.has_long_texts || line.content.trim().is_empty()) {
            continue;
        }
        match blamed.people.get(&line.commit).filter(|people| !people.is_empty()) {
            _ if is_uncommitted(&line.commit) => authors.uncommitted = true,
            // git names the author of the oldest commit that it has: whoever wrote it before is not seen.
            _ if blamed.is_shallow && line.boundary => authors.cut = true,
            Some(people) => {
                addresses.extend(people.iter().cloned());
                attributed += 1;
            }
            None => authors.unattributed = true,
        }
    }
    authors.unattributed |= attributed == 0 && !authors.uncommitted && !authors.cut;
    authors.authors = addresses.into_iter().collect();
    authors
}

/// git's name for what is not committed.
fn is_uncommitted(commit: &str) -> bool {
    commit.bytes().all(|byte| byte == b'0')
}

/// Line number → commit.
fn commits_by_line(porcelain: &str) -> BTreeMap<u32, Line> {
    let mut lines = BTreeMap::new();
    let (mut number, mut commit, mut boundary) = (0u32, String::new(), false);
    for line in porcelain.lines() {
        if let Some(content) = line.strip_prefix('\t') {
            let plain = content.trim_start();
            let known = Line {
                commit: std::mem::take(&mut commit),
                boundary: std::mem::take(&mut boundary),
                says_nothing: plain.is_empty() || plain.starts_with('#'),
                content: content.to_owned(),
            };
            lines.insert(number, known);
        } else if line == "boundary" {
            boundary = true;
        } else if let Some((id, at)) = header(line).filter(|_| commit.is_empty()) {
            (commit, number) = (id.to_owned(), at);
        }
    }
    lines
}

/// `<commit> <line before> <line now> [<lines>]`.
fn header(line: &str) -> Option<(&str, u32)> {
    let mut words = line.split(' ');
    let commit = words.next()?;
    let is_commit = commit.len() >= 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = words.nth(1).filter(|_| is_commit)?;
    Some((commit, number.parse().or_none("not the head of a line of blame")?))
}

/// Commit → mail addresses in lower case.
fn addresses(shown: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut people = BTreeMap::new();
    let mut fields = shown.split('\0').skip(1);
    while let (Some(commit), Some(raw), Some(mapped), Some(message)) = (fields.next(), fields.next(), fields.next(), fields.next()) {
        let mut all = BTreeSet::from([raw.to_lowercase(), mapped.to_lowercase()]);
        let named = message.lines().filter(|line| names_co_author(line)).flat_map(mail_addresses);
        all.extend(named);
        all.remove("");
        people.insert(commit.to_owned(), all);
    }
    people
}

/// `Co-authored-by: …`, however it is written.
fn names_co_author(line: &str) -> bool {
    let letters: String = line.chars().filter(char::is_ascii_alphabetic).take(12).collect();
    letters.eq_ignore_ascii_case("coauthoredby")
}

/// Everything in a line that may be a mail address, in lower case.
fn mail_addresses(line: &str) -> impl Iterator<Item = String> {
    let parts = |byte: char| byte.is_whitespace() || "<>()[],;:\"'".contains(byte);
    line.split(parts).filter(|word| word.contains('@')).map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_co_author_is_seen_however_the_line_is_written() {
        for line in [
            "Co-authored-by: S <sec@acme.example>",
            "co-authored-by: sec@acme.example",
            "Co-authored-by : S <sec@acme.example> (x)",
            "  CO-AUTHORED-BY: S <Sec@Acme.example>, B <b@acme.example>",
            "Co-authored-by% S <sec@acme.example>",
        ] {
            let shown = format!("\0c0ffee\0a@acme.example\0a@acme.example\0title\n\n{line}\n\nmore text\n");
            let people = &addresses(&shown)["c0ffee"];
            assert!(
                people.contains("sec@acme.example") && people.contains("a@acme.example"),
                "{line}: {people:?}"
            );
        }
        let shown = "\0c0ffee\0a@acme.example\0a@acme.example\0thanks to sec@acme.example\n";
        assert_eq!(addresses(shown)["c0ffee"].len(), 1, "a mention is no authorship");
    }
}
