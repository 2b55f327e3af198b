//! One pattern of a `.dockerignore`, as moby's `patternmatcher` compiles it: into a regular expression of Go's, or, where it has nothing but `**` at an
//! end, into a comparison of texts.

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(super) enum Pattern {
    /// The path itself.
    Exact(String),
    /// `a/**`: whatever begins so.
    Prefix(String),
    /// `**/a`: whatever ends so; with its slash, the path alone as well.
    Suffix(String),
    Tokens(Vec<Token>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Char(char),
    /// `?`: anything but a slash.
    One,
    /// `*`: any number of them.
    Run,
    /// `**` at the end: anything but a line's end.
    Anything,
    /// `**` before something: nothing, or folders with their slash.
    Folders,
    /// `[a-z]`, which takes a slash as any other character.
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

const CLASS: &str = "a `[` in it has no end, or holds something else than characters and ranges";
const ESCAPE: &str = "a `\\` in it stands at the end, or before a letter or digit, of which builders make a class of characters";

impl Pattern {
    /// Compiles a clean pattern.
    pub(super) fn compile(pattern: &str) -> Result<Self, &'static str> {
        let tokens = tokens(pattern)?;
        let is_plain = |rest: &str| !rest.contains(['*', '?', '[', ']', '\\']);
        if is_plain(pattern) {
            return Ok(Self::Exact(pattern.to_owned()));
        }
        if let Some(rest) = pattern.strip_prefix("**").filter(|rest| is_plain(rest)) {
            return Ok(Self::Suffix(rest.to_owned()));
        }
        if let Some(rest) = pattern.strip_suffix("**").filter(|rest| is_plain(rest)) {
            return Ok(Self::Prefix(rest.to_owned()));
        }
        Ok(Self::Tokens(tokens))
    }

    pub(super) fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(text) => path == text,
            Self::Prefix(text) => path.starts_with(text.as_str()),
            Self::Suffix(text) => path.ends_with(text.as_str()) || text.strip_prefix('/') == Some(path),
            Self::Tokens(tokens) => fits(tokens, path),
        }
    }
}

/// Follows all ways through the tokens at once, so that no pattern takes long.
fn fits(tokens: &[Token], path: &str) -> bool {
    let mut at = vec![false; tokens.len() + 1];
    // Whether the way stands in the middle of folders, where only their slash leads out.
    let mut within = vec![false; tokens.len() + 1];
    enter(tokens, &mut at, 0);
    for c in path.chars() {
        let mut next = vec![false; at.len()];
        let mut next_within = vec![false; at.len()];
        for (place, token) in tokens.iter().enumerate() {
            let stands = at[place];
            match token {
                Token::Char(wanted) if stands && *wanted == c => enter(tokens, &mut next, place + 1),
                Token::One if stands && c != '/' => enter(tokens, &mut next, place + 1),
                Token::Class { negated, ranges } if stands => {
                    let is_in = ranges.iter().any(|(low, high)| (low..=high).contains(&&c));
                    if is_in != *negated {
                        enter(tokens, &mut next, place + 1);
                    }
                }
                Token::Run if stands && c != '/' => enter(tokens, &mut next, place),
                Token::Anything if stands && c != '\n' => enter(tokens, &mut next, place),
                Token::Folders if stands || within[place] => {
                    next_within[place] = c != '\n';
                    if c == '/' {
                        enter(tokens, &mut next, place + 1);
                    }
                }
                _ => {}
            }
        }
        (at, within) = (next, next_within);
    }
    at.last().copied().unwrap_or(false)
}

/// Stands before a token, and behind it where it may match nothing.
fn enter(tokens: &[Token], at: &mut [bool], place: usize) {
    at[place] = true;
    if matches!(tokens.get(place), Some(Token::Run | Token::Anything | Token::Folders)) {
        enter(tokens, at, place + 1);
    }
}

fn tokens(pattern: &str) -> Result<Vec<Token>, &'static str> {
    let mut tokens = Vec::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        tokens.push(match c {
            '*' => match rest.strip_prefix('*') {
                Some(behind) => {
                    rest = behind.strip_prefix('/').unwrap_or(behind);
                    if rest.is_empty() { Token::Anything } else { Token::Folders }
                }
                None => Token::Run,
            },
            '?' => Token::One,
            '[' => {
                let (token, behind) = class(rest)?;
                rest = behind;
                token
            }
            '\\' => {
                let escaped = escaped(rest)?;
                rest = &rest[escaped.len_utf8()..];
                Token::Char(escaped)
            }
            c => Token::Char(c),
        });
    }
    Ok(tokens)
}

/// Go's regular expressions give letters and digits behind a backslash a meaning, and refuse what is beyond ASCII.
fn escaped(rest: &str) -> Result<char, &'static str> {
    rest.chars().next().filter(char::is_ascii_punctuation).ok_or(ESCAPE)
}

/// What stands behind `[`, up to its `]`.
fn class(rest: &str) -> Result<(Token, &str), &'static str> {
    let (negated, mut rest) = match rest.strip_prefix('^') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let mut ranges = Vec::new();
    loop {
        if let Some(behind) = rest.strip_prefix(']').filter(|_| !ranges.is_empty()) {
            return Ok((Token::Class { negated, ranges }, behind));
        }
        let (low, behind) = member(rest)?;
        let (high, behind) = match behind.strip_prefix('-') {
            Some(behind) => member(behind)?,
            None => (low, behind),
        };
        if low > high {
            return Err(CLASS);
        }
        ranges.push((low, high));
        rest = behind;
    }
}

fn member(rest: &str) -> Result<(char, &str), &'static str> {
    let c = rest.chars().next().ok_or(CLASS)?;
    let behind = &rest[c.len_utf8()..];
    match c {
        // Stars, question marks and brackets in a class become something else on their way into the expression.
        '-' | ']' | '[' | '*' | '?' => Err(CLASS),
        '\\' => {
            let c = escaped(behind)?;
            Ok((c, &behind[c.len_utf8()..]))
        }
        c => Ok((c, behind)),
    }
}

/// The shortest path that means the same, as Go's `filepath.Clean` gives it.
pub(super) fn cleaned(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => _ = parts.pop(),
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    let clean = parts.join("/");
    match (rooted, clean.is_empty()) {
        (true, _) => format!("/{clean}"),
        (false, true) => ".".to_owned(),
        (false, false) => clean,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_as_go_does() {
        for (path, clean) in [
            ("a//b/./c/..", "a/b"),
            ("../a", "../a"),
            ("a/../../b", "../b"),
            ("/../a/", "/a"),
            ("./", "."),
            ("a/..", "."),
            ("/", "/"),
        ] {
            assert_eq!(cleaned(path), clean, "{path}");
        }
    }
}
