//! Workspaces of Go: a `go.work` in the folder of a module or above it, which `go build` takes without being asked. What a module requires is built as
//! the whole workspace has it: at the highest version that one of its modules requires, and as `go.work`, or any of the modules, replaces it.
//!
//! Source: go.dev/ref/mod, "Workspaces", "Minimal version selection" and "replace directive".

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::format::LockFormat;
use super::go_mod::{self, Module};
use super::pin::Pin;
use crate::io::files;
use crate::io::limits::Limits;
use crate::model::coverage::{Gap, GapKind};
use crate::model::excused::Excused as _;
use crate::model::inventory::{Component, Location};
use crate::model::version::Scheme;

/// How what is added is told.
const FORMAT: LockFormat = LockFormat::new("go-work", "`go.work`", "golang", go_mod::is_work_file, go_mod::read_work);
const FILE: &str = "go.work";

/// The folder that is looked at.
pub(in crate::stage::inventory) struct Tree<'t> {
    /// It, without links.
    pub(in crate::stage::inventory) root: &'t Path,
    /// The top of its checkout, where it is in one: `go.work` is looked for up to there, and otherwise as far up as Go looks for it.
    pub(in crate::stage::inventory) top: Option<&'t Path>,
    pub(in crate::stage::inventory) limits: &'t Limits,
}

/// Puts in what the workspaces have in the place of what modules require, and takes out what only stands in a `go.work`: a replacement of what nobody
/// requires is not built. What a module's own file says stays: it is what is built where nobody sees the workspace, as in an image that gets one
/// folder of it.
pub(in crate::stage::inventory) fn settle(tree: &Tree<'_>, components: &mut Vec<Component>, gaps: &mut Vec<Gap>) {
    let mut works: BTreeSet<PathBuf> = BTreeSet::new();
    for component in components.iter().filter(|component| component.purl.kind == "golang") {
        for place in &component.locations {
            let path = tree.root.join(&place.path);
            match files::folder_of(&path) {
                folder if is_called(&place.path, "go.mod") => works.extend(tree.work_above(folder)),
                _ if is_called(&place.path, FILE) => _ = works.insert(path),
                _ => {}
            }
        }
    }
    for work in works {
        match Workspace::read(tree, &work) {
            Ok(workspace) => {
                forget(&tree.shown(&work), components);
                for (pin, place) in workspace.pins(tree) {
                    let mut built = FORMAT.component(&pin);
                    if !components.iter().any(|known| known.purl == built.purl) {
                        built.locations = vec![place];
                        components.push(built);
                    }
                }
            }
            // What it says of itself stays.
            Err(detail) => gaps.push(Gap {
                kind: GapKind::PartialDatabase,
                subject: tree.shown(&work),
                detail: format!("what this workspace builds cannot be told: {detail}"),
                location: None,
            }),
        }
    }
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

impl Tree<'_> {
    /// The next `go.work` at or above a folder.
    fn work_above(&self, folder: &Path) -> Option<PathBuf> {
        let within = folder
            .ancestors()
            .take_while(|above| self.top.is_none_or(|top| above.starts_with(top)));
        within.into_iter().map(|above| above.join(FILE)).find(|path| path.is_file())
    }

    /// As reports name it: from the folder that is looked at.
    fn shown(&self, path: &Path) -> String {
        for (up, above) in self.root.ancestors().enumerate() {
            if let Ok(below) = path.strip_prefix(above) {
                return format!("{}{}", "../".repeat(up), below.display());
            }
        }
        path.display().to_string()
    }

    /// A document, as it is: not through a link, behind which lies what nobody committed.
    fn document(&self, path: &Path) -> Result<Module, String> {
        let text = files::read_document(path, self.limits.document).map_err(|error| error.to_string())?;
        let module = go_mod::module(&text)?;
        Ok(module)
    }
}

/// A workspace and the modules that it uses, each by its folder.
struct Workspace {
    path: PathBuf,
    work: Module,
    modules: BTreeMap<PathBuf, Module>,
}

