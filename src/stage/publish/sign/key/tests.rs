use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p256::SecretKey;
use p256::elliptic_curve::Generate;
use p256::pkcs8::LineEnding;

use super::halves::{Private, Public};
use super::keys::create;
use super::*;
use crate::io::Effects;
use crate::io::secret::Secret;
use crate::model::plan::KeySource;
use crate::stage::publish::sign::{Envelope, EnvelopeError};

// Made for these tests with `cosign generate-key-pair`, password `pw`.
const COSIGN_KEY: &str = include_str!("../../../../../fixtures/publish/keys/cosign.key");
const COSIGN_PUB: &str = include_str!("../../../../../fixtures/publish/keys/cosign.pub");

fn effects(secrets: &[(&str, &str)]) -> Effects {
    let secrets: BTreeMap<String, Secret> = secrets.iter().map(|(k, v)| ((*k).to_owned(), Secret::new(*v))).collect();
    Effects {
        secrets: Arc::new(secrets),
        ..Effects::plain(std::env::temp_dir())
    }
}

fn env() -> KeySource {
    KeySource::Env("KEY".to_owned())
}

#[test]
fn cosigns_encrypted_key_opens_with_its_password_only() {
    let key = SigningKey::load(&env(), &effects(&[("KEY", COSIGN_KEY), ("COSIGN_PASSWORD", "pw")])).expect("opens");
    let public = VerifyingKey::load(&env(), &effects(&[("KEY", COSIGN_PUB)])).expect("public key");
    assert_eq!(key.verifying_key(), public);
    let wrong = SigningKey::load(&env(), &effects(&[("KEY", COSIGN_KEY), ("COSIGN_PASSWORD", "pW")]));
    assert!(matches!(wrong, Err(KeyError::WrongPassword { .. })));
    let none = SigningKey::load(&env(), &effects(&[("KEY", COSIGN_KEY)]));
    assert!(matches!(none, Err(KeyError::NoPassword { .. })));
}

#[test]
fn a_local_key_is_made_once_and_for_its_owner_only() {
    let dir = tempfile::tempdir().expect("folder");
    let source = KeySource::Local(dir.path().join("state/portcullis.key"));
    let first = SigningKey::load(&source, &effects(&[])).expect("made");
    let again = SigningKey::load(&source, &effects(&[])).expect("loaded");
    assert_eq!(first.verifying_key(), again.verifying_key());
    let mode = fs::metadata(dir.path().join("state/portcullis.key"))
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    fs::remove_file(dir.path().join("state/portcullis.key")).expect("removed");
    let public = VerifyingKey::load(&source, &effects(&[])).expect("the public half is enough to verify");
    assert_eq!(public, first.verifying_key());
}

#[test]
fn of_two_runs_that_make_the_key_at_once_the_second_takes_the_firsts() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("portcullis.key");
    let first = SigningKey::load(&KeySource::Local(path.clone()), &effects(&[])).expect("made");
    let second = create(&path).expect("the other run was quicker");
    assert_eq!(second.verifying_key(), first.verifying_key());
    fs::write(&path, "something else").expect("written");
    create(&path).expect_err("that is no key");
}

#[test]
fn a_key_in_sec1_and_with_written_out_newlines_is_read() {
    let key = SecretKey::try_generate().expect("key");
    let sec1 = key.to_sec1_pem(LineEnding::LF).expect("pem").replace('\n', "\\n");
    let loaded = SigningKey::load(&env(), &effects(&[("KEY", &sec1)])).expect("loads");
    assert_eq!(loaded.verifying_key(), VerifyingKey(Public::P256(key.public_key().into())));
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

#[test]
fn an_ed25519_key_signs_and_only_its_public_half_verifies() {
    // As `openssl genpkey -algorithm ed25519` writes it: PKCS#8 without the public key.
    let head = [
        0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
    ];
    let private = pem("PRIVATE KEY", &[&head[..], &[7; 32]].concat());
    let key = SigningKey::load(&env(), &effects(&[("KEY", &private)])).expect("loads");
    let Public::Ed25519(half) = key.verifying_key().0 else {
        panic!("another kind")
    };
    let public = pem("PUBLIC KEY", &half.der());
    let public = VerifyingKey::load(&env(), &effects(&[("KEY", &public)])).expect("public key");
    assert_eq!(key.verifying_key(), public);
    assert!(public.name().starts_with("ed25519:"), "{}", public.name());
    let envelope = Envelope::sign(b"{}", &key);
    assert_eq!(envelope.open(&public).expect("opens"), b"{}");
    let p256 = VerifyingKey::load(&env(), &effects(&[("KEY", COSIGN_PUB)])).expect("public key");
    assert_eq!(envelope.open(&p256), Err(EnvelopeError::Signature(1)));
}

#[test]
fn what_is_no_key_is_refused_without_being_shown() {
    for (text, expected) in [
        ("hunter2", "no `-----BEGIN` line"),
        ("-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n", "damaged"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----\n",
            "something else",
        ),
        ("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nhunter2\n", "not base64"),
        ("-----BEGIN CERTIFICATE-----\nhunter2\n", "certificate"),
    ] {
        let error = SigningKey::load(&env(), &effects(&[("KEY", text), ("COSIGN_PASSWORD", "hunter2")])).expect_err(text);
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(expected), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    assert!(matches!(SigningKey::load(&env(), &effects(&[])), Err(KeyError::NotSet { .. })));
    let public = SigningKey::load(&env(), &effects(&[("KEY", COSIGN_PUB)]));
    assert!(matches!(public, Err(KeyError::Public { .. })));
}

#[test]
fn an_envelope_opens_for_the_key_that_signed_it_and_unchanged() {
    let p256 = || SigningKey(Private::P256(SecretKey::try_generate().expect("key").into()));
    let (key, other) = (p256(), p256());
    let envelope = Envelope::sign(b"{}", &key);
    assert_eq!(envelope, Envelope::sign(b"{}", &key), "signing is deterministic");
    assert_eq!(envelope.open(&key.verifying_key()).expect("opens"), b"{}");
    assert_eq!(envelope.open(&other.verifying_key()), Err(EnvelopeError::Signature(1)));
    let text = serde_json::to_string(&envelope).expect("json");
    let payload = STANDARD.encode("[]");
    let altered: Envelope = serde_json::from_str(&text.replace("e30=", &payload)).expect("json");
    assert_eq!(altered.open(&key.verifying_key()), Err(EnvelopeError::Signature(1)));
    let altered: Envelope = serde_json::from_str(&text.replace("in-toto", "other")).expect("json");
    assert!(matches!(altered.open(&key.verifying_key()), Err(EnvelopeError::PayloadType(_))));
    assert!(!format!("{key:?}").contains("SecretKey"));
}
