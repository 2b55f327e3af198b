//! The trusted root: whom to believe about names, times and logs, and when.

use jiff::Timestamp;
use sigstore_verify::Verifier;
use sigstore_verify::trust_root::{SIGSTORE_PRODUCTION_TRUSTED_ROOT, TrustedRoot};
use sigstore_verify::types::TimeRange;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

use super::error::KeylessError;
use super::provider;
use crate::io::Effects;
use crate::io::files;
use crate::model::plan::Keyless;

/// A time in which nothing was signed.
const NEVER: TimeRange = TimeRange {
    start: Timestamp::UNIX_EPOCH,
    end: Some(Timestamp::UNIX_EPOCH),
};

/// What is believed, and when.
pub(in crate::stage::publish::sign) struct Root {
    pub(super) verifier: Verifier,
    pub(super) document: TrustedRoot,
}

/// Reads the file, or the embedded root of Sigstore's public-good instance.
///
/// # Errors
/// [`KeylessError::File`], [`KeylessError::TrustedRoot`].
pub(in crate::stage::publish::sign) fn read(source: &Keyless, effects: &Effects) -> Result<Root, KeylessError> {
    provider::install();
    let (place, text) = match &source.trusted_root {
        Some(path) => (path.display().to_string(), files::read_text(path, effects.limits.document)?),
        None => (
            "the embedded trusted root of Sigstore's public-good instance".to_owned(),
            SIGSTORE_PRODUCTION_TRUSTED_ROOT.to_owned(),
        ),
    };
    let unusable = |reason: String| KeylessError::TrustedRoot {
        place: place.clone(),
        reason,
    };
    let mut root = TrustedRoot::from_json(&text).map_err(|error| unusable(error.to_string()))?;
    for authority in &mut root.certificate_authorities {
        let chain = authority.cert_chain.certificates.iter().map(|one| one.raw_bytes.as_bytes());
        authority.valid_for = narrowed(authority.valid_for, chain).map_err(unusable)?;
    }
    for authority in &mut root.timestamp_authorities {
        let chain = authority.cert_chain.certificates.iter().map(|one| one.raw_bytes.as_bytes());
        authority.valid_for = narrowed(authority.valid_for, chain).map_err(unusable)?;
    }
    for (is_empty, what) in [
        (root.certificate_authorities.is_empty(), "certificate authority"),
        (root.ctlogs.is_empty(), "certificate log (`ctlogs`)"),
        (root.tlogs.is_empty(), "log (`tlogs`)"),
    ] {
        if is_empty {
            return Err(unusable(format!("it has no {what}, without which no signature can be verified")));
        }
    }
    Ok(Root {
        verifier: Verifier::new(&root).map_err(|error| unusable(error.to_string()))?,
        document: root,
    })
}

impl Root {
    /// The same without the logs whose key did not count at one of these times; `None` if each did.
    ///
    /// # Errors
    /// For people: nothing is left that can be used.
    pub(super) fn at(&self, times: &[Timestamp]) -> Result<Option<Verifier>, String> {
        let counts = |range: Option<TimeRange>| range.is_none_or(|range| times.iter().all(|time| range.contains(*time)));
        let mut document = self.document.clone();
        document.tlogs.retain(|log| counts(log.public_key.valid_for));
        if document.tlogs.len() == self.document.tlogs.len() {
            return Ok(None);
        }
        Verifier::new(&document).map(Some).map_err(|error| error.to_string())
    }
}

/// The time in which an authority counts: that which the root gives it, and in which each of its certificates holds. Whoever builds a chain from an
/// anchor does not look at the anchor's own dates.
fn narrowed<'a>(given: Option<TimeRange>, chain: impl Iterator<Item = &'a [u8]>) -> Result<Option<TimeRange>, String> {
    let mut range = given;
    for der in chain {
        let certificate = Certificate::from_der(der).map_err(|error| format!("a certificate in it: {error}"))?;
        let validity = certificate.tbs_certificate.validity;
        let time = |time: x509_cert::time::Time| Timestamp::try_from(time.to_system_time()).map_err(|error| error.to_string());
        let (start, end) = (time(validity.not_before)?, time(validity.not_after)?);
        range = Some(match range {
            Some(range) => TimeRange::new(range.start.max(start), Some(range.end.map_or(end, |given| given.min(end)))),
            None => TimeRange::new(start, Some(end)),
        });
    }
    // What ends before it begins, a range cannot say.
    let is_never = |range: TimeRange| range.end.is_some_and(|end| end < range.start);
    Ok(range.map(|range| if is_never(range) { NEVER } else { range }))
}
