//! Where the crates of an executable are from, in audit data.

/// The source of a local package that stands in for a published crate (`[patch]`, `[replace]`, `paths`): it is looked up like that crate.
pub const STANDS_IN: &str = "patch";
