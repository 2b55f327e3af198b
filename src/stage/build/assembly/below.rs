//! What lies in an image below the layers that are added: every path of its layers, links and modes, merged as an engine merges them.

use std::collections::BTreeMap;

use crate::io::layers::{self, Entry, Kind, LayerProblem, Metadata, Need, Stated, Visitor, Whiteout};
use crate::io::oci_layout::OciLayout;
use crate::io::{Effects, elf};
use crate::model::image::Layer;
use crate::stage::build::BuildError;

/// Links that are followed on the way to one place.
const MOST_LINKS: usize = 40;

/// The merged tree of an image. Paths are clean and relative to the root.
#[derive(Debug, Default)]
pub(in crate::stage::build) struct Below {
    nodes: BTreeMap<String, Node>,
    /// The lines of the lists of accounts, by the paths of these.
    accounts: BTreeMap<String, Vec<String>>,
}

/// Lists of users and of groups: a name stands at the start of each line, and the home folder in the sixth field of a user's.
const ACCOUNTS: [&str; 2] = ["etc/passwd", "etc/group"];
/// Bytes of a list that is looked into.
const LONGEST: u64 = 4 << 20;

/// One thing in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::stage::build) struct Node {
    pub(in crate::stage::build) sort: Sort,
    pub(in crate::stage::build) mode: u32,
    pub(in crate::stage::build) uid: u64,
    pub(in crate::stage::build) gid: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::stage::build) enum Sort {
    Folder,
    /// A file; for an ELF file that has its low byte first, the machine that it is for.
    File(Option<u16>),
    /// A symbolic link, as it is written.
    Link(String),
    Other,
}

impl Below {
    /// Reads every layer, the lowest first.
    ///
    /// # Errors
    /// [`BuildError::Layer`] for one that two readers could read differently, or that does not hold together.
    pub(in crate::stage::build) fn of(layout: &OciLayout, layers: &[Layer], effects: &Effects) -> Result<Self, BuildError> {
        let mut below = Self::default();
        for layer in layers {
            let stated = Stated {
                digest: Some(layer.digest),
                diff_id: Some(layer.diff_id),
                size: Some(layer.size),
                name: String::new(),
            };
            let mut seen = Seen::default();
            layers::read(layout.open_blob(&layer.digest)?, &stated, &effects.limits, &mut seen)?;
            below.add(seen);
        }
        Ok(below)
    }

    /// Adds something that root owns.
    pub(in crate::stage::build) fn put(&mut self, path: &str, sort: Sort, mode: u32) {
        let (uid, gid) = (0, 0);
        self.nodes.insert(path.to_owned(), Node { sort, mode, uid, gid });
    }

    /// Adds the lines of a list of accounts.
    #[cfg(test)]
    pub(in crate::stage::build) fn put_accounts(&mut self, path: &str, lines: &[&str]) {
        let lines = lines.iter().map(|&line| line.to_owned()).collect();
        self.accounts.insert(path.to_owned(), lines);
    }

    /// True where a list of accounts (`etc/passwd`) has a name, and where nobody knows: a link may lead to one that was not looked into.
    pub(in crate::stage::build) fn knows(&self, list: &str, name: &str) -> bool {
        let Some((place, node)) = self.resolve(list) else { return false };
        if node.sort == Sort::Folder {
            return false;
        }
        let lines = self.accounts.get(&place);
        lines.is_none_or(|lines| lines.iter().any(|line| line.split(':').next() == Some(name)))
    }

    /// The home folder of a user, by name or number, as a runtime gives it to a program: `/` where no list names one. None where nobody knows.
    pub(in crate::stage::build) fn home_of(&self, user: &str) -> Option<String> {
        let user = if user.is_empty() { "0" } else { user };
        let lines = match self.resolve(ACCOUNTS[0]) {
            None => return Some("/".to_owned()),
            Some((_, node)) if node.sort == Sort::Folder => return Some("/".to_owned()),
            Some((place, _)) => self.accounts.get(&place)?,
        };
        let mut accounts = lines.iter().map(|line| line.split(':').collect::<Vec<_>>());
        let home = accounts.find_map(|fields| match *fields.as_slice() {
            [name, _, uid, _, _, home, ..] if name == user || uid == user => Some(home),
            _ => None,
        });
        Some(home.filter(|home| !home.is_empty()).unwrap_or("/").to_owned())
    }

    /// What lies at a path, which leads through no link.
    pub(in crate::stage::build) fn get(&self, path: &str) -> Option<&Node> {
        self.nodes.get(path)
    }

    /// What lies at a path when every link is followed within the image, and its own path.
    pub(in crate::stage::build) fn resolve(&self, path: &str) -> Option<(String, &Node)> {
        let at = self.place(path)?;
        let node = self.nodes.get(&at)?;
        Some((at, node))
    }

