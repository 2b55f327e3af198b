//! Whose keyless signatures count, and everything that must hold of one.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sigstore_verify::bundle::Error as BundleError;
use sigstore_verify::types::{Bundle, Sha256Hash, SignatureContent};
use sigstore_verify::{CertificateError, Error, VerificationPolicy, Verifier};

use super::super::refusal::{Part, Refusal};
use super::certificate;
use super::error::KeylessError;
use super::root;
use crate::io::Effects;
use crate::model::excused::Excused as _;
use crate::model::plan::{Keyless, SignerIdentity};
use crate::model::visible::shortened;

/// How far two machines' clocks may be apart.
const SKEW: SignedDuration = SignedDuration::from_secs(300);

/// A trusted root, and the one signer who counts.
pub struct Trusted {
    verifier: Verifier,
    signer: SignerIdentity,
}

/// What a bundle is, to whoever trusts this signer.
#[derive(Debug)]
pub enum Opened {
    /// All of it holds: the payload of its envelope.
    Payload(Vec<u8>),
    /// Its certificate names somebody else. Unverified.
    Other(SignerIdentity),
    /// It says that it is the signer's, and something does not hold.
    Refused(Refusal),
}

impl Trusted {
    /// Reads the trusted root. `signer` goes before the one that the source names.
    ///
    /// # Errors
    /// [`KeylessError`].
    pub fn load(source: &Keyless, signer: Option<SignerIdentity>, effects: &Effects) -> Result<Self, KeylessError> {
        let signer = signer.or_else(|| source.signer.clone()).ok_or(KeylessError::NoSigner)?;
        Ok(Self {
            verifier: root::read(source, effects)?,
            signer,
        })
    }

    /// Who must have signed.
    #[must_use]
    pub const fn signer(&self) -> &SignerIdentity {
        &self.signer
    }

    /// Opens a bundle that has a certificate: timestamp, certificate, certificate log, identity, log, signature, and that the entry in the log is of
    /// this signature by this certificate.
    #[must_use]
    pub fn open(&self, bundle: &[u8], now: Timestamp) -> Opened {
        self.try_open(bundle, now).unwrap_or_else(Opened::Refused)
    }

    fn try_open(&self, bundle: &[u8], now: Timestamp) -> Result<Opened, Refusal> {
        let malformed = |reason: String| Refusal::new(Part::Signature, reason);
        let text = std::str::from_utf8(bundle).map_err(|error| malformed(format!("the bundle is no text: {error}")))?;
        let bundle = Bundle::from_json(text).map_err(|error| malformed(format!("the bundle cannot be read: {error}")))?;
        let certificate = bundle
            .signing_certificate()
            .ok_or_else(|| Refusal::new(Part::Certificate, "the bundle has no certificate"))?;
        let signer = certificate::signer(certificate.as_bytes())?;
        if !signer.is(&self.signer) {
            return Ok(Opened::Other(signer));
        }
        let SignatureContent::DsseEnvelope(envelope) = &bundle.content else {
            return Err(malformed("the bundle has no envelope".to_owned()));
        };
        let payload = envelope.payload.as_bytes().to_vec();
        let subject = subject(&payload).ok_or_else(|| malformed("the statement is about nothing with a SHA-256 digest".to_owned()))?;
        let policy = VerificationPolicy::new(signer.identity.as_str(), signer.issuer.as_str());
        let proven = self.verifier.verify(subject, &bundle, &policy).map_err(|error| refusal(&error))?;
        let times = proven.verified_timestamps();
        if times.is_empty() {
            return Err(Refusal::new(Part::Timestamp, "nobody but the signer says when it was signed"));
        }
        if let Some(ahead) = times.iter().find(|time| time.duration_since(now) > SKEW) {
            return Err(Refusal::new(
                Part::Timestamp,
                format!("it was signed at {ahead}, which is in the future"),
            ));
        }
        // What the policy asks for; a version of the library that left one out would be told here.
        for (holds, part) in [
            (proven.certificate_verified() && proven.sct_verified(), Part::Certificate),
            (proven.identity_policy_checked(), Part::Identity),
            (proven.tlog_verified(), Part::Log),
        ] {
            if !holds {
                return Err(Refusal::new(part, "it was not verified"));
            }
        }
        Ok(Opened::Payload(payload))
    }
}

/// The first thing that a statement is about. Which of them the image is, is for whoever reads the statement.
fn subject(payload: &[u8]) -> Option<Sha256Hash> {
    let statement: Value = serde_json::from_slice(payload).or_none("what is no statement is about nothing")?;
    let digest = |subject: &Value| {
        let hex = subject["digest"]["sha256"].as_str()?;
        Sha256Hash::from_hex(hex).or_none("what is no digest is none")
    };
    statement["subject"].as_array()?.iter().find_map(digest)
}

fn refusal(error: &Error) -> Refusal {
    let part = match error {
        Error::IdentityMismatch { .. } | Error::IssuerMismatch { .. } => Part::Identity,
        Error::Certificate(_) => Part::Certificate,
        Error::Timestamp(_) => Part::Timestamp,
        // That the statement is about what is asked for holds always: its own subject was.
        Error::ArtifactMismatch(_)
        | Error::TransparencyLog(_)
        | Error::Bundle(
            BundleError::MissingInclusionProof(_)
            | BundleError::MissingInclusionPromise(_)
            | BundleError::MissingCheckpoint
            | BundleError::CheckpointRootMismatch
            | BundleError::LogIndexOutOfRange { .. },
        ) => Part::Log,
        _ => Part::Signature,
    };
    let reason = match error {
        Error::Certificate(CertificateError::ChainInvalid(said)) if said.contains("CertExpired") || said.contains("CertNotValidYet") => {
            format!("the certificate was not valid when the signature was timestamped: {said}")
        }
        other => other.to_string(),
    };
    Refusal::new(part, shortened(&reason, 300))
}
