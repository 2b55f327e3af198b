//! Whose keyless signatures count, and everything that must hold of one.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sigstore_verify::bundle::Error as BundleError;
use sigstore_verify::types::{Bundle as LibraryBundle, Sha256Hash, SignatureContent};
use sigstore_verify::{CertificateError, Error, VerificationPolicy};

use super::super::Bundle;
use super::super::refusal::{Part, Refusal};
use super::certificate;
use super::error::KeylessError;
use super::root::{self, Root};
use super::{form, who};
use crate::io::Effects;
use crate::model::excused::Excused as _;
use crate::model::plan::{Keyless, SignerIdentity};

/// How far two machines' clocks may be apart.
const SKEW: SignedDuration = SignedDuration::from_secs(300);

/// A trusted root, and the one signer who counts.
pub struct Trusted {
    root: Root,
    signer: SignerIdentity,
}

/// What a bundle is, to whoever trusts this signer.
#[derive(Debug)]
pub enum Opened {
    /// All of it holds: the payload of its envelope.
    Payload(Vec<u8>),
    /// Its certificate names somebody else. Unverified.
    Other(SignerIdentity),
    /// It says that it is the signer's, and is not proven to be: it may be anybody's.
    Refused(Refusal),
    /// It is the signer's, and something else does not hold.
    Doubtful {
        /// What does not hold.
        refusal: Refusal,
        /// What is signed, if its type is that of a statement.
        payload: Option<Vec<u8>>,
    },
}

impl Trusted {
    /// Reads the trusted root. `signer` goes before the one that the source names.
    ///
    /// # Errors
    /// [`KeylessError`].
    pub fn load(source: &Keyless, signer: Option<SignerIdentity>, effects: &Effects) -> Result<Self, KeylessError> {
        let signer = signer.or_else(|| source.signer.clone()).ok_or(KeylessError::NoSigner)?;
        Ok(Self {
            root: root::read(source, effects)?,
            signer,
        })
    }

    /// Who must have signed.
    #[must_use]
    pub const fn signer(&self) -> &SignerIdentity {
        &self.signer
    }

    /// Opens a bundle that has a certificate. `bytes` are those that it was read from.
    ///
    /// Who signed is decided first, and apart: by the certificate's names, its authority, and its key's signature over the envelope. What does not
    /// hold after that (certificate log, timestamp, log, form) leaves open whether it counts.
    #[must_use]
    pub fn open(&self, bundle: &Bundle, bytes: &[u8], now: Timestamp) -> Opened {
        let mut first = None;
        for chain in bundle.chains() {
            match self.payload(bundle, &chain) {
                Ok(Some(payload)) => return self.decide(bundle, bytes, payload, now),
                Ok(None) => {}
                Err(refusal) => first = first.or(Some(Opened::Refused(refusal))),
            }
        }
        if let Some(refused) = first {
            return refused;
        }
        let leaf = bundle.chains().into_iter().next().and_then(|chain| chain.into_iter().next());
        let other = leaf.ok_or_else(|| Refusal::new(Part::Certificate, "the bundle has no certificate"));
        match other.and_then(|leaf| certificate::signer(&leaf)) {
            Ok(signer) => Opened::Other(signer),
            Err(refusal) => Opened::Refused(refusal),
        }
    }

    /// What the signer who counts signed; `None` if the certificate is somebody else's.
    fn payload(&self, bundle: &Bundle, chain: &[Vec<u8>]) -> Result<Option<Vec<u8>>, Refusal> {
        let leaf = chain.first().map(Vec::as_slice).unwrap_or_default();
        if !certificate::signer(leaf)?.is(&self.signer) {
            return Ok(None);
        }
        who::signed(bundle.envelope(), chain, &self.root.document).map(Some)
    }

    fn decide(&self, bundle: &Bundle, bytes: &[u8], payload: Vec<u8>, now: Timestamp) -> Opened {
        match form::check(bundle, bytes, payload.len()).and_then(|()| self.prove(bytes, &payload, now)) {
            Ok(()) => Opened::Payload(payload),
            Err(refusal) => Opened::Doubtful {
                refusal,
                payload: bundle.envelope().is_statement().then_some(payload),
            },
        }
    }

    fn prove(&self, bytes: &[u8], payload: &[u8], now: Timestamp) -> Result<(), Refusal> {
        let malformed = |reason: String| Refusal::new(Part::Signature, reason);
        let text = std::str::from_utf8(bytes).map_err(|error| malformed(format!("the bundle is no text: {error}")))?;
        let bundle = LibraryBundle::from_json(text).map_err(|error| malformed(format!("the bundle cannot be read: {error}")))?;
        let certificate = bundle
            .signing_certificate()
            .ok_or_else(|| Refusal::new(Part::Certificate, "the bundle has no certificate"))?;
        let signer = certificate::signer(certificate.as_bytes())?;
        if !signer.is(&self.signer) {
            return Err(Refusal::new(Part::Identity, "it names its signer in two ways"));
        }
        let SignatureContent::DsseEnvelope(envelope) = &bundle.content else {
            return Err(malformed("the bundle has no envelope".to_owned()));
        };
        if envelope.payload.as_bytes() != payload {
            return Err(malformed("what is signed can be read in two ways".to_owned()));
        }
        let subject = subject(payload).ok_or_else(|| malformed("the statement is about nothing with a SHA-256 digest".to_owned()))?;
        let policy = VerificationPolicy::new(signer.identity.as_str(), signer.issuer.as_str());
        let proven = self
            .root
            .verifier
            .verify(subject, &bundle, &policy)
            .map_err(|error| refusal(&error))?;
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
        // The library holds a log's key against the beginning of its time alone.
        let late = |reason: String| {
            Refusal::new(
                Part::Log,
                format!("by the logs of the trusted root at the time of signing: {reason}"),
            )
        };
        if let Some(verifier) = self.root.at(times).map_err(late)? {
            let again = verifier.verify(subject, &bundle, &policy);
            again.map_err(|error| late(error.to_string()))?;
        }
        Ok(())
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
    Refusal::new(part, reason)
}
