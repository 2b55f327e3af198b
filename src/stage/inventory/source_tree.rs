//! Folders on disk: a source tree, a single lock file, an unpacked root file system. Symbolic links are never followed.

use std::collections::HashSet;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::cataloger::{Cataloger, Domain, EntryHead, Want};
use super::catalogers::{cargo_patch, npm};
use super::error::InventoryError;
use super::foreign::Foreign;
use super::image::behind::{self, LayerRequests};
use super::image::engine;
use super::image::facts::LayerFacts;
use super::image::links::Links;
use super::image::merge::{Layered, merge};
use super::image::scan::Scan;
use super::image::second_look::SecondLook;
use super::unread;
use crate::io::Effects;
use crate::io::git;
use crate::io::layers::{Entry, Kind, Need, Spilled, Visitor};
use crate::model::coverage::{Gap, GapKind};
use crate::model::inventory::{Fact, FactKind, Inventory, Subject};

/// Inventories a source tree, or a single file.
pub(super) fn source(path: &Path, effects: &Effects) -> Result<Inventory, InventoryError> {
    let metadata = fs::metadata(path).map_err(|source| unreadable(path, source))?;
    let catalogers = engine::of_domain(Domain::Source);
    let mut scan = Scan::new(&catalogers, &effects.limits, &|| std::ops::ControlFlow::Continue(()));
    let mut unread = Vec::new();
    if metadata.is_dir() {
        let mut tree = Tree::new(path, effects, true);
        tree.foreign = Foreign::of(path, effects, &mut tree.gaps);
        tree.walk(&mut scan)?;
        tree.foreign.tell(effects);
        unread = tree.gaps;
    } else {
        single(path, &catalogers, effects, &mut scan)?;
    }
    let mut inventory = Inventory::new(subject(path));
    collect(&scan.finish(), effects, &mut inventory);
    inventory.gaps.append(&mut unread);
    if metadata.is_dir() {
        keep_tracked_secrets(path, &mut inventory);
    }
    if inventory.components.is_empty() && inventory.gaps.is_empty() {
        inventory.gaps.push(Gap {
            kind: GapKind::EmptyInventory,
            subject: path.display().to_string(),
            detail: "no lock file or package list that is known was found in it".to_owned(),
            location: None,
        });
    }
    inventory.canonicalize();
    Ok(inventory)
}

/// A secret in a file that git does not track (a local `.env`) is where it belongs.
fn keep_tracked_secrets(root: &Path, inventory: &mut Inventory) {
    let is_secret = |fact: &Fact| fact.kind == FactKind::Secret;
    if !inventory.facts.iter().any(is_secret) {
        return;
    }
    // Without git's answer every secret counts as tracked; that it was asked for in vain is said by `Foreign`.
    if let Ok(Some(tracked)) = git::tracked_files(root) {
        let tracked: HashSet<PathBuf> = tracked.into_iter().collect();
        inventory
            .facts
            .retain(|fact| !is_secret(fact) || tracked.contains(Path::new(&fact.location.path)));
    }
}

/// Inventories an unpacked root file system as an image of one layer.
pub(super) fn rootfs(path: &Path, effects: &Effects) -> Result<Inventory, InventoryError> {
    let catalogers = engine::image_catalogers();
    let mut scan = Scan::new(&catalogers, &effects.limits, &|| std::ops::ControlFlow::Continue(()));
    let mut tree = Tree::new(path, effects, false);
    tree.walk(&mut scan)?;
    let mut unread = tree.gaps;
    let facts = scan.finish();
    let links = Links::new(&[&facts], effects.limits.link_depth);
    let asked = behind::requests(&catalogers, &[&facts], &links)?.pop().unwrap_or_default();
    let mut found = Vec::new();
    if !asked.is_answered() {
        let pulse = || std::ops::ControlFlow::Continue(());
        let mut look = SecondLook::new(&catalogers, (0, &asked), &links, &effects.limits, facts.paths.seed, &pulse);
        Tree::new(path, effects, false).walk(&mut look)?;
        found = look.finish();
    }
    let mut inventory = Inventory::new(subject(path));
    let layer = Layered {
        layer: None,
        part: None,
        facts: &facts,
        behind: &found,
        asked: &asked,
    };
    let name = inventory.subject.name.clone();
    merge(&[layer], &links, &name, None, &mut inventory);
    inventory.gaps.append(&mut unread);
    inventory.canonicalize();
    Ok(inventory)
}

