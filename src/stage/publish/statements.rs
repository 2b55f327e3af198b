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
use crate::io::registry::RegistryError;
use crate::model::digest::Digest;
use crate::model::image::Descriptor;

/// Referrers that are fetched at the same time.
const PARALLEL: usize = 8;

/// Where to look, for what, and whom to believe.
pub(super) struct Search<'a> {
    place: &'a OpenDestination,
    digest: &'a Digest,
    key: &'a VerifyingKey,
    effects: &'a Effects,
    /// Asked for once.
    referrers: OnceCell<Vec<Descriptor>>,
}

/// How the content of a statement is read.
type Read<T> = fn(Value) -> Result<T, serde_json::Error>;

/// What a search gave.
pub(super) struct Found<T> {
    /// Each statement with the manifest of its attestation, in the registry's order, which means nothing.
    pub(super) statements: Vec<(Digest, T)>,
    /// How many things refer to the image at all.
    pub(super) referrers: usize,
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

    async fn referrers(&self) -> Result<&[Descriptor], PublishError> {
        let asked = || self.place.referrers(self.digest, self.effects);
        self.referrers.get_or_try_init(asked).await.map(Vec::as_slice)
    }

    /// Every statement of a kind that the key signed: all that refers to the image is looked at, and what cannot be fetched is an error, since
    /// it could be a verdict against the image. Where there is no statement and others are not to be trusted, that is the error.
    pub(super) async fn all<T>(&self, kind: &str, read: Read<T>) -> Result<Found<T>, PublishError> {
        let referrers = self.referrers().await?;
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
        let referrers = self.referrers().await?.iter();
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
        };
        let mut distrust: Option<PublishError> = None;
        let mut foreign = Vec::new();
        let mut opened = stream::iter(referrers)
            .map(|referrer| async move { (referrer.digest, self.open(referrer, kind, read).await) })
            .buffered(PARALLEL);
        while let Some((digest, opened)) = opened.next().await {
            match opened {
                Ok(Opened::Statement(content)) => found.statements.push((digest, content)),
                Ok(Opened::OtherPredicate) => {}
                Ok(Opened::OtherKey(name)) => foreign.push(name),
                // Seen, and nothing that our key signed: it counts when there is no good one.
                Err(error) if error.is_distrust() => distrust = distrust.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        match distrust {
            _ if !found.statements.is_empty() => Ok(found),
            Some(error) => Err(error),
            None if !foreign.is_empty() => Err(PublishError::OtherKey {
                digest: *self.digest,
                expected: self.key.name(),
                found: foreign,
            }),
            None => Ok(found),
        }
    }

    async fn open<T>(&self, candidate: &Descriptor, kind: &str, read: Read<T>) -> Result<Opened<T>, PublishError> {
        let attestation = candidate.digest;
        let malformed = |reason: String| PublishError::Malformed { attestation, reason };
        let manifest = self.place.manifest(&attestation, self.effects).await?;
        let manifest = ArtifactManifest::parse(&manifest).map_err(|e| malformed(e.to_string()))?;
        if !manifest.may_hold(kind) {
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
                return Ok(Opened::OtherKey(hint.chars().filter(|c| !c.is_control()).take(64).collect()));
            }
            Err(error) => {
                return Err(PublishError::Altered {
                    attestation,
                    reason: error.to_string(),
                });
            }
        };
        let statement = Statement::parse(&payload).map_err(malformed)?;
        if statement.predicate_type != kind {
            return Ok(Opened::OtherPredicate);
        }
        if !statement.is_about(self.digest) {
            return Err(PublishError::OtherSubject {
                attestation,
                digest: *self.digest,
                found: statement.subjects(),
            });
        }
        let content = read(statement.predicate).map_err(|e| malformed(format!("its predicate: {e}")))?;
        Ok(Opened::Statement(content))
    }
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
