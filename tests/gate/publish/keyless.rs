//! Keyless signatures, with the real services of Sigstore on loopback.

use std::collections::BTreeMap;
use std::sync::Arc;

use portcullis::io::Effects;
use portcullis::io::clock::System;
use portcullis::io::secret::Secret;
use portcullis::stage::publish::{self, Expectation, predicate_type};

use crate::support::publishing::{Workplace, expectation, registry};
use crate::support::registry::RunningRegistry;
use crate::support::sigstore::{Sigstore, WHO};

use super::interop::{cosign, run};

fn with_secrets(place: &mut Workplace, secrets: &[(&str, &str)]) {
    let secrets = secrets.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value)));
    place.effects = Effects {
        clock: Arc::new(System),
        secrets: Arc::new(secrets.collect::<BTreeMap<_, _>>()),
        ..place.effects.clone()
    };
}

#[tokio::test(flavor = "multi_thread")]
async fn cosign_believes_what_was_signed_without_a_key() {
    let (Some(sigstore), Some(running)) = (Sigstore::start(), RunningRegistry::with_referrers()) else {
        return;
    };
    let mut place = Workplace::new();
    with_secrets(&mut place, &[("SIGSTORE_ID_TOKEN", &sigstore.token(WHO))]);
    let mut plan = place.plan(registry(running.repository("team/payments")));
    plan.key = Some(sigstore.source());
    let (attested, publication) = place.publish(&place.image(), &plan).await.unwrap();
    let source = sigstore.source();
    let expected = Expectation {
        max_age: None,
        ..expectation(&source)
    };
    let verified = publish::verify(attested.image(), &expected, &place.effects).await.unwrap();
    assert_eq!(verified, attested);
    let Some(mut command) = cosign(&place) else { return };
    command.args(["verify-attestation", "--type", predicate_type::VERIFICATION_SUMMARY, "--allow-http-registry"]);
    command.args(["--use-signed-timestamps", "--certificate-identity", WHO, "--certificate-oidc-issuer", &sigstore.issuer.url()]);
    command.arg("--trusted-root").arg(sigstore.write_root(&sigstore.root()));
    run(command.arg(&publication.reference));
}
