//! Symbolic links of the whole image: where a path really leads, and by which other names a file is reached.

use std::collections::{BTreeMap, HashMap};

use super::facts::{LayerFacts, Link};
use super::paths::ancestors;

/// A path whose links lead in a circle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Loop(pub(super) String);

/// The links that are seen in the finished image.
pub(super) struct Links {
    targets: HashMap<String, String>,
    /// Links to each path, for the reverse question.
    sources: BTreeMap<String, Vec<String>>,
    depth: usize,
}

impl Links {
    /// Takes the layers from the bottom up.
    pub(super) fn new(layers: &[&LayerFacts], depth: usize) -> Self {
        let mut targets = HashMap::new();
        for (at, layer) in layers.iter().enumerate() {
            let above = &layers[at + 1..];
            for Link { path, target } in &layer.symlinks {
                let own = layer.paths.at(path.as_bytes());
                if own.other && !above.iter().any(|layer| layer.paths.hides(path.as_bytes(), 0)) {
                    targets.insert(path.clone(), target.clone());
                }
            }
        }
        let mut links = Self {
            targets,
            sources: BTreeMap::new(),
            depth,
        };
        let mut sources: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for path in links.targets.keys() {
            if let Ok(target) = links.resolve(path) {
                sources.entry(target).or_default().push(path.clone());
            }
        }
        for paths in sources.values_mut() {
            paths.sort();
        }
        links.sources = sources;
        links
    }

    /// Where a path leads when every link on it is followed, the last part included.
    pub(super) fn resolve(&self, path: &str) -> Result<String, Loop> {
        self.follow(path, true)
    }

    /// The same path with the links of its folders followed, but not its own.
    pub(super) fn canonical(&self, path: &str) -> String {
        self.follow(path, false).unwrap_or_else(|_| path.to_owned())
    }

    fn follow(&self, path: &str, last_too: bool) -> Result<String, Loop> {
        let mut done: Vec<&str> = Vec::new();
        let mut left: Vec<&str> = path.split('/').rev().collect();
        let mut steps = 0;
        let mut name = String::new();
        while let Some(part) = left.pop() {
            match part {
                "" | "." => continue,
                // Above the root is the root.
                ".." => {
                    done.pop();
                    continue;
                }
                _ => done.push(part),
            }
            if left.is_empty() && !last_too {
                break;
            }
            name.clear();
            for (at, part) in done.iter().enumerate() {
                if at > 0 {
                    name.push('/');
                }
                name.push_str(part);
            }
            let Some(target) = self.targets.get(&name) else { continue };
            steps += 1;
            if steps > self.depth {
                return Err(Loop(path.to_owned()));
            }
            done.pop();
            if target.starts_with('/') {
                done.clear();
            }
            left.extend(target.split('/').rev());
        }
        Ok(done.join("/"))
    }

    /// Other names of a file through links to folders, each with the length of the link in it.
    pub(super) fn aliases(&self, path: &str) -> Vec<(String, usize)> {
        let mut found = Vec::new();
        for folder in ancestors(path.as_bytes()) {
            let folder = &path[..folder.len()];
            for link in self.sources.get(folder).into_iter().flatten() {
                found.push((format!("{link}{}", &path[folder.len()..]), link.len()));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(pairs: &[(&str, &str)]) -> Links {
        let targets: HashMap<String, String> = pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        let mut links = Links {
            targets,
            sources: BTreeMap::new(),
            depth: 40,
        };
        let resolved: Vec<_> = links
            .targets
            .keys()
            .filter_map(|k| Some((links.resolve(k).ok()?, k.clone())))
            .collect();
        for (target, path) in resolved {
            links.sources.entry(target).or_default().push(path);
        }
        links
    }

    #[test]
    fn links_are_followed_relative_and_absolute() {
        let links = links(&[
            ("lib", "usr/lib"),
            ("usr/lib/apk", "../../data/apk"),
            ("etc/os-release", "/usr/lib/os-release"),
        ]);
        assert_eq!(links.resolve("lib/apk/db/installed").as_deref(), Ok("data/apk/db/installed"));
        assert_eq!(links.resolve("etc/os-release").as_deref(), Ok("usr/lib/os-release"));
        assert_eq!(links.canonical("etc/os-release"), "etc/os-release");
        assert_eq!(links.aliases("usr/lib/x.so"), [("lib/x.so".to_owned(), 3)]);
    }

    #[test]
    fn a_link_above_the_root_stays_in_the_root() {
        assert_eq!(links(&[("a", "../../../etc")]).resolve("a/passwd").as_deref(), Ok("etc/passwd"));
    }

    #[test]
    fn circles_are_found() {
        let links = links(&[("a", "b"), ("b", "a"), ("c", "c/x")]);
        assert_eq!(links.resolve("a/x"), Err(Loop("a/x".to_owned())));
        assert!(links.resolve("c").is_err());
    }
}
