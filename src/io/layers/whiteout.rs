//! Entries of a layer that stand for what is deleted. Source: the OCI image specification, "Whiteouts", and aufs, where they come from.

/// An entry that says what is deleted from lower layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whiteout<'r> {
    /// The folder that it stands in.
    pub folder: &'r [u8],
    /// None for everything in the folder.
    pub hidden: Option<&'r [u8]>,
    /// True for aufs's own book-keeping, which nobody unpacks.
    pub ignored: bool,
}

impl<'r> Whiteout<'r> {
    /// `None` for other entries. `raw` is the clean path of an entry.
    #[must_use]
    pub fn of(raw: &'r [u8]) -> Option<Self> {
        let split = raw.iter().rposition(|byte| *byte == b'/');
        let (folder, name) = split.map_or((&raw[..0], raw), |at| (&raw[..at], &raw[at + 1..]));
        let hidden = name.strip_prefix(b".wh.")?;
        let opaque = hidden == b".wh..opq";
        Some(Self {
            folder,
            hidden: (!opaque).then_some(hidden),
            ignored: !opaque && (hidden.starts_with(b".wh.") || hidden.is_empty()),
        })
    }
}
