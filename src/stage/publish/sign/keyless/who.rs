//! Whether a bundle is signed by whom its certificate names: apart from what it says, and from timestamp and log, which may be unknown to this
//! machine. A certificate that was merely copied proves nothing.

use std::time::Duration;

use rustls::pki_types::{CertificateDer, UnixTime};
use sigstore_verify::crypto::{SigningScheme, VerificationKey, WEBPKI_VERIFICATION_ALGS, parse_certificate_info};
use sigstore_verify::trust_root::TrustedRoot;
use sigstore_verify::types::{DerCertificate, SignatureBytes, TimeRange};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::super::Envelope;
use super::super::refusal::{Part, Refusal};

/// So many signatures of an envelope are tried. Sigstore's have one.
const SIGNATURES: usize = 1000;

/// So many certificates between the signer's and an authority's are looked at. Fulcio has two at the most.
const BETWEEN: usize = 8;

/// `id-kp-codeSigning`, 1.3.6.1.5.5.7.3.3, as bytes of an object identifier.
const CODE_SIGNING: [u8; 8] = [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x03];

/// The payload of an envelope, if the first certificate of the chain is of an authority of the root that counted when the certificate began, and
/// its key signed the envelope.
///
/// # Errors
/// [`Refusal`]: it may be anybody's.
pub(super) fn signed(envelope: &Envelope, chain: &[Vec<u8>], root: &TrustedRoot) -> Result<Vec<u8>, Refusal> {
    let refuse = |reason: String| Refusal::new(Part::Certificate, reason);
    let (leaf, between) = chain.split_first().ok_or_else(|| refuse("there is none".to_owned()))?;
    let info = parse_certificate_info(&DerCertificate::new(leaf.clone())).map_err(|error| refuse(error.to_string()))?;
    let key = VerificationKey::from_spki(&info.public_key)
        .or_else(|_| VerificationKey::from_der(&info.public_key, SigningScheme::RsaPkcs1Sha256))
        .map_err(|error| refuse(format!("its key cannot be used: {error}")))?;
    let payload = envelope.payload_signed(SIGNATURES, |signed, signature| {
        key.verify(signed, &SignatureBytes::new(signature.to_vec())).is_ok()
    });
    let payload = payload.ok_or_else(|| Refusal::new(Part::Signature, "the certificate's key did not sign this"))?;

    let counts = |range: Option<TimeRange>| range.is_none_or(|range| range.contains(info.not_before));
    let authorities = root.certificate_authorities.iter().filter(|authority| counts(authority.valid_for));
    let authorities: Vec<CertificateDer<'_>> = authorities
        .flat_map(|authority| &authority.cert_chain.certificates)
        .map(|one| CertificateDer::from(one.raw_bytes.as_bytes()))
        .collect();
    let anchors = authorities.iter().map(anchor_from_trusted_cert).collect::<Result<Vec<_>, _>>();
    let anchors = anchors.map_err(|error| refuse(format!("an authority's certificate cannot be read: {error}")))?;
    let between: Vec<CertificateDer<'_>> = between
        .iter()
        .take(BETWEEN)
        .map(|one| CertificateDer::from(one.as_slice()))
        .collect();
    let leaf = CertificateDer::from(leaf.as_slice());
    let leaf = EndEntityCert::try_from(&leaf).map_err(|error| refuse(format!("it cannot be read: {error}")))?;
    let since = u64::try_from(info.not_before.as_second()).map_err(|_| refuse("it began before 1970".to_owned()))?;
    let usage = KeyUsage::required(&CODE_SIGNING);
    let time = UnixTime::since_unix_epoch(Duration::from_secs(since));
    leaf.verify_for_usage(WEBPKI_VERIFICATION_ALGS, &anchors, &between, time, usage, None, None)
        .map_err(|error| refuse(format!("its chain does not end at an authority of the trusted root: {error}")))?;
    Ok(payload)
}
