//! The keys of pnpm's packages: `a@1.0.0(peer@2.0.0)`, with a slash in front in version 6, `/a/1.0.0_peer@2.0.0` in version 5.

/// `a@1.0.0` of `a@1.0.0(b@2.0.0)`.
pub(super) fn without_peers(key: &str) -> &str {
    key.split_once('(').map_or(key, |(bare, _)| bare)
}

/// `acorn-jsx` and `5.3.2` of `acorn-jsx/5.3.2_acorn@8.7.0`. A host may stand in front.
pub(super) fn of_version_5(key: &str) -> Option<(&str, &str)> {
    // The version is the last part that starts with a digit before the peers; an underscore may be part of the name.
    let (before, version) = key.match_indices('/').rev().find_map(|(at, _)| {
        let version = key[at + 1..].split('_').next()?;
        let peers_before = key[..at]
            .split('/')
            .any(|part| part.starts_with(|c: char| c.is_ascii_digit()) && part.contains('_'));
        (version.starts_with(|c: char| c.is_ascii_digit()) && !peers_before).then_some((&key[..at], version))
    })?;
    let scoped = before.rfind("/@").map_or(before.starts_with('@').then_some(0), |at| Some(at + 1));
    let start = scoped.or_else(|| before.rfind('/').map(|at| at + 1)).unwrap_or(0);
    Some((&before[start..], version)).filter(|(name, _)| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::of_version_5;

    #[test]
    fn keys_of_version_5_name_a_package_and_its_version() {
        for (key, expected) in [
            ("acorn-jsx/5.3.2_acorn@8.7.0", Some(("acorn-jsx", "5.3.2"))),
            ("@babel/core/7.1.0", Some(("@babel/core", "7.1.0"))),
            ("@babel/preset/7.1.0_@babel+core@7.1.0", Some(("@babel/preset", "7.1.0"))),
            ("lodash_x/1.0.0", Some(("lodash_x", "1.0.0"))),
            ("npm.example.org/a/1.0.0", Some(("a", "1.0.0"))),
            ("npm.example.org/@a/b/1.0.0", Some(("@a/b", "1.0.0"))),
            ("a", None),
        ] {
            assert_eq!(of_version_5(key), expected, "{key}");
        }
    }
}
