//! A record on its way into an index: what matching needs of it, with its texts in a pool.
//! Takes a record's bytes. Gives a parsed record. Invariant: bytes that are no record become one too, which says why and claims what they name.

use std::borrow::Cow;

use crate::model::advisory::AdvisoryKind;
use crate::model::ecosystem::is_home;
use crate::model::inventory::Ecosystem;
use crate::model::version::Scheme;
use crate::model::{pep503, purl};

use crate::stage::matching::index::strings::StringRef;

#[derive(Debug, Clone)]
pub(in crate::stage::matching) struct ParsedRecord {
    pub(in crate::stage::matching) id: StringRef,
    /// Its file's name without `.json`, escaped as in the overlay: what a newer record of the same name takes the place of.
    pub(in crate::stage::matching) file: StringRef,
    /// It came from the overlay.
    pub(in crate::stage::matching) overlaid: bool,
    pub(in crate::stage::matching) kind: AdvisoryKind,
    pub(in crate::stage::matching) withdrawn: bool,
    pub(in crate::stage::matching) summary: StringRef,
    pub(in crate::stage::matching) url: StringRef,
    /// Seconds since 1970; the least value where it is not said.
    pub(in crate::stage::matching) published: i64,
    pub(in crate::stage::matching) modified: i64,
    pub(in crate::stage::matching) rating: Option<ParsedRating>,
    pub(in crate::stage::matching) aliases: Box<[StringRef]>,
    pub(in crate::stage::matching) upstream: Box<[StringRef]>,
    pub(in crate::stage::matching) claims: Box<[ParsedClaim]>,
    /// Why the record was set aside, where it was.
    pub(in crate::stage::matching) broken: Option<StringRef>,
}

/// A rating with its texts in a pool.
#[derive(Debug, Clone, Copy)]
pub(in crate::stage::matching) struct ParsedRating {
    pub(in crate::stage::matching) severity: crate::model::severity::Severity,
    pub(in crate::stage::matching) score: Option<f64>,
    pub(in crate::stage::matching) vector: Option<StringRef>,
    pub(in crate::stage::matching) source: StringRef,
}

/// What a record claims of one package in one release.
#[derive(Debug, Clone, Default)]
pub(in crate::stage::matching) struct ParsedClaim {
    pub(in crate::stage::matching) package: StringRef,
    /// The release, `12` of `Debian:12`; empty for all.
    pub(in crate::stage::matching) release: StringRef,
    /// Start (empty: from the beginning), end (empty: open), whether the end itself is affected.
    pub(in crate::stage::matching) intervals: Box<[(StringRef, StringRef, bool)]>,
    pub(in crate::stage::matching) versions: Box<[StringRef]>,
    pub(in crate::stage::matching) fixed: Box<[StringRef]>,
    pub(in crate::stage::matching) os: Box<[StringRef]>,
    pub(in crate::stage::matching) arch: Box<[StringRef]>,
    /// The functions that it is about; empty for all of the package.
    pub(in crate::stage::matching) functions: Box<[StringRef]>,
    /// What the distribution says of it in its own words for this release, at most one: `low`, `unimportant`.
    pub(in crate::stage::matching) urgency: Box<[StringRef]>,
    /// Why the claim cannot be decided, where it cannot; empty otherwise.
    pub(in crate::stage::matching) broken: StringRef,
}

/// The time of a field that is not there.
pub(in crate::stage::matching) const NO_TIME: i64 = i64::MIN;

/// The ecosystem that an index is built for.
#[derive(Debug, Clone, Copy)]
pub(in crate::stage::matching) struct Target<'a> {
    /// `Debian`, `crates.io`: without the release.
    pub(in crate::stage::matching) base: &'a str,
    /// Its ordering, where one is known.
    pub(in crate::stage::matching) scheme: Option<Scheme>,
    /// Seconds since 1970: what records say of times after it is not so yet.
    pub(in crate::stage::matching) now: i64,
}

impl<'a> Target<'a> {
    /// An ecosystem by OSV's name of it, read at a time.
    pub(in crate::stage::matching) fn new(base: &'a str, now: jiff::Timestamp) -> Self {
        Self {
            base,
            scheme: Scheme::of(&Ecosystem::new(base)),
            now: now.as_second(),
        }
    }

    /// A distribution has a word of its own for how bad something is in its build.
    pub(in crate::stage::matching) fn rates_in_words(&self) -> bool {
        ["deb", "apk", "rpm"].iter().any(|kind| is_home(kind, self.base))
    }

    /// The name of a package as it is looked up.
    pub(in crate::stage::matching) fn name<'n>(&self, name: &'n str) -> std::borrow::Cow<'n, str> {
        normal_name(self.base, name)
    }
}

/// A package's name in the form that is compared: what the ecosystem itself takes for one name is one here, however an advisory spells it.
///
/// - PyPI: PEP 503, and no extras. crates.io: the registry has one crate of a name, whatever its case and whether by `-` or `_`.
/// - NuGet, Packagist, GitHub Actions: the registry knows no case. Go: purls lose it; `!a` is how its proxy writes `A`.
/// - Maven: group and artifact by `:`, for which some write `/`. npm keeps case, for it has names that differ in it alone (`JSONStream`).
/// - Swift: the address of the repository without protocol and ending.
/// - All: no name has a blank, a character that nobody sees, or a `%`, which stands for the byte that it encodes.
pub(in crate::stage::matching) fn normal_name<'n>(base: &str, name: &'n str) -> Cow<'n, str> {
    let plain = written_plainly(name);
    match plain {
        Cow::Borrowed(name) => of_ecosystem(base, name),
        Cow::Owned(name) => Cow::Owned(of_ecosystem(base, &name).into_owned()),
    }
}

