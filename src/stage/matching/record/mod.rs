//! One advisory record: read, rated, and what is kept of one that cannot be read.

pub(super) mod broken_record;
pub(super) mod interval;
pub(super) mod names;
pub(super) mod osv;
pub(super) mod parsed;
pub(super) mod rating;
pub(super) mod read;
pub(super) mod strict;
pub(super) mod title;
