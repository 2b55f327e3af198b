//! The visitor of one layer: asks the catalogers about each entry and keeps what they say.

use std::ops::ControlFlow;

use super::facts::{FileFacts, LayerFacts, Link, RawPath};
use super::inodes::{Inodes, NewLink};
use super::interest::{self, Interest};
use super::landing::{Landing, Place, What};
use super::paths::{Mark, PathSet};
use super::sink::FileSink;
use crate::io::layers::Whiteout;
use crate::io::layers::{Doubt, Entry, Kind, LayerProblem, Metadata, Need, Spilled, Visitor};
use crate::io::limits::Limits;
use crate::model::coverage::GapKind;
use crate::model::inventory::FactKind;
use crate::stage::inventory::cataloger::{Cataloger, EntryHead, LayerFile, Want};
use crate::stage::inventory::catalogers::capabilities;

/// Hears how far a layer is; may stop it.
pub(in crate::stage::inventory) type Pulse<'a> = &'a dyn Fn() -> ControlFlow<()>;

/// Looks at one layer.
pub(in crate::stage::inventory) struct Scan<'a> {
    asked: Interest<'a>,
    limits: &'a Limits,
    pulse: Pulse<'a>,
    next_pulse: u64,
    landing: Landing,
    inodes: Inodes,
    symlinks: Vec<NewSymlink>,
    /// The number of the current entry.
    entry: u32,
    /// Where the current entry lands, if not where it says.
    moved: Option<Moved>,
    /// What the entry that comes next gives to whoever runs it.
    gives: Option<String>,
    components: usize,
    owned: usize,
    doubts: usize,
    facts: LayerFacts,
}

/// A place as bytes and as text.
struct Moved {
    raw: Vec<u8>,
    path: String,
}

struct NewSymlink {
    link: Link,
    hash: u64,
    entry: u32,
}

/// Unpacked bytes between two pulses.
const PULSE: u64 = 4 << 20;

