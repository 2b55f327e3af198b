//! What yarn and pnpm call a package and its range or version: `@babel/core@^7`.

/// `@babel/core` and `^7` of `@babel/core@^7`.
pub(super) fn name_and_range(pattern: &str) -> Option<(&str, &str)> {
    let first = pattern.chars().next()?.len_utf8();
    let at = first + pattern[first..].find('@')?;
    Some((&pattern[..at], &pattern[at + 1..]))
}

/// True for a range that a folder of the tree is not asked for by: `^1.2`, `npm:^1.2`, a tag, nothing.
pub(super) fn is_published(range: &str) -> bool {
    let local = ["file:", "link:", "portal:", "workspace:", ".", "/", "~/"];
    !local.iter().any(|local| range.starts_with(local))
}

#[cfg(test)]
mod tests {
    use super::name_and_range;

    #[test]
    fn a_name_ends_at_the_first_at_sign_behind_its_scope_whatever_letters_it_has() {
        for (key, expected) in [
            ("a@1.0.0", Some(("a", "1.0.0"))),
            ("@scope/a@1.0.0", Some(("@scope/a", "1.0.0"))),
            ("é@1.0.0", Some(("é", "1.0.0"))),
            ("é", None),
            ("@", None),
            ("", None),
        ] {
            assert_eq!(name_and_range(key), expected, "{key}");
        }
    }
}
