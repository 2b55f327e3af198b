//! What was attested beside a verdict's summary: the findings, and the inventory that they were found in.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::attestation::predicate_type;
use super::destination::OpenDestination;
use super::sign::Verifier;
use super::statements::{Found, Search};
use super::{Expectation, PublishError, VerdictSummary, signed, verdict_file, verify};
use crate::io::Effects;
use crate::io::hash;
use crate::model::digest::Digest;
use crate::model::image::media_type;
use crate::model::image_ref::ImageRef;
use crate::model::inventory::Inventory;
use crate::model::plan::{Destination, KeySource};
use crate::model::verdict::Verdict;

/// A cleared verdict as it was computed, and its inventory.
#[derive(Debug, Clone, PartialEq)]
pub struct SignedEvidence {
    /// The signed summary that names the verdict by digest.
    pub summary: VerdictSummary,
    /// The verdict of the signed run.
    pub verdict: Verdict,
    /// What it was computed from.
    pub inventory: Inventory,
}

/// What is known of the content of an image.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// The gate's own inventory.
    Inventory(Box<Inventory>),
    /// A CycloneDX SBOM: components, but nothing of the image's configuration and files.
    Sbom(Value),
}

/// Fetches the newest cleared verdict on an image with its findings and its inventory. Each is signed by the key, about this digest, and the
/// one that the statement before it names by digest.
pub(super) async fn evidence(image: &ImageRef, expected: &Expectation<'_>, effects: &Effects) -> Result<SignedEvidence, PublishError> {
    let attested = verify::verify(image, expected, effects).await?;
    let key = Verifier::load(expected.key, effects)?;
    let (place, digest) = OpenDestination::of_image(image, expected.plain_http, effects)?;
    let search = Search::new(&place, &digest, &key, effects);
    let summary = attested.verdict().cloned().ok_or_else(|| search.not_attested("verdict"))?;
    attached(&search, summary).await
}

/// The findings and the inventory that a summary names by digest.
pub(super) async fn attached(search: &Search<'_>, summary: VerdictSummary) -> Result<SignedEvidence, PublishError> {
    let verdicts = search.all(predicate_type::VERDICT, serde_json::from_value::<Verdict>).await?;
    let verdict = named_verdict(verdicts, &summary)?.ok_or_else(|| search.not_attested("findings"))?;
    let inventories = search.all(predicate_type::INVENTORY, serde_json::from_value::<Inventory>).await?;
    let is_named = |inventory: &Inventory| hash::of_json(inventory) == verdict.inputs.inventory;
    let inventory = inventories.statements.into_iter().map(|(_, i)| i).find(is_named);
    let inventory = inventory.ok_or_else(|| search.not_attested("inventory"))?;
    Ok(SignedEvidence {
        summary,
        verdict,
        inventory,
    })
}

/// The verdict that a summary names by digest.
fn named_verdict(verdicts: Found<Verdict>, summary: &VerdictSummary) -> Result<Option<Verdict>, PublishError> {
    for (_, verdict) in verdicts.statements {
        if hash::sha256(&verdict_file(&verdict)?) == summary.digest {
            return Ok(Some(verdict));
        }
    }
    Ok(None)
}

/// Fetches what the key signed of the content of an image: the inventory, else the SBOM.
pub(super) async fn content(image: &ImageRef, key: &KeySource, plain_http: bool, effects: &Effects) -> Result<Content, PublishError> {
    let key = Verifier::load(key, effects)?;
    let (place, digest) = OpenDestination::of_image(image, plain_http, effects)?;
    let search = Search::new(&place, &digest, &key, effects);
    let inventories = search.all(predicate_type::INVENTORY, serde_json::from_value::<Inventory>).await?;
    let mut by_digest: BTreeMap<Digest, Inventory> = BTreeMap::new();
    by_digest.extend(inventories.statements.into_iter().map(|(_, i)| (hash::of_json(&i), i)));
    let newest = signed::newest(&search).await?;
    if let Some(newest) = &newest {
        // Where a verdict may be missing, so may be what is known by now of the content.
        verify::check_list(newest, search.referrers().await?, &place, &digest)?;
    }
    if by_digest.len() > 1 {
        // Nothing in an inventory says which is the newer one: the newest verdict names the one that counts.
        if let Some(summary) = newest.as_ref().and_then(|signed| signed.summary()) {
            let verdicts = search.all(predicate_type::VERDICT, serde_json::from_value::<Verdict>).await?;
            let named = named_verdict(verdicts, summary)?.map(|verdict| verdict.inputs.inventory);
            by_digest.retain(|digest, _| Some(*digest) == named);
        }
    }
    let missing = |what: &'static str| search.not_attested(what);
    match by_digest.len() {
        0 => {}
        1 => {
            let only = by_digest.into_values().next().ok_or_else(|| missing("inventory"))?;
            return Ok(Content::Inventory(Box::new(only)));
        }
        _ => return Err(missing("verdict that says which of its inventories counts")),
    }
    let found = search.all(predicate_type::CYCLONEDX, Ok).await?;
    match found.statements.into_iter().next() {
        Some((_, sbom)) => Ok(Content::Sbom(sbom)),
        None => Err(missing("inventory")),
    }
}

/// Every image that a tag of a repository names (in a layout: every image of its index), sorted by digest.
pub(super) async fn images(repository: &Destination, effects: &Effects) -> Result<Vec<ImageRef>, PublishError> {
    let Some(place) = OpenDestination::for_looking(repository, effects)? else {
        return Ok(Vec::new());
    };
    let mut digests: BTreeSet<Digest> = BTreeSet::new();
    match &place {
        OpenDestination::Layout(layout) => {
            let is_image = |kind: &str| {
                matches!(
                    kind,
                    media_type::OCI_MANIFEST | media_type::OCI_INDEX | media_type::DOCKER_MANIFEST | media_type::DOCKER_INDEX
                )
            };
            let entries = layout.index()?.into_iter();
            digests.extend(
                entries
                    .filter(|d| d.artifact_type.is_none() && is_image(&d.media_type))
                    .map(|d| d.digest),
            );
        }
        OpenDestination::Registry(registry) => {
            for tag in registry.tags().await?.iter().filter(|tag| !is_of_referrers(tag)) {
                digests.extend(registry.tag(tag).await?);
            }
        }
    }
    Ok(digests.iter().map(|digest| place.image(digest)).collect())
}

/// True for the tags under which attestations are listed: `sha256-<hex>`, and cosign's `sha256-<hex>.sig`.
fn is_of_referrers(tag: &str) -> bool {
    let hex = tag.strip_prefix("sha256-").map(|rest| rest.split('.').next().unwrap_or(rest));
    hex.is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_attestations_are_no_images() {
        let hex = "a".repeat(64);
        assert!(is_of_referrers(&format!("sha256-{hex}")));
        assert!(is_of_referrers(&format!("sha256-{hex}.att")));
        assert!(!is_of_referrers("sha256-short"));
        assert!(!is_of_referrers("v1.0.0"));
    }
}
