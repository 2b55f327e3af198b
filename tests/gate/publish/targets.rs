//! Publishing to layouts and to real registries.

use hyper::Method;
use portcullis::io::hash;
use portcullis::io::oci_layout::OciLayout;
use portcullis::io::registry::{Access, Options, Registry};
use portcullis::model::exit_kind::ExitKind;
use portcullis::model::outcome::Outcome;
use portcullis::model::plan::{BuildPlan, Builder, Destination};
use portcullis::report::Reporter as _;
use portcullis::report::json::VerdictFile;
use portcullis::stage::build;
use portcullis::stage::publish::sign::SigningKey;
use portcullis::stage::publish::{PublishError, Trust};

use crate::support::faults::{Fault as Broken, FaultyProxy};
use crate::support::images::{COMMIT, EVALUATED, image, index, verdict};
use crate::support::publishing::{Workplace, registry};
use crate::support::registry::RunningRegistry;

#[tokio::test]
async fn a_layout_holds_image_tag_and_verdict() {
    let place = Workplace::new();
    let image = place.image();
    let plan = place.plan(Destination::OciLayout(place.path("registry")));
    let (attested, publication) = place.publish(&image, &plan).await.unwrap();
    assert_eq!(attested.digest(), &image.digest);
    assert_eq!(attested.commit().unwrap().as_str(), COMMIT);
    assert!(publication.bytes_sent > 300_000);
    assert_eq!(publication.attestations.len(), 3, "SBOM, provenance, verdict");

    let layout = OciLayout::open(place.path("registry")).unwrap();
    assert_eq!(layout.find(Some(COMMIT)).unwrap().digest, image.digest);
    assert_eq!(layout.find(None).unwrap().digest, image.digest, "attestations are no images");

    let verified = place.verify(attested.image()).await.unwrap();
    assert_eq!(verified, attested);
    assert_eq!(
        *verified.trust(),
        Trust::Signed {
            key: publication.signed_by.unwrap()
        }
    );
    for name in ["verdict.dsse.json", "sbom.cdx.dsse.json", "provenance.dsse.json"] {
        assert!(place.path("out").join(name).is_file(), "{name}");
    }

    let (_, again) = place.publish(&image, &plan).await.unwrap();
    assert_eq!(again.bytes_sent, 0);
    assert_eq!(again.attestations, publication.attestations[2..], "the verdict is attested once");
}

async fn publish_and_verify(running: &RunningRegistry) {
    let place = Workplace::new();
    let image = index(&place.path("index"));
    let plan = place.plan(registry(running.repository("team/payments")));
    let (attested, publication) = place.publish(&image, &plan).await.unwrap();
    assert!(publication.bytes_sent > 0);
    assert_eq!(
        publication.reference,
        format!("{}@{}", running.repository("team/payments"), image.digest)
    );
    let verified = place.verify(attested.image()).await.unwrap();
    assert_eq!(verified, attested);

    let options = Options::new(Access::Read, false);
    let client = Registry::open(&running.repository("team/payments"), options, &place.effects).unwrap();
    let source = OciLayout::open(place.path("index")).unwrap();
    let kept = client.manifest(&image.digest).await.unwrap();
    assert_eq!(
        kept.bytes,
        source.read_blob(&image.digest, 100_000).unwrap(),
        "the manifest is not re-serialised"
    );
    assert_eq!(client.tag(COMMIT).await.unwrap(), Some(image.digest));
    assert_eq!(client.tag("latest").await.unwrap(), None);
}

#[tokio::test]
async fn an_index_is_published_to_a_registry_without_the_referrers_api() {
    if let Some(running) = RunningRegistry::docker() {
        publish_and_verify(&running).await;
    }
}

#[tokio::test]
async fn an_index_is_published_to_a_registry_with_the_referrers_api() {
    if let Some(running) = RunningRegistry::with_referrers() {
        publish_and_verify(&running).await;
    }
}

#[tokio::test]
async fn an_unchanged_image_costs_six_requests_at_most_and_no_bytes() {
    let Some(running) = RunningRegistry::docker() else { return };
    let proxy = FaultyProxy::start(running.address).await;
    let place = Workplace::new();
    let image = place.image();
    let plan = place.plan(registry(proxy.repository("payments")));
    let (_, first) = place.publish(&image, &plan).await.unwrap();
    proxy.seen();
    let (_, second) = place.publish(&image, &plan).await.unwrap();
    let seen = proxy.seen();
    assert!(seen.len() <= 6, "{seen:#?}");
    assert!(seen.iter().all(|request| request.body_bytes == 0), "{seen:#?}");
    assert_eq!((second.bytes_sent, &second.attestations[..]), (0, &first.attestations[2..]));
}

