//! Licences of Debian packages: `usr/share/doc/<package>/copyright`, where it has the machine-readable form.
//!
//! Source: Debian's copyright-format 1.0. Its short names are SPDX's where that is certain, and words otherwise. A file in free text states
//! the licences that it refers to among the system's common ones, whose versions may or may not be the only ones meant: they stay words.

use std::collections::BTreeSet;

use crate::stage::inventory::cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};
use crate::stage::inventory::formats::deb822;

/// Reads the copyright files of packages.
pub struct DebianCopyright;

const FOLDER: &str = "usr/share/doc/";
const FILE: &str = "/copyright";

/// Where the licences of a package stand.
pub(in crate::stage::inventory) fn place_of(package: &str) -> String {
    format!("{FOLDER}{package}{FILE}")
}

impl Cataloger for DebianCopyright {
    fn id(&self) -> &'static str {
        "debian-copyright"
    }

    fn version(&self) -> u32 {
        1
    }

    fn domain(&self) -> Domain {
        Domain::Image
    }

    fn follows_links(&self) -> bool {
        false
    }

    fn wants(&self, head: &EntryHead<'_>) -> Want {
        let package = head.path.strip_prefix(FOLDER).and_then(|rest| rest.strip_suffix(FILE));
        match package {
            Some(package) if !package.contains('/') => Want::Whole,
            _ => Want::No,
        }
    }

    fn catalog(&self, file: &LayerFile<'_>, sink: &mut dyn Sink) {
        let licenses = match licenses(file.content) {
            Some(licenses) => licenses,
            None => common_licenses(file.content),
        };
        if !licenses.is_empty() {
            sink.licenses(licenses.into_iter().collect());
        }
    }
}

/// The licences that the paragraphs name; none where the file has another form.
fn licenses(content: &[u8]) -> Option<BTreeSet<String>> {
    let mut paragraphs = deb822::paragraphs(content);
    let header = paragraphs.next()?;
    header
        .field("Format")
        .or_else(|| header.field("Format-Specification"))
        .filter(|format| format.contains("copyright-format") || format.contains("dep5") || format.contains("dep/5"))?;
    let named = std::iter::once(header).chain(paragraphs).filter_map(|paragraph| {
        let name = paragraph.field("License")?.lines().next()?.trim();
        (!name.is_empty() && name.len() <= LONGEST).then(|| expression(name).unwrap_or_else(|| name.to_owned()))
    });
    Some(named.collect())
}

/// Longer ones are no names.
const LONGEST: usize = 120;

/// `GPL-2+ or Artistic` as SPDX writes it; none where a part of it is not certain.
fn expression(text: &str) -> Option<String> {
    let mut words = Vec::new();
    for word in text.split_ascii_whitespace() {
        words.push(match word {
            "and" | "AND" => "AND",
            "or" | "OR" => "OR",
            name => spdx_of(name)?,
        });
    }
    let joined = words.join(" ");
    spdx::Expression::parse(&joined).is_ok().then_some(joined)
}

/// Debian's short names that mean one licence of SPDX's list and are spelled otherwise there.
const NAMES: &[(&str, &str)] = &[
    ("AGPL-3", "AGPL-3.0-only"),
    ("AGPL-3+", "AGPL-3.0-or-later"),
    ("BSD-2-clause", "BSD-2-Clause"),
    ("BSD-3-clause", "BSD-3-Clause"),
    ("BSD-4-clause", "BSD-4-Clause"),
    ("Expat", "MIT"),
    ("GFDL-1.1", "GFDL-1.1-only"),
    ("GFDL-1.1+", "GFDL-1.1-or-later"),
    ("GFDL-1.2", "GFDL-1.2-only"),
    ("GFDL-1.2+", "GFDL-1.2-or-later"),
    ("GFDL-1.3", "GFDL-1.3-only"),
    ("GFDL-1.3+", "GFDL-1.3-or-later"),
    ("GFDL-NIV-1.2+", "GFDL-1.2-no-invariants-or-later"),
    ("GFDL-NIV-1.3", "GFDL-1.3-no-invariants-only"),
    ("GFDL-NIV-1.3+", "GFDL-1.3-no-invariants-or-later"),
    ("GPL-1", "GPL-1.0-only"),
    ("GPL-1+", "GPL-1.0-or-later"),
    ("GPL-2", "GPL-2.0-only"),
    ("GPL-2.0", "GPL-2.0-only"),
    ("GPL-2+", "GPL-2.0-or-later"),
    ("GPL-2.0+", "GPL-2.0-or-later"),
    ("GPL-3", "GPL-3.0-only"),
    ("GPL-3.0", "GPL-3.0-only"),
    ("GPL-3+", "GPL-3.0-or-later"),
    ("GPL-3.0+", "GPL-3.0-or-later"),
    ("LGPL-2", "LGPL-2.0-only"),
    ("LGPL-2.0", "LGPL-2.0-only"),
    ("LGPL-2+", "LGPL-2.0-or-later"),
    ("LGPL-2.0+", "LGPL-2.0-or-later"),
    ("LGPL-2.1", "LGPL-2.1-only"),
    ("LGPL-2.1+", "LGPL-2.1-or-later"),
    ("LGPL-3", "LGPL-3.0-only"),
    ("LGPL-3.0", "LGPL-3.0-only"),
    ("LGPL-3+", "LGPL-3.0-or-later"),
    ("LGPL-3.0+", "LGPL-3.0-or-later"),
    ("PSF-2", "PSF-2.0"),
    ("Zope-2.1", "ZPL-2.1"),
];

