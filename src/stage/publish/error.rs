//! Why nothing was published, or an image is not to be trusted.

use std::path::PathBuf;

use crate::io::files::FileError;
use crate::io::oci_layout::LayoutError;
use crate::io::registry::RegistryError;
use crate::model::digest::Digest;
use crate::model::exit_kind::ExitKind;

use super::sign::{Refusal, SignError};

/// Why nothing was published, or an image is not to be trusted.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[expect(missing_docs, reason = "the message says what each value is")]
pub enum PublishError {
    #[error(transparent)]
    #[diagnostic(transparent)]
    Registry(#[from] RegistryError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Layout(#[from] LayoutError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Sign(#[from] SignError),
    /// An invalid tag.
    #[error("`{tag}` is no tag")]
    #[diagnostic(
        code(publish::tag),
        help("a tag is at most 128 letters, digits, `_`, `.` and `-`, and begins with a letter, a digit or `_`")
    )]
    TagName { tag: String },
    /// A tag names another image already.
    #[error("tag {tag} of {place} names {found} already, and this image is {ours}")]
    #[diagnostic(
        code(publish::tag_taken),
        help(
            "a tag never moves. If both were built from this commit, the build is not reproducible: compare the two digests; otherwise commit, and publish that commit"
        )
    )]
    TagTaken {
        tag: String,
        place: String,
        /// The digest that was to be published.
        ours: Digest,
        /// The digest that is there.
        found: Digest,
    },
    /// The destination lost what it had taken.
    #[error("{place} did not keep {what}: it has {found}")]
    #[diagnostic(
        code(publish::not_kept),
        help("nothing was tagged that is incomplete unless this is the manifest itself; publish again")
    )]
    NotKept {
        /// `blob sha256:…`.
        what: String,
        place: String,
        /// What is there instead.
        found: String,
    },
    /// The disk of the repository is full.
    #[error("the disk of the repository is full")]
    #[diagnostic(
        code(publish::disk_full),
        help("make room where {} lies, or name another place in [image] repository; no tag names what is incomplete", folder.display())
    )]
    RepositoryFull {
        /// The layout that could not take it all.
        folder: PathBuf,
        source: FileError,
    },
    /// A form of image that has no room for attestations.
    #[error("{image} can hold no attestations")]
    #[diagnostic(code(publish::verify), help("name the image by registry:REPOSITORY@sha256:… or oci:DIR"))]
    NoAttestationsThere { image: String },
    /// Nothing says that the image was judged.
    #[error("{digest} in {place} has no attested verdict{}", others(*referrers))]
    #[diagnostic(
        code(publish::no_verdict),
        help("is this the digest that was published? `portcullis publish` judges, publishes and attests, with a key")
    )]
    NoVerdict {
        digest: Digest,
        place: String,
        /// How many other things refer to it.
        referrers: usize,
    },
    /// It was judged, but what is asked for was not attested with the verdict.
    #[error("{digest} in {place} has no attested {what}")]
    #[diagnostic(
        code(publish::not_attested),
        help("`portcullis publish` attests findings and inventory beside the verdict; publish the image again, or name a verdict.json")
    )]
    NotAttested {
        digest: Digest,
        place: String,
        /// `findings`, `inventory`.
        what: &'static str,
    },
    /// There are verdicts, signed by other keys.
    #[error("no verdict on {digest} is signed by {expected}; found: {}", ids(found))]
    #[diagnostic(
        code(publish::other_key),
        help("is this the right public key, or the right identity? Otherwise somebody else attested the image")
    )]
    OtherKey {
        digest: Digest,
        expected: String,
        /// The keys that the attestations name, unverified.
        found: Vec<String>,
    },
    /// The envelope names our key, and its signature does not hold.
    #[error("attestation {attestation} was altered after it was signed: {reason}")]
    #[diagnostic(
        code(publish::altered),
        help("do not use the image: somebody changed its evidence, or it was damaged")
    )]
    Altered {
        attestation: Digest,
        /// What does not hold.
        reason: String,
    },
    /// A keyless signature by whom it should be, as it says itself, of which something does not hold.
    #[error("attestation {attestation} is not proven: {refusal}")]
    #[diagnostic(
        code(publish::unproven),
        help(
            "a keyless signature counts with all of it: a timestamp, a certificate of the trusted root with its log, the signer, the entry in the log"
        )
    )]
    Unproven { attestation: Digest, refusal: Refusal },
    /// A good signature over a statement about something else.
    #[error("attestation {attestation} is about {found}, not about {digest}")]
    #[diagnostic(
        code(publish::other_subject),
        help("it was copied from another image: the signature is good, but says nothing of this one")
    )]
    OtherSubject {
        attestation: Digest,
        digest: Digest,
        /// What it is about.
        found: String,
    },
    /// Something that cannot be read as an attestation.
    #[error("attestation {attestation} cannot be read: {reason}")]
    #[diagnostic(code(publish::malformed))]
    Malformed { attestation: Digest, reason: String },
    /// The key signed it, so it may be a verdict against the image, and nobody knows what it says.
    #[error("attestation {attestation} is signed by the key and cannot be read: {reason}")]
    #[diagnostic(
        code(publish::unread),
        help(
            "it may be the newest verdict: a newer portcullis may read it, and a new verdict that is signed takes its place where its time can be told"
        )
    )]
    Unread { attestation: Digest, reason: String },
    /// A keyless signature by whom it should be: it may be a verdict against the image, and something of it cannot be proven.
    #[error("attestation {attestation} is signed by the identity and cannot be proven: {refusal}")]
    #[diagnostic(
        code(publish::unread),
        help(
            "it may be the newest verdict: is the trusted root up to date? A newer portcullis may know more; otherwise judge and publish anew, and take it off the list of referrers"
        )
    )]
    Doubtful { attestation: Digest, refusal: Refusal },
    /// It is listed among what refers to the image, and is not there: it may be a verdict against the image.
    #[error("attestation {attestation} is listed and cannot be had")]
    #[diagnostic(
        code(publish::unfetched),
        help("take it off the list of referrers, or put it back: whatever is listed may be the newest verdict")
    )]
    Unfetched { attestation: Digest, source: RegistryError },
    /// The newest verdict is not cleared.
    #[error("the verdict on {digest} of {evaluated_at} is {decision}")]
    #[diagnostic(
        code(publish::not_cleared),
        help("see the findings of that run; an older verdict does not count beside a newer one")
    )]
    NotCleared {
        digest: Digest,
        /// The decision, or the result of the verification summary.
        decision: String,
        /// When it was judged.
        evaluated_at: jiff::Timestamp,
    },
    /// Judged by another policy.
    #[error("{digest} was judged by another policy: {name} with digest {found}, expected {expected}")]
    #[diagnostic(
        code(publish::other_policy),
        help("judge the image again with the policy that is expected: `{again}`")
    )]
    OtherPolicy {
        digest: Digest,
        /// The digest that must be.
        expected: Digest,
        /// The digest in the verdict.
        found: String,
        /// The policy's name in the verdict.
        name: String,
        /// The command that judges it by the policy that is asked for.
        again: String,
    },
    /// Judged for another service.
    #[error("no verdict on {digest} is about the service {expected}; found: {}", found.join(", "))]
    #[diagnostic(
        code(publish::other_service),
        help("a verdict counts for the service that it names: is `name` in [service] the one that the image was published with?")
    )]
    OtherService {
        digest: Digest,
        /// The service that is expected.
        expected: String,
        /// The services that the verdicts name.
        found: Vec<String>,
    },
    /// More things refer to the image than are looked at.
    #[error("{count} things refer to {digest} in {place}, and {limit} are looked at: one of the others could be a verdict against it")]
    #[diagnostic(
        code(publish::referrers),
        help("delete what does not belong there; whoever may write to the repository can hide a verdict in a crowd")
    )]
    TooManyReferrers {
        digest: Digest,
        place: String,
        /// How many there are.
        count: usize,
        /// How many are looked at.
        limit: usize,
    },
    /// A registry had the verdict in its list of referrers, and there is no list here.
    #[error(
        "{place} gives no list of what refers to {digest}, and {listed_by} gave one when the verdict of {evaluated_at} was published: a newer verdict may stand in it"
    )]
    #[diagnostic(
        code(publish::list_gone),
        help(
            "ask again when the registry, and what stands before it (a proxy, a cache, a page for maintenance), answers as it did, or by the name that the image was published under; if it has given up its lists for good, or this is a copy in another one that has none, judge and publish the image there ([image] also)"
        )
    )]
    ListGone {
        digest: Digest,
        place: String,
        /// The repository that had it in its list.
        listed_by: String,
        /// When the verdict was reached that knows of the list.
        evaluated_at: jiff::Timestamp,
    },
    /// A registry had the verdict in its list of referrers, and the list here lacks it.
    #[error(
        "the list that {place} gives of what refers to {digest} lacks the verdict of {evaluated_at} (attestation {attestation}), which {listed_by} had in it when it was published: a newer verdict may be missing, too"
    )]
    #[diagnostic(
        code(publish::list_short),
        help(
            "ask again when the registry, and what stands before it (a proxy, a cache), answers as it did, or by the name that the image was published under; if it lost what it lists, or this is a copy that lists nothing, judge and publish the image there ([image] also)"
        )
    )]
    ListShort {
        digest: Digest,
        place: String,
        /// What the list lacks, found under the tag.
        attestation: Digest,
        /// The repository that had it in its list.
        listed_by: String,
        /// When the verdict was reached that knows of the list.
        evaluated_at: jiff::Timestamp,
    },
    /// Something of ours that JSON cannot hold: a bug, and nothing was signed.
    #[error("what is to be signed is not JSON")]
    #[diagnostic(code(publish::serialization))]
    Serialization(#[from] serde_json::Error),
    /// Too long ago.
    #[error("the verdict on {digest} is too old: judged at {evaluated_at}, {age} ago, and {limit} is allowed")]
    #[diagnostic(code(publish::stale), help("judge the image against today's advisories: `{again}`"))]
    Stale {
        digest: Digest,
        /// When it was judged.
        evaluated_at: jiff::Timestamp,
        /// How long ago: `3 days`.
        age: String,
        /// How long is allowed.
        limit: String,
        /// The command that judges it by the policy that is asked for.
        again: String,
    },
    /// What it does not count any more is back.
    #[error("the verdict on {digest} rests on a waiver that ended on {until} (UTC)")]
    #[diagnostic(
        code(publish::waiver_ended),
        help("what it covered is back: mend it or renew the waiver, and judge the image anew: `{again}`")
    )]
    WaiverEnded {
        digest: Digest,
        /// The last day on which it held.
        until: jiff::civil::Date,
        /// The command that judges it by the policy that is asked for.
        again: String,
    },
    /// Judged in the future.
    #[error("the verdict on {digest} says that it was reached at {evaluated_at}, which is in the future")]
    #[diagnostic(code(publish::future), help("is the clock of this machine right?"))]
    Future {
        digest: Digest,
        /// When it says it was judged.
        evaluated_at: jiff::Timestamp,
    },
    /// Somebody asked to stop.
    #[error("interrupted; nothing was tagged")]
    #[diagnostic(code(publish::interrupted))]
    Interrupted,
}