impl<'a> Scan<'a> {
    pub(in crate::stage::inventory) fn new(catalogers: &'a [&'a dyn Cataloger], limits: &'a Limits, pulse: Pulse<'a>) -> Self {
        let paths = PathSet::new();
        Self {
            asked: Interest::new(catalogers),
            limits,
            pulse,
            next_pulse: PULSE,
            landing: Landing::new(paths.seed, limits),
            inodes: Inodes::default(),
            symlinks: Vec::new(),
            entry: 0,
            moved: None,
            gives: None,
            components: 0,
            owned: 0,
            doubts: 0,
            facts: LayerFacts::new(paths),
        }
    }

    /// What the layer says.
    pub(in crate::stage::inventory) fn finish(self) -> LayerFacts {
        let Self {
            asked,
            landing,
            inodes,
            symlinks,
            mut facts,
            ..
        } = self;
        let newly = |path: &str, known: &str| interest::newly(asked.catalogers(), path, known);
        let lost = inodes.finish(&landing, &newly, &mut facts);
        let standing = symlinks
            .into_iter()
            .filter(|new| landing.stands(&new.link.path, new.hash, new.entry));
        facts.symlinks = standing.map(|new| new.link).collect();
        let (leaned, replaced) = landing.finish();
        facts.leaned = leaned.into_iter().map(RawPath).collect();
        for hash in replaced {
            facts.paths.push(hash, Mark::Restored);
        }
        facts.paths.finish();
        facts.gaps.extend(lost);
        facts
    }

    /// Takes a file that is on nobody's walk, under a path that catalogers know.
    pub(in crate::stage::inventory) fn read_as(&mut self, name: &str, role: &str, content: &[u8]) {
        let entry = Entry {
            raw: name.as_bytes(),
            path: name,
            kind: Kind::File,
            mode: 0o644,
            size: content.len() as u64,
            offset: 0,
            sparse: false,
        };
        // What never landed in the layer is not seen in it.
        let (landed, resolved) = self.landing.enter(entry.raw, &entry.kind);
        if resolved.is_err() {
            self.passed_over(UNRESOLVED.to_owned());
        }
        self.entry = landed.entry;
        self.facts.paths.push(landed.hash, Mark::File);
        let head = EntryHead {
            path: role,
            ..head(&entry)
        };
        self.asked.ask(&head);
        let mut sink = FileSink::new(self.facts.paths.seed, &entry, self.limits);
        for cataloger in self.asked.who(|want| want == Want::Whole) {
            cataloger.catalog(&LayerFile { head, content }, &mut sink);
        }
        self.keep(sink.facts);
    }

    /// Marks a whiteout. It speaks of the folder that it lands in.
    fn whiteout(&mut self, whiteout: &Whiteout<'_>) {
        if whiteout.ignored {
            return;
        }
        let Ok((mut folder, hash)) = self.landing.folder_of(whiteout) else {
            return self.passed_over(UNRESOLVED.to_owned());
        };
        self.imply();
        let paths = &mut self.facts.paths;
        match whiteout.hidden {
            None => paths.push(hash, Mark::Opaque),
            Some(hidden) => {
                if !folder.is_empty() {
                    folder.push(b'/');
                }
                folder.extend_from_slice(hidden);
                paths.push(paths.seed.hash(&folder), Mark::Whiteout);
            }
        }
    }

    /// Marks the folders that the last name made.
    fn imply(&mut self) {
        for hash in self.landing.take_implied() {
            self.facts.paths.push(hash, Mark::Implied);
        }
    }

    /// The entry as it lands.
    fn landed<'e>(&self, entry: &Entry<'e>, moved: Option<&'e Moved>) -> Entry<'e> {
        moved.map_or(*entry, |moved| Entry {
            raw: &moved.raw,
            path: &moved.path,
            ..*entry
        })
    }

    /// Does something with the current entry as it lands.
    fn with_landed<R>(&mut self, entry: &Entry<'_>, take: impl FnOnce(&mut Self, &Entry<'_>) -> R) -> R {
        let moved = self.moved.take();
        let result = take(self, &self.landed(entry, moved.as_ref()));
        self.moved = moved;
        result
    }

    fn catalog(&mut self, entry: &Entry<'_>, content: &[u8], wanted: impl Fn(Want) -> bool) {
        let head = head(entry);
        let mut sink = FileSink::new(self.facts.paths.seed, entry, self.limits);
        for cataloger in self.asked.who(wanted) {
            cataloger.catalog(&LayerFile { head, content }, &mut sink);
        }
        self.keep(sink.facts);
    }

    /// Keeps what was said of a file, within bounds.
    fn keep(&mut self, mut file: FileFacts) {
        if file.is_empty() {
            return;
        }
        self.components += file.components.len();
        self.owned += file.owned.iter().map(|owned| owned.paths.len()).sum::<usize>();
        if self.components > self.limits.components {
            file.components.clear();
            file.gaps.push((
                GapKind::LimitReached,
                format!("more than {} components in one layer", self.limits.components),
            ));
        }
        if self.owned > self.limits.owned_paths {
            file.owned.clear();
            file.gaps.push((
                GapKind::LimitReached,
                format!("more than {} owned paths in one layer", self.limits.owned_paths),
            ));
        }
        file.entry = self.entry;
        let files = &mut self.facts.files;
        if let Some(last) = files.last_mut().filter(|last| last.entry == self.entry) {
            last.absorb(file);
        } else if files.len() < self.limits.noted_files {
            files.push(file);
        } else {
            self.passed_over(format!("more than {} files are worth a note in one layer", self.limits.noted_files));
        }
    }

    fn symlink(&mut self, entry: &Entry<'_>, hash: u64, target: &[u8]) {
        if self.may_keep_link() {
            self.symlinks.push(NewSymlink {
                link: Link {
                    path: entry.raw.to_owned(),
                    target: target.to_owned(),
                    wanted: interest::by_name(self.asked.catalogers(), entry.path),
                },
                hash,
                entry: self.entry,
            });
        }
    }

    fn may_keep_link(&mut self) -> bool {
        let limit = self.limits.links;
        let within = self.symlinks.len() + self.inodes.links() < limit;
        if !within {
            self.passed_over(format!("more than {limit} links in one layer: the rest was not followed"));
        }
        within
    }

    /// Says once of the layer that there is more in it.
    fn passed_over(&mut self, detail: String) {
        if self.facts.gaps.iter().all(|(_, said)| *said != detail) {
            self.facts.gaps.push((GapKind::LimitReached, detail));
        }
    }

    /// Another name of a file.
    fn hard_link(&mut self, entry: &Entry<'_>, hash: u64, target: Place) -> Mark {
        // Unpackers set the mode of the file by the link's.
        self.asked.ask(&head(entry));
        if self.asked.who(|want| want == Want::Path).next().is_some() {
            self.catalog(entry, &[], |want| want == Want::Path);
        }
        if !self.may_keep_link() {
            return Mark::File;
        }
        self.inodes.link(NewLink::new(entry, hash, self.entry, target));
        Mark::HardLink
    }

    fn file(&mut self, entry: &Entry<'_>) -> Need {
        let most = self.asked.ask(&head(entry));
        if self.asked.who(|want| want == Want::Path).next().is_some() {
            self.catalog(entry, &[], |want| want == Want::Path);
        }
        match most {
            Want::No | Want::Path => Need::Nothing,
            Want::Whole if entry.size > self.limits.wanted_file => self.too_large(entry, self.limits.wanted_file),
            Want::Whole if entry.size > self.limits.held && entry.sparse => self.too_large(entry, self.limits.held),
            Want::Whole if entry.size > self.limits.held => Need::Spill,
            Want::Whole => Need::Content,
            Want::IfMagic(_) if entry.size == 0 => Need::Nothing,
            // Its first bytes are known after all of it is in memory.
            Want::IfMagic(_) if entry.sparse && entry.size > self.limits.held => self.too_large(entry, self.limits.held),
            Want::IfMagic(_) => Need::Magic,
        }
    }

    fn note(&mut self, entry: &Entry<'_>, kind: FactKind, detail: String) {
        let mut sink = FileSink::new(self.facts.paths.seed, entry, self.limits);
        sink.facts.facts.push((kind, detail, None));
        self.keep(sink.facts);
    }

    fn too_large(&mut self, entry: &Entry<'_>, limit: u64) -> Need {
        let mut sink = FileSink::new(self.facts.paths.seed, entry, self.limits);
        sink.facts.gaps.push((
            GapKind::LimitReached,
            format!("{} bytes are more than the {limit} that are read of such a file", entry.size),
        ));
        self.keep(sink.facts);
        Need::Nothing
    }
}

