//! Commands that people are told to type next: about the same service as the one they have typed.

use super::args::{Cli, Global};

/// The program's name with what names the service.
#[must_use]
pub(super) fn program(global: &Global) -> String {
    let mut program = "portcullis".to_owned();
    if let Some(directory) = &global.went_to {
        program.push_str(&format!(" -C {}", quoted(&directory.display().to_string())));
    }
    if let Some(config) = &global.config {
        program.push_str(&format!(" --config {}", quoted(&config.display().to_string())));
    }
    program
}

/// A word as a shell takes it.
#[must_use]
pub(super) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:@%+,=".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// A hint in which every command of ours names the service: `portcullis gate` becomes `portcullis -C service gate`.
#[must_use]
pub(super) fn named(hint: &str, program: &str) -> String {
    const NAME: &str = "portcullis ";
    if program == NAME.trim_end() || program.is_empty() {
        return hint.to_owned();
    }
    let command = <Cli as clap::CommandFactory>::command();
    let is_verb = |word: &str| command.get_subcommands().any(|verb| verb.get_name() == word);
    let mut out = String::with_capacity(hint.len() + program.len());
    let mut rest = hint;
    while let Some(at) = rest.find(NAME) {
        let (before, after) = (&rest[..at], &rest[at + NAME.len()..]);
        let word: String = after.chars().take_while(|c| c.is_ascii_alphabetic() || *c == '-').collect();
        out.push_str(before);
        // Part of another word, or of a sentence about the program.
        let begins = !before.ends_with(|c: char| c.is_alphanumeric() || c == '/' || c == '-');
        out.push_str(if begins && is_verb(&word) { program } else { NAME.trim_end() });
        out.push(' ');
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_names_the_service_that_was_named() {
        let program = "portcullis -C shop --config b.toml";
        for (hint, expected) in [
            (
                "`portcullis gate` publishes one",
                "`portcullis -C shop --config b.toml gate` publishes one",
            ),
            ("portcullis rollout stop", "portcullis -C shop --config b.toml rollout stop"),
            ("portcullis -C shop --config b.toml gate", "portcullis -C shop --config b.toml gate"),
            ("a defect of portcullis is that", "a defect of portcullis is that"),
            ("target/portcullis gate", "target/portcullis gate"),
        ] {
            assert_eq!(named(hint, program), expected);
        }
        assert_eq!(named("`portcullis gate`", "portcullis"), "`portcullis gate`");
    }

    #[test]
    fn a_folder_with_a_blank_is_one_word() {
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
        assert_eq!(quoted("../x"), "../x");
    }
}
