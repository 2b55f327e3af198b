//! `verify --explain`: each check with its reason, and the right one fails.

use std::sync::Arc;

use portcullis::io::Effects;
use portcullis::io::oci_layout::OciLayout;
use portcullis::model::digest::Digest;
use portcullis::model::image::{Descriptor, media_type};
use portcullis::model::plan::{Destination, KeySource};
use portcullis::stage::publish::sign::{Bundle, Envelope, SigningKey};
use portcullis::stage::publish::{self, Check, CheckResult, Examination, Expectation, predicate_type};
use serde_json::{Value, json};

use super::published::Published;
use crate::support::images::{index, listed, policy};
use crate::support::publishing::{Fixed, Workplace, expectation};

async fn examine(published: &Published, expected: &Expectation<'_>) -> Examination {
    publish::examine(&published.reference, expected, &published.place.effects).await
}

fn line<'a>(examination: &'a Examination, name: &str) -> &'a Check {
    let found = examination.checks.iter().find(|check| check.name == name);
    found.unwrap_or_else(|| panic!("no line {name}: {:#?}", examination.checks))
}

/// The check that fails; those before it hold, those after it were not reached.
#[track_caller]
fn failed(examination: &Examination) -> (&'static str, &str) {
    assert!(examination.result.is_err(), "{:#?}", examination.checks);
    let names: Vec<&str> = examination.checks.iter().map(|check| check.name).collect();
    assert_eq!(names, Check::NAMES);
    let at = examination
        .checks
        .iter()
        .position(|check| check.result == CheckResult::Fails)
        .unwrap();
    let (before, after) = (&examination.checks[..at], &examination.checks[at + 1..]);
    let fine = |check: &Check| matches!(check.result, CheckResult::Holds | CheckResult::NotAsked);
    assert!(before.iter().all(fine), "{:#?}", examination.checks);
    assert!(after.iter().all(|check| check.result == CheckResult::NotReached));
    (examination.checks[at].name, &examination.checks[at].reason)
}

#[tokio::test]
async fn what_holds_is_told_with_its_reason_and_what_was_not_asked_as_that() {
    let published = Published::new().await;
    let key = published.place.key();
    let examination = examine(&published, &expectation(&key)).await;
    assert!(examination.result.is_ok(), "{:#?}", examination.checks);
    for name in Check::NAMES {
        assert_eq!(line(&examination, name).result, CheckResult::Holds, "{name}");
    }
    let said = |name: &str| line(&examination, name).reason.clone();
    assert!(
        said("policy").contains(&policy().to_string()) && said("policy").contains("policies/gate.toml"),
        "{}",
        said("policy")
    );
    assert!(
        said("referrers").contains("3 things") && said("referrers").contains("sha256-"),
        "{}",
        said("referrers")
    );
    assert!(said("age").contains("60 minutes is allowed"), "{}", said("age"));
    assert!(said("subject").contains(&published.image.digest.to_string()));
    assert!(said("inputs").contains("no feed"));
    assert_eq!(
        line(&examination, "baseline").result,
        CheckResult::Unknown,
        "no findings were attested here"
    );
    let any = Expectation {
        service: None,
        policy: None,
        max_age: None,
        ..expectation(&key)
    };
    let examination = examine(&published, &any).await;
    for name in ["service", "policy", "age"] {
        assert_eq!(line(&examination, name).result, CheckResult::NotAsked, "{name}");
    }
    assert!(line(&examination, "service").reason.contains("payments"));
}

#[tokio::test]
async fn another_key_policy_service_or_time_fails_at_its_line() {
    let published = Published::new().await;
    let (key, other) = (published.place.key(), KeySource::Local(published.place.path("other.key")));
    SigningKey::load(&other, &published.place.effects).unwrap();
    assert_eq!(failed(&examine(&published, &expectation(&other)).await).0, "signature");
    let expected = Expectation {
        policy: Some(Digest::from_bytes([9; 32])),
        ..expectation(&key)
    };
    let examination = examine(&published, &expected).await;
    assert_eq!(failed(&examination).0, "policy");
    assert!(failed(&examination).1.contains(&policy().to_string()), "whose policy it was");
    let expected = Expectation {
        service: Some("orders"),
        ..expectation(&key)
    };
    assert_eq!(failed(&examine(&published, &expected).await).0, "service");
    let later = Effects {
        clock: Arc::new(Fixed("2026-11-20T15:00:00Z".parse().unwrap())),
        ..published.place.effects.clone()
    };
    let examination = publish::examine(&published.reference, &expectation(&key), &later).await;
    assert_eq!(failed(&examination).0, "age");
}

