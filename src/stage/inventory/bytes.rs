//! The bytes of a file that is looked into here and there: in memory, or on disk where it is too large for that.

use std::borrow::Cow;
use std::ops::ControlFlow;

use crate::io::layers::Spilled;

/// A file's bytes.
pub(super) trait Bytes {
    fn size(&self) -> u64;

    /// Some bytes from an offset; none where they are not all there, or where they are more than [`MOST`].
    fn at(&self, offset: u64, size: u64) -> Option<Cow<'_, [u8]>>;

    /// Shows everything between two offsets, in windows of which each repeats the last [`OVERLAP`] bytes of the one before. The second
    /// number is where in the window the next one starts: what begins behind it is seen whole there.
    fn windows(&self, start: u64, end: u64, look: &mut dyn FnMut(&[u8], usize) -> ControlFlow<()>);
}

/// More bytes than these are not wanted at once.
pub(super) const MOST: u64 = 16 << 20;
/// No text that is searched for is longer.
pub(super) const OVERLAP: usize = 256;
/// Bytes of one window: a multiple of every alignment that is searched by.
const WINDOW: usize = 1 << 20;

impl Bytes for &[u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn at(&self, offset: u64, size: u64) -> Option<Cow<'_, [u8]>> {
        let start = usize::try_from(offset).ok()?;
        let end = start.checked_add(usize::try_from(size).ok()?)?;
        (size <= MOST).then_some(())?;
        self.get(start..end).map(Cow::Borrowed)
    }

    fn windows(&self, start: u64, end: u64, look: &mut dyn FnMut(&[u8], usize) -> ControlFlow<()>) {
        let within = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(self.len());
        let bytes = &self[within(start)..within(end).max(within(start))];
        let _ = look(bytes, bytes.len());
    }
}

impl Bytes for Spilled {
    fn size(&self) -> u64 {
        Self::size(self)
    }

    fn at(&self, offset: u64, size: u64) -> Option<Cow<'_, [u8]>> {
        let inside = offset.checked_add(size)? <= Self::size(self);
        (inside && size <= MOST).then_some(())?;
        let mut bytes = vec![0; usize::try_from(size).ok()?];
        self.read_at(&mut bytes, offset).ok()?;
        Some(Cow::Owned(bytes))
    }

    fn windows(&self, start: u64, end: u64, look: &mut dyn FnMut(&[u8], usize) -> ControlFlow<()>) {
        let end = end.min(Self::size(self));
        let mut window = vec![0; WINDOW + OVERLAP];
        let mut at = start;
        while at < end {
            let size = usize::try_from(end - at).unwrap_or(usize::MAX).min(window.len());
            let bytes = &mut window[..size];
            let own = if size > WINDOW { WINDOW } else { size };
            if self.read_at(bytes, at).is_err() || look(bytes, own).is_break() {
                return;
            }
            at += own as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_across_two_windows_is_seen_whole_once() {
        let mut content = vec![b'.'; 3 * WINDOW];
        for at in [0, WINDOW - 3, 2 * WINDOW - 1, 3 * WINDOW - 6] {
            content[at..at + 6].copy_from_slice(b"needle");
        }
        let hits = |bytes: &dyn Bytes| {
            let mut found = 0;
            bytes.windows(0, u64::MAX, &mut |window, own| {
                found += memchr::memmem::find_iter(window, b"needle").filter(|at| *at < own).count();
                ControlFlow::Continue(())
            });
            found
        };
        assert_eq!(hits(&content.as_slice()), 4);
        assert_eq!(hits(&Spilled::from(content.as_slice())), 4);
    }

    #[test]
    fn bytes_that_are_not_all_there_are_not_there() {
        let spilled = Spilled::from(&b"0123456789"[..]);
        for bytes in [&&b"0123456789"[..] as &dyn Bytes, &spilled] {
            assert_eq!(bytes.at(8, 2).as_deref(), Some(&b"89"[..]));
            assert_eq!((bytes.at(8, 3), bytes.at(11, 0), bytes.at(u64::MAX, 2)), (None, None, None));
        }
    }
}
