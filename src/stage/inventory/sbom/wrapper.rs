//! Which format a document is of, and the envelopes that SBOMs come in: GitHub's `{"sbom": …}`, in-toto statements of BuildKit and cosign.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A format that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    CycloneDx,
    Spdx,
}

/// An SBOM without its envelopes.
#[derive(Debug)]
pub(super) struct Opened<'a> {
    pub(super) format: Format,
    pub(super) text: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Top<'a> {
    #[serde(borrow, default)]
    bom_format: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    spec_version: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    spdx_version: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    sbom: Option<&'a RawValue>,
    #[serde(borrow, default)]
    predicate: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "Data")]
    data: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "@graph")]
    graph: Option<&'a RawValue>,
    #[serde(borrow, default)]
    payload_type: Option<Cow<'a, str>>,
}

/// Takes the envelopes off. What is of two formats, or holds an SBOM beside being one, is refused: readers would differ on it.
pub(super) fn opened(text: &str) -> Result<Opened<'_>, String> {
    const DEEPEST: usize = 4;
    let mut text = text;
    for _ in 0..DEEPEST {
        let top: Top<'_> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let inside: Vec<&RawValue> = [top.sbom, top.predicate, top.data].into_iter().flatten().collect();
        let is_cyclonedx = top.bom_format.is_some();
        match (is_cyclonedx, top.spdx_version.as_deref(), &*inside) {
            (true, None, []) => {
                return Ok(Opened {
                    format: cyclonedx(&top)?,
                    text,
                });
            }
            (false, Some("SPDX-2.2" | "SPDX-2.3"), []) => {
                return Ok(Opened {
                    format: Format::Spdx,
                    text,
                });
            }
            (false, Some(version), []) => return Err(format!("{version} is not read (SPDX 2.2 and 2.3 are)")),
            (false, None, [inner]) => text = inner.get(),
            (false, None, []) if top.graph.is_some() => return Err("SPDX 3 is not read (SPDX 2.2 and 2.3 are)".to_owned()),
            (false, None, []) if top.payload_type.is_some() => {
                return Err("it is a signed envelope (DSSE): take the statement out of its payload".to_owned());
            }
            (false, None, []) => return Err("it has neither `bomFormat` nor `spdxVersion`".to_owned()),
            _ => return Err("it is more than one document at once, and readers would differ on which it is".to_owned()),
        }
    }
    Err(format!("it is an envelope in more than {DEEPEST} others"))
}

fn cyclonedx(top: &Top<'_>) -> Result<Format, String> {
    match (top.bom_format.as_deref(), top.spec_version.as_deref()) {
        (Some("CycloneDX"), Some("1.4" | "1.5" | "1.6" | "1.7")) => Ok(Format::CycloneDx),
        (Some("CycloneDX"), version) => Err(format!(
            "CycloneDX {} is not read (1.4 to 1.7 are)",
            version.unwrap_or("without a version")
        )),
        _ => Err("its `bomFormat` is not CycloneDX".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envelopes_are_taken_off() {
        let bare = r#"{"spdxVersion":"SPDX-2.3"}"#;
        for text in [
            bare.to_owned(),
            format!(r#"{{"sbom":{bare}}}"#),
            format!(r#"{{"_type":"https://in-toto.io/Statement/v1","predicateType":"x","predicate":{bare}}}"#),
            format!(r#"{{"predicate":{{"Data":{bare},"Timestamp":""}}}}"#),
        ] {
            let opened = opened(&text).expect("an SBOM");
            assert_eq!((opened.format, opened.text), (Format::Spdx, bare), "{text}");
        }
    }

    #[test]
    fn what_is_two_things_at_once_is_refused() {
        for text in [
            r#"{"bomFormat":"CycloneDX","specVersion":"1.5","spdxVersion":"SPDX-2.3"}"#,
            r#"{"bomFormat":"CycloneDX","specVersion":"1.5","sbom":{"spdxVersion":"SPDX-2.3"}}"#,
            r#"{"sbom":{"spdxVersion":"SPDX-2.3"},"predicate":{"spdxVersion":"SPDX-2.3"}}"#,
        ] {
            assert!(opened(text).is_err(), "{text}");
        }
        assert!(opened(r#"{"bomFormat":"CycloneDX","specVersion":"1.7"}"#).is_ok());
        assert!(opened(r#"{"bomFormat":"CycloneDX","specVersion":"2.0"}"#).is_err_and(|problem| problem.contains("2.0")));
    }
}
