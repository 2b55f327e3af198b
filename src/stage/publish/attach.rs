//! Signing and attaching: everything about each platform, then everything about the image, its verdict the last.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::artifact::Artifact;
use super::attestation::{self, Statement, predicate_type};
use super::destination::OpenDestination;
use super::sign::{BUNDLE_MEDIA_TYPE, Signer};
use super::signed::Signed;
use super::statements::Search;
use super::{Predicate, PublishError, VerdictSummary, legacy, signed};
use crate::io::Effects;
use crate::io::files;
use crate::io::hash::sha256;
use crate::model::digest::Digest;
use crate::model::event::Stage;
use crate::model::image::Descriptor;
use crate::model::plan::PublishPlan;

/// A verdict that differs from the attested one only in its times is attested anew after this long.
const RENEW_AFTER: Duration = Duration::from_secs(3600);

/// How long, all in all, a registry may take to list what refers to an image.
const LISTED_WITHIN: [Duration; 4] = [
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(3),
];

/// One place that gets the attestations of an image.
pub(super) struct Attesting<'a> {
    pub(super) place: &'a OpenDestination,
    pub(super) root: &'a Descriptor,
    /// The images of an index; empty where the image is one itself.
    pub(super) platforms: Vec<Descriptor>,
    pub(super) signer: &'a Signer,
    pub(super) plan: &'a PublishPlan,
    pub(super) effects: &'a Effects,
    /// Folder that gets the envelopes about the image.
    pub(super) envelopes: Option<&'a Path>,
}