#[tokio::test]
async fn an_altered_statement_or_one_of_another_artifact_fails_at_its_line() {
    let (published, other) = (Published::new().await, Published::new().await);
    let key = published.place.key();
    let (.., mut bundle) = published.verdict();
    bundle["dsseEnvelope"]["payload"] = json!("e30=");
    published.attach(bundle.to_string().as_bytes(), true);
    assert_eq!(failed(&examine(&published, &expectation(&key)).await).0, "signature");

    // A good attestation, of another image, listed as if it were about this one.
    let second = Published::new().await;
    second.sign(&second.key(), true, |s| s["subject"][0]["digest"]["sha256"] = json!("0".repeat(64)));
    let key = second.place.key();
    assert_eq!(failed(&examine(&second, &expectation(&key)).await).0, "subject");
    drop(other);
}

#[tokio::test]
async fn an_older_yes_after_a_newer_no_and_a_flood_fail_at_their_lines() {
    let published = Published::new().await;
    let key = published.place.key();
    let yes = published.statement();
    published.sign(&published.key(), false, |s| {
        s["predicate"]["verificationResult"] = json!("FAILED");
        s["predicate"]["timeVerified"] = json!("2026-11-20T12:00:01Z");
    });
    // The old one once more, attached last.
    let envelope = Envelope::sign(yes.to_string().as_bytes(), &published.key());
    published.attach(&Bundle::new(envelope, &published.key().verifying_key()).bytes().unwrap(), false);
    let examination = examine(&published, &expectation(&key)).await;
    assert_eq!(failed(&examination).0, "verdict");
    let newest = line(&examination, "newest");
    assert!(
        newest.reason.contains("2026-11-20T12:00:01Z") && newest.reason.starts_with("of 3"),
        "{}",
        newest.reason
    );

    let published = Published::new().await;
    let key = published.place.key();
    let (entry, mut manifest, _) = published.verdict();
    let path = published.layout.dir().join("index.json");
    let mut list: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    for at in 0..1100 {
        manifest["annotations"]["crowd"] = json!(at.to_string());
        let bytes = manifest.to_string().into_bytes();
        let mut junk = entry.clone();
        (junk.digest, junk.size) = (published.layout.write_blob(&bytes).unwrap(), bytes.len() as u64);
        list["manifests"].as_array_mut().unwrap().push(json!(junk));
    }
    std::fs::write(&path, list.to_string()).unwrap();
    assert_eq!(failed(&examine(&published, &expectation(&key)).await).0, "referrers");
}

#[tokio::test]
async fn another_platforms_verdict_says_nothing_of_this_one() {
    let place = Workplace::new();
    let image = index(&place.path("index"));
    let published = Published::of(place, image).await;
    let platforms = listed(&published.layout, &published.image.digest);
    let key = published.place.key();
    for platform in &platforms {
        let reference = with_digest(&published, platform);
        let examination = publish::examine(&reference, &expectation(&key), &published.place.effects).await;
        assert!(examination.result.is_ok(), "each platform has its own: {:#?}", examination.checks);
    }
    // The first platform's verdict in the place of the second's.
    let named = |digest: &Digest| {
        let mut all = published.layout.index().unwrap().into_iter();
        let is_its = |d: &Descriptor| {
            let kind = d.annotations.get("dev.sigstore.bundle.predicateType").map(String::as_str);
            kind == Some(predicate_type::VERIFICATION_SUMMARY) && published.json(&d.digest)["subject"]["digest"] == json!(digest)
        };
        all.find(is_its).unwrap()
    };
    let mut forged = published.json(&named(&platforms[0]).digest);
    forged["subject"]["digest"] = json!(platforms[1]);
    let mut entry = named(&platforms[1]);
    for old in published.layout.index().unwrap() {
        if old.artifact_type.is_some() {
            published.layout.remove(&old.digest).unwrap();
        }
    }
    let bytes = forged.to_string().into_bytes();
    (entry.digest, entry.size) = (published.layout.write_blob(&bytes).unwrap(), bytes.len() as u64);
    published.layout.put(&entry, None).unwrap();
    let reference = with_digest(&published, &platforms[1]);
    let examination = publish::examine(&reference, &expectation(&key), &published.place.effects).await;
    assert_eq!(failed(&examination).0, "subject");
}

fn with_digest(published: &Published, digest: &Digest) -> portcullis::model::image_ref::ImageRef {
    portcullis::model::image_ref::ImageRef::OciLayout {
        dir: published.layout.dir().to_owned(),
        tag: None,
        digest: Some(*digest),
    }
}

