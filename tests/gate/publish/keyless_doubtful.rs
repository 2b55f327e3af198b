//! What the right identity signed and what cannot be read or proven: a "no" is never passed over, and what is not by it never stands in the way.

use std::collections::BTreeSet;

use portcullis::io::oci_layout::OciLayout;
use portcullis::model::digest::Digest;
use portcullis::model::plan::Destination;
use portcullis::stage::publish::{self, Attested, Expectation, PublishError};
use serde_json::{Value, json};

use crate::support::publishing::expectation;
use crate::support::sigstore::Sigstore;

use super::keyless::place;
use super::published::Published;

const TYPE: &str = "application/vnd.in-toto+json";
const LATER: &str = "2026-11-20T12:01:00Z";

async fn published(sigstore: &Sigstore) -> Published {
    let place = place(sigstore);
    let image = place.image();
    let folder = place.path("registry");
    let mut plan = place.plan(Destination::OciLayout(folder.clone()));
    plan.key = Some(sigstore.source());
    let (attested, _) = place.publish(&image, &plan).await.unwrap();
    Published {
        layout: OciLayout::open(folder).unwrap(),
        reference: attested.image().clone(),
        place,
        image,
    }
}

async fn verify(published: &Published, sigstore: &Sigstore) -> Result<Attested, PublishError> {
    let source = sigstore.source();
    let expected = Expectation {
        max_age: None,
        ..expectation(&source)
    };
    publish::verify(&published.reference, &expected, &published.place.effects).await
}

/// The same with something more among the referrers, which is taken away again.
async fn verify_beside(published: &Published, sigstore: &Sigstore, bundle: &Value) -> Result<Attested, PublishError> {
    let listed = || -> BTreeSet<Digest> { published.layout.index().unwrap().iter().map(|one| one.digest).collect() };
    let before = listed();
    published.attach(bundle.to_string().as_bytes(), false);
    let verified = verify(published, sigstore).await;
    let added: Vec<Digest> = listed().difference(&before).copied().collect();
    assert_eq!(added.len(), 1);
    published.layout.remove(&added[0]).unwrap();
    verified
}

/// A newer "no".
fn no(published: &Published) -> Value {
    let mut statement = published.statement();
    statement["predicate"]["verificationResult"] = json!("FAILED");
    statement["predicate"]["timeVerified"] = json!(LATER);
    statement
}

