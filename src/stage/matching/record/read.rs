//! From the bytes of a record to what is kept of it.

use crate::model::advisory::AdvisoryKind;
use crate::model::inventory::Ecosystem;
use crate::model::severity::Rating;
use crate::model::version::Scheme;

use super::parsed::{NO_TIME, ParsedClaim, ParsedRating, ParsedRecord, Target, seconds};
use super::title::title;
use crate::stage::matching::index::strings::{EMPTY, Pool, PoolFull, StringRef};
use crate::stage::matching::record::interval::{End, Interval, intervals};
use crate::stage::matching::record::osv::{Affected, Record, Score, Specific, Text, lenient};
use crate::stage::matching::record::{broken_record, names, rating, strict};

/// The package of a record that is cut off: whatever was behind its end may be any one.
pub(in crate::stage::matching) const ANY: &str = "*";

/// A record that cannot be read may name so many packages one by one.
const MOST_NAMES: usize = 20_000;
/// A record may name so many ids: a distribution's update of its kernel names a thousand.
const MOST_IDS: usize = 20_000;
/// So many comparisons are worth it to leave out of a list of versions what a range spells out.
const MOST_COMPARED: usize = 1_000_000;

/// Reads a record's bytes. A record that cannot be read becomes a broken one that claims what it can be told to name.
pub(in crate::stage::matching) fn parse(bytes: &[u8], file: &str, target: Target<'_>, pool: &mut Pool) -> Result<ParsedRecord, PoolFull> {
    let mut is_cut = bytes.is_empty();
    let read = serde_json::from_slice::<Record<'_>>(bytes).map_err(|error| {
        is_cut |= error.is_eof();
        error.to_string()
    });
    match read.and_then(|record| check(&record, bytes).map(|()| record)) {
        Ok(record) => {
            let mut parsed = from_record(&record, target, pool)?;
            if parsed.claims.is_empty() && !parsed.withdrawn {
                // Whatever it is about, it is among the records of this ecosystem: what its text names is in question.
                let problem = pool.intern(&format!("it names no package of {} where one is expected", target.base))?;
                parsed.claims = in_question(bytes, problem, target, pool)?;
            }
            Ok(parsed)
        }
        Err(problem) if is_cut => broken_anywhere(bytes, file, &problem, target, pool),
        Err(problem) => broken(bytes, file, &problem, target, pool),
    }
}

/// What is kept of a record of which only the beginning was read: whatever was behind that may be about any package.
pub(in crate::stage::matching) fn too_large(
    bytes: &[u8],
    file: &str,
    limit: u64,
    target: Target<'_>,
    pool: &mut Pool,
) -> Result<ParsedRecord, PoolFull> {
    broken_anywhere(bytes, file, &format!("it is larger than {limit} bytes"), target, pool)
}

/// What is kept of a record that was set aside and may be about any package, beside those that it names.
fn broken_anywhere(bytes: &[u8], file: &str, problem: &str, target: Target<'_>, pool: &mut Pool) -> Result<ParsedRecord, PoolFull> {
    let mut parsed = broken(bytes, file, problem, target, pool)?;
    let any = any(pool.intern(problem)?, pool)?;
    let named = parsed.claims.into_iter().filter(|claim| claim.package != any.package);
    parsed.claims = named.chain([any.clone()]).collect();
    Ok(parsed)
}

/// A claim that cannot be decided for whatever there is.
fn any(reason: StringRef, pool: &mut Pool) -> Result<ParsedClaim, PoolFull> {
    Ok(ParsedClaim {
        package: pool.intern(ANY)?,
        broken: reason,
        ..ParsedClaim::default()
    })
}

/// Reads one OSV record as the index of an ecosystem does, and says why it is set aside; none where it counts.
#[must_use]
pub fn record_problem(bytes: &[u8], ecosystem: &str) -> Option<String> {
    let target = Target::new(ecosystem, jiff::Timestamp::MAX);
    let mut pool = Pool::new();
    match parse(bytes, "", target, &mut pool) {
        Ok(parsed) => parsed.broken.map(|reason| pool.get(reason).to_owned()),
        Err(full) => Some(full.to_string()),
    }
}

