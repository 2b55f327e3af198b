//! The commands of a shell's text, as far as it can be said without running it which of them is started.

/// One simple command.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Command {
    /// Its words, without quotes, assignments before them left out.
    pub(super) words: Vec<Word>,
    /// False where something before it decides whether it runs: a test, a choice, a loop.
    pub(super) is_certain: bool,
}

/// One word of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    Plain(String),
    /// `"$@"`: the words that the shell was given.
    Arguments,
    /// What only the shell knows: a variable, a pattern, what another command says.
    Unknown,
}

/// Words that begin something that is not always run.
const CHOICES: [&str; 10] = ["if", "elif", "while", "until", "for", "case", "select", "[", "[[", "test"];
/// Words that may stand before a command.
const BEFORE: [&str; 8] = ["then", "else", "do", "!", "{", "time", "exec", "command"];

/// The commands of a text, in their order.
pub(super) fn commands(text: &str) -> Vec<Command> {
    let mut found = Vec::new();
    let mut is_certain = true;
    for line in split(text) {
        let is_first_word = |word: &Word, name: &str| *word == Word::Plain(name.to_owned());
        let mut words = line.words;
        while let Some(first) = words.first() {
            let is_assignment = matches!(first, Word::Plain(word) if is_assignment(word));
            if !is_assignment && !BEFORE.iter().any(|name| is_first_word(first, name)) {
                break;
            }
            words.remove(0);
        }
        is_certain &= !words
            .first()
            .is_some_and(|word| CHOICES.iter().any(|name| is_first_word(word, name)));
        if !words.is_empty() {
            found.push(Command { words, is_certain });
        }
        is_certain &= !line.is_alternative;
    }
    found
}

fn is_assignment(word: &str) -> bool {
    let name = word.split_once('=').map(|(name, _)| name);
    name.is_some_and(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
}

#[derive(Default)]
struct Line {
    words: Vec<Word>,
    /// It ends with `||`: the next one runs only where it fails.
    is_alternative: bool,
}

/// The words of each command, cut where one ends.
fn split(text: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut line = Line::default();
    let mut word: Option<(String, bool)> = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' => line.words.extend(word.take().map(finished)),
            ';' | '\n' | '&' | '|' | '(' | ')' => {
                line.words.extend(word.take().map(finished));
                let is_double = chars.next_if_eq(&c).is_some();
                line.is_alternative = is_double && matches!(c, '|' | ';');
                lines.push(std::mem::take(&mut line));
            }
            '#' if word.is_none() => while chars.next_if(|next| *next != '\n').is_some() {},
            '<' | '>' => {
                // What stands behind it is a file.
                line.words
                    .extend(word.take().filter(|(text, _)| text.parse::<u8>().is_err()).map(finished));
                while chars.next_if(|next| matches!(next, '<' | '>' | '&' | ' ')).is_some() {}
                while chars
                    .next_if(|next| !next.is_whitespace() && !matches!(next, ';' | '|' | '&'))
                    .is_some()
                {}
            }
            '\'' => {
                let (text, _) = word.get_or_insert_default();
                text.extend(std::iter::from_fn(|| chars.next_if(|next| *next != '\'')));
                chars.next();
            }
            '"' => {
                let (text, is_unknown) = word.get_or_insert_default();
                while let Some(next) = chars.next().filter(|next| *next != '"') {
                    match next {
                        '\\' => text.extend(chars.next()),
                        next => {
                            *is_unknown |= matches!(next, '$' | '`');
                            text.push(next);
                        }
                    }
                }
            }
            '\\' => {
                if let Some(next) = chars.next().filter(|next| *next != '\n') {
                    word.get_or_insert_default().0.push(next);
                }
            }
            c => {
                let (text, is_unknown) = word.get_or_insert_default();
                *is_unknown |= matches!(c, '$' | '`' | '*' | '?');
                text.push(c);
            }
        }
    }
    line.words.extend(word.take().map(finished));
    lines.push(line);
    lines
}

fn finished((text, is_unknown): (String, bool)) -> Word {
    match (is_unknown, text.as_str()) {
        (true, "$@" | "$*" | "${@}") => Word::Arguments,
        (true, _) => Word::Unknown,
        (false, _) => Word::Plain(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First words, with a question mark where it is not certain that they run.
    fn starts(text: &str) -> Vec<String> {
        let first = |command: &Command| match (&command.words[0], command.is_certain) {
            (Word::Plain(word), true) => word.clone(),
            (Word::Plain(word), false) => format!("{word}?"),
            (other, _) => format!("{other:?}"),
        };
        commands(text).iter().map(first).collect()
    }

    #[test]
    fn the_first_word_of_each_command_is_what_is_started() {
        assert_eq!(starts("cp /payload /out"), ["cp"]);
        assert_eq!(starts("cd /srv && ./app"), ["cd", "./app"]);
        assert_eq!(starts("exec \"/app\";"), ["/app"]);
        assert_eq!(starts("A=1 B='x y' exec /app --fast 2>&1 > /dev/null | tee /log"), ["/app", "tee"]);
        assert_eq!(starts("set -e\n# /not/this\n(/a) & /b\\\n/c"), ["set", "/a", "/b/c"]);
        assert_eq!(starts("exec \"$@\""), ["Arguments"]);
        assert_eq!(starts("$APP /x; \"${B}/y\" /z"), ["Unknown", "Unknown"]);
        assert_eq!(starts("echo '/x; /y' \"a; /b\""), ["echo"]);
    }

    #[test]
    fn what_a_test_or_a_choice_decides_is_not_certain() {
        assert_eq!(starts("[ -x /a ] && /a || /b"), ["[?", "/a?", "/b?"]);
        assert_eq!(starts("if true; then /a; else /b; fi"), ["if?", "/a?", "/b?", "fi?"]);
        assert_eq!(starts("/a || /b"), ["/a", "/b?"]);
        assert_eq!(
            starts("case $(uname -m) in x86_64) /a;; *) /b;; esac").last().map(String::as_str),
            Some("esac?")
        );
        assert!(starts("").is_empty());
    }
}