/// True where the kernel shows itself as files (`/proc`, `/sys`): these are no part of what is installed, and have no end.
fn is_of_the_kernel(path: &Path) -> bool {
    // Source: linux/magic.h.
    const PROC: u64 = 0x9fa0;
    const SYSFS: u64 = 0x6265_6572;
    let is_named_so = path.file_name().is_some_and(|name| name == "proc" || name == "sys");
    is_named_so && rustix::fs::statfs(path).is_ok_and(|found| matches!(found.f_type as u64, PROC | SYSFS))
}

fn subject(path: &Path) -> Subject {
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    Subject {
        name: whole.file_name().unwrap_or(whole.as_os_str()).to_string_lossy().into_owned(),
        digest: None,
        commit: None,
    }
}

fn unreadable(path: &Path, source: std::io::Error) -> InventoryError {
    InventoryError::Unreadable {
        path: path.to_owned(),
        source,
    }
}

/// Puts what was said of a tree into the inventory: nothing hides anything there, and paths stay relative.
fn collect(facts: &LayerFacts, effects: &Effects, inventory: &mut Inventory) {
    let links = Links::new(&[], effects.limits.link_depth);
    let layer = Layered {
        layer: None,
        part: None,
        facts,
        behind: &[],
        asked: &LayerRequests::default(),
    };
    let mut found = Inventory::new(inventory.subject.clone());
    merge(&[layer], &links, "", None, &mut found);
    found
        .gaps
        .retain(|gap| !matches!(gap.kind, GapKind::EmptyInventory | GapKind::UnownedExecutable));
    let relative = |path: &mut String| {
        if let Some(rest) = path.strip_prefix('/') {
            *path = rest.to_owned();
        }
    };
    for component in &mut found.components {
        component.locations.iter_mut().for_each(|l| relative(&mut l.path));
    }
    cargo_patch::mark(&mut found.components, facts);
    let of_npm = facts.files.iter().filter(|file| file.path.ends_with("package.json"));
    let manifests: Vec<_> = of_npm.map(|file| (file.path.as_str(), file.needs.as_slice())).collect();
    npm::manifest::mark(&mut found.components, &manifests);
    for fact in &mut found.facts {
        relative(&mut fact.location.path);
    }
    for gap in &mut found.gaps {
        relative(&mut gap.subject);
        if let Some(location) = &mut gap.location {
            relative(&mut location.path);
        }
    }
    unread::drop_locked(facts, &mut found.gaps);
    inventory.components = found.components;
    inventory.facts = found.facts;
    inventory.gaps = found.gaps;
}

/// Reads one file, as the lock file that its name ends with: `app.Cargo.lock` is a `Cargo.lock`.
fn single(path: &Path, catalogers: &[&dyn Cataloger], effects: &Effects, scan: &mut Scan<'_>) -> Result<(), InventoryError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let wanted = |name: &str| {
        let head = EntryHead {
            path: name,
            mode: 0o644,
            size: 1,
        };
        catalogers.iter().any(|cataloger| cataloger.wants(&head) == Want::Whole)
    };
    let tails = name.match_indices(['.', '-', '_']).map(|(at, _)| &name[at + 1..]);
    let Some(role) = std::iter::once(name.as_str()).chain(tails).find(|tail| wanted(tail)) else {
        return Err(InventoryError::UnknownFile { path: path.to_owned() });
    };
    let content = crate::io::files::read(path, effects.limits.wanted_file)?;
    scan.read_as(&name, role, &content);
    Ok(())
}

/// A walk over a folder, in the order of names.
struct Tree<'t> {
    root: &'t Path,
    effects: &'t Effects,
    source: bool,
    entries: u64,
    /// What of it is not the project's.
    foreign: Foreign,
    /// What could not be read.
    gaps: Vec<Gap>,
}

impl<'t> Tree<'t> {
    fn new(root: &'t Path, effects: &'t Effects, source: bool) -> Self {
        Self {
            root,
            effects,
            source,
            entries: 0,
            foreign: Foreign::default(),
            gaps: Vec::new(),
        }
    }

