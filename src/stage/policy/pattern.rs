//! Patterns over package URLs and texts. `*` is the only wildcard. What a pattern asks for and a purl lacks does not match.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use crate::model::purl::{Purl, PurlError};

/// A package URL in which `*` stands for any characters but `/`: `pkg:cargo/foo@1.2.*`, `pkg:npm/@acme/*`.
///
/// A part that the pattern leaves out (version, qualifiers) is not asked for; a part that it states must be there and match.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String", extend("pattern" = "^pkg:[A-Za-z][A-Za-z0-9.+-]*/.+"))]
pub struct PurlPattern {
    text: String,
    parts: Purl,
}

impl PurlPattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// [`PurlError`] for what is no package URL; the type must be written out.
    pub fn parse(text: &str) -> Result<Self, PurlError> {
        Ok(Self {
            parts: Purl::parse(text)?,
            text: text.to_owned(),
        })
    }

    /// The pattern that names this package literally; `None` if a part of it would be a wildcard.
    #[must_use]
    pub fn literal(purl: &Purl) -> Option<Self> {
        let texts = [&purl.namespace, &purl.version, &purl.subpath].into_iter().flatten();
        let mut all = texts.chain(purl.qualifiers.values()).chain([&purl.name]);
        let is_plain = all.all(|text| !text.contains('*'));
        is_plain.then(|| Self {
            text: purl.to_string(),
            parts: purl.clone(),
        })
    }

    /// True when the purl has everything that the pattern asks for.
    #[must_use]
    pub fn matches(&self, purl: &Purl) -> bool {
        let asked = &self.parts;
        asked.kind == purl.kind
            && wildcard(&asked.name, &purl.name)
            && match (&asked.namespace, &purl.namespace) {
                (None, None) => true,
                (Some(pattern), Some(namespace)) => wildcard(pattern, namespace),
                _ => false,
            }
            && holds(asked.version.as_deref(), purl.version.as_deref())
            && holds(asked.subpath.as_deref(), purl.subpath.as_deref())
            && asked
                .qualifiers
                .iter()
                .all(|(key, pattern)| holds(Some(pattern), purl.qualifiers.get(key).map(String::as_str)))
    }

    /// The package type: `cargo`, `deb`.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.parts.kind
    }

    /// The namespace, where it states one: `debian`.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        self.parts.namespace.as_deref()
    }

    /// The pattern as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

fn holds(pattern: Option<&str>, text: Option<&str>) -> bool {
    match (pattern, text) {
        (None, _) => true,
        (Some(pattern), Some(text)) => wildcard(pattern, text),
        (Some(_), None) => false,
    }
}

impl fmt::Display for PurlPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl Serialize for PurlPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl TryFrom<String> for PurlPattern {
    type Error = PurlError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

/// A text in which `*` stands for any characters but `/`, and `**` for any characters: paths, image names, URLs, licence ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
#[schemars(with = "String")]
pub struct TextPattern(String);

impl TextPattern {
    /// Takes a pattern; every text is one.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// True when the whole text matches.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        wildcard(&self.0, text)
    }

    /// The pattern as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `*` holds no `/`, `**` does. Linear in the text for each wildcard: the last one is retried, never two of one kind at once.
fn wildcard(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // Where to go back to: the place after a wildcard in the pattern, and how much text it holds already.
    type Mark = Option<(usize, usize)>;
    let (mut single, mut double): (Mark, Mark) = (None, None);
    loop {
        if pattern[p..].starts_with(b"**") {
            p += 2;
            (single, double) = (None, Some((p, t)));
            continue;
        }
        if pattern.get(p) == Some(&b'*') {
            p += 1;
            single = Some((p, t));
            continue;
        }
        match text.get(t) {
            None if p == pattern.len() => return true,
            Some(byte) if pattern.get(p) == Some(byte) => {
                (p, t) = (p + 1, t + 1);
                continue;
            }
            _ => {}
        }
        match (single, double) {
            (Some((after, from)), _) if text.get(from).is_some_and(|byte| *byte != b'/') => {
                single = Some((after, from + 1));
                (p, t) = (after, from + 1);
            }
            (_, Some((after, from))) if from < text.len() => {
                (single, double) = (None, Some((after, from + 1)));
                (p, t) = (after, from + 1);
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purl(text: &str) -> Purl {
        Purl::parse(text).expect("purl")
    }

    #[test]
    fn a_pattern_is_shown_as_it_was_written() {
        assert_eq!(TextPattern::new("usr/**/x").as_str(), "usr/**/x");
    }

    #[test]
    fn a_version_that_is_asked_for_must_be_there() {
        let pattern = PurlPattern::parse("pkg:cargo/foo@1.2.*").expect("pattern");
        assert!(pattern.matches(&purl("pkg:cargo/foo@1.2.3")));
        for text in [
            "pkg:cargo/foo",
            "pkg:cargo/foo@1.20.3",
            "pkg:cargo/foobar@1.2.3",
            "pkg:npm/foo@1.2.3",
        ] {
            assert!(!pattern.matches(&purl(text)), "{text}");
        }
    }

    #[test]
    fn a_missing_namespace_or_qualifier_never_widens_a_match() {
        let bare = PurlPattern::parse("pkg:deb/bash").expect("pattern");
        assert!(!bare.matches(&purl("pkg:deb/debian/bash@5")));
        let arch = PurlPattern::parse("pkg:deb/debian/bash?arch=amd64").expect("pattern");
        assert!(arch.matches(&purl("pkg:deb/debian/bash@5?arch=amd64&distro=debian-12")));
        assert!(!arch.matches(&purl("pkg:deb/debian/bash@5")));
        assert!(!arch.matches(&purl("pkg:deb/debian/bash@5?arch=arm64")));
    }

    #[test]
    fn scopes_may_be_written_with_or_without_escapes() {
        for text in ["pkg:npm/@acme/*", "pkg:npm/%40acme/*@*"] {
            let pattern = PurlPattern::parse(text).expect("pattern");
            assert!(pattern.matches(&purl("pkg:npm/%40acme/x@1.0.0")), "{text}");
            assert!(!pattern.matches(&purl("pkg:npm/x@1.0.0")), "{text}");
        }
    }

    #[test]
    fn the_type_is_never_a_wildcard() {
        assert!(PurlPattern::parse("pkg:*/foo").is_err());
        assert!(PurlPattern::parse("*").is_err());
    }

    #[test]
    fn one_star_stays_in_its_segment_and_two_do_not() {
        for (pattern, text, expected) in [
            ("/usr/local/bin/*", "/usr/local/bin/x", true),
            ("/usr/local/bin/*", "/usr/local/bin/a/x", false),
            ("/usr/**", "/usr/local/bin/x", true),
            ("/usr/**/x", "/usr/local/bin/x", true),
            ("**/x*y", "/a/x/xzy", true),
            ("**/x*y", "/a/x/z/y", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("", "", true),
            ("*", "", true),
            ("*", "/", false),
            ("**", "/", true),
        ] {
            assert_eq!(TextPattern::new(pattern).matches(text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_do_not_take_long() {
        let pattern = TextPattern::new("*a".repeat(200));
        assert!(!pattern.matches(&"a".repeat(100_000).replace('a', "ab")));
    }
}
