//! A cataloger for each format that is a list of pins.

use crate::io::encoding;
use crate::io::merge_conflict;
use crate::model::coverage::GapKind;
use crate::model::ecosystem::homes;
use crate::model::inventory::{Component, Ecosystem, Location, Origin, Scope};
use crate::model::purl::Purl;

use super::pin::{Pin, Pins};
use super::stand_ins;
use crate::model::pep503;
use crate::stage::inventory::cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};

/// A format: which files are of it, and how they are read.
pub(in super::super) struct LockFormat {
    id: &'static str,
    domain: Domain,
    /// The files for people.
    files: &'static str,
    kind: &'static str,
    is_file: fn(&str) -> bool,
    read: fn(&str) -> Result<Pins, String>,
}

impl LockFormat {
    pub(super) const fn new(
        id: &'static str,
        files: &'static str,
        kind: &'static str,
        is_file: fn(&str) -> bool,
        read: fn(&str) -> Result<Pins, String>,
    ) -> Self {
        Self {
            id,
            domain: Domain::Source,
            files,
            kind,
            is_file,
            read,
        }
    }

    /// The same, of files that images hold, or trees and images both.
    pub(super) const fn found_in(mut self, domain: Domain) -> Self {
        self.domain = domain;
        self
    }

    /// `requirements/base.txt` is told by its folder.
    fn is_of(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        (self.is_file)(name) || (self.is_file)(path)
    }

    #[cfg(test)]
    pub(super) fn wants_file(&self, path: &str) -> bool {
        self.is_of(path)
    }

    pub(super) fn component(&self, pin: &Pin) -> Component {
        let (namespace, name) = match self.kind {
            "maven" => pin
                .name
                .split_once(':')
                .map_or((None, pin.name.as_str()), |(group, name)| (Some(group), name)),
            "golang" | "composer" | "npm" | "swift" => pin
                .name
                .rsplit_once('/')
                .map_or((None, pin.name.as_str()), |(above, name)| (Some(above), name)),
            _ => (None, pin.name.as_str()),
        };
        let mut purl = Purl::new(self.kind, name, &pin.version);
        if let Some(namespace) = namespace {
            purl = purl.with_namespace(namespace);
        }
        purl = match &pin.origin {
            Origin::Git(url) => purl.with_qualifier("vcs_url", &format!("git+{url}")),
            Origin::Url(url) => purl.with_qualifier("download_url", url),
            Origin::AlternateRegistry(url) => purl.with_qualifier("repository_url", url),
            Origin::Registry | Origin::Local => purl,
        };
        let own = pin.origin == Origin::Local && !pin.is_looked_up;
        let ecosystem = homes(self.kind, None).next().filter(|_| !own).map(Ecosystem::new);
        let mut component = Component::new(purl, ecosystem, self.id);
        if self.kind == "pypi" {
            component.name = pep503::normal_name(&pin.name).into_owned();
        }
        component.origin = pin.origin.clone();
        component.root = own;
        component.scope = pin.scope;
        component.published = pin.published;
        component
    }
}

impl Cataloger for LockFormat {
    fn id(&self) -> &'static str {
        self.id
    }

    fn version(&self) -> u32 {
        3
    }

    fn domain(&self) -> Domain {
        self.domain
    }

    fn reads(&self) -> Option<(&'static str, &'static str)> {
        Some((self.files, homes(self.kind, None).next()?))
    }

    fn wants(&self, head: &EntryHead<'_>) -> Want {
        if self.is_of(head.path) { Want::Whole } else { Want::No }
    }

    fn catalog(&self, file: &LayerFile<'_>, sink: &mut dyn Sink) {
        let read = encoding::decode(file.content).and_then(|text| match merge_conflict::told(&text) {
            // It is the cause of every other trouble.
            Some(problem) => (self.read)(&text).map_err(|_| problem.clone()).map(|read| Pins {
                troubles: vec![problem],
                ..read
            }),
            None => (self.read)(&text),
        });
        match read {
            Ok(mut read) => {
                stand_ins::mark(&mut read, self.kind);
                for trouble in read.troubles {
                    sink.gap(GapKind::PartialDatabase, trouble);
                }
                let mut needs = Vec::new();
                for (name, line) in &read.asks {
                    match beside(file.head.path, name).filter(|path| self.is_of(path)) {
                        Some(path) => needs.push((path, Scope::Runtime)),
                        None => sink.gap(
                            GapKind::PartialDatabase,
                            format!("`{name}`, which line {line} asks for, is not read"),
                        ),
                    }
                }
                if !needs.is_empty() {
                    sink.needs(needs);
                }
                for pin in &read.pins {
                    let mut component = self.component(pin);
                    component.locations = vec![Location {
                        line: pin.line,
                        ..Location::path(file.head.path)
                    }];
                    sink.component(component);
                }
            }
            Err(problem) => sink.gap(GapKind::PartialDatabase, problem),
        }
    }
}

/// The path of a file that another one names, from the root of the tree; none where it is outside of it, or may be behind a link.
fn beside(path: &str, name: &str) -> Option<String> {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    let mut down = false;
    for part in name.split('/') {
        match part {
            // An absolute path has an empty part in front.
            "" if !down && name.starts_with('/') => return None,
            "" | "." => {}
            // What is above a folder that was gone into depends on where that folder leads.
            ".." if down => return None,
            ".." => drop(parts.pop()?),
            part => {
                down = true;
                parts.push(part);
            }
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_from_where_the_other_lies() {
        for (path, name, expected) in [
            ("requirements.txt", "requirements-dev.txt", Some("requirements-dev.txt")),
            ("a/requirements/dev.txt", "./base.txt", Some("a/requirements/base.txt")),
            ("a/b/requirements.txt", "../requirements.txt", Some("a/requirements.txt")),
            ("requirements.txt", "../requirements.txt", None),
            ("a/requirements.txt", "link/../requirements.txt", None),
            ("a/requirements.txt", "/a/requirements.txt", None),
        ] {
            assert_eq!(beside(path, name).as_deref(), expected, "{path} {name}");
        }
    }
}
