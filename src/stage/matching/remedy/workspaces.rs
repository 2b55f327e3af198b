//! The folders that a workspace's manifest names by patterns.

use std::path::{Path, PathBuf};

use crate::io::folder;
use crate::model::excused::Excused as _;

/// At most so many packages of one workspace are read.
pub(super) const MOST: usize = 2000;

/// The folders that a pattern means, below a folder of the root and relative to that: `*` stands for any one folder, `**` for any number of them.
pub(super) fn expanded(root: &Path, folder: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut folders = vec![folder.to_owned()];
    for part in pattern.split('/').filter(|part| !part.is_empty() && *part != ".") {
        let step = |folder: PathBuf| -> Vec<PathBuf> {
            match part.split_once('*') {
                _ if part == "**" => below(root, &folder, 0),
                None => vec![folder.join(part)],
                Some((before, after)) => {
                    let fits = |name: &str| name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after);
                    let names = inside(root, &folder).into_iter().filter(|name| fits(name));
                    names.map(|name| folder.join(name)).collect()
                }
            }
        };
        folders = folders.into_iter().flat_map(step).take(MOST).collect();
    }
    folders
}

fn below(root: &Path, folder: &Path, depth: usize) -> Vec<PathBuf> {
    let mut all = vec![folder.to_owned()];
    if depth < 8 {
        let inner = inside(root, folder).into_iter().map(|name| folder.join(name));
        all.extend(inner.flat_map(|folder| below(root, &folder, depth + 1)).take(MOST));
    }
    all
}

/// The names of the folders in a folder, sorted; none that packages are installed in, no hidden ones and no links.
fn inside(root: &Path, folder: &Path) -> Vec<String> {
    let entries = folder::entries(&root.join(folder)).or_empty("a folder that cannot be listed gives no hint");
    let folders = entries
        .into_iter()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let names = folders.filter_map(|entry| {
        entry
            .file_name()
            .into_string()
            .or_none("no text: not a folder that a pattern names")
    });
    let mut names: Vec<String> = names.filter(|name| name != "node_modules" && !name.starts_with('.')).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_stand_for_folders_and_for_nothing_that_is_installed_or_hidden() {
        let root = tempfile::tempdir().expect("folder");
        for folder in [
            "web/packages/a",
            "web/packages/b-ui",
            "web/packages/b-ui/inner",
            "web/packages/node_modules/x",
            "web/packages/.git",
        ] {
            std::fs::create_dir_all(root.path().join(folder)).expect("made");
        }
        std::fs::write(root.path().join("web/packages/file"), "").expect("written");
        let of = |pattern: &str| {
            let folders = expanded(root.path(), Path::new("web"), pattern).into_iter();
            folders.map(|folder| folder.display().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(of("packages/*"), ["web/packages/a", "web/packages/b-ui"]);
        assert_eq!(of("./packages/*-ui/"), ["web/packages/b-ui"]);
        assert_eq!(
            of("packages/**"),
            ["web/packages", "web/packages/a", "web/packages/b-ui", "web/packages/b-ui/inner"]
        );
        assert_eq!(of("tools"), ["web/tools"]);
    }
}