/// Doubts of one layer that are listed one by one: each of them makes the layer one that nobody can decide on.
const DOUBTS: usize = 100;

impl Visitor for Scan<'_> {
    fn ambiguous(&mut self, doubt: &Doubt<'_>) -> Result<(), LayerProblem> {
        self.doubts += 1;
        let detail = match self.doubts {
            1..=DOUBTS => format!("`{}` (byte {} of the unpacked tar): {}", doubt.entry, doubt.offset, doubt.reason),
            more if more == DOUBTS + 1 => format!("and more entries from byte {} on", doubt.offset),
            _ => return Ok(()),
        };
        self.facts.gaps.push((GapKind::AmbiguousLayer, detail));
        Ok(())
    }

    fn metadata(&mut self, metadata: &Metadata) {
        let attribute = metadata
            .attributes
            .iter()
            .find(|(name, _)| name == capabilities::ATTRIBUTE.as_bytes());
        self.gives = attribute.and_then(|(_, value)| capabilities::given(value));
    }

    fn entry(&mut self, entry: &Entry<'_>) -> Result<Need, LayerProblem> {
        let gives = self.gives.take();
        if let Some(whiteout) = Whiteout::of(entry.raw) {
            self.whiteout(&whiteout);
            return Ok(Need::Nothing);
        }
        let (landed, resolved) = self.landing.enter(entry.raw, &entry.kind);
        if resolved.is_err() {
            self.passed_over(UNRESOLVED.to_owned());
        }
        self.imply();
        self.entry = landed.entry;
        self.moved = landed.moved.map(|raw| Moved {
            path: String::from_utf8_lossy(&raw).into_owned(),
            raw,
        });
        let hash = landed.hash;
        Ok(self.with_landed(entry, |scan, entry| {
            // A link with the attribute gives it to the file that it names.
            if let (Some(gives), What::File | What::HardLink(_)) = (gives, &landed.what) {
                scan.note(entry, FactKind::CapableFile, gives);
            }
            let (mark, need) = match landed.what {
                What::File if entry.kind == Kind::File => (Mark::File, scan.file(entry)),
                What::File => (Mark::File, Need::Nothing),
                What::Symlink(target) => {
                    scan.symlink(entry, hash, &target);
                    (Mark::Symlink, Need::Nothing)
                }
                What::HardLink(target) => (scan.hard_link(entry, hash, target), Need::Nothing),
                What::Directory => (Mark::Directory, Need::Nothing),
            };
            scan.facts.paths.push(hash, mark);
            need
        }))
    }

    fn magic(&mut self, entry: &Entry<'_>, start: &[u8]) -> Need {
        if self.asked.who(|want| want.is_met_by(start)).next().is_none() {
            return Need::Nothing;
        }
        if entry.size > self.limits.executable {
            let limit = self.limits.executable;
            return self.with_landed(entry, |scan, entry| scan.too_large(entry, limit));
        }
        if entry.size > self.limits.held {
            return Need::Spill;
        }
        Need::Content
    }

    fn content(&mut self, entry: &Entry<'_>, bytes: &[u8]) {
        self.with_landed(entry, |scan, entry| {
            scan.catalog(entry, bytes, |want| want == Want::Whole || want.is_met_by(bytes));
        });
    }

    fn spilled(&mut self, entry: &Entry<'_>, content: &Spilled) {
        self.with_landed(entry, |scan, entry| {
            let mut sink = FileSink::new(scan.facts.paths.seed, entry, scan.limits);
            match first_bytes(content) {
                Ok(start) => {
                    for cataloger in scan.asked.who(|want| want == Want::Whole || want.is_met_by(&start)) {
                        cataloger.catalog_large(&head(entry), content, &mut sink);
                    }
                }
                Err(problem) => sink
                    .facts
                    .gaps
                    .push((GapKind::LimitReached, format!("it cannot be read again: {problem}"))),
            }
            scan.keep(sink.facts);
        });
    }

    fn at(&mut self, unpacked: u64) -> ControlFlow<()> {
        if unpacked < self.next_pulse {
            return ControlFlow::Continue(());
        }
        self.next_pulse = unpacked + PULSE;
        (self.pulse)()
    }
}

/// Said where a name cannot be resolved: whoever unpacks the layer fails there, or follows the links further than others do.
const UNRESOLVED: &str = "a name leads through links in a circle, or further than whoever unpacks it goes";

/// What tells a file's kind.
pub(in crate::stage::inventory) fn first_bytes(content: &Spilled) -> std::io::Result<Vec<u8>> {
    let mut start = vec![0; usize::try_from(content.size().min(16)).unwrap_or(16)];
    content.read_at(&mut start, 0)?;
    Ok(start)
}

fn head<'e>(entry: &Entry<'e>) -> EntryHead<'e> {
    EntryHead {
        path: entry.path,
        mode: entry.mode,
        size: entry.size,
    }
}
