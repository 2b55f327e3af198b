//! cosign's own tags: `sha256-<hex>.sig` with a signature over the image's name and digest, `sha256-<hex>.att` with the statements. For admission
//! controllers that do not look at referrers.
//!
//! Source: cosign's "Signature Specification" (`specs/SIGNATURE_SPEC.md`, `specs/ATTESTATION_SPEC.md`).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use super::PublishError;
use super::artifact::Artifact;
use super::destination::OpenDestination;
use super::sign::SigningKey;
use crate::io::Effects;
use crate::io::hash::sha256;
use crate::io::oci;
use crate::io::registry::{Content, OnBytes, Registry, referrers_tag};
use crate::model::event::Stage;
use crate::model::image::{Descriptor, media_type};

const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
const SIGNATURE_ANNOTATION: &str = "dev.cosignproject.cosign/signature";
const PREDICATE_ANNOTATION: &str = "predicateType";

/// One layer of such a tag.
struct Layer {
    media_type: &'static str,
    bytes: Vec<u8>,
    annotations: Vec<(&'static str, String)>,
}

/// Writes both tags. Unlike others they move: they hold what was signed last.
pub(super) async fn write(
    place: &OpenDestination,
    image: &Descriptor,
    artifacts: &[Artifact],
    key: &SigningKey,
    effects: &Effects,
) -> Result<(), PublishError> {
    let OpenDestination::Registry(registry) = place else {
        effects.note(Stage::Publish, "[sign] legacy is for registries: a layout gets no tags of cosign's");
        return Ok(());
    };
    let payload = oci::to_bytes(&json!({
        "critical": {
            "identity": {"docker-reference": registry.repository().to_string()},
            "image": {"docker-manifest-digest": image.digest.to_string()},
            "type": "cosign container image signature",
        },
        "optional": null,
    }))?;
    let signature = STANDARD.encode(key.sign(&payload));
    let signed = Layer {
        media_type: SIMPLE_SIGNING,
        bytes: payload,
        annotations: vec![(SIGNATURE_ANNOTATION, signature)],
    };
    let statement = |artifact: &Artifact| {
        Ok(Layer {
            media_type: ENVELOPE,
            bytes: artifact.envelope_bytes()?,
            annotations: vec![
                (SIGNATURE_ANNOTATION, String::new()),
                (PREDICATE_ANNOTATION, artifact.predicate_type.clone()),
            ],
        })
    };
    let statements: Vec<Layer> = artifacts.iter().map(statement).collect::<serde_json::Result<_>>()?;
    let tag = referrers_tag(&image.digest);
    put(registry, &format!("{tag}.sig"), vec![signed]).await?;
    put(registry, &format!("{tag}.att"), statements).await
}

async fn put(registry: &Registry, tag: &str, layers: Vec<Layer>) -> Result<(), PublishError> {
    let quiet: OnBytes = Arc::new(|_| {});
    let mut described: Vec<Value> = Vec::new();
    let mut diff_ids = Vec::new();
    for layer in layers {
        let (digest, size) = (sha256(&layer.bytes), layer.bytes.len() as u64);
        registry
            .push_blob(&digest, size, &Content::Bytes(layer.bytes.into()), None, &quiet)
            .await?;
        let mut descriptor = Descriptor::new(layer.media_type, digest, size);
        let annotations = layer.annotations.into_iter().map(|(name, value)| (name.to_owned(), value));
        descriptor.annotations.extend(annotations);
        described.push(serde_json::to_value(descriptor)?);
        diff_ids.push(digest.to_string());
    }
    let config = oci::to_bytes(&json!({
        "architecture": "",
        "os": "",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    }))?;
    let config_digest = sha256(&config);
    let config_size = config.len() as u64;
    registry
        .push_blob(&config_digest, config_size, &Content::Bytes(config.into()), None, &quiet)
        .await?;
    let manifest = Bytes::from(oci::to_bytes(&json!({
        "schemaVersion": 2,
        "mediaType": media_type::OCI_MANIFEST,
        "config": Descriptor::new(media_type::OCI_CONFIG, config_digest, config_size),
        "layers": described,
    }))?);
    registry.put_manifest(tag, media_type::OCI_MANIFEST, &manifest).await?;
    Ok(())
}
