//! `report.html`: one file for reviewers that opens from disk, asks nothing of any network and needs no script to be read.
//!
//! `page.html` is the document, `style.css` and `page.js` go into it whole. The content security policy names their digests, so that nothing else
//! runs or paints, whatever a package is called. Every text goes through [`super::text::prose`] (no control characters, no direction marks) and is
//! escaped by the template.

mod chart;
mod document;
mod evidence;
mod findings;
mod head;
mod rollout;

pub use document::Html;
