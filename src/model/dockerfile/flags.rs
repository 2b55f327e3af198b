//! `--name=value` words at the beginning of an instruction's arguments.

/// The flags of an instruction, and what follows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flags<'t> {
    /// Each without its dashes, quotes removed.
    pub flags: Vec<String>,
    /// The arguments after them.
    pub rest: &'t str,
}

impl Flags<'_> {
    /// The values of every flag of a name.
    pub fn values<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        let named = self.flags.iter().filter_map(|flag| flag.split_once('='));
        named
            .filter(move |(flag, _)| flag.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

/// Splits the flags off.
#[must_use]
pub fn split_flags(arguments: &str) -> Flags<'_> {
    let mut flags = Vec::new();
    let mut rest = arguments.trim_start();
    while rest.starts_with("--") {
        let (word, after) = first_word(rest);
        rest = after.trim_start();
        if word == "--" {
            break;
        }
        flags.push(word[2..].to_owned());
    }
    Flags { flags, rest }
}

/// The first word without its quotes and escapes, and what follows it.
fn first_word(text: &str) -> (String, &str) {
    let mut word = String::new();
    let mut quote: Option<char> = None;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (None, c) if c.is_whitespace() => return (word, &text[at..]),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (_, '\\') => word.extend(chars.next().map(|(_, c)| c)),
            (_, c) => word.push(c),
        }
    }
    (word, "")
}
