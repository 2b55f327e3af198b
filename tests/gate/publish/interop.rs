//! cosign and oras read what we write, and we read what cosign writes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use portcullis::io::Effects;
use portcullis::io::secret::Secret;
use portcullis::model::plan::{Destination, KeySource};
use portcullis::stage::publish::{self, PublishError, predicate_type};
use serde_json::json;

use crate::support::images::{COMMIT, EVALUATED, policy};
use crate::support::publishing::{Workplace, expectation, registry};
use crate::support::registry::RunningRegistry;
use crate::support::tools;

pub(super) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/publish/keys").join(name)
}

/// cosign 3 with the fixture's key; it looks for a home of its own.
pub(super) fn cosign(place: &Workplace) -> Option<Command> {
    let mut command = Command::new(tools::program("cosign")?);
    command.env("COSIGN_PASSWORD", "pw").env("HOME", place.path("home"));
    let version = Command::new(command.get_program()).arg("version").output().unwrap();
    if !String::from_utf8_lossy(&version.stdout).contains("v3.") {
        println!("skipped: cosign (another version than 3)");
        return None;
    }
    Some(command)
}

/// cosign asked whether an image has an attestation of a kind by the fixture's key.
pub(super) fn verifying(place: &Workplace, kind: &str, image: &str) -> Command {
    let mut command = cosign(place).unwrap();
    command.args([
        "verify-attestation",
        "--type",
        kind,
        "--insecure-ignore-tlog",
        "--allow-http-registry",
    ]);
    command.arg("--key").arg(fixture("cosign.pub")).arg(image);
    command
}

pub(super) fn with_password(place: &mut Workplace) {
    let secrets = BTreeMap::from([("COSIGN_PASSWORD".to_owned(), Secret::new("pw"))]);
    place.effects = Effects {
        secrets: Arc::new(secrets),
        ..place.effects.clone()
    };
}

pub(super) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {text}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

async fn cosign_accepts_ours(running: &RunningRegistry) {
    let mut place = Workplace::new();
    if cosign(&place).is_none() {
        return;
    }
    with_password(&mut place);
    let mut plan = place.plan(registry(running.repository("team/payments")));
    plan.key = Some(KeySource::File(fixture("cosign.key")));
    let (_, publication) = place.publish(&place.image(), &plan).await.unwrap();
    for kind in [
        predicate_type::VERIFICATION_SUMMARY,
        predicate_type::CYCLONEDX,
        predicate_type::PROVENANCE,
    ] {
        let printed = run(&mut verifying(&place, kind, &publication.reference));
        assert!(printed.contains("application/vnd.in-toto+json"), "{printed}");
    }
    // And refuses what we did not sign.
    let output = verifying(&place, predicate_type::SPDX, &publication.reference).output().unwrap();
    assert!(!output.status.success());
}

fn openssl(place: &Workplace, args: &[&str]) -> Option<()> {
    let mut command = Command::new(tools::program("openssl")?);
    run(command.current_dir(place.path(".")).args(args));
    Some(())
}

#[tokio::test]
async fn cosign_accepts_what_an_ed25519_key_of_openssls_signed() {
    let Some(running) = RunningRegistry::with_referrers() else { return };
    let place = Workplace::new();
    let Some(mut command) = cosign(&place) else { return };
    if openssl(&place, &["genpkey", "-algorithm", "ed25519", "-out", "ed.key"]).is_none() {
        return;
    }
    openssl(&place, &["pkey", "-in", "ed.key", "-pubout", "-out", "ed.pub"]);
    let mut plan = place.plan(registry(running.repository("team/payments")));
    plan.key = Some(KeySource::File(place.path("ed.key")));
    let (attested, publication) = place.publish(&place.image(), &plan).await.unwrap();
    assert!(publication.signed_by.unwrap().starts_with("ed25519:"));
    let key = KeySource::File(place.path("ed.pub"));
    publish::verify(attested.image(), &expectation(&key), &place.effects).await.unwrap();
    command.args([
        "verify-attestation",
        "--type",
        predicate_type::VERIFICATION_SUMMARY,
        "--insecure-ignore-tlog",
        "--allow-http-registry",
        "--key",
    ]);
    run(command.arg(place.path("ed.pub")).arg(&publication.reference));
}

