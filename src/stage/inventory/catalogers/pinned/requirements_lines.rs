//! The lines of a requirements file as pip puts them together: ended as Python ends them, joined where one ends with a backslash, without comments.
//!
//! Source: `preprocess`, `join_lines`, `ignore_comments` and `break_args_options` of pip's `req_file.py`; Python's `shlex` in its POSIX mode.

use super::line_ends;

/// One line as pip sees it, with the number of its first part.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) number: u32,
    pub(super) text: String,
}

/// Every line that says something.
pub(super) fn of(text: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut open: Option<Line> = None;
    for (at, line) in line_ends::of_python(text).enumerate() {
        let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
        let is_comment = line.trim_start_matches(is_blank).starts_with('#');
        let goes_on = line.ends_with('\\') && !is_comment;
        let whole = open.get_or_insert_with(|| Line {
            number,
            text: String::new(),
        });
        if is_comment {
            whole.text.push(' ');
        }
        whole.text.push_str(if goes_on { line.trim_matches('\\') } else { line });
        if !goes_on {
            lines.extend(open.take());
        }
    }
    lines.extend(open);
    for line in &mut lines {
        line.text = without_comment(&line.text).trim_matches(is_blank).to_owned();
    }
    lines.retain(|line| !line.text.is_empty());
    lines
}

/// What `\s` is to Python.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// A comment starts at the line's start or behind a blank.
fn without_comment(line: &str) -> &str {
    let mut before = None;
    for (at, c) in line.char_indices() {
        if c == '#' && before.is_none_or(is_blank) {
            return &line[..at];
        }
        before = Some(c);
    }
    line
}

/// The requirement of a line, and its options: from the first word on that begins with a hyphen.
pub(super) fn parts(line: &str) -> (&str, &str) {
    let at = if line.starts_with('-') {
        Some(0)
    } else {
        line.find(" -").map(|at| at + 1)
    };
    at.map_or((line, ""), |at| (line[..at].trim_end(), &line[at..]))
}

/// The words of options, as a shell of POSIX splits them; none where a quote is open at the end.
pub(super) fn words(options: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut rest = options.chars();
    while let Some(c) = rest.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some('"'), '\\') => {
                let next = rest.next()?;
                let word = word.get_or_insert_default();
                if !matches!(next, '"' | '\\') {
                    word.push('\\');
                }
                word.push(next);
            }
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '\\') => word.get_or_insert_default().push(rest.next()?),
            (None, ' ' | '\t' | '\r' | '\n') => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Vec<(u32, String)> {
        of(text).into_iter().map(|line| (line.number, line.text)).collect()
    }

    #[test]
    fn lines_are_joined_and_comments_left_out_as_pip_does() {
        let line = |number, text: &str| (number, text.to_owned());
        assert_eq!(seen("a==1. \\\n  0 # x\n#y \\\nb\n"), [line(1, "a==1.   0"), line(4, "b")]);
        assert_eq!(
            seen("a \\\n# c\nb#c\n"),
            [line(1, "a"), line(3, "b#c")],
            "a comment ends what was open"
        );
        assert_eq!(
            seen("--pre \\ \nb"),
            [line(1, "--pre \\"), line(2, "b")],
            "a blank behind it is no continuation"
        );
        assert_eq!(seen("a \\"), [line(1, "a")]);
    }

    #[test]
    fn many_continued_lines_take_a_time_that_grows_with_their_number() {
        let begun = std::time::Instant::now();
        assert_eq!(of(&"\\\n".repeat(500_000)), []);
        assert_eq!(of(&"a \\\n".repeat(200_000)).len(), 1);
        assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    }

    #[test]
    fn options_begin_with_the_first_word_that_has_a_hyphen() {
        assert_eq!(parts("a==1 --hash=x -C y"), ("a==1", "--hash=x -C y"));
        assert_eq!(parts("--pre -r x"), ("", "--pre -r x"));
        assert_eq!(parts("a-b==1"), ("a-b==1", ""));
        assert_eq!(words("-r \"a b\" 'c'd \\e").expect("closed"), ["-r", "a b", "cd", "e"]);
        assert_eq!(words("-r 'a"), None);
    }
}
