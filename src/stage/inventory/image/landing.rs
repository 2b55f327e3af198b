//! Where the entries of one layer land: each name is resolved through the links that stand at that moment, as whoever unpacks the layer by itself
//! does. Lower layers are not known here; what depends on them is told by marks ([`Mark::Implied`](super::paths::Mark)) and by [`Landing::leaned`].
//!
//! Read against: containerd's `archive.Apply`, moby's `UnpackLayer`, umoci's `UnpackEntry`. All three clean the name, follow links of the folders
//! on the way inside of the root, and remove what stands at the end unless both are folders.

use std::hash::{DefaultHasher, Hasher};

use super::by_hash::{ByHash, Hashes};
use super::paths::Seed;
use crate::io::layers::Kind;
use crate::io::layers::Whiteout;
use crate::io::limits::Limits;

/// The links and folders of a layer while it is unpacked.
pub(in crate::stage::inventory) struct Landing {
    seed: Seed,
    limit: usize,
    depth: usize,
    links: ByHash<OwnLink>,
    folders: Hashes,
    /// Folders that something else took the place of, with the entry that did it: what is older and lies below is gone.
    graves: ByHash<u32>,
    folder: Folder,
    entries: u32,
    /// Folders that were made because something was written below them, since the last question.
    implied: Vec<u64>,
    /// Folders that a link's `..` led out of though the layer has no such folder: where that leads depends on lower layers.
    leaned: Vec<Vec<u8>>,
}

struct OwnLink {
    target: Box<[u8]>,
    since: u32,
}

/// The folder of the last entry: the next one mostly lies there too.
struct Folder {
    known: bool,
    /// False while it was only asked about.
    made: bool,
    written: Vec<u8>,
    real: Vec<u8>,
    hasher: DefaultHasher,
    /// The latest grave on the way.
    grave: u32,
    /// Every path that the resolution asked about.
    asked: Vec<u64>,
}

/// What an entry comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::stage::inventory) enum What {
    Directory,
    /// A file or a device.
    File,
    /// A symbolic link to this target: a hard link to one is another.
    Symlink(Vec<u8>),
    /// Another name of what stands at a place.
    HardLink(Place),
}

/// Where one entry landed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::stage::inventory) struct Landed {
    /// Of the place, under the layer's seed.
    pub(in crate::stage::inventory) hash: u64,
    /// The place, where it is another one than what is written.
    pub(in crate::stage::inventory) moved: Option<Vec<u8>>,
    /// The number of the entry in the layer, from 1.
    pub(in crate::stage::inventory) entry: u32,
    pub(in crate::stage::inventory) what: What,
}

/// Where a name leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::stage::inventory) struct Place {
    pub(in crate::stage::inventory) path: Vec<u8>,
    pub(in crate::stage::inventory) hash: u64,
    /// What is older than this entry does not stand there any more.
    pub(in crate::stage::inventory) grave: u32,
}

/// Names that cannot be resolved: links in a circle, or a path that grows past all bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::stage::inventory) struct Unresolved;

/// Places noted by [`Landing::leaned`].
const LEANED: usize = 256;

struct Step {
    end: usize,
    hasher: DefaultHasher,
    hash: u64,
    grave: u32,
}

impl Landing {
    pub(in crate::stage::inventory) fn new(seed: Seed, limits: &Limits) -> Self {
        Self {
            seed,
            limit: limits.path,
            depth: limits.link_depth,
            links: ByHash::default(),
            folders: Hashes::default(),
            graves: ByHash::default(),
            folder: Folder {
                known: false,
                made: false,
                written: Vec::new(),
                real: Vec::new(),
                hasher: seed.hasher(),
                grave: 0,
                asked: Vec::new(),
            },
            entries: 0,
            implied: Vec::new(),
            leaned: Vec::new(),
        }
    }

    /// Takes the next entry that is no whiteout. Where a name cannot be resolved it lands as it is written, and the second value says so.
    pub(in crate::stage::inventory) fn enter(&mut self, raw: &[u8], kind: &Kind<'_>) -> (Landed, Result<(), Unresolved>) {
        self.entries += 1;
        let entry = self.entries;
        let resolved = self.what(kind).and_then(|what| Ok((what, self.resolve(raw, true)?)));
        let (what, place) = match resolved {
            Ok(resolved) => resolved,
            Err(unresolved) => {
                let landed = Landed {
                    hash: self.seed.hash(raw),
                    moved: None,
                    entry,
                    what: if *kind == Kind::Directory { What::Directory } else { What::File },
                };
                return (landed, Err(unresolved));
            }
        };
        let hash = place.hash;
        match &what {
            What::Directory => {
                self.drop_link(hash);
                self.folders.insert(hash);
            }
            What::Symlink(target) => {
                self.bury(hash);
                let target = target.as_slice().into();
                self.links.insert(hash, OwnLink { target, since: entry });
                self.forget_folder(hash);
            }
            What::File | What::HardLink(_) => {
                self.bury(hash);
                self.drop_link(hash);
            }
        }
        let moved = (place.path != raw).then_some(place.path);
        (Landed { hash, moved, entry, what }, Ok(()))
    }

