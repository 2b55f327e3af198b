//! `.dockerignore`: which paths of a build context stay behind.
//!
//! Source: Docker's documentation of `.dockerignore` files, and the package `patternmatcher` of moby, which all builders use: a pattern is for
//! paths from the context's root, `**` for any number of folders; a path is ignored with its folder; the last pattern that matches decides.

/// The patterns of a file.
#[derive(Debug, Clone, Default)]
pub(super) struct Ignore {
    patterns: Vec<Pattern>,
}

#[derive(Debug, Clone)]
struct Pattern {
    /// `!`: what matches is kept.
    keeps: bool,
    tokens: Vec<Token>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Byte(u8),
    /// `?`
    One,
    /// `*`
    Run,
    /// `**` at the end, or within a name.
    Anything,
    /// `**/`
    Folders,
    /// `[a-z]`
    Class {
        negated: bool,
        ranges: Vec<(u8, u8)>,
    },
}

impl Ignore {
    pub(super) fn parse(text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self {
            patterns: lines.filter_map(Pattern::parse).collect(),
        }
    }

    /// True for a path, written with `/`, that stays behind.
    pub(super) fn ignores(&self, path: &str) -> bool {
        let mut ignored = false;
        for pattern in &self.patterns {
            if pattern.keeps == ignored && pattern.matches_with_folders(path) {
                ignored = !pattern.keeps;
            }
        }
        ignored
    }

    /// True where something below an ignored folder may be kept.
    pub(super) fn has_exceptions(&self) -> bool {
        self.patterns.iter().any(|pattern| pattern.keeps)
    }
}

impl Pattern {
    fn parse(line: &str) -> Option<Self> {
        let (keeps, line) = match line.strip_prefix('!') {
            Some(rest) => (true, rest.trim()),
            None => (false, line),
        };
        let parts: Vec<&str> = line.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        let clean = parts.join("/");
        (!clean.is_empty()).then(|| Self {
            keeps,
            tokens: tokens(clean.as_bytes()),
        })
    }

    /// A path is matched by what matches a folder that it lies in.
    fn matches_with_folders(&self, path: &str) -> bool {
        let ends = path.bytes().enumerate().filter(|(_, byte)| *byte == b'/').map(|(at, _)| at);
        ends.chain([path.len()]).any(|end| self.matches(&path.as_bytes()[..end]))
    }

    /// Follows all ways through the tokens at once, so that no pattern takes long.
    fn matches(&self, path: &[u8]) -> bool {
        let mut at = vec![false; self.tokens.len() + 1];
        self.enter(&mut at, 0);
        for byte in path {
            let mut next = vec![false; at.len()];
            for (place, token) in self.tokens.iter().enumerate().filter(|(place, _)| at[*place]) {
                match token {
                    Token::Byte(wanted) if wanted == byte => self.enter(&mut next, place + 1),
                    Token::One if *byte != b'/' => self.enter(&mut next, place + 1),
                    Token::Class { negated, ranges } if *byte != b'/' => {
                        let is_in = ranges.iter().any(|(low, high)| (low..=high).contains(&byte));
                        if is_in != *negated {
                            self.enter(&mut next, place + 1);
                        }
                    }
                    Token::Run if *byte != b'/' => self.enter(&mut next, place),
                    Token::Anything => self.enter(&mut next, place),
                    Token::Folders => {
                        next[place] = true;
                        if *byte == b'/' {
                            self.enter(&mut next, place + 1);
                        }
                    }
                    _ => {}
                }
            }
            at = next;
        }
        at.last().copied().unwrap_or(false)
    }

    /// Stands before a token, and behind it where it may match nothing.
    fn enter(&self, at: &mut [bool], place: usize) {
        at[place] = true;
        if matches!(self.tokens.get(place), Some(Token::Run | Token::Anything | Token::Folders)) {
            self.enter(at, place + 1);
        }
    }
}

fn tokens(mut pattern: &[u8]) -> Vec<Token> {
    let mut tokens = Vec::new();
    while let Some((first, rest)) = pattern.split_first() {
        pattern = rest;
        tokens.push(match first {
            b'*' if pattern.first() == Some(&b'*') => {
                pattern = &pattern[1..];
                match pattern.first() {
                    Some(b'/') => {
                        pattern = &pattern[1..];
                        Token::Folders
                    }
                    _ => Token::Anything,
                }
            }
            b'*' => Token::Run,
            b'?' => Token::One,
            b'[' => match class(pattern) {
                Some((token, rest)) => {
                    pattern = rest;
                    token
                }
                None => Token::Byte(b'['),
            },
            b'\\' => match pattern.split_first() {
                Some((escaped, rest)) => {
                    pattern = rest;
                    Token::Byte(*escaped)
                }
                None => Token::Byte(b'\\'),
            },
            byte => Token::Byte(*byte),
        });
    }
    tokens
}

/// What stands behind `[`, up to its `]`.
fn class(pattern: &[u8]) -> Option<(Token, &[u8])> {
    let (negated, mut rest) = match pattern.split_first() {
        Some((b'^', rest)) => (true, rest),
        _ => (false, pattern),
    };
    let mut ranges = Vec::new();
    loop {
        let (&low, after) = rest.split_first()?;
        if low == b']' && !ranges.is_empty() {
            return Some((Token::Class { negated, ranges }, after));
        }
        match after {
            [b'-', high, after @ ..] if *high != b']' => {
                ranges.push((low, *high));
                rest = after;
            }
            after => {
                ranges.push((low, low));
                rest = after;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_dockers_documentation_hold() {
        for (patterns, path, ignored) in [
            ("*/temp*", "somedir/temporary.txt", true),
            ("*/temp*", "somedir/temp", true),
            ("*/temp*", "somedir/temp/inside", true),
            ("*/temp*", "temp", false),
            ("*/*/temp*", "somedir/subdir/temporary.txt", true),
            ("temp?", "tempa", true),
            ("temp?", "temp", false),
            ("**/*.go", "a.go", true),
            ("**/*.go", "a/b/c.go", true),
            ("**/*.go", "a/b/c.goo", false),
            ("*.md\n!README.md", "README.md", false),
            ("*.md\n!README.md", "CHANGES.md", true),
            ("*.md\n!README*.md\nREADME-secret.md", "README-secret.md", true),
            ("*.md\nREADME-secret.md\n!README*.md", "README-secret.md", false),
            ("/node_modules/", "node_modules/x/y.js", true),
            ("node_modules", "web/node_modules/x", false),
            ("**/node_modules", "web/node_modules/x", true),
            ("docs/**", "docs/a/b", true),
            ("docs/**", "docs", false),
            ("# a comment\n\n./a", "a", true),
            ("a/[b-d]?.txt", "a/cx.txt", true),
            ("a/[^b-d]?.txt", "a/cx.txt", false),
            ("a\\*b", "a*b", true),
            ("a\\*b", "axb", false),
            ("**", "anything/at/all", true),
            ("*\n!src", "src/main.js", false),
            ("*\n!src", "lib/main.js", true),
        ] {
            assert_eq!(Ignore::parse(patterns).ignores(path), ignored, "{patterns:?} {path}");
        }
    }

    #[test]
    fn a_pattern_of_many_stars_takes_no_longer() {
        let ignore = Ignore::parse(&"*a".repeat(60));
        assert!(!ignore.ignores(&"a".repeat(2000).replace("aa", "ab")));
    }
}
