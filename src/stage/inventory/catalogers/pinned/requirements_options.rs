//! The options of a line of a requirements file, told apart as Python's `optparse` tells them: `-rFILE`, `--requirement=FILE`, and any beginning of a
//! long name that is one option's only. Options end at the first other word.
//!
//! Source: `SUPPORTED_OPTIONS` of pip's `req_file.py`, with those of older releases; Python's documentation of `optparse`.

/// What a line asks for beside requirements.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// Other files of requirements.
    pub(super) files: Vec<String>,
    /// What is installed from a folder or repository.
    pub(super) editables: Vec<String>,
    /// What cannot be told.
    pub(super) unknown: Vec<String>,
}

const REQUIREMENT: &str = "--requirement";
const EDITABLE: &str = "--editable";

const WITH_VALUE: [&str; 19] = [
    REQUIREMENT,
    EDITABLE,
    "--constraint",
    "--index-url",
    "--pypi-url",
    "--extra-index-url",
    "--find-links",
    "--no-binary",
    "--only-binary",
    "--all-releases",
    "--only-final",
    "--trusted-host",
    "--use-feature",
    "--hash",
    "--config-settings",
    "--global-option",
    "--install-option",
    "--allow-external",
    "--allow-unverified",
];

const WITHOUT_VALUE: [&str; 9] = [
    "--no-index",
    "--pre",
    "--prefer-binary",
    "--require-hashes",
    "--use-wheel",
    "--no-use-wheel",
    "--process-dependency-links",
    "--allow-all-external",
    "--always-unzip",
];

const SHORT: [(&str, &str); 7] = [
    ("-r", REQUIREMENT),
    ("-e", EDITABLE),
    ("-c", "--constraint"),
    ("-i", "--index-url"),
    ("-f", "--find-links"),
    ("-C", "--config-settings"),
    ("-Z", "--always-unzip"),
];

impl Options {
    /// Tells the words of a line apart.
    pub(super) fn of(words: Vec<String>) -> Self {
        let mut found = Self::default();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let Some((name, joined)) = option(&word) else {
                found.unknown.push(word);
                break;
            };
            if WITHOUT_VALUE.contains(&name) {
                if joined.is_some() {
                    found.unknown.push(word);
                }
                continue;
            }
            let Some(value) = joined.map(str::to_owned).or_else(|| words.next()) else {
                found.unknown.push(word);
                continue;
            };
            match name {
                REQUIREMENT => found.files.push(value),
                EDITABLE => found.editables.push(value),
                _ => {}
            }
        }
        found
    }
}

/// The long name of the option that a word is, and the value that is part of the word.
fn option(word: &str) -> Option<(&'static str, Option<&str>)> {
    if !word.starts_with("--") {
        let (_, name) = SHORT.iter().find(|(short, _)| word.starts_with(short))?;
        return Some((name, Some(&word[2..]).filter(|value| !value.is_empty())));
    }
    let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
    let all = || WITH_VALUE.iter().chain(&WITHOUT_VALUE);
    if let Some(exact) = all().find(|known| **known == name) {
        return Some((exact, value));
    }
    let mut begun = all().filter(|known| name.len() > 2 && known.starts_with(name));
    let only = begun.next()?;
    begun.next().is_none().then_some((*only, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str]) -> Options {
        Options::of(words.iter().map(|word| (*word).to_owned()).collect())
    }

    #[test]
    fn every_option_of_a_line_counts_however_it_is_written() {
        let found = of(&[
            "--pre",
            "-i",
            "https://example.org",
            "-rdeps.txt",
            "--requirem",
            "b.txt",
            "--editable=x",
            "--extra-index-url=y",
        ]);
        assert_eq!(
            (found.files, found.editables),
            (vec!["deps.txt".to_owned(), "b.txt".to_owned()], vec!["x".to_owned()])
        );
        assert!(found.unknown.is_empty(), "{:?}", found.unknown);
    }

    #[test]
    fn what_is_no_option_of_pip_or_may_be_two_is_told() {
        for words in [
            &["--requ", "x"][..],
            &["--odd"],
            &["-x"],
            &["--pre", "x"],
            &["--pre=x"],
            &["-r"],
            &["--"],
        ] {
            assert_eq!(of(words).unknown.len(), 1, "{words:?}");
        }
    }
}
