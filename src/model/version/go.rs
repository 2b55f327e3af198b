//! Versions of Go itself (`1.24.4`, `1.25rc1`, `1.24beta1`), put as the semantic versions that its advisories are written in.
//! Source: the `go/version` package of Go's standard library.

use std::borrow::Cow;

/// The semantic version of a release of Go: `1.25.0-rc.1` of `go1.25rc1`. What a vendor or an experiment adds (`1.24.4-1`,
/// `1.24.2-X:nodwarf5`, `1.24.2 X:boringcrypto`, ` cl/123`) does not count, as `go/version` has it. A text of another form stays as it is.
#[must_use]
pub fn release(text: &str) -> Cow<'_, str> {
    parsed(text).map_or(Cow::Borrowed(text), Cow::Owned)
}

fn parsed(text: &str) -> Option<String> {
    let base = text.strip_prefix("go").unwrap_or(text);
    let base = base.split([' ', '-', '+']).next()?;
    let letters = base.find(|c: char| c.is_ascii_lowercase());
    let (numbers, pre) = base.split_at(letters.unwrap_or(base.len()));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let parts: Vec<&str> = numbers.split('.').collect();
    if !(1..=3).contains(&parts.len()) || !parts.iter().all(|part| is_number(part)) {
        return None;
    }
    let part = |at: usize| parts.get(at).copied().unwrap_or("0");
    let core = format!("{}.{}.{}", part(0), part(1), part(2));
    if pre.is_empty() {
        // A semantic version as advisories write it keeps its own prerelease.
        return (!text.contains("-rc.") && !text.contains("-beta.") && !text.ends_with("-0")).then_some(core);
    }
    let kind = ["rc", "beta", "alpha"]
        .into_iter()
        .find(|kind| pre.strip_prefix(kind).is_some_and(is_number))?;
    Some(format!("{core}-{kind}.{}", &pre[kind.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_of_go_become_semantic_versions() {
        for (text, expected) in [
            ("go1.24.4", "1.24.4"),
            ("1.25rc1", "1.25.0-rc.1"),
            ("go1.24beta1", "1.24.0-beta.1"),
            ("1.20", "1.20.0"),
            ("1.24.4-1", "1.24.4"),
            ("1.24.2-X:nodwarf5", "1.24.2"),
            ("1.24.2 X:boringcrypto", "1.24.2"),
            ("1.21.0 cl/567890", "1.21.0"),
            ("1.21rc2-vendor", "1.21.0-rc.2"),
            ("1.25.0-rc.2", "1.25.0-rc.2"),
            ("1.24.0-0", "1.24.0-0"),
            ("devel go1.26-abc", "devel go1.26-abc"),
            ("v0.17.0", "v0.17.0"),
        ] {
            assert_eq!(release(text), expected, "{text}");
        }
    }
}
