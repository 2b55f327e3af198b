//! The graph of what is built, as `cargo tree` tells it before anything that is judged has run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use auditable_serde::Source;

use super::compiled::{self, Compiled, Named, parse_id};
use crate::model::excused::Excused as _;
use crate::model::inventory::Scope;
use crate::stage::build::BuildError;

/// Who needs whom, and what for.
#[derive(Debug)]
pub(super) struct Graph {
    pub(super) edges: BTreeSet<(Named, Named)>,
    /// Every package: an identity as cargo writes it, and its scope.
    packages: BTreeMap<Named, (String, Scope)>,
}

impl Graph {
    /// Reads the answer with every edge, and the one with those alone that are linked into the program. Lines are `DEPTH|NAME vVERSION …`;
    /// a package's own lines follow it one deeper.
    ///
    /// # Errors
    /// [`BuildError::Answer`].
    pub(super) fn read(all: &str, runtime: &str) -> Result<Self, BuildError> {
        let mut graph = Self {
            edges: BTreeSet::new(),
            packages: BTreeMap::new(),
        };
        graph.add(all, Scope::Build)?;
        graph.add(runtime, Scope::Runtime)?;
        Ok(graph)
    }

    fn add(&mut self, tree: &str, scope: Scope) -> Result<(), BuildError> {
        let mut path: Vec<Named> = Vec::new();
        for line in tree.lines().filter(|line| !line.trim().is_empty()) {
            let (depth, package, id) = tree_line(line).ok_or_else(|| BuildError::Answer {
                what: "cargo tree",
                detail: format!("the line `{line}`"),
            })?;
            path.truncate(depth);
            if let Some(parent) = path.last() {
                self.edges.insert((parent.clone(), package.clone()));
            }
            self.packages.insert(package.clone(), (id, scope));
            path.push(package);
        }
        Ok(())
    }

    /// True for a package that one from a registry or a repository needs: what is published has no path to a local folder, and so it stands in.
    pub(super) fn is_needed_from_elsewhere(&self, package: &Named) -> bool {
        self.edges.iter().any(|(from, to)| to == package && from.2 != Source::Local)
    }

    /// Adds the local packages that some need which stand in for published ones: as those do, they need published ones.
    pub(super) fn add_what_they_need(&self, standing: &mut BTreeSet<Named>) {
        let mut open: Vec<Named> = standing.iter().cloned().collect();
        while let Some(package) = open.pop() {
            let needed = self.edges.iter().filter(|(from, to)| *from == package && to.2 == Source::Local);
            for (_, to) in needed {
                if standing.insert(to.clone()) {
                    open.push(to.clone());
                }
            }
        }
    }

    pub(super) fn has(&self, package: &Named) -> bool {
        self.packages.contains_key(package)
    }

    /// Folders of the local packages.
    pub(super) fn local_folders(&self) -> impl Iterator<Item = PathBuf> {
        self.packages.values().filter_map(|(id, _)| compiled::folder_of(id))
    }

    /// Names of the local packages.
    pub(super) fn local(&self) -> impl Iterator<Item = &str> + Clone {
        let local = self.packages.keys().filter(|(_, _, source)| *source == Source::Local);
        local.map(|(name, ..)| name.as_str())
    }

    /// Adds what the messages did not name, and gives it back for a person; what is linked into the program is of the runtime whatever they
    /// say.
    ///
    /// # Errors
    /// [`BuildError::Answer`] for an identity in the messages that is none.
    pub(super) fn complete(&self, compiled: &mut BTreeMap<String, Compiled>) -> Result<Vec<String>, BuildError> {
        let mut known: BTreeMap<Named, Vec<String>> = BTreeMap::new();
        for id in compiled.keys() {
            known.entry(parse_id(id)?).or_default().push(id.clone());
        }
        let mut added = Vec::new();
        for (package, (id, scope)) in &self.packages {
            let there = known.get(package);
            for id in there.into_iter().flatten() {
                compiled::note(compiled, id, *scope);
            }
            if there.is_none() {
                compiled::note(compiled, id, *scope);
                added.push(format!("{} {}", package.0, package.1));
            }
        }
        Ok(added)
    }
}