impl Workspace {
    fn read(tree: &Tree<'_>, path: &Path) -> Result<Self, String> {
        let work = tree.document(path)?;
        let folder = files::folder_of(path);
        let mut modules = BTreeMap::new();
        for used in &work.used {
            let place = files::without_dots(&folder.join(used));
            if tree.top.is_some_and(|top| !place.starts_with(top)) {
                return Err(format!("it uses `{used}`, which lies outside of the checkout"));
            }
            let module = tree.document(&place.join("go.mod"));
            modules.insert(place, module.map_err(|why| format!("it uses `{used}`: {why}"))?);
        }
        let path = path.to_owned();
        Ok(Self { path, work, modules })
    }

    /// What is built in the place of what is required, where that is not what a file says of itself.
    fn pins(&self, tree: &Tree<'_>) -> Vec<(Pin, Location)> {
        // Names with the versions that anybody requires, and where it is told: in a file of the tree.
        let mut required: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let mut told: BTreeMap<&str, Location> = BTreeMap::new();
        for (folder, module) in &self.modules {
            let file = tree.shown(&folder.join("go.mod"));
            for (name, version, line) in &module.required {
                required.entry(name).or_default().insert(version);
                if !file.starts_with("../") {
                    told.entry(name).or_insert_with(|| Location {
                        line: Some(*line),
                        ..Location::path(&file)
                    });
                }
            }
        }
        let is_within = self.path.starts_with(tree.root);
        let mut pins = Vec::new();
        for (name, versions) in required {
            let place = told
                .remove(name)
                .or_else(|| is_within.then(|| Location::path(tree.shown(&self.path))));
            // Nothing of the tree needs it.
            let Some(place) = place else { continue };
            let highest = highest(&versions);
            for version in versions {
                let is_built = highest.is_none_or(|highest| highest == version);
                let replaced = self.replaced(name, version);
                if replaced.is_empty() && is_built {
                    pins.push((Pin::new(name, version, place.line), place.clone()));
                }
                // A local copy is judged by the version that it stands in for, which the module's own file has.
                for by in replaced {
                    if let [other, version] = by {
                        pins.push((Pin::new(other, version, place.line), place.clone()));
                    }
                }
            }
        }
        pins
    }

    /// By what a module at a version is replaced: `go.work` is asked first; where that says nothing, every module that it uses counts alike.
    fn replaced(&self, name: &str, version: &str) -> Vec<&[String]> {
        match self.work.replaced_by(name, version) {
            Some(by) => vec![by],
            None => self
                .modules
                .values()
                .filter_map(|module| module.replaced_by(name, version))
                .collect(),
        }
    }
}

/// The highest of some versions; none where one of them is no version.
fn highest<'v>(versions: &BTreeSet<&'v str>) -> Option<&'v str> {
    let mut versions = versions.iter().copied();
    let mut highest = versions.next()?;
    let bare = |version: &'v str| version.trim_start_matches('v');
    for version in versions {
        let compared = Scheme::Semver.compare(bare(version), bare(highest));
        if compared.or_none("then each of them counts")? == Ordering::Greater {
            highest = version;
        }
    }
    Some(highest)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// What is told of a folder below a tree of files: names and versions with their places, and gaps.
    fn seen(looked_at: &str, content: &[(&str, &str)]) -> (Vec<String>, usize) {
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
            let Ok(inside) = whole.strip_prefix(&root) else { continue };
            let read = if path.ends_with(FILE) {
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
    fn what_another_module_of_the_workspace_requires_is_what_is_built() {
        let lib = format!("{LIB}require example.org/net v0.60.0\n");
        let files = [("go.work", WORK), ("svc/go.mod", SVC), ("lib/go.mod", &lib)];
        assert_eq!(
            seen("svc", &files).0,
            ["example.org/net@v0.57.0 go.mod", "example.org/net@v0.60.0 go.mod"]
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
