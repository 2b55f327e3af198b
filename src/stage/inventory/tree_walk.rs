//! A walk over a folder on disk, as if it were a layer. Symbolic links are never followed.

use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::cataloger::{Domain, EntryHead, Want};
use super::error::InventoryError;
use super::foreign::Foreign;
use super::image::engine;
use crate::io::Effects;
use crate::io::files;
use crate::io::folder;
use crate::io::layers::{Entry, Kind, Metadata, Need, Spilled, Visitor};
use crate::model::coverage::{Gap, GapKind};
use crate::model::excused::Excused as _;
use crate::stage::inventory::catalogers::capabilities;

/// A walk over a folder, in the order of names.
pub(super) struct Tree<'t> {
    root: &'t Path,
    effects: &'t Effects,
    source: bool,
    entries: u64,
    /// What of it is not the project's.
    pub(super) foreign: Foreign,
    /// What could not be read.
    pub(super) gaps: Vec<Gap>,
}

impl<'t> Tree<'t> {
    pub(super) fn new(root: &'t Path, effects: &'t Effects, source: bool) -> Self {
        Self {
            root,
            effects,
            source,
            entries: 0,
            foreign: Foreign::default(),
            gaps: Vec::new(),
        }
    }

    pub(super) fn walk(&mut self, visitor: &mut dyn Visitor) -> Result<(), InventoryError> {
        self.folder(self.root, 0, visitor)
    }

    fn folder(&mut self, folder: &Path, depth: usize, visitor: &mut dyn Visitor) -> Result<(), InventoryError> {
        if depth > self.effects.limits.depth {
            return Err(unreadable(folder, std::io::Error::other("it is nested too deeply")));
        }
        if self.effects.is_cancelled() {
            return Err(InventoryError::Interrupted);
        }
        let mut listed = match folder::listed(folder) {
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
            if self.source && self.foreign.passes_over(inside, metadata.is_dir()) {
                continue;
            }
            if metadata.is_dir() && is_of_the_kernel(&path) {
                continue;
            }
            if self.source && metadata.is_symlink() {
                self.link(inside);
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

    /// A link that a package manager would follow to what it reads, and that leads to a file which is not read as the same.
    fn link(&mut self, inside: &Path) {
        let Some(name) = inside.file_name().filter(|_| is_lock_file(&inside.to_string_lossy())) else {
            return;
        };
        let target = self.root.join(inside).canonicalize();
        let of_tree = target.and_then(|target| Ok((target.strip_prefix(self.root.canonicalize()?).map(Path::to_owned), target)));
        let is_read = of_tree.is_ok_and(|(inside, target)| inside.is_ok() && target.is_file() && target.file_name() == Some(name));
        if !is_read {
            self.gaps.push(Gap {
                kind: GapKind::UnreadLockFile,
                subject: inside.to_string_lossy().into_owned(),
                detail: "it is a symbolic link, and what it leads to is not read under this name".to_owned(),
                location: None,
            });
        }
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
        if metadata.is_file() && !self.source {
            visitor.metadata(&attributes(path));
        }
        let need = visitor
            .entry(&entry)
            .map_err(|problem| unreadable(path, std::io::Error::other(problem)))?;
        self.content(path, &entry, need, visitor)
    }

    fn content(&self, path: &Path, entry: &Entry<'_>, need: Need, visitor: &mut dyn Visitor) -> Result<(), InventoryError> {
        if need == Need::Nothing {
            return Ok(());
        }
        let failed = |source| unreadable(path, source);
        let mut file = files::open(path).map_err(failed)?;
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

/// What of a file's attributes counts. Where they cannot be asked for (another file system, another user's file) there are none that the kernel would
/// follow for us.
fn attributes(path: &Path) -> Metadata {
    let mut value = [0; 64];
    let length = rustix::fs::lgetxattr(path, capabilities::ATTRIBUTE, &mut value[..]);
    let value = length.map(|length| value[..length.min(value.len())].to_vec());
    Metadata {
        attributes: value
            .or_none("the file has no such attribute")
            .map(|value| (capabilities::ATTRIBUTE.as_bytes().to_vec(), value))
            .into_iter()
            .collect(),
        ..Metadata::default()
    }
}

/// True for a file that some cataloger finds packages in.
fn is_lock_file(path: &str) -> bool {
    let head = EntryHead {
        path,
        mode: 0o644,
        size: 1,
    };
    let mut readers = engine::of_domain(Domain::Source).into_iter();
    readers.any(|cataloger| cataloger.reads().is_some() && cataloger.wants(&head) != Want::No)
}

/// True where the kernel shows itself as files (`/proc`, `/sys`): these are no part of what is installed, and have no end.
fn is_of_the_kernel(path: &Path) -> bool {
    // Source: linux/magic.h.
    const PROC: u64 = 0x9fa0;
    const SYSFS: u64 = 0x6265_6572;
    let is_named_so = path.file_name().is_some_and(|name| name == "proc" || name == "sys");
    is_named_so && rustix::fs::statfs(path).is_ok_and(|found| matches!(found.f_type as u64, PROC | SYSFS))
}

pub(super) fn unreadable(path: &Path, source: std::io::Error) -> InventoryError {
    InventoryError::Unreadable {
        path: path.to_owned(),
        source,
    }
}
