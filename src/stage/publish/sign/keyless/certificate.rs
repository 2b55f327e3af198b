//! Who a certificate of Fulcio says that signed.

use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::der::asn1::Utf8StringRef;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{KeyUsage, SubjectAltName};

use super::super::refusal::{Part, Refusal};
use crate::model::plan::SignerIdentity;

/// The issuer of the identity's token, as a text in DER.
const ISSUER: &str = "1.3.6.1.4.1.57264.1.8";
/// The same in older certificates, as bare bytes.
const OLD_ISSUER: &str = "1.3.6.1.4.1.57264.1.1";

/// The repository whose run it was, as a URL in DER.
const REPOSITORY: &str = "1.3.6.1.4.1.57264.1.12";
/// The same for GitHub, without its host, as bare bytes.
const OLD_REPOSITORY: &str = "1.3.6.1.4.1.57264.1.5";

/// The one name, the one issuer and the repository of a certificate. Nothing is verified by it.
///
/// # Errors
/// [`Refusal`] for a certificate with no name or issuer, with several names, or with two issuers that differ.
pub(super) fn signer(der: &[u8]) -> Result<SignerIdentity, Refusal> {
    let certificate = Certificate::from_der(der).map_err(|error| Refusal::new(Part::Certificate, format!("it cannot be read: {error}")))?;
    let usage = certificate.tbs_certificate.get::<KeyUsage>();
    let usage = usage.map_err(|error| Refusal::new(Part::Certificate, format!("what its key is for cannot be read: {error}")))?;
    if !usage.is_some_and(|(_, usage)| usage.digital_signature()) {
        return Err(Refusal::new(Part::Certificate, "its key is not for signing"));
    }
    Ok(SignerIdentity {
        identity: name(&certificate)?,
        issuer: issuer(&certificate)?,
        repository: repository(&certificate)?,
    })
}

fn name(certificate: &Certificate) -> Result<String, Refusal> {
    let refuse = |reason: String| Refusal::new(Part::Identity, reason);
    let names = certificate.tbs_certificate.get::<SubjectAltName>();
    let names = names.map_err(|error| refuse(format!("the certificate's names cannot be read: {error}")))?;
    let names = names.map(|(_, names)| names.0).unwrap_or_default();
    match names.as_slice() {
        [GeneralName::Rfc822Name(name)] => Ok(name.to_string()),
        [GeneralName::UniformResourceIdentifier(name)] if name.as_str().contains("://") => Ok(name.to_string()),
        [] => Err(refuse("the certificate names nobody".to_owned())),
        [_] => Err(refuse("the certificate's name is neither a URL nor an e-mail address".to_owned())),
        several => Err(refuse(format!("the certificate has {} names", several.len()))),
    }
}

/// What several extensions say of one thing: those in DER, and the older ones in bare bytes.
fn said(certificate: &Certificate, of: &'static str, in_der: &str, bare: &str, read: fn(&str) -> &str) -> Result<Option<String>, Refusal> {
    let refuse = |reason: String| Refusal::new(Part::Identity, reason);
    let mut found: Option<String> = None;
    for extension in certificate.tbs_certificate.extensions.iter().flatten() {
        let bytes = extension.extn_value.as_bytes();
        let no_text = || refuse(format!("the certificate's {of} is no text"));
        let text = match extension.extn_id.to_string().as_str() {
            id if id == in_der => read(Utf8StringRef::from_der(bytes).map_err(|_| no_text())?.as_str()).to_owned(),
            id if id == bare => std::str::from_utf8(bytes).map_err(|_| no_text())?.to_owned(),
            _ => continue,
        };
        match &found {
            Some(other) if *other != text => return Err(refuse(format!("the certificate contradicts itself about the {of}"))),
            _ => found = Some(text),
        }
    }
    Ok(found)
}

fn issuer(certificate: &Certificate) -> Result<String, Refusal> {
    let found = said(certificate, "issuer of the identity", ISSUER, OLD_ISSUER, |text| text)?;
    found.ok_or_else(|| Refusal::new(Part::Identity, "the certificate does not say who vouches for the identity"))
}

/// `https://github.com/OWNER/REPOSITORY` in the newer one, `OWNER/REPOSITORY` in the older one, which is GitHub's alone.
fn repository(certificate: &Certificate) -> Result<Option<String>, Refusal> {
    said(certificate, "repository", REPOSITORY, OLD_REPOSITORY, without_host)
}

fn without_host(url: &str) -> &str {
    let rest = url.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
    rest.map_or(url, |(_, path)| path)
}
