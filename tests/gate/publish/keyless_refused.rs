//! Bundles of which one thing does not hold, each beside the one that does.

use std::path::Path;
use std::sync::Arc;

use portcullis::io::Effects;
use portcullis::model::plan::{KeySource, Keyless};
use portcullis::stage::publish::sign::{Bundle, NotOpened, Part, Signer, Verifier};
use serde_json::{Value, json};

use crate::support::publishing::Fixed;
use crate::support::sigstore::{Sigstore, WHO};
use crate::support::sigstore_by_hand::ISSUER;

use super::keyless::effects;

const STATEMENT: &str = r#"{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"54303491a8418fbed24344b513546182c29b43bf282ceb433af65e2299f9271f"}}],"predicateType":"https://example.com/x","predicate":{}}"#;

fn job(sigstore: &Sigstore) -> Effects {
    effects(
        &Effects::plain(sigstore.path("cache")),
        &[("SIGSTORE_ID_TOKEN", &sigstore.token(WHO))],
    )
}

async fn signed(sigstore: &Sigstore, statement: &str) -> Value {
    let signer = Signer::open(&sigstore.source(), &job(sigstore)).await.unwrap();
    let (_, bundle) = signer.sign(statement.as_bytes()).await.unwrap();
    serde_json::from_slice(&bundle.bytes().unwrap()).unwrap()
}

/// What the source says of a bundle.
fn open(source: &KeySource, effects: &Effects, bundle: &Value) -> Result<Vec<u8>, NotOpened> {
    let bytes = bundle.to_string().into_bytes();
    let verifier = Verifier::load(source, effects).unwrap();
    verifier.open(&Bundle::parse(&bytes).unwrap(), &bytes, effects)
}

#[track_caller]
fn part(opened: Result<Vec<u8>, NotOpened>) -> (Part, String) {
    match opened {
        Err(NotOpened::Refused(refusal) | NotOpened::Doubtful { refusal, .. }) => (refusal.part, refusal.reason),
        other => panic!("{other:?}"),
    }
}

