//! Symbolic links of the whole image: where a path really leads, and by which other names a folder is reached.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::facts::LayerFacts;
use super::paths::ancestors;

/// A path whose links lead in a circle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::stage::inventory) struct Loop(pub(in crate::stage::inventory) String);

/// The links of an image, as they stand above each layer.
pub(in crate::stage::inventory) struct Links<'a> {
    layers: Vec<&'a LayerFacts>,
    /// The links at each path with their layers, from the bottom up.
    at: HashMap<&'a [u8], Vec<(usize, &'a [u8])>>,
    /// Links to each folder, for the reverse question.
    sources: OnceLock<HashMap<String, Vec<String>>>,
    depth: usize,
}

/// Names of one folder that are remembered. Who knows fewer of them finds fewer owners of a file, and says so.
const NAMES: usize = 16;

impl<'a> Links<'a> {
    /// Takes the layers from the bottom up.
    pub(in crate::stage::inventory) fn new(layers: &[&'a LayerFacts], depth: usize) -> Self {
        let mut at: HashMap<&[u8], Vec<(usize, &[u8])>> = HashMap::new();
        for (layer, facts) in layers.iter().enumerate() {
            for link in &facts.symlinks {
                at.entry(&link.path).or_default().push((layer, &link.target));
            }
        }
        Self {
            layers: layers.to_vec(),
            at,
            sources: OnceLock::new(),
            depth,
        }
    }

    /// The target of the link that stands at a path when the layers `below` an index are laid over each other.
    pub(in crate::stage::inventory) fn target(&self, path: &[u8], below: usize) -> Option<&'a [u8]> {
        let (layer, target) = self.at.get(path)?.iter().rev().find(|(layer, _)| *layer < below)?;
        let hidden = self.layers[layer + 1..below].iter().any(|upper| upper.paths.hides(path));
        (!hidden).then_some(target)
    }

    /// The paths at which some layer has a link.
    pub(in crate::stage::inventory) fn paths(&self) -> impl Iterator<Item = &'a [u8]> + '_ {
        self.at.keys().copied()
    }

    /// Where a path leads in the finished image when every link on it is followed, the last part included.
    pub(in crate::stage::inventory) fn resolve(&self, path: &str) -> Result<String, Loop> {
        let found = self.resolve_below(path.as_bytes(), self.layers.len());
        found.map(text).map_err(|Circle| Loop(path.to_owned()))
    }

    /// The same path with the links of its folders followed, but not its own.
    pub(in crate::stage::inventory) fn canonical(&self, path: &str) -> String {
        let found = self.follow(path.as_bytes(), self.layers.len(), false);
        found.map_or_else(|Circle| path.to_owned(), text)
    }

    /// Where a path leads when the layers `below` an index are laid over each other.
    pub(in crate::stage::inventory) fn resolve_below(&self, path: &[u8], below: usize) -> Result<Vec<u8>, Circle> {
        self.follow(path, below, true)
    }

    /// The same with the path's own link not followed.
    pub(in crate::stage::inventory) fn canonical_below(&self, path: &[u8], below: usize) -> Result<Vec<u8>, Circle> {
        self.follow(path, below, false)
    }

    fn follow(&self, path: &[u8], below: usize, last_too: bool) -> Result<Vec<u8>, Circle> {
        let mut done: Vec<u8> = Vec::with_capacity(path.len());
        let mut left: Vec<&[u8]> = path.rsplit(|byte| *byte == b'/').collect();
        let mut steps = 0;
        while let Some(part) = left.pop() {
            let start = done.len();
            match part {
                b"" | b"." => continue,
                // Above the root is the root.
                b".." => {
                    done.truncate(done.iter().rposition(|byte| *byte == b'/').unwrap_or(0));
                    continue;
                }
                _ => {
                    if !done.is_empty() {
                        done.push(b'/');
                    }
                    done.extend_from_slice(part);
                }
            }
            if left.is_empty() && !last_too {
                break;
            }
            let Some(target) = self.target(&done, below) else { continue };
            steps += 1;
            if steps > self.depth {
                return Err(Circle);
            }
            done.truncate(if target.starts_with(b"/") { 0 } else { start });
            left.extend(target.rsplit(|byte| *byte == b'/'));
        }
        Ok(done)
    }

