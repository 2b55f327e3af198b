//! Why something is in the image, and the smallest change that clears it.

use std::collections::{BTreeMap, VecDeque};

use crate::model::advisory::{Requirement, Update};
use crate::model::excused::Excused as _;
use crate::model::explanation::{Change, Explanation};
use crate::model::finding::{Disposition, Judgement};
use crate::model::inventory::{Component, Inventory};
use crate::model::purl::Purl;
use crate::model::verdict::Verdict;

use super::pattern::PurlPattern;
use super::remedy;

/// The most paths that are listed; the shortest come first.
const MAX_PATHS: usize = 5;

/// Explains every component that a query names: an advisory's id (any alias), a package URL (`*` allowed), or a package's name.
#[must_use]
pub fn explain(query: &str, inventory: &Inventory, verdict: &Verdict) -> Vec<Explanation> {
    let graph = Graph::new(inventory);
    let pattern = PurlPattern::parse(query).or_none("no pattern: the query is an id");
    let has_id = |judgement: &&Judgement| judgement.finding.ids.iter().any(|id| id.eq_ignore_ascii_case(query));
    let by_id: Vec<&Purl> = verdict
        .findings
        .iter()
        .filter(has_id)
        .filter_map(|j| j.finding.purl.as_ref())
        .collect();
    let mut seen = Vec::new();
    let mut explanations = Vec::new();
    for component in &inventory.components {
        let named = match &pattern {
            Some(pattern) => pattern.matches(&component.purl),
            None => by_id.contains(&&component.purl) || component.name == query,
        };
        if named && !seen.contains(&&component.purl) {
            seen.push(&component.purl);
            explanations.push(explain_component(component, &graph, verdict));
        }
    }
    explanations
}

fn explain_component(component: &Component, graph: &Graph<'_>, verdict: &Verdict) -> Explanation {
    let about = |judgement: &&Judgement| judgement.finding.purl.as_ref() == Some(&component.purl);
    let findings: Vec<Judgement> = verdict.findings.iter().filter(about).cloned().collect();
    let paths = graph.paths(&component.purl);
    Explanation {
        changes: changes(component, &findings, &paths),
        purl: component.purl.clone(),
        paths,
        locations: component.locations.clone(),
        findings,
    }
}

struct Graph<'a> {
    needed_by: BTreeMap<&'a Purl, Vec<&'a Purl>>,
    roots: Vec<&'a Purl>,
}

impl<'a> Graph<'a> {
    fn new(inventory: &'a Inventory) -> Self {
        let mut needed_by: BTreeMap<&Purl, Vec<&Purl>> = BTreeMap::new();
        for component in &inventory.components {
            for dependency in &component.dependencies {
                needed_by.entry(dependency).or_default().push(&component.purl);
            }
        }
        let roots = inventory.components.iter().filter(|c| c.root).map(|c| &c.purl).collect();
        Self { needed_by, roots }
    }

    /// The shortest paths from a root to a component, one for each component that needs it directly.
    fn paths(&self, purl: &Purl) -> Vec<Vec<Purl>> {
        let parents = self.needed_by.get(purl).map(Vec::as_slice).unwrap_or_default();
        let mut paths: Vec<Vec<Purl>> = parents
            .iter()
            .filter_map(|parent| {
                let mut path = self.shortest(parent, purl)?;
                path.push(purl.clone());
                Some(path)
            })
            .collect();
        paths.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
        paths.dedup();
        paths.truncate(MAX_PATHS);
        paths
    }

    /// Breadth first from a component outwards, until a root, or one that nobody needs. Never through the component that is asked about.
    fn shortest(&self, from: &'a Purl, avoid: &Purl) -> Option<Vec<Purl>> {
        let mut inward: BTreeMap<&Purl, Option<&Purl>> = BTreeMap::from([(from, None)]);
        let mut queue = VecDeque::from([from]);
        let mut end = None;
        while let Some(at) = queue.pop_front() {
            let parents = self.needed_by.get(at).map(Vec::as_slice).unwrap_or_default();
            if self.roots.contains(&at) || parents.is_empty() {
                end = Some(at);
                break;
            }
            for parent in parents.iter().copied().filter(|parent| *parent != avoid) {
                if !inward.contains_key(parent) {
                    inward.insert(parent, Some(at));
                    queue.push_back(parent);
                }
            }
        }
        let mut path = vec![end?.clone()];
        let mut at = end?;
        while let Some(Some(next)) = inward.get(at) {
            path.push((*next).clone());
            at = next;
        }
        Some(path)
    }
}

