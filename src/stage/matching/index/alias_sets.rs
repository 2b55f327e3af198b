//! Disjoint sets of ids, of which none speaks of two CVEs unless a record says so.

use super::strings::{Pool, RefMap, StringRef};

pub(super) fn is_cve(id: &str) -> bool {
    id.starts_with("CVE-")
}

/// Disjoint sets of ids.
#[derive(Debug, Default)]
pub(super) struct Sets {
    pub(super) nodes: RefMap<u32>,
    pub(super) ids: Vec<StringRef>,
    parents: Vec<u32>,
    /// The CVE that a set speaks of, by its root.
    cves: Vec<Option<StringRef>>,
}

impl Sets {
    /// The node of an id.
    pub(super) fn node_of(&mut self, id: StringRef, pool: &Pool) -> u32 {
        *self.nodes.entry(id).or_insert_with(|| {
            self.cves.push(is_cve(pool.get(id)).then_some(id));
            self.ids.push(id);
            self.parents.push(self.parents.len() as u32);
            self.parents.len() as u32 - 1
        })
    }

    pub(super) fn root(&mut self, mut node: u32) -> u32 {
        while self.parents[node as usize] != node {
            let parent = self.parents[node as usize];
            self.parents[node as usize] = self.parents[parent as usize];
            node = parent;
        }
        node
    }

    /// Makes two sets one, unless they speak of different CVEs.
    pub(super) fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        if let (Some(a), Some(b)) = (self.cves[a as usize], self.cves[b as usize])
            && a != b
        {
            return;
        }
        self.equate(a, b);
    }

    /// Makes two sets one, whatever they speak of.
    pub(super) fn equate(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        self.cves[a.min(b) as usize] = self.cves[a.min(b) as usize].or(self.cves[a.max(b) as usize]);
        // The lower number stays the root, so that the outcome does not depend on the order of joins.
        self.parents[a.max(b) as usize] = a.min(b);
    }
}
