//! What integration tests share.

pub(crate) mod outcomes;
pub(crate) mod tools;
