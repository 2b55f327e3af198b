//! `os-release`: which operating system an image holds, and which advisories are about it.
//!
//! Source: os-release(5); the ecosystem names are those of the OSV schema.

use std::collections::BTreeMap;

use crate::model::excused::Excused as _;
use crate::model::inventory::{Ecosystem, OsRelease};

use crate::stage::inventory::cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};

/// Reads `etc/os-release` and `usr/lib/os-release`.
pub struct OsReleaseFile;

impl Cataloger for OsReleaseFile {
    fn id(&self) -> &'static str {
        "os-release"
    }

    fn version(&self) -> u32 {
        1
    }

    fn domain(&self) -> Domain {
        Domain::Image
    }

    fn anchors(&self) -> &'static [&'static str] {
        &["etc/os-release", "usr/lib/os-release"]
    }

    fn wants(&self, head: &EntryHead<'_>) -> Want {
        match head.path {
            "etc/os-release" | "usr/lib/os-release" => Want::Whole,
            _ => Want::No,
        }
    }

    fn catalog(&self, file: &LayerFile<'_>, sink: &mut dyn Sink) {
        if let Some(release) = parse(&String::from_utf8_lossy(file.content)) {
            sink.os_release(release);
        }
    }
}

/// Reads the text of an `os-release` file; none where it names no `ID`.
#[must_use]
pub fn parse(text: &str) -> Option<OsRelease> {
    let fields = assignments(text);
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    let id = field("ID").to_lowercase();
    if id.is_empty() {
        return None;
    }
    let ecosystem = match (id.as_str(), field("VERSION_ID")) {
        // Testing and unstable have no number; testing is what its code name will be.
        ("debian", "") => debian_number(field("VERSION_CODENAME")).map(|number| Ecosystem::new(format!("Debian:{number}"))),
        ("openeuler", _) => open_euler(field("VERSION")),
        (id, version_id) => ecosystem(id, version_id),
    };
    let version_id = match (field("VERSION_ID"), field("VERSION_CODENAME")) {
        ("", codename) => codename,
        (number, _) => number,
    };
    Some(OsRelease {
        version_id: version_id.to_owned(),
        pretty_name: fields.get("PRETTY_NAME").filter(|name| !name.is_empty()).cloned(),
        ecosystem,
        id,
    })
}

/// The OSV ecosystem of a distribution's release, by `ID` and `VERSION_ID`; none where no advisories are published for it.
///
/// Those of Red Hat and SUSE are filed by repository and by module (`enterprise_linux:9::baseos`): here it is the release that they are all of.
#[must_use]
pub fn ecosystem(id: &str, version_id: &str) -> Option<Ecosystem> {
    let major = version_id.split('.').next().unwrap_or_default();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let name = match id {
        "debian" if is_number(major) => format!("Debian:{major}"),
        "debian" => format!("Debian:{}", debian_number(version_id)?),
        "ubuntu" => ubuntu(version_id)?,
        "alpine" => format!("Alpine:{}", alpine_branch(version_id)?),
        "wolfi" => "Wolfi".to_owned(),
        "chainguard" => "Chainguard".to_owned(),
        "minimos" => "MinimOS".to_owned(),
        "cleanstart" | "clnstrt" => "CleanStart".to_owned(),
        "alpaquita" => format!("Alpaquita:{}", alpaquita(version_id)),
        "bellsoft-hardened-containers" => format!("BellSoft Hardened Containers:{}", alpaquita(version_id)),
        "echo" => "Echo".to_owned(),
        "rocky" if is_number(major) => format!("Rocky Linux:{major}"),
        "almalinux" if is_number(major) => format!("AlmaLinux:{major}"),
        "mageia" if is_number(major) => format!("Mageia:{major}"),
        "azurelinux" | "mariner" if is_number(major) => format!("Azure Linux:{major}"),
        "rhel" if is_number(major) => format!("Red Hat:enterprise_linux:{major}"),
        "sles" | "sled" | "sles_sap" | "sle_hpc" => suse(version_id)?,
        "opensuse-leap" => format!("openSUSE:Leap {version_id}"),
        "opensuse-tumbleweed" => "openSUSE:Tumbleweed".to_owned(),
        _ => return None,
    };
    Some(Ecosystem::new(name))
}

/// `15.6` is the sixth service pack of 15.
fn suse(version_id: &str) -> Option<String> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match version_id.split_once('.') {
        None if is_number(version_id) => Some(format!("SUSE:Linux Enterprise Server {version_id}")),
        Some((major, pack)) if is_number(major) && is_number(pack) => Some(format!("SUSE:Linux Enterprise Server {major} SP{pack}")),
        _ => None,
    }
}

const UBUNTU: [(&str, &str); 13] = [
    ("trusty", "14.04"),
    ("xenial", "16.04"),
    ("bionic", "18.04"),
    ("focal", "20.04"),
    ("jammy", "22.04"),
    ("kinetic", "22.10"),
    ("lunar", "23.04"),
    ("mantic", "23.10"),
    ("noble", "24.04"),
    ("oracular", "24.10"),
    ("plucky", "25.04"),
    ("questing", "25.10"),
    ("resolute", "26.04"),
];

/// `22.04` is a long-term release, `22.10` and `23.04` are not.
fn ubuntu(version_id: &str) -> Option<String> {
    let version_id = UBUNTU
        .iter()
        .find(|(name, _)| *name == version_id)
        .map_or(version_id, |(_, number)| number);
    let (year, month) = version_id.split_once('.')?;
    let year: u32 = year.parse().or_none("no number: not a release that ends")?;
    Some(if month == "04" && year.is_multiple_of(2) {
        format!("Ubuntu:{version_id}:LTS")
    } else {
        format!("Ubuntu:{version_id}")
    })
}

