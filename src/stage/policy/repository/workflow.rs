//! The actions that workflows and actions use, read from the tree of the document: however `uses` and its value are written.

use std::collections::BTreeSet;

use crate::io::yaml::{Node, Value, documents};
use crate::model::context::ActionUse;
use crate::model::coverage::{Gap, GapKind};
use crate::model::inventory::Location;

/// How many values are looked at; aliases of aliases make a small file large.
const VALUES: usize = 100_000;

/// True for workflows, and for actions wherever they lie.
pub(super) fn is_workflow(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_yaml = name.ends_with(".yml") || name.ends_with(".yaml");
    (is_yaml && path.starts_with(".github/workflows/")) || matches!(name, "action.yml" | "action.yaml")
}

/// Every action, reusable workflow and `docker://` image that a workflow or an action uses, with its line, and a gap for what could not be read.
#[must_use]
pub fn action_uses(path: &str, text: &str) -> (Vec<ActionUse>, Vec<Gap>) {
    let (documents, unread) = documents(text);
    let mut reader = Reader {
        path,
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
    let mut seen = BTreeSet::new();
    reader.found.retain(|action| seen.insert(action.clone()));
    (reader.found, reader.gaps)
}

/// Keys below which a `uses` is a name that somebody has chosen: a variable, an input.
const NAMES: [&str; 8] = ["env", "with", "inputs", "outputs", "secrets", "matrix", "on", "permissions"];

struct Reader<'p> {
    path: &'p str,
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
            location: self.at(line),
        });
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
