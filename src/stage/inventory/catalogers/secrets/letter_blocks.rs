//! Base64 that is broken into lines, as `base64`, `openssl` and people write it: joined again.

/// A block's first line has so many letters at its end, at least.
const FIRST: usize = 16;

/// Letters over several lines.
pub(super) struct Block {
    /// The line of the first of them, from 1.
    pub(super) line: usize,
    /// The line of the last.
    pub(super) last: usize,
    pub(super) letters: Vec<u8>,
}

/// Every block of a text. Lines end as lines do, or are written as `\n`; they may be quoted, indented, joined by `+`, continued by a backslash.
pub(super) fn blocks(content: &[u8]) -> Vec<Block> {
    let mut all = Vec::new();
    let mut open: Option<(Block, usize)> = None;
    let mut close = |open: &mut Option<(Block, usize)>| {
        if let Some((block, lines)) = open.take()
            && lines > 1
        {
            all.push(block);
        }
    };
    let (mut start, mut number) = (0, 1);
    while start < content.len() {
        let (end, next) = line_end(content, start);
        let line = bare(&content[start..end]);
        let own = line.iter().take_while(|byte| letter(**byte).is_some()).count();
        // Padding is behind the last letter of all.
        let goes_on = own == line.len();
        let is_whole = own > 0 && line[own..].iter().all(|byte| b"=\"',;)]}".contains(byte));
        match &mut open {
            Some((block, lines)) if is_whole => {
                block.letters.extend(line[..own].iter().copied().filter_map(letter));
                block.last = number;
                *lines += 1;
            }
            _ => {
                close(&mut open);
                let tail = line.iter().rev().take_while(|byte| letter(**byte).is_some()).count();
                if tail >= FIRST {
                    let letters = line[line.len() - tail..].iter().copied().filter_map(letter).collect();
                    let block = Block {
                        line: number,
                        last: number,
                        letters,
                    };
                    open = Some((block, 1));
                }
            }
        }
        if is_whole && !goes_on {
            close(&mut open);
        }
        number += usize::from(content.get(end) == Some(&b'\n'));
        start = next;
    }
    close(&mut open);
    all
}

/// Where the line that begins at `start` ends, and where the next one begins.
fn line_end(content: &[u8], start: usize) -> (usize, usize) {
    let mut from = start;
    while let Some(at) = memchr::memchr2(b'\n', b'\\', &content[from..]).map(|at| from + at) {
        if content[at] == b'\n' {
            return (at, at + 1);
        }
        if content.get(at + 1) == Some(&b'n') {
            return (at, at + 2);
        }
        from = at + 1;
    }
    (content.len(), content.len())
}

/// A line without what stands around its letters.
fn bare(line: &[u8]) -> &[u8] {
    let line = line.trim_ascii();
    let line = line.strip_suffix(b"\\r").unwrap_or(line);
    let line = line.strip_suffix(b" +").or_else(|| line.strip_suffix(b"\\")).unwrap_or(line);
    let mut line = line.trim_ascii();
    while let [b'"' | b'\'' | b'#' | b'>' | b'*', rest @ ..] = line {
        line = rest.trim_ascii_start();
    }
    while let [rest @ .., b'"' | b'\''] = line {
        line = rest;
    }
    line
}

/// A letter of either alphabet, in the first one.
pub(super) const fn letter(byte: u8) -> Option<u8> {
    match byte {
        b'-' => Some(b'+'),
        b'_' => Some(b'/'),
        b'+' | b'/' | b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => Some(byte),
        _ => None,
    }
}
