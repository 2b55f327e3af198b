//! Statements among an image's referrers: found, opened with a key, and held against the digest.

use futures_util::{StreamExt, stream};
use serde_json::Value;
use tokio::sync::OnceCell;

use super::PublishError;
use super::artifact::{self, ArtifactManifest};
use super::attestation::{Statement, predicate_type};
use super::destination::OpenDestination;
use super::sign::{Bundle, Envelope, NotOpened, Refusal, Verifier};
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
    verifier: &'a Verifier,
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
    pub(super) fn new(place: &'a OpenDestination, digest: &'a Digest, verifier: &'a Verifier, effects: &'a Effects) -> Self {
        Self {
            place,
            digest,
            verifier,
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
            for opened in opened? {
                match opened {
                    Ok(Opened::Statement(content)) => found.statements.push((digest, content)),
                    Ok(Opened::OtherPredicate) => {}
                    Ok(Opened::OtherKey(name)) => found.other_keys.push(name),
                    // Our key signed it, and nobody knows what it says: a verdict against the image must not be passed over.
                    Err(error @ (PublishError::Unread { .. } | PublishError::Doubtful { .. } | PublishError::Unfetched { .. })) => {
                        return Err(error);
                    }
                    // Seen, and nothing that our key signed about this: it counts when there is no good one.
                    Err(error) if error.is_distrust() => {
                        found.distrusted.push(error.to_string());
                        distrust = distrust.or(Some(error));
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        match distrust {
            _ if !found.statements.is_empty() => Ok(found),
            Some(error) => Err(error),
            None if !found.other_keys.is_empty() => Err(PublishError::OtherKey {
                digest: *self.digest,
                expected: self.verifier.name(),
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
        let first = self.open_any(referrer.digest, parsed, None).await.map(|all| all.into_iter().next());
        Ok(match first.and_then(Option::transpose) {
            Ok(Some(Opened::Statement(statement))) => (statement.predicate_type, Whose::Ours),
            Ok(Some(Opened::OtherKey(hint))) => (named, Whose::Others(hint)),
            Ok(Some(Opened::OtherPredicate) | None) => (named, Whose::Unsigned),
            Err(error) if error.is_distrust() => (named, Whose::Nobodys(error.to_string())),
            Err(error) => return Err(error),
        })
    }

    /// What is in a referrer, statement by statement.
    async fn open<T>(
        &self,
        candidate: &Descriptor,
        kind: &str,
        read: Read<T>,
    ) -> Result<Vec<Result<Opened<T>, PublishError>>, PublishError> {
        let attestation = candidate.digest;
        let manifest = self.place.manifest(&attestation, self.effects).await;
        let manifest = manifest.map_err(|error| unfetched(attestation, error))?;
        let all = match self.open_any(attestation, ArtifactManifest::parse(&manifest), Some(kind)).await {
            Ok(all) => all,
            Err(error) => return Ok(vec![Err(error)]),
        };
        let content = |statement: Statement| {
            read(statement.predicate).map_err(|e| PublishError::Malformed {
                attestation,
                reason: format!("its predicate: {e}"),
            })
        };
        let read_one = |opened| match opened {
            Opened::Statement(statement) => Ok(Opened::Statement(content(statement)?)),
            Opened::OtherPredicate => Ok(Opened::OtherPredicate),
            Opened::OtherKey(hint) => Ok(Opened::OtherKey(hint)),
        };
        Ok(all.into_iter().map(|opened| opened.and_then(read_one)).collect())
    }

    /// The statements in a manifest, if the key signed them, they are about the digest, and of the kind (where one is asked for).
    ///
    /// A verdict is looked for in every layer that may hold one, whatever the manifest says of itself: who cannot sign can wrap a signed "no" anew.
    async fn open_any(
        &self,
        attestation: Digest,
        manifest: Result<ArtifactManifest, Refused>,
        kind: Option<&str>,
    ) -> Result<Vec<Result<Opened<Statement>, PublishError>>, PublishError> {
        let malformed = |reason: String| PublishError::Malformed { attestation, reason };
        let manifest = manifest.map_err(|e| malformed(e.to_string()))?;
        let is_verdict = kind == Some(predicate_type::VERIFICATION_SUMMARY);
        if kind.is_some_and(|kind| !is_verdict && !manifest.may_hold(kind)) {
            return Ok(Vec::new());
        }
        let mut all = Vec::new();
        for layer in &manifest.layers {
            let is_bundle = artifact::is_bundle(layer);
            if !(is_bundle || is_verdict && artifact::may_hold_a_statement(layer)) {
                continue;
            }
            let bytes = self.place.blob(layer, self.effects.limits.sbom).await;
            let bytes = bytes.map_err(|error| unfetched(attestation, error))?;
            match Bundle::parse(&bytes) {
                Ok(bundle) => all.push(self.read(attestation, self.verifier.open(&bundle, &bytes, self.effects), kind)),
                Err(error) => match Envelope::parse(&bytes) {
                    Some(envelope) => all.push(self.read(attestation, self.verifier.open_bare(&envelope), kind)),
                    None if is_bundle => all.push(Err(malformed(format!("its bundle: {error}")))),
                    None => {}
                },
            }
        }
        Ok(all)
    }

    /// One envelope that was opened, or not: whose it is, and what it says.
    fn read(&self, attestation: Digest, opened: Result<Vec<u8>, NotOpened>, kind: Option<&str>) -> Result<Opened<Statement>, PublishError> {
        let unread = |reason: String| PublishError::Unread { attestation, reason };
        let payload = match opened {
            Ok(payload) => payload,
            Err(NotOpened::Other(name)) => return Ok(Opened::OtherKey(name)),
            Err(NotOpened::Unread(reason)) => return Err(unread(reason)),
            Err(NotOpened::Altered(reason)) => return Err(PublishError::Altered { attestation, reason }),
            Err(NotOpened::Refused(refusal)) => return Err(PublishError::Unproven { attestation, refusal }),
            Err(NotOpened::Doubtful { refusal, payload }) => return self.doubtful(attestation, refusal, payload, kind),
        };
        let statement = Statement::parse(&payload).map_err(unread)?;
        if let Some(kind) = kind.filter(|kind| statement.predicate_type != **kind) {
            return match statement.resembles(kind) && statement.may_be_about(self.digest) {
                true => Err(unread(format!(
                    "it is of another kind or version, {}",
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

    /// What whom we ask for signed and what cannot be proven: passed over only where it says itself that it is about something else.
    fn doubtful(
        &self,
        attestation: Digest,
        refusal: Refusal,
        payload: Option<Vec<u8>>,
        kind: Option<&str>,
    ) -> Result<Opened<Statement>, PublishError> {
        let statement = payload.and_then(|payload| Statement::parse(&payload).or_none("what cannot be read may be about anything"));
        match statement {
            Some(statement) if !statement.may_be_about(self.digest) => Err(PublishError::OtherSubject {
                attestation,
                digest: *self.digest,
                found: statement.subjects(),
            }),
            Some(statement) if kind.is_some_and(|kind| !statement.resembles(kind)) => Ok(Opened::OtherPredicate),
            _ => Err(PublishError::Doubtful { attestation, refusal }),
        }
    }
}

/// What is listed and cannot be had could be a verdict against the image: nobody knows.
fn unfetched(attestation: Digest, error: PublishError) -> PublishError {
    match error {
        PublishError::Registry(source @ RegistryError::Missing { .. }) => PublishError::Unfetched { attestation, source },
        other => other,
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
    use crate::io::oci_layout::LayoutError;

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
        assert!(is_bad_content(&PublishError::Layout(LayoutError::NotALayout {
            dir: "layout".into(),
            reason: "it has no `index.json`".to_owned(),
        })));
        assert!(!of(RegistryError::Interrupted));
        assert!(!of(RegistryError::Offline {
            host: "registry.example".to_owned(),
        }));
    }
}
