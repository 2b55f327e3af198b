//! Tags that do not move.

use super::PublishError;
use crate::model::digest::Digest;

/// What a destination has under a tag, against what is to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TagState {
    Free,
    /// It names our digest already.
    Ours,
}

/// Decides on one tag.
///
/// # Errors
/// [`PublishError::TagTaken`] when it names another digest, whatever tag it is: none that the gate writes may move.
pub(super) fn state(tag: &str, ours: &Digest, found: Option<Digest>, place: &str) -> Result<TagState, PublishError> {
    match found {
        None => Ok(TagState::Free),
        Some(found) if found == *ours => Ok(TagState::Ours),
        Some(found) => Err(PublishError::TagTaken {
            tag: tag.to_owned(),
            place: place.to_owned(),
            ours: *ours,
            found,
        }),
    }
}

/// Checks the names before anything is sent.
///
/// # Errors
/// [`PublishError::TagName`] for a text that the distribution specification does not allow.
pub(super) fn check_names(tags: &[String]) -> Result<(), PublishError> {
    match tags.iter().find(|tag| !is_tag(tag)) {
        Some(tag) => Err(PublishError::TagName {
            tag: tag.chars().take(150).collect(),
        }),
        None => Ok(()),
    }
}

/// `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`
fn is_tag(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    text.len() <= 128 && text.bytes().next().is_some_and(word) && text.bytes().all(|b| word(b) || matches!(b, b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha_tag_refuses_to_move() {
        let (ours, other) = (Digest::from_bytes([1; 32]), Digest::from_bytes([2; 32]));
        assert_eq!(state("t", &ours, None, "r").expect("free"), TagState::Free);
        assert_eq!(state("t", &ours, Some(ours), "r").expect("ours"), TagState::Ours);
        let error = state("t", &ours, Some(other), "r").expect_err("taken").to_string();
        assert!(error.contains(&ours.to_string()) && error.contains(&other.to_string()), "{error}");
    }

    #[test]
    fn a_tag_that_could_leave_its_place_is_refused() {
        for tag in ["", "../x", "a/b", ".a", "-a", "a b", "a:b", &"x".repeat(129)] {
            assert!(check_names(&[tag.to_owned()]).is_err(), "{tag}");
        }
        assert!(check_names(&["v1.2.3-rc.1_x".to_owned(), "0".repeat(40)]).is_ok());
    }
}
