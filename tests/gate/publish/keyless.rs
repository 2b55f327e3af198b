//! Keyless signatures, with the real services of Sigstore on loopback.

use std::collections::BTreeMap;
use std::sync::Arc;

use portcullis::io::Effects;
use portcullis::io::clock::System;
use portcullis::io::secret::Secret;
use portcullis::model::exit_kind::ExitKind;
use portcullis::model::image_ref::ImageRef;
use portcullis::model::plan::{KeySource, Keyless, KeylessServices};
use portcullis::stage::publish::{self, Attested, Check, CheckResult, Expectation, PublishError, Trust, predicate_type};
use serde_json::json;

use crate::support::images::{COMMIT, EVALUATED, policy};
use crate::support::ports::free_address;
use crate::support::publishing::{Workplace, expectation, registry};
use crate::support::registry::RunningRegistry;
use crate::support::sigstore::{Sigstore, WHO};

use super::interop::{cosign, run};

pub(super) fn effects(of: &Effects, secrets: &[(&str, &str)]) -> Effects {
    let secrets = secrets.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value)));
    Effects {
        clock: Arc::new(System),
        secrets: Arc::new(secrets.collect::<BTreeMap<_, _>>()),
        ..of.clone()
    }
}

/// A place whose job has a token.
pub(super) fn place(sigstore: &Sigstore) -> Workplace {
    let mut place = Workplace::new();
    place.effects = effects(&place.effects, &[("SIGSTORE_ID_TOKEN", &sigstore.token(WHO))]);
    place
}

async fn verify(place: &Workplace, image: &ImageRef, key: &KeySource) -> Result<Attested, PublishError> {
    let expected = Expectation {
        max_age: None,
        ..expectation(key)
    };
    publish::verify(image, &expected, &place.effects).await
}

