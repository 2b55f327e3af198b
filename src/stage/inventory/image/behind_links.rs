//! What lies behind links: what must be read once more because a link leads from a name that catalogers know to a place that they do not, and
//! the names that files of lower layers have by hard links of upper ones.
//!
//! Programs lay layers over each other in two ways. An overlay unpacks each by itself: what is written below `v` lands in a folder `v`, whatever
//! lower layers have there. Others (umoci, the engines' `vfs`) unpack one into the other, and go through a lower layer's link `v`. What is written
//! through such a link is therefore read both ways.

use std::collections::{HashSet, VecDeque};

use super::facts::{Inode, LayerFacts};
use super::hard_linked::{Found, HardLinked};
use super::interest;
use super::links::{Links, Loop};
use super::paths::ancestors;
use super::requests::{LayerRequests, Role};
use crate::model::coverage::GapKind;
use crate::stage::inventory::cataloger::Cataloger;

/// Ways to read one file or folder. No image needs more, and each costs a reading.
const ROLES: usize = 16;
/// Folders that are read as others. Each costs a look at what lies below.
const FOLDERS: usize = 10_000;

/// What must be read once more in each layer.
///
/// # Errors
/// When the links to a fixed path that some cataloger reads lead in a circle.
pub(in crate::stage::inventory) fn requests(
    catalogers: &[&dyn Cataloger],
    layers: &[&LayerFacts],
    links: &Links<'_>,
) -> Result<Vec<LayerRequests>, Loop> {
    let mut asking = Asking {
        catalogers,
        layers,
        links,
        asked: layers.iter().map(|_| LayerRequests::default()).collect(),
        hard_linked: HardLinked::new(layers, links),
        taken: HashSet::new(),
        folders: VecDeque::new(),
    };
    asking.lower_files();
    asking.own_names();
    asking.anchors()?;
    asking.named_links();
    asking.inside_folders();
    asking.written_through();
    Ok(asking.asked)
}

struct Asking<'a> {
    catalogers: &'a [&'a dyn Cataloger],
    layers: &'a [&'a LayerFacts],
    links: &'a Links<'a>,
    asked: Vec<LayerRequests>,
    hard_linked: HardLinked<'a>,
    /// Places with those that read them, and as what where that matters.
    taken: HashSet<(Vec<u8>, u64, Option<String>)>,
    /// Folders that are read as others, until what lies in them was looked at.
    folders: VecDeque<(Vec<u8>, String)>,
}

impl<'a> Asking<'a> {
    /// Finds the files that hard links of upper layers name.
    fn lower_files(&mut self) {
        for (at, layer) in self.layers.iter().enumerate() {
            for link in &layer.hard_links {
                let Inode::Lower(target) = &link.of else { continue };
                let path = String::from_utf8_lossy(&link.path).into_owned();
                let Some(found) = self.hard_linked.file_below(target, at) else {
                    // Whoever unpacks such a layer fails; one of them says enough.
                    self.gap(
                        at,
                        format!("the hard link `{path}` names no file of the layers below that can be told"),
                    );
                    break;
                };
                let known = String::from_utf8_lossy(target).into_owned();
                if let Some((layer, entry)) = self.hard_linked.noted(&found) {
                    self.asked[layer].names.entry(entry).or_default().push((at, path.clone()));
                }
                self.read_as(&found, &path, &known, at);
                self.hard_linked.found_below(at, &link.path, found);
            }
        }
    }

    /// Names that hard links give to files of their own layer.
    fn own_names(&mut self) {
        for (at, layer) in self.layers.iter().enumerate() {
            for link in layer.hard_links.iter().filter(|link| link.wanted) {
                if let Inode::Own(entry) = link.of {
                    let path = String::from_utf8_lossy(&link.path);
                    self.read_as(&Found::Entry(at, entry), &path, "-", at);
                }
            }
        }
    }

    /// Fixed paths that catalogers read.
    fn anchors(&mut self) -> Result<(), Loop> {
        for (number, cataloger) in self.catalogers.iter().enumerate() {
            for anchor in cataloger.anchors() {
                let read_as = anchor.trim_end_matches('/');
                let is_folder = anchor.len() != read_as.len();
                let real = self.links.resolve_below(read_as.as_bytes(), self.layers.len());
                let real = real.map_err(|_| Loop(read_as.to_owned()))?;
                if real == read_as.as_bytes() {
                    continue;
                }
                let text = String::from_utf8_lossy(&real);
                let (probe, known) = if is_folder {
                    (format!("{read_as}/x"), format!("{text}/x"))
                } else {
                    (read_as.to_owned(), text.into())
                };
                if interest::reads_newly(*cataloger, &probe, &known) {
                    let key = Some(read_as.to_owned());
                    self.follow(&real, read_as, (1 << number, key), is_folder);
                }
            }
        }
        Ok(())
    }

