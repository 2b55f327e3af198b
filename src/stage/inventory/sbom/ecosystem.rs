//! Where a component of somebody else's SBOM is looked up: from its purl, and the operating system that the SBOM names.

use crate::model::ecosystem::homes;
use crate::model::inventory::{Component, Ecosystem, Origin};
use crate::model::pep503;
use crate::model::purl::Purl;

use crate::stage::inventory::catalogers::os_release;

/// An operating system as an SBOM names it: `debian`, `12`.
pub(super) struct NamedOs {
    pub(super) id: String,
    pub(super) version: String,
}

/// The ecosystem of a purl; none where no feed can know it.
pub(super) fn of(purl: &Purl, os: Option<&NamedOs>) -> Option<Ecosystem> {
    match purl.kind.as_str() {
        "deb" | "apk" | "rpm" => distribution(purl, os),
        kind => homes(kind, purl.namespace.as_deref()).next().map(Ecosystem::new),
    }
}

/// Name and version as advisories write them, where the purl has them in another form.
pub(super) fn as_advisories_write(component: &mut Component) {
    match component.purl.kind.as_str() {
        "pypi" => component.name = pep503::normal_name(&component.name).into_owned(),
        "rpm" => {
            // The epoch of a package is that of its source package, whose file name leaves it out.
            if let Some(epoch) = component.purl.qualifiers.get("epoch").filter(|epoch| *epoch != "0") {
                let with_epoch = |version: &mut String| {
                    if !version.contains(':') {
                        *version = format!("{epoch}:{version}");
                    }
                };
                with_epoch(&mut component.version);
                if let Some(source) = &mut component.source {
                    with_epoch(&mut source.version);
                }
            }
        }
        _ => {}
    }
}

/// True for packages that belong to an operating system.
pub(super) fn is_os_package(purl: &Purl) -> bool {
    matches!(purl.kind.as_str(), "deb" | "apk" | "rpm")
}

/// `distro=debian-12` and `distro=opensuse-leap-15.6` name an id and a version; `distro=3.19.1` a version in the namespace.
fn distribution(purl: &Purl, os: Option<&NamedOs>) -> Option<Ecosystem> {
    let qualifier = |key: &str| purl.qualifiers.get(key).map(|value| value.to_lowercase());
    let distro = qualifier("distro");
    let by_distro = distro
        .as_deref()
        .and_then(|distro| distro.rsplit_once('-'))
        .and_then(|(id, version)| release(id, version));
    // docker scout's way.
    let by_name = || release(&qualifier("os_name")?, &qualifier("os_version")?);
    let by_namespace = || release(purl.namespace.as_deref()?, distro.as_deref().unwrap_or_default());
    let by_os = || os.and_then(|os| release(&os.id, &os.version));
    by_distro.or_else(by_name).or_else(by_namespace).or_else(by_os)
}

/// A release as other programs write its distribution.
fn release(id: &str, version: &str) -> Option<Ecosystem> {
    let id = match id {
        "alma" | "alma linux" => "almalinux",
        "rockylinux" | "rocky linux" | "rocky-linux" => "rocky",
        "redhat" | "red hat" | "red hat enterprise linux" => "rhel",
        "opensuse.leap" | "opensuse leap" => "opensuse-leap",
        "opensuse.tumbleweed" | "opensuse tumbleweed" => "opensuse-tumbleweed",
        "cbl-mariner" => "mariner",
        "debian gnu/linux" => "debian",
        id => id,
    };
    os_release::ecosystem(id, version)
}

/// Where a component came from, by the qualifiers of its purl.
pub(super) fn origin(purl: &Purl) -> Origin {
    let qualifier = |key: &str| purl.qualifiers.get(key).cloned();
    if let Some(url) = qualifier("vcs_url") {
        Origin::Git(url.strip_prefix("git+").unwrap_or(&url).to_owned())
    } else if let Some(url) = qualifier("repository_url") {
        Origin::AlternateRegistry(url)
    } else if let Some(url) = qualifier("download_url") {
        Origin::Url(url)
    } else {
        Origin::Registry
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distribution_is_taken_from_the_qualifier_the_namespace_or_the_system() {
        let os = NamedOs {
            id: "debian".to_owned(),
            version: "11".to_owned(),
        };
        for (text, expected) in [
            ("pkg:deb/debian/bash@5?distro=debian-12", Some("Debian:12")),
            ("pkg:deb/debian/bash@5?distro=debian-12.5", Some("Debian:12")),
            ("pkg:deb/ubuntu/bash@5?distro=ubuntu-22.04", Some("Ubuntu:22.04:LTS")),
            ("pkg:apk/alpine/musl@1?distro=alpine-3.20.1", Some("Alpine:v3.20")),
            ("pkg:apk/alpine/musl@1?distro=3.19.1", Some("Alpine:v3.19")),
            ("pkg:apk/wolfi/bash@5?distro=wolfi-20230201", Some("Wolfi")),
            ("pkg:rpm/rocky/bash@5?distro=rocky-9.3", Some("Rocky Linux:9")),
            ("pkg:deb/debian/bash@5", Some("Debian:11")),
            ("pkg:deb/debian/bash@5?distro=bookworm", Some("Debian:12")),
            ("pkg:deb/debian/bash@5?distro=Debian-12", Some("Debian:12")),
            ("pkg:deb/ubuntu/bash@5?distro=noble", Some("Ubuntu:24.04:LTS")),
            (
                "pkg:deb/debian/bash@5?os_distro=trixie&os_name=debian&os_version=13",
                Some("Debian:13"),
            ),
            ("pkg:rpm/alma/bash@5?distro=alma-9.4", Some("AlmaLinux:9")),
            ("pkg:cargo/serde@1", Some("crates.io")),
            ("pkg:gem/rails@1", Some("RubyGems")),
            ("pkg:github/actions/checkout@v4", Some("GitHub Actions")),
            ("pkg:generic/openssl@3", None),
        ] {
            let purl = Purl::parse(text).expect("valid");
            assert_eq!(of(&purl, Some(&os)).as_ref().map(Ecosystem::as_str), expected, "{text}");
        }
    }
}
