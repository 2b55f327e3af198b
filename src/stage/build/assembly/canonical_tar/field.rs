//! What a field of a header has room for.

/// What octal digits in a field of 8, and of 12, can say.
pub(super) const SEVEN_DIGITS: u64 = 0o7_777_777;
pub(super) const ELEVEN_DIGITS: u64 = 0o77_777_777_777;

/// True for a name or a target that its field holds as every reader takes it.
pub(super) fn fits(text: &[u8]) -> bool {
    text.len() <= 100 && text.is_ascii()
}
