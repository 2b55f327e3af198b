//! What a package is called where its name is compared.
//!
//! Takes a name as an advisory or an inventory has it. Gives the ecosystem's one spelling of it.

use std::borrow::Cow;

use crate::model::ecosystem::is_home;
use crate::model::excused::Excused as _;
use crate::model::inventory::Ecosystem;
use crate::model::pep503;
use crate::model::purl::{self, Purl};

/// A package's name in the form that is compared: what the ecosystem itself takes for one name is one here, however an advisory spells it.
///
/// - PyPI: PEP 503, and no extras or versions. crates.io: the registry has one crate of a name, whatever its case and whether by `-` or `_`.
/// - NuGet, Packagist, RubyGems, Hex, Pub, GitHub Actions: the registry knows no case. Go: purls lose it; `!a` is how its proxy writes `A`.
/// - Maven: group and artifact by `:`, for which some write `/`; what stands behind them is a version or a kind of file. npm keeps case, for it has
///   names that differ in it alone (`JSONStream`).
/// - Swift, Go and GitHub Actions: the address of the repository without protocol, login, port and ending.
/// - All: no name has a blank, a character that nobody sees, a version behind `@`, or a `%`, which stands for the byte that it encodes; and a purl
///   stands for the name in it.
pub(in crate::stage::matching) fn normal_name<'n>(base: &str, name: &'n str) -> Cow<'n, str> {
    match written_plainly(base, name) {
        Cow::Borrowed(name) => of_ecosystem(base, name),
        Cow::Owned(name) => Cow::Owned(of_ecosystem(base, &name).into_owned()),
    }
}

/// Unicode's characters without a shape of their own (`Default_Ignorable_Code_Point`), and control characters.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

fn written_plainly<'n>(base: &str, name: &'n str) -> Cow<'n, str> {
    let is_plain = |b: u8| b.is_ascii_graphic() && b != b'%';
    let plain = match name.bytes().all(is_plain) {
        true => Cow::Borrowed(name),
        false => {
            let decoded = match name.contains('%') && !name.contains("pkg:") {
                true => purl::decode(name).unwrap_or_else(|| name.to_owned()),
                false => name.to_owned(),
            };
            Cow::Owned(decoded.replace(is_hidden, "").trim().to_owned())
        }
    };
    match of_purl(base, &plain) {
        Some(named) => Cow::Owned(named),
        None => plain,
    }
}

/// The name of a package in the text of its purl, where that is one of the ecosystem's.
pub(super) fn of_purl(base: &str, text: &str) -> Option<String> {
    if !text.starts_with("pkg:") {
        return None;
    }
    let purl = Purl::parse(text).or_none("what is no purl is compared as it is")?;
    is_home(&purl.kind, base).then(|| match &purl.subpath {
        Some(path) if base == Ecosystem::GO => format!("{}/{path}", purl.full_name()),
        _ => purl.full_name(),
    })
}

fn of_ecosystem<'n>(base: &str, name: &'n str) -> Cow<'n, str> {
    match base {
        "SwiftURL" => plain_path(of_repository(name)),
        "NuGet" | "Hex" | "Pub" | "RubyGems" => lower(unversioned(name)),
        "Packagist" if name.contains('\\') => Cow::Owned(unversioned(name).to_ascii_lowercase().replace('\\', "/")),
        "Packagist" => lower(unversioned(name)),
        "GitHub Actions" => plain_path(cut(of_repository(unversioned(name)), |bare| {
            bare.strip_prefix("github.com/").unwrap_or(bare)
        })),
        Ecosystem::GO => plain_path(of_repository(unversioned(name))),
        Ecosystem::CRATES => match unversioned(name) {
            name if name.bytes().any(|b| b == b'-' || b.is_ascii_uppercase()) => Cow::Owned(name.to_ascii_lowercase().replace('-', "_")),
            name => Cow::Borrowed(name),
        },
        Ecosystem::MAVEN => of_maven(name),
        Ecosystem::PYPI => {
            pep503::normal_name(unversioned(name.split(['[', '(', '<', '>', '=', '!', '~', ';']).next().unwrap_or(name)).trim_end())
        }
        Ecosystem::NPM => Cow::Borrowed(unversioned(name.strip_prefix("npm:").unwrap_or(name)).trim_end_matches('/')),
        _ => Cow::Borrowed(name),
    }
}

fn lower(name: &str) -> Cow<'_, str> {
    match name.bytes().any(|b| b.is_ascii_uppercase()) {
        true => Cow::Owned(name.to_ascii_lowercase()),
        false => Cow::Borrowed(name),
    }
}

/// Without a version behind it: `left-pad@1.0.0`. An `@` in front is a scope's.
fn unversioned(name: &str) -> &str {
    match name.rfind('@') {
        Some(at) if at > 0 => &name[..at],
        _ => name,
    }
}

/// The address of a repository without what tells only how it is fetched: `github.com/acme/x` of `git@github.com:acme/x.git`.
fn of_repository(name: &str) -> Cow<'_, str> {
    let bare = name.split_once("://").map_or(name, |(_, rest)| rest).trim_matches('/');
    let end = bare.find('/').unwrap_or(bare.len());
    let bare = bare[..end].rfind('@').map_or(bare, |at| &bare[at + 1..]);
    let bare = bare.strip_prefix("www.").unwrap_or(bare);
    let bare = bare.strip_suffix(".git").unwrap_or(bare);
    match bare.split_once(':').filter(|(host, _)| !host.contains('/')) {
        Some((host, path)) => Cow::Owned(format!(
            "{host}/{}",
            path.trim_start_matches(|c: char| c.is_ascii_digit() || c == '/')
        )),
        None => Cow::Borrowed(bare),
    }
}

