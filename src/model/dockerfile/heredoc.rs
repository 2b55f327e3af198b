//! Here-documents: which words of an instruction open one, and where each ends.

use super::flags::split_flags;
use super::instruction::Instruction;
use super::words::{shell_words, unquoted};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HereDocument {
    /// The line that ends it.
    pub(super) name: String,
    /// `<<-`: tabs before that line do not count.
    strips_tabs: bool,
}

impl HereDocument {
    pub(super) fn ends_at(&self, line: &str) -> bool {
        let line = if self.strips_tabs { line.trim_start_matches('\t') } else { line };
        line == self.name
    }
}

/// The here-documents that an instruction opens, in their order. A word opens one only as a whole: `<<EOF`, `3<<-"EOF"`; in `$((1<<n))`, in a
/// quoted text and in `<<<x` there is none.
pub(super) fn opened(instruction: &Instruction) -> Vec<HereDocument> {
    let (keyword, arguments) = match instruction.keyword.as_str() {
        "ONBUILD" => {
            let trigger = instruction.arguments();
            let (keyword, rest) = trigger.split_once(char::is_whitespace).unwrap_or((trigger, ""));
            (keyword.to_ascii_uppercase(), rest)
        }
        other => (other.to_owned(), instruction.arguments()),
    };
    if !matches!(keyword.as_str(), "RUN" | "COPY" | "ADD") || !instruction.text.contains("<<") {
        return Vec::new();
    }
    // The form of a list runs no shell.
    if is_list(split_flags(arguments).rest) {
        return Vec::new();
    }
    let Some(words) = shell_words(&instruction.text) else {
        return Vec::new();
    };
    words.iter().filter_map(|word| of_word(word)).collect()
}

fn is_list(text: &str) -> bool {
    text.trim_start().starts_with('[') && serde_json::from_str::<Vec<String>>(text.trim()).is_ok()
}

fn of_word(word: &str) -> Option<HereDocument> {
    let rest = word.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix("<<")?;
    let (strips_tabs, rest) = match rest.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    if rest.is_empty() || rest.contains('<') {
        return None;
    }
    Some(HereDocument {
        name: unquoted(rest, '\\'),
        strips_tabs,
    })
}
