//! A record on its way into an index: what matching needs of it, with its texts in a pool.
//! Takes a record's bytes. Gives a parsed record. Invariant: bytes that are no record become one too, which says why and claims what they name.

use crate::model::advisory::AdvisoryKind;
use crate::model::ecosystem::is_home;
use crate::model::inventory::Ecosystem;
use crate::model::version::Scheme;

use super::names::normal_name;
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
    fn a_purl_that_names_another_package_than_the_name_beside_it_counts_too() {
        let claimed = |purl: &str| {
            let json =
                format!(r#"{{"id":"X","affected":[{{"package":{{"ecosystem":"npm","name":"good","purl":"{purl}"}},"versions":["1"]}}]}}"#);
            let mut pool = Pool::new();
            let parsed = parse(json.as_bytes(), "X.json", Target::new("npm", jiff::Timestamp::MAX), &mut pool).expect("room");
            parsed
                .claims
                .iter()
                .map(|claim| pool.get(claim.package).to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(claimed("pkg:npm/%40acme/evil"), ["good", "@acme/evil"]);
        // The controls: the same package, another ecosystem's, and none.
        for purl in ["pkg:npm/good", "pkg:npm/good@1", "pkg:pypi/evil", "evil"] {
            assert_eq!(claimed(purl), ["good"], "{purl}");
        }
        let nameless = br#"{"id":"X","affected":[{"package":{"ecosystem":"npm","name":" "},"versions":["1"]}]}"#;
        let mut pool = Pool::new();
        let parsed = parse(nameless, "X.json", Target::new("npm", jiff::Timestamp::MAX), &mut pool).expect("room");
        assert!(parsed.broken.is_some());
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
