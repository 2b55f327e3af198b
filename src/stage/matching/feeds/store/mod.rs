//! Indexes in the cache: opened where they fit their source, built where not.

mod cached_index;
mod error;
mod file_name;

#[cfg(test)]
mod changed_tests;
#[cfg(test)]
mod tests;

pub(in crate::stage::matching) use cached_index::Store;
pub(in crate::stage::matching) use error::StoreError;
pub(in crate::stage::matching) use file_name::{file_name, is_plain};
