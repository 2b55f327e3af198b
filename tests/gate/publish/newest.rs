//! The newest word of our key counts, also where it is hard to read: a "no" is never passed over.

use std::sync::Arc;

use portcullis::io::Effects;
use portcullis::model::image::media_type;
use portcullis::model::plan::KeySource;
use portcullis::stage::publish::sign::{Bundle, Envelope, SigningKey};
use portcullis::stage::publish::{self, Expectation, PublishError};
use serde_json::{Value, json};

use super::published::Published;
use crate::support::images::policy;
use crate::support::publishing::{Fixed, expectation};

const SUMMARY: &str = "https://portcullis.dev/verdict-summary/v1";
/// A minute after the verdict that was published.
const LATER: &str = "2026-11-20T12:01:00Z";
const EARLIER: &str = "2026-11-20T11:00:00Z";

/// What is done to a statement before it is signed.
type Change = fn(&mut Value);

/// A "no" of a moment, in both words.
fn no(statement: &mut Value, at: &str) {
    let predicate = &mut statement["predicate"];
    predicate["verificationResult"] = json!("FAILED");
    predicate["timeVerified"] = json!(at);
    predicate[SUMMARY]["decision"] = json!("blocked");
    predicate[SUMMARY]["evaluatedAt"] = json!(at);
}

/// What a rollout asks for: service, policy, age.
async fn asked(published: &Published) -> Result<publish::Attested, PublishError> {
    let key = published.place.key();
    let expected = Expectation {
        service: Some("payments"),
        policy: Some(policy()),
        ..expectation(&key)
    };
    publish::verify(&published.reference, &expected, &published.place.effects).await
}

#[tokio::test]
async fn a_newer_verdict_of_our_key_that_cannot_be_read_is_not_passed_over() {
    let breaks: [(&str, Change); 6] = [
        ("a decision of tomorrow", |s| {
            s["predicate"][SUMMARY]["decision"] = json!("quarantined")
        }),
        ("a policy that is a text", |s| s["predicate"]["policy"] = json!("x")),
        ("no time", |s| drop(s["predicate"].as_object_mut().unwrap().remove("timeVerified"))),
        ("a time that is none", |s| s["predicate"]["timeVerified"] = json!("yesterday")),
        ("another version of the statement", |s| {
            s["predicateType"] = json!("https://slsa.dev/verification_summary/v0.2")
        }),
        ("a subject in capital letters", |s| {
            let digest = &mut s["subject"][0]["digest"];
            digest["sha256"] = json!(digest["sha256"].as_str().unwrap().to_uppercase());
        }),
    ];
    for (what, change) in breaks {
        let published = Published::new().await;
        published.sign(&published.key(), false, |s| {
            no(s, LATER);
            change(s);
        });
        let error = published.refusal().await;
        assert!(matches!(error, PublishError::Unread { .. }), "{what}: {error}");
        assert!(asked(&published).await.is_err(), "{what}");
    }
    // The control: what cannot be read and is older takes nothing back.
    let published = Published::new().await;
    published.sign(&published.key(), false, |s| {
        no(s, EARLIER);
        s["predicate"][SUMMARY]["decision"] = json!("quarantined");
    });
    published.verify().await.unwrap();
    asked(&published).await.unwrap();
}

#[tokio::test]
async fn a_signed_verdict_with_repeated_keys_beside_a_good_one_is_not_passed_over() {
    let published = Published::new().await;
    let key = published.key();
    let text = published.statement().to_string();
    let twice = text.replacen(
        "\"verificationResult\":",
        "\"verificationResult\":\"FAILED\",\"verificationResult\":",
        1,
    );
    assert_ne!(twice, text);
    let envelope = Envelope::sign(twice.as_bytes(), &key);
    published.attach(&Bundle::new(envelope, &key.verifying_key()).bytes().unwrap(), false);
    assert!(matches!(published.refusal().await, PublishError::Unread { .. }));
}

#[tokio::test]
async fn a_no_without_a_service_or_a_policy_is_one_for_each() {
    let takes: [(&str, Change); 2] = [
        ("of another tool", |s| drop(s["predicate"].as_object_mut().unwrap().remove(SUMMARY))),
        ("without a policy", |s| {
            drop(s["predicate"].as_object_mut().unwrap().remove("policy"));
        }),
    ];
    for (what, take) in takes {
        let published = Published::new().await;
        published.sign(&published.key(), false, |s| {
            no(s, LATER);
            take(s);
        });
        let error = asked(&published).await.unwrap_err();
        assert!(matches!(error, PublishError::NotCleared { .. }), "{what}: {error}");
    }
    // The control: a yes of another tool says nothing of the service, and takes nothing back.
    let published = Published::new().await;
    published.sign(&published.key(), false, |s| {
        s["predicate"]["timeVerified"] = json!(LATER);
        s["predicate"].as_object_mut().unwrap().remove(SUMMARY);
    });
    asked(&published).await.unwrap();
}

