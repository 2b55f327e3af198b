//! One attestation as an OCI artifact: a manifest that refers to the image, and a bundle as its only layer.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::PublishError;
use super::attestation::Statement;
use super::sign::{BUNDLE_MEDIA_TYPE, Envelope, Signer};
use crate::io::hash::sha256;
use crate::io::oci::{self, Refused, shape};
use crate::model::image::{Descriptor, media_type};

/// What the bundle holds: cosign looks for it.
const CONTENT_ANNOTATION: &str = "dev.sigstore.bundle.content";
/// The predicate type of the statement in it.
const PREDICATE_ANNOTATION: &str = "dev.sigstore.bundle.predicateType";
const CREATED_ANNOTATION: &str = "org.opencontainers.image.created";

/// The empty configuration: `{}`.
pub(super) const EMPTY: &[u8] = b"{}";

/// A signed statement, ready to be attached.
#[derive(Debug, Clone)]
pub(super) struct Artifact {
    pub(super) predicate_type: String,
    /// The envelope, for a file.
    pub(super) envelope: Envelope,
    pub(super) bundle: Bytes,
    pub(super) manifest: Bytes,
    /// How an index of referrers lists it.
    pub(super) descriptor: Descriptor,
}

/// An artifact's manifest as it is written.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    schema_version: u8,
    media_type: &'static str,
    artifact_type: &'static str,
    config: Descriptor,
    layers: [Descriptor; 1],
    subject: &'a Descriptor,
    annotations: &'a BTreeMap<String, String>,
}

/// An artifact's manifest as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ArtifactManifest {
    /// Its layers: a bundle is the only one.
    pub(super) layers: Vec<Descriptor>,
    /// What it refers to.
    #[serde(default)]
    pub(super) subject: Option<Descriptor>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

impl Artifact {
    /// Signs a statement about an image. With a key deterministic: the same statement, key and time give the same bytes.
    pub(super) async fn sign(statement: &Statement, subject: &Descriptor, signer: &Signer, at: Timestamp) -> Result<Self, PublishError> {
        let (envelope, bundle) = signer.sign(&statement.bytes()?).await?;
        let bundle = Bytes::from(bundle.bytes()?);
        let annotations = BTreeMap::from([
            (CONTENT_ANNOTATION.to_owned(), "dsse-envelope".to_owned()),
            (PREDICATE_ANNOTATION.to_owned(), statement.predicate_type.clone()),
            (CREATED_ANNOTATION.to_owned(), at.to_string()),
        ]);
        let subject = Descriptor::new(&subject.media_type, subject.digest, subject.size);
        let manifest = Bytes::from(oci::to_bytes(&Written {
            schema_version: 2,
            media_type: media_type::OCI_MANIFEST,
            artifact_type: BUNDLE_MEDIA_TYPE,
            config: Descriptor::new(media_type::OCI_EMPTY, sha256(EMPTY), EMPTY.len() as u64),
            layers: [Descriptor::new(BUNDLE_MEDIA_TYPE, sha256(&bundle), bundle.len() as u64)],
            subject: &subject,
            annotations: &annotations,
        })?);
        let descriptor = Descriptor {
            artifact_type: Some(BUNDLE_MEDIA_TYPE.to_owned()),
            annotations,
            ..Descriptor::new(media_type::OCI_MANIFEST, sha256(&manifest), manifest.len() as u64)
        };
        Ok(Self {
            predicate_type: statement.predicate_type.clone(),
            envelope,
            bundle,
            manifest,
            descriptor,
        })
    }

    /// The bytes of the envelope's file.
    pub(super) fn envelope_bytes(&self) -> serde_json::Result<Vec<u8>> {
        oci::to_bytes(&self.envelope)
    }
}

impl ArtifactManifest {
    /// Reads the manifest of a referrer.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Refused> {
        oci::decode(bytes, &shape::IMAGE)
    }

    /// False when the manifest itself names another kind of statement than the one that is looked for. Its own word counts, which its digest
    /// covers, and not that of whoever lists it: a list can be changed without a key.
    pub(super) fn may_hold(&self, predicate_type: &str) -> bool {
        self.predicate_type().is_none_or(|named| named == predicate_type)
    }

    /// The kind of statement that the manifest says it holds.
    pub(super) fn predicate_type(&self) -> Option<&str> {
        self.annotations.as_ref()?.get(PREDICATE_ANNOTATION).map(String::as_str)
    }
}

/// False when the list of referrers says that this is something else than a statement of the kind. Nothing of that is verified.
pub(super) fn may_be(descriptor: &Descriptor, predicate_type: &str) -> bool {
    let foreign = descriptor
        .artifact_type
        .as_ref()
        .is_some_and(|kind| kind != BUNDLE_MEDIA_TYPE && kind != media_type::OCI_EMPTY);
    let predicate = descriptor.annotations.get(PREDICATE_ANNOTATION);
    !foreign && predicate.is_none_or(|found| found == predicate_type)
}

/// True for a layer that says that it is a Sigstore bundle, of any version and with any parameters.
pub(super) fn is_bundle(layer: &Descriptor) -> bool {
    layer.media_type.to_ascii_lowercase().contains("sigstore.bundle")
}

/// True for a layer that may hold a signed statement though it does not say so: JSON by its type, or small. Content of images is none.
pub(super) fn may_hold_a_statement(layer: &Descriptor) -> bool {
    const SMALL: u64 = 1 << 20;
    let kind = layer.media_type.to_ascii_lowercase();
    let is_json = ["json", "dsse", "in-toto"].iter().any(|word| kind.contains(word));
    is_json || (layer.size <= SMALL && !kind.contains("tar"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::digest::Digest;

    #[test]
    fn only_what_the_list_says_is_something_else_is_passed_over() {
        let listed = |kind: Option<&str>, predicate: Option<&str>| Descriptor {
            artifact_type: kind.map(str::to_owned),
            annotations: predicate
                .map(|p| (PREDICATE_ANNOTATION.to_owned(), p.to_owned()))
                .into_iter()
                .collect(),
            ..Descriptor::new(media_type::OCI_MANIFEST, Digest::from_bytes([1; 32]), 1)
        };
        // Some registries show the configuration's type instead of the artifact's, or none.
        for kind in [Some(BUNDLE_MEDIA_TYPE), Some(media_type::OCI_EMPTY), None] {
            assert!(may_be(&listed(kind, Some("p")), "p"), "{kind:?}");
            assert!(may_be(&listed(kind, None), "p"), "{kind:?}");
            assert!(!may_be(&listed(kind, Some("q")), "p"), "{kind:?}");
        }
        assert!(!may_be(&listed(Some("application/vnd.example"), Some("p")), "p"));
        assert!(!may_be(&listed(Some("application/vnd.example"), None), "p"));
    }
}
