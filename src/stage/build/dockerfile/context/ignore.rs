//! `.dockerignore`: which paths of a build context stay behind.
//!
//! Source: the packages `patternmatcher` and `ignorefile` of moby (v0.6.0), which BuildKit uses; a test holds this against them. A pattern is for paths
//! from the context's root; a path is ignored with its folder; the last pattern that matches decides.

use super::ignore_pattern::{Pattern, cleaned};

/// The patterns of a file.
#[derive(Debug, Clone, Default)]
pub(super) struct Ignore {
    patterns: Vec<(bool, Pattern)>,
}

/// Which patterns matched a folder: whatever lies in it is matched by them too.
#[derive(Debug, Clone, Default)]
pub(super) struct Matched(Vec<bool>);

/// A line that no builder takes, or that builders need not take alike.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadLine {
    /// From 1.
    pub(super) line: usize,
    pub(super) reason: &'static str,
}

/// Longer lines are refused by Go's scanner.
const LONGEST: usize = 64 * 1024 - 1;

impl Ignore {
    pub(super) fn parse(text: &str) -> Result<Self, BadLine> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut patterns = Vec::new();
        for (line, text) in (1..).zip(text.lines()) {
            let bad = |reason| BadLine { line, reason };
            if text.len() > LONGEST {
                return Err(bad("it is longer than 64 KiB"));
            }
            // A blank before `#` makes it a name.
            let pattern = text.trim();
            if text.starts_with('#') || pattern.is_empty() {
                continue;
            }
            let (keeps, pattern) = match pattern.strip_prefix('!') {
                Some(rest) => (true, rest.trim()),
                None => (false, pattern),
            };
            if pattern.is_empty() {
                return Err(bad("`!` alone names nothing"));
            }
            let clean = cleaned(pattern);
            if keeps && clean == "/" {
                return Err(bad("`!` alone names nothing"));
            }
            let clean = if clean.len() > 1 {
                clean.strip_prefix('/').unwrap_or(&clean)
            } else {
                &clean
            };
            // The matcher takes blanks away and cleans once more, with the `!` in front: what was a name may begin with one now.
            let again = if keeps {
                clean.trim_end().to_owned()
            } else {
                cleaned(clean.trim())
            };
            if clean.trim().is_empty() && !keeps {
                continue;
            }
            let (keeps, clean) = match again.strip_prefix('!') {
                Some("") if !keeps => return Err(bad("`!` alone names nothing")),
                Some(rest) if !keeps => (true, rest),
                _ => (keeps, again.as_str()),
            };
            patterns.push((keeps, Pattern::compile(clean).map_err(bad)?));
        }
        Ok(Self { patterns })
    }

    /// True for a path, written with `/`, that stays behind, and what matched it. `folder` is what matched the folder that it lies in; nothing for a
    /// path at the root. A pattern that could not have changed the answer for the folder has not matched it.
    pub(super) fn ignores(&self, path: &str, folder: &Matched) -> (bool, Matched) {
        let mut ignored = false;
        let mut matched = vec![false; self.patterns.len()];
        for (at, (keeps, pattern)) in self.patterns.iter().enumerate() {
            let with_folder = folder.0.get(at).copied().unwrap_or(false);
            if with_folder || (*keeps == ignored && pattern.matches(path)) {
                matched[at] = true;
                ignored = !keeps;
            }
        }
        (ignored, Matched(matched))
    }

    /// True where something below an ignored folder may be kept.
    pub(super) fn has_exceptions(&self) -> bool {
        self.patterns.iter().any(|(keeps, _)| *keeps)
    }
}

/// Which of some paths a `.dockerignore` leaves out; folders stand before what is in them.
///
/// # Errors
/// The line that is refused, and why.
pub fn ignored(text: &str, paths: &[&str]) -> Result<Vec<bool>, String> {
    let ignore = Ignore::parse(text).map_err(|bad| format!("line {}: {}", bad.line, bad.reason))?;
    let mut folders = std::collections::HashMap::from([("", Matched::default())]);
    let mut answers = Vec::with_capacity(paths.len());
    for path in paths {
        let folder = folders.get(path.rsplit_once('/').map_or("", |(folder, _)| folder));
        let (is_ignored, matched) = ignore.ignores(path, &folder.cloned().unwrap_or_default());
        answers.push(is_ignored);
        folders.insert(path, matched);
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The path's answer, its folders asked before it.
    fn ignores(patterns: &str, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        let paths: Vec<&str> = ends.map(|end| &path[..end]).collect();
        ignored(patterns, &paths).expect(patterns).pop().expect("a path")
    }

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
            assert_eq!(ignores(patterns, path), ignored, "{patterns:?} {path}");
        }
    }

    #[test]
    fn what_looks_alike_and_is_read_otherwise_by_builders_is_read_as_they_do() {
        for (patterns, path, ignored) in [
            ("a/../secret", "secret", true),
            ("../secret", "secret", false),
            (" #secret", "#secret", true),
            ("#secret", "#secret", false),
            ("a**b", "axb", false),
            ("a**b", "ax/b", true),
            ("**secret", "my-secret", true),
            ("?", "é", true),
            ("a[^b]c", "a/c", true),
            ("secret/key\n!secret", "secret/key", true),
            ("secret\n!secret", "secret/key", false),
            ("//secret//", "secret", true),
        ] {
            assert_eq!(ignores(patterns, path), ignored, "{patterns:?} {path}");
        }
    }

    #[test]
    fn a_line_that_builders_refuse_is_refused_with_its_number() {
        for line in ["!", "a[", "a[]", "a[]b]", "a[b-]", "a\\", "[z-a]", "! ", "!//"] {
            assert_eq!(
                Ignore::parse(&format!("ok\n{line}\n")).map(|_| ()).expect_err(line).line,
                2,
                "{line}"
            );
        }
        assert!(Ignore::parse("a]\n\\[b\n[ab]\n").is_ok(), "the control");
    }

    #[test]
    fn a_pattern_of_many_stars_takes_no_longer() {
        assert!(!ignores(&"*a".repeat(60), &"a".repeat(2000).replace("aa", "ab")));
    }
}
