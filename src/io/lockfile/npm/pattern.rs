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

/// The published packages that somebody asks for by a name and a range: `x` of `a` with `npm:x@^1`, the name itself of any other range. What stands behind
/// `npm:` without a range is a package to npm, and a tag of the name to yarn.
pub(super) fn published<'a>(name: &'a str, range: Option<&'a str>) -> Vec<&'a str> {
    let Some(real) = range.and_then(|range| range.strip_prefix("npm:")) else {
        return vec![name];
    };
    match name_and_range(real) {
        Some((real, _)) => vec![real],
        None if real.starts_with('@') => vec![real],
        None if real.starts_with(|first: char| first.is_ascii_alphabetic()) && real != "latest" => vec![name, real],
        None => vec![name],
    }
}

#[cfg(test)]
mod tests {
    use super::{name_and_range, published};

    #[test]
    fn an_alias_asks_for_the_package_that_it_names() {
        for (range, expected) in [
            (None, &["a"][..]),
            (Some("^1"), &["a"]),
            (Some("npm:^1"), &["a"]),
            (Some("npm:latest"), &["a"]),
            (Some("npm:x@^1"), &["x"]),
            (Some("npm:@s/x@^1"), &["@s/x"]),
            (Some("npm:@s/x"), &["@s/x"]),
            (Some("npm:x"), &["a", "x"]),
        ] {
            assert_eq!(published("a", range), expected, "{range:?}");
        }
    }

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