    /// Every program that can be started: its path, and the machine that it is for.
    pub(in crate::stage::build) fn programs(&self) -> impl Iterator<Item = (&str, u16)> + Clone {
        self.nodes.iter().filter_map(|(path, node)| match node.sort {
            Sort::File(Some(machine)) if node.mode & 0o111 != 0 => Some((path.as_str(), machine)),
            _ => None,
        })
    }

    /// True where a file, or a link, has a name, in whatever folder.
    pub(in crate::stage::build) fn has_file_called(&self, name: &str) -> bool {
        let files = self
            .nodes
            .iter()
            .filter(|(_, node)| matches!(node.sort, Sort::File(_) | Sort::Link(_)));
        files.into_iter().any(|(path, _)| path.rsplit('/').next() == Some(name))
    }

    /// Where a path leads; none for links in a circle. What is not there is where it would be.
    pub(in crate::stage::build) fn place(&self, path: &str) -> Option<String> {
        let parts = |path: &str| -> Vec<String> { path.split('/').rev().map(str::to_owned).collect() };
        let mut rest = parts(path);
        let mut at: Vec<String> = Vec::new();
        let mut links = 0;
        while let Some(part) = rest.pop() {
            match part.as_str() {
                "" | "." => continue,
                ".." => drop(at.pop()),
                _ => at.push(part),
            }
            let Some(Sort::Link(target)) = self.nodes.get(&at.join("/")).map(|node| &node.sort) else {
                continue;
            };
            links += 1;
            if links > MOST_LINKS {
                return None;
            }
            match target.starts_with('/') {
                true => at.clear(),
                false => drop(at.pop()),
            }
            rest.extend(parts(target));
        }
        Some(at.join("/"))
    }

    fn add(&mut self, seen: Seen) {
        for (folder, hidden) in seen.whiteouts {
            let Some(folder) = self.place(&folder) else { continue };
            match hidden {
                Some(name) => self.remove(&joined(&folder, &name), true),
                None => self.remove(&folder, false),
            }
        }
        for (path, found) in seen.entries {
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
            let Some(folder) = self.place(folder) else { continue };
            let place = joined(&folder, name);
            let node = match found {
                Found::Node(node) => node,
                Found::Hard(target) => match self.nodes.get(&target) {
                    Some(node) => node.clone(),
                    None => continue,
                },
            };
            if node.sort != Sort::Folder {
                self.remove(&place, false);
            }
            self.accounts.remove(&place);
            if let Some((_, names)) = seen.accounts.iter().rfind(|(list, _)| *list == path) {
                self.accounts.insert(place.clone(), names.clone());
            }
            self.nodes.insert(place, node);
        }
    }

    fn remove(&mut self, path: &str, itself: bool) {
        let within = joined(path, "");
        self.nodes
            .retain(|known, _| !(known.starts_with(&within) || itself && known == path));
    }
}

fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

enum Found {
    Node(Node),
    /// A hard link to a path of the image.
    Hard(String),
}

/// One layer.
#[derive(Default)]
struct Seen {
    entries: Vec<(String, Found)>,
    /// A folder, and what of it is hidden; none for all.
    whiteouts: Vec<(String, Option<String>)>,
    accounts: Vec<(String, Vec<String>)>,
    metadata: Metadata,
}

impl Visitor for Seen {
    fn metadata(&mut self, metadata: &Metadata) {
        self.metadata = metadata.clone();
    }

