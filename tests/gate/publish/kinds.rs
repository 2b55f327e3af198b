//! Every kind of statement that the gate attests.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis::io::hash::sha256;
use portcullis::model::advisory::FeedRevision;
use portcullis::stage::policy::clearance;
use portcullis::stage::publish::{self, Predicate, predicate_type};
use serde_json::{Value, json};

use super::interop::{cosign, fixture, run, verifying, with_password};
use crate::support::images::{COMMIT, EVALUATED, verdict};
use crate::support::publishing::{Workplace, registry};
use crate::support::registry::RunningRegistry;

#[tokio::test]
async fn cosign_reads_every_kind_and_provenance_names_commit_and_feeds_by_digest() {
    let Some(running) = RunningRegistry::with_referrers() else { return };
    let mut place = Workplace::new();
    if cosign(&place).is_none() {
        return;
    }
    with_password(&mut place);
    let image = place.image();
    let mut judged = verdict(&image, EVALUATED);
    judged.inputs.feeds = vec![FeedRevision {
        name: "osv:crates.io".to_owned(),
        source: "https://feeds.example".to_owned(),
        revision: sha256(b"a feed"),
        records: 7,
        quarantined: 0,
        as_of: EVALUATED.parse().unwrap(),
        bundle: None,
        served_by: Some("https://mirror.example/all.zip".to_owned()),
    }];
    let kinds = [
        predicate_type::CYCLONEDX,
        predicate_type::SPDX,
        predicate_type::OPENVEX,
        predicate_type::VERDICT,
        predicate_type::INVENTORY,
    ];
    let predicates: Vec<Predicate> = kinds.iter().map(|kind| Predicate::new(kind, json!({"of": kind}))).collect();
    let mut plan = place.plan(registry(running.repository("team/payments")));
    plan.key = Some(portcullis::model::plan::KeySource::File(fixture("cosign.key")));
    let cleared = clearance::clear(image, judged).unwrap();
    let (_, publication) = publish::publish(cleared, &predicates, &plan, &place.effects).await.unwrap();
    for kind in kinds
        .iter()
        .chain(&[predicate_type::PROVENANCE, predicate_type::VERIFICATION_SUMMARY])
    {
        run(&mut verifying(&place, kind, &publication.reference));
    }
    let envelope: Value = serde_json::from_slice(&std::fs::read(place.path("out/provenance.dsse.json")).unwrap()).unwrap();
    let statement: Value = serde_json::from_slice(&STANDARD.decode(envelope["payload"].as_str().unwrap()).unwrap()).unwrap();
    let dependencies = statement["predicate"]["buildDefinition"]["resolvedDependencies"]
        .as_array()
        .unwrap();
    assert_eq!(dependencies[0]["digest"]["gitCommit"], COMMIT);
    assert_eq!(
        dependencies[1]["uri"], "https://mirror.example/all.zip",
        "where it came from in the end"
    );
    assert_eq!(dependencies[1]["digest"]["sha256"], sha256(b"a feed").hex());
    assert_eq!(dependencies[1]["annotations"]["usedFor"], "verdict");
}
