//! Statements among an image's referrers: found, opened with a key, and held against the digest.

use futures_util::{StreamExt, stream};
use serde_json::Value;
use tokio::sync::OnceCell;

use super::PublishError;
use super::artifact::{self, ArtifactManifest};
use super::attest::Statement;
use super::destination::OpenDestination;
use super::sign::{BUNDLE_MEDIA_TYPE, Bundle, EnvelopeError, VerifyingKey};
use crate::io::Effects;
use crate::io::limits::Limits;
use crate::io::oci::Refused;
use crate::io::registry::{Referrers, RegistryError};
use crate::model::digest::Digest;
use crate::model::excused::Excused as _;
use crate::model::image::Descriptor;
use crate::model::visible::shortened;

/// Referrers that are fetched at the same time.
const PARALLEL: usize = 8;

/// Where to look, for what, and whom to believe.
pub(super) struct Search<'a> {
    place: &'a OpenDestination,
    digest: &'a Digest,
    key: &'a VerifyingKey,
    effects: &'a Effects,
    /// Asked for once.
    referrers: OnceCell<Referrers>,
}

/// How the content of a statement is read.
type Read<T> = fn(Value) -> Result<T, serde_json::Error>;

/// What a search gave.
pub(super) struct Found<T> {
    /// Each statement with the manifest of its attestation, in the registry's order, which means nothing.
    pub(super) statements: Vec<(Digest, T)>,
    /// How many things refer to the image at all.
    pub(super) referrers: usize,
    /// The keys of statements that other keys signed, as the bundles name them, unverified.
    pub(super) other_keys: Vec<String>,
    /// What is not to be trusted, and why: nothing of it counted.
    pub(super) distrusted: Vec<String>,
}

impl<'a> Search<'a> {
    pub(super) fn new(place: &'a OpenDestination, digest: &'a Digest, key: &'a VerifyingKey, effects: &'a Effects) -> Self {
        Self {
            place,
            digest,
            key,
            effects,
            referrers: OnceCell::new(),
        }
    }

    /// Everything that refers to the image, and who lists it.
    pub(super) async fn referrers(&self) -> Result<&Referrers, PublishError> {
        let asked = || self.place.referrers(self.digest, self.effects);
        self.referrers.get_or_try_init(asked).await
    }

    /// The image was judged, and this was not attested with the verdict.
    pub(super) fn not_attested(&self, what: &'static str) -> PublishError {
        PublishError::NotAttested {
            digest: *self.digest,
            place: self.place.name(),
            what,
        }
    }

    /// Nothing here says that the image was judged.
    pub(super) fn no_verdict(&self, referrers: usize) -> PublishError {
        PublishError::NoVerdict {
            digest: *self.digest,
            place: self.place.name(),
            referrers,
        }
    }

    /// Every statement of a kind that the key signed: all that refers to the image is looked at, and what cannot be fetched is an error, since
    /// it could be a verdict against the image. Where there is no statement and others are not to be trusted, that is the error.
    pub(super) async fn all<T>(&self, kind: &str, read: Read<T>) -> Result<Found<T>, PublishError> {
        let referrers = &self.referrers().await?.list;
        if referrers.len() > Limits::REFERRERS {
            return Err(PublishError::TooManyReferrers {
                digest: *self.digest,
                place: self.place.name(),
                count: referrers.len(),
                limit: Limits::REFERRERS,
            });
        }
        self.opened(referrers.iter().collect(), kind, read).await
    }

    /// The same among those of which the list itself does not say that they are something else: quicker, and not for a decision that rests on
    /// having seen all.
    pub(super) async fn listed<T>(&self, kind: &str, read: Read<T>) -> Result<Found<T>, PublishError> {
        let referrers = self.referrers().await?.list.iter();
        self.opened(
            referrers.filter(|d| artifact::may_be(d, kind)).take(Limits::REFERRERS).collect(),
            kind,
            read,
        )
        .await
    }