    /// Links that catalogers follow because of their names.
    fn named_links(&mut self) {
        for layer in self.layers {
            for link in layer.symlinks.iter().filter(|link| link.wanted) {
                let path = String::from_utf8_lossy(&link.path);
                self.follow_link(&link.path, &path);
            }
        }
    }

    /// Follows a link that is called, or reached, as given.
    fn follow_link(&mut self, link: &[u8], read_as: &str) {
        let all = self.layers.len();
        if self.links.target(link, all).is_none() {
            return;
        }
        // Links in a circle lead nowhere.
        let Ok(real) = self.links.resolve_below(link, all) else {
            return;
        };
        let known = String::from_utf8_lossy(&real).into_owned();
        let readers = |reads: &dyn Fn(&dyn Cataloger) -> bool| {
            let numbered = self.catalogers.iter().zip(0u32..);
            numbered
                .filter(|(cataloger, _)| reads(**cataloger))
                .fold(0u64, |all, (_, number)| all | 1 << number)
        };
        let of_file = readers(&|cataloger| interest::reads_newly(cataloger, read_as, &known));
        let of_folder = readers(&|cataloger| interest::reads_below(cataloger, read_as, &known));
        if of_file != 0 {
            self.follow(&real, read_as, (of_file, None), false);
        }
        if of_folder != 0 {
            self.follow(&real, read_as, (of_folder, None), true);
        }
    }

    /// Has a place read as another one, in every layer that has it.
    fn follow(&mut self, real: &[u8], read_as: &str, (readers, fixed): (u64, Option<String>), is_folder: bool) {
        if !self.taken.insert((real.to_owned(), readers, fixed)) {
            return;
        }
        let mut exists = false;
        for at in 0..self.layers.len() {
            let marks = self.layers[at].paths.at(real);
            let role = Role {
                read_as: read_as.to_owned(),
                names: Vec::new(),
                through: false,
                readers,
            };
            if is_folder && marks.folder() {
                exists = true;
                self.add_folder(at, real, role);
            } else if !is_folder && marks.file {
                add(self.asked[at].places.entry(real.to_owned()).or_default(), role);
            } else if !is_folder && marks.hard_link {
                self.named_by_hard_link(at, real, read_as);
            }
        }
        if exists {
            self.folders.push_back((real.to_owned(), read_as.to_owned()));
        }
    }

    fn add_folder(&mut self, layer: usize, real: &[u8], role: Role) {
        let roles = self.asked[layer].folders.entry(real.to_owned()).or_default();
        if !add(roles, role) {
            let folder = String::from_utf8_lossy(real).into_owned();
            self.gap(
                layer,
                format!("`{folder}` is reached in more than {ROLES} ways through links: not all were read"),
            );
        }
    }

    /// A link, or a folder on the way, leads to a name that is itself a hard link.
    fn named_by_hard_link(&mut self, layer: usize, path: &[u8], read_as: &str) {
        let Some(found) = self.hard_linked.named(layer, path) else { return };
        self.read_as(&found, read_as, "-", layer);
    }

    /// Links of both kinds in folders that are read as others have other names there too.
    fn inside_folders(&mut self) {
        if self.folders.is_empty() {
            return;
        }
        let mut paths: Vec<&[u8]> = self.links.paths().collect();
        paths.sort_unstable();
        let mut looked_at = 0;
        while let Some((real, read_as)) = self.folders.pop_front() {
            looked_at += 1;
            if looked_at > FOLDERS {
                let last = self.layers.len() - 1;
                self.gap(
                    last,
                    format!("more than {FOLDERS} folders are reached through links: not all were read"),
                );
                break;
            }
            let below = [&real[..], b"/"].concat();
            for link in starting_with(&paths, &below) {
                let path = format!("{read_as}/{}", String::from_utf8_lossy(&link[below.len()..]));
                if interest::by_name(self.catalogers, &path) {
                    self.follow_link(link, &path);
                }
            }
        }
        for (at, layer) in self.layers.iter().enumerate() {
            if self.asked[at].folders.is_empty() {
                continue;
            }
            for link in &layer.hard_links {
                let roles = |folder: &[u8]| {
                    self.asked[at]
                        .folders
                        .get(folder)
                        .into_iter()
                        .flatten()
                        .map(|role| role.read_as.clone())
                };
                let found: Vec<String> = ancestors(&link.path)
                    .flat_map(|folder| {
                        let rest = String::from_utf8_lossy(&link.path[folder.len()..]).into_owned();
                        roles(folder).map(move |read_as| format!("{read_as}{rest}")).collect::<Vec<_>>()
                    })
                    .collect();
                for read_as in found {
                    self.named_by_hard_link(at, &link.path, &read_as);
                }
            }
        }
    }

