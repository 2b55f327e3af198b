//! Files that are too large to be looked at whole: piece by piece, each beginning within the one before it.

use std::io;

use crate::io::layers::Spilled;

use super::keys::LONGEST;

/// Bytes of a piece.
const PIECE: usize = 2 << 20;
/// Nothing that is looked for is longer than half of this.
const OVERLAP: usize = 4 * LONGEST;

/// Gives every piece of a file, with the number of lines before it. Pieces are cut at the ends of lines, where there are some.
///
/// # Errors
/// The disk's.
pub(super) fn each(content: &Spilled, mut look: impl FnMut(&[u8], usize)) -> io::Result<()> {
    let size = content.size();
    let (mut start, mut lines) = (0, 0);
    loop {
        let length = usize::try_from(size - start).unwrap_or(usize::MAX).min(PIECE);
        let mut piece = vec![0; length];
        content.read_at(&mut piece, start)?;
        let is_last = start + length as u64 >= size;
        if !is_last {
            let end = memchr::memrchr(b'\n', &piece).filter(|end| *end + OVERLAP > length);
            piece.truncate(end.map_or(length, |end| end + 1));
        }
        look(&piece, lines);
        if is_last {
            return Ok(());
        }
        let back = piece.len() - OVERLAP;
        let next = memchr::memchr(b'\n', &piece[back..piece.len() - OVERLAP / 2]).map_or(back, |end| back + end + 1);
        lines += memchr::memchr_iter(b'\n', &piece[..next]).count();
        start += next as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_overlap_cover_everything_and_know_their_lines() {
        for line in ["ab\n", "a line of some length that is repeated\n", "no end of a line "] {
            let text = line.repeat((5 << 20) / line.len()).into_bytes();
            let ends: Vec<usize> = memchr::memchr_iter(b'\n', &text).collect();
            let (mut end, mut number) = (0, 0);
            each(&Spilled::from(&text[..]), |piece, before| {
                let start = if before == 0 { None } else { Some(ends[before - 1] + 1) };
                let start = start.unwrap_or(if number == 0 { 0 } else { end - OVERLAP });
                assert!(start <= end && (number == 0 || end - start >= OVERLAP / 2), "{line}: {number}");
                assert!(text[start..].starts_with(piece), "{line}: {number}");
                (end, number) = (start + piece.len(), number + 1);
            })
            .expect("a temporary file");
            assert_eq!((end, number), (text.len(), 3), "{line}");
        }
    }
}