    fn entry(&mut self, entry: &Entry<'_>) -> Result<Need, LayerProblem> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if let Some(whiteout) = Whiteout::of(entry.raw) {
            if !whiteout.ignored {
                self.whiteouts.push((text(whiteout.folder), whiteout.hidden.map(text)));
            }
            return Ok(Need::Nothing);
        }
        let sort = match entry.kind {
            Kind::HardLink(target) => {
                self.entries.push((entry.path.to_owned(), Found::Hard(text(target))));
                return Ok(Need::Nothing);
            }
            Kind::File => Sort::File(None),
            Kind::Directory => Sort::Folder,
            Kind::Symlink(target) => Sort::Link(text(target)),
            Kind::Special => Sort::Other,
        };
        let node = Node {
            sort,
            mode: entry.mode & 0o7777,
            uid: self.metadata.uid,
            gid: self.metadata.gid,
        };
        self.entries.push((entry.path.to_owned(), Found::Node(node)));
        Ok(match entry.kind {
            Kind::File if ACCOUNTS.contains(&entry.path) && entry.size <= LONGEST => Need::Content,
            Kind::File => Need::Magic,
            _ => Need::Nothing,
        })
    }

    fn magic(&mut self, _: &Entry<'_>, start: &[u8]) -> Need {
        if let Some((_, Found::Node(node))) = self.entries.last_mut() {
            node.sort = Sort::File(elf::any_machine(start));
        }
        Need::Nothing
    }

    fn content(&mut self, entry: &Entry<'_>, content: &[u8]) {
        let lines = content.split(|byte| *byte == b'\n');
        let lines = lines.map(|line| String::from_utf8_lossy(line).into_owned());
        self.accounts.push((entry.path.to_owned(), lines.collect()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(sort: Sort) -> Found {
        let (mode, uid, gid) = (0o755, 0, 0);
        Found::Node(Node { sort, mode, uid, gid })
    }

    fn layer(entries: Vec<(&str, Found)>, whiteouts: &[(&str, Option<&str>)]) -> Seen {
        let owned = |text: &str| text.to_owned();
        Seen {
            entries: entries.into_iter().map(|(path, found)| (path.to_owned(), found)).collect(),
            whiteouts: whiteouts.iter().map(|(folder, name)| (owned(folder), name.map(owned))).collect(),
            accounts: Vec::new(),
            metadata: Metadata::default(),
        }
    }

    #[test]
    fn a_list_of_accounts_is_the_one_of_the_uppermost_layer() {
        let mut below = Below::default();
        assert!(!below.knows("etc/passwd", "app"), "there is none");
        for names in [vec!["root"], vec!["root", "app"], vec!["root", "web"]] {
            let mut seen = layer(vec![("etc/passwd", node(Sort::File(None)))], &[]);
            seen.accounts = vec![("etc/passwd".to_owned(), names.iter().map(|name| (*name).to_owned()).collect())];
            below.add(seen);
            assert!(names.iter().all(|name| below.knows("etc/passwd", name)));
        }
        assert!(!below.knows("etc/passwd", "app"));
        below.add(layer(vec![("etc/passwd", node(Sort::File(None)))], &[]));
        assert!(below.knows("etc/passwd", "app"), "one that was not looked into");
        below.add(layer(vec![("etc/passwd", node(Sort::Folder))], &[]));
        assert!(!below.knows("etc/passwd", "app"), "a folder is no list");
    }

    #[test]
    fn a_home_folder_is_the_one_of_the_list_and_not_known_where_the_list_is_not() {
        let mut below = Below::default();
        assert_eq!(below.home_of("app").as_deref(), Some("/"), "no list");
        below.put("etc/passwd", Sort::File(None), 0o644);
        assert_eq!(below.home_of("app"), None, "one that was not looked into");
        below.put_accounts(
            "etc/passwd",
            &["root:x:0:0:root:/root:/bin/sh", "app:x:1000:1000::/srv/app:/bin/sh", "odd"],
        );
        for (user, home) in [("app", "/srv/app"), ("1000", "/srv/app"), ("", "/root"), ("7", "/")] {
            assert_eq!(below.home_of(user).as_deref(), Some(home), "{user}");
        }
    }

    #[test]
    fn links_are_followed_within_the_image_and_what_is_hidden_is_gone() {
        let mut below = Below::default();
        let link = |to: &str| node(Sort::Link(to.to_owned()));
        below.add(layer(
            vec![
                ("lib64", link("usr/lib64")),
                ("usr", node(Sort::Folder)),
                ("usr/lib64", node(Sort::Folder)),
                ("usr/lib64/ld.so", link("../../lib/x/ld-2.so")),
                ("lib", link("/usr/lib")),
                ("usr/lib/x/ld-2.so", node(Sort::File(Some(62)))),
                ("lib/x/same.so", Found::Hard("usr/lib/x/ld-2.so".to_owned())),
                ("circle", link("circle")),
            ],
            &[],
        ));
        let (at, found) = below.resolve("lib64/ld.so").expect("there");
        assert_eq!((at.as_str(), &found.sort), ("usr/lib/x/ld-2.so", &Sort::File(Some(62))));
        assert!(
            below.get("usr/lib/x/same.so").is_some(),
            "what is written through a link lies where it leads"
        );
        assert!(below.resolve("circle").is_none() && below.resolve("absent").is_none());
        below.add(layer(vec![], &[("lib/x", Some("ld-2.so"))]));
        assert!(below.resolve("lib64/ld.so").is_none() && below.get("usr/lib/x/same.so").is_some());
        below.add(layer(vec![("usr/lib/x/new", node(Sort::File(None)))], &[("usr/lib/x", None)]));
        assert!(below.get("usr/lib/x/same.so").is_none() && below.get("usr/lib/x/new").is_some());
        below.add(layer(vec![("usr", node(Sort::File(None)))], &[]));
        assert!(below.get("usr/lib/x/new").is_none(), "a file took the place of the folder");
    }
}