fn spdx_of(name: &str) -> Option<&'static str> {
    let named = NAMES.iter().find(|(debian, _)| *debian == name).map(|(_, spdx)| *spdx);
    // SPDX has deprecated identifiers of the same spelling as Debian's: those above are meant.
    named.or_else(|| spdx::license_id(name).map(|id| id.name).filter(|id| *id == name))
}

/// The names behind `/usr/share/common-licenses/`.
fn common_licenses(content: &[u8]) -> BTreeSet<String> {
    const PLACE: &str = "/usr/share/common-licenses/";
    let text = String::from_utf8_lossy(content);
    let named = text.match_indices(PLACE).map(|(at, _)| {
        let rest = &text[at + PLACE.len()..];
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '+')));
        rest[..end.unwrap_or(rest.len())].trim_end_matches(['.', '-'])
    });
    named
        .filter(|name| !name.is_empty() && name.len() <= LONGEST)
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::inventory::recorder::Recorder;

    fn of(text: &str) -> Vec<String> {
        Recorder::of(&DebianCopyright, "usr/share/doc/x/copyright", text.as_bytes()).licenses
    }

    #[test]
    fn short_names_become_spdx_where_that_is_certain() {
        let text = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: x\n\n\
            Files: *\nCopyright: a\nLicense: GPL-2+ or Expat\n Text of it\n License: not a field\n\n\
            Files: b\nLicense: BSD-3-clause and Apache-2.0\n\nFiles: c\nLicense: GPL-2+ with OpenSSL exception\n\n\
            License: public-domain\n words\n\nLicense: GPL-2+ or Expat\n";
        assert_eq!(
            of(text),
            [
                "BSD-3-Clause AND Apache-2.0",
                "GPL-2+ with OpenSSL exception",
                "GPL-2.0-or-later OR MIT",
                "public-domain"
            ]
        );
    }

    #[test]
    fn free_text_names_the_common_licences_that_it_refers_to() {
        let text = "This is free.\nSee /usr/share/common-licenses/GPL-2.\nand `/usr/share/common-licenses/LGPL-2.1'\nLicense: no field\n";
        assert_eq!(of(text), ["GPL-2", "LGPL-2.1"]);
        assert!(of("All yours.\n").is_empty());
    }

    #[test]
    fn deprecated_identifiers_are_not_taken_for_debians_names() {
        assert_eq!(expression("GPL-2"), Some("GPL-2.0-only".to_owned()));
        assert_eq!(expression("GPL-3.0"), Some("GPL-3.0-only".to_owned()));
        assert_eq!(expression("BSD"), None);
    }

    #[test]
    fn only_the_file_of_a_package_itself_is_read() {
        let want = |path: &str| {
            DebianCopyright.wants(&EntryHead {
                path,
                mode: 0o644,
                size: 1,
            })
        };
        assert_eq!(want("usr/share/doc/a/copyright"), Want::Whole);
        assert_eq!(want("usr/share/doc/a/b/copyright"), Want::No);
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            Recorder::of(&DebianCopyright, "usr/share/doc/x/copyright", &bytes);
        }
    }
}
