//! HTTPS with a real handshake: whom the program trusts, and that nothing leads it out of HTTPS.

use std::process::Command;

use portcullis::io::hash::sha256;
use serde_json::{Value, json};

use crate::matching::feeds::{OLD, archive, record};
use crate::support::tls::{Authority, ConnectProxy, Stand, program};

const LOCK: &str = r#"{"name":"x","lockfileVersion":3,"packages":{"":{"name":"x"},"node_modules/left-pad":{"version":"1.0.0"}}}"#;

/// A folder with a lock file that names one package, and what a scan of it against a feed printed and wrote.
fn scan(mut command: Command, osv: &str) -> (Option<i32>, Value, String) {
    let dir = command.get_current_dir().unwrap().to_owned();
    std::fs::write(dir.join("package-lock.json"), LOCK).unwrap();
    let output = command
        .args(["scan", "package-lock.json", "--format", "json", "--osv", osv])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let json = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {text}"));
    (output.status.code(), json, text)
}

fn feed() -> Vec<u8> {
    archive(&[("GHSA-1", record("GHSA-1", "left-pad", "1.1.0", OLD))])
}

fn gaps(json: &Value) -> String {
    json["gaps"].to_string()
}

#[test]
fn a_feed_over_https_is_trusted_by_the_bundle_that_is_named_and_not_without() {
    let Some(authority) = Authority::new() else { return };
    let server = Stand::https(&authority);
    server.put("/npm/all.zip", 200, &[], &feed());
    let url = format!("https://127.0.0.1:{}", server.address.port());
    let dir = tempfile::tempdir().unwrap();
    let (_, json, text) = scan(program(dir.path(), Some(&authority.bundle()), None), &url);
    assert!(json["findings"].to_string().contains("GHSA-1"), "{json} {text}");
    assert_eq!(json["inputs"]["feeds"][0].get("served_by"), None, "nobody redirected");

    let other = tempfile::tempdir().unwrap();
    server.seen();
    let (code, json, text) = scan(program(other.path(), None, None), &url);
    assert_eq!((code, server.seen().len()), (Some(2), 0), "{json} {text}");
    assert!(gaps(&json).contains("cannot be trusted"), "{json} {text}");

    // An empty bundle is none: said, not taken for "trust everybody".
    let empty = other.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let (code, json, text) = scan(program(other.path(), Some(&empty), None), &url);
    assert_eq!((code, server.seen().len()), (Some(2), 0), "{json} {text}");
}

#[test]
fn a_redirect_is_followed_over_https_and_recorded_and_not_followed_out_of_it() {
    let Some(authority) = Authority::new() else { return };
    let (server, elsewhere, plain) = (Stand::https(&authority), Stand::https(&authority), Stand::http());
    elsewhere.put("/there.zip", 200, &[], &feed());
    plain.put("/there.zip", 200, &[], &feed());
    let url = format!("https://127.0.0.1:{}", server.address.port());
    let there = format!("https://localhost:{}/there.zip?signature=secret", elsewhere.address.port());
    elsewhere.put("/there.zip?signature=secret", 200, &[], &feed());
    server.put("/npm/all.zip", 302, &[("location", &there)], b"");
    let dir = tempfile::tempdir().unwrap();
    let (_, json, text) = scan(program(dir.path(), Some(&authority.bundle()), None), &url);
    assert!(json["findings"].to_string().contains("GHSA-1"), "{json} {text}");
    let by = format!("https://localhost:{}/there.zip", elsewhere.address.port());
    assert_eq!(
        json["inputs"]["feeds"][0]["served_by"], by,
        "where the data came from, without what signs the address"
    );
    // The next run, which asks nobody, knows it too.
    let (_, json, _) = scan(program(dir.path(), Some(&authority.bundle()), None), &url);
    assert_eq!(json["inputs"]["feeds"][0]["served_by"], by);

    let other = tempfile::tempdir().unwrap();
    server.put(
        "/npm/all.zip",
        302,
        &[("location", &format!("http://{}/there.zip", plain.address))],
        b"",
    );
    let (code, json, text) = scan(program(other.path(), Some(&authority.bundle()), None), &url);
    assert_eq!((code, plain.seen()), (Some(2), Vec::<String>::new()), "{json} {text}");
    assert!(gaps(&json).contains("redirects to where it is not followed"), "{json} {text}");

    // Round and round: bounded.
    server.put("/npm/all.zip", 302, &[("location", "/npm/all.zip")], b"");
    server.seen();
    let (code, ..) = scan(program(other.path(), Some(&authority.bundle()), None), &url);
    let asked = server.seen().len();
    assert!(code == Some(2) && asked <= 8, "{asked} requests");
}

#[test]
fn a_registry_behind_a_proxy_is_reached_by_its_name_and_does_not_lead_out_of_https() {
    let Some(authority) = Authority::new() else { return };
    let (server, plain) = (Stand::https(&authority), Stand::http());
    let proxy = ConnectProxy::to(server.address);
    let dir = tempfile::tempdir().unwrap();
    let image = sha256(b"an image");
    let verify = || {
        let mut command = program(dir.path(), Some(&authority.bundle()), Some(proxy.address));
        let key = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/publish/keys/cosign.pub");
        let image = format!("registry:registry.example/team/payments@{image}");
        let output = command.args(["verify", &image, "--key", key, "--quiet"]).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let list = format!("/v2/team/payments/referrers/{image}");
    let empty = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}).to_string();
    let kind = ("content-type", "application/vnd.oci.image.index.v1+json");
    server.put(&list, 200, &[kind], empty.as_bytes());
    let (code, text) = verify();
    assert!(code == Some(2) && text.contains("has no attested verdict"), "{text}");
    assert_eq!(proxy.seen().first().map(String::as_str), Some("registry.example:443"));

    // Over HTTPS a redirect to another host is followed.
    server.put("/list", 200, &[kind], empty.as_bytes());
    server.put(&list, 307, &[("location", "https://blobs.example/list")], b"");
    let (code, text) = verify();
    assert!(code == Some(2) && text.contains("has no attested verdict"), "{text}");
    assert!(server.seen().contains(&"/list".to_owned()));

    let there = format!("http://{}/list", plain.address);
    plain.put("/list", 200, &[kind], empty.as_bytes());
    server.put(&list, 307, &[("location", &there)], b"");
    let (code, text) = verify();
    assert_eq!((code, plain.seen()), (Some(2), Vec::<String>::new()), "{text}");
    assert!(
        text.contains("redirects to where it is not followed") && text.contains("from HTTPS to plain HTTP"),
        "{text}"
    );
}