#[tokio::test]
async fn what_buildkit_put_into_the_image_is_told_as_somebody_elses_word() {
    let place = Workplace::new();
    let image = with_buildkits_word(&place);
    let published = Published::of(place, image).await;
    let key = published.place.key();
    let examination = examine(&published, &expectation(&key)).await;
    assert!(examination.result.is_ok(), "{:#?}", examination.checks);
    let said = &line(&examination, "builder").reason;
    assert!(
        said.contains("https://slsa.dev/provenance/v1") && said.contains("somebody else's word, not signed"),
        "{said}"
    );
    // It is no platform: nothing is attested of it.
    let subjects: Vec<Value> = published
        .layout
        .index()
        .unwrap()
        .iter()
        .filter(|d| d.artifact_type.is_some() && d.media_type == media_type::OCI_MANIFEST)
        .map(|d| published.json(&d.digest)["subject"]["digest"].clone())
        .collect();
    let platforms = listed(&published.layout, &published.image.digest);
    assert!(
        subjects.contains(&json!(platforms[0])) && !subjects.contains(&json!(platforms[2])),
        "{subjects:?}"
    );
}

/// The index with a third entry, as BuildKit writes one.
fn with_buildkits_word(place: &Workplace) -> portcullis::model::image::BuiltImage {
    let mut image = index(&place.path("index"));
    let layout = OciLayout::open(place.path("index")).unwrap();
    let read = |digest: &Digest| -> Value { serde_json::from_slice(&layout.read_blob(digest, 100_000).unwrap()).unwrap() };
    let mut root = read(&image.digest);
    let put = |bytes: &[u8], media: &str| Descriptor::new(media, layout.write_blob(bytes).unwrap(), bytes.len() as u64);
    let statement = json!({"_type": "https://in-toto.io/Statement/v0.1", "subject": [], "predicateType": "https://slsa.dev/provenance/v1", "predicate": {}});
    let mut layer = put(statement.to_string().as_bytes(), "application/vnd.in-toto+json");
    layer
        .annotations
        .insert("in-toto.io/predicate-type".to_owned(), "https://slsa.dev/provenance/v1".to_owned());
    let config = put(
        br#"{"architecture":"unknown","os":"unknown","config":{},"rootfs":{"type":"layers","diff_ids":[]}}"#,
        media_type::OCI_CONFIG,
    );
    let manifest = json!({"schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": [layer]});
    root["manifests"]
        .as_array_mut()
        .unwrap()
        .push(json!(put(manifest.to_string().as_bytes(), media_type::OCI_MANIFEST)));
    let bytes = root.to_string().into_bytes();
    layout.remove(&image.digest).unwrap();
    (image.digest, image.size) = (layout.write_blob(&bytes).unwrap(), bytes.len() as u64);
    layout
        .put(&Descriptor::new(media_type::OCI_INDEX, image.digest, image.size), None)
        .unwrap();
    image
}

#[tokio::test]
async fn the_program_prints_each_line_and_ends_with_the_code_of_the_first_that_fails() {
    let published = Published::new().await;
    let Destination::OciLayout(layout) = published
        .place
        .plan(Destination::OciLayout(published.layout.dir().to_owned()))
        .destination
    else {
        panic!("a layout")
    };
    let run = |more: &[&str]| {
        let output = crate::support::portcullis()
            .current_dir(published.place.path("."))
            .env("HOME", published.place.path("home"))
            .env("XDG_CACHE_HOME", published.place.path("home/cache"))
            .env("XDG_STATE_HOME", published.place.path("home/state"))
            .args([
                "verify",
                &format!("oci:{}", layout.display()),
                "--explain",
                "--key",
                "state/portcullis.pub",
            ])
            .args(more)
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, text) = run(&[]);
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.starts_with("verified: ") && text.contains("✓ signature  1 verdict is signed by this key"),
        "{text}"
    );
    let (code, text) = run(&["--max-age", "1h"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(
        text.starts_with("not verified: ") && text.contains("✗ age        the verdict on"),
        "{text}"
    );
    let (code, text) = run(&["--max-age", "1h", "--format", "json"]);
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (code, &json["verified"], &json["schema"]),
        (Some(2), &json!(false), &json!("portcullis/verification/v1"))
    );
    let results: Vec<&str> = json["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["result"].as_str().unwrap())
        .collect();
    assert_eq!(
        results,
        [
            "holds",
            "holds",
            "holds",
            "holds",
            "not-asked",
            "not-asked",
            "holds",
            "holds",
            "fails"
        ]
    );
}
