//! What catalogers say of one file, as it is kept.

use super::facts::{FileFacts, Owned};
use super::paths::Seed;
use crate::io::layers::Entry;
use crate::io::limits::Limits;
use crate::model::coverage::GapKind;
use crate::model::inventory::{Component, FactKind, OsRelease, Scope};
use crate::model::purl::Purl;
use crate::stage::inventory::cataloger::Sink;

/// Keeps what catalogers say of one file.
pub(in crate::stage::inventory) struct FileSink<'l> {
    seed: Seed,
    limits: &'l Limits,
    owned: usize,
    /// What was said so far.
    pub(in crate::stage::inventory) facts: FileFacts,
}

impl<'l> FileSink<'l> {
    pub(in crate::stage::inventory) fn new(seed: Seed, entry: &Entry<'_>, limits: &'l Limits) -> Self {
        Self {
            seed,
            limits,
            owned: 0,
            facts: FileFacts {
                path: entry.path.to_owned(),
                raw: (entry.path.as_bytes() != entry.raw).then(|| entry.raw.to_owned()),
                ..FileFacts::default()
            },
        }
    }
}

impl FileSink<'_> {
    fn note(&mut self, kind: FactKind, detail: String, line: Option<u32>) {
        let most = self.limits.noted_in_file;
        if self.facts.facts.len() < most {
            self.facts.facts.push((kind, detail, line));
        } else {
            self.past_limit(format!("more than {most} things in one file are worth a note"));
        }
    }

    /// Says once that there is more.
    fn past_limit(&mut self, detail: String) {
        // It was said last, if it was: nothing else is said past a limit but other limits.
        if self.facts.gaps.iter().rev().take(4).all(|(_, said)| *said != detail) {
            self.facts.gaps.push((GapKind::LimitReached, detail));
        }
    }
}

impl Sink for FileSink<'_> {
    fn component(&mut self, mut component: Component) {
        let most = self.limits.components;
        if self.facts.components.len() >= most {
            return self.past_limit(format!("more than {most} components in one file"));
        }
        // Evidence is stored and read again: whatever cannot be named so that it is read back is a hole, and no component.
        if !component.purl.reads_back() {
            let name: String = component.purl.as_str().chars().take(200).collect();
            self.gap(GapKind::PartialDatabase, format!("an entry names no package: `{name}`"));
            return;
        }
        component.dependencies.retain(|needed| !needed.name.is_empty());
        self.facts.components.push(component);
    }

    fn owns(&mut self, path: &str, owner: &Purl) {
        let most = self.limits.owned_paths;
        if self.owned >= most {
            return self.past_limit(format!("more than {most} owned paths in one file"));
        }
        self.owned += 1;
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

    fn stands_in(&mut self, names: Vec<String>) {
        self.facts.stands_in.extend(names);
    }

    fn manifest_of(&mut self, name: &str, version: &str) {
        self.facts.manifest_of = Some((name.to_owned(), version.to_owned()));
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
        self.note(kind, detail, None);
    }

    fn fact_at(&mut self, kind: FactKind, detail: String, line: u32) {
        self.note(kind, detail, Some(line));
    }

    fn gap(&mut self, kind: GapKind, detail: String) {
        let most = self.limits.noted_in_file;
        if self.facts.gaps.len() < most {
            self.facts.gaps.push((kind, detail));
        } else {
            self.past_limit(format!("more than {most} things in one file cannot be read"));
        }
    }
}

impl FileFacts {
    /// Adds what was said of the same file at another time.
    pub(in crate::stage::inventory) fn absorb(&mut self, mut other: Self) {
        self.components.append(&mut other.components);
        self.owned.append(&mut other.owned);
        self.licenses.append(&mut other.licenses);
        self.needs.append(&mut other.needs);
        self.stands_in.append(&mut other.stands_in);
        self.manifest_of = other.manifest_of.or(self.manifest_of.take());
        self.facts.append(&mut other.facts);
        self.gaps.append(&mut other.gaps);
        self.executable |= other.executable;
        self.accounted |= other.accounted;
        self.os_release = other.os_release.or(self.os_release.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::layers::Kind;

    #[test]
    fn what_cannot_be_named_is_a_gap_and_no_component() {
        let entry = Entry {
            path: "app/server",
            raw: b"app/server",
            kind: Kind::File,
            mode: 0o755,
            size: 1,
            offset: 0,
            sparse: false,
        };
        let limits = Limits::default();
        let mut sink = FileSink::new(Seed::random(), &entry, &limits);
        let module = |name: &str| Purl::new("golang", name, "(devel)").with_namespace("example.org/acme");
        let mut good = Component::new(module("svc"), None, "go");
        good.dependencies = vec![module(""), module("lib")];
        sink.component(good);
        sink.component(Component::new(module(""), None, "go"));
        assert_eq!(sink.facts.components.len(), 1);
        assert_eq!(sink.facts.components[0].dependencies, [module("lib")]);
        assert_eq!(sink.facts.gaps[0].0, GapKind::PartialDatabase);
    }
}