#[track_caller]
fn is_undecidable(what: &str, verified: Result<Attested, PublishError>) {
    match verified {
        Err(error @ (PublishError::Doubtful { .. } | PublishError::Unread { .. })) => {
            let code = miette::Diagnostic::code(&error).unwrap().to_string();
            assert_eq!(code, "publish::unread", "{what}");
            assert!(error.is_distrust(), "{what}");
        }
        other => panic!("{what}: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_by_the_identity_that_cannot_be_read_is_not_passed_over() {
    let Some(sigstore) = Sigstore::start() else { return };
    let published = published(&sigstore).await;
    let certified = sigstore.certified();
    verify(&published, &sigstore).await.expect("the control");
    let no = no(&published).to_string();
    let read = verify_beside(&published, &sigstore, &sigstore.sign_as(TYPE, no.as_bytes(), &certified)).await;
    assert!(matches!(read, Err(PublishError::NotCleared { .. })), "the other control: {read:?}");
    for (what, kind, statement) in [
        ("a digest in capitals", TYPE, no.replace("\"sha256\":", "\"SHA256\":")),
        ("a type with a parameter", "application/vnd.in-toto+json; charset=utf-8", no.clone()),
        ("another type", "text/plain", no.clone()),
        ("`Subject`", TYPE, no.replace("\"subject\":", "\"Subject\":")),
        (
            "two types",
            TYPE,
            no.replacen('{', "{\"_type\":\"https://in-toto.io/Statement/v1\",", 1),
        ),
        ("no JSON", TYPE, no.replacen('{', "", 1)),
    ] {
        assert!(kind != TYPE || statement != no, "{what}");
        let bundle = sigstore.sign_as(kind, statement.as_bytes(), &certified);
        is_undecidable(what, verify_beside(&published, &sigstore, &bundle).await);
    }
    verify(&published, &sigstore).await.expect("nothing of it is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_by_the_identity_whose_timestamp_or_log_is_unknown_is_not_passed_over() {
    let Some(sigstore) = Sigstore::start() else { return };
    let published = published(&sigstore).await;
    let no = no(&published).to_string();
    let bundle = sigstore.sign_as(TYPE, no.as_bytes(), &sigstore.certified());
    let material = "/verificationMaterial";
    let changed = |place: &str, to: Value| {
        let mut bundle = bundle.clone();
        *bundle
            .pointer_mut(&format!("{material}{place}"))
            .unwrap_or_else(|| panic!("{place}")) = to;
        bundle
    };
    let state = "/tlogEntries/0/inclusionProof/checkpoint/envelope";
    let signed = bundle.pointer(&format!("{material}{state}")).unwrap().as_str().unwrap();
    let mut behind_many = bundle.clone();
    let signatures = behind_many["dsseEnvelope"]["signatures"].as_array_mut().unwrap();
    let ours = signatures.remove(0);
    signatures.extend(vec![json!({"sig": "MAA="}); 900]);
    signatures.push(ours);
    let mut two_signers = bundle.clone();
    two_signers["verificationMaterial"]["publicKey"] = json!({"hint": "x"});
    for (what, bundle) in [
        (
            "no timestamp",
            changed("/timestampVerificationData", json!({"rfc3161Timestamps": []})),
        ),
        (
            "an authority's that nobody knows",
            changed("/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp", json!("MAA=")),
        ),
        ("no log", changed("/tlogEntries", json!([]))),
        (
            "a log that nobody knows",
            changed(state, json!(signed.replace("log.example", "other.example"))),
        ),
        ("a certificate and a key", two_signers),
        ("behind many signatures", behind_many),
        (
            "no word of a log of certificates",
            sigstore.sign_by_hand(
                no.as_bytes(),
                &sigstore.certify("20260101000000Z", "20360101000000Z", &sigstore.extensions()),
            ),
        ),
    ] {
        is_undecidable(what, verify_beside(&published, &sigstore, &bundle).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_by_the_identity_or_about_something_else_stands_in_nobodys_way() {
    let Some(sigstore) = Sigstore::start() else { return };
    let published = published(&sigstore).await;
    let no = no(&published);
    let certified = sigstore.certified();
    let bundle = sigstore.sign_as(TYPE, no.to_string().as_bytes(), &certified);
    let by_another_key = sigstore.sign_as(TYPE, no.to_string().as_bytes(), &sigstore.certified());
    let mut copied = by_another_key.clone();
    copied["verificationMaterial"]["certificate"] = bundle["verificationMaterial"]["certificate"].clone();
    let mut without_log = copied.clone();
    without_log["verificationMaterial"]["tlogEntries"] = json!([]);
    let mut many = copied.clone();
    many["dsseEnvelope"]["signatures"] = json!(vec![json!({"sig": "MAA="}); 5000]);
    let other_ca = sigstore.stranger();
    let stripped = |mut bundle: Value| {
        bundle["verificationMaterial"]["timestampVerificationData"] = json!({"rfc3161Timestamps": []});
        bundle
    };
    let unproven = |statement: &Value| stripped(sigstore.sign_as(TYPE, statement.to_string().as_bytes(), &certified));
    let mut elsewhere = no.clone();
    elsewhere["subject"][0]["digest"]["sha256"] = json!("11".repeat(32));
    let mut inventory = no.clone();
    inventory["predicateType"] = json!("https://cyclonedx.org/bom");
    inventory["predicate"] = json!({});
    for (what, bundle) in [
        ("a copied certificate", copied),
        ("a copied certificate without a log", without_log),
        ("a copied certificate with many signatures", many),
        ("another authority", sigstore.sign_as(TYPE, no.to_string().as_bytes(), &other_ca)),
        ("about another image, unproven", unproven(&elsewhere)),
        ("of another kind, unproven", unproven(&inventory)),
    ] {
        let verified = verify_beside(&published, &sigstore, &bundle).await;
        assert!(verified.is_ok(), "{what}: {verified:?}");
    }
    is_undecidable("the control", verify_beside(&published, &sigstore, &stripped(bundle)).await);
}