fn written_plainly(name: &str) -> Cow<'_, str> {
    let is_hidden = |c: char| c.is_control() || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
    let is_plain = |b: u8| b.is_ascii_graphic() && b != b'%';
    if name.bytes().all(is_plain) {
        return Cow::Borrowed(name);
    }
    let decoded = match name.contains('%') {
        true => purl::decode(name).unwrap_or_else(|| name.to_owned()),
        false => name.to_owned(),
    };
    Cow::Owned(decoded.replace(is_hidden, "").trim().to_owned())
}

fn of_ecosystem<'n>(base: &str, name: &'n str) -> Cow<'n, str> {
    let lower = |name: &'n str| match name.bytes().any(|b| b.is_ascii_uppercase()) {
        true => Cow::Owned(name.to_ascii_lowercase()),
        false => Cow::Borrowed(name),
    };
    match base {
        "SwiftURL" => {
            let bare = name.split_once("://").map_or(name, |(_, rest)| rest).trim_end_matches('/');
            lower(bare.strip_suffix(".git").unwrap_or(bare))
        }
        "NuGet" | "Packagist" | "GitHub Actions" => lower(name),
        "Go" if name.contains('!') => Cow::Owned(name.trim_end_matches('/').replace('!', "").to_ascii_lowercase()),
        "Go" => lower(name.trim_end_matches('/')),
        Ecosystem::CRATES if name.bytes().any(|b| b == b'-' || b.is_ascii_uppercase()) => {
            Cow::Owned(name.to_ascii_lowercase().replace('-', "_"))
        }
        Ecosystem::MAVEN if name.contains(['/', ' ']) => {
            let parts = name.split([':', '/']).map(str::trim);
            Cow::Owned(parts.collect::<Vec<_>>().join(":"))
        }
        Ecosystem::PYPI => pep503::normal_name(name.split_once('[').map_or(name, |(bare, _)| bare.trim_end())),
        _ => Cow::Borrowed(name),
    }
}

/// Seconds since 1970 of an RFC 3339 time, [`NO_TIME`] where it is none.
pub(in crate::stage::matching) fn seconds(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().map_or(NO_TIME, jiff::Timestamp::as_second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::matching::index::strings::Pool;
    use crate::stage::matching::record::read::parse;

    #[test]
    fn what_an_ecosystem_takes_for_one_name_is_one_however_an_advisory_spells_it() {
        for (base, name, spellings) in [
            (
                "PyPI",
                "foo-bar",
                &["Foo._Bar", "foo-bar", "FOO__BAR", "foo.bar ", "Foo%5FBar", "foo-bar[extra]"][..],
            ),
            ("crates.io", "foo_bar", &["foo-bar", "Foo-Bar", "foo_bar\u{200b}", "\tfoo%2Dbar"]),
            (
                "npm",
                "@acme/core",
                &["@acme/core", "%40acme/core", "%40acme%2Fcore", " @acme/core\n"],
            ),
            ("NuGet", "newtonsoft.json", &["Newtonsoft.Json", "NEWTONSOFT.JSON"]),
            ("Packagist", "acme/evil", &["Acme/Evil", "acme%2fevil"]),
            (
                "Go",
                "github.com/masterminds/goutils",
                &[
                    "github.com/Masterminds/goutils",
                    "github.com/!masterminds/goutils",
                    "github.com/Masterminds/goutils/",
                ],
            ),
            (
                "SwiftURL",
                "github.com/acme/evil",
                &["https://github.com/Acme/Evil.git", "github.com/acme/evil/"],
            ),
            (
                "Maven",
                "org.acme:lib",
                &["org.acme:lib", "org.acme/lib", "org.acme : lib", "org.acme%3Alib"],
            ),
            ("Debian", "libstdc++6", &["libstdc++6", "libstdc%2B%2B6", "libstdc++6\u{feff}"]),
            ("RubyGems", "rails", &["rails", " rails"]),
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
        ] {
            assert_ne!(normal_name(base, one), normal_name(base, other), "{base}: {one}, {other}");
        }
        for name in ["100%", "a%zz", "%ff"] {
            assert_eq!(normal_name("npm", name), name);
        }
    }

    #[test]
    fn a_list_of_versions_that_a_range_spells_out_is_not_kept_twice() {
        let json = br#"{"id":"X","affected":[{"package":{"ecosystem":"npm","name":"a"},
            "ranges":[{"type":"SEMVER","events":[{"introduced":"1.0.0"},{"fixed":"1.2.0"}]}],"versions":["1.0.0","1.1.0","3.0.0","odd"]}]}"#;
        let target = Target::new("npm", jiff::Timestamp::MAX);
        let mut pool = Pool::new();
        let parsed = parse(json, "X.json", target, &mut pool).expect("room");
        let versions: Vec<&str> = parsed.claims[0].versions.iter().map(|v| pool.get(*v)).collect();
        assert_eq!(versions, ["3.0.0", "odd"]);
    }

    #[test]
    fn packages_of_other_ecosystems_in_a_record_are_left_out() {
        let json = br#"{"id":"X","affected":[{"package":{"ecosystem":"Maven","name":"a"},"versions":["1"]},{"package":{"ecosystem":"npm","name":"b"},"versions":["1"]}]}"#;
        let target = Target::new("npm", jiff::Timestamp::MAX);
        let mut pool = Pool::new();
        let parsed = parse(json, "X.json", target, &mut pool).expect("room");
        assert_eq!(parsed.claims.iter().map(|c| pool.get(c.package)).collect::<Vec<_>>(), ["b"]);
    }
}
