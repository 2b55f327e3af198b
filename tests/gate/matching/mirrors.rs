//! Mirrors: below a path, behind a proxy, with a certificate of one's own.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::matching::feeds::{OLD, archive, record};
use crate::support::files_server::FilesServer;
use crate::support::registry::free_address;
use crate::support::tools;

/// Runs `feeds update` for npm, with nothing in the environment but what is given.
fn update(folder: &Path, osv: &str, variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_portcullis"))
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

/// `openssl s_server` over the files of a folder; ends when it is dropped.
struct TlsServer(Child, std::net::SocketAddr);

impl TlsServer {
    fn start(folder: &Path) -> Option<Self> {
        let openssl = tools::program("openssl")?;
        let make = |arguments: &[&str]| {
            let made = Command::new(&openssl).args(arguments).current_dir(folder).output().unwrap();
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        };
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        make(
            &[
                &[
                    "req",
                    "-x509",
                    "-days",
                    "2",
                    "-subj",
                    "/CN=a test",
                    "-keyout",
                    "ca.key",
                    "-out",
                    "ca.pem",
                ][..],
                &key,
            ]
            .concat(),
        );
        make(
            &[
                &["req", "-subj", "/CN=mirror", "-keyout", "key.pem", "-out", "request.pem"][..],
                &key,
            ]
            .concat(),
        );
        std::fs::write(folder.join("names"), "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n").unwrap();
        make(&[
            "x509",
            "-req",
            "-days",
            "2",
            "-in",
            "request.pem",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-extfile",
            "names",
            "-out",
            "cert.pem",
        ]);
        let address = free_address();
        let child = Command::new(openssl)
            .args([
                "s_server",
                "-accept",
                &address.to_string(),
                "-cert",
                "cert.pem",
                "-key",
                "key.pem",
                "-WWW",
                "-quiet",
            ])
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while std::net::TcpStream::connect(address).is_err() {
            assert!(Instant::now() < deadline, "openssl s_server does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(Self(child, address))
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_mirror_with_a_certificate_of_ones_own_is_trusted_when_the_environment_says_so_and_only_then() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("npm")).unwrap();
    std::fs::write(
        folder.path().join("npm/all.zip"),
        archive(&[("GHSA-1", record("GHSA-1", "left-pad", "1.1.0", OLD))]),
    )
    .unwrap();
    let Some(server) = TlsServer::start(folder.path()) else { return };
    let osv = format!("https://{}", server.1);
    let trusted = folder.path().join("ca.pem").display().to_string();
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