#[tokio::test]
async fn a_tag_that_names_another_image_is_refused_with_both_digests() {
    let Some(running) = RunningRegistry::docker() else { return };
    let place = Workplace::new();
    let (first, second) = (place.image(), image(&place.path("other"), &[b"another".to_vec()]));
    for destination in [
        registry(running.repository("payments")),
        Destination::OciLayout(place.path("registry")),
    ] {
        let plan = place.plan(destination);
        place.publish(&first, &plan).await.unwrap();
        let error = place.publish(&second, &plan).await.unwrap_err();
        assert_eq!(error.exit_kind(), ExitKind::Undecidable);
        let text = error.to_string();
        assert!(
            text.contains(&first.digest.to_string()) && text.contains(&second.digest.to_string()),
            "{text}"
        );
    }
    let client = Registry::open(&running.repository("payments"), Options::new(Access::Read, false), &place.effects).unwrap();
    assert_eq!(client.tag(COMMIT).await.unwrap(), Some(first.digest), "the tag did not move");
    assert_eq!(
        client.manifest_size(&second.digest).await.unwrap(),
        None,
        "nothing of the second was published"
    );
}

#[tokio::test]
async fn a_dry_run_writes_nothing() {
    let place = Workplace::new();
    let image = place.image();
    let mut plan = place.plan(Destination::OciLayout(place.path("registry")));
    plan.dry_run = true;
    let (attested, publication) = place.publish(&image, &plan).await.unwrap();
    assert_eq!((attested.trust(), publication.bytes_sent), (&Trust::Unsigned, 0));
    assert!(!place.path("registry").exists() && !place.path("state").exists() && !place.path("out").exists());
}

#[tokio::test]
async fn without_a_key_nothing_is_attested_and_verify_says_so() {
    let place = Workplace::new();
    let image = place.image();
    let mut plan = place.plan(Destination::OciLayout(place.path("registry")));
    plan.key = None;
    let (attested, publication) = place.publish(&image, &plan).await.unwrap();
    assert_eq!((attested.trust(), publication.signed_by), (&Trust::Unsigned, None));
    SigningKey::load(&place.key(), &place.effects).unwrap();
    let error = place.verify(attested.image()).await.unwrap_err();
    assert!(matches!(error, PublishError::NoVerdict { .. }), "{error}");
}

#[tokio::test]
async fn an_attestation_names_the_verdict_file_that_is_written() {
    let place = Workplace::new();
    let image = place.image();
    let plan = place.plan(Destination::OciLayout(place.path("registry")));
    let (attested, _) = place.publish(&image, &plan).await.unwrap();
    let outcome = Outcome {
        verdict: Some(verdict(&image, EVALUATED)),
        ..Outcome::default()
    };
    let written = VerdictFile.finish(&outcome).unwrap();
    assert_eq!(attested.verdict().unwrap().digest, hash::sha256(&written));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_image_is_taken_as_a_build_from_its_registry() {
    let Some(running) = RunningRegistry::docker() else { return };
    let place = Workplace::new();
    let image = place.image();
    let (attested, _) = place
        .publish(&image, &place.plan(registry(running.repository("payments"))))
        .await
        .unwrap();
    let plan = BuildPlan {
        service: "payments".to_owned(),
        root: place.path("."),
        builder: Builder::Image(attested.image().clone()),
        port: None,
        commit: None,
        layout: place.path("taken"),
        work: place.path("work"),
        offline: false,
        ours: Vec::new(),
        fresh: false,
        twice: false,
    };
    let taken = tokio::task::block_in_place(|| build::build(&plan, &place.effects)).unwrap();
    assert_eq!(taken.digest, image.digest);
    assert_eq!(taken.platforms[0].layers.len(), 2);
}

#[tokio::test]
async fn a_publication_that_ends_before_its_verdict_is_attested_leaves_no_tag() {
    let Some(running) = RunningRegistry::docker() else { return };
    let proxy = FaultyProxy::start(running.address).await;
    let place = Workplace::new();
    let image = place.image();
    let plan = place.plan(registry(proxy.repository("payments")));
    let client = Registry::open(&proxy.repository("payments"), Options::new(Access::Read, false), &place.effects).unwrap();
    // The list of referrers is the last thing that is written before the tag.
    proxy.on(Method::PUT, "/manifests/sha256-", 99, Broken::Status(403));
    place.publish(&image, &plan).await.unwrap_err();
    assert_eq!(client.tag(COMMIT).await.unwrap(), None, "no tag without a verdict");
    assert!(
        client.manifest_size(&image.digest).await.unwrap().is_some(),
        "the image itself is there"
    );
    proxy.clear();
    place.publish(&image, &plan).await.unwrap();
    assert_eq!(client.tag(COMMIT).await.unwrap(), Some(image.digest));
}
