//! One paragraph of the database.

use crate::model::inventory::Component;

pub(super) struct Package {
    pub(super) component: Component,
    pub(super) provides: String,
    pub(super) depends: [String; 2],
}

pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.' | b'_'))
}
