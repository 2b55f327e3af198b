//! What each cataloger wants of the entry under the hand.

use super::{Cataloger, EntryHead, Want};

/// The catalogers, and their answers about one entry.
pub(super) struct Asked<'a> {
    catalogers: &'a [&'a dyn Cataloger],
    wants: Vec<(&'a dyn Cataloger, Want)>,
}

impl<'a> Asked<'a> {
    pub(super) fn new(catalogers: &'a [&'a dyn Cataloger]) -> Self {
        Self {
            catalogers,
            wants: Vec::new(),
        }
    }

    /// Asks all of them about an entry, and gives the widest of their wishes.
    pub(super) fn ask(&mut self, head: &EntryHead<'_>) -> Want {
        self.wants.clear();
        let mut most = Want::No;
        for cataloger in self.catalogers {
            let want = cataloger.wants(head);
            if want != Want::No {
                self.wants.push((*cataloger, want));
                most = wider(most, want);
            }
        }
        most
    }

    /// Those whose wish is of a kind.
    pub(super) fn who(&self, is_so: impl Fn(Want) -> bool) -> impl Iterator<Item = &'a dyn Cataloger> {
        self.wants
            .iter()
            .filter(move |(_, want)| is_so(*want))
            .map(|(cataloger, _)| *cataloger)
    }
}

fn wider(a: Want, b: Want) -> Want {
    let width = |want| match want {
        Want::No => 0,
        Want::Path => 1,
        Want::IfMagic(_) => 2,
        Want::Whole => 3,
    };
    if width(b) > width(a) { b } else { a }
}

impl Want {
    /// Whether it is for files that start so.
    pub(super) fn is_met_by(self, start: &[u8]) -> bool {
        matches!(self, Self::IfMagic(magics) if magics.iter().any(|magic| start.starts_with(magic)))
    }
}
