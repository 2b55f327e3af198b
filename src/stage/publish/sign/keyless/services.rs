//! What is asked of Fulcio, of the log and of the timestamp authority.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p256::pkcs8::{Document, LineEnding};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::io::hash::sha256;
use crate::io::http::{HttpError, OwnOrigin};
use crate::io::secret::Secret;
use crate::model::plan::KeylessServices;
use crate::stage::publish::sign::SigningKey;

use super::der;
use super::error::KeylessError;

/// The most that a service may answer, in bytes.
const MOST: u64 = 1 << 20;

const FULCIO: &str = "Fulcio";
const LOG: &str = "the log";
const AUTHORITY: &str = "the timestamp authority";

/// Fulcio's answer: the certificate and those above it, in PEM. With a detached SCT there would be none in the certificate, which nobody believes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Issued {
    signed_certificate_embedded_sct: Option<WithChain>,
}

#[derive(Deserialize)]
struct WithChain {
    chain: Chain,
}

#[derive(Deserialize)]
struct Chain {
    certificates: Vec<String>,
}

/// A certificate (DER) for a key, for whoever the token is about.
///
/// # Errors
/// [`KeylessError`].
pub(super) async fn certificate(
    http: &OwnOrigin,
    services: &KeylessServices,
    token: &Secret,
    key: &SigningKey,
) -> Result<Vec<u8>, KeylessError> {
    let info = der::request_info(&key.verifying_key().der());
    let request = Document::try_from(der::request(&info, &key.sign(&info)));
    let request = request.and_then(|der| der.to_pem("CERTIFICATE REQUEST", LineEnding::LF));
    let request = request.map_err(|error| KeylessError::Answer {
        service: "this program",
        reason: error.to_string(),
    })?;
    let body = json!({
        "credentials": {"oidcIdentityToken": token.expose()},
        "certificateSigningRequest": STANDARD.encode(request),
    });
    let url = below(&services.fulcio, "api/v2/signingCert");
    let answer = http
        .post(&url, "application/json", body.to_string().as_bytes(), Some(token), MOST)
        .await;
    let answer = answer.map_err(|source| failed(FULCIO, "certificate", source))?;
    let issued: Issued = read(FULCIO, &answer)?;
    let unusable = |reason: &str| KeylessError::Answer {
        service: FULCIO,
        reason: reason.to_owned(),
    };
    let issued = issued
        .signed_certificate_embedded_sct
        .ok_or_else(|| unusable("a certificate without a timestamp of a certificate log in it"))?;
    let leaf = issued.chain.certificates.first().ok_or_else(|| unusable("no certificate"))?;
    match Document::from_pem(leaf) {
        Ok(("CERTIFICATE", document)) => Ok(document.as_bytes().to_vec()),
        _ => Err(unusable("its first certificate is none in PEM")),
    }
}

/// An RFC 3161 timestamp over a signature: the whole answer, as bundles carry it.
///
/// # Errors
/// [`KeylessError`].
pub(super) async fn timestamp(http: &OwnOrigin, services: &KeylessServices, signature: &[u8]) -> Result<Vec<u8>, KeylessError> {
    let query = der::timestamp_query(sha256(signature).bytes());
    let answer = http
        .post(&services.timestamp_authority, "application/timestamp-query", &query, None, MOST)
        .await;
    answer.map_err(|source| failed(AUTHORITY, "timestamp", source))
}

/// An entry in the log, with its proof: that this certificate's key signed these bytes.
///
/// # Errors
/// [`KeylessError`].
pub(super) async fn log_entry(
    http: &OwnOrigin,
    services: &KeylessServices,
    signed: &[u8],
    signature: &[u8],
    certificate: &[u8],
) -> Result<Value, KeylessError> {
    let body = json!({
        "hashedRekordRequestV002": {
            "digest": STANDARD.encode(sha256(signed).bytes()),
            "signature": {
                "content": STANDARD.encode(signature),
                "verifier": {
                    "x509Certificate": {"rawBytes": STANDARD.encode(certificate)},
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                },
            },
        },
    });
    let url = below(&services.rekor, "api/v2/log/entries");
    let answer = http.post(&url, "application/json", body.to_string().as_bytes(), None, MOST).await;
    let answer = answer.map_err(|source| failed(LOG, "entry", source))?;
    read(LOG, &answer)
}

fn read<T: serde::de::DeserializeOwned>(service: &'static str, answer: &[u8]) -> Result<T, KeylessError> {
    serde_json::from_slice(answer).map_err(|error| KeylessError::Answer {
        service,
        // Its own words may hold what was sent.
        reason: format!(
            "it is no JSON of the expected form (line {}, column {})",
            error.line(),
            error.column()
        ),
    })
}

fn failed(service: &'static str, what: &'static str, source: HttpError) -> KeylessError {
    KeylessError::Service { service, what, source }
}

fn below(base: &str, path: &str) -> String {
    format!("{}/{path}", base.trim_end_matches('/'))
}
