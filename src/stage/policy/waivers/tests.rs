use super::*;
use crate::io::Effects;
use crate::io::document::DocumentError;
use crate::stage::policy::PolicyError;

const WHOLE: &str = r#"# waivers
[[waiver]]
id = "CVE-2024-12345"
package = "pkg:cargo/foo@1.2.*"
reason = "not_affected"
justification = "vulnerable_code_not_in_execute_path"
statement = "We never enable the feature."
owner = "payments-team"
approved_by = [
  "security@acme.example",
]
created = 2026-11-01
expires = 2026-12-01

[[waiver]]
id = "CVE-2024-2"
package = "pkg:npm/@acme/x"
reason = "affected"
statement = "s"
owner = "o"
expires = 2026-12-01
"#;

fn error(text: &str) -> DocumentError {
    match Waivers::from_text("waivers.toml", text) {
        Err(PolicyError::Waivers(error)) => error,
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("it was accepted"),
    }
}

fn marked(text: &str) -> (String, String) {
    let error = error(text);
    (error.problem.clone(), text[error.span.offset()..][..error.span.len()].to_owned())
}

#[test]
fn entries_know_their_lines() {
    let waivers = Waivers::from_text("w", WHOLE).expect("valid");
    let lines: Vec<_> = waivers.entries().iter().map(|w| (w.line, w.last_line, w.approval_lines)).collect();
    assert_eq!(lines, [(2, 14, Some((9, 11))), (15, 22, None)]);
    assert_eq!(waivers.ids(), ["CVE-2024-12345", "CVE-2024-2"]);
}

#[test]
fn a_mistyped_key_is_an_error_that_points_at_it() {
    let (problem, at) = marked(&WHOLE.replacen("expires", "expire", 1));
    assert_eq!((problem.as_str(), at.as_str()), ("unknown key `expire`", "expire"));
}

#[test]
fn a_missing_expiry_is_an_error() {
    let error = error(&WHOLE.replacen("expires = 2026-12-01\n", "", 1));
    assert!(error.problem.contains("missing field `expires`"), "{}", error.problem);
}

#[test]
fn a_package_is_required() {
    let error = error(&WHOLE.replacen("package = \"pkg:cargo/foo@1.2.*\"\n", "", 1));
    assert!(error.problem.contains("missing field `package`"), "{}", error.problem);
}

#[test]
fn an_empty_owner_or_statement_points_at_itself() {
    for (key, value) in [("owner", "\"payments-team\""), ("statement", "\"We never enable the feature.\"")] {
        let (problem, at) = marked(&WHOLE.replacen(value, "\"  \"", 1));
        assert_eq!((problem, at.as_str()), (format!("`{key}` is empty"), "\"  \""));
    }
}

#[test]
fn a_placeholder_is_refused() {
    let (problem, _) = marked(&WHOLE.replacen("\"payments-team\"", "\"TODO: who?\"", 1));
    assert_eq!(problem, "`owner` still has to be filled in");
}

#[test]
fn an_expiry_that_is_no_day_points_at_itself() {
    for value in ["\"2026-12-01\"", "2026-12-01T10:00:00Z", "\"never\"", "true"] {
        let (problem, at) = marked(&WHOLE.replacen("2026-12-01", value, 1));
        assert!(problem.contains("expected a day"), "{problem}");
        assert_eq!(at, value);
    }
    assert!(Waivers::from_text("w", &WHOLE.replacen("2026-12-01", "2026-02-30", 1)).is_err());
}

#[test]
fn not_affected_without_a_justification_is_refused() {
    let text = WHOLE.replacen("justification = \"vulnerable_code_not_in_execute_path\"\n", "", 1);
    assert_eq!(
        marked(&text),
        ("`not_affected` needs a `justification`".to_owned(), "\"CVE-2024-12345\"".to_owned())
    );
}

#[test]
fn a_package_that_is_no_purl_points_at_itself() {
    let (problem, at) = marked(&WHOLE.replacen("pkg:cargo/foo@1.2.*", "foo", 1));
    assert!(problem.contains("not a package URL"), "{problem}");
    assert_eq!(at, "\"foo\"");
}

#[test]
fn empty_paths_are_not_every_path() {
    let text = WHOLE.replacen("reason", "paths = []\nreason", 1);
    assert_eq!(marked(&text), ("`paths` is empty".to_owned(), "[]".to_owned()));
}

#[test]
fn a_malformed_waiver_file_is_undecidable() {
    for text in ["[[waiver]", "waiver = 3", "[waivers]", "\u{0}"] {
        let error = Waivers::from_text("w", text).map(|_| ()).expect_err("malformed");
        assert_eq!(error.exit_kind().code(), 2, "{text}");
    }
}

#[test]
fn a_configured_waiver_file_that_is_not_there_is_undecidable() {
    let dir = tempfile::tempdir().expect("folder");
    let effects = Effects::plain(dir.path().to_owned());
    let error = Waivers::load(Some(&dir.path().join("none.toml")), &effects)
        .map(|_| ())
        .expect_err("missing");
    assert_eq!(error.exit_kind().code(), 2);
}

