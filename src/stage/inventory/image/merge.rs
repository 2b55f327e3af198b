//! The layers of one platform laid over each other: what is seen in the finished image, and which layer brought it.

use super::view::Named;
pub(in crate::stage::inventory) use super::view::{Layered, Seen, View};
use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::facts::FileFacts;
use super::links::Links;
use super::owners::{Owners, compared};
use super::paths::ancestors;
use crate::model::coverage::{Gap, GapKind};
use crate::model::excused::Excused as _;
use crate::model::image::Platform;
use crate::model::inventory::{Component, Fact, FactKind, Inventory, Location, OsRelease};
use crate::model::purl::Purl;
use crate::stage::inventory::catalogers::binaries;
use crate::stage::inventory::catalogers::debian_copyright;
use crate::stage::inventory::catalogers::distro;
use crate::stage::inventory::catalogers::python::installed::without_metadata;
use crate::stage::inventory::unread;

/// Adds what is seen in one platform's image to the inventory and gives its operating system. `subject` names the image in gaps; the
/// platform is noted where there are several.
pub(in crate::stage::inventory) fn merge(
    layers: &[Layered<'_>],
    links: &Links<'_>,
    subject: &str,
    platform: Option<&Platform>,
    inventory: &mut Inventory,
) -> Option<OsRelease> {
    let view = View::new(layers, links);
    let os = view.os_release();
    let mut components = view.components();
    for component in &mut components {
        component.platform = platform.cloned();
        distro::complete(component, os.as_ref());
    }
    distro::resolve(&mut components);
    view.add_licenses(&mut components);
    let owners = Owners::new(&view, &components, Purl::is_of_system);
    for component in &mut components {
        if !component.purl.is_of_system() {
            component.owned_by = owners.owner_of(component);
        }
    }
    // A program that a package owns is known by that package already.
    components.retain(|component| component.cataloger != binaries::ID || component.owned_by.is_none());
    inventory.facts.extend(view.facts(platform, &owners));
    inventory.gaps.extend(view.gaps(&owners, &components));
    inventory.gaps.extend(view.unowned(&owners, &components));
    inventory.gaps.extend(distro::gaps(&components, os.as_ref(), subject));
    // Behind the executables: a list of files alone accounts for none of them.
    for mut component in view.without_metadata(&components) {
        component.platform = platform.cloned();
        component.owned_by = owners.owner_of(&component);
        components.push(component);
    }
    inventory.components.append(&mut components);
    os
}

impl<'a> View<'a> {
    fn new(layers: &'a [Layered<'a>], links: &'a Links<'a>) -> Self {
        let mut view = Self {
            layers,
            links,
            seen: Vec::new(),
        };
        for at in 0..layers.len() {
            for named in view.files(at) {
                if let Some(name) = view.name_seen(&named) {
                    view.seen.push(Seen {
                        layer: at,
                        file: named.file,
                        name,
                    });
                }
            }
        }
        view
    }

    /// What was said of a layer's files, with the names that they have.
    fn files(&self, layer: usize) -> impl Iterator<Item = Named<'a>> + use<'a> {
        let Layered { facts, behind, asked, .. } = self.layers[layer];
        let own = facts.files.iter().map(move |file| Named {
            layer,
            file,
            others: asked.names.get(&file.entry).map_or(&[], Vec::as_slice),
            is_behind: false,
        });
        own.chain(behind.iter().map(move |behind| Named {
            layer,
            file: &behind.file,
            others: &behind.names,
            is_behind: true,
        }))
    }

    /// The first of a file's names that no layer above hides.
    fn name_seen(&self, named: &Named<'a>) -> Option<&'a str> {
        let file = named.file;
        if !named.is_behind && !file.replaced {
            if !self.hidden(named.layer, file.raw()) {
                return Some(&file.path);
            }
            let seen = |name: &&String| !self.hidden(named.layer, name.as_bytes());
            if let Some(name) = file.names.iter().find(seen) {
                return Some(name);
            }
        }
        let seen = |(layer, name): &&(usize, String)| !self.hidden(*layer, name.as_bytes());
        named.others.iter().find(seen).map(|(_, name)| name.as_str())
    }

    fn hidden(&self, layer: usize, raw: &[u8]) -> bool {
        self.layers[layer + 1..].iter().any(|upper| upper.facts.paths.hides(raw))
    }

    /// `/etc/os-release` counts before `/usr/lib/os-release`, a higher layer before a lower one.
    fn os_release(&self) -> Option<OsRelease> {
        let releases = self.seen.iter().filter_map(|seen| Some((seen, seen.file.os_release.as_ref()?)));
        let rank = |seen: &Seen<'_>| (seen.file.role().starts_with("etc/"), seen.layer);
        releases.max_by_key(|(seen, _)| rank(seen)).map(|(_, release)| release.clone())
    }

    pub(in crate::stage::inventory) fn location(&self, layer: usize, path: &str) -> Location {
        let Layered { layer, part, .. } = self.layers[layer];
        Location {
            path: format!("/{path}"),
            layer: layer.map(|layer| layer.digest),
            created_by: layer.and_then(|layer| layer.created_by.clone()),
            line: None,
            part,
        }
    }

    /// The components of every file that is seen, each attributed to the layer that first brought it.
    fn components(&self) -> Vec<Component> {
        let history = self.history();
        let mut found = Vec::new();
        for seen in self.seen.iter().filter(|seen| !seen.file.components.is_empty()) {
            let older = (seen.layer > 0).then(|| history.get(&self.links.canonical(seen.file.role())));
            let brought = Brought::new(seen.layer, older.flatten());
            for component in &seen.file.components {
                let place = self.location(brought.by(&component.purl), seen.name);
                found.push(placed(component, &place));
            }
        }
        found
    }

    /// Python packages of which a list of files alone is left.
    fn without_metadata(&self, components: &[Component]) -> Vec<Component> {
        let known = components
            .iter()
            .map(|component| &component.purl)
            .filter(|purl| purl.kind == "pypi");
        let known: HashSet<_> = known.map(compared).collect();
        let mut found = Vec::new();
        for seen in &self.seen {
            let unknown = |owner: &&Purl| owner.kind == "pypi" && !known.contains(&compared(owner));
            for owner in seen.file.owned.iter().map(|owned| &owned.owner).filter(unknown) {
                let place = self.location(seen.layer, seen.name);
                found.extend(without_metadata(owner).map(|component| placed(&component, &place)));
            }
        }
        found
    }

    /// Gives Debian's packages the licences that stand beside their documentation.
    fn add_licenses(&self, components: &mut [Component]) {
        let stated = self.seen.iter().filter(|seen| !seen.file.licenses.is_empty());
        let by_place: HashMap<&str, &Vec<String>> = stated.map(|seen| (seen.name, &seen.file.licenses)).collect();
        for component in components.iter_mut().filter(|c| c.purl.kind == "deb" && c.licenses.is_empty()) {
            // One package's folder, or its file, is often a link to another's.
            let place = self.links.resolve(&debian_copyright::place_of(&component.purl.name));
            if let Some(licenses) = place
                .or_none("the license stays unknown, and is shown as that")
                .and_then(|place| by_place.get(place.as_str()))
            {
                component.licenses.clone_from(licenses);
            }
        }
    }

    /// Every version of each database, seen or not, by its place, the lowest layer first.
    fn history(&self) -> HashMap<String, Vec<(usize, &'a FileFacts)>> {
        let mut history: HashMap<String, Vec<(usize, &FileFacts)>> = HashMap::new();
        if self.layers.len() < 2 {
            return history;
        }
        for at in 0..self.layers.len() {
            let files = self.files(at).map(|named| named.file);
            for file in files.filter(|file| !file.components.is_empty() && !file.replaced) {
                history.entry(self.links.canonical(file.role())).or_default().push((at, file));
            }
        }
        history
    }

    /// Secrets stay when a layer above deletes them: the layer that has them is still delivered. Other facts go with their file. What a
    /// distribution's package ships outside of `/etc` is no secret of anybody's.
    fn facts(&self, platform: Option<&Platform>, owners: &Owners<'_>) -> Vec<Fact> {
        let mut found = Vec::new();
        for at in 0..self.layers.len() {
            for named in self.files(at).filter(|named| !named.file.facts.is_empty()) {
                let file = named.file;
                let name = self.name_seen(&named);
                let distributed = || !file.path.starts_with("etc/") && owners.of(&file.path).is_some();
                for (kind, detail, line) in &file.facts {
                    let stays = match kind {
                        FactKind::Secret => !distributed(),
                        _ => name.is_some(),
                    };
                    if stays {
                        let place = self.location(at, name.unwrap_or(&file.path));
                        found.push(Fact {
                            kind: *kind,
                            location: Location { line: *line, ..place },
                            detail: detail.clone(),
                            deleted: name.is_none(),
                            platform: platform.cloned(),
                        });
                    }
                }
            }
        }
        found
    }

    /// What a distribution's package ships is known by that package, also where it is a package store of another manager.
    fn gaps(&self, owners: &Owners<'_>, components: &[Component]) -> Vec<Gap> {
        let of_languages = OnceCell::new();
        let unpacked: Vec<&str> = components.iter().filter_map(unpacked_artifact).collect();
        // Classes of Java beside the coordinates of what was unpacked there, or in a package of another language, are that artifact's.
        let is_part = |path: &str| {
            let owners = of_languages.get_or_init(|| Owners::new(self, components, |purl| !purl.is_of_system()));
            unpacked.iter().any(|folder| path.starts_with(folder)) || owners.of(path).is_some()
        };
        let of_files = self.seen.iter().flat_map(|seen| {
            let is_store = |kind: GapKind| kind == GapKind::UnreadPackageStore;
            let is_shipped = || owners.of(seen.name).is_some() || (unread::is_loose(seen.name) && is_part(seen.name));
            let shipped = seen.file.gaps.iter().any(|(kind, _)| is_store(*kind)) && is_shipped();
            let told = seen.file.gaps.iter().filter(move |(kind, _)| !(shipped && is_store(*kind)));
            told.map(|(kind, detail)| {
                let location = self.location(seen.layer, seen.name);
                gap(*kind, location.path.clone(), detail.clone(), Some(location))
            })
        });
        let of_layers = self.layers.iter().flat_map(|layered| {
            let subject = layered.layer.map_or_else(|| "/".to_owned(), |layer| layer.digest.to_string());
            let gaps = layered.facts.gaps.iter().chain(&layered.asked.gaps);
            gaps.map(move |(kind, detail)| gap(*kind, subject.clone(), detail.clone(), None))
        });
        unread::by_store(of_files.chain(of_layers).collect())
    }

    /// Executables that neither a package nor data of their own accounts for. A Python package lists its files; whatever lies in the folder
    /// of an npm package is part of it.
    fn unowned(&self, owners: &Owners<'_>, components: &[Component]) -> Vec<Gap> {
        let unaccounted = self.seen.iter().filter(|seen| seen.file.executable && !seen.file.accounted);
        let unowned: Vec<&Seen<'_>> = unaccounted.filter(|seen| owners.of(seen.name).is_none()).collect();
        if unowned.is_empty() {
            return Vec::new();
        }
        let of_languages = Owners::new(self, components, |purl| !purl.is_of_system());
        let of_npm = components.iter().filter(|component| component.purl.kind == "npm");
        let folders: HashSet<&[u8]> = of_npm
            .flat_map(|component| &component.locations)
            .filter_map(|place| place.path.trim_start_matches('/').strip_suffix("/package.json"))
            .map(str::as_bytes)
            .collect();
        let in_folder = |path: &str| ancestors(path.as_bytes()).any(|folder| folders.contains(folder));
        unowned
            .into_iter()
            .filter(|seen| of_languages.of(seen.name).is_none() && !in_folder(seen.name))
            .map(|seen| {
                let location = self.location(seen.layer, seen.name);
                let detail = "an executable that no package owns and that says nothing of what is in it".to_owned();
                gap(GapKind::UnownedExecutable, location.path.clone(), detail, Some(location))
            })
            .collect()
    }
}

/// The folder, with a slash at its end, in which an artifact of Maven's lies unpacked.
fn unpacked_artifact(component: &Component) -> Option<&str> {
    let place = component.locations.first()?.path.trim_start_matches('/');
    let at = place.find("META-INF/maven/").filter(|_| component.purl.kind == "maven")?;
    (at == 0 || place[..at].ends_with('/')).then(|| &place[..at])
}

fn gap(kind: GapKind, subject: String, detail: String, location: Option<Location>) -> Gap {
    Gap {
        kind,
        subject,
        detail,
        location,
    }
}

/// A component at its place: the file itself, or the lines in it that the cataloger named.
fn placed(component: &Component, place: &Location) -> Component {
    let mut component = component.clone();
    if component.locations.is_empty() {
        component.locations.push(place.clone());
    }
    for location in &mut component.locations {
        if location.path.is_empty() || location.layer.is_none() {
            let line = location.line;
            location.clone_from(place);
            location.line = line;
        }
    }
    component
}

/// Tells which layer first brought a component of a database that later layers wrote again.
struct Brought {
    last: usize,
    /// The older versions, the newest first.
    older: Vec<(usize, HashSet<Purl>)>,
}

impl Brought {
    fn new(last: usize, history: Option<&Vec<(usize, &FileFacts)>>) -> Self {
        let mut by_layer: BTreeMap<usize, HashSet<Purl>> = BTreeMap::new();
        for (at, file) in history.into_iter().flatten().filter(|(at, _)| *at < last) {
            by_layer
                .entry(*at)
                .or_default()
                .extend(file.components.iter().map(|c| c.purl.clone()));
        }
        Self {
            last,
            older: by_layer.into_iter().rev().collect(),
        }
    }

    /// A package that was removed and came back was brought when it came back.
    fn by(&self, purl: &Purl) -> usize {
        let unbroken = self.older.iter().take_while(|(_, purls)| purls.contains(purl));
        unbroken.last().map_or(self.last, |(at, _)| *at)
    }
}
