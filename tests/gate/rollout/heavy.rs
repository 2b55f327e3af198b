//! Tests that take long.

/// True when the long tests are wanted.
pub(super) fn heavy() -> bool {
    std::env::var_os("PORTCULLIS_HEAVY").is_some_and(|value| value == "1")
}