#[test]
fn duplicates_are_found() {
    let twice = format!("{WHOLE}{}", WHOLE.trim_start_matches("# waivers\n"));
    let waivers = Waivers::from_text("w", &twice).expect("valid");
    let pairs: Vec<_> = waivers.duplicates().map(|(first, again)| (first.place, again.place)).collect();
    assert_eq!(pairs, [(1, 3), (2, 4)]);
}

mod vex {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use p256::ecdsa::signature::Signer;
    use p256::ecdsa::{Signature, SigningKey};
    use p256::pkcs8::{EncodePublicKey, LineEnding};

    use super::super::{VexOutcome, Waivers};
    use crate::stage::policy::Policy;

    fn document(product: &str) -> String {
        format!(
            r#"{{"@context":"https://openvex.dev/ns/v0.2.0","author":"Vendor","timestamp":"2026-01-20T00:00:00Z","statements":[{{"vulnerability":{{"name":"CVE-1"}},"products":[{{"@id":"{product}"}}],"status":"not_affected","justification":"component_not_present"}}]}}"#
        )
    }

    fn key(byte: u8) -> SigningKey {
        SigningKey::from_slice(&[byte; 32]).expect("a key")
    }

    fn envelope(kind: &str, payload: &str, key: &SigningKey) -> String {
        let signed = format!("DSSEv1 {} {kind} {} {payload}", kind.len(), payload.len());
        let signature: Signature = key.sign(signed.as_bytes());
        let encode = |bytes: &[u8]| STANDARD.encode(bytes);
        let (payload, signature) = (encode(payload.as_bytes()), encode(signature.to_der().as_bytes()));
        format!(r#"{{"payload":"{payload}","payloadType":"{kind}","signatures":[{{"sig":"{signature}"}}]}}"#)
    }

    fn policy(key: &SigningKey) -> Policy {
        let pem = p256::PublicKey::from(key.verifying_key())
            .to_public_key_pem(LineEnding::LF)
            .expect("a key");
        Policy::from_text("p", &format!("[vex]\ntrusted_keys = [\"\"\"\n{pem}\"\"\"]\n")).expect("valid")
    }

    fn added(policy: &Policy, text: &str) -> VexOutcome {
        Waivers::default().add_vex(policy, "vex.json", text).expect("readable")
    }

    #[test]
    fn a_vex_document_counts_by_its_signature_and_not_by_its_authors_name() {
        let (ours, theirs) = (key(1), key(2));
        let text = document("pkg:npm/evilpkg@1.0.0");
        let kind = "application/json";
        assert_eq!(added(&policy(&ours), &envelope(kind, &text, &ours)), VexOutcome::Counted(1));
        let untrusted = |text: &str| matches!(added(&policy(&ours), text), VexOutcome::Untrusted { .. });
        assert!(untrusted(&text), "not signed");
        assert!(untrusted(&envelope(kind, &text, &theirs)), "signed by somebody");
        let other_type = envelope(kind, &text, &ours).replace(kind, "text/plain");
        assert!(untrusted(&other_type), "the type is signed too");
        // An envelope that nobody trusted signed is no unsigned document of a trusted author.
        let by_name = Policy::from_text("p", "[vex]\ntrusted_authors = [\"Vendor\"]\n").expect("valid");
        assert!(matches!(
            added(&by_name, &envelope(kind, &text, &theirs)),
            VexOutcome::Untrusted { .. }
        ));
        assert_eq!(added(&by_name, &text), VexOutcome::Counted(1));
    }

    #[test]
    fn a_vex_product_with_a_wildcard_names_no_package() {
        let ours = key(1);
        let counted = |product: &str| added(&policy(&ours), &envelope("application/json", &document(product), &ours));
        assert_eq!(counted("pkg:npm/evilpkg@1.0.0"), VexOutcome::Counted(1));
        for wide in ["pkg:npm/*", "pkg:npm/evilpkg@*", "pkg:npm/%2A@1.0.0", "pkg:npm/%40s/*"] {
            assert_eq!(counted(wide), VexOutcome::Counted(0), "{wide}");
        }
    }

    #[test]
    fn a_signed_statement_about_an_image_holds_for_that_image() {
        let ours = key(1);
        let statement = |subject: &str| {
            let text = format!(
                r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{subject}],"predicateType":"https://openvex.dev/ns/v0.2.0","predicate":{}}}"#,
                document("pkg:npm/evilpkg@1.0.0")
            );
            envelope("application/vnd.in-toto+json", &text, &ours)
        };
        let digest = format!(r#"{{"name":"x","digest":{{"sha256":"{}"}}}}"#, "ab".repeat(32));
        let mut waivers = Waivers::default();
        waivers.add_vex(&policy(&ours), "v", &statement(&digest)).expect("readable");
        assert!(waivers.all().all(|waiver| waiver.signed && waiver.product.is_some()));
        assert!(waivers.add_vex(&policy(&ours), "v", &statement("")).is_err());
    }
}