    /// A hard link names what stands there before it takes its own place.
    fn what(&mut self, kind: &Kind<'_>) -> Result<What, Unresolved> {
        Ok(match kind {
            Kind::Directory => What::Directory,
            Kind::File | Kind::Special => What::File,
            Kind::Symlink(target) => What::Symlink(target.to_vec()),
            Kind::HardLink(target) => {
                let place = self.resolve(target, false)?;
                match self.link_at(&place) {
                    Some(target) => What::Symlink(target.to_vec()),
                    None => What::HardLink(place),
                }
            }
        })
    }

    /// Where a name leads now: links of the folders are followed, its own is not.
    fn resolve(&mut self, raw: &[u8], make: bool) -> Result<Place, Unresolved> {
        let split = raw.iter().rposition(|byte| *byte == b'/');
        let (folder, name) = split.map_or((&raw[..0], raw), |at| (&raw[..at], &raw[at + 1..]));
        self.find(folder, make)?;
        let mut hasher = self.folder.hasher.clone();
        let mut path = Vec::with_capacity(raw.len());
        path.extend_from_slice(&self.folder.real);
        if !path.is_empty() {
            hasher.write(b"/");
            path.push(b'/');
        }
        hasher.write(name);
        path.extend_from_slice(name);
        Ok(Place {
            path,
            hash: hasher.finish(),
            grave: self.folder.grave,
        })
    }

    /// The folder that a whiteout lies in.
    pub(in crate::stage::inventory) fn folder_of(&mut self, whiteout: &Whiteout<'_>) -> Result<(Vec<u8>, u64), Unresolved> {
        self.find(whiteout.folder, true)?;
        let hash = if self.folder.real.is_empty() {
            self.seed.hash(b"")
        } else {
            self.folder.hasher.finish()
        };
        Ok((self.folder.real.clone(), hash))
    }

    /// The target of the link that stands at a place.
    fn link_at(&self, place: &Place) -> Option<&[u8]> {
        let link = self.links.get(&place.hash)?;
        (link.since >= place.grave).then_some(&link.target)
    }

    /// True when the link that an entry made still stands.
    pub(in crate::stage::inventory) fn stands(&self, path: &[u8], hash: u64, entry: u32) -> bool {
        self.links.get(&hash).is_some_and(|link| link.since == entry) && !self.is_buried(path, entry)
    }

    /// True when what an entry wrote was removed with a folder that it lies in.
    pub(in crate::stage::inventory) fn is_buried(&self, path: &[u8], entry: u32) -> bool {
        if self.graves.is_empty() {
            return false;
        }
        let mut hashes = self.seed.hashes(path).peekable();
        while let Some(hash) = hashes.next() {
            let own = hashes.peek().is_none();
            if !own && self.graves.get(&hash).is_some_and(|grave| *grave > entry) {
                return true;
            }
        }
        false
    }

