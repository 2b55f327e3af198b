//! What must hold for an image to be trusted, each claim broken once.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis::io::Effects;
use portcullis::model::digest::Digest;
use portcullis::model::exit_kind::ExitKind;
use portcullis::model::image::{Descriptor, media_type};
use portcullis::model::image_ref::ImageRef;
use portcullis::model::plan::{Destination, KeySource};
use portcullis::stage::publish::sign::{Bundle, Envelope, SigningKey};
use portcullis::stage::publish::{self, Expectation, PublishError, predicate_type};
use serde_json::{Value, json};

use super::published::Published;
use crate::support::images::{image, policy};
use crate::support::publishing::{Fixed, Workplace, expectation};

#[tokio::test]
async fn an_altered_envelope_is_refused() {
    let published = Published::new().await;
    let (.., mut bundle) = published.verdict();
    let mut statement = published.statement();
    statement["predicate"]["timeVerified"] = json!("2026-11-20T12:30:00Z");
    bundle["dsseEnvelope"]["payload"] = json!(STANDARD.encode(statement.to_string()));
    published.attach(bundle.to_string().as_bytes(), true);
    assert!(matches!(published.refusal().await, PublishError::Altered { .. }));
}

#[tokio::test]
async fn a_verdict_that_another_key_signed_is_refused() {
    let published = Published::new().await;
    let other = KeySource::Local(published.place.path("other.key"));
    let other = SigningKey::load(&other, &published.place.effects).unwrap();
    published.sign(&other, true, |_| {});
    let error = published.refusal().await;
    assert!(
        matches!(&error, PublishError::OtherKey { found, .. } if *found == [other.verifying_key().hint()]),
        "{error}"
    );
}

#[tokio::test]
async fn a_foreign_attestation_beside_a_good_one_does_no_harm() {
    let published = Published::new().await;
    let other = KeySource::Local(published.place.path("other.key"));
    let other = SigningKey::load(&other, &published.place.effects).unwrap();
    published.sign(&other, false, |s| s["predicate"]["verificationResult"] = json!("FAILED"));
    published.attach(b"{}", false);
    published.attach(b"not json", false);
    published.verify().await.unwrap();
}

#[tokio::test]
async fn a_verdict_on_another_image_is_refused() {
    let published = Published::new().await;
    published.sign(&published.key(), true, |s| {
        s["subject"][0]["digest"]["sha256"] = json!("0".repeat(64))
    });
    let error = published.refusal().await;
    assert!(
        matches!(&error, PublishError::OtherSubject { found, .. } if *found == format!("sha256:{}", "0".repeat(64))),
        "{error}"
    );
}

#[tokio::test]
async fn a_blocked_verdict_is_refused_also_beside_an_older_cleared_one() {
    let published = Published::new().await;
    published.sign(&published.key(), false, |s| {
        s["predicate"]["verificationResult"] = json!("FAILED");
        s["predicate"]["timeVerified"] = json!("2026-11-20T12:00:01Z");
        s["predicate"]["https://portcullis.dev/verdict-summary/v1"]["decision"] = json!("blocked");
    });
    let error = published.refusal().await;
    assert!(
        matches!(&error, PublishError::NotCleared { decision, .. } if decision == "blocked"),
        "{error}"
    );
}

#[tokio::test]
async fn of_two_verdicts_of_one_moment_the_one_that_did_not_pass_counts() {
    let published = Published::new().await;
    published.sign(&published.key(), false, |s| s["predicate"]["verificationResult"] = json!("FAILED"));
    assert!(matches!(published.refusal().await, PublishError::NotCleared { .. }));
}

#[tokio::test]
async fn a_publication_signs_anew_what_cannot_be_believed() {
    let published = Published::new().await;
    published.attach(b"not json", true);
    published.refusal().await;
    let plan = published.place.plan(Destination::OciLayout(published.place.path("registry")));
    published.place.publish(&published.image, &plan).await.unwrap();
    published.verify().await.unwrap();
}