/// A path without case and empty segments.
fn plain_path(path: Cow<'_, str>) -> Cow<'_, str> {
    if !path.contains("//") && !path.bytes().any(|b| b == b'!' || b.is_ascii_uppercase()) {
        return path;
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    Cow::Owned(parts.join("/").replace('!', "").to_ascii_lowercase())
}

/// A name with what belongs to it cut off from what stands behind.
fn cut(name: Cow<'_, str>, bare: fn(&str) -> &str) -> Cow<'_, str> {
    match name {
        Cow::Borrowed(name) => Cow::Borrowed(bare(name)),
        Cow::Owned(name) => Cow::Owned(bare(&name).to_owned()),
    }
}

fn of_maven(name: &str) -> Cow<'_, str> {
    let name = unversioned(name);
    if name.matches(':').count() == 1 && !name.contains(['/', ' ']) && !name.starts_with(':') {
        return Cow::Borrowed(name);
    }
    let mut parts = name.split(':').map(str::trim).filter(|part| !part.is_empty());
    match (parts.next(), parts.next()) {
        (Some(group), Some(artifact)) => Cow::Owned(format!("{}:{artifact}", group.replace('/', "."))),
        _ => match name.rsplit_once('/') {
            Some((group, artifact)) => Cow::Owned(format!("{}:{}", group.trim().replace('/', "."), artifact.trim())),
            None => Cow::Borrowed(name),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_ecosystem_takes_for_one_name_is_one_however_an_advisory_spells_it() {
        for (base, name, spellings) in [
            (
                "PyPI",
                "foo-bar",
                &[
                    "Foo._Bar",
                    "foo-bar",
                    "FOO__BAR",
                    "foo.bar ",
                    "Foo%5FBar",
                    "foo-bar[extra]",
                    "foo-bar>=1",
                    "foo_bar (1.0)",
                ][..],
            ),
            ("crates.io", "foo_bar", &["foo-bar", "Foo-Bar", "foo_bar\u{200b}", "\tfoo%2Dbar"]),
            (
                "npm",
                "@acme/core",
                &[
                    "@acme/core",
                    "%40acme/core",
                    "%40acme%2Fcore",
                    " @acme/core\n",
                    "@acme/core@1.0.0",
                    "npm:@acme/core/",
                    "pkg:npm/%40acme/core@1.0.0",
                    "@acme/\u{202a}co\u{fe0f}re\u{e0001}",
                ],
            ),
            ("NuGet", "newtonsoft.json", &["Newtonsoft.Json", "NEWTONSOFT.JSON"]),
            (
                "Packagist",
                "acme/evil",
                &["Acme/Evil", "acme%2fevil", "acme\\Evil", "acme/evil@1.0"],
            ),
            (
                "GitHub Actions",
                "acme/act",
                &["Acme/Act", "acme/act/", "acme/act@v1", "https://github.com/acme/act.git"],
            ),
            (
                "Go",
                "github.com/masterminds/goutils",
                &[
                    "github.com/Masterminds/goutils",
                    "github.com/!masterminds/goutils",
                    "github.com/Masterminds/goutils/",
                    "https://github.com/masterminds/goutils.git",
                    "/github.com//masterminds/goutils@v1.1.0",
                    "pkg:golang/github.com/masterminds/goutils@v1.1.0",
                ],
            ),
            (
                "SwiftURL",
                "github.com/acme/evil",
                &[
                    "https://github.com/Acme/Evil.git",
                    "github.com/acme/evil/",
                    "git@github.com:acme/evil.git",
                    "ssh://git@github.com:22/acme/evil",
                    "https://www.github.com/acme/evil.git/",
                ],
            ),
            (
                "Maven",
                "org.acme:lib",
                &[
                    "org.acme:lib",
                    "org.acme/lib",
                    "org.acme : lib",
                    "org.acme%3Alib",
                    "org/acme:lib",
                    "org.acme::lib",
                    "org.acme:lib:1.0",
                    "org.acme:lib@1.0",
                    "pkg:maven/org.acme/lib@1.0?type=jar",
                ],
            ),
            ("Debian", "libstdc++6", &["libstdc++6", "libstdc%2B%2B6", "libstdc++6\u{feff}"]),
            ("RubyGems", "rails", &["rails", " rails", "Rails"]),
        ] {
            for spelling in spellings {
                assert_eq!(normal_name(base, spelling), name, "{base}: {spelling:?}");
            }
        }
    }

    #[test]
    fn names_that_an_ecosystem_keeps_apart_stay_two() {
        for (base, one, other) in [
            ("npm", "JSONStream", "jsonstream"),
            ("npm", "foo_bar", "foo-bar"),
            ("Maven", "org.acme:Lib", "org.acme:lib"),
            ("RubyGems", "foo_bar", "foo-bar"),
            ("PyPI", "foobar", "foo-bar"),
            ("crates.io", "foobar", "foo-bar"),
            ("Debian", "g++", "g--"),
            ("Go", "github.com/a/b", "github.com/a/b/v2"),
            ("GitHub Actions", "acme/act", "acme/act/sub"),
            ("npm", "lodash.merge", "lodash-merge"),
            ("npm", "@acme/a", "a"),
        ] {
            assert_ne!(normal_name(base, one), normal_name(base, other), "{base}: {one}, {other}");
        }
        for name in ["100%", "a%zz", "%ff"] {
            assert_eq!(normal_name("npm", name), name);
        }
    }
}