/// `1|serde v1.0.0 (proc-macro) (/a/b) (*)`: depth, package, identity. Source: cargo, the display of `PackageId` and `SourceId`.
fn tree_line(line: &str) -> Option<(usize, Named, String)> {
    let (depth, package) = line.split_once('|')?;
    let depth = depth.parse().or_none("the caller says that the line is odd")?;
    let (name, rest) = package.trim().split_once(' ')?;
    let (version, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let number = version.strip_prefix('v')?;
    let rest = rest.trim().trim_end_matches("(*)").trim();
    let rest = rest.strip_prefix("(proc-macro)").unwrap_or(rest).trim();
    let url = match rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        None if rest.is_empty() => "registry+https://github.com/rust-lang/crates.io-index".to_owned(),
        None => return None,
        Some(registry) if registry.starts_with("registry `") => format!("registry+{}", registry[10..].trim_end_matches('`')),
        Some(folder) if folder.starts_with('/') => compiled::id_of_folder(folder),
        // Behind the sharp is the commit, which an identity does not have.
        Some(git) => format!("git+{}", git.rsplit_once('#').map_or(git, |(url, _)| url)),
    };
    let id = format!("{url}#{name}@{number}");
    let named = parse_id(&id).or_none("the caller says that the line is odd")?;
    Some((depth, named, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";
    const ALL: &str = "0|svc v0.1.0 (/home/a/s v#c)\n1|smallvec v1.6.0\n1|derive v1.0.0 (proc-macro)\n2|quote v1.0.0\n1|x v2.0.0 (https://example.org/x?rev=1#1ab)\n1|y v1.0.0 (registry `mine`)\n2|smallvec v1.6.0 (*)\n";
    const RUNTIME: &str =
        "0|svc v0.1.0 (/home/a/s v#c)\n1|smallvec v1.6.0\n1|x v2.0.0 (https://example.org/x?rev=1#1ab)\n1|y v1.0.0 (registry `mine`)\n";

    #[test]
    fn what_a_stand_in_needs_of_the_tree_stands_in_as_well() {
        let tree = "0|svc v0.1.0 (/a/svc)\n1|fork v1.0.0 (/a/fork)\n2|part v1.0.0 (/a/part)\n3|serde v1.0.0\n1|own v1.0.0 (/a/own)\n";
        let graph = Graph::read(tree, tree).expect("read");
        let local = |name: &str| (name.to_owned(), semver::Version::new(1, 0, 0), Source::Local);
        let mut standing = BTreeSet::from([local("fork")]);
        graph.add_what_they_need(&mut standing);
        assert_eq!(standing, [local("fork"), local("part")].into());
    }

    #[test]
    fn a_crate_whose_message_was_lost_is_listed_by_the_graph() {
        let graph = Graph::read(ALL, RUNTIME).expect("read");
        let mut compiled = BTreeMap::new();
        compiled::note(&mut compiled, "path+file:///home/a/s%20v#svc@0.1.0", Scope::Runtime);
        // A message in the name of a crate from elsewhere stands for no other.
        compiled::note(&mut compiled, "path+file:///home/a/smallvec#1.6.0", Scope::Build);
        compiled::note(&mut compiled, "git+https://example.org/x?rev=1#x@2.0.0", Scope::Build);
        let added = graph.complete(&mut compiled).expect("read");
        assert_eq!(added, ["derive 1.0.0", "quote 1.0.0", "smallvec 1.6.0", "y 1.0.0"]);
        let scope = |id: &str| compiled[id].scope;
        assert_eq!(scope(&format!("{CRATES_IO}#smallvec@1.6.0")), Scope::Runtime);
        assert_eq!(scope(&format!("{CRATES_IO}#quote@1.0.0")), Scope::Build);
        assert_eq!(
            scope("git+https://example.org/x?rev=1#x@2.0.0"),
            Scope::Runtime,
            "the graph knows better"
        );
    }
}
