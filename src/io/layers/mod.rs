//! Takes the stored bytes of one layer as a stream. Gives each entry of its tar to a visitor, in order.
//! Invariant: nothing is extracted; both digests are verified before anything that was seen may be trusted; memory is bounded by the
//! largest content that the visitor asks to have in memory.

mod decode;
mod error;
mod header;
mod headers;
mod join;
mod members;
mod metadata;
mod number;
mod path;
mod pax;
mod pipeline;
mod seek;
mod sparse;
mod spill;
mod stream;
mod visitor;
mod walk;
mod whiteout;
mod workers;

#[cfg(test)]
#[path = "../../../tests/support/layer.rs"]
#[expect(unreachable_pub, reason = "shared with the integration tests")]
pub(crate) mod sample;
#[cfg(test)]
mod tests;

pub use decode::{decoder, sniff};
pub use error::{LayerError, LayerProblem};
pub use members::{Link, Member, Members};
pub use metadata::Metadata;
pub use pipeline::{Stated, Totals, read};
pub use seek::{index, plain};
pub use spill::Spilled;
pub use visitor::{Doubt, Entry, Kind, Need, Visitor};
pub use whiteout::Whiteout;
