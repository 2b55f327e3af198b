//! Data of a feed, or why there is none: that is an answer, and no error of the stage.

use crate::io::http::HttpError;

/// Something of a feed.
pub(in crate::stage::matching) enum Available<T> {
    Present(T),
    Absent(Absence),
}

/// Why there is no data to read.
#[derive(Debug)]
pub(in crate::stage::matching) enum Absence {
    /// The feed has no such ecosystem.
    Uncovered,
    /// It should be there and cannot be read.
    Missing(String),
    /// It could not be reached, and there is no copy.
    Unreachable(HttpError),
}

impl<T> Available<T> {
    pub(in crate::stage::matching) fn map<U>(self, change: impl FnOnce(T) -> U) -> Available<U> {
        match self {
            Self::Present(value) => Available::Present(change(value)),
            Self::Absent(absence) => Available::Absent(absence),
        }
    }

    /// Why there is nothing, if so.
    pub(in crate::stage::matching) fn absence(self) -> Option<Absence> {
        match self {
            Self::Present(_) => None,
            Self::Absent(absence) => Some(absence),
        }
    }
}
