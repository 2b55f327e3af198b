//! Each platform of an index has a verdict and a provenance of its own.

use portcullis::io::registry::{Access, Options, Registry};
use portcullis::model::image_ref::ImageRef;
use portcullis::stage::publish::predicate_type;
use serde_json::Value;

use super::published::Published;
use crate::support::images::{index, listed};
use crate::support::publishing::{Workplace, registry};
use crate::support::registry::RunningRegistry;

#[tokio::test]
async fn the_index_and_each_platform_have_a_summary_whose_resource_is_their_own() {
    let place = Workplace::new();
    let image = index(&place.path("index"));
    let published = Published::of(place, image).await;
    let mut subjects = listed(&published.layout, &published.image.digest);
    subjects.push(published.image.digest);
    assert_eq!(subjects.len(), 3);
    for subject in &subjects {
        let mut kinds = Vec::new();
        for entry in published.layout.index().unwrap() {
            let manifest = published.json(&entry.digest);
            if manifest["subject"]["digest"] != serde_json::json!(subject) {
                continue;
            }
            let statement = published.statement_of(&manifest);
            assert_eq!(statement["subject"][0]["digest"]["sha256"], subject.hex());
            let kind = statement["predicateType"].as_str().unwrap().to_owned();
            if kind == predicate_type::VERIFICATION_SUMMARY {
                assert_eq!(statement["predicate"]["resourceUri"], format!("payments@{subject}"));
                assert_eq!(statement["predicate"]["verificationResult"], "PASSED");
            }
            kinds.push(kind);
        }
        assert!(
            kinds.contains(&predicate_type::VERIFICATION_SUMMARY.to_owned()),
            "{subject}: {kinds:?}"
        );
        assert!(kinds.contains(&predicate_type::PROVENANCE.to_owned()), "{subject}: {kinds:?}");
    }
    let index: Value = published.json(&published.image.digest);
    assert_eq!(index["manifests"].as_array().unwrap().len(), 2, "the index itself is as it was");
}

#[tokio::test]
async fn a_platform_is_verified_by_its_own_digest_in_a_registry() {
    let Some(running) = RunningRegistry::docker() else { return };
    let place = Workplace::new();
    let image = index(&place.path("index"));
    let repository = running.repository("team/payments");
    place.publish(&image, &place.plan(registry(repository.clone()))).await.unwrap();
    let layout = portcullis::io::oci_layout::OciLayout::open(place.path("index")).unwrap();
    for digest in listed(&layout, &image.digest) {
        let reference = ImageRef::Registry {
            repository: repository.clone(),
            digest,
        };
        assert_eq!(place.verify(&reference).await.unwrap().digest(), &digest);
    }
    let client = Registry::open(&repository, Options::new(Access::Read, false), &place.effects).unwrap();
    let tags = client.tags().await.unwrap();
    assert_eq!(tags.iter().filter(|tag| !tag.starts_with("sha256-")).count(), 1, "{tags:?}");
}
