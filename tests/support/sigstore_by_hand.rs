//! Certificates and bundles that Fulcio and the gate would never make, by the same CA and with the same services.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis::io::Effects;
use portcullis::io::hash::sha256;
use portcullis::model::plan::KeySource;
use portcullis::stage::publish::sign::{self, Bundle, Envelope};
use serde_json::{Value, json};

use super::sigstore::{Sigstore, WHO};
use super::sigstore_parts::{CA, ders, openssl};

/// The extension that names the issuer of the identity.
pub(crate) const ISSUER: &str = "1.3.6.1.4.1.57264.1.8";

impl Sigstore {
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

    /// A key and the certificate (DER) that Fulcio gives for it to whoever tests sign as.
    pub(crate) fn certified(&self) -> (KeySource, Vec<u8>) {
        std::fs::write(self.path("by-hand.cnf"), CA).unwrap();
        let openssl = |line: &str| openssl(self.dir.path(), line);
        openssl("ecparam -name prime256v1 -genkey -noout -out fulcio-leaf.key");
        openssl("req -new -key fulcio-leaf.key -subj /CN=x -config by-hand.cnf -out leaf.csr");
        let request = json!({
            "credentials": {"oidcIdentityToken": self.token(WHO)},
            "certificateSigningRequest": STANDARD.encode(self.read("leaf.csr")),
        });
        let url = format!("{}/api/v2/signingCert", self.services.fulcio);
        let answer: Value = serde_json::from_slice(&self.posted(&url, "application/json", request.to_string().as_bytes())).unwrap();
        let pem = &answer["signedCertificateEmbeddedSct"]["chain"]["certificates"][0];
        let certificate = STANDARD.decode(&ders(pem.as_str().unwrap())[0]).unwrap();
        let kept = self.path(&format!("{}.key", sha256(&certificate).hex()));
        std::fs::rename(self.path("fulcio-leaf.key"), &kept).unwrap();
        (KeySource::File(kept), certificate)
    }

    /// The same names as Fulcio would give, by nobody but the key itself.
    pub(crate) fn stranger(&self) -> (KeySource, Vec<u8>) {
        std::fs::write(self.path("by-hand.cnf"), format!("{CA}\n[leaf]\n{}\n", self.extensions())).unwrap();
        let openssl = |line: &str| openssl(self.dir.path(), line);
        openssl("ecparam -name prime256v1 -genkey -noout -out stranger.key");
        openssl("req -new -x509 -key stranger.key -subj /CN=x -config by-hand.cnf -extensions leaf -days 9 -out stranger.pem");
        let certificate = STANDARD.decode(&ders(&self.read("stranger.pem"))[0]).unwrap();
        (KeySource::File(self.path("stranger.key")), certificate)
    }

    /// Fulcio's own CA, with its key and its name, in a certificate that held until some day (DER).
    pub(crate) fn authority_until(&self, until: &str) -> Vec<u8> {
        std::fs::write(self.path("index"), "").unwrap();
        std::fs::write(self.path("by-hand.cnf"), CA).unwrap();
        let openssl = |line: &str| openssl(self.dir.path(), line);
        openssl("req -new -key ca.plain -config by-hand.cnf -out ca.csr");
        openssl(&format!(
            "ca -batch -preserveDN -selfsign -config by-hand.cnf -in ca.csr -keyfile ca.plain -startdate 20200101000000Z -enddate {until} -extensions v3 -notext -out aged.pem"
        ));
        STANDARD.decode(&ders(&self.read("aged.pem"))[0]).unwrap()
    }

    /// What Fulcio writes into a certificate, but for the timestamp of the log of certificates.
    pub(crate) fn extensions(&self) -> String {
        format!(
            "keyUsage = critical,digitalSignature\nextendedKeyUsage = codeSigning\nsubjectAltName = critical,email:{WHO}\n{ISSUER} = ASN1:UTF8String:{}\n",
            self.issuer.url()
        )
    }

    /// A statement signed with a key and a certificate of the test's own, timestamped and logged by the services: a bundle.
    pub(crate) fn sign_by_hand(&self, statement: &[u8], certified: &(KeySource, Vec<u8>)) -> Value {
        self.sign_as("application/vnd.in-toto+json", statement, certified)
    }

    /// The same with another type of payload.
    pub(crate) fn sign_as(&self, kind: &str, statement: &[u8], (key, certificate): &(KeySource, Vec<u8>)) -> Value {
        let key = sign::SigningKey::load(key, &Effects::plain(self.path("cache"))).unwrap();
        let mut signed = format!("DSSEv1 {} {kind} {} ", kind.len(), statement.len()).into_bytes();
        signed.extend_from_slice(statement);
        let envelope: Envelope = serde_json::from_value(json!({
            "payload": STANDARD.encode(statement), "payloadType": kind, "signatures": [{"sig": STANDARD.encode(key.sign(&signed))}],
        }))
        .unwrap();
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
}
