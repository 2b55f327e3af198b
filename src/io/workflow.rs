//! The actions that workflows and actions use, read from the tree of the document: however `uses` and its value are written.

use std::collections::BTreeSet;

use super::yaml::{Node, Value, documents};
use crate::model::commit::CommitSha;
use crate::model::context::ActionUse;
use crate::model::coverage::{Gap, GapKind};
use crate::model::inventory::Location;

/// How many values are looked at; aliases of aliases make a small file large.
const VALUES: usize = 100_000;

/// True for workflows, and for actions wherever they lie.
#[must_use]
pub fn is_workflow(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_yaml = name.ends_with(".yml") || name.ends_with(".yaml");
    (is_yaml && path.starts_with(".github/workflows/")) || matches!(name, "action.yml" | "action.yaml")
}

/// Line breaks of YAML 1.1 and of none of 1.2: the runner's reader ends a line there, and a comment with it.
///
/// Source: `CharacterAnalyzer.IsBreak` of YamlDotNet, which the runner reads workflows with.
const BREAKS: [char; 3] = ['\u{85}', '\u{2028}', '\u{2029}'];

/// Every action, reusable workflow and `docker://` image that a workflow or an action uses, with its line, and a gap for what could not be read.
#[must_use]
pub fn action_uses(path: &str, text: &str) -> (Vec<ActionUse>, Vec<Gap>) {
    let (mut found, mut gaps) = read(path, text);
    // What one reader takes for a comment is a step for the other: both count.
    if text.contains(BREAKS) {
        let (mut more, mut unread) = read(path, &text.replace(BREAKS, "\n"));
        let places = more.iter_mut().map(|action| &mut action.location);
        places
            .chain(unread.iter_mut().filter_map(|gap| gap.location.as_mut()))
            .for_each(|place| place.line = place.line.map(|line| line_in(text, line)));
        found.append(&mut more);
        gaps.append(&mut unread);
    }
    let mut seen = BTreeSet::new();
    found.retain(|action| seen.insert(action.clone()));
    let mut seen = BTreeSet::new();
    gaps.retain(|gap| seen.insert(gap.clone()));
    (found, gaps)
}

/// The line of a text of which a line is that one when [`BREAKS`] end lines too.
fn line_in(text: &str, line: u32) -> u32 {
    let mut after = 0;
    for (at, one) in (1..).zip(text.lines()) {
        after += one.split(BREAKS).count();
        if usize::try_from(line).is_ok_and(|line| line <= after) {
            return at;
        }
    }
    line
}

fn read(path: &str, text: &str) -> (Vec<ActionUse>, Vec<Gap>) {
    let (documents, unread) = documents(text);
    let mut reader = Reader {
        path,
        lines: text.lines().collect(),
        left: VALUES,
        found: Vec::new(),
        gaps: Vec::new(),
    };
    for unread in unread {
        reader.gap(unread.line, &unread.what);
    }
    for document in &documents {
        reader.value(document, &mut Vec::new());
    }
    if reader.left == 0 {
        reader.gap(1, "its aliases make too many values of it");
    }
    (reader.found, reader.gaps)
}

/// Keys below which a `uses` is a name that somebody has chosen: a variable, an input.
const NAMES: [&str; 8] = ["env", "with", "inputs", "outputs", "secrets", "matrix", "on", "permissions"];

struct Reader<'p> {
    path: &'p str,
    lines: Vec<&'p str>,
    left: usize,
    found: Vec<ActionUse>,
    gaps: Vec<Gap>,
}

impl Reader<'_> {
    /// Looks at a value below `keys`.
    fn value(&mut self, node: &Node, keys: &mut Vec<String>) {
        if self.left == 0 {
            return;
        }
        self.left -= 1;
        match &node.value {
            Value::Text(_) => {}
            Value::List(items) => {
                for item in items {
                    self.value(item, keys);
                }
            }
            Value::Map(pairs) => {
                for (key, value) in pairs {
                    self.pair(key, value, keys);
                }
            }
        }
    }

    fn pair(&mut self, key: &Node, value: &Node, keys: &mut Vec<String>) {
        let Value::Text(name) = &key.value else {
            self.gap(key.line, "a key is not a text");
            return self.value(value, keys);
        };
        let name = name.trim().to_ascii_lowercase();
        // A job may have any name.
        let is_job = keys.len() == 1 && keys[0] == "jobs";
        if !is_job && NAMES.contains(&name.as_str()) {
            return;
        }
        match &value.value {
            Value::Text(uses) if name == "uses" => self.uses(uses, value.line),
            // An action that is an image.
            Value::Text(image) if name == "image" && keys.as_slice() == ["runs"] && image.trim().starts_with("docker://") => {
                self.uses(image, value.line);
            }
            // What is merged belongs to the mapping around it.
            _ if name == "<<" => self.value(value, keys),
            _ => {
                keys.push(name);
                self.value(value, keys);
                keys.pop();
            }
        }
    }

    fn uses(&mut self, uses: &str, line: u32) {
        let uses = uses.trim();
        if uses.is_empty() {
            return self.gap(line, "`uses` names nothing");
        }
        self.found.push(ActionUse {
            uses: uses.to_owned(),
            version: self.version_beside(uses, line),
            location: self.at(line),
        });
    }

    /// What a comment behind a commit calls it: people and their bots write the version there.
    fn version_beside(&self, uses: &str, line: u32) -> Option<String> {
        let (_, commit) = uses.rsplit_once('@')?;
        if !is_commit(commit) {
            return None;
        }
        let text = self.lines.get(usize::try_from(line).map_or(0, |line| line.saturating_sub(1)))?;
        let (_, behind) = text.rsplit_once(commit)?;
        let (_, comment) = behind.split_once(" #")?;
        version_in(comment)
    }

    fn gap(&mut self, line: u32, what: &str) {
        self.gaps.push(Gap {
            kind: GapKind::UnreadableWorkflow,
            subject: self.path.to_owned(),
            detail: format!("line {line}: {what}"),
            location: Some(self.at(line)),
        });
    }

    fn at(&self, line: u32) -> Location {
        Location {
            line: Some(line),
            ..Location::path(self.path)
        }
    }
}