#[tokio::test]
async fn a_yes_by_a_clock_that_is_ahead_does_not_hide_a_no_of_now() {
    let published = Published::new().await;
    published.sign(&published.key(), false, |s| no(s, "2026-11-20T11:59:00Z"));
    // The yes is of 12:00, and here it is one minute before that.
    let early = Effects {
        clock: Arc::new(Fixed("2026-11-20T11:59:30Z".parse().unwrap())),
        ..published.place.effects.clone()
    };
    let key = published.place.key();
    let error = publish::verify(&published.reference, &expectation(&key), &early).await.unwrap_err();
    assert!(matches!(error, PublishError::NotCleared { .. }), "{error}");
    // The control: when its time has come, it is the newer one.
    published.verify().await.unwrap();
}

#[tokio::test]
async fn a_yes_that_names_two_policies_or_two_times_is_none() {
    let changes: [(&str, Change); 3] = [
        ("two policies", |s| {
            s["predicate"][SUMMARY]["policy"]["digest"] = json!(format!("sha256:{}", "0".repeat(64)))
        }),
        ("two times", |s| s["predicate"][SUMMARY]["evaluatedAt"] = json!(EARLIER)),
        ("passed and blocked", |s| s["predicate"][SUMMARY]["decision"] = json!("blocked")),
    ];
    for (what, change) in changes {
        let published = Published::new().await;
        published.sign(&published.key(), true, change);
        published.refusal().await;
        assert!(asked(&published).await.is_err(), "{what}");
    }
}

#[tokio::test]
async fn a_layouts_list_cannot_hide_a_no_by_what_it_says_of_it() {
    for what in ["without its type", "as something else"] {
        let published = Published::new().await;
        published.sign(&published.key(), false, |s| no(s, LATER));
        let path = published.layout.dir().join("index.json");
        let mut index: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        for entry in index["manifests"].as_array_mut().unwrap() {
            // Those below the tag of referrers list it too, and that list is taken away.
            let entry = entry.as_object_mut().unwrap();
            match what {
                "without its type" => drop(entry.remove("artifactType")),
                _ if entry.contains_key("artifactType") => {
                    entry.insert("mediaType".to_owned(), json!("application/vnd.example+json"));
                }
                _ => {}
            }
        }
        let manifests = index["manifests"].as_array_mut().unwrap();
        manifests.retain(|entry| entry["mediaType"] != media_type::OCI_INDEX && !is_named(entry));
        std::fs::write(&path, index.to_string()).unwrap();
        let error = published.refusal().await;
        assert!(matches!(error, PublishError::NotCleared { .. }), "{what}: {error}");
    }
}

fn is_named(entry: &Value) -> bool {
    let name = entry["annotations"]["org.opencontainers.image.ref.name"].as_str();
    name.is_some_and(|name| name.starts_with("sha256-"))
}

#[tokio::test]
async fn two_lists_under_one_tag_of_referrers_are_refused() {
    let published = Published::new().await;
    let path = published.layout.dir().join("index.json");
    let mut index: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let list = index["manifests"].as_array().unwrap().iter().find(|entry| is_named(entry)).unwrap();
    let empty = json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": []}).to_string();
    let mut other = list.clone();
    other["digest"] = json!(published.layout.write_blob(empty.as_bytes()).unwrap());
    other["size"] = json!(empty.len());
    index["manifests"].as_array_mut().unwrap().insert(0, other);
    std::fs::write(&path, index.to_string()).unwrap();
    let error = published.verify().await.unwrap_err();
    assert!(error.to_string().contains("2 images under the tag"), "{error}");
}

/// Wraps a bundle anew, as whoever may write to the repository can without a key.
type Wrap = fn(&mut Value, &Published, &[u8]);