    async fn opened<T>(&self, referrers: Vec<&Descriptor>, kind: &str, read: Read<T>) -> Result<Found<T>, PublishError> {
        let mut found = Found {
            statements: Vec::new(),
            referrers: referrers.len(),
            other_keys: Vec::new(),
            distrusted: Vec::new(),
        };
        let mut distrust: Option<PublishError> = None;
        let mut opened = stream::iter(referrers)
            .map(|referrer| async move { (referrer.digest, self.open(referrer, kind, read).await) })
            .buffered(PARALLEL);
        while let Some((digest, opened)) = opened.next().await {
            match opened {
                Ok(Opened::Statement(content)) => found.statements.push((digest, content)),
                Ok(Opened::OtherPredicate) => {}
                Ok(Opened::OtherKey(name)) => found.other_keys.push(name),
                // Our key signed it, and nobody knows what it says: a verdict against the image must not be passed over.
                Err(error @ PublishError::Unread { .. }) => return Err(error),
                // Seen, and nothing that our key signed about this: it counts when there is no good one.
                Err(error) if error.is_distrust() => {
                    found.distrusted.push(error.to_string());
                    distrust = distrust.or(Some(error));
                }
                Err(error) => return Err(error),
            }
        }
        match distrust {
            _ if !found.statements.is_empty() => Ok(found),
            Some(error) => Err(error),
            None if !found.other_keys.is_empty() => Err(PublishError::OtherKey {
                digest: *self.digest,
                expected: self.key.name(),
                found: found.other_keys,
            }),
            None => Ok(found),
        }
    }

    /// What each referrer is, by type, and whose: for people. Nothing is decided by it.
    pub(super) async fn survey(&self) -> Result<Vec<(String, Whose)>, PublishError> {
        let referrers = self.referrers().await?.list.iter().take(Limits::REFERRERS);
        let seen = stream::iter(referrers)
            .map(|referrer| self.look(referrer))
            .buffered(PARALLEL)
            .collect::<Vec<Result<(String, Whose), PublishError>>>();
        seen.await.into_iter().collect()
    }

    async fn look(&self, referrer: &Descriptor) -> Result<(String, Whose), PublishError> {
        let manifest = self.place.manifest(&referrer.digest, self.effects).await?;
        let parsed = ArtifactManifest::parse(&manifest);
        let named = parsed
            .as_ref()
            .or_none("what cannot be read is told as something that nobody signed")
            .and_then(ArtifactManifest::predicate_type)
            .unwrap_or("something")
            .to_owned();
        Ok(match self.open_any(referrer.digest, parsed, None).await {
            Ok(Opened::Statement(statement)) => (statement.predicate_type, Whose::Ours),
            Ok(Opened::OtherKey(hint)) => (named, Whose::Others(hint)),
            Ok(Opened::OtherPredicate) => (named, Whose::Unsigned),
            Err(error) if error.is_distrust() => (named, Whose::Nobodys(error.to_string())),
            Err(error) => return Err(error),
        })
    }

    async fn open<T>(&self, candidate: &Descriptor, kind: &str, read: Read<T>) -> Result<Opened<T>, PublishError> {
        let attestation = candidate.digest;
        let manifest = self.place.manifest(&attestation, self.effects).await?;
        let statement = match self.open_any(attestation, ArtifactManifest::parse(&manifest), Some(kind)).await? {
            Opened::Statement(statement) => statement,
            Opened::OtherPredicate => return Ok(Opened::OtherPredicate),
            Opened::OtherKey(hint) => return Ok(Opened::OtherKey(hint)),
        };
        let content = read(statement.predicate).map_err(|e| PublishError::Malformed {
            attestation,
            reason: format!("its predicate: {e}"),
        })?;
        Ok(Opened::Statement(content))
    }

