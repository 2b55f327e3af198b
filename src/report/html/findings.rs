//! Findings and the layers that they are in.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::model::digest::Digest;
use crate::model::finding::{Disposition, Finding, Judgement};
use crate::model::inventory::{Location, Part};
use crate::model::outcome::Outcome;
use crate::model::severity::Severity;
use crate::report::group::{about, fix, message};
use crate::report::human::cause_in_words;
use crate::report::quantity::day;
use crate::report::text::prose;

/// Places and packages of one row; the rest is counted.
const SHOWN: usize = 8;

pub(super) struct Findings {
    pub(super) rows: Vec<Row>,
    /// Findings, each package of a source package counted.
    pub(super) total: usize,
    pub(super) layers: Vec<Layer>,
    pub(super) ecosystems: Vec<String>,
    pub(super) has_parts: bool,
}

/// One objection; the packages that one source package is built into share it.
pub(super) struct Row {
    /// Stays the same from run to run: links to a finding keep their meaning.
    pub(super) anchor: String,
    pub(super) count: usize,
    /// `critical` … `none`, `unknown`; `rule` where no advisory speaks.
    pub(super) severity: &'static str,
    /// The higher, the worse.
    pub(super) rank: u8,
    pub(super) disposition: Answer,
    pub(super) ecosystem: String,
    pub(super) part: &'static str,
    /// Of the first place; from 1, 0 where there is none.
    pub(super) layer: usize,
    pub(super) id: String,
    pub(super) rule: String,
    pub(super) package: String,
    pub(super) version: String,
    pub(super) message: String,
    /// Shown beside the version that is there.
    pub(super) fix: Option<String>,
    /// Versions that fix it.
    pub(super) fixed: Vec<String>,
    pub(super) aliases: Vec<String>,
    pub(super) packages: Vec<String>,
    pub(super) places: Vec<ShownLocation>,
    pub(super) more_places: usize,
    pub(super) range: Option<String>,
    pub(super) score: Option<String>,
    pub(super) published: Option<String>,
    pub(super) link: Option<String>,
    pub(super) reasons: Vec<String>,
    pub(super) functions: String,
    /// Whether they were linked, in words.
    pub(super) linked: Option<String>,
    pub(super) cause: Option<&'static str>,
    pub(super) help: Option<String>,
    pub(super) waiver: Option<String>,
}

/// A disposition, in full and as the attribute that the style sheet and the script know.
#[derive(Clone, Copy)]
pub(super) struct Answer(Disposition);

impl Answer {
    pub(super) fn word(self) -> &'static str {
        self.0.as_str()
    }

    pub(super) const fn letter(self) -> char {
        match self.0 {
            Disposition::Denied => 'd',
            Disposition::Warned => 'w',
            Disposition::Waived => 'v',
        }
    }
}

pub(super) struct ShownLocation {
    pub(super) path: String,
    pub(super) line: Option<u32>,
    pub(super) layer: Option<usize>,
}

/// A layer with findings, lowest first as far as the findings tell.
pub(super) struct Layer {
    pub(super) number: usize,
    pub(super) digest: String,
    pub(super) command: String,
    pub(super) part: &'static str,
    pub(super) denied: usize,
    pub(super) others: usize,
}

impl Findings {
    pub(super) fn new(outcome: &Outcome) -> Self {
        let judgements: &[Judgement] = outcome.verdict.as_ref().map_or(&[], |verdict| &verdict.findings);
        let mut layers = Layers::default();
        let mut rows: Vec<Row> = Vec::new();
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        for judgement in judgements {
            layers.count(judgement);
            let same = sameness(judgement);
            match known.get(&same) {
                Some(at) => rows[*at].join(judgement),
                None => {
                    known.insert(same, rows.len());
                    rows.push(Row::new(judgement, &mut layers));
                }
            }
        }
        let mut ecosystems: Vec<String> = rows
            .iter()
            .map(|row| row.ecosystem.clone())
            .filter(|name| !name.is_empty())
            .collect();
        ecosystems.sort();
        ecosystems.dedup();
        Self {
            total: judgements.len(),
            has_parts: rows.iter().any(|row| !row.part.is_empty()),
            rows,
            layers: layers.all,
            ecosystems,
        }
    }
}

/// What makes two findings one row.
fn sameness(judgement: &Judgement) -> String {
    let finding = &judgement.finding;
    let about = match (&finding.purl, &finding.source) {
        (Some(purl), Some(source)) => format!("{} {} {}", purl.kind, source.name, source.version),
        (Some(purl), None) => purl.to_string(),
        (None, _) => finding.subject.clone().unwrap_or_default(),
    };
    let waiver = judgement.waiver.as_deref().unwrap_or_default();
    let ids = finding.ids.join(" ");
    format!(
        "{}\n{ids}\n{about}\n{}\n{waiver}\n{:?}",
        finding.rule,
        judgement.disposition.as_str(),
        judgement.cause
    )
}