fn check(record: &Record<'_>, bytes: &[u8]) -> Result<(), String> {
    if record.id.as_ref().trim().is_empty() {
        return Err("its id is empty".to_owned());
    }
    if let Some(problem) = strict::objection(bytes) {
        return Err(problem);
    }
    if record.aliases.len() + record.upstream.len() + record.related.len() > MOST_IDS {
        return Err(format!("it names more than {MOST_IDS} ids"));
    }
    // Commits of a repository alone are no versions of a package; everything else has to say of which.
    let is_nameless = |affected: &Affected<'_>| {
        let of_git = !affected.ranges.is_empty() && affected.ranges.iter().all(|range| range.kind.as_ref() == "GIT");
        affected
            .package
            .as_ref()
            .is_none_or(|package| package.name.as_ref().trim().is_empty())
            && !of_git
    };
    if record.affected.iter().any(is_nameless) {
        return Err("an entry of `affected` names no package".to_owned());
    }
    match &record.withdrawn {
        Some(time) if seconds(time.as_ref()) == NO_TIME => Err("its time of withdrawal is not a time".to_owned()),
        _ => Ok(()),
    }
}

/// What is kept of a record that was set aside.
pub(in crate::stage::matching) fn broken(
    bytes: &[u8],
    file: &str,
    problem: &str,
    target: Target<'_>,
    pool: &mut Pool,
) -> Result<ParsedRecord, PoolFull> {
    let reason = pool.intern(problem)?;
    let claims = in_question(bytes, reason, target, pool)?;
    let id = file.rsplit('/').next().unwrap_or(file);
    let id = pool.intern(id.strip_suffix(".json").unwrap_or(id))?;
    Ok(ParsedRecord {
        id,
        file: id,
        overlaid: false,
        kind: AdvisoryKind::Vulnerability,
        withdrawn: false,
        summary: EMPTY,
        url: EMPTY,
        published: NO_TIME,
        modified: NO_TIME,
        rating: None,
        aliases: Box::default(),
        upstream: Box::default(),
        claims,
        broken: Some(reason),
    })
}

/// A claim that cannot be decided for everything that a text may name; where that is more than a record is about, for whatever there is.
fn in_question(bytes: &[u8], reason: StringRef, target: Target<'_>, pool: &mut Pool) -> Result<Box<[ParsedClaim]>, PoolFull> {
    let names = broken_record::names(bytes);
    if names.len() > MOST_NAMES {
        return Ok(Box::new([any(reason, pool)?]));
    }
    let names: std::collections::BTreeSet<_> = names.iter().map(|name| target.name(name)).collect();
    names
        .iter()
        .map(|name| {
            Ok(ParsedClaim {
                package: pool.intern(name)?,
                broken: reason,
                ..ParsedClaim::default()
            })
        })
        .collect()
}

fn from_record(record: &Record<'_>, target: Target<'_>, pool: &mut Pool) -> Result<ParsedRecord, PoolFull> {
    let mut specifics: Vec<Specific> = vec![lenient(record.database_specific)];
    let mut claims = Vec::new();
    // What will be withdrawn some day holds today.
    let withdrawn = record.withdrawn.as_ref().is_some_and(|time| seconds(time.as_ref()) <= target.now);
    for affected in &record.affected {
        let ecosystem: Specific = lenient(affected.ecosystem_specific);
        let database: Specific = lenient(affected.database_specific);
        // A record that was withdrawn claims nothing.
        if !withdrawn && let Some(claim) = claim(affected, &ecosystem, target, pool)? {
            let other = other_name(affected, target).map(|name| pool.intern(&name)).transpose()?;
            let by_purl = other.map(|package| ParsedClaim { package, ..claim.clone() });
            claims.extend([claim].into_iter().chain(by_purl));
        }
        specifics.push(ecosystem);
        specifics.push(database);
    }
    let id = record.id.as_ref();
    let time = |text: &Option<Text<'_>>| text.as_ref().map_or(NO_TIME, |text| seconds(text.as_ref()));
    let mut refs = |texts: &[Text<'_>]| {
        let real = texts.iter().map(AsRef::as_ref).filter(|text: &&str| !text.is_empty());
        real.map(|text| pool.intern(text)).collect::<Result<Box<[_]>, _>>()
    };
    let aliases = refs(&record.aliases)?;
    // Older records of the rpm distributions name the CVEs that they fix as related.
    let upstream = refs(if record.upstream.is_empty() && is_bundle_prefix(id) {
        &record.related
    } else {
        &record.upstream
    })?;
    let url = record.url();
    let id_ref = pool.intern(id)?;
    Ok(ParsedRecord {
        id: id_ref,
        file: id_ref,
        overlaid: false,
        kind: kind(id, &specifics, target),
        withdrawn,
        summary: pool.intern(&title(record))?,
        url: pool.intern(url.as_deref().unwrap_or_default())?,
        published: time(&record.published),
        modified: time(&record.modified),
        rating: rating::of_record(record, &specifics, target.rates_in_words().then_some(target.base))
            .map(|rating| rated(&rating, pool))
            .transpose()?,
        aliases,
        upstream,
        claims: claims.into(),
        broken: None,
    })
}

