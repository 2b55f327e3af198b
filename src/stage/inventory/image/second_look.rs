//! The second walk over a layer: reads what lies behind links, as what it is behind them, and looks at nothing else.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::interest;
use super::landing::{Landing, What};
use super::links::Links;
use super::paths::{Seed, ancestors};
use super::requests::{Behind, LayerRequests, Role};
use super::scan::{Pulse, first_bytes};
use super::sink::FileSink;
use crate::io::layers::Whiteout;
use crate::io::layers::{Doubt, Entry, Kind, LayerProblem, Need, Spilled, Visitor};
use crate::io::limits::Limits;
use crate::model::coverage::GapKind;
use crate::stage::inventory::cataloger::{Cataloger, EntryHead, LayerFile, Want};

/// Reads what was asked for in one layer.
pub(in crate::stage::inventory) struct SecondLook<'a> {
    catalogers: &'a [&'a dyn Cataloger],
    asked: &'a LayerRequests,
    links: &'a Links<'a>,
    limits: &'a Limits,
    seed: Seed,
    pulse: Pulse<'a>,
    layer: usize,
    landing: Landing,
    place: Place,
    /// As what the current entry is read.
    roles: Vec<Current>,
    found: Vec<Option<Behind>>,
    /// What was found at a place so far: the last entry of a place counts.
    at: HashMap<Vec<u8>, Vec<usize>>,
}

/// Where the current entry lies.
#[derive(Default)]
struct Place {
    raw: Vec<u8>,
    path: String,
}

struct Current {
    read_as: String,
    /// The names under which it is seen, each with its layer; none where it is seen under its own.
    names: Vec<(usize, String)>,
    /// True where it counts as what stands at its place.
    of_place: bool,
}

impl<'a> SecondLook<'a> {
    pub(in crate::stage::inventory) fn new(
        catalogers: &'a [&'a dyn Cataloger],
        (layer, asked): (usize, &'a LayerRequests),
        links: &'a Links<'a>,
        limits: &'a Limits,
        seed: Seed,
        pulse: Pulse<'a>,
    ) -> Self {
        Self {
            catalogers,
            asked,
            links,
            limits,
            seed,
            pulse,
            layer,
            landing: Landing::new(seed, limits),
            place: Place::default(),
            roles: Vec::new(),
            found: Vec::new(),
            at: HashMap::new(),
        }
    }

    pub(in crate::stage::inventory) fn finish(self) -> Vec<Behind> {
        self.found.into_iter().flatten().collect()
    }

    /// As what the entry at the current place is to be read.
    fn roles(&self, entry: u32) -> Vec<Current> {
        let place = &self.place.raw;
        let of_entry = self.asked.entries.get(&entry).into_iter().flatten().map(|role| Current {
            read_as: role.read_as.clone(),
            names: role.names.clone(),
            of_place: false,
        });
        let of_place = self.asked.places.get(place).into_iter().flatten();
        let of_place = of_place.map(|role| self.current(role, ""));
        let of_folders = ancestors(place).flat_map(|folder| {
            let rest = String::from_utf8_lossy(&place[folder.len()..]).into_owned();
            let roles = self.asked.folders.get(folder).into_iter().flatten();
            roles.map(move |role| self.current(role, &rest))
        });
        of_entry.chain(of_place).chain(of_folders).collect()
    }

    fn current(&self, role: &Role, rest: &str) -> Current {
        let written = format!("{}{rest}", role.read_as);
        if !role.through {
            return Current {
                read_as: written,
                names: role.names.clone(),
                of_place: true,
            };
        }
        // Whoever follows the lower layer's link follows those behind it too.
        let read_as = match self.links.canonical_below(written.as_bytes(), self.layer) {
            Ok(place) => String::from_utf8_lossy(&place).into_owned(),
            Err(_) => written,
        };
        let names = vec![(self.layer, self.place.path.clone()), (self.layer, read_as.clone())];
        Current {
            read_as,
            names,
            of_place: true,
        }
    }

