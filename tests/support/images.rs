//! Small images in layouts, and verdicts about them.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use portcullis::io::oci_layout::OciLayout;
use portcullis::model::commit::{Commit, CommitSha};
use portcullis::model::digest::Digest;
use portcullis::model::image::{BuiltImage, Descriptor, media_type};
use portcullis::model::inventory::Subject;
use portcullis::model::provenance::{Material, Provenance};
use portcullis::model::verdict::{Decision, Inputs, PolicyInput, VERDICT_SCHEMA, Verdict};
use portcullis::stage::policy::{Cleared, clearance};
use serde_json::json;

/// The commit of every image here.
pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// The evaluation time of every verdict here.
pub(crate) const EVALUATED: &str = "2026-11-20T12:00:00Z";

fn blob(layout: &OciLayout, media: &str, bytes: &[u8]) -> Descriptor {
    Descriptor::new(media, layout.write_blob(bytes).unwrap(), bytes.len() as u64)
}

fn manifest(layout: &OciLayout, architecture: &str, layers: &[Vec<u8>]) -> Descriptor {
    let layers: Vec<Descriptor> = layers.iter().map(|bytes| blob(layout, media_type::OCI_LAYER, bytes)).collect();
    let diff_ids: Vec<String> = layers.iter().map(|l| l.digest.to_string()).collect();
    let config = json!({"architecture": architecture, "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": diff_ids}});
    let config = blob(layout, media_type::OCI_CONFIG, config.to_string().as_bytes());
    let manifest = json!({"schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": layers});
    blob(layout, media_type::OCI_MANIFEST, manifest.to_string().as_bytes())
}

fn built(layout: &OciLayout, root: &Descriptor) -> BuiltImage {
    layout.put(root, None).unwrap();
    BuiltImage {
        digest: root.digest,
        media_type: root.media_type.clone(),
        size: root.size,
        layout: layout.dir().to_owned(),
        platforms: Vec::new(),
        commit: Some(Commit {
            sha: CommitSha::parse(COMMIT).unwrap(),
            time: EVALUATED.parse().unwrap(),
            dirty: false,
            source: None,
            tags: Vec::new(),
            branch: None,
            unreachable: false,
        }),
        provenance: Some(Provenance {
            builder: "native".to_owned(),
            parameters: BTreeMap::from([("package".to_owned(), "payments".to_owned())]),
            materials: vec![Material {
                uri: "git+https://example.com/payments.git".to_owned(),
                digest: BTreeMap::from([("gitCommit".to_owned(), COMMIT.to_owned())]),
            }],
            tools: BTreeMap::from([("rustc".to_owned(), "1.95.0".to_owned())]),
            reproducible: true,
        }),
        linked: None,
    }
}

/// An image of one platform with these layers (any bytes: nothing here unpacks them).
pub(crate) fn image(dir: &Path, layers: &[Vec<u8>]) -> BuiltImage {
    let layout = OciLayout::create(dir).unwrap();
    let root = manifest(&layout, "amd64", layers);
    built(&layout, &root)
}

/// An image of two platforms that share a layer.
pub(crate) fn index(dir: &Path) -> BuiltImage {
    let layout = OciLayout::create(dir).unwrap();
    let shared = b"shared".to_vec();
    let mut manifests = Vec::new();
    for architecture in ["amd64", "arm64"] {
        let mut descriptor = manifest(&layout, architecture, &[shared.clone(), architecture.as_bytes().to_vec()]);
        descriptor.platform = Some(portcullis::model::image::DescriptorPlatform {
            architecture: architecture.to_owned(),
            os: "linux".to_owned(),
            variant: None,
        });
        manifests.push(descriptor);
    }
    let index = json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": manifests});
    let root = blob(&layout, media_type::OCI_INDEX, index.to_string().as_bytes());
    built(&layout, &root)
}

/// What an index lists, in its order.
pub(crate) fn listed(layout: &OciLayout, index: &Digest) -> Vec<Digest> {
    let index: serde_json::Value = serde_json::from_slice(&layout.read_blob(index, 100_000).unwrap()).unwrap();
    let entries = index["manifests"].as_array().unwrap().iter();
    entries
        .map(|entry| Digest::parse(entry["digest"].as_str().unwrap()).unwrap())
        .collect()
}

/// The digest of the policy of every verdict here.
pub(crate) fn policy() -> Digest {
    Digest::from_bytes([0x70; 32])
}

pub(crate) fn verdict(image: &BuiltImage, at: &str) -> Verdict {
    Verdict {
        schema: VERDICT_SCHEMA.to_owned(),
        subject: Subject {
            name: "payments".to_owned(),
            digest: Some(image.digest),
            commit: Some(CommitSha::parse(COMMIT).unwrap()),
        },
        verdict: Decision::Cleared,
        evaluated_at: at.parse::<Timestamp>().unwrap(),
        asked_as_of: None,
        findings: Vec::new(),
        gaps: Vec::new(),
        waivers: Vec::new(),
        not_applicable: Vec::new(),
        passed_over: Vec::new(),
        only_new: false,
        denies_ended_waivers: false,
        components: 3,
        inputs: Inputs {
            gate: "0.1.0".to_owned(),
            policy: PolicyInput {
                name: "policies/gate.toml".to_owned(),
                digest: policy(),
            },
            waivers: None,
            vex: Vec::new(),
            cached_layers: Vec::new(),
            inventory: Digest::from_bytes([0x1f; 32]),
            feeds: Vec::new(),
            release_times: None,
            linked: None,
        },
    }
}

/// An image that passed the gate.
pub(crate) fn cleared(image: &BuiltImage) -> Cleared {
    clearance::clear(image.clone(), verdict(image, EVALUATED)).unwrap()
}
