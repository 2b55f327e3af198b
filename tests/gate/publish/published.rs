//! An image that was published to a layout, and what an attacker may do to its verdict.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis::io::oci_layout::OciLayout;
use portcullis::model::digest::Digest;
use portcullis::model::exit_kind::ExitKind;
use portcullis::model::image::{BuiltImage, Descriptor};
use portcullis::model::image_ref::ImageRef;
use portcullis::model::plan::Destination;
use portcullis::stage::publish::sign::{Bundle, Envelope, SigningKey};
use portcullis::stage::publish::{self, PublishError, predicate_type};
use serde_json::{Value, json};

use crate::support::publishing::Workplace;

/// An image that was published to a layout.
pub(crate) struct Published {
    pub(crate) place: Workplace,
    pub(crate) image: BuiltImage,
    pub(crate) layout: OciLayout,
    pub(crate) reference: ImageRef,
}

impl Published {
    pub(crate) async fn new() -> Self {
        let place = Workplace::new();
        let image = place.image();
        Self::of(place, image).await
    }

    pub(crate) async fn of(place: Workplace, image: BuiltImage) -> Self {
        let folder = place.path("registry");
        let (attested, _) = place
            .publish(&image, &place.plan(Destination::OciLayout(folder.clone())))
            .await
            .unwrap();
        Self {
            layout: OciLayout::open(folder).unwrap(),
            reference: attested.image().clone(),
            place,
            image,
        }
    }

    pub(crate) fn key(&self) -> SigningKey {
        SigningKey::load(&self.place.key(), &self.place.effects).unwrap()
    }

    /// The verdict's attestation: its entry, its manifest and its bundle.
    pub(crate) fn verdict(&self) -> (Descriptor, Value, Value) {
        let is_verdict = |d: &Descriptor| {
            let kind = d.annotations.get("dev.sigstore.bundle.predicateType").map(String::as_str);
            kind == Some(predicate_type::VERIFICATION_SUMMARY) && self.json(&d.digest)["subject"]["digest"] == json!(self.image.digest)
        };
        let entry = self.layout.index().unwrap().into_iter().find(is_verdict).unwrap();
        let manifest: Value = self.json(&entry.digest);
        let bundle = self.json(&Digest::parse(manifest["layers"][0]["digest"].as_str().unwrap()).unwrap());
        (entry, manifest, bundle)
    }

    pub(crate) fn json(&self, digest: &Digest) -> Value {
        serde_json::from_slice(&self.layout.read_blob(digest, 1_000_000).unwrap()).unwrap()
    }

    pub(crate) fn statement(&self) -> Value {
        let (_, manifest, _) = self.verdict();
        self.statement_of(&manifest)
    }

    /// What an attestation's manifest holds.
    pub(crate) fn statement_of(&self, manifest: &Value) -> Value {
        let bundle = self.json(&Digest::parse(manifest["layers"][0]["digest"].as_str().unwrap()).unwrap());
        serde_json::from_slice(&STANDARD.decode(bundle["dsseEnvelope"]["payload"].as_str().unwrap()).unwrap()).unwrap()
    }

    /// Puts another bundle in the place of the verdict's, or beside it.
    pub(crate) fn attach(&self, bundle: &[u8], instead: bool) {
        let (mut entry, mut manifest, _) = self.verdict();
        if instead {
            for old in self.layout.index().unwrap() {
                if old.artifact_type.is_some() {
                    self.layout.remove(&old.digest).unwrap();
                }
            }
        }
        manifest["layers"][0]["digest"] = json!(self.layout.write_blob(bundle).unwrap());
        manifest["layers"][0]["size"] = json!(bundle.len());
        let bytes = manifest.to_string().into_bytes();
        entry.digest = self.layout.write_blob(&bytes).unwrap();
        entry.size = bytes.len() as u64;
        self.layout.put(&entry, None).unwrap();
    }

    /// Signs the verdict's statement again after a change.
    pub(crate) fn sign(&self, key: &SigningKey, instead: bool, change: impl FnOnce(&mut Value)) {
        let mut statement = self.statement();
        change(&mut statement);
        let envelope = Envelope::sign(statement.to_string().as_bytes(), key);
        self.attach(&Bundle::new(envelope, &key.verifying_key()).bytes().unwrap(), instead);
    }

    pub(crate) async fn verify(&self) -> Result<publish::Attested, PublishError> {
        self.place.verify(&self.reference).await
    }

    pub(crate) async fn refusal(&self) -> PublishError {
        let error = self.verify().await.unwrap_err();
        assert_eq!(error.exit_kind(), ExitKind::Undecidable, "{error}");
        assert!(error.is_distrust(), "{error}");
        error
    }
}
