//! What the canonical form of an image hangs on.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::leak::Leaks;
use crate::io::oci_layout::LayoutError;
use crate::stage::build::BuildError;

/// What does not depend on the builder.
#[derive(Debug, Clone)]
pub(in crate::stage::build) struct Canonical {
    /// The commit's time, in seconds since 1970: no file of the build's own is younger.
    pub(in crate::stage::build) epoch: i64,
    /// When the build began.
    pub(in crate::stage::build) begun: Timestamp,
    /// No step of it can be dated later: the builder's clock may be ahead of ours, and a base may be dated into the future.
    pub(in crate::stage::build) ended: Timestamp,
    pub(in crate::stage::build) labels: BTreeMap<String, String>,
    /// What must not be in it.
    pub(in crate::stage::build) leaks: Leaks,
}

/// Reads a configuration, which was read strictly before.
pub(super) fn document(bytes: &[u8]) -> Result<Value, BuildError> {
    serde_json::from_slice(bytes).map_err(|error| {
        LayoutError::Inconsistent {
            path: "the image's configuration".into(),
            reason: format!("is no JSON: {error}"),
        }
        .into()
    })
}