    fn walk(&mut self, visitor: &mut dyn Visitor) -> Result<(), InventoryError> {
        self.folder(self.root, 0, visitor)
    }

    fn folder(&mut self, folder: &Path, depth: usize, visitor: &mut dyn Visitor) -> Result<(), InventoryError> {
        if depth > self.effects.limits.depth {
            return Err(unreadable(folder, std::io::Error::other("it is nested too deeply")));
        }
        if self.effects.is_cancelled() {
            return Err(InventoryError::Interrupted);
        }
        let listed = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut listed = match listed {
            Ok(listed) => listed,
            // The top is what somebody named: a mistake there is theirs to mend.
            Err(source) if depth == 0 => return Err(unreadable(folder, source)),
            Err(source) => {
                self.unread(folder, &source);
                return Ok(());
            }
        };
        listed.sort_by_key(fs::DirEntry::file_name);
        for entry in listed {
            let path = entry.path();
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                Err(source) => {
                    self.unread(&path, &source);
                    continue;
                }
            };
            self.entries += 1;
            if self.entries > self.effects.limits.entries {
                return Err(unreadable(self.root, std::io::Error::other("it holds too many files")));
            }
            let inside = path.strip_prefix(self.root).unwrap_or(&path);
            if metadata.is_dir() && (is_of_the_kernel(&path) || (self.source && self.foreign.passes_over(inside))) {
                continue;
            }
            match self.entry(&path, &metadata, visitor) {
                // What is there and cannot be read may hold anything.
                Err(InventoryError::Unreadable { path, source }) => self.unread(&path, &source),
                other => other?,
            }
            if metadata.is_dir() {
                self.folder(&path, depth + 1, visitor)?;
            }
        }
        Ok(())
    }

    fn unread(&mut self, path: &Path, why: &std::io::Error) {
        let inside = path.strip_prefix(self.root).unwrap_or(path).to_string_lossy();
        self.gaps.push(Gap {
            kind: GapKind::UnreadablePath,
            // As in an image, where every path begins at its root.
            subject: if self.source { inside.into_owned() } else { format!("/{inside}") },
            detail: format!("it could not be read: {why}"),
            location: None,
        });
    }

    fn entry(&self, path: &Path, metadata: &fs::Metadata, visitor: &mut dyn Visitor) -> Result<(), InventoryError> {
        let raw = path.strip_prefix(self.root).unwrap_or(path).as_os_str().as_bytes();
        let text = String::from_utf8_lossy(raw);
        let target = if metadata.is_symlink() {
            fs::read_link(path).map_err(|source| unreadable(path, source))?.into_os_string()
        } else {
            std::ffi::OsString::new()
        };
        let kind = if metadata.is_dir() {
            Kind::Directory
        } else if metadata.is_symlink() {
            Kind::Symlink(target.as_bytes())
        } else if metadata.is_file() {
            Kind::File
        } else {
            Kind::Special
        };
        let entry = Entry {
            raw,
            path: &text,
            kind,
            mode: metadata.permissions().mode() & 0o7777,
            size: metadata.len(),
            offset: 0,
            sparse: false,
        };
        let need = visitor
            .entry(&entry)
            .map_err(|problem| unreadable(path, std::io::Error::other(problem.to_string())))?;
        self.content(path, &entry, need, visitor)
    }

    fn content(&self, path: &Path, entry: &Entry<'_>, need: Need, visitor: &mut dyn Visitor) -> Result<(), InventoryError> {
        if need == Need::Nothing {
            return Ok(());
        }
        let failed = |source| unreadable(path, source);
        let mut file = fs::File::open(path).map_err(failed)?;
        let mut content = vec![0; usize::try_from(entry.size.min(512)).unwrap_or(512)];
        file.read_exact(&mut content).map_err(failed)?;
        let need = match need {
            Need::Magic => visitor.magic(entry, &content),
            need => need,
        };
        match need {
            Need::Content => {}
            Need::Spill => {
                visitor.spilled(entry, &Spilled::of(file, entry.size));
                return Ok(());
            }
            Need::Nothing | Need::Magic | Need::Pieces => return Ok(()),
        }
        let limits = &self.effects.limits;
        let limit = limits.executable.max(limits.wanted_file);
        file.take(limit).read_to_end(&mut content).map_err(failed)?;
        visitor.content(entry, &content);
        Ok(())
    }
}