#[tokio::test]
async fn a_verdict_that_is_another_or_an_old_one_is_attested_anew_and_the_same_is_not() {
    let published = Published::new().await;
    let plan = published.place.plan(Destination::OciLayout(published.place.path("registry")));
    let listed = || published.layout.index().unwrap().len();
    let before = listed();
    published.place.publish(&published.image, &plan).await.unwrap();
    assert_eq!(listed(), before, "the same");
    let summary = "https://portcullis.dev/verdict-summary/v1";
    for (what, is_old) in [("another", false), ("an old one", true)] {
        published.sign(&published.key(), true, |s| match is_old {
            true => s["predicate"]["timeVerified"] = json!("2026-11-20T10:59:59Z"),
            false => s["predicate"][summary]["substance"] = json!(Digest::from_bytes([9; 32])),
        });
        let before = listed();
        published.place.publish(&published.image, &plan).await.unwrap();
        assert!(listed() > before, "{what}");
    }
}

#[tokio::test]
async fn a_layout_that_is_not_there_is_a_usage_error() {
    let place = Workplace::new();
    let nowhere = ImageRef::OciLayout {
        dir: place.path("nowhere"),
        tag: None,
        digest: Some(Digest::from_bytes([1; 32])),
    };
    assert_eq!(place.verify(&nowhere).await.unwrap_err().exit_kind(), ExitKind::Usage);
}

#[tokio::test]
async fn an_attestation_that_only_the_tag_of_referrers_lists_is_found() {
    let published = Published::new().await;
    published.sign(&published.key(), false, |s| {
        s["predicate"]["verificationResult"] = json!("FAILED");
        s["predicate"]["timeVerified"] = json!("2026-11-20T12:00:01Z");
    });
    // As a copy from a registry leaves it: one index under the tag of referrers lists them, `index.json` does not.
    let entries = published.layout.index().unwrap();
    let attestations: Vec<&Descriptor> = entries
        .iter()
        .filter(|d| d.artifact_type.is_some() && d.media_type == media_type::OCI_MANIFEST)
        .collect();
    let list = json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": attestations}).to_string();
    for attestation in &attestations {
        published.layout.remove(&attestation.digest).unwrap();
    }
    let listed = published.layout.write_blob(list.as_bytes()).unwrap();
    let listed = Descriptor::new(media_type::OCI_INDEX, listed, list.len() as u64);
    let tag = portcullis::io::registry::referrers_tag(&published.image.digest);
    published.layout.put(&listed, Some(&tag)).unwrap();
    assert!(matches!(published.refusal().await, PublishError::NotCleared { .. }));
}

#[tokio::test]
async fn a_passed_result_with_an_undecidable_decision_is_refused() {
    let published = Published::new().await;
    published.sign(&published.key(), true, |s| {
        s["predicate"]["https://portcullis.dev/verdict-summary/v1"]["decision"] = json!("undecidable");
    });
    let error = published.refusal().await;
    assert!(
        matches!(&error, PublishError::NotCleared { decision, .. } if decision == "undecidable"),
        "{error}"
    );
}

#[tokio::test]
async fn a_verdict_by_another_policy_is_refused() {
    let published = Published::new().await;
    let key = published.place.key();
    let other = Expectation {
        policy: Some(Digest::from_bytes([9; 32])),
        ..expectation(&key)
    };
    let error = publish::verify(&published.reference, &other, &published.place.effects)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, PublishError::OtherPolicy { name, .. } if name == "policies/gate.toml"),
        "{error}"
    );
    assert!(error.to_string().contains(&policy().to_string()), "{error}");
}

#[tokio::test]
async fn a_verdict_is_refused_when_it_is_too_old_or_from_the_future() {
    let published = Published::new().await;
    let key = published.place.key();
    let at = |time: &str| Effects {
        clock: Arc::new(Fixed(time.parse().unwrap())),
        ..published.place.effects.clone()
    };
    let verify = |time: &str| {
        let (effects, key, reference) = (at(time), key.clone(), published.reference.clone());
        async move { publish::verify(&reference, &expectation(&key), &effects).await }
    };
    verify("2026-11-20T13:00:00Z").await.unwrap();
    verify("2026-11-20T11:58:00Z").await.unwrap();
    let error = verify("2026-11-20T15:00:00Z").await.unwrap_err();
    assert!(matches!(error, PublishError::Stale { .. }), "{error}");
    assert!(error.to_string().contains("3 hours ago, and 60 minutes is allowed"), "{error}");
    assert!(matches!(verify("2026-11-20T11:00:00Z").await, Err(PublishError::Future { .. })));
}

