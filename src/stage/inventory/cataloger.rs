//! What a cataloger is, what it is given, and whom it tells.

use crate::io::layers::Spilled;
use crate::model::coverage::GapKind;
use crate::model::inventory::{Component, FactKind, OsRelease, Scope};
use crate::model::purl::Purl;

use super::formats::whole::whole;

/// Where a cataloger is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    /// Layers of an image, or a root file system.
    Image,
    /// Source trees only.
    Source,
    /// Images and source trees.
    Both,
}

/// A file as the walker sees it before its content is read.
#[derive(Debug, Clone, Copy)]
pub struct EntryHead<'a> {
    /// Path from the root without a leading slash, no `.` or `..` in it.
    pub path: &'a str,
    /// Unix mode bits.
    pub mode: u32,
    /// Size in bytes.
    pub size: u64,
}

/// How much of a file a cataloger wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Nothing of the file.
    No,
    /// The path alone: `catalog` is called with empty content.
    Path,
    /// The whole content.
    Whole,
    /// The whole content if its first bytes are one of these; nothing otherwise.
    IfMagic(&'static [&'static [u8]]),
}

/// A regular file of a layer or tree, with its content.
#[derive(Debug, Clone, Copy)]
pub struct LayerFile<'a> {
    /// Path, mode and size.
    pub head: EntryHead<'a>,
    /// The bytes that the cataloger asked for.
    pub content: &'a [u8],
}

/// What a cataloger says of one file. The walker attributes it to the file's path and layer, and forgets it when a later layer
/// hides the file (except facts about secrets, which stay as deleted).
pub trait Sink {
    /// A component that the file declares. Locations may be left empty: the file itself is added.
    fn component(&mut self, component: Component);
    /// A path (without leading slash) that a package owns.
    fn owns(&mut self, path: &str, owner: &Purl);
    /// Packages that a project needs, by name, and what for.
    fn needs(&mut self, names: Vec<(String, Scope)>) {
        let _ = names;
    }
    /// Local packages of these names stand in for published ones (cargo's `[patch]`).
    fn stands_in(&mut self, names: Vec<String>) {
        let _ = names;
    }
    /// The file is the manifest of a package of this name and version; an inherited version is empty.
    fn manifest_of(&mut self, name: &str, version: &str) {
        let _ = (name, version);
    }
    /// The licences of the package whose licences are stated in the file.
    fn licenses(&mut self, licenses: Vec<String>) {
        let _ = licenses;
    }
    /// The file is an executable that some cataloger accounts for.
    fn accounted(&mut self);
    /// The file is an executable that needs an account: an owner, audit data or build info.
    fn executable(&mut self);
    /// The operating system's release.
    fn os_release(&mut self, release: OsRelease);
    /// Something that rules on content decide on.
    fn fact(&mut self, kind: FactKind, detail: String);
    /// The same with its line, from 1.
    fn fact_at(&mut self, kind: FactKind, detail: String, line: u32) {
        let _ = line;
        self.fact(kind, detail);
    }
    /// Something in the file could not be seen.
    fn gap(&mut self, kind: GapKind, detail: String);
}

/// Reads one kind of package database, lock file or binary. One file each; add it to `CATALOGERS`.
pub trait Cataloger: Sync {
    /// Its name in reports: `dpkg`.
    fn id(&self) -> &'static str;
    /// Raised when its answers change: cached facts of older versions are not used.
    fn version(&self) -> u32;
    /// Where it is asked.
    fn domain(&self) -> Domain;
    /// For people: the files that it finds packages in, and of which ecosystems those are; none where it finds no packages.
    fn reads(&self) -> Option<(&'static str, &'static str)> {
        None
    }
    /// Fixed paths (files, or folders ending in `/`) that it reads. A symbolic link on the way to one is followed, and what lies at its end
    /// is given to [`Cataloger::catalog`] under the path here.
    fn anchors(&self) -> &'static [&'static str] {
        &[]
    }
    /// Names of files that it reads because a folder above them is called as it is, such as `METADATA` in `x.dist-info`, each below that folder.
    /// A symbolic link of such a name is followed to wherever it leads.
    fn below_named_folders(&self) -> &'static [&'static str] {
        &[]
    }
    /// False when other names of a file are of no interest to it.
    fn follows_links(&self) -> bool {
        true
    }
    /// How much it wants of a file. Called for every file: it must be quick.
    fn wants(&self, head: &EntryHead<'_>) -> Want;
    /// Reads a file. Never fails: what could not be read is a gap in the sink.
    fn catalog(&self, file: &LayerFile<'_>, sink: &mut dyn Sink);
    /// Reads a file that is too large to be held in memory beside others ([`Limits::held`](crate::io::limits::Limits)). Unless a cataloger
    /// knows better, the file is held whole, one such file at a time.
    fn catalog_large(&self, head: &EntryHead<'_>, content: &Spilled, sink: &mut dyn Sink) {
        let read = whole(content, |content| self.catalog(&LayerFile { head: *head, content }, sink));
        if let Err(problem) = read {
            sink.gap(GapKind::LimitReached, format!("{} cannot read it: {problem}", self.id()));
        }
    }
}
