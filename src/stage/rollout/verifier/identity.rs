//! Which version an answer names.

use std::collections::BTreeSet;

use crate::model::digest::Digest;
use crate::model::health::Answered;

use crate::stage::rollout::release::Release;

/// What tells a version apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::stage::rollout) struct Identity {
    pub(in crate::stage::rollout) digest: Digest,
    pub(in crate::stage::rollout) commit: Option<String>,
}

impl From<&Release> for Identity {
    fn from(release: &Release) -> Self {
        Self {
            digest: release.digest,
            commit: release.commit.clone(),
        }
    }
}

/// Reads a header's value, a JSON document or plain text: the digest or the full commit as a whole word. The digest decides before
/// the commit, because one commit can be built into two images. A text that names several digests, or several commits, names none: which of
/// them is the one that answers, nobody knows.
pub(super) fn which(text: &str, new: &Identity, old: Option<&Identity>) -> Answered {
    let is_commit = |word: &str| {
        [Some(new), old]
            .into_iter()
            .flatten()
            .any(|known| known.commit.as_deref() == Some(word))
    };
    let named: BTreeSet<&str> = words(text).filter(|word| is_id(word) || is_commit(word)).collect();
    let (digests, commits): (Vec<&str>, Vec<&str>) = named.into_iter().partition(|word| word.len() == 64 && !is_commit(word));
    let is = |identity: &Identity, word: &str| identity.digest.hex() == word || identity.commit.as_deref() == Some(word);
    let ids = if digests.is_empty() { commits } else { digests };
    match ids.as_slice() {
        [only] if is(new, only) => Answered::New,
        [only] if old.is_some_and(|old| is(old, only)) => Answered::Old,
        _ => Answered::Unknown,
    }
}

/// A digest's or a commit's form: SHA-256 or SHA-1 in hexadecimal digits.
fn is_id(word: &str) -> bool {
    matches!(word.len(), 40 | 64) && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// True when a text names a release.
pub(in crate::stage::rollout) fn names(text: &str, release: &Release) -> bool {
    which(text, &Identity::from(release), None) == Answered::New
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(digest: u8, commit: char) -> Identity {
        Identity {
            digest: Digest::from_bytes([digest; 32]),
            commit: Some(commit.to_string().repeat(40)),
        }
    }

    #[test]
    fn the_commit_or_the_digest_counts_only_as_a_whole_word() {
        let (new, old) = (identity(1, 'a'), identity(2, 'b'));
        let a = "a".repeat(40);
        let b = "b".repeat(40);
        let which = |text: &str| which(text, &new, Some(&old));
        assert_eq!(which(&a), Answered::New);
        assert_eq!(which(&format!("{{\"commit\":\"{a}\"}}")), Answered::New);
        assert_eq!(which(&new.digest.to_string()), Answered::New);
        assert_eq!(which(&b), Answered::Old);
        assert_eq!(which(&old.digest.to_string()), Answered::Old);
        assert_eq!(which(&format!("{a}a")), Answered::Unknown);
        assert_eq!(which(&a[..12]), Answered::Unknown);
        assert_eq!(which(""), Answered::Unknown);
    }

    #[test]
    fn an_answer_that_names_another_version_too_names_none() {
        let (new, old) = (identity(1, 'a'), identity(2, 'b'));
        let which = |text: &str| which(text, &new, Some(&old));
        let other = Digest::from_bytes([9; 32]);
        for text in [
            format!("{{\"version\":\"{other}\",\"next\":\"{}\"}}", new.digest),
            format!("{}, {}", old.digest, new.digest),
            format!("{other} {}", "a".repeat(40)),
            format!("{} {}", "c".repeat(40), "a".repeat(40)),
            format!("{} {}", "b".repeat(40), "a".repeat(40)),
        ] {
            assert_eq!(which(&text), Answered::Unknown, "{text}");
        }
        // The control: the same one twice, and what is no id.
        let twice = format!("{0} {0} {1} 0123456789abcdef", new.digest, "a".repeat(40));
        assert_eq!(which(&twice), Answered::New);
    }

    #[test]
    fn two_images_of_one_commit_are_told_apart_by_their_digests() {
        let (new, old) = (identity(1, 'a'), identity(2, 'a'));
        let text = format!("{} {}", "a".repeat(40), old.digest);
        assert_eq!(which(&text, &new, Some(&old)), Answered::Old);
    }
}