    /// What one layer wrote below another's link.
    fn written_through(&mut self) {
        let paths: Vec<&[u8]> = self.links.paths().collect();
        for (at, layer) in self.layers.iter().enumerate() {
            for place in &layer.leaned {
                if self.links.target(&place.0, at).is_some() {
                    self.gap(at, through_link(&place.0));
                }
            }
            if at == 0 || !layer.paths.implies {
                continue;
            }
            let symlinks = layer.symlinks.iter().map(|link| link.path.as_slice());
            let hard_links = layer.hard_links.iter().map(|link| link.path.as_slice());
            let mut links: Vec<&[u8]> = symlinks.chain(hard_links).collect();
            links.sort_unstable();
            let implied = paths
                .iter()
                .filter(|path| layer.paths.at(path).implied && self.links.target(path, at).is_some());
            let implied: Vec<&[u8]> = implied.copied().collect();
            for path in implied {
                let below = [path, b"/"].concat();
                let has_links = !starting_with(&links, &below).is_empty();
                self.written_below(at, path, has_links);
            }
        }
    }

    fn written_below(&mut self, at: usize, path: &[u8], links: bool) {
        let real = self.links.resolve_below(path, at);
        match real {
            // Links that were written so change where others lead.
            Ok(_) if links => self.gap(at, through_link(path)),
            Ok(real) => {
                let role = Role {
                    read_as: String::from_utf8_lossy(&real).into_owned(),
                    names: Vec::new(),
                    through: true,
                    readers: u64::MAX,
                };
                self.add_folder(at, path, role);
            }
            Err(_) => self.gap(at, through_link(path)),
        }
    }

    /// Has a file read under another name that a hard link of a layer gives it, if somebody reads it so.
    fn read_as(&mut self, found: &Found, path: &str, known: &str, since: usize) {
        let numbered = self.catalogers.iter().zip(0u32..);
        let newly = numbered.filter(|(cataloger, _)| interest::reads_newly(**cataloger, path, known));
        let readers = newly.fold(0u64, |all, (_, number)| all | 1 << number);
        if readers == 0 {
            return;
        }
        let role = Role {
            read_as: path.to_owned(),
            names: vec![(since, path.to_owned())],
            through: false,
            readers,
        };
        let (layer, roles) = match found {
            Found::Entry(layer, entry) => (*layer, self.asked[*layer].entries.entry(*entry).or_default()),
            Found::Place(layer, place) => (*layer, self.asked[*layer].places.entry(place.clone()).or_default()),
        };
        if !add(roles, role) {
            self.gap(
                layer,
                format!("`{path}` is one of more than {ROLES} kinds of names of a file: not all were read"),
            );
        }
    }

    /// Says something once of a layer.
    fn gap(&mut self, layer: usize, detail: String) {
        const MOST: usize = 100;
        let gaps = &mut self.asked[layer].gaps;
        if gaps.len() < MOST && gaps.iter().all(|(_, said)| *said != detail) {
            gaps.push((GapKind::LimitReached, detail));
        }
    }
}

/// The part of a sorted list whose paths start so.
fn starting_with<'p, 'a>(paths: &'p [&'a [u8]], start: &[u8]) -> &'p [&'a [u8]] {
    let first = paths.partition_point(|path| *path < start);
    let count = paths[first..].partition_point(|path| path.starts_with(start));
    &paths[first..first + count]
}

fn through_link(path: &[u8]) -> String {
    let path = String::from_utf8_lossy(path);
    format!("it writes below `{path}`, a link of a lower layer: programs that unpack it disagree on where that lands")
}

/// Adds a way to read something; false when there are too many. Names that are alike and read by the same catalogers cost one reading.
fn add(roles: &mut Vec<Role>, role: Role) -> bool {
    let name = |role: &Role| role.read_as.rsplit('/').next().map(str::to_owned);
    let same = |other: &&mut Role| other.readers == role.readers && other.through == role.through && name(other) == name(&role);
    // A name of its own is one that a folder or symbolic link leads to: it is not seen where a hard link is.
    if let Some(other) = roles
        .iter_mut()
        .filter(|other| other.names.is_empty() == role.names.is_empty())
        .find(same)
    {
        other.names.extend(role.names);
        return true;
    }
    if roles.len() >= ROLES {
        return false;
    }
    roles.push(role);
    true
}