/// The package that the purl beside a name is of, where that is another one: who wrote one of the two by hand may have meant either.
fn other_name(affected: &Affected<'_>, target: Target<'_>) -> Option<String> {
    let package = affected.package.as_ref()?;
    let named = names::of_purl(target.base, package.purl.as_ref()?.as_ref().trim())?;
    let named = target.name(&named);
    (named != target.name(package.name.as_ref())).then(|| named.into_owned())
}

fn is_bundle_prefix(id: &str) -> bool {
    [
        "ALSA-",
        "ALBA-",
        "ALEA-",
        "RLSA-",
        "RXSA-",
        "RHSA-",
        "RHBA-",
        "RHEA-",
        "SUSE-",
        "openSUSE-",
    ]
    .iter()
    .any(|prefix| id.starts_with(prefix))
}

fn rated(rating: &Rating, pool: &mut Pool) -> Result<ParsedRating, PoolFull> {
    Ok(ParsedRating {
        severity: rating.severity,
        score: rating.score,
        vector: rating.vector.as_deref().map(|vector| pool.intern(vector)).transpose()?,
        source: pool.intern(&rating.source)?,
    })
}

fn kind(id: &str, specifics: &[Specific], target: Target<'_>) -> AdvisoryKind {
    let has_category = |category: &str| {
        let mut categories = specifics.iter().filter_map(|s| s.categories.as_ref()).flatten();
        categories.any(|c| c == category)
    };
    if id.starts_with("MAL-") || has_category("malicious") {
        return AdvisoryKind::Malicious;
    }
    // What is said of one package's entry is not said of the others'.
    let (whole, entries) = specifics
        .split_first()
        .map_or((None, specifics), |(whole, entries)| (whole.informational.as_deref(), entries));
    let said = entries.chunks(2).map(|pair| pair.iter().find_map(|s| s.informational.as_deref()));
    let of_all = said.reduce(|all, one| all.filter(|all| one == Some(*all))).flatten();
    // Nobody but RustSec says so of a record.
    match whole.or(of_all).filter(|_| target.base == Ecosystem::CRATES) {
        Some("unmaintained") => AdvisoryKind::Unmaintained,
        Some("unsound") => AdvisoryKind::Unsound,
        Some("notice") => AdvisoryKind::Notice,
        _ => AdvisoryKind::Vulnerability,
    }
}

