//! Failures that nobody would miss, each with its reason on the line.
//!
//! A failure that becomes `None`, a default or nothing is how a gate says "clean" of what it never saw. So `Result::ok`,
//! `Result::unwrap_or_default` and `let _ =` on a result are refused by the lints (`clippy.toml`), and what is right to leave out goes through here.

/// A result whose failure means nothing, as the words given say: `text.parse().or_none("no number: not a version")`.
pub(crate) trait Excused<T>: Sized {
    /// The value, if there is one.
    fn or_none(self, why: &'static str) -> Option<T>;

    /// The value, or the default one.
    fn or_empty(self, why: &'static str) -> T
    where
        T: Default,
    {
        self.or_none(why).unwrap_or_default()
    }

    /// Nothing, whatever came of it.
    fn dismissed(self, why: &'static str) {
        drop(self.or_none(why));
    }
}

impl<T, E> Excused<T> for Result<T, E> {
    #[expect(clippy::disallowed_methods, reason = "its one home: the reason is an argument here")]
    fn or_none(self, _why: &'static str) -> Option<T> {
        self.ok()
    }
}
