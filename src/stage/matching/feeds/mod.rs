//! Feeds: where they are, how they are brought up to date, kept, carried and opened.

mod available;
pub(super) mod bundle;
mod changed;
pub(super) mod crates_index;
pub(super) mod enrich;
mod feed_gap;
pub(super) mod feed_source;
pub(super) mod manage;
pub(super) mod needs;
mod open_feeds;
pub(super) mod open_needed;
pub(super) mod opener;
pub(super) mod records;
pub(super) mod release_times;
pub(super) mod retrieve;
pub(super) mod rustsec;
pub(super) mod store;
