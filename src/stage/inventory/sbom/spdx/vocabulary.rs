//! Words that both directions use.

/// How one of our annotations starts; lines of `name=value` follow.
pub(super) const ANNOTATION: &str = "portcullis";

/// The kind of relationship between a component and what it needs.
pub(super) const DEPENDS_ON: &str = "DEPENDS_ON";

/// The purpose of the package that stands for the operating system, as the JSON schema spells it.
pub(super) const OPERATING_SYSTEM: &str = "OPERATING_SYSTEM";

/// The same as the specification's text spells it, and as some programs write it.
pub(super) const OPERATING_SYSTEM_IN_TEXT: &str = "OPERATING-SYSTEM";
