//! What stands beside a verdict that holds: its inputs, what a later run can compare with, and what others say of the image.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::checks::Checks;
use super::destination::OpenDestination;
use super::evidence;
use super::sign::{Envelope, Verifier};
use super::statements::{Search, Whose};
use super::{Attested, Expectation, PublishError, VerdictSummary};
use crate::io::Effects;
use crate::io::oci_layout::{Index, Manifest};
use crate::model::digest::Digest;
use crate::model::image::{Descriptor, media_type};
use crate::model::visible::shortened;

/// What BuildKit calls the kind of a statement, on the layer that holds it.
const PREDICATE_TYPE: &str = "in-toto.io/predicate-type";

/// Tells all of it. What cannot be looked at is told as that: the verdict rests on none of it.
pub(super) async fn look(attested: &Attested, expected: &Expectation<'_>, effects: &Effects, checks: &mut Checks) {
    if let Err(error) = try_look(attested, expected, effects, checks).await {
        checks.unknown("beside", error.to_string());
    }
}

async fn try_look(attested: &Attested, expected: &Expectation<'_>, effects: &Effects, checks: &mut Checks) -> Result<(), PublishError> {
    let key = Verifier::load(expected.key, effects)?;
    let (place, digest) = OpenDestination::of_image(&attested.image, expected.plain_http, effects)?;
    let search = Search::new(&place, &digest, &key, effects);
    if let Some(summary) = attested.verdict() {
        checks.holds("inputs", inputs(summary));
        match evidence::attached(&search, summary.clone()).await {
            Ok(_) => checks.holds(
                "baseline",
                "findings and inventory are attested and are those that the verdict names: `--baseline` can read it",
            ),
            Err(error) => checks.unknown("baseline", format!("no run can compare with it: {error}")),
        }
    }
    for (words, count) in counted(search.survey().await?, key.kind()) {
        let times = if count == 1 { String::new() } else { format!(" ({count} times)") };
        checks.not_asked("statement", format!("{words}{times}"));
    }
    for said in builders_word(&place, &digest, &key, effects).await? {
        checks.not_asked("builder", said);
    }
    Ok(())
}

fn inputs(summary: &VerdictSummary) -> String {
    let mut said: Vec<String> = summary
        .feeds
        .iter()
        .map(|feed| format!("{} of {} ({})", feed.name, feed.as_of, feed.revision.short()))
        .collect();
    said.extend(summary.waivers.map(|waivers| format!("waivers {}", waivers.short())));
    if !summary.cached_layers.is_empty() {
        said.push(format!("{} layers that an earlier run had looked at", summary.cached_layers.len()));
    }
    match said.is_empty() {
        true => "no feed and no waiver file".to_owned(),
        false => said.join(", "),
    }
}

fn counted(seen: Vec<(String, Whose)>, counts: &str) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for (kind, whose) in seen {
        let kind = visible(&kind);
        let words = match whose {
            Whose::Ours => format!("{kind}, signed by this {counts}"),
            Whose::Others(hint) => format!("{kind}, signed by another {counts}, which calls itself {hint}"),
            Whose::Unsigned => format!("{kind}, no signed statement"),
            Whose::Nobodys(reason) => format!("{kind}, not to be trusted: {reason}"),
        };
        *counted.entry(words).or_default() += 1;
    }
    counted
}

/// What BuildKit (or whoever writes as it does) put into the image's own index. The index's digest covers it, so that the verdict's signature does
/// too: as what somebody said, not as what is so.
async fn builders_word(place: &OpenDestination, digest: &Digest, key: &Verifier, effects: &Effects) -> Result<Vec<String>, PublishError> {
    let mut told = Vec::new();
    let root = place.manifest(digest, effects).await?;
    let path = PathBuf::from(place.image(digest).to_string());
    let Ok(index) = Index::parse(&path, &root) else { return Ok(told) };
    let is_manifest = |entry: &&Descriptor| entry.media_type == media_type::OCI_MANIFEST;
    for entry in index.manifests.iter().filter(is_manifest).take(4 * effects.limits.platforms) {
        let manifest = Manifest::parse(&path, &place.manifest(&entry.digest, effects).await?)?;
        if !manifest.is_attestation() {
            continue;
        }
        for layer in &manifest.layers {
            let kind = layer
                .annotations
                .get(PREDICATE_TYPE)
                .map_or("a statement without a type", String::as_str);
            let bytes = place.blob(layer, effects.limits.sbom).await?;
            let state = match serde_json::from_slice::<Envelope>(&bytes) {
                Ok(envelope) if key.open_bare(&envelope).is_ok() => "signed by this key",
                Ok(_) => "signed by another key",
                Err(_) => "not signed",
            };
            told.push(format!("{} in the image's own index: somebody else's word, {state}", visible(kind)));
        }
    }
    Ok(told)
}

fn visible(text: &str) -> String {
    shortened(text, 120)
}
