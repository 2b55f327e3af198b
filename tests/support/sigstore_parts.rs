//! What Sigstore's services on loopback are made of: keys, an issuer of identities, programs that end with the test.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use p256::ecdsa::SigningKey;
use serde_json::json;

use super::files_server::FilesServer;

/// Certificates that are made by hand, by the same CA that Fulcio has.
pub(super) const CA: &str = "
[req]
distinguished_name = dn
x509_extensions = v3
prompt = no
[dn]
O = portcullis-test
CN = fulcio-test
[v3]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
extendedKeyUsage = codeSigning
subjectKeyIdentifier = hash
[ca]
default_ca = d
[d]
database = index
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = none
[any]
organizationName = optional
commonName = optional
";

/// Programs that end when this is dropped.
pub(super) struct Children(pub(super) Vec<Child>);

impl Children {
    /// Starts one, and waits until it listens; none where it ends instead.
    pub(super) fn start(&mut self, folder: &Path, program: &Path, arguments: &[String], address: &str) -> Option<()> {
        let log = std::fs::File::create(folder.join(format!("{}.log", self.0.len()))).unwrap();
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder).stdout(Stdio::null()).stderr(log);
        self.0.push(command.spawn().unwrap());
        let deadline = Instant::now() + Duration::from_secs(120);
        while std::net::TcpStream::connect(address).is_err() {
            let ended = self.0.last_mut().unwrap().try_wait().unwrap();
            if ended.is_some() || Instant::now() > deadline {
                return None;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(())
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub(super) fn make_keys(folder: &Path) {
    std::fs::write(folder.join("ca.cnf"), CA).unwrap();
    std::fs::write(folder.join("index"), "").unwrap();
    std::fs::write(folder.join("index.attr"), "unique_subject = no\n").unwrap();
    for line in [
        "ecparam -name prime256v1 -genkey -noout -out ca.plain",
        "pkcs8 -topk8 -in ca.plain -out ca.key -passout pass:x -v2 aes256",
        "req -new -key ca.plain -config ca.cnf -out ca.csr",
        "ca -batch -preserveDN -selfsign -config ca.cnf -in ca.csr -keyfile ca.plain -startdate 20200101000000Z -enddate 20360101000000Z -extensions v3 -notext -out ca.pem",
        "ecparam -name prime256v1 -genkey -noout -out ct.key",
        "ec -in ct.key -pubout -out ct.pub",
        "genpkey -algorithm ed25519 -out rekor.key",
        "pkey -in rekor.key -pubout -out rekor.pub",
    ] {
        openssl(folder, line);
    }
}

pub(super) fn openssl(folder: &Path, line: &str) {
    let output = Command::new("openssl").args(line.split(' ')).current_dir(folder).output().unwrap();
    assert!(
        output.status.success(),
        "openssl {line}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

pub(super) fn publish_issuer(issuer: &FilesServer, key: &SigningKey) {
    let url = issuer.url();
    issuer.put(
        "/.well-known/openid-configuration",
        json!({
            "issuer": url, "jwks_uri": format!("{url}/keys"), "authorization_endpoint": format!("{url}/auth"), "token_endpoint": format!("{url}/t"),
            "response_types_supported": ["id_token"], "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["ES256"],
        })
        .to_string(),
    );
    let point = key.verifying_key().to_sec1_point(false);
    let (x, y) = (&point.as_bytes()[1..33], &point.as_bytes()[33..65]);
    issuer.put(
        "/keys",
        json!({"keys": [{
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "k",
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
        }]})
        .to_string(),
    );
}

pub(super) fn issuers(url: &str) -> String {
    format!(
        "oidc-issuers:\n  {url}:\n    issuer-url: {url}\n    client-id: sigstore\n    type: email\n    contact: a@b.example\n    description: test\n"
    )
}

pub(super) fn fetched(url: &str) -> String {
    let output = Command::new("curl").args(["-sfS", "--noproxy", "*", url]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The base64 of each block of a PEM text.
pub(super) fn ders(pem: &str) -> Vec<String> {
    let blocks = pem.split("-----BEGIN ").skip(1);
    let body = |block: &str| block.split("-----").nth(1).unwrap().split_whitespace().collect::<String>();
    blocks.map(body).collect()
}

pub(super) fn der(pem: &str) -> Vec<u8> {
    STANDARD.decode(&ders(pem)[0]).unwrap()
}
