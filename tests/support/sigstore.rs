//! Sigstore's services on loopback, each the real one, and an issuer of identities of the test's own. They end with the test.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::elliptic_curve::Generate as _;
use portcullis::io::hash::sha256;
use portcullis::model::plan::{KeySource, Keyless, KeylessServices, SignerIdentity};
use serde_json::{Value, json};

use super::files_server::FilesServer;
use super::ports::free_address;
use super::sigstore_parts::{Children, der, ders, fetched, issuers, make_keys, publish_issuer};
use super::tools;

/// Whom tokens are about, unless a test says otherwise.
pub(crate) const WHO: &str = "release@example.com";

const ORIGIN: &str = "log.example";
const START: &str = "2020-01-01T00:00:00Z";

pub(crate) struct Sigstore {
    _children: Children,
    pub(super) dir: tempfile::TempDir,
    pub(crate) issuer: FilesServer,
    issuer_key: SigningKey,
    pub(super) services: KeylessServices,
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
        let [log, certificates, other, entries, clock] = std::array::from_fn(|_| free_address().to_string());
        let strings = |arguments: &[&str]| arguments.iter().map(|argument| (*argument).to_owned()).collect::<Vec<_>>();
        let port = |address: &str| address.rsplit_once(':').unwrap().1.to_owned();
        let spare = || free_address().port();
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

    pub(super) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }
}
