//! SPDX 2.3 JSON, out and in.

mod read;
mod references;
mod vocabulary;
mod write;

pub(super) use read::read;
use vocabulary::{ANNOTATION, DEPENDS_ON, OPERATING_SYSTEM, OPERATING_SYSTEM_IN_TEXT};
pub(super) use write::write;
