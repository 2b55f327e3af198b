//! Names of Python's packages as PEP 503 compares them.

use std::borrow::Cow;

/// A name in lower case, each run of `-`, `_` and `.` one hyphen. Borrowed if it is so already.
#[must_use]
pub fn normal_name(name: &str) -> Cow<'_, str> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if name.bytes().all(plain) && !name.contains("--") {
        return Cow::Borrowed(name);
    }
    let mut normal = String::with_capacity(name.len());
    for c in name.chars() {
        if !matches!(c, '-' | '_' | '.') {
            normal.extend(c.to_lowercase());
        } else if !normal.ends_with('-') {
            normal.push('-');
        }
    }
    Cow::Owned(normal)
}

#[cfg(test)]
mod tests {
    use super::normal_name;

    #[test]
    fn names_that_pip_takes_for_one_are_one() {
        for name in ["Foo._Bar", "foo-bar", "FOO--bar", "foo_.bar"] {
            assert_eq!(normal_name(name), "foo-bar", "{name}");
        }
        assert_ne!(normal_name("foobar"), "foo-bar");
        assert_eq!(normal_name("-a.."), "-a-");
    }
}
