//! What each cataloger wants of the current entry.

use crate::stage::inventory::cataloger::{Cataloger, EntryHead, Want};

/// The catalogers, and their answers about one entry.
pub(in crate::stage::inventory) struct Interest<'a> {
    catalogers: &'a [&'a dyn Cataloger],
    wants: Vec<(&'a dyn Cataloger, Want)>,
}

impl<'a> Interest<'a> {
    pub(in crate::stage::inventory) fn new(catalogers: &'a [&'a dyn Cataloger]) -> Self {
        Self {
            catalogers,
            wants: Vec::new(),
        }
    }

    pub(super) fn catalogers(&self) -> &'a [&'a dyn Cataloger] {
        self.catalogers
    }

    /// Asks all of them about an entry, and gives the widest of their wishes.
    pub(in crate::stage::inventory) fn ask(&mut self, head: &EntryHead<'_>) -> Want {
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
    pub(in crate::stage::inventory) fn who(&self, is_so: impl Fn(Want) -> bool) -> impl Iterator<Item = &'a dyn Cataloger> {
        self.wants
            .iter()
            .filter(move |(_, want)| is_so(*want))
            .map(|(cataloger, _)| *cataloger)
    }
}

/// True when somebody who would not read a file as `known` reads it as `path`.
pub(super) fn newly(catalogers: &[&dyn Cataloger], path: &str, known: &str) -> bool {
    catalogers.iter().any(|cataloger| reads_newly(*cataloger, path, known))
}

/// The same of one.
pub(super) fn reads_newly(cataloger: &dyn Cataloger, path: &str, known: &str) -> bool {
    cataloger.follows_links() && reads(cataloger, path) && !reads(cataloger, known)
}

fn reads(cataloger: &dyn Cataloger, path: &str) -> bool {
    let head = EntryHead {
        path,
        mode: 0o644,
        size: 1,
    };
    matches!(cataloger.wants(&head), Want::Whole | Want::IfMagic(_))
}

/// True when somebody would read what a link leads to, or what lies below, because the link is called so.
pub(super) fn by_name(catalogers: &[&dyn Cataloger], link: &str) -> bool {
    catalogers
        .iter()
        .any(|cataloger| reads_newly(*cataloger, link, "-") || reads_below(*cataloger, link, "-"))
}

/// True when a cataloger reads things below a folder of one name that it would not read below a folder of the other.
pub(super) fn reads_below(cataloger: &dyn Cataloger, folder: &str, known: &str) -> bool {
    let below = |name: &&str| reads_newly(cataloger, &format!("{folder}/{name}"), &format!("{known}/{name}"));
    cataloger.below_named_folders().iter().any(below)
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
    pub(in crate::stage::inventory) fn is_met_by(self, start: &[u8]) -> bool {
        matches!(self, Self::IfMagic(magics) if magics.iter().any(|magic| start.starts_with(magic)))
    }
}