#[tokio::test]
async fn cosign_finds_its_own_tags_where_legacy_is_on_and_only_there() {
    let Some(running) = RunningRegistry::docker() else { return };
    let mut place = Workplace::new();
    if cosign(&place).is_none() {
        return;
    }
    with_password(&mut place);
    for legacy in [true, false] {
        let mut plan = place.plan(registry(running.repository(if legacy { "with" } else { "without" })));
        (plan.key, plan.legacy) = (Some(KeySource::File(fixture("cosign.key"))), legacy);
        let (_, publication) = place.publish(&place.image(), &plan).await.unwrap();
        let old = |verb: &str| {
            let mut command = cosign(&place).unwrap();
            command.args([
                verb,
                "--new-bundle-format=false",
                "--insecure-ignore-tlog",
                "--allow-http-registry",
                "--key",
            ]);
            command.arg(fixture("cosign.pub"));
            if verb == "verify-attestation" {
                command.args(["--type", predicate_type::VERIFICATION_SUMMARY]);
            }
            command.arg(&publication.reference).output().unwrap()
        };
        for verb in ["verify", "verify-attestation"] {
            let output = old(verb);
            assert_eq!(
                output.status.success(),
                legacy,
                "{verb}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
}

#[tokio::test]
async fn cosign_accepts_what_we_wrote_to_a_registry_without_the_referrers_api() {
    if let Some(running) = RunningRegistry::docker() {
        cosign_accepts_ours(&running).await;
    }
}

#[tokio::test]
async fn cosign_accepts_what_we_wrote_to_a_registry_with_the_referrers_api() {
    if let Some(running) = RunningRegistry::with_referrers() {
        cosign_accepts_ours(&running).await;
    }
}

async fn we_accept_cosigns(running: &RunningRegistry) {
    let place = Workplace::new();
    let Some(mut command) = cosign(&place) else { return };
    let mut plan = place.plan(registry(running.repository("team/payments")));
    plan.key = None;
    let (attested, publication) = place.publish(&place.image(), &plan).await.unwrap();
    let key = KeySource::File(fixture("cosign.pub"));
    let before = publish::verify(attested.image(), &expectation(&key), &place.effects)
        .await
        .unwrap_err();
    assert!(matches!(before, PublishError::NoVerdict { .. }), "{before}");

    let predicate = json!({
        "verifier": {"id": "https://example.com/verifier"},
        "timeVerified": EVALUATED,
        "resourceUri": "pkg:oci/payments",
        "policy": {"uri": "policies/gate.toml", "digest": {"sha256": policy().hex()}},
        "verificationResult": "PASSED",
        "verifiedLevels": ["SLSA_BUILD_LEVEL_3"],
    });
    std::fs::write(place.path("predicate.json"), predicate.to_string()).unwrap();
    // No transparency log, no time stamps: nothing that would need a network.
    let services = r#"{"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json"}"#;
    std::fs::write(place.path("services.json"), services).unwrap();
    command.args([
        "attest",
        "--yes",
        "--allow-http-registry",
        "--type",
        predicate_type::VERIFICATION_SUMMARY,
    ]);
    command.arg("--signing-config").arg(place.path("services.json"));
    command.arg("--predicate").arg(place.path("predicate.json"));
    run(command.arg("--key").arg(fixture("cosign.key")).arg(&publication.reference));

    let any = publish::Expectation {
        service: None,
        ..expectation(&key)
    };
    let verified = publish::verify(attested.image(), &any, &place.effects).await.unwrap();
    assert_eq!(verified.digest(), attested.digest());
    assert_eq!(verified.verdict(), None, "the statement has the standard's fields only");
    // It names no service, so where one is expected it does not count.
    let error = publish::verify(attested.image(), &expectation(&key), &place.effects).await;
    assert!(matches!(error, Err(publish::PublishError::OtherService { .. })), "{error:?}");
}

#[tokio::test]
async fn we_accept_what_cosign_wrote_to_a_registry_without_the_referrers_api() {
    if let Some(running) = RunningRegistry::docker() {
        we_accept_cosigns(&running).await;
    }
}

#[tokio::test]
async fn we_accept_what_cosign_wrote_to_a_registry_with_the_referrers_api() {
    if let Some(running) = RunningRegistry::with_referrers() {
        we_accept_cosigns(&running).await;
    }
}

#[tokio::test]
async fn oras_copies_an_image_with_its_verdict_from_a_layout_to_a_registry() {
    let Some(oras) = tools::program("oras") else { return };
    let Some(running) = RunningRegistry::docker() else { return };
    let place = Workplace::new();
    let layout = place.path("registry");
    let image = place.image();
    place
        .publish(&image, &place.plan(Destination::OciLayout(layout.clone())))
        .await
        .unwrap();
    let to = running.repository("copied/payments");
    let mut command = Command::new(oras);
    command.args(["copy", "--recursive", "--from-oci-layout", "--to-plain-http"]);
    run(command.arg(format!("{}:{COMMIT}", layout.display())).arg(format!("{to}:{COMMIT}")));
    let copied = portcullis::model::image_ref::ImageRef::Registry {
        repository: to,
        digest: image.digest,
    };
    place.verify(&copied).await.unwrap();
}
