//! The publication itself, step by step.

use std::time::Duration;

use super::artifact::Artifact;
use super::attest::{self, Statement, predicate_type};
use super::destination::OpenDestination;
use super::graph::Graph;
use super::sha_tag::{self, TagState};
use super::sign::{BUNDLE_MEDIA_TYPE, SigningKey};
use super::{Attested, Predicate, PublishError, Trust, VerdictSummary, signed};
use crate::io::Effects;
use crate::io::files;
use crate::io::hash::sha256;
use crate::io::oci_layout::OciLayout;
use crate::model::digest::Digest;
use crate::model::event::Stage;
use crate::model::image::{BuiltImage, Descriptor};
use crate::model::image_ref::ImageRef;
use crate::model::outcome::Publication;
use crate::model::plan::{Destination, PublishPlan};
use crate::stage::policy::Cleared;

/// A verdict that differs from the attested one only in its times is attested anew after this long.
const RENEW_AFTER: Duration = Duration::from_secs(3600);

/// How long, all in all, a registry may take to list what refers to an image.
const LISTED_WITHIN: [Duration; 4] = [
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(3),
];

pub(super) async fn publish(
    cleared: &Cleared,
    predicates: &[Predicate],
    plan: &PublishPlan,
    effects: &Effects,
) -> Result<(Attested, Publication), PublishError> {
    let image = cleared.image();
    let root = descriptor(image);
    sha_tag::check_names(&plan.tags)?;
    if plan.dry_run {
        return dry_run(cleared, &root, plan, effects).await;
    }
    // Before anything is sent: a key that cannot be used must not leave an image without a verdict.
    let key = plan.key.as_ref().map(|key| SigningKey::load(key, effects)).transpose()?;
    let Some(place) = OpenDestination::of_destination(&plan.destination, false, effects)? else {
        return Err(PublishError::Interrupted);
    };
    let free = free_tags(&place, &plan.tags, &root.digest).await?;
    let unchanged = !plan.tags.is_empty() && free.is_empty();

    let source = OciLayout::open(&image.layout)?;
    let graph = Graph::read(&source, &root, &effects.limits)?;
    let mut bytes_sent = 0;
    if !unchanged || matches!(place, OpenDestination::Layout(_)) {
        bytes_sent = place.push(&source, &graph, effects).await?;
        stop_if_asked(effects)?;
        if !unchanged {
            place.put(&graph, &root).await?;
        }
    }

    let summary = attest::summarize(cleared.verdict(), &plan.service)?;
    let (attestations, trust) = match &key {
        Some(key) => {
            let attesting = Attesting {
                place: &place,
                root: &root,
                key,
                plan,
                effects,
            };
            let mut predicates = predicates.to_vec();
            predicates.extend(attest::provenance(image));
            let attestations = attesting.run(&predicates, &summary).await?;
            let name = key.verifying_key().name();
            (attestations, Trust::Signed { key: name })
        }
        None => {
            let told = "the verdict is not signed, because no key is configured: nobody but this run can verify it ([sign] key)";
            effects.warn(Stage::Publish, told);
            (Vec::new(), Trust::Unsigned)
        }
    };
    stop_if_asked(effects)?;
    // Last of all: whoever finds the tag finds the verdict.
    place.put_tags(&graph, &root, &free).await?;
    let publication = Publication {
        reference: format!("{}@{}", place.name(), root.digest),
        digest: root.digest,
        tags: plan.tags.clone(),
        bytes_sent,
        attestations,
        signed_by: key.map(|key| key.verifying_key().name()),
    };
    let attested = Attested {
        image: place.image(&root.digest),
        digest: root.digest,
        verdict: Some(summary),
        trust,
    };
    Ok((attested, publication))
}

fn stop_if_asked(effects: &Effects) -> Result<(), PublishError> {
    match effects.is_cancelled() {
        true => Err(PublishError::Interrupted),
        false => Ok(()),
    }
}

/// The tags that nobody has yet.
async fn free_tags(place: &OpenDestination, tags: &[String], digest: &Digest) -> Result<Vec<String>, PublishError> {
    let mut free = Vec::new();
    for tag in tags {
        let found = place.tag(tag).await?;
        if sha_tag::state(tag, digest, found, &place.name())? == TagState::Free {
            free.push(tag.clone());
        }
    }
    Ok(free)
}

struct Attesting<'a> {
    place: &'a OpenDestination,
    root: &'a Descriptor,
    key: &'a SigningKey,
    plan: &'a PublishPlan,
    effects: &'a Effects,
}

