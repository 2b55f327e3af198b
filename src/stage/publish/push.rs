//! The publication itself, step by step.

use super::attach::Attesting;
use super::attestation;
use super::destination::OpenDestination;
use super::graph::Graph;
use super::sha_tag;
use super::sign::Signer;
use super::{Attested, Predicate, PublishError, Trust, VerdictSummary, dry_run};
use crate::io::Effects;
use crate::io::oci_layout::OciLayout;
use crate::model::digest::Digest;
use crate::model::event::Stage;
use crate::model::image::{BuiltImage, Descriptor};
use crate::model::outcome::Publication;
use crate::model::plan::PublishPlan;
use crate::stage::policy::Cleared;

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
        return dry_run::dry_run(cleared, &root, plan, effects).await;
    }
    // Before anything is sent: who cannot sign must not leave an image without a verdict.
    let signer = match &plan.key {
        Some(source) => Some(Signer::open(source, effects).await?),
        None => None,
    };
    let source = OciLayout::open(&image.layout)?;
    let work = Work {
        graph: Graph::read(&source, &root, &effects.limits)?,
        source,
        root,
        signer,
        summary: attestation::summarize(cleared.verdict(), &plan.service)?,
        plan,
        effects,
    };
    let mut predicates = predicates.to_vec();
    predicates.extend(attestation::provenance(image, &cleared.verdict().inputs.feeds));
    work.run(&predicates).await
}

struct Work<'a> {
    source: OciLayout,
    graph: Graph,
    root: Descriptor,
    signer: Option<Signer>,
    summary: VerdictSummary,
    plan: &'a PublishPlan,
    effects: &'a Effects,
}

/// A place that has the image and its verdict, but not all of its tags yet.
struct Ready {
    place: OpenDestination,
    free: Vec<String>,
    attestations: Vec<Digest>,
    bytes_sent: u64,
}

impl Work<'_> {
    async fn run(self, predicates: &[Predicate]) -> Result<(Attested, Publication), PublishError> {
        let mut places = Vec::new();
        for destination in std::iter::once(&self.plan.destination).chain(&self.plan.also) {
            let sources: Vec<String> = places
                .iter()
                .filter_map(|(place, _): &(OpenDestination, _)| place.repository())
                .collect();
            let place = OpenDestination::for_writing(destination, &[sources, self.plan.mount_from.clone()].concat(), self.effects)?;
            // A tag that is taken is told before anything is sent anywhere.
            let free = place.free_tags(&self.plan.tags, &self.root.digest).await?;
            places.push((place, free));
        }
        let mut ready = Vec::new();
        for (place, free) in places {
            ready.push(self.bring(place, free, predicates, ready.is_empty()).await?);
            stop_if_asked(self.effects)?;
        }
        // Last of all, everywhere: whoever finds a tag finds the verdict.
        for Ready { place, free, .. } in &ready {
            place.put_tags(&self.graph, &self.root, free).await?;
        }
        self.done(ready)
    }

    /// Brings image and verdict to one place, without a tag.
    async fn bring(
        &self,
        place: OpenDestination,
        free: Vec<String>,
        predicates: &[Predicate],
        is_first: bool,
    ) -> Result<Ready, PublishError> {
        let unchanged = !self.plan.tags.is_empty() && free.is_empty();
        let mut bytes_sent = 0;
        if !unchanged || matches!(place, OpenDestination::Layout(_)) {
            bytes_sent = place.push(&self.source, &self.graph, self.effects).await?;
            stop_if_asked(self.effects)?;
            if !unchanged {
                place.put(&self.graph, &self.root).await?;
            }
        }
        let attestations = match &self.signer {
            Some(signer) => {
                let attesting = Attesting {
                    place: &place,
                    root: &self.root,
                    platforms: self.graph.platforms(),
                    signer,
                    plan: self.plan,
                    effects: self.effects,
                    envelopes: self.plan.envelopes.as_deref().filter(|_| is_first),
                };
                attesting.run(predicates, &self.summary).await?
            }
            None => {
                let told = "the verdict is not signed, because no key is configured: nobody but this run can verify it ([sign] key)";
                self.effects.warn(Stage::Publish, told);
                Vec::new()
            }
        };
        Ok(Ready {
            place,
            free,
            attestations,
            bytes_sent,
        })
    }

    fn done(self, mut ready: Vec<Ready>) -> Result<(Attested, Publication), PublishError> {
        let name = |ready: &Ready| format!("{}@{}", ready.place.name(), self.root.digest);
        let bytes_sent = ready.iter().map(|ready| ready.bytes_sent).sum();
        let also = ready.iter().skip(1).map(name).collect();
        if ready.is_empty() {
            return Err(PublishError::Interrupted);
        }
        let first = ready.swap_remove(0);
        let publication = Publication {
            reference: name(&first),
            also,
            digest: self.root.digest,
            tags: self.plan.tags.clone(),
            bytes_sent,
            attestations: first.attestations,
            signed_by: self.signer.as_ref().map(Signer::name),
        };
        let attested = Attested {
            image: first.place.image(&self.root.digest),
            digest: self.root.digest,
            verdict: Some(self.summary),
            trust: match &publication.signed_by {
                Some(key) => Trust::Signed { key: key.clone() },
                None => Trust::Unsigned,
            },
        };
        Ok((attested, publication))
    }
}

fn stop_if_asked(effects: &Effects) -> Result<(), PublishError> {
    match effects.is_cancelled() {
        true => Err(PublishError::Interrupted),
        false => Ok(()),
    }
}

fn descriptor(image: &BuiltImage) -> Descriptor {
    Descriptor::new(&image.media_type, image.digest, image.size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asked_to_stop_is_heard() {
        let effects = Effects::plain("cache".into());
        stop_if_asked(&effects).expect("nobody asked");
        effects.cancelled.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(matches!(stop_if_asked(&effects), Err(PublishError::Interrupted)));
    }
}
