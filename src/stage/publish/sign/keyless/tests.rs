//! What a job on GitHub signed with Sigstore's public-good instance, believed by the embedded trusted root.
//!
//! The bundle is `conda-attestation.sigstore.json` of the test data of sigstore-verify 0.15.1 (Apache-2.0).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::super::Part;
use super::{KeylessError, Opened, Trusted, read_root};
use crate::io::Effects;
use crate::model::plan::{Keyless, SignerIdentity};

const BUNDLE: &str = include_str!("../../../../../fixtures/publish/keyless/github.sigstore.json");
const WORKFLOW: &str = "https://github.com/prefix-dev/sigstore-example/.github/workflows/action.yaml@refs/heads/main";
const GITHUB: &str = "https://token.actions.githubusercontent.com";

fn trusted(identity: &str, issuer: &str) -> Trusted {
    let source = Keyless {
        services: None,
        trusted_root: None,
        signer: Some(SignerIdentity {
            identity: identity.to_owned(),
            issuer: issuer.to_owned(),
            repository: None,
        }),
    };
    Trusted::load(&source, None, &Effects::plain("cache".into())).expect("the embedded root")
}

fn open(bundle: &str, now: &str) -> Opened {
    let now: Timestamp = now.parse().expect("time");
    trusted(WORKFLOW, GITHUB).open(bundle.as_bytes(), now)
}

#[track_caller]
fn refused(opened: Opened) -> Part {
    match opened {
        Opened::Refused(refusal) => refusal.part,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_job_on_github_signed_is_believed_by_the_public_good_root() {
    match open(BUNDLE, "2026-01-01T00:00:00Z") {
        Opened::Payload(payload) => assert!(payload.starts_with(b"{\"_type\":\"https://in-toto.io/Statement/v1\"")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_name_or_an_issuer_that_only_resembles_is_another() {
    let now: Timestamp = "2026-01-01T00:00:00Z".parse().expect("time");
    for (identity, issuer) in [
        (&WORKFLOW[..WORKFLOW.len() - 1], GITHUB),
        (&format!("{WORKFLOW}/"), GITHUB),
        (&WORKFLOW.to_uppercase(), GITHUB),
        (&WORKFLOW.replace("main", "*"), GITHUB),
        (WORKFLOW, "https://token.actions.githubusercontent.com/"),
        (WORKFLOW, "https://accounts.example"),
    ] {
        let opened = trusted(identity, issuer).open(BUNDLE.as_bytes(), now);
        assert!(matches!(opened, Opened::Other(_)), "{identity} {issuer}: {opened:?}");
    }
}

#[test]
fn a_run_of_another_repository_is_somebody_elses() {
    let of = |repository: &str| {
        let source = Keyless {
            services: None,
            trusted_root: None,
            signer: Some(SignerIdentity {
                identity: WORKFLOW.to_owned(),
                issuer: GITHUB.to_owned(),
                repository: Some(repository.to_owned()),
            }),
        };
        let trusted = Trusted::load(&source, None, &Effects::plain("cache".into())).expect("the embedded root");
        trusted.open(BUNDLE.as_bytes(), "2026-01-01T00:00:00Z".parse().expect("time"))
    };
    assert!(matches!(of("prefix-dev/sigstore-example"), Opened::Payload(_)));
    for other in ["someone/sigstore-example", "sigstore-example", "prefix-dev/sigstore-example/", ""] {
        assert!(matches!(of(other), Opened::Other(_)), "{other}");
    }
}

#[test]
fn a_signature_of_the_future_is_refused() {
    assert_eq!(refused(open(BUNDLE, "2025-09-01T12:00:00Z")), Part::Timestamp);
}

#[test]
fn a_changed_log_time_a_changed_proof_and_a_changed_payload_are_refused() {
    let bundle: serde_json::Value = serde_json::from_str(BUNDLE).expect("JSON");
    let entry = "/verificationMaterial/tlogEntries/0";
    let changed = |place: &str, to: serde_json::Value| {
        let mut bundle = bundle.clone();
        *bundle.pointer_mut(place).expect(place) = to;
        refused(open(&bundle.to_string(), "2026-01-01T00:00:00Z"))
    };
    assert_eq!(changed(&format!("{entry}/integratedTime"), "1756728900".into()), Part::Log);
    let hash = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    assert_eq!(changed(&format!("{entry}/inclusionProof/hashes/0"), hash.into()), Part::Log);
    // Without the log's promise nobody says when it was signed.
    assert_eq!(
        changed(&format!("{entry}/inclusionPromise"), serde_json::Value::Null),
        Part::Timestamp
    );
    let payload = STANDARD
        .decode(bundle["dsseEnvelope"]["payload"].as_str().expect("text"))
        .expect("base64");
    let payload = String::from_utf8(payload)
        .expect("text")
        .replacen("signed-package", "other-package", 1);
    assert_eq!(changed("/dsseEnvelope/payload", STANDARD.encode(payload).into()), Part::Signature);
}

#[test]
fn a_trusted_root_without_a_kind_of_key_is_none() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("root.json");
    let whole: serde_json::Value = serde_json::from_str(sigstore_verify::trust_root::SIGSTORE_PRODUCTION_TRUSTED_ROOT).expect("JSON");
    let load = |root: &serde_json::Value| {
        std::fs::write(&path, root.to_string()).expect("written");
        let source = Keyless {
            services: None,
            trusted_root: Some(path.clone()),
            signer: None,
        };
        read_root(&source, &Effects::plain("cache".into())).map(|_| ())
    };
    load(&whole).expect("the control");
    for part in ["certificateAuthorities", "ctlogs", "tlogs"] {
        let mut root = whole.clone();
        root[part] = serde_json::json!([]);
        assert!(matches!(load(&root), Err(KeylessError::TrustedRoot { .. })), "{part}");
    }
    assert!(matches!(load(&serde_json::json!({})), Err(KeylessError::TrustedRoot { .. })));
}
