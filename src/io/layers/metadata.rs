//! What headers say of an entry beside its name, kind and content: who owns it, when it changed, what is attached to it.

use super::header::Header;
use super::pax::Pax;

/// Owner, time and attributes of an entry, as Go's reader takes them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Numeric owner.
    pub uid: u64,
    /// Numeric group.
    pub gid: u64,
    /// Seconds since 1970, rounded down.
    pub seconds: i64,
    /// Nanoseconds on top of them.
    pub nanos: u32,
    /// `b'3'`, `b'4'` or `b'6'` for a character device, a block device or a pipe; else 0.
    pub special: u8,
    /// Major and minor number of a device.
    pub device: (u32, u32),
    /// Extended attributes (`security.capability`), in the order of their names.
    pub attributes: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Metadata {
    /// Joins the header's fields with the PAX records over them.
    pub(super) fn of(header: &Header<'_>, pax: &mut Pax) -> Self {
        let own = header.numbers();
        let (seconds, nanos) = pax.time.unwrap_or((own.time, 0));
        let mut attributes = std::mem::take(&mut pax.attributes);
        attributes.sort();
        Self {
            uid: pax.uid.unwrap_or(own.uid),
            gid: pax.gid.unwrap_or(own.gid),
            seconds,
            nanos,
            special: own.special,
            device: own.device,
            attributes,
        }
    }
}
