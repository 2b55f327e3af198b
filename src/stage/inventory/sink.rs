//! What catalogers say of one file, as it is kept.

use super::Sink;
use super::facts::{FileFacts, Owned};
use super::paths::Seed;
use crate::io::layers::Entry;
use crate::model::coverage::GapKind;
use crate::model::inventory::{Component, FactKind, OsRelease, Scope};
use crate::model::purl::Purl;

/// Keeps what catalogers say of one file.
pub(super) struct FileSink {
    seed: Seed,
    /// What was said so far.
    pub(super) facts: FileFacts,
}

impl FileSink {
    pub(super) fn new(seed: Seed, entry: &Entry<'_>) -> Self {
        Self {
            seed,
            facts: FileFacts {
                path: entry.path.to_owned(),
                raw: (entry.path.as_bytes() != entry.raw).then(|| entry.raw.to_owned()),
                ..FileFacts::default()
            },
        }
    }
}

impl Sink for FileSink {
    fn component(&mut self, component: Component) {
        self.facts.components.push(component);
    }

    fn owns(&mut self, path: &str, owner: &Purl) {
        let hash = self.seed.hash(path.as_bytes());
        match self.facts.owned.last_mut() {
            Some(last) if last.owner == *owner => last.paths.push(hash),
            _ => self.facts.owned.push(Owned {
                owner: owner.clone(),
                paths: vec![hash],
            }),
        }
    }

    fn needs(&mut self, names: Vec<(String, Scope)>) {
        self.facts.needs = names;
    }

    fn licenses(&mut self, licenses: Vec<String>) {
        self.facts.licenses = licenses;
    }

    fn accounted(&mut self) {
        self.facts.accounted = true;
    }

    fn executable(&mut self) {
        self.facts.executable = true;
    }

    fn os_release(&mut self, release: OsRelease) {
        self.facts.os_release = Some(release);
    }

    fn fact(&mut self, kind: FactKind, detail: String) {
        self.facts.facts.push((kind, detail, None));
    }

    fn fact_at(&mut self, kind: FactKind, detail: String, line: u32) {
        self.facts.facts.push((kind, detail, Some(line)));
    }

    fn gap(&mut self, kind: GapKind, detail: String) {
        self.facts.gaps.push((kind, detail));
    }
}

impl FileFacts {
    /// Adds what was said of the same file at another time.
    pub(super) fn absorb(&mut self, mut other: Self) {
        self.components.append(&mut other.components);
        self.owned.append(&mut other.owned);
        self.licenses.append(&mut other.licenses);
        self.needs.append(&mut other.needs);
        self.facts.append(&mut other.facts);
        self.gaps.append(&mut other.gaps);
        self.executable |= other.executable;
        self.accounted |= other.accounted;
        self.os_release = other.os_release.or(self.os_release.take());
    }
}
