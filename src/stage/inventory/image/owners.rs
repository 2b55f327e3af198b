//! Which package owns a path. Only packages that the image has installed own anything: a file list alone proves nothing.

use std::borrow::Cow;
use std::collections::HashMap;

use super::view::View;
use crate::model::inventory::Component;
use crate::model::pep503;
use crate::model::purl::Purl;

/// The owned paths of each layer, hashed under the layer's own seed, with the index of the owner.
pub(in crate::stage::inventory) struct Owners<'a> {
    view: &'a View<'a>,
    /// By layer, sorted by hash.
    owned: Vec<(usize, Vec<(u64, usize)>)>,
    owners: Vec<Purl>,
}

impl<'a> Owners<'a> {
    /// The paths of some of the packages.
    pub(in crate::stage::inventory) fn new(view: &'a View<'a>, components: &[Component], counts: fn(&Purl) -> bool) -> Self {
        let mut installed: HashMap<(&str, Cow<'_, str>), Vec<&Purl>> = HashMap::new();
        for purl in components.iter().map(|component| &component.purl).filter(|purl| counts(purl)) {
            installed.entry((&purl.kind, compared(purl))).or_default().push(purl);
        }
        let mut owners = Self {
            view,
            owned: Vec::new(),
            owners: Vec::new(),
        };
        for (at, _) in view.layers.iter().enumerate() {
            let mut paths = Vec::new();
            for owned in view.seen.iter().filter(|seen| seen.layer == at).flat_map(|seen| &seen.file.owned) {
                let Some(owner) = installed_owner(&installed, &owned.owner) else {
                    continue;
                };
                paths.extend(owned.paths.iter().map(|hash| (*hash, owners.owners.len())));
                owners.owners.push(owner);
            }
            if !paths.is_empty() {
                paths.sort_unstable();
                owners.owned.push((at, paths));
            }
        }
        owners
    }

    /// The package that owns a path, under any of the path's names.
    pub(in crate::stage::inventory) fn of(&self, path: &str) -> Option<Purl> {
        self.exactly(path)
            .or_else(|| self.view.links.aliases(path).iter().find_map(|alias| self.exactly(alias)))
    }

    /// The package that owns the file which declares a component.
    pub(in crate::stage::inventory) fn owner_of(&self, component: &Component) -> Option<Purl> {
        let place = component.locations.first()?;
        self.of(place.path.trim_start_matches('/'))
    }

    fn exactly(&self, path: &str) -> Option<Purl> {
        self.owned.iter().find_map(|(layer, paths)| {
            let hash = self.view.layers[*layer].facts.paths.seed.hash(path.as_bytes());
            let at = paths.partition_point(|(owned, _)| *owned < hash);
            let (found, owner) = paths.get(at)?;
            (*found == hash).then(|| self.owners[*owner].clone())
        })
    }
}

/// The name of a package as others compare it: Python's folders spell it otherwise than its metadata.
pub(super) fn compared(purl: &Purl) -> Cow<'_, str> {
    match purl.kind.as_str() {
        "pypi" => pep503::normal_name(&purl.name),
        _ => purl.name.as_str().into(),
    }
}

/// The installed package that a file list speaks of: same type and name, and the same architecture and version where the list names them.
fn installed_owner(installed: &HashMap<(&str, Cow<'_, str>), Vec<&Purl>>, owner: &Purl) -> Option<Purl> {
    let candidates = installed.get(&(owner.kind.as_str(), compared(owner)))?;
    let fits = |purl: &&&Purl| {
        let same_arch = match (owner.qualifiers.get("arch"), purl.qualifiers.get("arch")) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        };
        same_arch && (owner.version.is_none() || owner.version == purl.version)
    };
    candidates.iter().find(fits).map(|purl| (**purl).clone())
}
