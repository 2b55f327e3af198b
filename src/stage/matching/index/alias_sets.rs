//! Disjoint sets of ids, of which none speaks of two CVEs unless a record says so.

use super::ids::Ids;
use super::layout::NONE;

/// So many ids may speak of one thing. Of a vulnerability that thousands of packages have, a distribution with an id for each of them has
/// thousands; what chains everything that there is into one group is no statement about any of it, and every finding would carry all of it.
const LARGEST: u32 = 16_384;

pub(super) fn is_cve(id: &str) -> bool {
    id.starts_with("CVE-")
}

/// Disjoint sets of ids.
#[derive(Debug, Default)]
pub(super) struct Sets {
    parents: Vec<u32>,
    /// The CVE that a set speaks of, by its root.
    cves: Vec<u32>,
    /// How many are in a set, by its root.
    sizes: Vec<u32>,
}

impl Sets {
    /// Every id by itself.
    pub(super) fn new(ids: &Ids) -> Self {
        let numbers = || 0..ids.len() as u32;
        Self {
            parents: numbers().collect(),
            cves: numbers().map(|id| if is_cve(ids.get(id)) { id } else { NONE }).collect(),
            sizes: vec![1; ids.len()],
        }
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
        let (of_a, of_b) = (self.cves[a as usize], self.cves[b as usize]);
        if of_a == NONE || of_b == NONE || of_a == of_b {
            self.equate(a, b);
        }
    }

    /// Makes two sets one, whatever they speak of, unless that were too large a one.
    pub(super) fn equate(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        let size = self.sizes[a as usize].saturating_add(self.sizes[b as usize]);
        if a == b || size > LARGEST {
            return;
        }
        // The lower number stays the root, so that the outcome does not depend on the order of joins.
        let (low, high) = (a.min(b) as usize, a.max(b) as usize);
        if self.cves[low] == NONE {
            self.cves[low] = self.cves[high];
        }
        self.sizes[low] = size;
        self.parents[high] = low as u32;
    }
}