fn claim(affected: &Affected<'_>, specific: &Specific, target: Target<'_>, pool: &mut Pool) -> Result<Option<ParsedClaim>, PoolFull> {
    let Some(package) = &affected.package else { return Ok(None) };
    let (base, release) = package
        .ecosystem
        .as_ref()
        .split_once(':')
        .unwrap_or((package.ecosystem.as_ref(), ""));
    if !base.trim().eq_ignore_ascii_case(target.base) {
        return Ok(None);
    }
    let mut claim = ParsedClaim {
        package: pool.intern(&target.name(package.name.as_ref().trim()))?,
        release: pool.intern(release)?,
        ..ParsedClaim::default()
    };
    let mut texts = |list: Option<&Vec<String>>| {
        let list = list.map(Vec::as_slice).unwrap_or_default().iter();
        list.map(|text| pool.intern(text)).collect::<Result<Box<[_]>, _>>()
    };
    let affects = specific.affects.as_ref();
    claim.os = texts(affects.and_then(|a| a.os.as_ref()))?;
    claim.arch = texts(affects.and_then(|a| a.arch.as_ref()))?;
    let functions = affects.and_then(|affects| affects.functions.as_ref()).into_iter().flatten();
    // One that is no text is one all the same, of which nobody can tell whether it is linked.
    let functions: Vec<String> = functions.map(|path| path.as_str().unwrap_or("?").to_owned()).collect();
    claim.functions = texts(Some(&functions))?;
    let urgency: Vec<String> = urgency(affected, specific, target).into_iter().collect();
    claim.urgency = texts(Some(&urgency))?;
    match ranges(affected, target.scheme) {
        Ok(found) => fill(&mut claim, &found, affected, target.scheme, pool)?,
        Err(problem) => {
            claim.broken = pool.intern(&problem)?;
            claim.versions = affected
                .versions
                .iter()
                .map(|v| pool.intern(v.as_ref()))
                .collect::<Result<_, _>>()?;
        }
    }
    Ok(Some(claim))
}

/// The distribution's word for one package in one release: Debian's `urgency`, or a severity that is no CVSS vector.
fn urgency(affected: &Affected<'_>, specific: &Specific, target: Target<'_>) -> Option<String> {
    if !target.rates_in_words() {
        return None;
    }
    let scores: Vec<Score<'_>> = lenient(affected.severity);
    let worded = scores.iter().find(|score| score.kind.as_ref().eq_ignore_ascii_case(target.base));
    specific
        .urgency
        .clone()
        .or_else(|| worded.map(|score| score.score.as_ref().to_owned()))
}

type Ranges<'a> = (Vec<Interval<'a>>, Vec<&'a str>);

/// The intervals and fixed versions of all ranges of a package; an error for people where they cannot be decided.
fn ranges<'a>(affected: &'a Affected<'a>, scheme: Option<Scheme>) -> Result<Ranges<'a>, String> {
    let mut all: Ranges<'a> = Default::default();
    let usable: Vec<_> = affected.ranges.iter().filter(|range| range.kind.as_ref() != "GIT").collect();
    if usable.is_empty() {
        return if affected.versions.is_empty() {
            Err("it names neither versions nor ranges of versions".to_owned())
        } else {
            Ok(all)
        };
    }
    let scheme = scheme.ok_or_else(|| "the order of this ecosystem's versions is not known here".to_owned())?;
    for range in usable {
        // The schema asks for one; what ends without a beginning may hold everything before it.
        if range.events.iter().all(|event| event.introduced.is_none()) {
            return Err("a range of it begins nowhere".to_owned());
        }
        let (mut found, mut fixed) = intervals(scheme, range).map_err(|error| error.to_string())?;
        all.0.append(&mut found);
        all.1.append(&mut fixed);
    }
    Ok(all)
}

fn fill(
    claim: &mut ParsedClaim,
    (found, fixed): &Ranges<'_>,
    affected: &Affected<'_>,
    scheme: Option<Scheme>,
    pool: &mut Pool,
) -> Result<(), PoolFull> {
    let mut encode = |interval: &Interval<'_>| {
        let (end, inclusive) = match interval.end {
            End::Open => ("", false),
            End::Before(end) => (end, false),
            End::After(end) => (end, true),
        };
        Ok((pool.intern(interval.start.unwrap_or_default())?, pool.intern(end)?, inclusive))
    };
    claim.intervals = found.iter().map(&mut encode).collect::<Result<_, PoolFull>>()?;
    // Most lists of versions only spell out the ranges beside them.
    let are_few = found.len().saturating_mul(affected.versions.len()) <= MOST_COMPARED;
    let in_a_range = |text: &str| {
        let Some(scheme) = scheme.filter(|_| are_few) else { return false };
        let Ok(version) = scheme.parse(text) else { return false };
        found.iter().any(|interval| interval.holds(scheme, &version).unwrap_or(false))
    };
    let versions = affected.versions.iter().map(AsRef::as_ref).filter(|text| !in_a_range(text));
    claim.versions = versions.map(|text| pool.intern(text)).collect::<Result<_, _>>()?;
    claim.fixed = fixed.iter().map(|text| pool.intern(text)).collect::<Result<_, _>>()?;
    Ok(())
}
