//! HTTPS on loopback with a certificate authority of the test's own, and a proxy that connects every name to it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::tools;

/// A certificate authority and a certificate of it for `127.0.0.1`, `localhost` and everything below `example`.
pub(crate) struct Authority {
    dir: tempfile::TempDir,
}

impl Authority {
    /// Made by openssl. None, with a printed reason, where it is not installed.
    pub(crate) fn new() -> Option<Self> {
        let openssl = tools::program("openssl")?;
        let authority = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        let run = |args: &[&str]| {
            let output = Command::new(&openssl)
                .current_dir(authority.dir.path())
                .args(args)
                .output()
                .unwrap();
            assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        };
        let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
        let ca = [
            "req",
            "-x509",
            "-subj",
            "/CN=test authority",
            "-days",
            "2",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
        ];
        run(&[&ca[..], &curve].concat());
        run(&[
            &["req", "-subj", "/CN=test server", "-keyout", "server.key", "-out", "server.csr"][..],
            &curve,
        ]
        .concat());
        std::fs::write(
            authority.path("names"),
            "subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:registry.example,DNS:blobs.example\n",
        )
        .unwrap();
        let sign = [
            "x509",
            "-req",
            "-in",
            "server.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "2",
        ];
        run(&[&sign[..], &["-extfile", "names", "-out", "server.pem"]].concat());
        Some(authority)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// What `SSL_CERT_FILE` may name.
    pub(crate) fn bundle(&self) -> PathBuf {
        self.path("ca.pem")
    }

    fn server_config(&self) -> Arc<ServerConfig> {
        let chain = CertificateDer::pem_file_iter(self.path("server.pem")).unwrap();
        let chain: Vec<CertificateDer<'_>> = chain.collect::<Result<_, _>>().unwrap();
        let key = PrivateKeyDer::from_pem_file(self.path("server.key")).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        Arc::new(config.with_single_cert(chain, key).unwrap())
    }
}

/// What is answered for a path: status, headers, body.
pub(crate) type Answers = BTreeMap<String, (u16, Vec<(String, String)>, Vec<u8>)>;

/// A server that answers each connection once. Over TLS, or in the clear.
pub(crate) struct Stand {
    pub(crate) address: SocketAddr,
    answers: Arc<Mutex<Answers>>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Stand {
    pub(crate) fn https(authority: &Authority) -> Self {
        Self::start(Some(authority.server_config()))
    }

    pub(crate) fn http() -> Self {
        Self::start(None)
    }

    fn start(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stand = Self {
            address: listener.local_addr().unwrap(),
            answers: Arc::default(),
            seen: Arc::default(),
        };
        let (answers, seen) = (Arc::clone(&stand.answers), Arc::clone(&stand.seen));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answers, seen, tls) = (Arc::clone(&answers), Arc::clone(&seen), tls.clone());
                std::thread::spawn(move || match tls {
                    Some(config) => serve(
                        &mut StreamOwned::new(ServerConnection::new(config).unwrap(), stream),
                        &answers,
                        &seen,
                    ),
                    None => serve(&mut { stream }, &answers, &seen),
                });
            }
        });
        stand
    }

    pub(crate) fn put(&self, path: &str, status: u16, headers: &[(&str, &str)], body: &[u8]) {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        self.answers
            .lock()
            .unwrap()
            .insert(path.to_owned(), (status, headers, body.to_vec()));
    }

    /// The paths that were asked for so far.
    pub(crate) fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

fn serve(stream: &mut (impl Read + Write), answers: &Mutex<Answers>, seen: &Mutex<Vec<String>>) {
    let Some(head) = head(stream) else { return };
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let (status, headers, body) = answers.lock().unwrap().get(&path).cloned().unwrap_or((404, Vec::new(), Vec::new()));
    seen.lock().unwrap().push(path);
    let mut text = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    // A client that hangs up in the middle is the test's own.
    let _ = stream.write_all(format!("{text}\r\n").as_bytes());
    if !head.starts_with("HEAD") {
        let _ = stream.write_all(&body);
    }
    let _ = stream.flush();
}

/// The head of a request; none where the peer ends before (a handshake that failed).
fn head(stream: &mut impl Read) -> Option<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return None,
        }
    }
    String::from_utf8(head).ok()
}

/// A proxy that connects every name to one server, and says what was asked for.
pub(crate) struct ConnectProxy {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl ConnectProxy {
    pub(crate) fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
        };
        let seen = Arc::clone(&proxy.seen);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = Arc::clone(&seen);
                std::thread::spawn(move || connect(stream, server, &seen));
            }
        });
        proxy
    }

    pub(crate) fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

fn connect(stream: TcpStream, server: SocketAddr, seen: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    seen.lock().unwrap().push(line.split(' ').nth(1).unwrap_or_default().to_owned());
    let mut rest = String::new();
    while reader.read_line(&mut rest).is_ok_and(|count| count > 2) {
        rest.clear();
    }
    let upstream = TcpStream::connect(server).unwrap();
    let mut stream = stream;
    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
    let (mut from, mut to) = (upstream.try_clone().unwrap(), stream.try_clone().unwrap());
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Write);
    });
    let mut upstream = upstream;
    let _ = std::io::copy(&mut reader, &mut upstream);
    let _ = upstream.shutdown(std::net::Shutdown::Write);
}

/// The program with a certificate bundle and a proxy, or without.
pub(crate) fn program(dir: &Path, bundle: Option<&Path>, proxy: Option<SocketAddr>) -> Command {
    let mut command = crate::support::portcullis();
    command
        .current_dir(dir)
        .env("HOME", dir)
        .env("XDG_CACHE_HOME", dir.join(".cache"))
        .env("XDG_STATE_HOME", dir.join(".state"))
        .env("COLUMNS", "250")
        .env_remove("SSL_CERT_FILE")
        .env_remove("HTTPS_PROXY");
    if let Some(bundle) = bundle {
        command.env("SSL_CERT_FILE", bundle);
    }
    if let Some(proxy) = proxy {
        command.env("HTTPS_PROXY", format!("http://{proxy}"));
    }
    command
}
