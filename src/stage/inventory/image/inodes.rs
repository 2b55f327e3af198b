//! Hard links of one layer: which entry each of them is another name of, at the moment when it was made, and which names stand at the end.

use super::by_hash::{ByHash, Hashes};
use super::facts::{HardLink, Inode, LayerFacts};
use super::landing::{Landing, Place};
use super::paths::{Mark, PathSet};
use crate::io::layers::Entry;
use crate::model::coverage::GapKind;

/// The hard links so far.
#[derive(Default)]
pub(in crate::stage::inventory) struct Inodes {
    links: Vec<NewLink>,
}

/// A hard link as it is made.
pub(in crate::stage::inventory) struct NewLink {
    path: Vec<u8>,
    hash: u64,
    entry: u32,
    target: Place,
}

impl NewLink {
    pub(in crate::stage::inventory) fn new(entry: &Entry<'_>, hash: u64, number: u32, target: Place) -> Self {
        Self {
            path: entry.raw.to_owned(),
            hash,
            entry: number,
            target,
        }
    }
}

/// What stands at a path.
#[derive(Clone, Copy)]
struct Standing {
    entry: u32,
    what: What,
}

#[derive(Clone, Copy)]
enum What {
    File,
    /// The hard link of this index.
    Link(usize),
    NoFile,
}

/// What a hard link names: an entry with the name that it came under, or what lower layers have under a path. Both are told by the link whose
/// target has that name.
#[derive(Clone, Copy)]
enum Named {
    Own { entry: u32, first: usize },
    Lower { first: usize },
    Nothing,
}

/// Whether somebody reads a file under a name who does not read it under another.
pub(in crate::stage::inventory) type Newly<'a> = &'a dyn Fn(&str, &str) -> bool;

impl Inodes {
    pub(in crate::stage::inventory) fn links(&self) -> usize {
        self.links.len()
    }

    pub(in crate::stage::inventory) fn link(&mut self, link: NewLink) {
        self.links.push(link);
    }

    /// Gives the layer's files the names that stand at its end, and the layer its hard links. What cannot be is a gap.
    pub(in crate::stage::inventory) fn finish(
        self,
        landing: &Landing,
        newly: Newly<'_>,
        facts: &mut LayerFacts,
    ) -> Option<(GapKind, String)> {
        let seed = facts.paths.seed;
        let hashes: Vec<u64> = facts.files.iter().map(|file| PathSet::key(seed.hash(file.raw()))).collect();
        let mut looked_at: Hashes = hashes.iter().copied().collect();
        for link in &self.links {
            looked_at.insert(PathSet::key(link.hash));
            looked_at.insert(PathSet::key(link.target.hash));
        }
        let (named, standing) = self.replay(&facts.paths, &looked_at);
        let stands = |path: &[u8], key: u64, entry: u32| {
            standing.get(&key).is_some_and(|standing| standing.entry == entry) && !landing.is_buried(path, entry)
        };
        let mut names: Vec<Vec<String>> = vec![Vec::new(); facts.files.len()];
        for (file, (names, key)) in facts.files.iter().zip(names.iter_mut().zip(&hashes)) {
            names.extend(stands(file.raw(), *key, file.entry).then(|| file.path.clone()));
        }
        let mut lost = None;
        for (link, named) in self.links.iter().zip(&named) {
            let path = String::from_utf8_lossy(&link.path);
            let (of, first) = match named {
                Named::Own { entry, first } => (Inode::Own(*entry), first),
                Named::Lower { first } => (Inode::Lower(self.links[*first].target.path.clone()), first),
                Named::Nothing => {
                    lost.get_or_insert_with(|| (GapKind::LimitReached, format!("the hard link `{path}` names no file")));
                    continue;
                }
            };
            if !stands(&link.path, PathSet::key(link.hash), link.entry) {
                continue;
            }
            if let Inode::Own(entry) = of
                && let Ok(at) = facts.files.binary_search_by_key(&entry, |file| file.entry)
            {
                names[at].push(path.clone().into_owned());
            }
            let first = String::from_utf8_lossy(&self.links[*first].target.path);
            facts.hard_links.push(HardLink {
                wanted: newly(&path, &first),
                path: link.path.clone(),
                of,
            });
        }
        for (file, mut names) in facts.files.iter_mut().zip(names) {
            file.replaced = names.is_empty();
            if names.first().is_some_and(|name| *name != file.path) {
                file.path = names.remove(0);
                file.raw = None;
            } else {
                names.drain(..1.min(names.len()));
            }
            file.names = names;
        }
        lost
    }

    /// Goes through the layer's entries once more, in time, looking at the paths that matter.
    fn replay(&self, paths: &PathSet, looked_at: &Hashes) -> (Vec<Named>, ByHash<Standing>) {
        let mut named: Vec<Named> = Vec::with_capacity(self.links.len());
        let mut standing: ByHash<Standing> = ByHash::default();
        for ((key, mark), entry) in paths.entries().zip(1u32..) {
            if !looked_at.contains(&key) {
                continue;
            }
            let what = match mark {
                Mark::File => What::File,
                Mark::HardLink => {
                    let at = named.len();
                    named.push(self.named(at, &named, &standing));
                    What::Link(at)
                }
                _ => What::NoFile,
            };
            standing.insert(key, Standing { entry, what });
        }
        (named, standing)
    }

    fn named(&self, at: usize, named: &[Named], standing: &ByHash<Standing>) -> Named {
        let target = &self.links[at].target;
        let found = standing.get(&PathSet::key(target.hash)).filter(|found| found.entry > target.grave);
        match found {
            None => Named::Lower { first: at },
            Some(Standing { what: What::NoFile, .. }) => Named::Nothing,
            Some(Standing {
                what: What::Link(other), ..
            }) => named[*other],
            Some(Standing { what: What::File, entry }) => Named::Own { entry: *entry, first: at },
        }
    }
}
