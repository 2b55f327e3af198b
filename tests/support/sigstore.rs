//! Sigstore's services on loopback, each the real one, and an issuer of identities of the test's own. They end with the test.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::elliptic_curve::Generate as _;
use portcullis::io::hash::sha256;
use portcullis::model::plan::{KeySource, Keyless, KeylessServices, SignerIdentity};
use serde_json::{Value, json};

use super::files_server::FilesServer;
use super::registry::free_address;
use super::tools;

/// Whom tokens are about, unless a test says otherwise.
pub(crate) const WHO: &str = "release@example.com";

const ORIGIN: &str = "log.example";
const START: &str = "2020-01-01T00:00:00Z";

/// Certificates that are made by hand, by the same CA that Fulcio has.
const CA: &str = "
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
commonName = optional
";

pub(crate) struct Sigstore {
    children: Vec<Child>,
    dir: tempfile::TempDir,
    pub(crate) issuer: FilesServer,
    issuer_key: SigningKey,
    services: KeylessServices,
    /// The same CA, and no log of certificates.
    pub(crate) fulcio_without_log: String,
    timestamp_chain: Vec<String>,
}

impl Sigstore {
    /// None, with a printed reason, where a program is missing.
    pub(crate) fn start() -> Option<Self> {
        let fulcio = tools::program("fulcio")?;
        let tesseract = tools::program("tesseract-posix")?;
        let rekor = tools::program("rekor-server-posix")?;
        let authority = tools::program("timestamp-server")?;
        tools::program("openssl")?;
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path();
        make_keys(folder);
        let issuer_key = SigningKey::generate();
        let issuer = FilesServer::start();
        publish_issuer(&issuer, &issuer_key);
        std::fs::write(folder.join("fulcio.yaml"), issuers(&issuer.url())).unwrap();

        let mut children = Vec::new();
        let mut start = |program: &Path, arguments: &[String], address: &str| {
            let log = std::fs::File::create(folder.join(format!("{}.log", children.len()))).unwrap();
            let child = Command::new(program)
                .args(arguments)
                .current_dir(folder)
                .stdout(Stdio::null())
                .stderr(log)
                .spawn()
                .unwrap();
            children.push(child);
            wait_for(address);
        };
        let [log, certificates, other, entries, clock] = std::array::from_fn(|_| free_address().to_string());
        let strings = |arguments: &[&str]| arguments.iter().map(|argument| (*argument).to_owned()).collect::<Vec<_>>();
        let port = |address: &str| address.rsplit_once(':').unwrap().1.to_owned();
        let spare = || port(&free_address().to_string());
        start(
            &tesseract,
            &strings(&[
                "--private_key=ct.key",
                "--origin=certificates.example",
                "--storage_dir=certificates",
                "--roots_pem_file=ca.pem",
                "--batch_max_age=20ms",
                "--checkpoint_interval=200ms",
                &format!("--http_endpoint={log}"),
            ]),
            &log,
        );
        for (address, with_log) in [(&certificates, true), (&other, false)] {
            let url = if with_log { format!("http://{log}") } else { String::new() };
            start(
                &fulcio,
                &strings(&[
                    "serve",
                    "--host=127.0.0.1",
                    &format!("--port={}", port(address)),
                    "--grpc-host=127.0.0.1",
                    &format!("--grpc-port={}", spare()),
                    &format!("--metrics-port={}", spare()),
                    &format!("--legacy-unix-domain-socket={}", folder.join(format!("{with_log}.sock")).display()),
                    "--ca=fileca",
                    "--fileca-cert=ca.pem",
                    "--fileca-key=ca.key",
                    "--fileca-key-passwd=x",
                    "--fileca-watch=false",
                    "--config-path=fulcio.yaml",
                    &format!("--ct-log-url={url}"),
                    "--ct-log-origin=certificates.example",
                    "--log_type=prod",
                ]),
                address,
            );
        }
        start(
            &rekor,
            &strings(&[
                "serve",
                &format!("--hostname={ORIGIN}"),
                &format!("--http-port={}", port(&entries)),
                &format!("--grpc-port={}", spare()),
                &format!("--http-metrics-port={}", spare()),
                "--storage-dir=entries",
                "--signer-filepath=rekor.key",
                "--checkpoint-interval=200ms",
                "--batch-max-age=20ms",
            ]),
            &entries,
        );
        start(
            &authority,
            &strings(&["serve", "--host=127.0.0.1", &format!("--port={}", port(&clock)), "--disable-ntp-monitoring"]),
            &clock,
        );
        let timestamp_authority = format!("http://{clock}/api/v1/timestamp");
        let chain = fetched(&format!("{timestamp_authority}/certchain"));
        Some(Self {
            children,
            timestamp_chain: ders(&chain),
            dir,
            issuer,
            issuer_key,
            services: KeylessServices {
                fulcio: format!("http://{certificates}"),
                rekor: format!("http://{entries}"),
                timestamp_authority,
            },
            fulcio_without_log: format!("http://{other}"),
        })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A token about somebody, for an hour.
    pub(crate) fn token(&self, email: &str) -> String {
        let now = jiff::Timestamp::now().as_second();
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let head = part(json!({"alg": "ES256", "kid": "k", "typ": "JWT"}));
        let claims = part(json!({
            "iss": self.issuer.url(), "aud": "sigstore", "sub": email, "email": email, "email_verified": true,
            "iat": now - 5, "nbf": now - 5, "exp": now + 3600,
        }));
        let signed = format!("{head}.{claims}");
        let signature: Signature = self.issuer_key.sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    /// Puts a token where GitHub would serve it; gives the URL that the job is told.
    pub(crate) fn serve_token(&self, token: &str) -> String {
        self.issuer
            .put("/token?api-version=2.0&audience=sigstore", json!({"value": token, "count": 1}).to_string());
        format!("{}/token?api-version=2.0", self.issuer.url())
    }

    pub(crate) fn signer(&self, email: &str) -> SignerIdentity {
        SignerIdentity {
            identity: email.to_owned(),
            issuer: self.issuer.url(),
        }
    }

    pub(crate) fn services(&self) -> KeylessServices {
        self.services.clone()
    }

    /// Signing and believing by these services.
    pub(crate) fn keyless(&self) -> Keyless {
        Keyless {
            services: Some(self.services()),
            trusted_root: Some(self.write_root(&self.root())),
            signer: Some(self.signer(WHO)),
        }
    }

    pub(crate) fn source(&self) -> KeySource {
        KeySource::Keyless(Box::new(self.keyless()))
    }

    /// The same with another trusted root.
    pub(crate) fn by_root(&self, root: &Value) -> KeySource {
        KeySource::Keyless(Box::new(Keyless {
            trusted_root: Some(self.write_root(root)),
            ..self.keyless()
        }))
    }

    pub(crate) fn write_root(&self, root: &Value) -> PathBuf {
        let bytes = root.to_string();
        let path = self.path(&format!("root-{}.json", sha256(bytes.as_bytes()).short().replace(':', "-")));
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// The trusted root of these services.
    pub(crate) fn root(&self) -> Value {
        let since = json!({"start": START});
        let rekor = der(&self.read("rekor.pub"));
        let key: Vec<u8> = [format!("{ORIGIN}\n\u{1}").as_bytes(), &rekor[rekor.len() - 32..]].concat();
        let ct = der(&self.read("ct.pub"));
        let raw = |der: &String| json!({"rawBytes": der});
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [{
                "baseUrl": self.services.rekor, "hashAlgorithm": "SHA2_256",
                "publicKey": {"rawBytes": STANDARD.encode(&rekor), "keyDetails": "PKIX_ED25519", "validFor": since},
                "logId": {"keyId": STANDARD.encode(sha256(&key).bytes())},
            }],
            "certificateAuthorities": [{
                "subject": {"organization": "portcullis-test", "commonName": "fulcio-test"}, "uri": self.services.fulcio,
                "certChain": {"certificates": ders(&self.read("ca.pem")).iter().map(raw).collect::<Vec<_>>()}, "validFor": since,
            }],
            "ctlogs": [{
                "baseUrl": "http://certificates.example", "hashAlgorithm": "SHA2_256",
                "publicKey": {"rawBytes": STANDARD.encode(&ct), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": since},
                "logId": {"keyId": STANDARD.encode(sha256(&ct).bytes())},
            }],
            "timestampAuthorities": [{
                "subject": {"organization": "local", "commonName": "tsa"}, "uri": self.services.timestamp_authority,
                "certChain": {"certificates": self.timestamp_chain.iter().map(raw).collect::<Vec<_>>()}, "validFor": since,
            }],
        })
    }

    /// Which services cosign signs with.
    pub(crate) fn signing_config(&self) -> Value {
        let service = |url: &str, version: u32| json!({"url": url, "majorApiVersion": version, "validFor": {"start": START}, "operator": "test"});
        json!({
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "caUrls": [service(&self.services.fulcio, 1)],
            "rekorTlogUrls": [service(&self.services.rekor, 2)],
            "tsaUrls": [service(&self.services.timestamp_authority, 1)],
            "rekorTlogConfig": {"selector": "ANY"},
            "tsaConfig": {"selector": "ANY"},
        })
    }

    /// A certificate (DER) by the CA itself for a key (`pub.pem` in PEM), valid between two times (`20260101000000Z`), with these extensions.
    pub(crate) fn certify(&self, public: &str, from: &str, until: &str, extensions: &str) -> Vec<u8> {
        std::fs::write(self.path("leaf.pub"), public).unwrap();
        std::fs::write(self.path("index"), "").unwrap();
        std::fs::write(self.path("by-hand.cnf"), format!("{CA}\n[leaf]\n{extensions}\n")).unwrap();
        let openssl = |line: &str| openssl(self.dir.path(), line);
        openssl("ecparam -name prime256v1 -genkey -noout -out any.key");
        openssl("req -new -key any.key -subj /CN=x -config by-hand.cnf -out any.csr");
        openssl("x509 -req -in any.csr -force_pubkey leaf.pub -CA ca.pem -CAkey ca.plain -out template.pem -days 1 -CAcreateserial");
        openssl(&format!(
            "ca -batch -config by-hand.cnf -ss_cert template.pem -preserveDN -cert ca.pem -keyfile ca.plain -startdate {from} -enddate {until} -extensions leaf -notext -out leaf.pem"
        ));
        STANDARD.decode(&ders(&self.read("leaf.pem"))[0]).unwrap()
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }
}

impl Drop for Sigstore {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn make_keys(folder: &Path) {
    std::fs::write(folder.join("ca.cnf"), CA).unwrap();
    for line in [
        "ecparam -name prime256v1 -genkey -noout -out ca.plain",
        "pkcs8 -topk8 -in ca.plain -out ca.key -passout pass:x -v2 aes256",
        "req -x509 -new -key ca.plain -days 30 -config ca.cnf -out ca.pem",
        "ecparam -name prime256v1 -genkey -noout -out ct.key",
        "ec -in ct.key -pubout -out ct.pub",
        "genpkey -algorithm ed25519 -out rekor.key",
        "pkey -in rekor.key -pubout -out rekor.pub",
    ] {
        openssl(folder, line);
    }
}

fn openssl(folder: &Path, line: &str) {
    let output = Command::new("openssl").args(line.split(' ')).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "openssl {line}: {}", String::from_utf8_lossy(&output.stderr));
}

fn publish_issuer(issuer: &FilesServer, key: &SigningKey) {
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

fn issuers(url: &str) -> String {
    format!(
        "oidc-issuers:\n  {url}:\n    issuer-url: {url}\n    client-id: sigstore\n    type: email\n    contact: a@b.example\n    description: test\n"
    )
}

/// Waits until somebody listens.
fn wait_for(address: &str) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while std::net::TcpStream::connect(address).is_err() {
        assert!(Instant::now() < deadline, "nobody listens on {address}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn fetched(url: &str) -> String {
    let output = Command::new("curl").args(["-sfS", "--noproxy", "*", url]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The base64 of each block of a PEM text.
fn ders(pem: &str) -> Vec<String> {
    let blocks = pem.split("-----BEGIN ").skip(1);
    let body = |block: &str| block.split("-----").nth(1).unwrap().split_whitespace().collect::<String>();
    blocks.map(body).collect()
}

fn der(pem: &str) -> Vec<u8> {
    STANDARD.decode(&ders(pem)[0]).unwrap()
}
