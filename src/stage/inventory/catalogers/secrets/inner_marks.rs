//! Tokens whose issuer's mark stands in the middle of them.

use memchr::memmem;

use super::found::{Found, Lines};
use super::proof::is_random;
use super::tokens::{exact, is_word};

struct Marked {
    mark: &'static str,
    name: &'static str,
    /// So many letters and digits stand before the mark, from and to.
    before: (usize, usize),
    /// From so many to so many behind it, of letters, digits and these.
    behind: (usize, usize, &'static [u8]),
    /// What may stand before it beside letters and digits.
    more: &'static [u8],
    /// Digits alone, before.
    is_number: bool,
}

/// Sources: Microsoft's "Identifiable secrets", HashiCorp's and Telegram's manuals.
const MARKED: [Marked; 4] = [
    Marked {
        mark: "Q~",
        name: "Azure client secret",
        before: (4, 4),
        behind: (31, 34, b"_~.-"),
        more: b"_~.",
        is_number: false,
    },
    Marked {
        mark: "AZDO",
        name: "Azure DevOps token",
        before: (76, 76),
        behind: (4, 4, b""),
        more: b"",
        is_number: false,
    },
    Marked {
        mark: ".atlasv1.",
        name: "Terraform Cloud token",
        before: (14, 14),
        behind: (60, 70, b"-_="),
        more: b"",
        is_number: false,
    },
    Marked {
        mark: ":AA",
        name: "Telegram bot token",
        before: (8, 10),
        behind: (33, 33, b"-_"),
        more: b"",
        is_number: true,
    },
];

/// Every such token in a text.
pub(super) fn in_text(content: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    for marked in &MARKED {
        let mut lines = Lines::of(content);
        for at in memmem::find_iter(content, marked.mark) {
            if marked.is_at(content, at) {
                found.push(Found {
                    line: lines.at(at),
                    what: marked.name.to_owned(),
                });
            }
        }
    }
    found
}

impl Marked {
    fn is_at(&self, content: &[u8], at: usize) -> bool {
        let (least, most) = self.before;
        let before = content[..at].iter().rev().take(most + 1);
        let length = before.take_while(|byte| is_word(**byte, self.more)).count();
        let start = &content[at - length..at];
        let is_whole = (least..=most).contains(&length) && (!self.is_number || start.iter().all(u8::is_ascii_digit));
        // Azure's has a digit before its mark.
        let is_digit = self.mark != "Q~" || start.last().is_some_and(u8::is_ascii_digit);
        let (least, most, more) = self.behind;
        let Some(end) = exact(&content[at + self.mark.len()..], least, most, more) else {
            return false;
        };
        is_whole && is_digit && is_random(if end.len() > start.len() { end } else { start })
    }
}