/// The smallest change first, a waiver last.
fn changes(component: &Component, findings: &[Judgement], paths: &[Vec<Purl>]) -> Vec<Change> {
    let open: Vec<&Judgement> = findings.iter().filter(|j| j.disposition != Disposition::Waived).collect();
    if open.is_empty() {
        return Vec::new();
    }
    let mut changes = Vec::new();
    let fixed: Vec<&String> = open.iter().filter_map(|j| j.finding.fixed.last()).collect();
    let name = &component.name;
    let advised = open.iter().find_map(|j| j.finding.help.clone());
    let clears = open.iter().find_map(|j| j.finding.clears.as_deref());
    let update = open.iter().find_map(|j| j.finding.update.as_ref());
    match (component.purl.kind.as_str(), fixed.is_empty()) {
        ("deb" | "apk" | "rpm", false) => changes.push(Change {
            kind: "rebase",
            text: advised.unwrap_or_else(|| format!("rebuild on a base image with a newer {name}")),
            command: None,
        }),
        (_, false) if component.owned_by.is_some() => changes.push(Change {
            kind: "rebase",
            text: advised.unwrap_or_else(|| format!("rebuild on a base image with a newer {name}")),
            command: None,
        }),
        (_, false) if let (Some(version), Some(update)) = (clears, update) => {
            changes.extend(update.refused_by.iter().map(|requirement| refusal(requirement, component, version)));
            changes.push(moved(component, version, update));
        }
        (kind, false) => {
            // What the finding advises says to which release; where it says nothing, the newest that is known to be fixed.
            let (command, advised) = match advised {
                Some(help) if kind == "cargo" && help.starts_with("cargo ") => (Some(help), None),
                advised => (None, advised),
            };
            let to = clears.or(fixed.first().map(|version| version.as_str())).unwrap_or_default();
            changes.push(Change {
                kind: "update",
                text: advised.unwrap_or_else(|| format!("update {name} {} to {to}", component.version)),
                command,
            });
            if let Some(parent) = paths.first().and_then(|path| path.iter().rev().nth(1)) {
                changes.push(Change {
                    kind: "update-parent",
                    text: format!("where {parent} does not allow that release, update {} first", parent.full_name()),
                    command: (kind == "cargo").then(|| format!("cargo update -p {}", parent.name)),
                });
            }
        }
        (_, true) => changes.push(Change {
            kind: "replace",
            text: format!("no release of {name} is known to fix it: replace it"),
            command: None,
        }),
    }
    if let Some(id) = open.iter().find_map(|j| j.finding.ids.first()) {
        changes.push(Change {
            kind: "waive",
            text: "as the last resort, waive it with a reason, an owner and an end".to_owned(),
            command: Some(format!("portcullis waive {id} --package '{}'", component.purl)),
        });
    }
    changes
}

/// A requirement that does not allow the version: its manifest is edited, or its package updated first.
fn refusal(requirement: &Requirement, component: &Component, version: &str) -> Change {
    let by = &requirement.by;
    let old = by.version.as_deref().unwrap_or_default();
    let newer = requirement.allowed_from.as_ref().filter(|_| by.kind == "cargo");
    Change {
        kind: if requirement.location.is_some() { "edit" } else { "update-parent" },
        text: remedy::edit(requirement, &component.name, version),
        command: newer.map(|from| format!("cargo update -p {}@{old} --precise {from}", by.name)),
    }
}

/// The update itself, and what is known of who allows it.
fn moved(component: &Component, version: &str, update: &Update) -> Change {
    let known = match (update.refused_by.as_slice(), update.unknown.as_slice()) {
        ([], []) => "every requirement allows it, no manifest has to change".to_owned(),
        (_, [first, rest @ ..]) => {
            let more = if rest.is_empty() {
                String::new()
            } else {
                format!(" and {} more", rest.len())
            };
            format!("whether {}{more} allows it is not known", first.full_name())
        }
        _ => "once the requirements allow it".to_owned(),
    };
    Change {
        kind: "update",
        text: format!("update {} {} to {version}: {known}", component.name, component.version),
        command: remedy::command(component, version),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::inventory::Subject;

    fn component(name: &str, root: bool, needs: &[&str]) -> Component {
        let purl = |name: &str| Purl::new("npm", name, "1.0.0");
        Component {
            root,
            dependencies: needs.iter().map(|name| purl(name)).collect(),
            ..Component::new(purl(name), None, "test")
        }
    }

    #[test]
    fn a_path_begins_at_a_root_or_at_what_nobody_needs() {
        let mut inventory = Inventory::new(Subject {
            name: "x".to_owned(),
            digest: None,
            commit: None,
        });
        inventory.components = vec![
            component("member", true, &["leaf"]),
            component("app", true, &["member"]),
            component("stray", false, &["leaf"]),
            component("leaf", false, &[]),
        ];
        let graph = Graph::new(&inventory);
        let paths: Vec<Vec<String>> = graph
            .paths(&inventory.components[3].purl)
            .iter()
            .map(|path| path.iter().map(|purl| purl.name.clone()).collect())
            .collect();
        assert_eq!(paths, [["member", "leaf"], ["stray", "leaf"]]);
    }

    #[test]
    fn an_update_says_who_allows_it() {
        let leaf = component("leaf", false, &[]);
        let told = |unknown: &[Purl]| {
            let update = Update {
                unknown: unknown.to_vec(),
                ..Update::default()
            };
            moved(&leaf, "2.0.0", &update).text
        };
        assert!(told(&[]).ends_with("every requirement allows it, no manifest has to change"));
        let unknown = Purl::new("npm", "other", "1.0.0");
        assert!(told(&[unknown]).ends_with("whether other allows it is not known"));
    }
}
