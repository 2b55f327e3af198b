//! Python packages in images: installed ones, and those in archives that Python imports from.

pub mod archives;
pub mod installed;
