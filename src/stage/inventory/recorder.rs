//! A sink that keeps what a cataloger said, for tests.

use crate::io::layers::Spilled;
use crate::model::coverage::GapKind;
use crate::model::inventory::{Component, FactKind, OsRelease, Scope};
use crate::model::purl::Purl;

use super::cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};
use super::catalogers::CATALOGERS;

/// What one cataloger said of one file, in order.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    pub(super) components: Vec<Component>,
    pub(super) owned: Vec<(String, Purl)>,
    pub(super) licenses: Vec<String>,
    pub(super) needs: Vec<(String, Scope)>,
    pub(super) accounted: bool,
    pub(super) executable: bool,
    pub(super) releases: Vec<OsRelease>,
    pub(super) facts: Vec<(FactKind, String)>,
    pub(super) gaps: Vec<(GapKind, String)>,
}

/// Which catalogers of a domain read the content of a file, but one.
pub(super) fn readers(path: &str, domain: Domain, but: &dyn Cataloger) -> Vec<&'static str> {
    let head = EntryHead {
        path,
        mode: 0o644,
        size: 10,
    };
    let asked = CATALOGERS
        .iter()
        .filter(|c| [domain, Domain::Both].contains(&c.domain()) && c.id() != but.id());
    asked.filter(|c| c.wants(&head) == Want::Whole).map(|c| c.id()).collect()
}

impl Recorder {
    /// Asks a cataloger about a file as the walker would.
    pub(super) fn of(cataloger: &dyn Cataloger, path: &str, content: &[u8]) -> Self {
        let mut recorder = Self::default();
        let head = EntryHead {
            path,
            mode: 0o644,
            size: content.len() as u64,
        };
        let content = match cataloger.wants(&head) {
            Want::No => return recorder,
            Want::Path => &[],
            Want::Whole => content,
            Want::IfMagic(magics) if magics.iter().any(|magic| content.starts_with(magic)) => content,
            Want::IfMagic(_) => return recorder,
        };
        cataloger.catalog(&LayerFile { head, content }, &mut recorder);
        if cataloger.wants(&head) != Want::Path {
            let mut large = Self::default();
            cataloger.catalog_large(&head, &Spilled::from(content), &mut large);
            large.expect_same(&recorder, path);
        }
        recorder
    }

    /// Asks of damaged content from memory and from disk. The two need not agree on it: they read different parts of the file.
    pub(super) fn survives(cataloger: &dyn Cataloger, path: &str, content: &[u8]) {
        let head = EntryHead {
            path,
            mode: 0o644,
            size: content.len() as u64,
        };
        cataloger.catalog(&LayerFile { head, content }, &mut Self::default());
        if matches!(cataloger.wants(&head), Want::IfMagic(_)) {
            cataloger.catalog_large(&head, &Spilled::from(content), &mut Self::default());
        }
    }

    /// A file says the same on disk as in memory; only the words for what is broken may differ.
    fn expect_same(&self, other: &Self, path: &str) {
        assert_eq!(self.components, other.components, "{path}");
        assert_eq!(self.owned, other.owned, "{path}");
        assert_eq!(self.facts, other.facts, "{path}");
        assert_eq!((self.accounted, self.executable), (other.accounted, other.executable), "{path}");
        assert_eq!(self.gaps.len(), other.gaps.len(), "{path}: {:?} {:?}", self.gaps, other.gaps);
    }

    pub(super) fn purls(&self) -> Vec<String> {
        self.components.iter().map(|c| c.purl.to_string()).collect()
    }

    /// The component of a name.
    pub(super) fn named(&self, name: &str) -> &Component {
        let found = self.components.iter().find(|c| c.name == name);
        found.unwrap_or_else(|| panic!("no component {name} in {:?}", self.purls()))
    }
}

impl Sink for Recorder {
    fn component(&mut self, component: Component) {
        self.components.push(component);
    }

    fn owns(&mut self, path: &str, owner: &Purl) {
        self.owned.push((path.to_owned(), owner.clone()));
    }

    fn needs(&mut self, names: Vec<(String, Scope)>) {
        self.needs = names;
    }

    fn licenses(&mut self, licenses: Vec<String>) {
        self.licenses = licenses;
    }

    fn accounted(&mut self) {
        self.accounted = true;
    }

    fn executable(&mut self) {
        self.executable = true;
    }

    fn os_release(&mut self, release: OsRelease) {
        self.releases.push(release);
    }

    fn fact(&mut self, kind: FactKind, detail: String) {
        self.facts.push((kind, detail));
    }

    fn gap(&mut self, kind: GapKind, detail: String) {
        self.gaps.push((kind, detail));
    }
}