#[tokio::test]
async fn a_signed_no_that_was_wrapped_anew_is_seen() {
    let layer = |bundle: &[u8], published: &Published, kind: &str| {
        let digest = published.layout.write_blob(bundle).unwrap();
        json!({"mediaType": kind, "digest": digest, "size": bundle.len()})
    };
    let wraps: [(&str, Wrap); 7] = [
        ("as another kind of statement", |m, _, _| {
            m["annotations"]["dev.sigstore.bundle.predicateType"] = json!("https://slsa.dev/provenance/v1");
        }),
        ("without annotations", |m, _, _| m["annotations"] = json!({})),
        ("behind another layer", |m, published, _| {
            let junk = published.layout.write_blob(b"{}").unwrap();
            let first = json!({"mediaType": m["layers"][0]["mediaType"], "digest": junk, "size": 2});
            m["layers"].as_array_mut().unwrap().insert(0, first);
        }),
        ("with a parameter", |m, _, _| {
            m["layers"][0]["mediaType"] = json!("application/vnd.dev.sigstore.bundle.v0.3+json; charset=utf-8");
        }),
        ("as an older version", |m, _, _| {
            m["layers"][0]["mediaType"] = json!("application/vnd.dev.sigstore.bundle+json;version=0.2")
        }),
        ("as JSON", |m, _, _| m["layers"][0]["mediaType"] = json!("application/json")),
        ("as its envelope alone", |m, published, bundle| {
            let bundle: Value = serde_json::from_slice(bundle).unwrap();
            let envelope = bundle["dsseEnvelope"].to_string();
            m["layers"][0]["digest"] = json!(published.layout.write_blob(envelope.as_bytes()).unwrap());
            m["layers"][0]["size"] = json!(envelope.len());
            m["layers"][0]["mediaType"] = json!("application/vnd.dsse.envelope.v1+json");
        }),
    ];
    for (what, wrap) in wraps {
        let published = Published::new().await;
        let (entry, manifest, _) = published.verdict();
        let refuses = |of_us: bool| {
            let other = KeySource::Local(published.place.path("other.key"));
            let key = match of_us {
                true => published.key(),
                false => SigningKey::load(&other, &published.place.effects).unwrap(),
            };
            let mut statement = published.statement();
            no(&mut statement, LATER);
            let bundle = Bundle::new(Envelope::sign(statement.to_string().as_bytes(), &key), &key.verifying_key())
                .bytes()
                .unwrap();
            let mut manifest = manifest.clone();
            manifest["layers"][0] = layer(&bundle, &published, manifest["layers"][0]["mediaType"].as_str().unwrap());
            wrap(&mut manifest, &published, &bundle);
            let bytes = manifest.to_string().into_bytes();
            let mut entry = entry.clone();
            entry.digest = published.layout.write_blob(&bytes).unwrap();
            entry.size = bytes.len() as u64;
            published.layout.put(&entry, None).unwrap();
        };
        // The control: another key's word, wrapped in whichever way, is nothing to us.
        refuses(false);
        published.verify().await.unwrap_or_else(|error| panic!("{what}: {error}"));
        refuses(true);
        let error = published.refusal().await;
        assert!(matches!(error, PublishError::NotCleared { .. }), "{what}: {error}");
    }
}

#[tokio::test]
async fn a_signed_no_behind_many_signatures_or_of_another_type_is_seen() {
    let published = Published::new().await;
    let key = published.key();
    let mut statement = published.statement();
    no(&mut statement, LATER);
    let bundle = Bundle::new(Envelope::sign(statement.to_string().as_bytes(), &key), &key.verifying_key())
        .bytes()
        .unwrap();
    let mut bundle: Value = serde_json::from_slice(&bundle).unwrap();
    let signatures = bundle["dsseEnvelope"]["signatures"].as_array_mut().unwrap();
    for at in 0..16 {
        signatures.insert(0, json!({"sig": if at == 0 { "not base64 !" } else { "AAAA" }}));
    }
    published.attach(bundle.to_string().as_bytes(), false);
    let error = published.refusal().await;
    assert!(matches!(error, PublishError::NotCleared { .. }), "{error}");

    let other: Change = |s| s["predicateType"] = json!("https://SLSA.dev/verification_summary/V1");
    let renamed: Change = |s| s["predicateType"] = json!("https://example.org/results/v1");
    for change in [other, renamed] {
        let published = Published::new().await;
        published.sign(&published.key(), false, |s| {
            no(s, LATER);
            change(s);
        });
        let error = published.refusal().await;
        assert!(matches!(error, PublishError::Unread { .. }), "{error}");
    }
    // The control: a statement of another kind, of the same key.
    let published = Published::new().await;
    published.sign(&published.key(), false, |s| {
        s["predicateType"] = json!("https://example.org/tests/v1");
        s["predicate"] = json!({"passed": false});
    });
    published.verify().await.unwrap();
}
