//! The newest word of our key counts, also where it is hard to read: a "no" is never passed over.

use std::sync::Arc;

use portcullis::io::Effects;
use portcullis::model::image::media_type;
use portcullis::stage::publish::sign::{Bundle, Envelope};
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
