//! Files of modules and workspaces around a folder that is looked at.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::go_imports;
use super::go_mod::{self, Module};
use crate::io::limits::Limits;
use crate::io::{files, folder};
use crate::model::excused::Excused as _;

pub(super) const WORK: &str = "go.work";
pub(super) const MODULE: &str = "go.mod";
/// So many files and folders of a module are looked at for what they import.
const MOST: usize = 50_000;

/// The folder that is looked at.
pub(in crate::stage::inventory) struct Tree<'t> {
    /// It, without links.
    pub(in crate::stage::inventory) root: &'t Path,
    /// The top of its checkout, where it is in one.
    pub(in crate::stage::inventory) top: Option<&'t Path>,
    pub(in crate::stage::inventory) limits: &'t Limits,
}

impl Tree<'_> {
    /// The next `go.work` at or above a folder, as far up as Go looks for it. One above the checkout (of a repository that this one is a submodule of, or
    /// lies in) counts if it uses a module of the tree: otherwise Go builds nothing here.
    pub(super) fn work_above(&self, folder: &Path) -> Option<PathBuf> {
        let found = folder.ancestors().map(|above| above.join(WORK)).find(|path| path.is_file())?;
        let is_ours = !self.is_outside(&found) || self.document(&found).map_or(true, |work| self.uses_one_of_it(&found, &work));
        is_ours.then_some(found)
    }

    /// The workspace that a module of the tree is in which nobody knows of, since it requires nothing.
    pub(super) fn work_of_it(&self) -> Option<PathBuf> {
        let found = self.work_above(self.root)?;
        let work = self.document(&found).or_none("a module that requires something tells it");
        work.is_some_and(|work| self.uses_one_of_it(&found, &work)).then_some(found)
    }

    fn uses_one_of_it(&self, path: &Path, work: &Module) -> bool {
        let mut used = work.used.iter().map(|used| files::folder_of(path).join(used));
        used.any(|used| files::without_dots(&used).starts_with(self.root))
    }

    /// True outside of the checkout.
    pub(super) fn is_outside(&self, path: &Path) -> bool {
        self.top.is_some_and(|top| !path.starts_with(top))
    }

    /// As reports name it: from the folder that is looked at.
    pub(super) fn shown(&self, path: &Path) -> String {
        for (up, above) in self.root.ancestors().enumerate() {
            if let Ok(below) = path.strip_prefix(above) {
                return format!("{}{}", "../".repeat(up), below.display());
            }
        }
        path.display().to_string()
    }

    /// A document, as it is: not through a link, behind which lies what nobody committed.
    pub(super) fn document(&self, path: &Path) -> Result<Module, String> {
        let text = files::read_document(path, self.limits.document).map_err(|error| error.to_string())?;
        go_mod::module(&text)
    }

    /// Modules whose content a workspace needs beside what its modules list: names and versions with their lines in `go.work.sum`. Nothing where there is
    /// no such file: Go builds nothing then that is not in the modules' own. Source: go.dev/ref/mod, "go.work.sum".
    pub(super) fn sums(&self, work: &Path) -> Result<Vec<(String, String, u32)>, String> {
        let path = work.with_file_name("go.work.sum");
        if path.symlink_metadata().is_err() {
            return Ok(Vec::new());
        }
        let text = files::read_document(&path, self.limits.document).map_err(|error| error.to_string())?;
        let lines = text.lines().zip(1..);
        let content = lines.filter_map(|(line, number)| match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            // Of the others only the list of what they require was asked for.
            [name, version, _] if !version.ends_with("/go.mod") => Some(((*name).to_owned(), (*version).to_owned(), number)),
            _ => None,
        });
        Ok(content.collect())
    }

    /// Those of some modules that sources below a folder import, as Go reads them. All of them where the sources cannot be read whole.
    pub(super) fn imported<'m>(&self, below: &Path, modules: &BTreeSet<&'m str>) -> BTreeSet<&'m str> {
        let mut found = BTreeSet::new();
        let (mut open, mut seen) = (vec![below.to_owned()], 0);
        // Folders that Go lists nothing of, and that a path may lead into all the same.
        let (mut aside, mut leads_aside) = (Vec::new(), false);
        while found.len() < modules.len() {
            let Some(next) = open.pop() else {
                if !leads_aside || aside.is_empty() {
                    break;
                }
                open.append(&mut aside);
                continue;
            };
            let Some(entries) = folder::listed(&next).or_none("then it is not known what is in it") else {
                return modules.clone();
            };
            for path in entries.into_iter().map(|entry| entry.path()) {
                seen += 1;
                if seen > MOST {
                    return modules.clone();
                }
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let is_folder = path.symlink_metadata().is_ok_and(|found| found.is_dir());
                // Go passes over the modules within a module.
                if is_folder && !path.join(MODULE).is_file() && name != "vendor" {
                    match is_aside(&name) {
                        true => aside.push(path),
                        false => open.push(path),
                    }
                } else if !is_folder && name.ends_with(".go") && !name.starts_with(['.', '_']) {
                    let text = files::read(&path, self.limits.document).or_none("then it is not known what is in it");
                    let Some(imports) = text.and_then(|text| go_imports::imports(&text)) else {
                        return modules.clone();
                    };
                    leads_aside |= imports.iter().any(|import| import.split('/').any(is_aside));
                    let is_of = |import: &String, module: &str| {
                        import
                            .strip_prefix(module)
                            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                    };
                    found.extend(modules.iter().filter(|module| imports.iter().any(|import| is_of(import, module))));
                }
            }
        }
        found
    }
}

/// True for a folder that patterns (`./...`) leave out. Source: `go help packages`.
fn is_aside(name: &str) -> bool {
    name.starts_with(['.', '_']) || name == "testdata"
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn modules_are_imported_by_what_go_reads() {
        let imported = |sources: &[(&str, &str)]| {
            let folder = tempfile::tempdir().expect("a folder");
            for (name, text) in sources {
                let path = folder.path().join(name);
                fs::create_dir_all(files::folder_of(&path)).expect("made");
                fs::write(path, text).expect("written");
            }
            let tree = Tree {
                root: folder.path(),
                top: None,
                limits: &Limits::default(),
            };
            let modules = BTreeSet::from(["m.example/a", "m.example/ab"]);
            tree.imported(folder.path(), &modules).into_iter().collect::<Vec<_>>()
        };
        assert_eq!(imported(&[("x.go", "package x\nimport \"m.ex\\x61mple/a/p\"\n")]), ["m.example/a"]);
        assert_eq!(imported(&[("x.go", "package x\nimport `m.example/ab`\n")]), ["m.example/ab"]);
        let aside = ("testdata/y/y.go", "package y\nimport \"m.example/a\"\n");
        let leads = ("x.go", "package x\nimport \"own.example/testdata/y\"\n");
        assert_eq!(imported(&[aside, leads]), ["m.example/a"]);
        // What cannot be read may import anything.
        assert_eq!(imported(&[("x.go", "package x\nimport \"\\q\"\n")]).len(), 2);
        // The controls.
        assert!(imported(&[aside, ("x.go", "package x\n")]).is_empty());
        assert!(imported(&[("x.go", "package x\n// \"m.example/a\"\nvar s = \"m.example/ab\"\n")]).is_empty());
        assert!(imported(&[("_x.go", "package x\nimport \"m.example/a\"\n"), ("y.txt", "\"m.example/a")]).is_empty());
    }
}
