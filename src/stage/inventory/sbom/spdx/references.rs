//! What a package is by its references to package managers.
//!
//! Source: SPDX 2.3, annex F.3. Beside `purl` there are `npm`, `maven-central` and `nuget`, each with a form of its own; RDF has them as addresses.

use std::borrow::Cow;

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExternalRef<'a> {
    #[serde(borrow)]
    reference_type: Cow<'a, str>,
    #[serde(borrow)]
    reference_locator: Cow<'a, str>,
}

/// The purls of a package, each of which is judged; one `None` where it has none.
pub(super) fn references<'p>(all: &'p [ExternalRef<'_>]) -> Vec<Option<Cow<'p, str>>> {
    let mut purls: Vec<Option<Cow<'p, str>>> = all.iter().map(purl).filter(Option::is_some).collect();
    purls.dedup();
    if purls.is_empty() {
        purls.push(None);
    }
    purls
}

fn purl<'p>(reference: &'p ExternalRef<'_>) -> Option<Cow<'p, str>> {
    let locator = &*reference.reference_locator;
    let kind = reference.reference_type.trim();
    let kind = kind.rsplit('/').next().unwrap_or(kind).to_ascii_lowercase();
    let of = |kind: &str, name: &str, version: Option<&str>| {
        let version = version.map_or_else(String::new, |version| format!("@{version}"));
        Some(Cow::Owned(format!("pkg:{kind}/{}{version}", name.replace('@', "%40"))))
    };
    match kind.as_str() {
        "npm" => match locator.rfind('@') {
            Some(at) if at > 0 => of("npm", &locator[..at], Some(&locator[at + 1..])),
            _ => of("npm", locator, None),
        },
        "maven-central" => {
            let mut parts = locator.split(':');
            let (group, artifact) = (parts.next()?, parts.next()?);
            of("maven", &format!("{group}/{artifact}"), parts.next())
        }
        "nuget" => match locator.split_once('/') {
            Some((name, version)) => of("nuget", name, Some(version)),
            None => of("nuget", locator, None),
        },
        "purl" => Some(Cow::Borrowed(locator)),
        _ => locator.starts_with("pkg:").then_some(Cow::Borrowed(locator)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_names_a_package_to_a_package_manager_is_a_purl_of_it() {
        let read = |kind: &str, locator: &str| {
            let text = serde_json::json!([{"referenceType": kind, "referenceLocator": locator}]).to_string();
            let all: Vec<ExternalRef<'_>> = serde_json::from_str(&text).expect("a list");
            references(&all).into_iter().flatten().map(Cow::into_owned).collect::<Vec<_>>()
        };
        for (kind, locator, purl) in [
            ("purl", "pkg:npm/evil@1", "pkg:npm/evil@1"),
            ("http://spdx.org/rdf/references/purl", "pkg:npm/evil@1", "pkg:npm/evil@1"),
            (" PURL", "pkg:npm/evil@1", "pkg:npm/evil@1"),
            ("package-url", "pkg:npm/evil@1", "pkg:npm/evil@1"),
            ("npm", "evil@1", "pkg:npm/evil@1"),
            ("npm", "@acme/evil", "pkg:npm/%40acme/evil"),
            ("maven-central", "org.evil:lib:1.0", "pkg:maven/org.evil/lib@1.0"),
            ("nuget", "Evil/1.0", "pkg:nuget/Evil@1.0"),
        ] {
            assert_eq!(read(kind, locator), [purl], "{kind} {locator}");
        }
        // The control.
        assert!(read("cpe23Type", "cpe:2.3:a:evil:evil:1.0:*:*:*:*:*:*:*").is_empty());
    }
}
