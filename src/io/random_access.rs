//! The bytes of a file that is looked into here and there: in memory, or on disk where it is too large for that.

use std::borrow::Cow;
use std::cell::RefCell;
use std::io;
use std::ops::ControlFlow;

use super::layers::Spilled;
use crate::model::excused::Excused as _;

/// Bytes of a file that are read from any place: in memory, in a layer, on disk.
pub trait RandomAccess {
    /// In bytes.
    fn size(&self) -> u64;

    /// Some bytes from an offset; none where they are not all there, or where they are more than [`MOST`].
    fn at(&self, offset: u64, size: u64) -> Option<Cow<'_, [u8]>>;

    /// Shows everything between two offsets, in windows of which each repeats the last [`OVERLAP`] bytes of the one before. The second
    /// number is where in the window the next one starts: what begins behind it is seen whole there.
    fn windows(&self, start: u64, end: u64, look: &mut dyn FnMut(&[u8], usize) -> ControlFlow<()>);
}

/// More bytes than these are not wanted at once.
pub const MOST: u64 = 16 << 20;
/// No text that is searched for is longer.
pub const OVERLAP: usize = 256;
/// Bytes of one window: a multiple of every alignment that is searched by.
const WINDOW: usize = 1 << 20;

impl RandomAccess for &[u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn at(&self, offset: u64, size: u64) -> Option<Cow<'_, [u8]>> {
        let start = usize::try_from(offset).or_none("out of the file: whoever reads makes a gap")?;
        let end = start.checked_add(usize::try_from(size).or_none("out of the file: whoever reads makes a gap")?)?;
        (size <= MOST).then_some(())?;
        self.get(start..end).map(Cow::Borrowed)
    }

    fn windows(&self, start: u64, end: u64, look: &mut dyn FnMut(&[u8], usize) -> ControlFlow<()>) {
        let within = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(self.len());
        let bytes = &self[within(start)..within(end).max(within(start))];
        // All of it was shown: whether more is wanted does not matter.
        let (ControlFlow::Continue(()) | ControlFlow::Break(())) = look(bytes, bytes.len());
    }
}

/// A file's bytes on disk. A part that cannot be read looks like one that is not there, so that whoever used them must ask for the problem.
pub struct OnDisk<'s> {
    content: &'s Spilled,
    problem: RefCell<Option<io::Error>>,
}

impl<'s> OnDisk<'s> {
    /// A file that was written down.
    #[must_use]
    pub fn new(content: &'s Spilled) -> Self {
        Self {
            content,
            problem: RefCell::new(None),
        }
    }

    /// Why not everything could be read, where that is so.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        self.problem.borrow().as_ref().map(ToString::to_string)
    }

    fn read(&self, bytes: &mut [u8], offset: u64) -> bool {
        match self.content.read_at(bytes, offset) {
            Ok(()) => true,
            Err(problem) => {
                self.problem.borrow_mut().get_or_insert(problem);
                false
            }
        }
    }
}

impl RandomAccess for OnDisk<'_> {
    fn size(&self) -> u64 {
        self.content.size()
    }

    fn at(&self, offset: u64, size: u64) -> Option<Cow<'_, [u8]>> {
        let inside = offset.checked_add(size)? <= self.size();
        (inside && size <= MOST).then_some(())?;
        let mut bytes = vec![0; usize::try_from(size).or_none("out of the file: whoever reads makes a gap")?];
        self.read(&mut bytes, offset).then_some(Cow::Owned(bytes))
    }

    fn windows(&self, start: u64, end: u64, look: &mut dyn FnMut(&[u8], usize) -> ControlFlow<()>) {
        let end = end.min(self.size());
        let mut window = vec![0; WINDOW + OVERLAP];
        let mut at = start;
        while at < end {
            let size = usize::try_from(end - at).unwrap_or(usize::MAX).min(window.len());
            let bytes = &mut window[..size];
            let own = if size > WINDOW { WINDOW } else { size };
            if !self.read(bytes, at) || look(bytes, own).is_break() {
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
        let hits = |bytes: &dyn RandomAccess| {
            let mut found = 0;
            bytes.windows(0, u64::MAX, &mut |window, own| {
                found += memchr::memmem::find_iter(window, b"needle").filter(|at| *at < own).count();
                ControlFlow::Continue(())
            });
            found
        };
        assert_eq!(hits(&content.as_slice()), 4);
        assert_eq!(hits(&OnDisk::new(&Spilled::from(content.as_slice()))), 4);
    }

    #[test]
    fn bytes_that_are_not_all_there_are_not_there() {
        let spilled = Spilled::from(&b"0123456789"[..]);
        let spilled = OnDisk::new(&spilled);
        for bytes in [&&b"0123456789"[..] as &dyn RandomAccess, &spilled] {
            assert_eq!(bytes.at(8, 2).as_deref(), Some(&b"89"[..]));
            assert_eq!((bytes.at(8, 3), bytes.at(11, 0), bytes.at(u64::MAX, 2)), (None, None, None));
        }
    }

    #[test]
    fn a_part_that_cannot_be_read_is_told_and_one_that_is_not_there_is_not() {
        let file = tempfile::tempfile().expect("a file");
        file.set_len(10).expect("ten bytes");
        // The file is shorter than it was when its size was noted.
        let spilled = Spilled::of(file, 100);
        let told = |offset| {
            let bytes = OnDisk::new(&spilled);
            let found = bytes.at(offset, 2);
            (found.is_some(), bytes.problem().is_some())
        };
        assert_eq!([told(0), told(50), told(200)], [(true, false), (false, true), (false, false)]);
    }
}