    /// Whoever reads a role and did not read the file under its own name.
    fn wanting<'s>(&'s self, head: EntryHead<'s>) -> impl Iterator<Item = (&'a dyn Cataloger, Want)> + use<'a, 's> {
        self.catalogers.iter().filter_map(move |cataloger| {
            let newly = interest::reads_newly(*cataloger, head.path, &self.place.path);
            let want = if newly { cataloger.wants(&head) } else { Want::No };
            matches!(want, Want::Whole | Want::IfMagic(_)).then_some((*cataloger, want))
        })
    }

    fn keep(&mut self, current: &Current, sink: FileSink<'_>) {
        let mut facts = sink.facts;
        if facts.is_empty() {
            return;
        }
        facts.read_as = Some(current.read_as.clone());
        if current.of_place {
            self.at.entry(self.place.raw.clone()).or_default().push(self.found.len());
        }
        let own = || vec![(self.layer, self.place.path.clone())];
        self.found.push(Some(Behind {
            names: if current.names.is_empty() { own() } else { current.names.clone() },
            file: facts,
        }));
    }

    fn read(&mut self, entry: &Entry<'_>, start: &[u8], ask: impl Fn(&dyn Cataloger, EntryHead<'_>, &mut FileSink<'_>)) {
        for current in std::mem::take(&mut self.roles) {
            let mut sink = self.sink(entry);
            let head = EntryHead {
                path: &current.read_as,
                mode: entry.mode,
                size: entry.size,
            };
            for (cataloger, want) in self.wanting(head) {
                if want == Want::Whole || want.is_met_by(start) {
                    ask(cataloger, head, &mut sink);
                }
            }
            self.keep(&current, sink);
        }
    }

    fn sink(&self, entry: &Entry<'_>) -> FileSink<'a> {
        let landed = Entry {
            raw: &self.place.raw,
            path: &self.place.path,
            ..*entry
        };
        FileSink::new(self.seed, &landed, self.limits)
    }

    fn note(&mut self, entry: &Entry<'_>, problem: &str) {
        for current in std::mem::take(&mut self.roles) {
            let mut sink = self.sink(entry);
            sink.facts.gaps.push((GapKind::LimitReached, problem.to_owned()));
            self.keep(&current, sink);
        }
    }
}

impl Visitor for SecondLook<'_> {
    /// The first walk over the layer told.
    fn ambiguous(&mut self, _doubt: &Doubt<'_>) -> Result<(), LayerProblem> {
        Ok(())
    }

    fn entry(&mut self, entry: &Entry<'_>) -> Result<Need, LayerProblem> {
        if let Some(whiteout) = Whiteout::of(entry.raw) {
            // The first walk told of names that lead nowhere.
            if !whiteout.ignored && self.landing.folder_of(&whiteout).is_ok() {
                self.landing.take_implied();
            }
            return Ok(Need::Nothing);
        }
        let (landed, _) = self.landing.enter(entry.raw, &entry.kind);
        self.landing.take_implied();
        self.place.raw = landed.moved.unwrap_or_else(|| entry.raw.to_owned());
        for found in self.at.remove(&self.place.raw).into_iter().flatten() {
            self.found[found] = None;
        }
        if landed.what != What::File || entry.kind != Kind::File {
            return Ok(Need::Nothing);
        }
        self.place.path = String::from_utf8_lossy(&self.place.raw).into_owned();
        let roles = self.roles(landed.entry);
        let mut widest = None;
        for role in &roles {
            let head = EntryHead {
                path: &role.read_as,
                mode: entry.mode,
                size: entry.size,
            };
            let whole = self.wanting(head).map(|(_, want)| want == Want::Whole).max();
            widest = widest.max(whole);
        }
        self.roles = roles;
        let Some(whole) = widest else {
            return Ok(Need::Nothing);
        };
        let limit = match (whole, entry.sparse) {
            (_, true) => self.limits.held,
            (true, false) => self.limits.wanted_file,
            (false, false) => self.limits.executable,
        };
        if entry.size > limit {
            self.note(
                entry,
                &format!("{} bytes are more than the {limit} that are read of such a file", entry.size),
            );
            return Ok(Need::Nothing);
        }
        Ok(if entry.size > self.limits.held {
            Need::Spill
        } else {
            Need::Content
        })
    }

    fn content(&mut self, entry: &Entry<'_>, bytes: &[u8]) {
        self.read(entry, bytes, |cataloger, head, sink| {
            cataloger.catalog(&LayerFile { head, content: bytes }, sink)
        });
    }

    fn spilled(&mut self, entry: &Entry<'_>, content: &Spilled) {
        match first_bytes(content) {
            Ok(start) => self.read(entry, &start, |cataloger, head, sink| cataloger.catalog_large(&head, content, sink)),
            Err(problem) => self.note(entry, &format!("it cannot be read again: {problem}")),
        }
    }

    fn at(&mut self, _unpacked: u64) -> ControlFlow<()> {
        (self.pulse)()
    }
}
