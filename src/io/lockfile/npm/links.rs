//! Links of npm's lock file: places in `node_modules` that lead to a folder of the tree.

use std::collections::HashMap;

use super::lock::NpmLock;
use super::place::Places;

/// How many links are followed of one that leads to another one, which npm writes of none.
const MOST: usize = 8;

/// Gives each link the package of the folder that it leads to, in whatever spelling. One that leads to no folder of the list is told: what is
/// installed there is not known.
pub(super) fn follow<'p>(links: &[(&'p str, Option<String>, u32)], places: &mut Places<'p>, lock: &mut NpmLock) {
    if links.is_empty() {
        return;
    }
    let folders: HashMap<String, usize> = places.iter().filter_map(|(at, place)| Some((normal(at), place.package?))).collect();
    let onward: HashMap<String, String> = links
        .iter()
        .filter_map(|(at, target, _)| Some((normal(at), normal(target.as_deref()?))))
        .collect();
    for (at, _, line) in links {
        let mut to = onward.get(&normal(at));
        let mut package = None;
        for _ in 0..MOST {
            let Some(folder) = to else { break };
            package = folders.get(folder).copied();
            to = onward.get(folder).filter(|_| package.is_none());
        }
        if package.is_none() {
            lock.unread(format!(
                "`{}` at line {line} is a link to a folder that is not listed: what is installed there is not known",
                at.escape_debug()
            ));
        }
        if let Some(link) = places.get_mut(at) {
            link.package = package;
        }
    }
}

/// `v/victim` of `./v//victim/`, `v\\victim`, `file:v/victim` and `v/../v/victim`.
fn normal(path: &str) -> String {
    let path = path.strip_prefix("file:").unwrap_or(path);
    let root = if path.starts_with(['/', '\\']) { "/" } else { "" };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    format!("{root}{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn one_folder_has_one_spelling() {
        for path in ["v/a", "./v/a", "v//a", "v/a/", "v/../v/a", "v\\a", "file:v/a", "file:./v/./a"] {
            assert_eq!(normal(path), "v/a", "{path}");
        }
        for (path, expected) in [("", ""), (".", ""), ("../a", "../a"), ("../../a/..", "../.."), ("/v/a", "/v/a")] {
            assert_eq!(normal(path), expected, "{path}");
        }
    }
}