impl Attesting<'_> {
    /// Signs and attaches everything, the verdict last: whoever finds a verdict finds its inputs. Gives the attestations' digests.
    async fn run(&self, predicates: &[Predicate], summary: &VerdictSummary) -> Result<Vec<Digest>, PublishError> {
        let verifying = self.key.verifying_key();
        let existing = signed::newest(self.place, &self.root.digest, &verifying, self.effects).await?;
        if let Some(existing) = existing.filter(|existing| existing.is_same(summary, RENEW_AFTER)) {
            self.effects
                .note(Stage::Publish, "the image and its verdict are published already; nothing was sent");
            return Ok(vec![existing.attestation]);
        }
        let mut artifacts: Vec<Artifact> = predicates.iter().map(|p| self.sign(p, summary)).collect::<Result<_, _>>()?;
        let input = |a: &Artifact| Ok((a.predicate_type.clone(), sha256(&a.envelope_bytes()?)));
        let inputs: Vec<(String, Digest)> = artifacts.iter().map(input).collect::<serde_json::Result<_>>()?;
        let repository = self.place.repository();
        let resource = attest::resource_uri(repository.as_deref(), &self.plan.service, &self.root.digest);
        artifacts.push(self.sign(&attest::verification_summary(summary, &resource, &inputs), summary)?);
        self.place.attach(&artifacts, &self.root.digest).await?;
        self.read_back(&artifacts).await?;
        self.write_envelopes(&artifacts)?;
        Ok(artifacts.iter().map(|artifact| artifact.descriptor.digest).collect())
    }

    fn sign(&self, predicate: &Predicate, summary: &VerdictSummary) -> serde_json::Result<Artifact> {
        let name = self.place.repository().unwrap_or_else(|| self.plan.service.clone());
        let statement = Statement::new(&name, &self.root.digest, predicate);
        Artifact::sign(&statement, self.root, self.key, summary.evaluated_at)
    }

    /// Fetches what was attached, as whoever verifies the image will. A registry may take a moment until it lists it.
    async fn read_back(&self, artifacts: &[Artifact]) -> Result<(), PublishError> {
        let mut waits = LISTED_WITHIN.iter();
        loop {
            let listed = self.place.referrers(&self.root.digest, self.effects).await?.list;
            let is_listed = |artifact: &&Artifact| listed.iter().any(|d| d.digest == artifact.descriptor.digest);
            let Some(missing) = artifacts.iter().find(|artifact| !is_listed(artifact)) else {
                break;
            };
            let Some(wait) = waits.next() else {
                return Err(PublishError::NotKept {
                    what: format!("attestation {}", missing.descriptor.digest),
                    place: self.place.name(),
                    found: format!("{} other things that refer to the image", listed.len()),
                });
            };
            tokio::time::sleep(*wait).await;
        }
        for artifact in artifacts {
            self.place.manifest(&artifact.descriptor.digest, self.effects).await?;
            let size = artifact.bundle.len() as u64;
            let bundle = Descriptor::new(BUNDLE_MEDIA_TYPE, sha256(&artifact.bundle), size);
            self.place.blob(&bundle, size).await?;
        }
        Ok(())
    }

    fn write_envelopes(&self, artifacts: &[Artifact]) -> Result<(), PublishError> {
        let Some(folder) = &self.plan.envelopes else { return Ok(()) };
        let mut taken = std::collections::BTreeSet::new();
        for artifact in artifacts {
            let word = file_word(&artifact.predicate_type);
            let mut name = word.to_owned();
            for number in 2.. {
                if taken.insert(name.clone()) {
                    break;
                }
                name = format!("{word}-{number}");
            }
            files::write(&folder.join(format!("{name}.dsse.json")), &artifact.envelope_bytes()?)?;
        }
        Ok(())
    }
}

/// What an envelope's file is called.
fn file_word(predicate_type: &str) -> &'static str {
    match predicate_type {
        predicate_type::VERIFICATION_SUMMARY => "verdict",
        predicate_type::PROVENANCE => "provenance",
        predicate_type::CYCLONEDX => "sbom.cdx",
        predicate_type::SPDX => "sbom.spdx",
        predicate_type::OPENVEX => "vex.openvex",
        predicate_type::VERDICT => "findings",
        predicate_type::INVENTORY => "inventory",
        _ => "statement",
    }
}

/// Looks, writes nothing, and says what a publication would do.
async fn dry_run(
    cleared: &Cleared,
    root: &Descriptor,
    plan: &PublishPlan,
    effects: &Effects,
) -> Result<(Attested, Publication), PublishError> {
    let source = OciLayout::open(&cleared.image().layout)?;
    let graph = Graph::read(&source, root, &effects.limits)?;
    let free = match OpenDestination::of_destination(&plan.destination, true, effects)? {
        Some(place) => free_tags(&place, &plan.tags, &root.digest).await?,
        None => plan.tags.clone(),
    };
    let name = match &plan.destination {
        Destination::OciLayout(dir) => format!("oci:{}", dir.display()),
        Destination::Registry { repository, .. } => repository.clone(),
    };
    let would = if free.is_empty() && !plan.tags.is_empty() {
        format!("{name} has {} under its tags already; its verdict would be attested", root.digest)
    } else {
        let (count, bytes) = (graph.blobs.len(), graph.bytes());
        format!(
            "would publish {} ({count} blobs, {bytes} bytes) to {name} as {}",
            root.digest,
            free.join(", ")
        )
    };
    effects.note(Stage::Publish, would);
    let publication = Publication {
        reference: format!("{name}@{}", root.digest),
        digest: root.digest,
        tags: plan.tags.clone(),
        bytes_sent: 0,
        attestations: Vec::new(),
        signed_by: None,
    };
    // It was not published: whoever rehearses the next step finds it where the build left it.
    let attested = Attested {
        image: ImageRef::OciLayout {
            dir: cleared.image().layout.clone(),
            tag: None,
            digest: Some(root.digest),
        },
        digest: root.digest,
        verdict: Some(attest::summarize(cleared.verdict(), &plan.service)?),
        trust: Trust::Unsigned,
    };
    Ok((attested, publication))
}

fn descriptor(image: &BuiltImage) -> Descriptor {
    Descriptor::new(&image.media_type, image.digest, image.size)
}
