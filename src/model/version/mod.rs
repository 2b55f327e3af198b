//! Version orderings, one file each. Each says which tool it agrees with.
//!
//! A text is parsed once with [`Scheme::parse`] and compared often with [`Version::compare`]; neither allocates
//! (but for [`maven`], whose specification asks for padding, and the parts of [`pep440`]).

pub mod apk;
pub mod dart;
pub mod dpkg;
mod equality;
mod error;
pub mod go;
pub mod list;
pub mod maven;
pub mod npm_range;
pub mod nuget;
mod number;
pub mod packagist;
mod padded;
mod parsed;
pub mod pep440;
pub mod rpm;
pub mod rubygems;
mod scheme;
pub mod semver;

#[cfg(test)]
pub(crate) mod tests;

use equality::equal_by_order;
pub use error::VersionError;
pub use parsed::Version;
pub use scheme::Scheme;
