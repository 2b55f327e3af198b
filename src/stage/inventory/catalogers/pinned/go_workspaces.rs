//! Workspaces of Go: a `go.work` in the folder of a module or above it, which `go build` takes without being asked. What a module requires is built as
//! the whole workspace has it: at the highest version that one of its modules requires, and as `go.work`, or any of the modules, replaces it.
//!
//! Source: go.dev/ref/mod, "Workspaces", "Minimal version selection" and "replace directive".

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::format::LockFormat;
use super::go_graph::{Graph, highest, is_of_a_workspace};
use super::go_mod;
pub(in crate::stage::inventory) use super::go_tree::Tree;
use super::go_tree::{MODULE, WORK};
use super::pin::Pin;
use crate::io::files;
use crate::model::coverage::{Gap, GapKind};
use crate::model::inventory::{Component, Location};

/// How what is added is told.
const FORMAT: LockFormat = LockFormat::new("go-work", "`go.work`", "golang", go_mod::is_work_file, go_mod::read_work);

/// Puts in what the workspaces have in the place of what modules require, and takes out what only stands in a `go.work`: a replacement of what nobody
/// requires is not built. What a module's own file says stays: it is what is built where nobody sees the workspace, as in an image that gets one
/// folder of it; with what local folders bring that take the place of what it requires.
pub(in crate::stage::inventory) fn settle(tree: &Tree<'_>, components: &mut Vec<Component>, gaps: &mut Vec<Gap>) {
    // A module that requires nothing is told nowhere, and may be in a workspace all the same.
    let mut found: BTreeSet<PathBuf> = tree.work_of_it().into_iter().collect();
    for component in components.iter().filter(|component| component.purl.kind == "golang") {
        for place in &component.locations {
            let path = tree.root.join(&place.path);
            if is_called(&place.path, MODULE) {
                found.extend(tree.work_above(files::folder_of(&path)));
                found.insert(path);
            } else if is_called(&place.path, WORK) {
                found.insert(path);
            }
        }
    }
    for path in found {
        let is_workspace = is_of_a_workspace(&path);
        let graph = match is_workspace {
            true => Graph::of_workspace(tree, &path).map(Some),
            false => Graph::of_module(tree, &path),
        };
        let unknown = match graph {
            Ok(None) => Vec::new(),
            Ok(Some(mut graph)) => {
                if is_workspace {
                    forget(&tree.shown(&path), components);
                }
                for (pin, place) in graph.pins() {
                    let mut built = FORMAT.component(&pin);
                    if !components.iter().any(|known| known.purl == built.purl) {
                        built.locations = vec![place];
                        components.push(built);
                    }
                }
                if is_workspace {
                    let added = add_sums(tree, &path, &graph, components);
                    graph.unknown.extend(added.err());
                }
                graph.unknown
            }
            // What it says of itself stays.
            Err(detail) => vec![detail],
        };
        let what = match is_workspace {
            true => "what this workspace builds cannot be told",
            false => "what is built of this module cannot be told",
        };
        gaps.extend(unknown.into_iter().map(|detail| Gap {
            kind: GapKind::PartialDatabase,
            subject: tree.shown(&path),
            detail: format!("{what}: {detail}"),
            location: None,
        }));
    }
}

/// Adds what the workspace needs and none of its modules lists: what a module that is replaced by a published one, or that is at another version than
/// the one that its module was tidied with, requires.
fn add_sums(tree: &Tree<'_>, path: &Path, graph: &Graph<'_>, components: &mut Vec<Component>) -> Result<(), String> {
    for (name, version, line) in tree.sums(path)? {
        let built = FORMAT.component(&Pin::new(&name, &version, Some(line)));
        let known = components
            .iter()
            .filter(|known| known.purl.kind == "golang" && known.name == built.name);
        let mut versions: BTreeSet<&str> = known.map(|known| known.version.as_str()).collect();
        // One of before that is no longer needed stays in the file.
        let is_newest = versions.insert(&built.version) && highest(&versions).is_none_or(|highest| highest == built.version);
        if is_newest && !graph.is_used(&name) {
            let place = Location {
                line: Some(line),
                ..Location::path(tree.shown(&path.with_file_name("go.work.sum")))
            };
            components.push(Component {
                locations: vec![place],
                ..built
            });
        }
    }
    Ok(())
}

