//! Takes an `Inventory` and feeds. Gives a `Matching`: claims with their evidence, gaps, feed revisions. Never reads "no data" as "no findings".
//!
//! A feed becomes one [`index`] file for each ecosystem; a [`component`] is looked up in it, its claims are [`evaluate`]d and put together by
//! [`alias`] group.

mod alias;
mod bundle;
mod clearing;
mod component;
mod crates_index;
mod draft;
mod enrich;
mod error;
mod evaluate;
mod index;
mod interval;
mod manage;
mod matcher;
mod needs;
mod open;
mod opener;
mod place;
mod rating;
mod record;
mod retrieve;
mod rpm_module;
mod rustsec;
mod salvage;
mod source;
mod store;
mod strict;
mod update;

pub use bundle::{Artifact, BUNDLE_MEDIA_TYPE, Bundle, Contents, export, import, pull, push};
pub use draft::record_problem;
pub use error::MatchingError;
pub use manage::{FeedStatus, Quarantined, status, update};
pub use open::{Feeds, open, open_ecosystems};