/// A copy with another value at a place; JSON's `null` takes it out.
fn with(document: &Value, place: &str, to: &Value) -> Value {
    let mut changed = document.clone();
    *changed.pointer_mut(place).unwrap_or_else(|| panic!("{place}")) = to.clone();
    changed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_of_which_a_part_is_missing_changed_or_of_another_is_refused() {
    let Some(sigstore) = Sigstore::start() else { return };
    let source = sigstore.source();
    let here = job(&sigstore);
    // The first entry of the log is the other's: ours has a place, and a proof, of its own.
    let other = signed(&sigstore, &STATEMENT.replace("{}}", "{\"a\":1}}")).await;
    let ours = signed(&sigstore, STATEMENT).await;
    assert_eq!(open(&source, &here, &ours).unwrap(), STATEMENT.as_bytes(), "the control");
    open(&source, &here, &other).expect("the other control");

    let material = "/verificationMaterial";
    let entry = format!("{material}/tlogEntries/0");
    let timestamps = format!("{material}/timestampVerificationData");
    let of_other = |place: &str| with(&ours, place, other.pointer(place).unwrap());
    let zeros = json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    let checkpoint = ours
        .pointer(&format!("{entry}/inclusionProof/checkpoint/envelope"))
        .unwrap()
        .as_str()
        .unwrap();
    let unsigned = json!(checkpoint.replace("\u{2014} log.example ", "\u{2014} log.example AAAA"));
    let cases = [
        (
            "no log entry",
            with(&ours, &format!("{material}/tlogEntries"), &json!([])),
            Part::Log,
        ),
        ("no proof", with(&ours, &format!("{entry}/inclusionProof"), &Value::Null), Part::Log),
        (
            "another root in the proof",
            with(&ours, &format!("{entry}/inclusionProof/hashes"), &json!([zeros])),
            Part::Log,
        ),
        (
            "another place in the log",
            with(&ours, &format!("{entry}/logIndex"), &json!("0")),
            Part::Log,
        ),
        (
            "the state of the log unsigned",
            with(&ours, &format!("{entry}/inclusionProof/checkpoint/envelope"), &unsigned),
            Part::Log,
        ),
        ("another's entry", of_other(&entry), Part::Log),
        ("another's proof", of_other(&format!("{entry}/inclusionProof")), Part::Log),
        ("another's body", of_other(&format!("{entry}/canonicalizedBody")), Part::Log),
        (
            "no timestamp",
            with(&ours, &timestamps, &json!({"rfc3161Timestamps": []})),
            Part::Timestamp,
        ),
        ("no timestamps at all", with(&ours, &timestamps, &Value::Null), Part::Timestamp),
        ("another's timestamp", of_other(&timestamps), Part::Timestamp),
        ("another's payload", of_other("/dsseEnvelope/payload"), Part::Signature),
    ];
    for (what, bundle, expected) in cases {
        let (found, reason) = part(open(&source, &here, &bundle));
        assert_eq!(found, expected, "{what}: {reason}");
    }
    // Another's certificate, or signature: timestamp, log or signature, whichever is looked at first.
    for place in [&format!("{material}/certificate"), "/dsseEnvelope/signatures"] {
        part(open(&source, &here, &of_other(place)));
    }
    let twice = with(
        &ours,
        "/dsseEnvelope/signatures",
        &json!([ours["dsseEnvelope"]["signatures"][0], ours["dsseEnvelope"]["signatures"][0]]),
    );
    assert_eq!(part(open(&source, &here, &twice)).0, Part::Signature);

    // By a clock that has not come so far yet.
    let early = Effects {
        clock: Arc::new(Fixed("2026-01-01T00:00:00Z".parse().unwrap())),
        ..here.clone()
    };
    let (found, reason) = part(open(&source, &early, &ours));
    assert!(found == Part::Timestamp && reason.contains("in the future"), "{reason}");

    // Without a certificate it is nobody's.
    let mut by_key = ours.clone();
    by_key["verificationMaterial"] = json!({"publicKey": {"hint": "x"}});
    assert!(matches!(open(&source, &here, &by_key), Err(NotOpened::Other(_))));
    for (identity, issuer) in [
        ("other@example.com", sigstore.issuer.url()),
        (WHO, format!("{}/", sigstore.issuer.url())),
    ] {
        let mut signer = sigstore.signer(identity);
        signer.issuer = issuer;
        let stranger = KeySource::Keyless(Box::new(Keyless {
            signer: Some(signer),
            ..sigstore.keyless()
        }));
        assert!(matches!(open(&stranger, &here, &ours), Err(NotOpened::Other(_))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_root_that_does_not_hold_the_services_or_not_at_that_time_refuses() {
    let Some(sigstore) = Sigstore::start() else { return };
    let here = job(&sigstore);
    let ours = signed(&sigstore, STATEMENT).await;
    let root = sigstore.root();
    let over = json!({"start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z"});
    let (_, leaf) = sigstore.certify("20260101000000Z", "20360101000000Z", "basicConstraints = critical,CA:TRUE\n");
    let stranger = json!(base64(&leaf));
    let (log, ct) = ("/tlogs/0/publicKey/rawBytes", "/ctlogs/0/publicKey/rawBytes");
    let mut other_ct = with(&root, ct, &json!(base64(&public_key(&sigstore))));
    other_ct["ctlogs"][0]["publicKey"]["validFor"] = json!({"start": "2020-01-01T00:00:00Z"});
    let mut other_log = with(&root, log, &json!(base64(&other_ed25519(&sigstore))));
    other_log["tlogs"][0]["publicKey"]["validFor"] = json!({"start": "2020-01-01T00:00:00Z"});
    for (what, root, expected) in [
        (
            "another authority",
            with(&root, "/certificateAuthorities/0/certChain/certificates/0/rawBytes", &stranger),
            Part::Certificate,
        ),
        (
            "an authority of earlier",
            with(&root, "/certificateAuthorities/0/validFor", &over),
            Part::Certificate,
        ),
        ("another log of certificates", other_ct, Part::Certificate),
        (
            "a log of certificates of earlier",
            with(&root, "/ctlogs/0/publicKey/validFor", &over),
            Part::Certificate,
        ),
        ("another log", other_log, Part::Log),
        ("a log of earlier", with(&root, "/tlogs/0/publicKey/validFor", &over), Part::Log),
        ("another clock", with(&root, "/timestampAuthorities", &json!([])), Part::Timestamp),
        (
            "a clock of earlier",
            with(&root, "/timestampAuthorities/0/validFor", &over),
            Part::Timestamp,
        ),
    ] {
        let (found, reason) = part(open(&sigstore.by_root(&root), &here, &ours));
        assert_eq!(found, expected, "{what}: {reason}");
    }
    open(&sigstore.by_root(&root), &here, &ours).expect("the control");
    let authority = |until: &str| {
        let certificate = json!(base64(&sigstore.authority_until(until)));
        sigstore.by_root(&with(
            &root,
            "/certificateAuthorities/0/certChain/certificates/0/rawBytes",
            &certificate,
        ))
    };
    let (found, reason) = part(open(&authority("20260101000000Z"), &here, &ours));
    assert_eq!(found, Part::Certificate, "an authority whose own certificate has ended: {reason}");
    open(&authority("20360101000000Z"), &here, &ours).expect("the same authority in another certificate");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_lacks_something_or_was_not_valid_then_is_refused() {
    let Some(sigstore) = Sigstore::start() else { return };
    let source = sigstore.source();
    let here = job(&sigstore);
    let day = |days: i64| {
        let time = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days);
        time.strftime("%Y%m%d%H%M%SZ").to_string()
    };
    let whole = sigstore.extensions();
    let issuer = format!("{ISSUER} = ASN1:UTF8String:{}\n", sigstore.issuer.url());
    let old = |url: &str| format!("1.3.6.1.4.1.57264.1.1 = DER:{}\n", hex(url));
    let cases = [
        (
            "no word of a log of certificates",
            day(-1),
            day(1),
            whole.clone(),
            Part::Certificate,
            "SCT",
        ),
        (
            "not valid any more",
            day(-3),
            day(-2),
            whole.clone(),
            Part::Certificate,
            "not valid",
        ),
        ("not valid yet", day(1), day(2), whole.clone(), Part::Certificate, "not valid"),
        (
            "not for code",
            day(-1),
            day(1),
            whole.replace("codeSigning", "serverAuth"),
            Part::Certificate,
            "chain",
        ),
        (
            "not for signatures",
            day(-1),
            day(1),
            whole.replace("digitalSignature", "keyEncipherment"),
            Part::Certificate,
            "not for signing",
        ),
        (
            "an e-mail address as a URL",
            day(-1),
            day(1),
            whole.replace("email:", "URI:"),
            Part::Identity,
            "neither",
        ),
        (
            "an authority itself",
            day(-1),
            day(1),
            format!("{whole}basicConstraints = critical,CA:TRUE\n"),
            Part::Certificate,
            "chain",
        ),
        (
            "nobody's",
            day(-1),
            day(1),
            whole.replace(&format!("subjectAltName = critical,email:{WHO}\n"), ""),
            Part::Identity,
            "names nobody",
        ),
        (
            "of two names",
            day(-1),
            day(1),
            whole.replace(WHO, &format!("{WHO},email:other@example.com")),
            Part::Identity,
            "2 names",
        ),
        (
            "of a host",
            day(-1),
            day(1),
            whole.replace(&format!("email:{WHO}"), "DNS:example.com"),
            Part::Identity,
            "neither",
        ),
        (
            "by no issuer",
            day(-1),
            day(1),
            whole.replace(&issuer, ""),
            Part::Identity,
            "vouches",
        ),
        (
            "by two issuers",
            day(-1),
            day(1),
            format!("{whole}{}", old("https://other.example")),
            Part::Identity,
            "contradicts itself",
        ),
        (
            "of two repositories",
            day(-1),
            day(1),
            format!(
                "{whole}1.3.6.1.4.1.57264.1.12 = ASN1:UTF8String:https://github.com/a/b\n1.3.6.1.4.1.57264.1.5 = DER:{}\n",
                hex("a/c")
            ),
            Part::Identity,
            "contradicts itself about the repository",
        ),
        (
            "by one issuer twice",
            day(-1),
            day(1),
            format!("{whole}{}", old(&sigstore.issuer.url())),
            Part::Certificate,
            "SCT",
        ),
    ];
    for (what, from, until, extensions, expected, said) in cases {
        let certified = sigstore.certify(&from, &until, &extensions);
        let bundle = sigstore.sign_by_hand(STATEMENT.as_bytes(), &certified);
        let (found, reason) = part(open(&source, &here, &bundle));
        assert!(found == expected && reason.contains(said), "{what}: {found:?} {reason}");
    }
}

fn base64(bytes: &[u8]) -> String {
    use ::base64::Engine as _;
    ::base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// A P-256 key that is none of the services'.
fn public_key(sigstore: &Sigstore) -> Vec<u8> {
    made(
        &sigstore.path("."),
        "ecparam -name prime256v1 -genkey -noout -out other.key",
        "ec -in other.key -pubout -outform DER -out other.der",
    )
}

fn other_ed25519(sigstore: &Sigstore) -> Vec<u8> {
    made(
        &sigstore.path("."),
        "genpkey -algorithm ed25519 -out other.key",
        "pkey -in other.key -pubout -outform DER -out other.der",
    )
}

fn made(folder: &Path, make: &str, write: &str) -> Vec<u8> {
    for line in [make, write] {
        let output = std::process::Command::new("openssl")
            .args(line.split(' '))
            .current_dir(folder)
            .output()
            .unwrap();
        assert!(output.status.success(), "{line}: {output:?}");
    }
    std::fs::read(folder.join("other.der")).unwrap()
}