#[tokio::test]
async fn a_verdict_is_refused_when_a_waiver_that_it_rests_on_has_ended() {
    let published = Published::new().await;
    let summary = "https://portcullis.dev/verdict-summary/v1";
    let at = |time: &str| Effects {
        clock: Arc::new(Fixed(time.parse().unwrap())),
        ..published.place.effects.clone()
    };
    let key = published.place.key();
    published.sign(&published.key(), true, |s| {
        s["predicate"]["timeVerified"] = json!("2026-11-20T23:30:00Z");
        s["predicate"][summary]["evaluatedAt"] = json!("2026-11-20T23:30:00Z");
        s["predicate"][summary]["waivedUntil"] = json!("2026-11-20");
    });
    let verify = |time: &str| {
        let (effects, key, reference) = (at(time), key.clone(), published.reference.clone());
        async move { publish::verify(&reference, &expectation(&key), &effects).await }
    };
    verify("2026-11-20T23:59:59Z").await.unwrap();
    let error = verify("2026-11-21T00:00:00Z").await.unwrap_err();
    assert!(matches!(error, PublishError::WaiverEnded { .. }) && error.is_distrust(), "{error}");
    assert!(error.to_string().contains("ended on 2026-11-20"), "{error}");
}

#[tokio::test]
async fn something_that_is_no_attestation_is_named() {
    let published = Published::new().await;
    published.attach(b"{\"mediaType\": 3}", true);
    assert!(matches!(published.refusal().await, PublishError::Malformed { .. }));
}

#[tokio::test]
async fn an_image_in_a_form_without_attestations_is_a_usage_error() {
    let published = Published::new().await;
    let error = published.place.verify(&ImageRef::DockerArchive("x.tar".into())).await.unwrap_err();
    assert_eq!(error.exit_kind(), ExitKind::Usage);
}

#[tokio::test]
async fn two_images_in_one_layout_are_verified_by_digest() {
    let published = Published::new().await;
    let second = image(&published.place.path("second"), &[b"second".to_vec()]);
    let mut plan = published.place.plan(Destination::OciLayout(published.place.path("registry")));
    plan.tags = vec!["f".repeat(40)];
    let (attested, _) = published.place.publish(&second, &plan).await.unwrap();
    assert_eq!(published.place.verify(attested.image()).await.unwrap().digest(), &second.digest);
    assert_eq!(published.verify().await.unwrap().digest(), &published.image.digest);
}

