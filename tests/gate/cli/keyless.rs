//! The program from end to end without a key: a job on GitHub that may say who it is, and one that may not.

use std::fs;
use std::process::Output;

use crate::support::sample::{CONFIG, Sample};
use crate::support::sigstore::{Sigstore, WHO};

/// What GitHub gives a job to ask for a token with.
const BEARER: &str = "bearerbearerbearer";

fn config(sigstore: &Sigstore) -> String {
    let services = sigstore.services();
    format!(
        "{CONFIG}[sign]\nkey = \"keyless\"\n[sign.keyless]\nfulcio = \"{}\"\nrekor = \"{}\"\ntimestamp_authority = \"{}\"\n\
         trusted_root = \"{}\"\nidentity = \"{WHO}\"\nissuer = \"{}\"\n",
        services.fulcio,
        services.rekor,
        services.timestamp_authority,
        sigstore.write_root(&sigstore.root()).display(),
        sigstore.issuer.url(),
    )
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

/// Every file below a folder, as text.
fn written(place: &Sample, folder: &str) -> String {
    let mut open = vec![place.path(folder)];
    let mut all = String::new();
    while let Some(path) = open.pop() {
        match fs::read_dir(&path) {
            Ok(entries) => open.extend(entries.map(|entry| entry.unwrap().path())),
            Err(_) => all.push_str(&String::from_utf8_lossy(&fs::read(&path).unwrap_or_default())),
        }
    }
    all
}

#[test]
fn a_job_on_github_publishes_by_its_identity_and_the_token_is_nowhere_afterwards() {
    let Some(sigstore) = Sigstore::start() else { return };
    let place = Sample::new();
    place.write("portcullis.toml", &config(&sigstore));
    let token = sigstore.token(WHO);
    let url = sigstore.serve_token(&token);
    let run = |arguments: &[&str]| {
        let mut command = place.command(arguments);
        command
            .env("ACTIONS_ID_TOKEN_REQUEST_URL", &url)
            .env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", BEARER);
        command.output().unwrap()
    };
    // Judging alone asks nobody.
    let judged = run(&["gate", "--until", "policy"]);
    assert_eq!(judged.status.code(), Some(0), "{}", told(&judged));
    assert!(!sigstore.issuer.seen().iter().any(|seen| seen.path.starts_with("/token")));

    let output = run(&["-vv", "gate", "--until", "publish"]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(sigstore.issuer.seen().iter().any(|seen| seen.path.ends_with("&audience=sigstore")));
    let everything = [
        told(&output),
        written(&place, "target"),
        written(&place, "published"),
        written(&place, ".cache"),
        written(&place, ".state"),
    ];
    for secret in token.split('.').skip(1).chain([BEARER]) {
        assert!(!everything.iter().any(|text| text.contains(secret)), "{secret} is told");
    }

    assert!(place.path("target/portcullis/verdict.sigstore.json").is_file());

    let (out, _) = place.ends(0, &["verify", "oci:published", "--explain"]);
    assert!(
        out.contains(&format!("{WHO} (issuer {}) is the identity that counts", sigstore.issuer.url())),
        "{out}"
    );
    let root = sigstore.write_root(&sigstore.root()).display().to_string();
    let issuer = sigstore.issuer.url();
    let named = |who: &'static str| {
        let mut arguments = vec!["verify", "oci:published", "--explain", "--certificate-identity", who];
        arguments.extend(["--certificate-oidc-issuer", &issuer, "--trusted-root", &root]);
        place.run(&arguments)
    };
    assert_eq!(named(WHO).status.code(), Some(0));
    // Who names the configured identity again takes its repository not off it.
    place.write("portcullis.toml", &format!("{}repository = \"acme/payments\"\n", config(&sigstore)));
    let elsewhere = named(WHO);
    assert_eq!(elsewhere.status.code(), Some(2));
    assert!(told(&elsewhere).contains("in a run of acme/payments"), "{}", told(&elsewhere));
    place.write("portcullis.toml", &config(&sigstore));
    let other = named("other@example.com");
    assert_eq!(other.status.code(), Some(2), "{}", told(&other));
    assert!(told(&other).contains("\u{2717} identity"), "{}", told(&other));
    let rollout = "[rollout]\ntarget = \"command\"\ndeploy = [\"true\"]\nrollback = [\"true\"]\nobserve = [\"true\"]\nstate = \"state\"\n\
                   [rollout.health]\nurl = \"http://127.0.0.1:1/readyz\"\n";
    place.write("portcullis.toml", &format!("{}{rollout}", config(&sigstore)));
    place.ends(0, &["rollout", "oci:published", "--plan"]);
    let other = ["--certificate-identity", "other@example.com", "--certificate-oidc-issuer", &issuer];
    place.ends(12, &[&["rollout", "oci:published", "--plan"][..], &other].concat());
    // The embedded root is of other services.
    place.write("bare.toml", CONFIG);
    let (out, err) = place.ends(
        2,
        &[
            "--config",
            "bare.toml",
            "verify",
            "oci:published",
            "--explain",
            "--certificate-identity",
            WHO,
            "--certificate-oidc-issuer",
            &issuer,
        ],
    );
    assert!(out.contains("\u{2717} certificate"), "{out}{err}");
    place.write("key.pub", "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEhyQCx0E9wQWSFI9ULGwy3BuRklnt\nIqozONbbdbqz11hlRJy9c7SG+hdcFl9jE9uE/dwtuwU2MqU9T/cN0YkWww==\n-----END PUBLIC KEY-----\n");
    let (_, err) = place.ends(2, &["verify", "oci:published", "--key", "key.pub"]);
    assert!(err.contains("no verdict on"), "{err}");
}

#[test]
fn a_job_that_may_not_say_who_it_is_is_told_the_line_that_it_needs_before_the_build() {
    let Some(sigstore) = Sigstore::start() else { return };
    let place = Sample::new();
    place.write("portcullis.toml", &config(&sigstore));
    let mut command = place.command(&["gate", "--until", "publish"]);
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_EVENT_NAME", "push");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(64), "{}", told(&output));
    assert!(told(&output).contains("id-token: write"), "{}", told(&output));
    assert!(!place.path("target/portcullis/image").exists());
    let (_, err) = place.ends(64, &["gate", "--until", "publish"]);
    assert!(err.contains("SIGSTORE_ID_TOKEN"), "{err}");
    // The control: who only judges needs none.
    place.ends(0, &["gate", "--until", "policy"]);
}

#[test]
fn half_of_what_belongs_together_and_an_address_in_the_clear_are_refused() {
    let place = Sample::new();
    let refused = |sign: &str, said: &str| {
        place.write("portcullis.toml", &format!("{CONFIG}[sign]\n{sign}"));
        let (_, err) = place.ends(64, &["gate", "--until", "publish"]);
        assert!(err.contains(said), "{said}: {err}");
    };
    let keyless = "key = \"keyless\"\n[sign.keyless]\n";
    refused(keyless, "fulcio");
    refused(&format!("{keyless}fulcio = \"https://fulcio.example\"\n"), "belong together");
    let services = "fulcio = \"http://fulcio.example\"\nrekor = \"https://r.example\"\ntimestamp_authority = \"https://t.example\"\n";
    refused(&format!("{keyless}{services}"), "write https://");
    let services = services.replace("http://", "https://");
    refused(&format!("{keyless}{services}identity = \"a@b.example\"\n"), "belong together");
    refused(&format!("legacy = true\n{keyless}{services}"), "key");
    refused("key = \"local:k.pem\"\n[sign.keyless]\nrekor = \"https://r.example\"\n", "alone");

    let digest = format!("r.example/a@sha256:{}", "0".repeat(64));
    place.write("portcullis.toml", CONFIG);
    for arguments in [
        &["--certificate-identity", "a@b.example"][..],
        &["--certificate-oidc-issuer", "https://i.example"],
        &["--trusted-root", "root.json"],
        &["--certificate-identity", "a", "--certificate-oidc-issuer", "b", "--key", "k.pub"],
        &["--certificate-identity", "", "--certificate-oidc-issuer", "b"],
        &[
            "--certificate-identity",
            "a",
            "--certificate-oidc-issuer",
            "b",
            "--trusted-root",
            "none.json",
        ],
    ] {
        place.ends(64, &[&["verify", &digest][..], arguments].concat());
    }
}