#[tokio::test(flavor = "multi_thread")]
async fn cosign_believes_what_was_signed_without_a_key() {
    let (Some(sigstore), Some(running)) = (Sigstore::start(), RunningRegistry::with_referrers()) else {
        return;
    };
    let place = place(&sigstore);
    let mut plan = place.plan(registry(running.repository("team/payments")));
    plan.key = Some(sigstore.source());
    let (attested, publication) = place.publish(&place.image(), &plan).await.unwrap();
    assert_eq!(publication.attestations.len(), 3, "SBOM, provenance, verdict");
    let verified = verify(&place, attested.image(), &sigstore.source()).await.unwrap();
    assert_eq!(verified, attested);
    let key = format!("{WHO} (issuer {})", sigstore.issuer.url());
    assert_eq!(*verified.trust(), Trust::Signed { key });
    let (_, again) = place.publish(&place.image(), &plan).await.unwrap();
    assert_eq!(again.attestations, publication.attestations[2..], "the verdict is attested once");

    if cosign(&place).is_none() {
        return;
    }
    let issuer = sigstore.issuer.url();
    let ask = |who: &str, issuer: &str, timestamps: bool| {
        let mut command = cosign(&place).unwrap();
        command.args(["verify-attestation", "--allow-http-registry", "--certificate-identity", who]);
        command.args(["--certificate-oidc-issuer", issuer, "--type", predicate_type::VERIFICATION_SUMMARY]);
        command.args(timestamps.then_some("--use-signed-timestamps"));
        command.arg("--trusted-root").arg(sigstore.write_root(&sigstore.root()));
        command.arg(&publication.reference);
        command
    };
    assert!(run(&mut ask(WHO, &issuer, true)).contains("application/vnd.in-toto+json"));
    run(&mut ask(WHO, &issuer, false));
    for (who, issuer) in [("other@example.com", issuer.as_str()), (WHO, "https://issuer.example")] {
        assert!(!ask(who, issuer, true).output().unwrap().status.success(), "{who} {issuer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cosign_signed_without_a_key_is_believed() {
    let (Some(sigstore), Some(running)) = (Sigstore::start(), RunningRegistry::with_referrers()) else {
        return;
    };
    let place = place(&sigstore);
    let Some(mut command) = cosign(&place) else { return };
    let mut plan = place.plan(registry(running.repository("team/payments")));
    plan.key = None;
    let (attested, publication) = place.publish(&place.image(), &plan).await.unwrap();
    let predicate = json!({
        "verifier": {"id": "https://example.com/verifier"},
        "timeVerified": EVALUATED,
        "resourceUri": "pkg:oci/payments",
        "policy": {"uri": "policies/gate.toml", "digest": {"sha256": policy().hex()}},
        "verificationResult": "PASSED",
        "verifiedLevels": ["SLSA_BUILD_LEVEL_3"],
    });
    std::fs::write(place.path("predicate.json"), predicate.to_string()).unwrap();
    std::fs::write(place.path("services.json"), sigstore.signing_config().to_string()).unwrap();
    command.args([
        "attest",
        "--yes",
        "--allow-http-registry",
        "--type",
        predicate_type::VERIFICATION_SUMMARY,
    ]);
    command.arg("--signing-config").arg(place.path("services.json"));
    command.arg("--trusted-root").arg(sigstore.write_root(&sigstore.root()));
    std::fs::write(place.path("token"), sigstore.token(WHO)).unwrap();
    command.arg("--identity-token").arg(place.path("token"));
    run(command
        .arg("--predicate")
        .arg(place.path("predicate.json"))
        .arg(&publication.reference));

    let source = sigstore.source();
    let any = Expectation {
        service: None,
        max_age: None,
        ..expectation(&source)
    };
    let verified = publish::verify(attested.image(), &any, &place.effects).await.unwrap();
    assert_eq!(verified.digest(), attested.digest());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_never_stands_in_for_an_identity_nor_an_identity_for_a_key() {
    let (Some(sigstore), Some(running)) = (Sigstore::start(), RunningRegistry::with_referrers()) else {
        return;
    };
    let place = place(&sigstore);
    for (path, signed, asked) in [
        ("by-key", place.key(), sigstore.source()),
        ("by-identity", sigstore.source(), place.key()),
    ] {
        let mut plan = place.plan(registry(running.repository(path)));
        plan.key = Some(signed.clone());
        let (attested, _) = place.publish(&place.image(), &plan).await.unwrap();
        // The key that is asked for must be one.
        plan.key = Some(place.key());
        plan.destination = registry(running.repository("another"));
        place.publish(&place.image(), &plan).await.unwrap();
        let error = verify(&place, attested.image(), &asked).await.unwrap_err();
        assert!(matches!(error, PublishError::OtherKey { .. }), "{error}");
        assert_eq!(error.exit_kind(), ExitKind::Undecidable);
        verify(&place, attested.image(), &signed).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_or_a_clock_that_is_down_leaves_no_tag_behind() {
    let (Some(sigstore), Some(running)) = (Sigstore::start(), RunningRegistry::with_referrers()) else {
        return;
    };
    let place = place(&sigstore);
    let down = format!("http://{}", free_address());
    let works = sigstore.services();
    for (path, services) in [
        (
            "log",
            KeylessServices {
                rekor: down.clone(),
                ..works.clone()
            },
        ),
        (
            "clock",
            KeylessServices {
                timestamp_authority: down.clone(),
                ..works.clone()
            },
        ),
        ("certificates", KeylessServices { fulcio: down, ..works }),
    ] {
        let mut plan = place.plan(registry(running.repository(path)));
        plan.key = Some(KeySource::Keyless(Box::new(Keyless {
            services: Some(services),
            ..sigstore.keyless()
        })));
        let error = place.publish(&place.image(), &plan).await.unwrap_err();
        assert_eq!(error.exit_kind(), ExitKind::Unreachable, "{path}: {error}");
        let tag = format!("http://{}/manifests/{COMMIT}", running.repository(path).replacen('/', "/v2/", 1));
        let status = std::process::Command::new("curl")
            .args(["-s", "--noproxy", "*", "-o", "/dev/null", "-w", "%{http_code}", &tag])
            .output()
            .unwrap();
        assert_eq!(status.stdout, b"404", "{path}");
    }
    // The control: the same image, with all of them.
    let mut plan = place.plan(registry(running.repository("log")));
    plan.key = Some(sigstore.source());
    place.publish(&place.image(), &plan).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_sign_is_told_before_anything_is_sent() {
    let (Some(sigstore), Some(running)) = (Sigstore::start(), RunningRegistry::with_referrers()) else {
        return;
    };
    let place = place(&sigstore);
    let token = sigstore.token("other@example.com");
    let other = effects(&place.effects, &[("SIGSTORE_ID_TOKEN", &token)]);
    let without_log = Keyless {
        services: Some(KeylessServices {
            fulcio: sigstore.fulcio_without_log.clone(),
            ..sigstore.services()
        }),
        ..sigstore.keyless()
    };
    let mut other_root = sigstore.root();
    other_root["ctlogs"][0]["publicKey"]["rawBytes"] = other_root["tlogs"][0]["publicKey"]["rawBytes"].clone();
    other_root["ctlogs"][0]["logId"] = other_root["tlogs"][0]["logId"].clone();
    let broken = token.replace('.', ".A");
    let cases = [
        (other.clone(), sigstore.keyless(), "other@example.com", ExitKind::Usage),
        (effects(&place.effects, &[]), sigstore.keyless(), "identity token", ExitKind::Usage),
        (place.effects.clone(), without_log, "certificate log", ExitKind::Undecidable),
        (
            effects(&place.effects, &[("SIGSTORE_ID_TOKEN", &broken)]),
            sigstore.keyless(),
            "status 40",
            ExitKind::Undecidable,
        ),
    ];
    for (effects, keyless, said, kind) in cases {
        let mut plan = place.plan(registry(running.repository("nothing")));
        plan.key = Some(KeySource::Keyless(Box::new(keyless)));
        let workplace_effects = effects.clone();
        let error = publish::publish(crate::support::images::cleared(&place.image()), &[], &plan, &workplace_effects)
            .await
            .unwrap_err();
        let text = whole(&error);
        assert!(text.contains(said), "{said}: {text}");
        assert_eq!(error.exit_kind(), kind, "{text}");
        for part in token.split('.').chain(broken.split('.')) {
            assert!(!text.contains(part), "nothing of the token is told: {text}");
        }
    }
    let answer = std::process::Command::new("curl")
        .args(["-s", "--noproxy", "*", &format!("http://{}/v2/_catalog", running.address)])
        .output()
        .unwrap();
    assert!(!String::from_utf8_lossy(&answer.stdout).contains("nothing"), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_part_of_a_keyless_signature_has_its_line() {
    let (Some(sigstore), Some(running)) = (Sigstore::start(), RunningRegistry::with_referrers()) else {
        return;
    };
    let place = place(&sigstore);
    let mut plan = place.plan(registry(running.repository("team/payments")));
    plan.key = Some(sigstore.source());
    let (attested, _) = place.publish(&place.image(), &plan).await.unwrap();
    let examine = async |source: KeySource| {
        let expected = Expectation {
            max_age: None,
            ..expectation(&source)
        };
        publish::examine(attested.image(), &expected, &place.effects).await
    };
    let all = examine(sigstore.source()).await;
    assert!(all.result.is_ok(), "{:#?}", all.checks);
    let names: Vec<&str> = all.checks.iter().map(|check| check.name).take(13).collect();
    assert_eq!(names, Check::KEYLESS);

    let root = sigstore.root();
    let without = |part: &str| {
        let mut root = root.clone();
        let over = json!({"start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z"});
        match root[part][0].get_mut("publicKey") {
            Some(key) => key["validFor"] = over,
            None => root[part][0]["validFor"] = over,
        }
        root
    };
    let mut other_log = root.clone();
    other_log["tlogs"][0]["logId"]["keyId"] = root["ctlogs"][0]["logId"]["keyId"].clone();
    let stranger = KeySource::Keyless(Box::new(Keyless {
        signer: Some(sigstore.signer("other@example.com")),
        ..sigstore.keyless()
    }));
    for (source, name) in [
        (stranger, "identity"),
        (sigstore.by_root(&without("timestampAuthorities")), "timestamp"),
        (sigstore.by_root(&without("certificateAuthorities")), "certificate"),
        (sigstore.by_root(&without("ctlogs")), "certificate"),
        (sigstore.by_root(&other_log), "log"),
    ] {
        let examined = examine(source).await;
        let failed: Vec<&Check> = examined.checks.iter().filter(|check| check.result == CheckResult::Fails).collect();
        assert_eq!(
            failed.iter().map(|check| check.name).collect::<Vec<_>>(),
            [name],
            "{:#?}",
            examined.checks
        );
        assert_eq!(examined.result.unwrap_err().exit_kind(), ExitKind::Undecidable);
    }
}

/// An error with its causes and its help, as people see it.
fn whole(error: &dyn miette::Diagnostic) -> String {
    let mut text = format!("{error:?} {error}");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text.extend(error.help().map(|help| help.to_string()));
    text
}