    /// Other names of a file through links to the folders that it lies in.
    pub(in crate::stage::inventory) fn aliases(&self, path: &str) -> Vec<String> {
        let sources = self.sources.get_or_init(|| self.sources());
        let mut found = Vec::new();
        for folder in ancestors(path.as_bytes()) {
            let (folder, rest) = path.split_at(folder.len());
            for link in sources.get(folder).into_iter().flatten() {
                found.push(format!("{link}{rest}"));
            }
        }
        found
    }

    fn sources(&self) -> HashMap<String, Vec<String>> {
        let mut sources: HashMap<String, Vec<String>> = HashMap::new();
        let mut paths: Vec<&[u8]> = self.paths().collect();
        paths.sort_unstable();
        for path in paths {
            if self.target(path, self.layers.len()).is_none() {
                continue;
            }
            if let Ok(target) = self.resolve_below(path, self.layers.len()) {
                let names = sources.entry(text(target)).or_default();
                if names.len() < NAMES {
                    names.push(String::from_utf8_lossy(path).into_owned());
                }
            }
        }
        sources
    }
}

/// Links that lead in a circle, or through more of them than anybody follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::stage::inventory) struct Circle;

fn text(path: Vec<u8>) -> String {
    String::from_utf8(path).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::super::facts::Link;
    use super::super::paths::{Mark, PathSet};
    use super::*;

    fn layer(pairs: &[(&str, &str)]) -> LayerFacts {
        let mut facts = LayerFacts::new(PathSet::new());
        for (path, target) in pairs {
            facts.paths.push(facts.paths.seed.hash(path.as_bytes()), Mark::Symlink);
            facts.symlinks.push(Link {
                path: path.as_bytes().to_vec(),
                target: target.as_bytes().to_vec(),
                wanted: false,
            });
        }
        facts.paths.finish();
        facts
    }

    #[test]
    fn links_are_followed_relative_and_absolute() {
        let layer = layer(&[
            ("lib", "usr/lib"),
            ("usr/lib/apk", "../../data/apk"),
            ("etc/os-release", "/usr/lib/os-release"),
        ]);
        let links = Links::new(&[&layer], 40);
        assert_eq!(links.resolve("lib/apk/db/installed").as_deref(), Ok("data/apk/db/installed"));
        assert_eq!(links.resolve("etc/os-release").as_deref(), Ok("usr/lib/os-release"));
        assert_eq!(links.canonical("etc/os-release"), "etc/os-release");
        assert_eq!(links.aliases("usr/lib/x.so"), ["lib/x.so".to_owned()]);
    }

    #[test]
    fn a_link_above_the_root_stays_in_the_root() {
        let layer = layer(&[("a", "../../../etc")]);
        assert_eq!(Links::new(&[&layer], 40).resolve("a/passwd").as_deref(), Ok("etc/passwd"));
    }

    #[test]
    fn circles_are_found() {
        let layer = layer(&[("a", "b"), ("b", "a"), ("c", "c/x")]);
        let links = Links::new(&[&layer], 40);
        assert_eq!(links.resolve("a/x"), Err(Loop("a/x".to_owned())));
        assert!(links.resolve("c").is_err());
    }

    #[test]
    fn a_link_stands_above_its_layer_until_another_layer_takes_its_place() {
        let (lower, upper) = (layer(&[("a", "b")]), layer(&[("a", "c")]));
        let links = Links::new(&[&lower, &upper], 40);
        let at = |below| links.resolve_below(b"a/x", below).map(text);
        assert_eq!([at(0), at(1), at(2)], ["a/x", "b/x", "c/x"].map(|path| Ok(path.to_owned())));
    }
}