#[tokio::test]
async fn an_envelopes_file_is_the_one_that_was_attached() {
    let published = Published::new().await;
    let (.., bundle) = published.verdict();
    let file: Value = read(&published.place.path("out/verdict.dsse.json"));
    assert_eq!(file, bundle["dsseEnvelope"]);
    let statement = published.statement();
    assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(statement["predicate"]["verificationResult"], "PASSED");
    assert_eq!(statement["predicate"]["policy"]["digest"]["sha256"], policy().hex());
    let inputs: BTreeMap<String, Value> = serde_json::from_value(statement["predicate"]["inputAttestations"][0].clone()).unwrap();
    assert_eq!(inputs["uri"], predicate_type::CYCLONEDX);
    let sbom = std::fs::read(published.place.path("out/sbom.cdx.dsse.json")).unwrap();
    assert_eq!(inputs["digest"]["sha256"], portcullis::io::hash::sha256(&sbom).hex());
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[tokio::test]
async fn a_failed_verdict_is_seen_behind_a_crowd_of_referrers_and_a_later_date_on_the_old_one() {
    let published = Published::new().await;
    let crowd = |published: &Published, count: usize| {
        let (entry, mut manifest, _) = published.verdict();
        let mut index: Value = serde_json::from_slice(&std::fs::read(published.layout.dir().join("index.json")).unwrap()).unwrap();
        for at in 0..count {
            manifest["annotations"]["org.opencontainers.image.created"] = json!(format!("2029-01-01T00:00:00.{at}Z"));
            manifest["annotations"]["crowd"] = json!(at.to_string());
            let bytes = manifest.to_string().into_bytes();
            let mut junk = entry.clone();
            (junk.digest, junk.size) = (published.layout.write_blob(&bytes).unwrap(), bytes.len() as u64);
            index["manifests"].as_array_mut().unwrap().insert(0, json!(junk));
        }
        std::fs::write(published.layout.dir().join("index.json"), index.to_string()).unwrap();
    };
    crowd(&published, 100);
    published.verify().await.expect("a crowd alone changes nothing");
    published.sign(&published.key(), false, |s| {
        s["predicate"]["verificationResult"] = json!("FAILED");
        s["predicate"]["timeVerified"] = json!("2026-11-20T12:00:01Z");
    });
    let error = published.refusal().await;
    assert!(matches!(error, PublishError::NotCleared { .. }), "{error}");
    crowd(&published, 1000);
    let error = published.refusal().await;
    assert!(matches!(error, PublishError::TooManyReferrers { .. }), "{error}");
}

#[tokio::test]
async fn a_verdict_on_another_service_does_not_count() {
    let published = Published::new().await;
    let key = published.place.key();
    let verify = |service: Option<&'static str>| {
        let (key, published) = (&key, &published);
        async move {
            let expected = Expectation {
                service,
                ..expectation(key)
            };
            publish::verify(&published.reference, &expected, &published.place.effects).await
        }
    };
    verify(Some("payments")).await.unwrap();
    verify(None).await.unwrap();
    let error = verify(Some("orders")).await.unwrap_err();
    assert!(error.is_distrust() && error.to_string().contains("found: payments"), "{error}");
}

#[tokio::test]
async fn a_verification_summary_of_another_tool_gives_no_made_up_digests() {
    let published = Published::new().await;
    published.sign(&published.key(), true, |s| {
        let predicate = s["predicate"].as_object_mut().unwrap();
        predicate.remove("https://portcullis.dev/verdict-summary/v1");
    });
    let key = published.place.key();
    let any = Expectation {
        service: None,
        ..expectation(&key)
    };
    let attested = publish::verify(&published.reference, &any, &published.place.effects).await.unwrap();
    assert_eq!(attested.verdict(), None);
    assert!(matches!(published.refusal().await, PublishError::OtherService { .. }));
}

#[tokio::test]
async fn a_damaged_referrer_is_not_taken_for_none() {
    let published = Published::new().await;
    let (entry, ..) = published.verdict();
    std::fs::write(published.layout.blob_path(&entry.digest), b"{").unwrap();
    let error = published.verify().await.unwrap_err();
    assert_eq!(error.exit_kind(), ExitKind::Undecidable, "{error}");
}

#[tokio::test]
async fn a_statement_that_can_be_read_in_two_ways_is_refused() {
    let published = Published::new().await;
    let key = published.key();
    let text = published.statement().to_string();
    for other in [
        text.replacen("\"predicate\":", "\"Predicate\":{},\"predicate\":", 1),
        text.replacen(
            "\"timeVerified\":",
            "\"timeVerified\":\"2020-01-01T00:00:00Z\",\"timeVerified\":",
            1,
        ),
    ] {
        assert_ne!(other, text);
        let envelope = Envelope::sign(other.as_bytes(), &key);
        published.attach(&Bundle::new(envelope, &key.verifying_key()).bytes().unwrap(), true);
        assert!(matches!(published.refusal().await, PublishError::Unread { .. }));
    }
}

#[tokio::test]
async fn the_signed_summary_says_what_was_judged_by() {
    let published = Published::new().await;
    let statement = published.statement();
    let summary = &statement["predicate"]["https://portcullis.dev/verdict-summary/v1"];
    assert_eq!(summary["service"], "payments");
    assert_eq!(
        statement["predicate"]["resourceUri"],
        format!("payments@{}", published.image.digest),
        "a layout has no registry"
    );
}
