//! A publication that looks and writes nothing.

use super::destination::OpenDestination;
use super::graph::Graph;
use super::{Attested, PublishError, Trust, attestation};
use crate::io::Effects;
use crate::io::oci_layout::OciLayout;
use crate::model::event::Stage;
use crate::model::image::Descriptor;
use crate::model::image_ref::ImageRef;
use crate::model::outcome::Publication;
use crate::model::plan::{Destination, PublishPlan};
use crate::stage::policy::Cleared;

/// Looks, writes nothing, and says what a publication would do.
pub(super) async fn dry_run(
    cleared: &Cleared,
    root: &Descriptor,
    plan: &PublishPlan,
    effects: &Effects,
) -> Result<(Attested, Publication), PublishError> {
    let source = OciLayout::open(&cleared.image().layout)?;
    let graph = Graph::read(&source, root, &effects.limits)?;
    let destinations: Vec<&Destination> = std::iter::once(&plan.destination).chain(&plan.also).collect();
    for destination in &destinations {
        let free = match OpenDestination::for_looking(destination, effects)? {
            Some(place) => place.free_tags(&plan.tags, &root.digest).await?,
            None => plan.tags.clone(),
        };
        effects.note(Stage::Publish, would(&name(destination), &free, &graph, root, plan));
    }
    let reference = |destination: &Destination| format!("{}@{}", name(destination), root.digest);
    let publication = Publication {
        reference: reference(&plan.destination),
        also: plan.also.iter().map(reference).collect(),
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
        verdict: Some(attestation::summarize(cleared.verdict(), &plan.service)?),
        trust: Trust::Unsigned,
    };
    Ok((attested, publication))
}

fn name(destination: &Destination) -> String {
    match destination {
        Destination::OciLayout(dir) => format!("oci:{}", dir.display()),
        Destination::Registry { repository, .. } => repository.clone(),
    }
}

fn would(name: &str, free: &[String], graph: &Graph, root: &Descriptor, plan: &PublishPlan) -> String {
    if free.is_empty() && !plan.tags.is_empty() {
        return format!("{name} has {} under its tags already; its verdict would be attested", root.digest);
    }
    let (count, bytes, tags) = (graph.blobs.len(), graph.bytes(), free.join(", "));
    format!("would publish {} ({count} blobs, {bytes} bytes) to {name} as {tags}", root.digest)
}
