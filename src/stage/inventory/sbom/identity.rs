//! Names inside of an SBOM: serial numbers from content, one reference for each component.

use std::collections::{HashMap, HashSet};

use crate::io::hash;
use crate::model::image::Platform;
use crate::model::inventory::Inventory;
use crate::model::purl::Purl;

use super::upstream;

/// A UUID from the content of an inventory and a time, equal for equal content (version 8 of RFC 9562).
pub(super) fn uuid(inventory: &Inventory, created: jiff::Timestamp) -> String {
    let mut uuid = [0u8; 16];
    uuid.copy_from_slice(&hash::of_json_and(inventory, &created.to_string()).bytes()[..16]);
    uuid[6] = uuid[6] & 0x0f | 0x80;
    uuid[8] = uuid[8] & 0x3f | 0x80;
    let hex = hex::encode(uuid);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// The references of components and the edges between them.
pub(super) struct References<'a> {
    /// The reference of each component, in the inventory's order: its purl, numbered from the second of its name on.
    pub(super) of: Vec<String>,
    by_purl: HashMap<(&'a Purl, Option<&'a Platform>), usize>,
}

impl<'a> References<'a> {
    pub(super) fn new(inventory: &'a Inventory) -> Self {
        let mut taken: HashSet<String> = HashSet::with_capacity(inventory.components.len());
        let mut by_purl = HashMap::with_capacity(inventory.components.len());
        let mut of = Vec::with_capacity(inventory.components.len());
        for (at, component) in inventory.components.iter().enumerate() {
            by_purl.entry((&component.purl, component.platform.as_ref())).or_insert(at);
            let purl = upstream::purl_with_upstream(component).to_string();
            let mut reference = purl.clone();
            let mut number = 1;
            while !taken.insert(reference.clone()) {
                number += 1;
                reference = format!("{purl}#{number}");
            }
            of.push(reference);
        }
        Self { of, by_purl }
    }

    /// The components that a component needs, as indexes; what is not in the inventory is left out.
    pub(super) fn needs(&self, inventory: &'a Inventory, at: usize) -> Vec<usize> {
        let component = &inventory.components[at];
        let platform = component.platform.as_ref();
        let mut needs: Vec<usize> = component
            .dependencies
            .iter()
            .filter_map(|purl| self.by_purl.get(&(purl, platform)).copied())
            .filter(|needed| *needed != at)
            .collect();
        needs.sort_unstable();
        needs.dedup();
        needs
    }
}