impl Row {
    fn new<'a>(judgement: &'a Judgement, layers: &mut Layers<'a>) -> Self {
        let finding = &judgement.finding;
        let (package, version) = about(finding);
        let places: Vec<ShownLocation> = finding
            .locations
            .iter()
            .take(SHOWN)
            .map(|location| layers.place(location))
            .collect();
        let parts = finding.locations.iter().filter_map(|location| location.part);
        Self {
            anchor: anchor(finding),
            count: 1,
            severity: match (finding.ids.is_empty(), finding.severity) {
                (true, _) => "rule",
                (false, None) => "unknown",
                (false, Some(severity)) => severity.as_str(),
            },
            rank: rank(finding),
            disposition: Answer(judgement.disposition),
            ecosystem: kind(finding),
            part: parts.max().map_or("", Part::as_str),
            layer: places.first().and_then(|place| place.layer).unwrap_or(0),
            id: prose(finding.ids.first().map_or_else(|| finding.rule.as_str(), String::as_str)),
            rule: prose(finding.rule.as_str()),
            package: prose(&package),
            version: prose(&version),
            message: prose(message(finding)),
            fix: fix(finding).map(prose),
            fixed: finding.fixed.iter().map(|version| prose(version)).collect(),
            aliases: finding.ids.iter().skip(1).map(|id| prose(id)).collect(),
            packages: binary(finding).into_iter().collect(),
            more_places: finding.locations.len().saturating_sub(SHOWN),
            places,
            range: finding.evidence.as_deref().map(prose),
            score: score(finding),
            published: finding.published.map(day),
            link: finding.url.as_deref().filter(|url| is_web_page(url)).map(prose),
            reasons: finding
                .reasons
                .iter()
                .filter(|reason| reason.is_news())
                .map(|reason| prose(&reason.detail))
                .collect(),
            functions: prose(&finding.functions.join(", ")),
            linked: finding.reachability.as_ref().map(|reachability| prose(&reachability.words())),
            cause: judgement.cause.map(cause_in_words),
            help: finding.help.as_deref().map(prose),
            waiver: judgement.waiver.as_deref().map(prose),
        }
    }

    fn join(&mut self, judgement: &Judgement) {
        self.count += 1;
        if let Some(package) = binary(&judgement.finding)
            && !self.packages.contains(&package)
        {
            self.packages.push(package);
        }
    }
}

/// Only such a link is one that a click may follow: a record could name `javascript:`.
fn is_web_page(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

/// The kind of package, for an attribute without quotes: of letters and digits, else it is left out.
fn kind(finding: &Finding) -> String {
    let kind = finding.purl.as_ref().map_or("", |purl| &purl.kind);
    let is_plain = kind.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_plain { kind.to_owned() } else { String::new() }
}

fn anchor(finding: &Finding) -> String {
    let purl = finding.purl.as_ref().map(ToString::to_string).unwrap_or_default();
    let parts = [
        finding.rule.as_str(),
        finding.ids.first().map_or("", String::as_str),
        &purl,
        finding.subject.as_deref().unwrap_or_default(),
    ];
    format!("f-{}", &hex::encode(Sha256::digest(parts.join("\n")))[..10])
}

/// The binary package of an OS package.
fn binary(finding: &Finding) -> Option<String> {
    finding.source.as_ref()?;
    finding.purl.as_ref().map(|purl| prose(&purl.full_name()))
}

fn rank(finding: &Finding) -> u8 {
    match (finding.ids.is_empty(), finding.severity) {
        (true, _) => 6,
        (false, Some(Severity::Critical)) => 5,
        (false, Some(Severity::High)) => 4,
        (false, Some(Severity::Medium)) => 3,
        (false, None) => 2,
        (false, Some(Severity::Low)) => 1,
        (false, Some(Severity::None)) => 0,
    }
}

fn score(finding: &Finding) -> Option<String> {
    let source = prose(finding.severity_source.as_deref()?);
    let score = finding.score.map_or_else(String::new, |score| format!("{score:.1}, "));
    let vector = finding
        .vector
        .as_deref()
        .map_or_else(String::new, |vector| format!(", {}", prose(vector)));
    Some(format!("{score}{source}{vector}"))
}

#[derive(Default)]
struct Layers<'a> {
    all: Vec<Layer>,
    numbers: BTreeMap<(Digest, Option<&'a str>), usize>,
}

impl<'a> Layers<'a> {
    fn count(&mut self, judgement: &'a Judgement) {
        let mut numbers: Vec<usize> = judgement
            .finding
            .locations
            .iter()
            .filter_map(|location| self.number(location))
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        for number in numbers {
            let layer = &mut self.all[number - 1];
            match judgement.disposition {
                Disposition::Denied => layer.denied += 1,
                Disposition::Warned | Disposition::Waived => layer.others += 1,
            }
        }
    }

    /// From 1; none in a source tree.
    fn number(&mut self, location: &'a Location) -> Option<usize> {
        let digest = location.layer?;
        let next = self.all.len() + 1;
        let number = *self.numbers.entry((digest, location.created_by.as_deref())).or_insert(next);
        if number == next {
            self.all.push(Layer {
                number,
                digest: digest.to_string(),
                command: location.created_by.as_deref().map(prose).unwrap_or_default(),
                part: location.part.map_or("", Part::as_str),
                denied: 0,
                others: 0,
            });
        }
        Some(number)
    }

    fn place(&mut self, location: &'a Location) -> ShownLocation {
        ShownLocation {
            path: prose(&location.path),
            line: location.line,
            layer: self.number(location),
        }
    }
}