/// What attestations call their keys. The digest of a public key says that it is one: alone it looks like a secret.
fn ids(found: &[String]) -> String {
    let is_digest = |id: &String| id.len() == 44 && id.ends_with('=');
    let said = |id: &String| if is_digest(id) { format!("SHA256:{id}") } else { id.clone() };
    found.iter().map(said).collect::<Vec<_>>().join(", ")
}

/// What judges an image again by the configuration's own policy.
pub(super) const JUDGE_AGAIN: &str = "portcullis publish";

impl PublishError {
    /// The same, where what judges the image again is another command than `portcullis publish` alone: it was asked about another policy.
    #[must_use]
    pub fn judged_again_by(mut self, command: &str) -> Self {
        if let Self::OtherPolicy { again, .. } | Self::Stale { again, .. } | Self::WaiverEnded { again, .. } = &mut self {
            command.clone_into(again);
        }
        self
    }

    /// How the run ends. A tag that is taken and an image that cannot be trusted fail closed, with 2: nothing was decided against the
    /// image's content (that would be 1), and nothing was rolled out (that would be 12).
    #[must_use]
    pub fn exit_kind(&self) -> ExitKind {
        match self {
            Self::Registry(error) => error.exit_kind(),
            Self::Layout(error) => error.exit_kind(),
            Self::File(error) => error.exit_kind(),
            Self::Sign(error) => error.exit_kind(),
            Self::TagName { .. } | Self::NoAttestationsThere { .. } => ExitKind::Usage,
            Self::Interrupted => ExitKind::Interrupted,
            _ => ExitKind::Undecidable,
        }
    }

