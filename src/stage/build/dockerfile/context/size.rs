//! How large a build context is, and what makes it so.

use std::collections::BTreeMap;

use super::walk::Item;

/// From here on a context is slow to send, and most of it is hardly meant to be there.
const LARGE: u64 = 200 * 1000 * 1000;
const FOLDERS: usize = 5;

/// For a large context, its five largest folders with their bytes; else `None`. A folder of which one within it holds nearly everything is
/// left out for that one.
pub(in crate::stage::build::dockerfile) fn advice(items: &[Item]) -> Option<Vec<(String, u64)>> {
    let total: u64 = items.iter().map(|item| item.size).sum();
    if total <= LARGE {
        return None;
    }
    let mut folders: BTreeMap<&str, u64> = BTreeMap::new();
    for item in items {
        for (at, _) in item.path.match_indices('/') {
            *folders.entry(&item.path[..at]).or_default() += item.size;
        }
    }
    let mut largest: Vec<(&str, u64)> = Vec::new();
    for (folder, bytes) in &folders {
        let start = format!("{folder}/");
        let mut within = folders.range(start.as_str()..).take_while(|(other, _)| other.starts_with(&start));
        let is_one_other = within.any(|(_, of)| of * 10 >= bytes * 9);
        if !is_one_other {
            largest.push((folder, *bytes));
        }
    }
    largest.sort_by_key(|(folder, bytes)| (std::cmp::Reverse(*bytes), *folder));
    // What lies within a folder that is named already says nothing new.
    let mut named: Vec<(String, u64)> = Vec::new();
    for (folder, bytes) in largest {
        let is_named = named
            .iter()
            .any(|(other, _)| folder.strip_prefix(other.as_str()).is_some_and(|rest| rest.starts_with('/')));
        if !is_named && named.len() < FOLDERS {
            named.push((folder.to_owned(), bytes));
        }
    }
    Some(named)
}

#[cfg(test)]
mod tests {
    use super::super::walk::ItemKind;
    use super::*;

    fn file(path: &str, megabytes: u64) -> Item {
        Item {
            path: path.to_owned(),
            kind: ItemKind::File,
            size: megabytes * 1_000_000,
        }
    }

    #[test]
    fn a_large_context_names_its_largest_folders() {
        let mut items = vec![
            file("web/node_modules/a/x", 90),
            file("web/node_modules/b/x", 70),
            file("web/src/main.js", 1),
            file("target/debug/x", 30),
            file("a/x", 4),
            file("b/x", 3),
            file("c/x", 2),
            file("d/x", 1),
            file("large.bin", 5),
        ];
        let folders = advice(&items).expect("large");
        let names: Vec<&str> = folders.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["web/node_modules", "target/debug", "a", "b", "c"]);
        items.truncate(2);
        assert_eq!(advice(&items), None, "160 MB");
    }
}
