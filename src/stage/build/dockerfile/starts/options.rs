//! The options of a program that starts another, told apart from the program.

use super::expand::UNKNOWN;

/// How a starter's words are read.
pub(super) struct Starter {
    pub(super) names: &'static [&'static str],
    /// Letters of options that take a value, and then their long names.
    pub(super) short: &'static str,
    pub(super) long: &'static [&'static str],
    /// What stands between the options and the program.
    pub(super) operands: usize,
    /// With one of these it starts nothing.
    pub(super) stops: &'static [&'static str],
}

pub(super) const fn starter(
    names: &'static [&'static str],
    (short, long): (&'static str, &'static [&'static str]),
    operands: usize,
    stops: &'static [&'static str],
) -> Starter {
    Starter {
        names,
        short,
        long,
        operands,
        stops,
    }
}

/// A starter's words: its options without hyphens, each with its value, and what is behind them.
pub(super) struct Read<'w> {
    pub(super) options: Vec<(String, Option<String>)>,
    pub(super) rest: &'w [String],
}

impl Read<'_> {
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.options.iter().any(|(name, _)| names.contains(&name.as_str()))
    }

    pub(super) fn values<'r>(&'r self, names: &'r [&str]) -> impl Iterator<Item = &'r str> {
        let of_name = self.options.iter().filter(|(name, _)| names.contains(&name.as_str()));
        of_name.filter_map(|(_, value)| value.as_deref())
    }

    pub(super) fn value(&self, names: &[&str]) -> Option<&str> {
        self.options
            .iter()
            .filter(|(name, _)| names.contains(&name.as_str()))
            .find_map(|(_, value)| value.as_deref())
    }
}

/// Reads words as `getopt_long` does with `+`; none where only the run knows what an option is.
pub(super) fn read<'w>(words: &'w [String], starter: &Starter) -> Option<Read<'w>> {
    let mut options = Vec::new();
    let mut rest = words;
    while let Some((word, after)) = rest.split_first().filter(|(word, _)| word.starts_with('-')) {
        if word.contains(UNKNOWN) && !word.contains('=') {
            return None;
        }
        rest = after;
        let mut take = || {
            let (value, after) = rest.split_first()?;
            rest = after;
            Some(value.clone())
        };
        if word == "--" {
            break;
        } else if let Some(long) = word.strip_prefix("--") {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            // Any beginning of a name stands for it.
            let whole = starter.long.iter().find(|whole| whole.starts_with(name));
            let value = match (whole, value) {
                (Some(_), None) => Some(take()?),
                (_, value) => value,
            };
            options.push((whole.map_or(name, |whole| whole).to_owned(), value));
        } else if word == "-" {
            // A word of its own to `su` and to `env`, which may be followed by options of these.
            options.push((String::new(), None));
        } else {
            let letters: Vec<char> = word.chars().skip(1).collect();
            for (at, letter) in letters.iter().enumerate() {
                if starter.short.contains(*letter) {
                    let joined: String = letters[at + 1..].iter().collect();
                    let value = if joined.is_empty() { take()? } else { joined };
                    options.push((letter.to_string(), Some(value)));
                    break;
                }
                options.push((letter.to_string(), None));
            }
        }
    }
    Some(Read { options, rest })
}
