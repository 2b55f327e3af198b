//! Where a component of somebody else's SBOM is looked up: from its purl, and the operating system that the SBOM names.

use crate::model::coverage::{Gap, GapKind};
use crate::model::ecosystem::{homes, is_home};
use crate::model::inventory::{Component, Ecosystem, Origin};
use crate::model::pep503;
use crate::model::purl::Purl;

use super::upstream::with_epoch;
use crate::stage::inventory::catalogers::os_release;

/// An operating system as an SBOM names it: `debian`, `12`.
pub(super) struct NamedOs {
    pub(super) id: String,
    pub(super) version: String,
}

/// Says that nobody knows where a package of an operating system is to be looked up.
pub(super) fn unknown_release(place: &str, component: &Component) -> Gap {
    Gap {
        kind: GapKind::UnknownDistro,
        subject: component.purl.to_string(),
        detail: format!("{place} is a package of an operating system whose release the SBOM does not tell in words that are known"),
        location: None,
    }
}

/// The ecosystem of a purl; none where no feed can know it.
pub(super) fn of(purl: &Purl, os: Option<&NamedOs>) -> Option<Ecosystem> {
    match purl.kind.as_str() {
        // Of another distribution's packages its advisories know nothing.
        "deb" | "apk" | "rpm" => distribution(purl, os).filter(|ecosystem| is_home(&purl.kind, ecosystem.base())),
        // No advisory names an artifact without its group.
        "maven" if purl.namespace.is_none() => None,
        kind => homes(kind, purl.namespace.as_deref()).next().map(Ecosystem::new),
    }
}

/// Name and version as advisories write them, where the purl has them in another form.
pub(super) fn as_advisories_write(component: &mut Component) {
    match component.purl.kind.as_str() {
        "pypi" => component.name = pep503::normal_name(&component.name).into_owned(),
        "gem" => component.version = without_platform(&component.version).to_owned(),
        // As cyclonedx-gomod calls the standard library.
        "golang" if component.name == "std" => component.name = "stdlib".to_owned(),
        "rpm" | "deb" => {
            // The epoch of a package is that of its source package, whose file name leaves it out.
            component.version = with_epoch(&component.purl, std::mem::take(&mut component.version));
            if let Some(source) = &mut component.source {
                source.version = with_epoch(&component.purl, std::mem::take(&mut source.version));
            }
        }
        _ => {}
    }
}

/// A gem's version without the platform that it is built for, which syft writes behind it: `1.0.0-java`, `1.0.0-x86_64-linux-gnu`.
fn without_platform(version: &str) -> &str {
    const PLATFORMS: [&str; 18] = [
        "aarch64",
        "arm",
        "dalvik",
        "dotnet",
        "java",
        "jruby",
        "macruby",
        "mingw",
        "mswin",
        "powerpc",
        "ppc",
        "riscv",
        "ruby",
        "s390",
        "universal",
        "wasm",
        "x64",
        "x86",
    ];
    match version.split_once('-') {
        Some((bare, platform)) if PLATFORMS.iter().any(|known| platform.starts_with(known)) => bare,
        _ => version,
    }
}

/// Takes the document's own name of a component where its purl's differs from it in case alone: some tools lower all purls, and names of npm
/// packages and Go modules are case-sensitive.
pub(super) fn keep_case(component: &mut Component, group: Option<&str>, name: &str) {
    let own = &component.name;
    let spellings = [
        name.to_owned(),
        group.map_or_else(String::new, |group| format!("{group}/{name}")),
        group.map_or_else(String::new, |group| format!("@{group}/{name}")),
    ];
    let spelling = spellings.into_iter().find(|spelling| spelling.eq_ignore_ascii_case(own));
    if let Some(spelling) = spelling.filter(|_| matches!(component.purl.kind.as_str(), "npm" | "golang")) {
        component.name = spelling;
    }
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

/// True for what lies in a folder of whoever wrote the document, as `cargo cyclonedx` says of its workspace: it shares a name with a published
/// package, no more.
pub(super) fn is_of_folder(component: &Component) -> bool {
    matches!(&component.origin, Origin::Url(url) if url.starts_with("file:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gems_platform_is_no_part_of_its_version() {
        for platform in ["java", "arm64-darwin", "x86_64-linux", "x64-mingw-ucrt"] {
            assert_eq!(without_platform(&format!("1.0.0-{platform}")), "1.0.0");
        }
        assert_eq!((without_platform("1.0.0"), without_platform("1.0.0-rc1")), ("1.0.0", "1.0.0-rc1"));
    }

    #[test]
    fn packages_of_another_distribution_than_the_systems_have_no_ecosystem() {
        let os = |id: &str, version: &str| NamedOs {
            id: id.to_owned(),
            version: version.to_owned(),
        };
        let of_os = |text: &str, os: &NamedOs| of(&Purl::parse(text).expect(text), Some(os)).map(|found| found.to_string());
        assert_eq!(
            of_os("pkg:deb/debian/zsh@5.2", &os("debian", "12")).as_deref(),
            Some("Debian:12"),
            "the control"
        );
        assert_eq!(of_os("pkg:deb/debian/zsh@5.2", &os("wolfi", "1")), None);
        assert_eq!(of_os("pkg:apk/alpine/zsh@5.2?distro=debian-12", &os("alpine", "3.20")), None);
        assert_eq!(of_os("pkg:maven/evil@1.0", &os("debian", "12")), None);
    }

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
