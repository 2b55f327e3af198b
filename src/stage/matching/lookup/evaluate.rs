//! Does a claim hold a version, and is it about this target?

use crate::model::excused::Excused as _;
use crate::model::image::Platform;
use crate::model::version::packagist::four_numbers;
use crate::model::version::{Scheme, Version, VersionError};

use super::release::is_same_release;
use crate::stage::matching::index::{Claim, IndexError};
use crate::stage::matching::record::interval::{End, Interval};

/// What a claim says of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::stage::matching) enum Answer {
    No,
    /// Affected, by this range.
    Yes(String),
    /// It cannot be told, and why.
    Unknown(String),
}

/// A version to be looked for.
pub(in crate::stage::matching) struct Wanted<'a> {
    pub(in crate::stage::matching) text: &'a str,
    /// In the ecosystem's ordering, or why it has no place there.
    pub(in crate::stage::matching) parsed: Result<(Scheme, Version<'a>), String>,
    /// A Python version without its local part (`+cu118`), which a specifier without one does not look at. Source: PEP 440, "Local version identifiers".
    public: Option<Version<'a>>,
    /// A version of a Composer package as Composer compares it, where that is another text.
    four_numbers: Option<String>,
    /// True where the ecosystem's ordering is known.
    has_order: bool,
}

impl<'a> Wanted<'a> {
    /// A version in an ordering.
    pub(in crate::stage::matching) fn new(text: &'a str, scheme: Option<Scheme>) -> Self {
        let parsed = match scheme {
            Some(scheme) => scheme
                .parse(text)
                .map(|version| (scheme, version))
                .map_err(|error| error.to_string()),
            None => Err("the order of this ecosystem's versions is not known".to_owned()),
        };
        let public = match (scheme, text.split_once('+')) {
            (Some(Scheme::Pep440), Some((public, _))) => Scheme::Pep440.parse(public).or_none("the whole version is told to be none"),
            _ => None,
        };
        Self {
            text,
            parsed,
            public,
            four_numbers: four_numbers(text).filter(|_| scheme == Some(Scheme::Packagist)),
            has_order: scheme.is_some(),
        }
    }
}

/// Whether a claim is about a release of its ecosystem.
pub(in crate::stage::matching) fn is_about(claim: &Claim<'_>, base: &str, release: Option<&str>) -> bool {
    claim.release.is_empty() || release.is_some_and(|release| is_same_release(base, claim.release, release))
}

/// What a claim says of a version.
pub(in crate::stage::matching) fn evaluate(claim: &Claim<'_>, wanted: &Wanted<'_>) -> Result<Answer, IndexError> {
    let listed = claim.versions()?;
    let lists_versions = !listed.is_empty();
    for listed in listed {
        let same = match &wanted.parsed {
            Ok((scheme, version)) => {
                let public = wanted.public.as_ref().filter(|_| !listed.contains('+'));
                let is_same = |own: &Version<'_>| scheme.parse(listed).is_ok_and(|listed| listed.compare(own).is_eq());
                let alike = wanted.four_numbers.is_some() && four_numbers(listed) == wanted.four_numbers;
                alike || is_same(version) || public.is_some_and(is_same)
            }
            Err(_) => false,
        };
        if same || listed == wanted.text {
            return Ok(Answer::Yes(format!("={listed}")));
        }
    }
    if !claim.broken.is_empty() {
        return Ok(Answer::Unknown(claim.broken.to_owned()));
    }
    for interval in claim.intervals() {
        let interval = interval?;
        let (scheme, version) = match &wanted.parsed {
            Ok(parsed) => parsed,
            Err(problem) => return Ok(Answer::Unknown(problem.clone())),
        };
        let public = wanted.public.as_ref().filter(|_| !interval.ends_locally());
        let holds = match (interval.holds(*scheme, version), public) {
            (Ok(false), Some(public)) => interval.holds(*scheme, public),
            (holds, _) => holds,
        };
        let holds = match (holds, &wanted.four_numbers) {
            (Ok(false), Some(own)) => in_four_numbers(&interval, own),
            (holds, _) => holds,
        };
        match holds {
            Ok(true) => return Ok(Answer::Yes(interval.describe())),
            Ok(false) => {}
            Err(error) => return Ok(Answer::Unknown(error.to_string())),
        }
    }
    // A list says nothing about an invalid version.
    match &wanted.parsed {
        Err(problem) if lists_versions && (wanted.has_order || wanted.text.is_empty()) => Ok(Answer::Unknown(problem.clone())),
        _ => Ok(Answer::No),
    }
}

/// Whether an interval holds a version where both are as Composer has them: OSV's order puts `1.0` before `1.0.0`, Composer takes them for one.
fn in_four_numbers(interval: &Interval<'_>, own: &str) -> Result<bool, VersionError> {
    let written = |text: &str| four_numbers(text).unwrap_or_else(|| text.to_owned());
    let start = interval.start.map(written);
    let end = match interval.end {
        End::Open => None,
        End::Before(end) | End::After(end) => Some(written(end)),
    };
    let end = match (interval.end, &end) {
        (End::Before(_), Some(end)) => End::Before(end),
        (End::After(_), Some(end)) => End::After(end),
        _ => End::Open,
    };
    let interval = Interval {
        start: start.as_deref(),
        end,
    };
    interval.holds(Scheme::Packagist, &Scheme::Packagist.parse(own)?)
}

/// Why a record that names operating systems or processors is not about a platform; none where it is, or where the platform is not known.
pub(in crate::stage::matching) fn other_target(os: &[&str], arch: &[&str], platform: Option<&Platform>) -> Option<String> {
    let platform = platform?;
    let (our_os, our_arch) = (rust_os(&platform.os), rust_arch(&platform.architecture));
    if !os.is_empty() && !os.contains(&our_os) {
        return Some(format!("the advisory is about {} only, and this is {our_os}", os.join(", ")));
    }
    if !arch.is_empty() && !arch.contains(&our_arch) {
        return Some(format!("the advisory is about {} only, and this is {our_arch}", arch.join(", ")));
    }
    None
}

/// OCI says `darwin`, Rust says `macos`.
fn rust_os(os: &str) -> &str {
    match os {
        "darwin" => "macos",
        other => other,
    }
}

/// OCI says `amd64`, Rust says `x86_64`.
fn rust_arch(architecture: &str) -> &str {
    match architecture {
        "amd64" => "x86_64",
        "arm64" => "aarch64",
        "386" => "x86",
        "ppc64le" | "ppc64" => "powerpc64",
        "mipsle" => "mips",
        "mips64le" => "mips64",
        other => other,
    }
}