    /// True when the image was looked at and is not to be trusted: a rollout refuses it (12).
    #[must_use]
    pub const fn is_distrust(&self) -> bool {
        matches!(
            self,
            Self::NoVerdict { .. }
                | Self::NotAttested { .. }
                | Self::OtherKey { .. }
                | Self::Altered { .. }
                | Self::Unproven { .. }
                | Self::OtherSubject { .. }
                | Self::Malformed { .. }
                | Self::Unread { .. }
                | Self::Doubtful { .. }
                | Self::Unfetched { .. }
                | Self::NotCleared { .. }
                | Self::OtherPolicy { .. }
                | Self::OtherService { .. }
                | Self::TooManyReferrers { .. }
                | Self::ListGone { .. }
                | Self::ListShort { .. }
                | Self::Stale { .. }
                | Self::WaiverEnded { .. }
                | Self::Future { .. }
        )
    }
}

fn others(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => " (one other thing refers to it)".to_owned(),
        count => format!(" ({count} other things refer to it)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_old_for_another_policy_is_judged_again_by_that_policy() {
        let help = |error: &PublishError| miette::Diagnostic::help(error).map(|help| help.to_string()).unwrap_or_default();
        let ended = PublishError::WaiverEnded {
            digest: Digest::from_bytes([1; 32]),
            until: jiff::civil::date(2026, 11, 20),
            again: JUDGE_AGAIN.to_owned(),
        };
        assert!(help(&ended).ends_with("`portcullis publish`"));
        let again = ended.judged_again_by("portcullis publish --policy strict");
        assert!(help(&again).ends_with("`portcullis publish --policy strict`"));
    }

    #[test]
    fn a_folder_that_is_no_layout_is_a_usage_error_and_a_damaged_one_undecidable() {
        let of = |error: LayoutError| PublishError::from(error).exit_kind();
        let dir = std::path::PathBuf::from("d");
        let reason = "no index.json".to_owned();
        assert_eq!(of(LayoutError::NotALayout { dir: dir.clone(), reason }), ExitKind::Usage);
        assert_eq!(
            of(LayoutError::WrongSize {
                path: dir,
                expected: 1,
                found: 2
            }),
            ExitKind::Undecidable
        );
    }
}
