//! Who a certificate of Fulcio says that signed.

use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::der::asn1::Utf8StringRef;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::super::refusal::{Part, Refusal};
use crate::model::plan::SignerIdentity;

/// The issuer of the identity's token, as a text in DER.
const ISSUER: &str = "1.3.6.1.4.1.57264.1.8";
/// The same in older certificates, as bare bytes.
const OLD_ISSUER: &str = "1.3.6.1.4.1.57264.1.1";

/// The one name and the one issuer of a certificate. Nothing is verified by it.
///
/// # Errors
/// [`Refusal`] for a certificate with no name or issuer, with several names, or with two issuers that differ.
pub(super) fn signer(der: &[u8]) -> Result<SignerIdentity, Refusal> {
    let certificate = Certificate::from_der(der).map_err(|error| Refusal::new(Part::Certificate, format!("it cannot be read: {error}")))?;
    Ok(SignerIdentity {
        identity: name(&certificate)?,
        issuer: issuer(&certificate)?,
    })
}

fn name(certificate: &Certificate) -> Result<String, Refusal> {
    let refuse = |reason: String| Refusal::new(Part::Identity, reason);
    let names = certificate.tbs_certificate.get::<SubjectAltName>();
    let names = names.map_err(|error| refuse(format!("the certificate's names cannot be read: {error}")))?;
    let names = names.map(|(_, names)| names.0).unwrap_or_default();
    match names.as_slice() {
        [GeneralName::Rfc822Name(name)] => Ok(name.to_string()),
        [GeneralName::UniformResourceIdentifier(name)] => Ok(name.to_string()),
        [] => Err(refuse("the certificate names nobody".to_owned())),
        [_] => Err(refuse("the certificate's name is neither a URL nor an e-mail address".to_owned())),
        several => Err(refuse(format!("the certificate has {} names", several.len()))),
    }
}

fn issuer(certificate: &Certificate) -> Result<String, Refusal> {
    let refuse = |reason: &str| Refusal::new(Part::Identity, reason);
    let mut found: Option<String> = None;
    for extension in certificate.tbs_certificate.extensions.iter().flatten() {
        let bytes = extension.extn_value.as_bytes();
        let issuer = match extension.extn_id.to_string().as_str() {
            ISSUER => Utf8StringRef::from_der(bytes)
                .map_err(|_| refuse("the certificate's issuer of the identity is no text"))?
                .as_str()
                .to_owned(),
            OLD_ISSUER => std::str::from_utf8(bytes)
                .map_err(|_| refuse("the certificate's issuer of the identity is no text"))?
                .to_owned(),
            _ => continue,
        };
        match &found {
            Some(other) if *other != issuer => return Err(refuse("the certificate names two issuers of the identity")),
            _ => found = Some(issuer),
        }
    }
    found.ok_or_else(|| refuse("the certificate does not say who vouches for the identity"))
}
