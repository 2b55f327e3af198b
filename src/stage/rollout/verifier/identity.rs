//! Which version an answer names.

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
/// the commit, because one commit can be built into two images.
pub(super) fn which(text: &str, new: &Identity, old: Option<&Identity>) -> Answered {
    let has = |word: &str| words(text).any(|candidate| candidate == word);
    if has(&new.digest.hex()) {
        return Answered::New;
    }
    if old.is_some_and(|old| has(&old.digest.hex())) {
        return Answered::Old;
    }
    let commit = |identity: &Identity| identity.commit.as_deref().is_some_and(&has);
    if commit(new) {
        Answered::New
    } else if old.is_some_and(commit) {
        Answered::Old
    } else {
        Answered::Unknown
    }
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
    fn two_images_of_one_commit_are_told_apart_by_their_digests() {
        let (new, old) = (identity(1, 'a'), identity(2, 'a'));
        let text = format!("{} {}", "a".repeat(40), old.digest);
        assert_eq!(which(&text, &new, Some(&old)), Answered::Old);
    }
}
