//! Mirrors: below a path, behind a proxy, with a certificate of one's own.

use std::path::Path;
use std::process::Output;

use crate::matching::feeds::{OLD, archive, record};
use crate::support::files_server::FilesServer;
use crate::support::tls::{Authority, Stand};

/// Runs `feeds update` for npm, with nothing in the environment but what is given.
fn update(folder: &Path, osv: &str, variables: &[(&str, &str)]) -> Output {
    crate::support::portcullis()
        .args(["feeds", "update", "--ecosystem", "npm", "--osv", osv])
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

#[test]
fn a_mirror_below_a_path_is_reached_through_the_proxy_that_the_environment_names() {
    let proxy = FilesServer::start();
    // A proxy is asked by the whole address.
    let mirror = "http://mirror.invalid/osv/export";
    proxy.put(
        &format!("{mirror}/npm/all.zip"),
        archive(&[("GHSA-1", record("GHSA-1", "left-pad", "1.1.0", OLD))]),
    );
    let folder = tempfile::tempdir().unwrap();
    let output = update(folder.path(), mirror, &[("http_proxy", &proxy.url())]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let paths: Vec<String> = proxy.seen().into_iter().map(|seen| seen.path).collect();
    assert_eq!(paths, [format!("{mirror}/npm/all.zip")]);
}

#[test]
fn a_mirror_with_a_certificate_of_ones_own_is_trusted_when_the_environment_says_so_and_only_then() {
    let Some(authority) = Authority::new() else { return };
    let server = Stand::https(&authority);
    let records = archive(&[("GHSA-1", record("GHSA-1", "left-pad", "1.1.0", OLD))]);
    server.put("/npm/all.zip", 200, &[], &records);
    let osv = format!("https://{}", server.address);
    let trusted = authority.bundle().display().to_string();
    let folder = tempfile::tempdir().unwrap();
    let output = update(folder.path(), &osv, &[("SSL_CERT_FILE", &trusted)]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("osv:npm"), "{text}");

    let other = tempfile::tempdir().unwrap();
    let refused = update(other.path(), &osv, &[]);
    assert_ne!(refused.status.code(), Some(0));
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&refused.stdout),
        String::from_utf8_lossy(&refused.stderr)
    );
    assert!(said.contains("cannot be trusted"), "{said}");
}
