//! SPDX 2.3 JSON, out and in.

mod read;
mod references;
mod write;

pub(super) use read::read;
pub(super) use write::write;

/// How one of our annotations starts; lines of `name=value` follow.
const ANNOTATION: &str = "portcullis";
/// The kind of relationship between a component and what it needs.
const DEPENDS_ON: &str = "DEPENDS_ON";
/// The purpose of the package that stands for the operating system, as the JSON schema spells it.
const OPERATING_SYSTEM: &str = "OPERATING_SYSTEM";
/// The same as the specification's text spells it, and as some programs write it.
const OPERATING_SYSTEM_IN_TEXT: &str = "OPERATING-SYSTEM";
