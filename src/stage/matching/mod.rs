//! Takes an `Inventory` and feeds. Gives a `Matching`: matches with their evidence, gaps, feed revisions. Never reads "no data" as "no findings".
//!
//! The [`feeds`] bring records, each read as a [`record`]; a feed becomes one [`index`] file for each ecosystem, in which components are looked up
//! ([`lookup`]). What clears a component, and what stands against it, is the [`remedy`]; whether what it is about
//! is in a program that was just built, [`reachability`].

mod error;
mod feeds;
mod index;
mod lookup;
pub mod reachability;
mod record;
mod remedy;

pub use error::MatchingError;
pub use feeds::bundle::{Artifact, BUNDLE_MEDIA_TYPE, Bundle, Contents, export, import, pull, push};
pub use feeds::manage::{FeedStatus, Quarantined, status, update};
pub use feeds::open_needed::{Feeds, open, open_ecosystems};
pub use record::read::record_problem;