    /// The statement in a manifest's bundle, if the key signed it, it is about the digest, and of the kind (where one is asked for).
    async fn open_any(
        &self,
        attestation: Digest,
        manifest: Result<ArtifactManifest, Refused>,
        kind: Option<&str>,
    ) -> Result<Opened<Statement>, PublishError> {
        let malformed = |reason: String| PublishError::Malformed { attestation, reason };
        let manifest = manifest.map_err(|e| malformed(e.to_string()))?;
        if kind.is_some_and(|kind| !manifest.may_hold(kind)) {
            return Ok(Opened::OtherPredicate);
        }
        let Some(layer) = manifest.layers.iter().find(|l| l.media_type == BUNDLE_MEDIA_TYPE) else {
            return Ok(Opened::OtherPredicate);
        };
        let bundle = self.place.blob(layer, self.effects.limits.sbom).await?;
        let bundle = Bundle::parse(&bundle).map_err(|e| malformed(format!("its bundle: {e}")))?;
        let payload = match bundle.envelope().open(self.key) {
            Ok(payload) => payload,
            Err(EnvelopeError::Signature(_)) if bundle.hint().is_none_or(|hint| hint != self.key.hint()) => {
                let hint = bundle.hint().unwrap_or("a key without a name");
                return Ok(Opened::OtherKey(shortened(hint, 64)));
            }
            Err(error) => {
                return Err(PublishError::Altered {
                    attestation,
                    reason: error.to_string(),
                });
            }
        };
        let unread = |reason: String| PublishError::Unread { attestation, reason };
        let statement = Statement::parse(&payload).map_err(unread)?;
        if let Some(kind) = kind.filter(|kind| statement.predicate_type != **kind) {
            return match statement.is_version_of(kind) && statement.may_be_about(self.digest) {
                true => Err(unread(format!(
                    "it is of another version, {}",
                    shortened(&statement.predicate_type, 100)
                ))),
                false => Ok(Opened::OtherPredicate),
            };
        }
        if !statement.is_about(self.digest) {
            if statement.may_be_about(self.digest) {
                return Err(unread("its subject is spelt in another way".to_owned()));
            }
            return Err(PublishError::OtherSubject {
                attestation,
                digest: *self.digest,
                found: statement.subjects(),
            });
        }
        Ok(Opened::Statement(statement))
    }
}

/// Who vouches for a statement.
pub(super) enum Whose {
    /// The key that is asked for.
    Ours,
    /// Another key, as the bundle names it.
    Others(String),
    /// Nobody: it is no signed bundle.
    Unsigned,
    /// It is not to be trusted, for this reason.
    Nobodys(String),
}

enum Opened<T> {
    Statement(T),
    OtherPredicate,
    OtherKey(String),
}

/// Content that does not hold together, as opposed to a registry that does not answer.
pub(super) fn is_bad_content(error: &PublishError) -> bool {
    match error {
        PublishError::Layout(_) => true,
        PublishError::Registry(error) => matches!(
            error,
            RegistryError::WrongDigest { .. }
                | RegistryError::WrongSize { .. }
                | RegistryError::TooLarge { .. }
                | RegistryError::Missing { .. }
        ),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_that_does_not_hold_together_is_not_a_registry_that_does_not_answer() {
        let digest = Digest::from_bytes([1; 32]);
        let url = || "https://registry.example/v2/a/blobs/x".to_owned();
        let of = |error: RegistryError| is_bad_content(&PublishError::Registry(error));
        assert!(of(RegistryError::WrongDigest {
            url: url(),
            expected: digest,
            found: Digest::from_bytes([2; 32]),
        }));
        assert!(of(RegistryError::WrongSize {
            url: url(),
            expected: 1,
            found: 2,
        }));
        assert!(of(RegistryError::TooLarge { url: url(), limit: 1 }));
        assert!(of(RegistryError::Missing {
            what: format!("blob {digest}"),
            repository: "registry.example/a".to_owned(),
        }));
        assert!(!of(RegistryError::Interrupted));
        assert!(!of(RegistryError::Offline {
            host: "registry.example".to_owned(),
        }));
    }
}
