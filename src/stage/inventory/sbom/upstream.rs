//! The source package of an OS package, as the `upstream` qualifier of its purl that scanners agree on.
//!
//! deb and apk write `name` or `name@version`, rpm the file name of the source package. Where the qualifier is absent, the source
//! package is as the binary one.

use crate::model::inventory::{Component, SourcePackage};
use crate::model::purl::Purl;

const KEY: &str = "upstream";

/// The component's purl with its source package.
pub(super) fn purl_with_upstream(component: &Component) -> Purl {
    let purl = component.purl.clone();
    let Some(source) = &component.source else {
        return purl;
    };
    let text = match purl.kind.as_str() {
        // The file name leaves out the epoch.
        "rpm" => {
            let version = source
                .version
                .split_once(':')
                .map_or(source.version.as_str(), |(_, version)| version);
            format!("{}-{version}.src.rpm", source.name)
        }
        _ if source.version != component.version => format!("{}@{}", source.name, source.version),
        _ if source.name != component.name => source.name.clone(),
        _ => return purl,
    };
    purl.with_qualifier(KEY, &text)
}

/// What an absent `upstream` means in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sources {
    /// The source package is as the binary one: we and syft leave it out then.
    AsBinary,
    /// The writer does not tell source packages.
    Unknown,
}

impl Sources {
    /// By who wrote the document: us, or the tools that it names as its writers. What else it speaks of says nothing of its writer.
    pub(super) fn of<'a>(ours: bool, mut tools: impl Iterator<Item = &'a str>) -> Self {
        if ours || tools.any(|tool| tool.eq_ignore_ascii_case("syft")) {
            Self::AsBinary
        } else {
            Self::Unknown
        }
    }
}

/// Takes the source package out of a purl.
pub(super) fn take_upstream(purl: &mut Purl, sources: Sources) -> Option<SourcePackage> {
    let upstream = purl.qualifiers.remove(KEY);
    if !purl.is_of_system() {
        return None;
    }
    let own_version = with_epoch(purl, purl.version.clone().unwrap_or_default());
    let Some(upstream) = upstream else {
        if sources == Sources::Unknown && purl.kind != "rpm" {
            return None;
        }
        return Some(SourcePackage {
            name: purl.name.clone(),
            version: own_version,
        });
    };
    let (name, version) = match upstream.strip_suffix(".src.rpm") {
        Some(file) => {
            let mut parts = file.rsplitn(3, '-');
            match (parts.next(), parts.next(), parts.next()) {
                (Some(release), Some(version), Some(name)) => (name.to_owned(), with_epoch(purl, format!("{version}-{release}"))),
                _ => (file.to_owned(), own_version),
            }
        }
        None => match upstream.split_once('@') {
            Some((name, version)) => (name.to_owned(), version.to_owned()),
            None => (upstream, own_version),
        },
    };
    Some(SourcePackage { name, version })
}

/// A version with the epoch that a purl has in a qualifier. The epoch of an rpm is that of its source package.
pub(super) fn with_epoch(purl: &Purl, version: String) -> String {
    let epoch = purl
        .qualifiers
        .get("epoch")
        .filter(|epoch| matches!(purl.kind.as_str(), "rpm" | "deb") && *epoch != "0");
    match epoch.filter(|_| !version.is_empty() && !version.contains(':')) {
        Some(epoch) => format!("{epoch}:{version}"),
        None => version,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_packages_read_back_what_they_write() {
        for (kind, name, version, source) in [
            ("deb", "libc6", "2.36-9", ("glibc", "2.36-9")),
            ("deb", "passwd", "1:4.13-1+b1", ("shadow", "1:4.13-1")),
            ("deb", "bash", "5.2-1", ("bash", "5.2-1")),
            ("apk", "libcrypto3", "3.3.1-r0", ("openssl", "3.3.1-r0")),
            ("rpm", "bash-libs", "5.1.8-6.el9", ("bash", "5.1.8-6.el9")),
        ] {
            let mut component = Component::new(Purl::new(kind, name, version), None, "t");
            component.source = Some(SourcePackage {
                name: source.0.to_owned(),
                version: source.1.to_owned(),
            });
            let mut purl = Purl::parse(&purl_with_upstream(&component).to_string()).expect("valid");
            assert_eq!(take_upstream(&mut purl, Sources::AsBinary), component.source, "{kind} {name}");
            assert_eq!(purl, component.purl);
        }
    }

    #[test]
    fn the_source_package_of_an_rpm_has_its_epoch() {
        let purl = Purl::new("rpm", "bind-libs", "9.16.23-1.el9").with_qualifier("epoch", "32");
        let mut component = Component::new(purl, None, "t");
        component.source = Some(SourcePackage {
            name: "bind".to_owned(),
            version: "32:9.16.23-1.el9".to_owned(),
        });
        let written = purl_with_upstream(&component);
        assert_eq!(
            written.qualifiers.get("upstream").map(String::as_str),
            Some("bind-9.16.23-1.el9.src.rpm")
        );
        assert_eq!(take_upstream(&mut written.clone(), Sources::Unknown), component.source);
        let without = take_upstream(&mut component.purl.clone(), Sources::Unknown).expect("as the binary one");
        assert_eq!(without.version, "32:9.16.23-1.el9");
    }

    #[test]
    fn a_crate_has_no_source_package() {
        assert_eq!(take_upstream(&mut Purl::new("cargo", "serde", "1.0.0"), Sources::AsBinary), None);
    }

    #[test]
    fn a_writer_that_tells_no_source_packages_leaves_them_unknown() {
        assert_eq!(take_upstream(&mut Purl::new("deb", "libssl3", "3"), Sources::Unknown), None);
        let by = |tool| take_upstream(&mut Purl::new("deb", "bash", "5"), Sources::of(false, std::iter::once(tool)));
        assert!(by("syft").is_some());
        assert!(by("trivy").is_none());
    }
}