    /// The folders that were implied since the last question.
    pub(in crate::stage::inventory) fn take_implied(&mut self) -> std::vec::Drain<'_, u64> {
        self.implied.drain(..)
    }

    /// Folders whose own links, where a lower layer has such, would lead the layer's entries elsewhere; and the folders that were replaced.
    pub(in crate::stage::inventory) fn finish(self) -> (Vec<Vec<u8>>, impl Iterator<Item = u64>) {
        (self.leaned, self.graves.into_keys())
    }

    /// Finds a folder; `make`s it where it is missing.
    fn find(&mut self, written: &[u8], make: bool) -> Result<(), Unresolved> {
        if self.folder.known && (self.folder.made || !make) && self.folder.written == written {
            return Ok(());
        }
        self.folder.known = false;
        self.folder.asked.clear();
        let mut done: Vec<u8> = Vec::with_capacity(written.len());
        let mut steps: Vec<Step> = Vec::new();
        let mut left: Vec<&[u8]> = written.rsplit(|byte| *byte == b'/').collect();
        let mut followed = 0;
        while let Some(part) = left.pop() {
            match part {
                b"" | b"." => continue,
                // Above the root is the root.
                b".." => {
                    if let Some(step) = steps.pop() {
                        if !self.folders.contains(&step.hash) && self.leaned.len() < LEANED {
                            self.leaned.push(done.clone());
                        }
                        done.truncate(steps.last().map_or(0, |step| step.end));
                    }
                    continue;
                }
                _ => {}
            }
            let (start, grave) = steps.last().map_or((0, 0), |step| (step.end, step.grave));
            let mut hasher = steps.last().map_or_else(|| self.seed.hasher(), |step| step.hasher.clone());
            if start > 0 {
                hasher.write(b"/");
                done.push(b'/');
            }
            hasher.write(part);
            done.extend_from_slice(part);
            if done.len() > self.limit {
                return Err(Unresolved);
            }
            let hash = hasher.finish();
            self.folder.asked.push(hash);
            if let Some(link) = self.links.get(&hash).filter(|link| link.since >= grave) {
                followed += 1;
                if followed > self.depth {
                    return Err(Unresolved);
                }
                done.truncate(start);
                if link.target.starts_with(b"/") {
                    done.clear();
                    steps.clear();
                }
                left.extend(link.target.rsplit(|byte| *byte == b'/'));
                continue;
            }
            let own = self.graves.get(&hash).copied().unwrap_or(0);
            steps.push(Step {
                end: done.len(),
                hasher,
                hash,
                grave: grave.max(own),
            });
        }
        for step in steps.iter().filter(|_| make) {
            // Below a grave nobody knows whether the folder is the old one: then it is said once more.
            if self.folders.insert(step.hash) || step.grave > 0 {
                self.implied.push(step.hash);
            }
        }
        let folder = &mut self.folder;
        folder.grave = steps.last().map_or(0, |step| step.grave);
        folder.hasher = steps.pop().map_or_else(|| self.seed.hasher(), |step| step.hasher);
        folder.written.clear();
        folder.written.extend_from_slice(written);
        folder.real = done;
        (folder.known, folder.made) = (true, make);
        Ok(())
    }

    /// Something else than a folder takes the place.
    fn bury(&mut self, hash: u64) {
        if self.folders.remove(&hash) {
            self.graves.insert(hash, self.entries);
            self.forget_folder(hash);
        }
    }

    fn drop_link(&mut self, hash: u64) {
        if self.links.remove(&hash).is_some() {
            self.forget_folder(hash);
        }
    }

    fn forget_folder(&mut self, hash: u64) {
        self.folder.known &= !self.folder.asked.contains(&hash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn landing() -> Landing {
        Landing::new(Seed::random(), &Limits::default())
    }

    fn land(landing: &mut Landing, raw: &str, kind: Kind<'_>) -> String {
        let (landed, resolved) = landing.enter(raw.as_bytes(), &kind);
        assert_eq!(resolved, Ok(()), "{raw}");
        let place = landed.moved.unwrap_or_else(|| raw.as_bytes().to_vec());
        assert_eq!(landed.hash, landing.seed.hash(&place), "{raw}");
        String::from_utf8(place).expect("UTF-8")
    }

    #[test]
    fn a_name_goes_through_the_links_that_stand_at_that_moment() {
        let mut landing = landing();
        assert_eq!(land(&mut landing, "v/before", Kind::File), "v/before");
        land(&mut landing, "w", Kind::Symlink(b"var/lib/dpkg"));
        assert_eq!(land(&mut landing, "w/status", Kind::File), "var/lib/dpkg/status");
        land(&mut landing, "w", Kind::Directory);
        assert_eq!(land(&mut landing, "w/status", Kind::File), "w/status");
        land(&mut landing, "w", Kind::Symlink(b"/opt/../srv"));
        assert_eq!(land(&mut landing, "w/status", Kind::File), "srv/status");
        land(&mut landing, "w", Kind::File);
        assert_eq!(land(&mut landing, "x/y", Kind::Symlink(b"../../../etc")), "x/y");
        assert_eq!(
            land(&mut landing, "x/y/passwd", Kind::File),
            "etc/passwd",
            "above the root is the root"
        );
    }

    #[test]
    fn a_folder_that_a_link_replaces_takes_what_is_in_it_along() {
        let mut landing = landing();
        land(&mut landing, "d", Kind::Directory);
        land(&mut landing, "d/l", Kind::Symlink(b"/a"));
        let (file, _) = landing.enter(b"d/f", &Kind::File);
        land(&mut landing, "d", Kind::Symlink(b"e"));
        assert!(landing.is_buried(b"d/f", file.entry));
        assert_eq!(land(&mut landing, "d/f", Kind::File), "e/f");
        land(&mut landing, "d", Kind::Directory);
        assert_eq!(
            land(&mut landing, "d/l/f", Kind::File),
            "d/l/f",
            "the link went with the first folder"
        );
        assert!(!landing.is_buried(b"d/l/f", landing.entries));
    }

    #[test]
    fn circles_and_paths_past_all_bounds_are_told() {
        let mut landing = landing();
        land(&mut landing, "a", Kind::Symlink(b"b"));
        land(&mut landing, "b", Kind::Symlink(b"a"));
        assert_eq!(landing.enter(b"a/x", &Kind::File).1, Err(Unresolved));
        let long = "l".repeat(4000);
        land(&mut landing, "c", Kind::Symlink(long.as_bytes()));
        land(&mut landing, "c/d", Kind::Symlink(long.as_bytes()));
        assert_eq!(landing.enter(b"c/d/x", &Kind::File).1, Err(Unresolved));
    }

    #[test]
    fn folders_without_an_entry_are_implied_once() {
        let mut landing = landing();
        land(&mut landing, "a", Kind::Directory);
        land(&mut landing, "a/b/c", Kind::File);
        let implied: Vec<u64> = landing.take_implied().collect();
        assert_eq!(implied, [landing.seed.hash(b"a/b")]);
        land(&mut landing, "a/d", Kind::File);
        land(&mut landing, "a/b/e", Kind::File);
        assert_eq!(landing.take_implied().count(), 0);
    }
}
