//! Which of the two reports, and what has a place in it.

use crate::model::finding::{Disposition, Judgement};
use crate::model::purl::Purl;

/// Which of the two reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Of an image: every package.
    Container,
    /// Of lock files: packages of languages.
    Dependency,
}

impl Kind {
    /// GitLab's word.
    #[must_use]
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Container => "container_scanning",
            Self::Dependency => "dependency_scanning",
        }
    }
}

/// True for what has a place in the list: an open finding about a package of this kind of report.
#[must_use]
pub(super) fn is_listed(kind: Kind, judgement: &Judgement) -> bool {
    let fits = |purl: &Purl| kind == Kind::Container || !purl.is_of_system();
    judgement.disposition != Disposition::Waived && judgement.finding.purl.as_ref().is_some_and(fits)
}