/// True for the whole id of a commit, which nobody can move.
#[must_use]
pub fn is_commit(reference: &str) -> bool {
    CommitSha::parse(reference).is_ok()
}

/// The one version in a comment: `v4.2.2`, `tag=v4`, `ratchet:actions/checkout@v4.2.2`.
fn version_in(comment: &str) -> Option<String> {
    let words = comment.split([' ', '\t', ',', ';', '(', ')']);
    let versions: BTreeSet<&str> = words
        .map(|word| word.rsplit(['=', '@', ':', '#']).next().unwrap_or(word))
        .filter(|word| is_version(word))
        .collect();
    let mut versions = versions.into_iter();
    versions.next().filter(|_| versions.next().is_none()).map(str::to_owned)
}

/// One to three numbers, and what may stand behind three.
fn is_version(word: &str) -> bool {
    let bare = word.strip_prefix(['v', 'V']).unwrap_or(word);
    let numbers = bare.split(['-', '+']).next().unwrap_or(bare);
    let are_numbers = numbers
        .split('.')
        .all(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()));
    are_numbers && numbers.split('.').count() <= 3 && (bare != word || numbers.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_behind_a_commit_tells_its_version_and_nothing_else_does() {
        let commit = "11bd71901bbe5b1630ceea73d27597364c9af683";
        let of = |text: &str| {
            let (found, gaps) = action_uses("action.yml", text);
            assert!(gaps.is_empty(), "{text}");
            found[0].version.clone()
        };
        for comment in [
            "# v4.2.2",
            " # tag=v4.2.2",
            "# pin@v4.2.2",
            "# ratchet:actions/checkout@v4.2.2",
            "#v4.2.2 (LTS)",
        ] {
            assert_eq!(
                of(&format!("- uses: a/b@{commit} {comment}")).as_deref(),
                Some("v4.2.2"),
                "{comment}"
            );
            assert_eq!(
                of(&format!("- uses: 'a/b@{commit}' {comment}")).as_deref(),
                Some("v4.2.2"),
                "{comment}"
            );
        }
        assert_eq!(of(&format!("- {{uses: a/b@{commit}, name: x}} # 4.2")).as_deref(), Some("4.2"));
        for text in [
            format!("- uses: a/b@{commit}"),
            format!("- uses: a/b@{commit} # from v4.2.2 to v4.3.0"),
            format!("- uses: a/b@{commit} # in 2024"),
            format!("- uses: a/b@{commit}\n  # v4.2.2"),
            "- uses: a/b@v4 # v4.2.2".to_owned(),
        ] {
            assert_eq!(of(&text), None, "{text}");
        }
    }

    #[test]
    fn what_stands_behind_a_line_break_that_only_some_readers_know_is_read() {
        let uses = |text: &str| {
            let (found, gaps) = action_uses("action.yml", text);
            let told = |action: ActionUse| (action.uses, action.location.line);
            (found.into_iter().map(told).collect::<Vec<_>>(), gaps)
        };
        let text = |between: &str| format!("- uses: a/b@v1\n# nothing{between}- uses: c/d@v2\n- uses: e/f@v3\n");
        let (seen, hidden) = (("a/b@v1".to_owned(), Some(1)), ("c/d@v2".to_owned(), Some(2)));
        let last = ("e/f@v3".to_owned(), Some(3));
        for between in BREAKS.map(String::from) {
            let (mut found, gaps) = uses(&text(&between));
            found.sort_by_key(|found| found.1);
            assert_eq!(
                (found, gaps),
                (vec![seen.clone(), hidden.clone(), last.clone()], Vec::new()),
                "{between:?}"
            );
        }
        // The controls: a comment, and a break for every reader.
        assert_eq!(uses(&text(" ")).0, [seen.clone(), last]);
        assert_eq!(uses(&text("\n")).0[1], ("c/d@v2".to_owned(), Some(3)));
        // What a comment says of a version is what the reader takes for the comment.
        let commit = "11bd71901bbe5b1630ceea73d27597364c9af683";
        let (found, _) = action_uses("action.yml", &format!("- uses: a/b@{commit} #\u{2028}# v1.2.3\n"));
        assert_eq!(
            found.iter().map(|action| action.version.is_some()).collect::<Vec<_>>(),
            [true, false]
        );
    }
}
