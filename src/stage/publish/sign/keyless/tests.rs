//! What a job on GitHub signed with Sigstore's public-good instance, believed by the embedded trusted root.
//!
//! The bundle is `conda-attestation.sigstore.json` of the test data of sigstore-verify 0.15.1 (Apache-2.0).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::super::{Bundle, Part};
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

fn opened(trusted: &Trusted, bundle: &str, now: Timestamp) -> Opened {
    trusted.open(&Bundle::parse(bundle.as_bytes()).expect("a bundle"), bundle.as_bytes(), now)
}

fn open(bundle: &str, now: &str) -> Opened {
    let now: Timestamp = now.parse().expect("time");
    opened(&trusted(WORKFLOW, GITHUB), bundle, now)
}

#[track_caller]
fn refused(opened: Opened) -> Part {
    match opened {
        Opened::Refused(refusal) | Opened::Doubtful { refusal, .. } => refusal.part,
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
        let opened = opened(&trusted(identity, issuer), BUNDLE, now);
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
        opened(&trusted, BUNDLE, "2026-01-01T00:00:00Z".parse().expect("time"))
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

fn changed(change: impl FnOnce(&mut serde_json::Value)) -> String {
    let mut bundle: serde_json::Value = serde_json::from_str(BUNDLE).expect("JSON");
    change(&mut bundle);
    bundle.to_string()
}

#[track_caller]
fn doubtful(what: &str, bundle: &str, expected: Part) -> String {
    match open(bundle, "2026-01-01T00:00:00Z") {
        Opened::Doubtful { refusal, payload: Some(_) } if refusal.part == expected => refusal.reason,
        other => panic!("{what}: {other:?}"),
    }
}

#[test]
fn a_bundle_with_more_of_something_than_any_has_costs_no_time() {
    let begun = std::time::Instant::now();
    let many = |value: &serde_json::Value, count: usize| serde_json::Value::Array(vec![value.clone(); count]);
    let lines = changed(|bundle| {
        let state = &mut bundle["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]["checkpoint"]["envelope"];
        *state = format!("{}{}", state.as_str().expect("text"), "\u{2014} x AAAAAAAA\n".repeat(20_000)).into();
    });
    assert!(doubtful("lines", &lines, Part::Log).contains("longer"));
    let entries = changed(|bundle| {
        let entries = &mut bundle["verificationMaterial"]["tlogEntries"];
        *entries = many(&entries[0], 5);
    });
    assert!(doubtful("entries", &entries, Part::Log).contains("more entries"));
    let timestamps = changed(|bundle| {
        let one = serde_json::json!({"signedTimestamp": "MAA="});
        bundle["verificationMaterial"]["timestampVerificationData"] = serde_json::json!({"rfc3161Timestamps": many(&one, 5)});
    });
    assert!(doubtful("timestamps", &timestamps, Part::Timestamp).contains("more timestamps"));
    let hashes = changed(|bundle| {
        let hashes = &mut bundle["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]["hashes"];
        *hashes = many(&hashes[0], 65);
    });
    assert!(doubtful("hashes", &hashes, Part::Log).contains("longer"));
    let large = changed(|bundle| bundle["verificationMaterial"]["tlogEntries"][0]["logIndex"] = "1".repeat(1 << 20).into());
    assert!(doubtful("bytes", &large, Part::Signature).contains("larger"));
    assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn every_entry_needs_a_proof_that_it_is_in_the_log() {
    let promised = changed(|bundle| {
        let entry = bundle["verificationMaterial"]["tlogEntries"][0].as_object_mut().expect("an entry");
        entry.remove("inclusionProof").expect("a proof");
    });
    assert!(doubtful("on a promise alone", &promised, Part::Log).contains("no proof"));
    let beside = changed(|bundle| {
        let entries = bundle["verificationMaterial"]["tlogEntries"].as_array_mut().expect("entries");
        let mut second = entries[0].clone();
        let bare = second.as_object_mut().expect("an entry");
        bare.remove("inclusionProof");
        bare.remove("inclusionPromise");
        entries.push(second);
    });
    assert!(doubtful("a bare one beside it", &beside, Part::Log).contains("no proof"));
}

#[test]
fn what_contradicts_itself_about_its_signer_or_its_signature_is_not_believed() {
    let with_key = changed(|bundle| bundle["verificationMaterial"]["publicKey"] = serde_json::json!({"hint": "x"}));
    assert!(doubtful("a key", &with_key, Part::Signature).contains("names a key"));
    let with_chain = changed(|bundle| {
        let certificate = bundle["verificationMaterial"]["certificate"].clone();
        bundle["verificationMaterial"]["x509CertificateChain"] = serde_json::json!({"certificates": [certificate]});
    });
    assert!(doubtful("a chain", &with_chain, Part::Signature).contains("a chain"));
    let with_message = changed(|bundle| {
        bundle["messageSignature"] = serde_json::json!({"messageDigest": {"algorithm": "SHA2_256", "digest": "AAAA"}, "signature": "AAAA"});
    });
    assert!(doubtful("a message", &with_message, Part::Signature).contains("another signature"));
}

#[test]
fn a_log_whose_key_had_ended_when_it_was_signed_does_not_count() {
    let dir = tempfile::tempdir().expect("folder");
    let mut root: serde_json::Value = serde_json::from_str(sigstore_verify::trust_root::SIGSTORE_PRODUCTION_TRUSTED_ROOT).expect("JSON");
    let logs = root["tlogs"].as_array_mut().expect("logs");
    logs.truncate(1);
    let by = |name: &str, root: &serde_json::Value| {
        let path = dir.path().join(name);
        std::fs::write(&path, root.to_string()).expect("written");
        let signer = trusted(WORKFLOW, GITHUB).signer().clone();
        let source = Keyless {
            services: None,
            trusted_root: Some(path),
            signer: Some(signer),
        };
        let trusted = Trusted::load(&source, None, &Effects::plain("cache".into())).expect("a root");
        opened(&trusted, BUNDLE, "2026-01-01T00:00:00Z".parse().expect("time"))
    };
    let whole = by("whole.json", &root);
    assert!(matches!(whole, Opened::Payload(_)), "the control: {whole:?}");
    root["tlogs"][0]["publicKey"]["validFor"]["end"] = "2022-01-01T00:00:00Z".into();
    // A promise is held against it by the library, a proof by us.
    let over = by("over.json", &root);
    assert!(
        matches!(&over, Opened::Doubtful { refusal, .. } if matches!(refusal.part, Part::Log | Part::Timestamp)),
        "{over:?}"
    );
}

#[test]
fn only_what_a_service_has_already_is_signed_anew() {
    let error = |status: u16| KeylessError::Service {
        service: "the log",
        what: "entry",
        source: crate::io::http::HttpError::Denied {
            url: String::new(),
            status,
            said: String::new(),
        },
    };
    assert!(error(409).is_taken());
    assert!(!error(400).is_taken());
}