/// Takes out what a `go.work` names as a replacement. Its toolchain stays.
fn forget(work: &str, components: &mut Vec<Component>) {
    components.retain_mut(|component| {
        let is_of_it = |place: &Location| place.path == work && component.purl.kind == "golang" && component.name != "stdlib";
        let is_named = component.locations.iter().any(is_of_it);
        component.locations.retain(|place| !(is_named && place.path == work));
        !(is_named && component.locations.is_empty())
    });
}

fn is_called(path: &str, name: &str) -> bool {
    path.rsplit('/').next() == Some(name)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::io::limits::Limits;
    use crate::model::excused::Excused as _;

    /// What is told of a folder below a tree of files: names and versions with their places, and gaps.
    fn seen(looked_at: &str, content: &[(&str, &str)]) -> (Vec<String>, usize) {
        seen_in("", looked_at, content)
    }

    /// The same, where the checkout begins at a folder.
    fn seen_in(checkout: &str, looked_at: &str, content: &[(&str, &str)]) -> (Vec<String>, usize) {
        let folder = tempfile::tempdir().expect("a folder");
        let top = folder.path().canonicalize().expect("there");
        for (path, text) in content {
            let path = top.join(path);
            fs::create_dir_all(path.parent().expect("one")).expect("made");
            fs::write(path, text).expect("written");
        }
        let root = files::without_dots(&top.join(looked_at));
        let mut components = Vec::new();
        for (path, text) in content {
            let whole = top.join(path);
            let Some(inside) = whole
                .strip_prefix(&root)
                .or_none("it lies elsewhere")
                .filter(|_| !path.ends_with(".go") && !path.ends_with(".sum"))
            else {
                continue;
            };
            let read = if path.ends_with(WORK) {
                go_mod::read_work(text)
            } else {
                go_mod::read(text)
            };
            for pin in read.expect("text").pins {
                let mut component = FORMAT.component(&pin);
                component.locations = vec![Location::path(inside.display().to_string())];
                components.push(component);
            }
        }
        let top = files::without_dots(&top.join(checkout));
        let tree = Tree {
            root: &root,
            top: Some(&top),
            limits: &Limits::default(),
        };
        let mut gaps = Vec::new();
        settle(&tree, &mut components, &mut gaps);
        let mut told: Vec<String> = components
            .iter()
            .map(|component| format!("{}@{} {}", component.name, component.version, component.locations[0].path))
            .collect();
        told.sort();
        (told, gaps.len())
    }

    const SVC: &str = "module example.org/svc\ngo 1.24\nrequire example.org/net v0.57.0\n";
    const LIB: &str = "module example.org/lib\ngo 1.24\n";
    const WORK: &str = "go 1.24\nuse (\n\t./svc\n\t./lib\n)\n";

    #[test]
    fn a_replacement_in_any_module_of_a_workspace_holds_for_all_of_them() {
        let lib = format!("{LIB}replace example.org/net => example.org/net v0.38.0\n");
        let files = [("go.work", WORK), ("svc/go.mod", SVC), ("lib/go.mod", &lib)];
        let both = ["example.org/net@v0.38.0 svc/go.mod", "example.org/net@v0.57.0 svc/go.mod"];
        assert_eq!(seen(".", &files), (both.map(str::to_owned).into(), 0));
        // Also where one of its folders is looked at.
        let both = both.map(|told| told.replace("svc/", ""));
        assert_eq!(seen("svc", &files), (both.into(), 0));
        // The control: without the workspace, it is the module's own affair.
        assert_eq!(seen("svc", &files[1..]).0, ["example.org/net@v0.57.0 go.mod"]);
    }

    #[test]
    fn a_replacement_of_what_nobody_requires_is_not_built() {
        for line in [
            "replace example.org/net v0.1.0 => example.org/net v0.38.0\n",
            "replace example.org/other => example.org/other v0.38.0\n",
        ] {
            let work = format!("{WORK}{line}");
            let files = [("go.work", work.as_str()), ("svc/go.mod", SVC), ("lib/go.mod", LIB)];
            assert_eq!(seen(".", &files).0, ["example.org/net@v0.57.0 svc/go.mod"], "{line}");
        }
    }

    #[test]
    fn what_only_the_sums_of_the_workspace_tell_is_built_as_well() {
        let sums = "example.org/x v0.17.0 h1:a=\nexample.org/x v0.17.0/go.mod h1:b=\nexample.org/net v0.1.0 h1:c=\n\
                    example.org/lib v0.0.1 h1:d=\nexample.org/y v1.0.0/go.mod h1:e=\n";
        let files = [("go.work.sum", sums), ("go.work", WORK), ("svc/go.mod", SVC), ("lib/go.mod", LIB)];
        let listed = "example.org/net@v0.57.0 svc/go.mod";
        // What is older than what is required, a module of the workspace, and one whose content nobody needed are not.
        assert_eq!(
            seen(".", &files),
            (vec![listed.to_owned(), "example.org/x@v0.17.0 go.work.sum".to_owned()], 0)
        );
        assert_eq!(seen(".", &files[1..]), (vec![listed.to_owned()], 0), "the control");
    }

    #[test]
    fn what_another_module_of_the_workspace_requires_is_what_is_built() {
        let lib = format!("{LIB}require example.org/net v0.60.0\n");
        let files = [("go.work", WORK), ("svc/go.mod", SVC), ("lib/go.mod", &lib)];
        assert_eq!(
            seen("svc", &files).0,
            ["example.org/net@v0.57.0 go.mod", "example.org/net@v0.60.0 go.mod"]
        );
    }

    #[test]
    fn what_a_local_copy_requires_is_built_in_a_workspace_and_looked_up() {
        let work = format!("{WORK}replace example.org/net => ./net\n");
        let net = "module example.org/net\ngo 1.24\nrequire (\n\texample.org/html v0.17.0\n\texample.org/deep v1.0.0\n)\n";
        let lib = format!("{LIB}replace example.org/deep => ../deep\n");
        let deep = "module example.org/deep\ngo 1.24\nrequire example.org/deeper v0.1.0\n";
        let files = [
            ("go.work", work.as_str()),
            ("svc/go.mod", SVC),
            ("lib/go.mod", &lib),
            ("net/go.mod", net),
            ("deep/go.mod", deep),
        ];
        let expected = ["deep@v1.0.0", "deeper@v0.1.0", "html@v0.17.0", "net@v0.57.0"].map(|pin| format!("example.org/{pin} go.mod"));
        assert_eq!(seen("svc", &files), (expected.into(), 0));
        // One that lists nothing of what others need, and one that is not there.
        let old = net.replace("1.24", "1.16");
        let with = |net: &str| seen("svc", &[files[0], files[1], files[2], ("net/go.mod", net), files[4]]).1;
        assert_eq!((with(&old), with("require (\n"), with(net)), (1, 1, 0));
        assert_eq!(seen("svc", &files[..3]).1, 1);
        // The control: a copy of what nobody requires.
        let files = [
            files[0],
            ("svc/go.mod", "module example.org/svc\ngo 1.24\n"),
            ("lib/go.mod", LIB),
            files[3],
            files[4],
        ];
        assert_eq!(seen("svc", &files), (Vec::new(), 0));
    }

    #[test]
    fn what_a_used_module_requires_is_built_where_the_tree_requires_or_imports_it() {
        let lib = format!("{LIB}require example.org/net v0.60.0\n");
        let requires = "module example.org/svc\ngo 1.24\nrequire example.org/lib v0.0.0\n";
        let bare = "module example.org/svc\ngo 1.24\n";
        let main = "package main\nimport _ \"example.org/lib/sub\"\n";
        let files = |svc, main| {
            [
                ("go.work", WORK),
                ("svc/go.mod", svc),
                ("lib/go.mod", lib.as_str()),
                ("svc/cmd/main.go", main),
            ]
        };
        let net = vec!["example.org/net@v0.60.0 go.mod".to_owned()];
        let both: Vec<String> = ["example.org/lib@v0.0.0 go.mod".to_owned()]
            .into_iter()
            .chain(net.clone())
            .collect();
        assert_eq!(seen("svc", &files(requires, "package main\n")), (both, 0));
        assert_eq!(seen("svc", &files(bare, main)), (net, 0));
        // The control: nobody needs it.
        assert_eq!(seen("svc", &files(bare, "package main\n")), (Vec::new(), 0));
    }

    #[test]
    fn a_workspace_above_the_checkout_holds_where_it_uses_a_module_of_it() {
        let lib = format!("{LIB}replace example.org/net => example.org/net v0.38.0\n");
        let work = WORK.replace("./svc", "./sub/svc");
        let files = [("go.work", work.as_str()), ("sub/svc/go.mod", SVC), ("lib/go.mod", &lib)];
        let both = ["example.org/net@v0.38.0 svc/go.mod", "example.org/net@v0.57.0 svc/go.mod"];
        assert_eq!(seen_in("sub", "sub", &files), (both.map(str::to_owned).into(), 0));
        // The control: Go builds nothing of a module that the workspace above it does not use.
        let files = [("go.work", "go 1.24\nuse ./lib\n"), files[1], files[2]];
        assert_eq!(
            seen_in("sub", "sub", &files),
            (vec!["example.org/net@v0.57.0 svc/go.mod".to_owned()], 0)
        );
    }

    #[test]
    fn what_a_local_copy_requires_is_looked_up_without_a_workspace_too() {
        let svc = format!("{SVC}require example.org/html v0.20.0\nreplace example.org/net => ../net\n");
        let net = "module example.org/net\ngo 1.24\nrequire example.org/html v0.17.0\nrequire example.org/b v1.0.0\n";
        let files = [("svc/go.mod", svc.as_str()), ("net/go.mod", net)];
        let own = ["example.org/html@v0.20.0 go.mod", "example.org/net@v0.57.0 go.mod"].map(str::to_owned);
        let all = ["example.org/b@v1.0.0 go.mod".to_owned()].into_iter().chain(own.clone()).collect();
        assert_eq!(seen("svc", &files), (all, 0), "and no version that is lower than its own");
        assert_eq!(seen("svc", &[files[0], ("net/go.mod", "require (\n")]).1, 1);
        // The control: Go builds nothing where the copy is not there.
        assert_eq!(seen("svc", &files[..1]), (own.into(), 0));
    }

    #[test]
    fn a_version_that_is_excluded_is_not_what_is_built() {
        let lib = format!("{LIB}require example.org/net v0.60.0\nexclude example.org/net v0.60.0\n");
        let files = [("go.work", WORK), ("svc/go.mod", SVC), ("lib/go.mod", &lib)];
        assert_eq!(seen("svc", &files), (vec!["example.org/net@v0.57.0 go.mod".to_owned()], 0));
        let svc = format!("{SVC}exclude (\n\texample.org/net v0.57.0\n)\n");
        assert_eq!(seen("svc", &[("svc/go.mod", &svc)]).1, 1, "nobody knows which one is");
        assert_eq!(
            seen("svc", &[("svc/go.mod", &svc.replace("0.57.0\n)", "0.58.0\n)"))]).1,
            0,
            "the control"
        );
    }

    #[test]
    fn a_workspace_that_cannot_be_read_whole_is_a_gap() {
        let files = [("go.work", WORK), ("svc/go.mod", SVC)];
        assert_eq!(seen(".", &files).1, 1, "a module is not there");
        let files = [("go.work", "use ../x\n"), ("svc/go.mod", SVC)];
        assert_eq!(seen("svc", &files).1, 1, "outside of the checkout");
        let files = [("go.work", "use (\n"), ("svc/go.mod", SVC)];
        assert_eq!(seen("svc", &files).1, 1, "a block without an end");
    }
}
