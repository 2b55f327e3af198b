//! What is attested of an image beside its verdict's summary: SBOMs, VEX, the findings, and the inventory that they were found in.

use jiff::Timestamp;
use serde_json::Value;

use super::GateError;
use crate::model::digest::Digest;
use crate::model::inventory::Inventory;
use crate::model::plan::{Destination, PublishPlan};
use crate::model::verdict::Verdict;
use crate::report::vex;
use crate::stage::inventory::sbom;
use crate::stage::policy::Cleared;
use crate::stage::publish::{Predicate, PublishError, predicate_type};

/// Statements about the image as a whole; for an index also about each of its images. `judged` is what the verdict was computed from: the image's
/// inventory, and the actions of the workflows that make it, which are in no SBOM of it.
///
/// # Errors
/// Where one of them cannot be written whole.
pub(super) fn predicates(
    cleared: &Cleared,
    (inventory, judged): (&Inventory, &Inventory),
    plan: &PublishPlan,
    created: Timestamp,
) -> Result<Vec<Predicate>, GateError> {
    let (image, verdict) = (cleared.image(), cleared.verdict());
    let mut predicates = about(image.digest, inventory, verdict, plan, created)?;
    // What a later run compares with, and what can be judged again without the image.
    predicates.push(Predicate::new(
        predicate_type::VERDICT,
        serde_json::to_value(verdict).map_err(PublishError::from)?,
    ));
    predicates.push(Predicate::new(
        predicate_type::INVENTORY,
        serde_json::to_value(judged).map_err(PublishError::from)?,
    ));
    for platform in inventory.platforms.iter().filter(|platform| platform.manifest != image.digest) {
        let mut part = inventory.clone();
        part.subject.digest = Some(platform.manifest);
        part.platforms.retain(|other| other.manifest == platform.manifest);
        part.components
            .retain(|component| component.platform.as_ref().is_none_or(|on| *on == platform.platform));
        let of_platform = about(platform.manifest, &part, verdict, plan, created)?;
        predicates.extend(of_platform.into_iter().map(|predicate| Predicate {
            platform: Some(platform.manifest),
            ..predicate
        }));
    }
    Ok(predicates)
}

/// SBOMs and VEX of one image or index.
fn about(
    digest: Digest,
    inventory: &Inventory,
    verdict: &Verdict,
    plan: &PublishPlan,
    created: Timestamp,
) -> Result<Vec<Predicate>, GateError> {
    let document = |bytes: Vec<u8>| serde_json::from_slice::<Value>(&bytes).map_err(PublishError::from);
    let product = vex::Product {
        digest: Some(digest),
        repositories: std::iter::once(&plan.destination)
            .chain(&plan.also)
            .filter_map(repository)
            .collect(),
    };
    let mut predicates = vec![
        Predicate::new(predicate_type::CYCLONEDX, document(sbom::cyclonedx(inventory, created)?)?),
        Predicate::new(predicate_type::SPDX, document(sbom::spdx(inventory, created)?)?),
    ];
    predicates.extend(vex::document(verdict, &product).map(|body| Predicate::new(predicate_type::OPENVEX, body)));
    Ok(predicates)
}

fn repository(destination: &Destination) -> Option<&str> {
    match destination {
        Destination::Registry { repository, .. } => Some(repository),
        Destination::OciLayout(_) => None,
    }
}
