//! Containers that several catalogers look into. Nothing in them is trusted.

pub(super) mod deb822;
pub(super) mod large;
pub(super) mod paragraphs;
pub(super) mod whole;
pub(super) mod zipped;
