//! Sigstore's services on loopback, each the real one, and an issuer of identities of the test's own. They end with the test.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::elliptic_curve::Generate as _;
use portcullis::io::Effects;
use portcullis::io::hash::sha256;
use portcullis::model::plan::{KeySource, Keyless, KeylessServices, SignerIdentity};
use portcullis::stage::publish::sign::{self, Bundle, Envelope};
use serde_json::{Value, json};

use super::files_server::FilesServer;
use super::tools;

/// Whom tokens are about, unless a test says otherwise.
pub(crate) const WHO: &str = "release@example.com";

const ORIGIN: &str = "log.example";
/// The extension that names the issuer of the identity.
pub(crate) const ISSUER: &str = "1.3.6.1.4.1.57264.1.8";

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
    _children: Children,
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
        let programs = [
            "fulcio",
            "tesseract-posix",
            "rekor-server-posix",
            "timestamp-server",
            "openssl",
            "curl",
        ];
        let programs: Vec<PathBuf> = programs.into_iter().map(tools::program).collect::<Option<_>>()?;
        // A port that was free may be taken by the time that a service wants it.
        let started = (0..5).find_map(|_| Self::try_start(&programs));
        Some(started.expect("all services start"))
    }

    fn try_start(programs: &[PathBuf]) -> Option<Self> {
        let [fulcio, tesseract, rekor, authority, ..] = programs else {
            return None;
        };
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path();
        make_keys(folder);
        let issuer_key = SigningKey::generate();
        let issuer = FilesServer::start();
        publish_issuer(&issuer, &issuer_key);
        std::fs::write(folder.join("fulcio.yaml"), issuers(&issuer.url())).unwrap();

        let mut children = Children(Vec::new());
        let mut start = |program: &Path, arguments: &[String], address: &str| children.start(folder, program, arguments, address);
        let [log, certificates, other, entries, clock] = std::array::from_fn(|_| format!("127.0.0.1:{}", free_port()));
        let strings = |arguments: &[&str]| arguments.iter().map(|argument| (*argument).to_owned()).collect::<Vec<_>>();
        let port = |address: &str| address.rsplit_once(':').unwrap().1.to_owned();
        let spare = free_port;
        start(
            tesseract,
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
        )?;
        for (address, with_log) in [(&certificates, true), (&other, false)] {
            let url = if with_log { format!("http://{log}") } else { String::new() };
            start(
                fulcio,
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
            )?;
        }
        start(
            rekor,
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
        )?;
        start(authority, &[port(&clock)], &clock)?;
        let timestamp_authority = format!("http://{clock}/api/v1/timestamp");
        let chain = fetched(&format!("{timestamp_authority}/certchain"));
        Some(Self {
            _children: children,
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
        self.issuer.put(
            "/token?api-version=2.0&audience=sigstore",
            json!({"value": token, "count": 1}).to_string(),
        );
        format!("{}/token?api-version=2.0", self.issuer.url())
    }

    pub(crate) fn signer(&self, email: &str) -> SignerIdentity {
        SignerIdentity {
            identity: email.to_owned(),
            issuer: self.issuer.url(),
            repository: None,
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
                "baseUrl": format!("https://{ORIGIN}"), "hashAlgorithm": "SHA2_256",
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
        let service =
            |url: &str, version: u32| json!({"url": url, "majorApiVersion": version, "validFor": {"start": START}, "operator": "test"});
        json!({
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "caUrls": [service(&self.services.fulcio, 1)],
            "rekorTlogUrls": [service(&self.services.rekor, 2)],
            "tsaUrls": [service(&self.services.timestamp_authority, 1)],
            "rekorTlogConfig": {"selector": "ANY"},
            "tsaConfig": {"selector": "ANY"},
        })
    }

    /// A key and a certificate (DER) for it by Fulcio's own CA, made by hand: valid between two times (`20260101000000Z`), with these extensions in
    /// openssl's words.
    pub(crate) fn certify(&self, from: &str, until: &str, extensions: &str) -> (KeySource, Vec<u8>) {
        std::fs::write(self.path("index"), "").unwrap();
        std::fs::write(self.path("index.attr"), "unique_subject = no\n").unwrap();
        std::fs::write(self.path("by-hand.cnf"), format!("{CA}\n[leaf]\n{extensions}\n")).unwrap();
        let openssl = |line: &str| openssl(self.dir.path(), line);
        openssl("ecparam -name prime256v1 -genkey -noout -out leaf.key");
        openssl("req -new -key leaf.key -subj /CN=x -config by-hand.cnf -out leaf.csr");
        openssl(&format!(
            "ca -batch -config by-hand.cnf -in leaf.csr -cert ca.pem -keyfile ca.plain -startdate {from} -enddate {until} -extensions leaf -notext -out leaf.pem"
        ));
        let certificate = STANDARD.decode(&ders(&self.read("leaf.pem"))[0]).unwrap();
        (KeySource::File(self.path("leaf.key")), certificate)
    }

    /// What Fulcio writes into a certificate, but for the timestamp of the log of certificates.
    pub(crate) fn extensions(&self) -> String {
        format!(
            "keyUsage = critical,digitalSignature\nextendedKeyUsage = codeSigning\nsubjectAltName = critical,email:{WHO}\n{ISSUER} = ASN1:UTF8String:{}\n",
            self.issuer.url()
        )
    }

    /// A statement signed with a key and a certificate of the test's own, timestamped and logged by the services: a bundle.
    pub(crate) fn sign_by_hand(&self, statement: &[u8], (key, certificate): &(KeySource, Vec<u8>)) -> Value {
        let key = sign::SigningKey::load(key, &Effects::plain(self.path("cache"))).unwrap();
        let envelope = Envelope::sign(statement, &key);
        let (signed, signature) = envelope.parts().unwrap();
        openssl(
            self.dir.path(),
            &format!("ts -query -digest {} -sha256 -cert -out query", sha256(&signature).hex()),
        );
        let timestamp = self.posted(
            &self.services.timestamp_authority,
            "application/timestamp-query",
            &std::fs::read(self.path("query")).unwrap(),
        );
        let request = json!({"hashedRekordRequestV002": {
            "digest": STANDARD.encode(sha256(&signed).bytes()),
            "signature": {
                "content": STANDARD.encode(&signature),
                "verifier": {"x509Certificate": {"rawBytes": STANDARD.encode(certificate)}, "keyDetails": "PKIX_ECDSA_P256_SHA_256"},
            },
        }});
        let log = format!("{}/api/v2/log/entries", self.services.rekor);
        let entry = self.posted(&log, "application/json", request.to_string().as_bytes());
        let bundle = Bundle::keyless(envelope, certificate, serde_json::from_slice(&entry).unwrap(), &timestamp);
        serde_json::from_slice(&bundle.bytes().unwrap()).unwrap()
    }

    fn posted(&self, url: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
        std::fs::write(self.path("body"), body).unwrap();
        let mut command = Command::new("curl");
        command.args([
            "-sS",
            "--fail-with-body",
            "--noproxy",
            "*",
            "-H",
            &format!("content-type: {content_type}"),
            "--data-binary",
        ]);
        let output = command.arg(format!("@{}", self.path("body").display())).arg(url).output().unwrap();
        assert!(output.status.success(), "{url}: {output:?}");
        output.stdout
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }
}

/// Programs that end when this is dropped.
struct Children(Vec<Child>);

impl Children {
    /// Starts one, and waits until it listens; none where it ends instead.
    fn start(&mut self, folder: &Path, program: &Path, arguments: &[String], address: &str) -> Option<()> {
        let log = std::fs::File::create(folder.join(format!("{}.log", self.0.len()))).unwrap();
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder).stdout(Stdio::null()).stderr(log);
        self.0.push(command.spawn().unwrap());
        let deadline = Instant::now() + Duration::from_secs(30);
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
    assert!(
        output.status.success(),
        "openssl {line}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
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

/// A port that nobody listens on, below those that the system hands out: whoever waits for a service on one of these could else be connected to
/// itself, and take the port.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let after = NEXT.fetch_add(1, Ordering::Relaxed);
        let first = u16::try_from(std::process::id() % 10_000).unwrap();
        let port = 20_000 + (first + after) % 12_000;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
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

/// An error with its causes and its help, as people see it.
pub(crate) fn whole(error: &dyn miette::Diagnostic) -> String {
    let mut text = format!("{error:?} {error}");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text.extend(error.help().map(|help| help.to_string()));
    text
}
