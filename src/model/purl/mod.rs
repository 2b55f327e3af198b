//! Package URLs: the one name of a component across catalogers, advisories, policies and reports.

mod package_url;
mod text;

pub use package_url::{Parts, Purl, PurlError, is_of_system};
use package_url::{canonical_name, canonical_namespace};
pub(crate) use text::decode;
