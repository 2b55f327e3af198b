//! What other programs leave out or write as `null`, and what cannot be read of them.

use crate::model::coverage::{Gap, GapKind};

/// A list or an object that some writers give as `null` is absent.
pub(super) fn or_absent<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::Deserialize<'de> + Default,
{
    Ok(<Option<T> as serde::Deserialize>::deserialize(deserializer)?.unwrap_or_default())
}

/// A gap about one element of an SBOM that another program wrote.
pub(super) fn unread(element: String, detail: String) -> Gap {
    Gap {
        kind: GapKind::PartialDatabase,
        subject: element,
        detail,
        location: None,
    }
}
