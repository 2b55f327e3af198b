//! `env`, with the text of `-S`.

use super::expand::UNKNOWN;
use super::lead::{Lead, Next};
use super::options::Read;
use super::table::STARTERS;

/// How often `env -S` is split again.
const DEEPEST: usize = 4;

/// What `env` starts.
pub(super) fn env(read: &Read<'_>, depth: usize) -> Lead {
    // Its text takes the place of the option: options may stand in it as well.
    if let Some(text) = read.value(&["S", "split-string"]) {
        let before = read
            .options
            .iter()
            .take_while(|(name, _)| !matches!(name.as_str(), "S" | "split-string"));
        let Some(mut words) = split_string(text).filter(|_| depth < DEEPEST) else {
            return Lead::Nothing;
        };
        words.extend(read.rest.iter().cloned());
        let starter = &STARTERS[0];
        let Some(again) = super::options::read(&words, starter).filter(|read| !read.has(starter.stops)) else {
            return Lead::Nothing;
        };
        let options = before.cloned().chain(again.options).collect();
        return env(&Read { options, rest: again.rest }, depth + 1);
    }
    let mut next = Next {
        is_cleared: read.has(&["i", "ignore-environment", ""]),
        folder: read.value(&["C", "chdir"]).map(str::to_owned),
        ..Next::default()
    };
    for name in read.values(&["u", "unset"]) {
        next.assignments.push((name.to_owned(), UNKNOWN.to_string()));
    }
    next.words = next.assign(read.rest).to_vec();
    Lead::Program(next)
}

/// The words of `env -S`; none where only the run knows them.
fn split_string(text: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote): (Vec<String>, Option<String>, Option<char>) = (Vec::new(), None, None);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                word.get_or_insert_default();
                quote = Some(c);
            }
            (_, '$') if quote != Some('\'') => return None,
            (Some('\''), '\\') => {
                let next = chars.next()?;
                let word = word.get_or_insert_default();
                if !matches!(next, '\'' | '\\') {
                    word.push('\\');
                }
                word.push(next);
            }
            (_, '\\') => match chars.next()? {
                'c' if quote.is_none() => break,
                '_' if quote.is_none() => words.extend(word.take()),
                '_' => word.get_or_insert_default().push(' '),
                c @ ('f' | 'n' | 'r' | 't' | 'v' | 'c') => {
                    let meant = match c {
                        'f' => '\u{c}',
                        'n' => '\n',
                        'r' => '\r',
                        't' => '\t',
                        'v' => '\u{b}',
                        _ => return None,
                    };
                    word.get_or_insert_default().push(meant);
                }
                c => word.get_or_insert_default().push(c),
            },
            (None, '#') if word.is_none() => break,
            (None, c) if c.is_ascii_whitespace() || c == '\u{b}' => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}