/// `3.20.1` is on the branch `v3.20`. Edge (`3.21.0_alpha20240807`) is on none.
fn alpine_branch(version_id: &str) -> Option<String> {
    let mut numbers = version_id.split('.');
    let (major, minor) = (numbers.next()?, numbers.next()?);
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (plain(major) && plain(minor) && !version_id.contains('_')).then(|| format!("v{major}.{minor}"))
}

/// `23` and `stream` are releases of Alpaquita and of what is built on it.
fn alpaquita(version_id: &str) -> &str {
    if version_id.is_empty() { "stream" } else { version_id }
}

fn debian_number(codename: &str) -> Option<u32> {
    const CODENAMES: [(&str, u32); 9] = [
        ("jessie", 8),
        ("stretch", 9),
        ("buster", 10),
        ("bullseye", 11),
        ("bookworm", 12),
        ("trixie", 13),
        ("forky", 14),
        ("duke", 15),
        ("wheezy", 7),
    ];
    CODENAMES.iter().find(|(name, _)| *name == codename).map(|(_, number)| *number)
}

/// `22.03 (LTS-SP1)` is `openEuler:22.03-LTS-SP1`.
fn open_euler(version: &str) -> Option<Ecosystem> {
    let joined = version.replace(" (", "-").replace(')', "");
    (!joined.is_empty()).then(|| Ecosystem::new(format!("openEuler:{joined}")))
}

/// Shell-like assignments, unquoted. The last assignment of a name wins, as in a shell.
fn assignments(text: &str) -> BTreeMap<&str, String> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.trim(), unquoted(value.trim())))
        .collect()
}

fn unquoted(value: &str) -> String {
    let inner = ['"', '\'']
        .iter()
        .find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote))
        .unwrap_or(value);
    let mut out = String::with_capacity(inner.len());
    let mut escaped = false;
    for c in inner.chars() {
        if c == '\\' && !escaped && !value.starts_with('\'') {
            escaped = true;
        } else {
            out.push(c);
            escaped = false;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ecosystem_of(text: &str) -> Option<String> {
        parse(text).and_then(|release| release.ecosystem).map(|e| e.as_str().to_owned())
    }

    #[test]
    fn releases_are_named_as_advisories_name_them() {
        for (text, expected) in [
            ("ID=debian\nVERSION_ID=\"12\"\n", "Debian:12"),
            ("ID=ubuntu\nVERSION_ID=\"22.04\"\n", "Ubuntu:22.04:LTS"),
            ("ID=ubuntu\nVERSION_ID=\"24.10\"\n", "Ubuntu:24.10"),
            ("ID=ubuntu\nVERSION_ID=\"23.04\"\n", "Ubuntu:23.04"),
            ("ID=alpine\nVERSION_ID=3.20.1\n", "Alpine:v3.20"),
            ("ID=wolfi\nVERSION_ID=\"20230201\"\n", "Wolfi"),
            ("ID=chainguard\nVERSION_ID=\"20230214\"\n", "Chainguard"),
            ("ID=\"rocky\"\nVERSION_ID=\"9.3\"\n", "Rocky Linux:9"),
            (
                "ID=\"rhel\"\nVERSION_ID=\"9.4\"\nCPE_NAME=\"cpe:/o:redhat:enterprise_linux:9::baseos\"\n",
                "Red Hat:enterprise_linux:9",
            ),
            ("ID=\"sles\"\nVERSION_ID=\"15.6\"\n", "SUSE:Linux Enterprise Server 15 SP6"),
            ("ID=\"sles\"\nVERSION_ID=\"15\"\n", "SUSE:Linux Enterprise Server 15"),
            ("ID=\"almalinux\"\nVERSION_ID=\"9.4\"\n", "AlmaLinux:9"),
            ("ID=\"opensuse-leap\"\nVERSION_ID=\"15.6\"\n", "openSUSE:Leap 15.6"),
            (
                "ID=openEuler\nVERSION=\"22.03 (LTS-SP1)\"\nVERSION_ID=\"22.03\"\n",
                "openEuler:22.03-LTS-SP1",
            ),
        ] {
            assert_eq!(ecosystem_of(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn debian_testing_is_known_by_its_code_name() {
        let text = "PRETTY_NAME=\"Debian GNU/Linux forky/sid\"\nVERSION_CODENAME=forky\nID=debian\n";
        assert_eq!(ecosystem_of(text).as_deref(), Some("Debian:14"));
        assert_eq!(parse(text).map(|r| r.version_id).as_deref(), Some("forky"));
    }

    #[test]
    fn distributions_without_one_feed_name_have_no_ecosystem() {
        for text in [
            "ID=fedora\nVERSION_ID=41\n",
            "ID=amzn\nVERSION_ID=2023\n",
            "ID=plan9\nVERSION_ID=4\n",
            "ID=alpine\nVERSION_ID=3.21.0_alpha20240807\n",
        ] {
            assert!(parse(text).is_some_and(|release| release.ecosystem.is_none()), "{text}");
        }
    }

    #[test]
    fn a_file_without_an_id_is_no_release() {
        assert_eq!(parse("NAME=x\n"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn quotes_and_escapes_are_taken_off() {
        let release = parse("ID=x\nPRETTY_NAME=\"a \\\"b\\\" \\$c\"\n").expect("a release");
        assert_eq!(release.pretty_name.as_deref(), Some("a \"b\" $c"));
    }
}