impl Attesting<'_> {
    /// Gives the attestations' digests, that of the verdict on the image last. Whoever finds a verdict finds its inputs.
    pub(super) async fn run(&self, predicates: &[Predicate], summary: &VerdictSummary) -> Result<Vec<Digest>, PublishError> {
        let verifier = self.signer.verifier();
        let search = Search::new(self.place, &self.root.digest, &verifier, self.effects);
        let existing = signed::newest(&search).await?;
        let serves_a_list = search.referrers().await?.by_api.is_some() && self.place.repository().is_some();
        // What it says of the registry's list holds no more where that came or went since.
        let knows_the_list =
            |existing: &Signed| existing.statement.listed_by().is_some() == serves_a_list && existing.missing_from().is_none();
        if let Some(existing) = existing.filter(|existing| existing.is_same(summary, RENEW_AFTER) && knows_the_list(existing)) {
            let name = self.place.name();
            self.effects.note(
                Stage::Publish,
                format!("{name}: the image and its verdict are published already; nothing was sent"),
            );
            return Ok(vec![existing.attestation]);
        }
        let mut digests = Vec::new();
        for platform in &self.platforms {
            let about = |predicate: &&Predicate| {
                let of_image = predicate.kind == predicate_type::PROVENANCE && predicate.platform.is_none();
                of_image || predicate.platform == Some(platform.digest)
            };
            digests.extend(
                self.attest(platform, predicates.iter().filter(about), summary)
                    .await?
                    .iter()
                    .map(digest),
            );
        }
        let of_image = predicates.iter().filter(|predicate| predicate.platform.is_none());
        let artifacts = self.attest(self.root, of_image, summary).await?;
        if let (true, Signer::Key(key)) = (self.plan.legacy, self.signer) {
            legacy::write(self.place, self.root, &artifacts, key, self.effects).await?;
        }
        self.write_envelopes(&artifacts)?;
        digests.extend(artifacts.iter().map(digest));
        let name = self.place.name();
        self.effects.note(
            Stage::Publish,
            format!("{name}: {} attestations attached and read back", digests.len()),
        );
        Ok(digests)
    }

    /// Signs and attaches what is said of one image or index, then reads it back. The verdict comes last, and says who lists what came before it.
    async fn attest<'p>(
        &self,
        subject: &Descriptor,
        predicates: impl Iterator<Item = &'p Predicate>,
        summary: &VerdictSummary,
    ) -> Result<Vec<Artifact>, PublishError> {
        let mut artifacts = Vec::new();
        for predicate in predicates {
            artifacts.push(self.sign(subject, predicate, summary).await?);
        }
        let input = |a: &Artifact| Ok((a.predicate_type.clone(), sha256(&a.envelope_bytes()?)));
        let inputs: Vec<(String, Digest)> = artifacts.iter().map(input).collect::<serde_json::Result<_>>()?;
        let repository = self.place.repository();
        // A folder lists what is written to it: all at once, so that no list of a part stays in it.
        let mut unlisted = match repository.is_some() {
            true => self.place.attach(&artifacts, &subject.digest).await?,
            false => Vec::new(),
        };
        let is_listed = self.are_in_the_list(&artifacts, !unlisted.is_empty(), &subject.digest).await?;
        let list = repository.as_deref().filter(|_| is_listed);
        let resource = attestation::resource_uri(repository.as_deref(), &self.plan.service, &subject.digest);
        let verdict = attestation::verification_summary(summary, &resource, &inputs, list);
        artifacts.push(self.sign(subject, &verdict, summary).await?);
        let left = if repository.is_some() { artifacts.len() - 1 } else { 0 };
        unlisted.extend(self.place.attach(&artifacts[left..], &subject.digest).await?);
        self.place.list(&unlisted, &subject.digest).await?;
        self.are_listed(&artifacts, &subject.digest, is_listed).await?;
        self.read_back(&artifacts).await?;
        Ok(artifacts)
    }

    /// True where the registry itself lists each of the artifacts, and there is one. One that says so of each must.
    async fn are_in_the_list(&self, artifacts: &[Artifact], are_unlisted: bool, subject: &Digest) -> Result<bool, PublishError> {
        if artifacts.is_empty() || self.place.repository().is_none() {
            return Ok(false);
        }
        if !are_unlisted {
            return self.are_listed(artifacts, subject, true).await.map(|()| true);
        }
        let referrers = self.place.referrers(subject, self.effects).await?;
        Ok(artifacts.iter().all(|artifact| referrers.is_by_api(&digest(artifact))))
    }

    async fn sign(&self, subject: &Descriptor, predicate: &Predicate, summary: &VerdictSummary) -> Result<Artifact, PublishError> {
        let name = self.place.repository().unwrap_or_else(|| self.plan.service.clone());
        let statement = Statement::new(&name, &subject.digest, predicate);
        Artifact::sign(&statement, subject, self.signer, summary.evaluated_at).await
    }

    /// Waits until whoever verifies the image will find what was attached; with `by_api`, in the registry's own list. That may take a moment.
    async fn are_listed(&self, artifacts: &[Artifact], subject: &Digest, by_api: bool) -> Result<(), PublishError> {
        let mut waits = LISTED_WITHIN.iter();
        loop {
            let referrers = self.place.referrers(subject, self.effects).await?;
            let is_listed = |artifact: &&Artifact| match by_api {
                true => referrers.is_by_api(&digest(artifact)),
                false => referrers.list.iter().any(|d| d.digest == digest(artifact)),
            };
            let Some(missing) = artifacts.iter().find(|artifact| !is_listed(artifact)) else {
                return Ok(());
            };
            let Some(wait) = waits.next() else {
                return Err(PublishError::NotKept {
                    what: format!("attestation {}", missing.descriptor.digest),
                    place: self.place.name(),
                    found: format!("{} other things that refer to the image", referrers.list.len()),
                });
            };
            tokio::time::sleep(*wait).await;
        }
    }

    /// Fetches what was attached, as whoever verifies the image will.
    async fn read_back(&self, artifacts: &[Artifact]) -> Result<(), PublishError> {
        for artifact in artifacts {
            self.place.manifest(&artifact.descriptor.digest, self.effects).await?;
            let size = artifact.bundle.len() as u64;
            let bundle = Descriptor::new(BUNDLE_MEDIA_TYPE, sha256(&artifact.bundle), size);
            self.place.blob(&bundle, size).await?;
        }
        Ok(())
    }

    fn write_envelopes(&self, artifacts: &[Artifact]) -> Result<(), PublishError> {
        let Some(folder) = self.envelopes else { return Ok(()) };
        let mut taken = BTreeSet::new();
        for artifact in artifacts {
            let word = file_word(&artifact.predicate_type);
            let mut name = word.to_owned();
            for number in 2.. {
                if taken.insert(name.clone()) {
                    break;
                }
                name = format!("{word}-{number}");
            }
            files::write_result(&folder.join(format!("{name}.dsse.json")), &artifact.envelope_bytes()?)?;
            if !matches!(self.signer, Signer::Key(_)) {
                // Without certificate, timestamp and log entry nobody could verify the envelope later.
                files::write_result(&folder.join(format!("{name}.sigstore.json")), &artifact.bundle)?;
            }
        }
        Ok(())
    }
}

fn digest(artifact: &Artifact) -> Digest {
    artifact.descriptor.digest
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
