//! Which waivers cover which findings, and what each waiver comes to.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::retraction::Retractions;
use super::{Waiver, WaiverSettings, Waivers};
use crate::io::document::nearest;
use crate::model::context::Context;
use crate::model::coverage::{Gap, GapKind};
use crate::model::ecosystem::homes;
use crate::model::finding::{Finding, Level};
use crate::model::inventory::Location;
use crate::model::matching::Matching;
use crate::model::purl;
use crate::model::purl::Purl;
use crate::model::waiver::{RULES_AS_IDS, WaiverReport, WaiverState};
use crate::stage::policy::Evidence;
use crate::stage::policy::rules::RuleText;

/// One waiver with what it comes to at the evaluation time.
#[derive(Debug)]
pub struct Standing<'a> {
    /// What reports show of it.
    pub report: WaiverReport,
    /// The file that holds it.
    pub file: &'a str,
    /// How many findings it names, whether it holds or not.
    pub would_cover: usize,
    /// Why a supplier's statement decides nothing: its author may mend that, and whoever ships cannot.
    pub disregarded: Vec<String>,
    /// True when the subject can hold packages of its kind: a scan of a lock file says nothing of waivers for Debian packages, and an image that
    /// need not be this project's nothing of waivers for packages that it does not have.
    pub in_question: bool,
    /// What its author may have meant: another id, or the package that has the advisory.
    pub near: Option<String>,
}

impl Standing<'_> {
    /// A finding about this waiver; no waiver covers it.
    #[must_use]
    pub fn finding(&self, about: &RuleText, level: Level, message: String, help: &str) -> Finding {
        let mut finding = about.finding(level, message);
        finding.subject = Some(self.report.waiver.clone());
        finding.help = Some(help.to_owned());
        finding.waivable = false;
        finding.locations = vec![Location {
            line: Some(self.report.line),
            ..Location::path(self.file)
        }];
        finding
    }
}

/// What became of the findings and the waivers.
pub(crate) struct Covered<'a> {
    /// For each finding: the name of the waiver that covers it.
    pub(crate) by: Vec<Option<String>>,
    /// For each finding: the waiver that would, had it not ended, in words.
    pub(crate) ended: Vec<Option<String>>,
    /// For each waiver, in file order.
    pub(crate) standings: Vec<Standing<'a>>,
}

/// Lays the waivers over the findings.
pub(crate) fn cover<'a>(waivers: &'a Waivers, settings: &WaiverSettings, findings: &[Finding], evidence: &Evidence<'_>) -> Covered<'a> {
    let mut by: Vec<Option<String>> = vec![None; findings.len()];
    let mut ended = by.clone();
    let today = evidence.at.to_zoned(TimeZone::UTC).date();
    let mut standings = Vec::with_capacity(waivers.entries().len());
    let retractions = Retractions::new(
        waivers.retractions(),
        &evidence.matching.known_ids,
        evidence.inventory.subject.digest,
    );
    for waiver in waivers.all() {
        let group = evidence.matching.known_ids.get(&waiver.id);
        let is_same = |id: &String| *id == waiver.id || group.is_some_and(|group| group.binary_search(id).is_ok());
        let file = waiver.vex.as_deref().or(waivers.name()).unwrap_or_default();
        let mut standing = begin(waiver, file, evidence);
        let (mut refused, mut disregarded) = (BTreeSet::new(), BTreeSet::new());
        for (finding, (by, ended)) in findings.iter().zip(by.iter_mut().zip(&mut ended)) {
            if !finding.is_named_by_rule(&waiver.id) && !finding.ids.iter().any(is_same) {
                continue;
            }
            if !is_named(waiver, finding, evidence) {
                standing.near = standing.near.or_else(|| finding.purl.as_ref().map(Purl::to_string));
                continue;
            }
            standing.would_cover += 1;
            if today > waiver.expires {
                ended.get_or_insert_with(|| format!("its waiver {} ended on {}", waiver.name(), waiver.expires));
                continue;
            }
            let later = waiver.said.filter(|said| *said > evidence.at);
            let later = later.map(|said| format!("it was made at {said}, after the time of this evaluation"));
            let disregards = retractions.against(waiver, finding).or_else(|| without_reason(waiver)).or(later);
            if let Some(why) = disregards {
                disregarded.insert(why);
                continue;
            }
            match refusal(waiver, settings, finding, evidence.context, today) {
                Some(refusal) => _ = refused.insert(refusal),
                None => {
                    standing.report.covers += 1;
                    by.get_or_insert_with(|| waiver.name());
                }
            }
        }
        standing.report.refused = refused.into_iter().collect();
        standing.disregarded = disregarded.into_iter().collect();
        standing.report.state = state(waiver, settings, &standing, evidence, today);
        if standing.report.state == WaiverState::Unknown {
            standing.near = similar_id(&waiver.id, evidence.matching);
        }
        // A supplier's document may say much that concerns other images: what names nothing here is no news.
        if waiver.vex.is_none() || standing.would_cover > 0 {
            standings.push(standing);
        }
    }
    Covered { by, ended, standings }
}

fn begin<'a>(waiver: &Waiver, file: &'a str, evidence: &Evidence<'_>) -> Standing<'a> {
    let inventory = evidence.inventory;
    let is_image = inventory.subject.digest.is_some() || !inventory.platforms.is_empty();
    Standing {
        report: WaiverReport {
            waiver: waiver.name(),
            id: waiver.id.clone(),
            package: waiver.package.as_str().to_owned(),
            state: WaiverState::Unused,
            reason: waiver.reason.as_str().to_owned(),
            justification: waiver.justification.map(|justification| justification.as_str().to_owned()),
            statement: waiver.statement.clone(),
            owner: waiver.owner.clone(),
            approved_by: waiver.approved_by.clone(),
            created: waiver.created,
            expires: waiver.expires,
            line: waiver.line,
            covers: 0,
            refused: Vec::new(),
        },
        file,
        would_cover: 0,
        disregarded: Vec::new(),
        in_question: (is_image && (!evidence.context.elsewhere || inventory.components.iter().any(|c| waiver.package.matches(&c.purl))))
            || (!is_image && !has_places_of_images(waiver) && inventory.components.iter().any(|c| c.purl.kind == waiver.package.kind())),
        near: None,
    }
}

/// True for a waiver whose every place is one of an image: a source tree has none of them.
fn has_places_of_images(waiver: &Waiver) -> bool {
    let places = waiver.paths.as_deref().unwrap_or_default();
    !places.is_empty() && places.iter().all(|place| place.as_str().starts_with('/'))
}

/// True for a waiver about what an image alone has: packages of an operating system, or places in it.
fn is_of_images(waiver: &Waiver) -> bool {
    purl::is_of_system(waiver.package.kind()) || has_places_of_images(waiver)
}

/// True when package and paths name the finding. A finding without a purl, or without places where places are asked for, is not named.
fn is_named(waiver: &Waiver, finding: &Finding, evidence: &Evidence<'_>) -> bool {
    let package = finding.purl.as_ref().is_some_and(|purl| waiver.package.matches(purl));
    let product = waiver.product.is_none() || waiver.product == evidence.inventory.subject.digest;
    package
        && product
        && waiver.paths.as_ref().is_none_or(|paths| {
            let named = |place: &Location| paths.iter().any(|pattern| pattern.matches(&place.path));
            !finding.locations.is_empty() && finding.locations.iter().all(named)
        })
}

/// OpenVEX asks of `not_affected` that it says why.
fn without_reason(waiver: &Waiver) -> Option<String> {
    (!waiver.is_reasoned).then(|| "it says `not_affected`, and neither by a justification nor in an impact statement why".to_owned())
}

/// Why a waiver that names a finding and has not ended does not cover it.
fn refusal(waiver: &Waiver, settings: &WaiverSettings, finding: &Finding, context: &Context, today: Date) -> Option<String> {
    let severity = finding.severity;
    let word = severity.map_or("unknown", |severity| severity.as_str());
    if !finding.waivable {
        return Some(format!("no waiver may cover a finding of {}", finding.rule));
    }
    if let Some(created) = waiver.created.filter(|created| *created > today) {
        return Some(format!("it begins on {created}"));
    }
    let most = settings.lifetime_days(severity);
    if let Some(created) = waiver.created.filter(|_| waiver.vex.is_some()) {
        // Its own end comes from the policy, which may say less for what it covers.
        let age = days_between(created, today);
        if age > most {
            return Some(format!(
                "it is {age} days old, and a statement about a finding of {word} severity holds for {most}"
            ));
        }
    }
    if waiver.signed {
        // A key of the policy stands for its author.
        return None;
    }
    let begin = waiver.created.unwrap_or(today);
    let lasts = days_between(begin, waiver.expires);
    if lasts > most && waiver.vex.is_none() {
        return Some(match waiver.created {
            Some(_) => format!("it lasts {lasts} days, and a finding of {word} severity may be waived for {most}"),
            None => format!("it ends in {lasts} days and states no `created`, and a finding of {word} severity may be waived for {most}"),
        });
    }
    let needed = settings.approvals_needed(severity);
    if waiver.vex.is_some() {
        // Whoever can write the file can write any author into it.
        let problem = format!("it is not signed by a key of the policy, and a finding of {word} severity needs {needed} approvals");
        return (needed > 0).then_some(problem);
    }
    let (count, disregarded) = approvals(waiver, settings, context);
    (count < needed).then(|| {
        let why = disregarded.map(|why| format!(" ({why})")).unwrap_or_default();
        format!("it has {count} of the {needed} approvals that a finding of {word} severity needs{why}")
    })
}

fn days_between(from: Date, to: Date) -> i64 {
    from.duration_until(to).as_hours() / 24
}

/// How many approvers agreed, each counted once, and why somebody who is named does not count.
fn approvals(waiver: &Waiver, settings: &WaiverSettings, context: &Context) -> (usize, Option<String>) {
    let nobody = |why: &str| (0, Some(why.to_owned()));
    let Some(all) = &context.waiver_authors else {
        return nobody("there is no git history of the waiver file here, so that nobody knows who wrote it");
    };
    let Some(written) = all.iter().find(|authors| authors.line == waiver.line) else {
        return nobody("git does not know who wrote it");
    };
    if written.uncommitted {
        return nobody("it is not committed, so that nobody knows who wrote it");
    }
    if written.cut {
        return nobody("this clone is shallow, so that nobody knows who wrote it: fetch the whole history (`fetch-depth: 0`)");
    }
    if written.unattributed || written.authors.is_empty() {
        return nobody("git cannot tell who wrote each of its lines");
    }
    let mut agreed = BTreeSet::new();
    let mut disregarded = None;
    for approver in &waiver.approved_by {
        let address = approver.trim().to_lowercase();
        if !settings.approvers.iter().any(|known| known.trim().to_lowercase() == address) {
            disregarded = Some(format!("{address} is not an approver of the policy"));
        } else if written.authors.contains(&address) {
            disregarded = Some(format!("{address} wrote it"));
        } else {
            agreed.insert(address);
        }
    }
    (agreed.len(), disregarded)
}

fn state(waiver: &Waiver, settings: &WaiverSettings, standing: &Standing<'_>, evidence: &Evidence<'_>, today: Date) -> WaiverState {
    let matching = evidence.matching;
    let by_day = WaiverState::on(today, waiver.expires, settings.expiring_days());
    if by_day == WaiverState::Expired || standing.report.covers > 0 {
        by_day
    } else if !standing.in_question && (is_of_images(waiver) || evidence.context.elsewhere) {
        // What a source tree cannot hold is not missing in it, nor what is this project's in another's image.
        by_day
    } else if standing.would_cover == 0 && !was_looked_up(waiver, evidence) {
        // What nobody looked for is not known to be missing.
        by_day
    } else if is_known(waiver, matching) || !is_answered(waiver.package.kind(), matching) {
        WaiverState::Unused
    } else {
        WaiverState::Unknown
    }
}

fn is_known(waiver: &Waiver, matching: &Matching) -> bool {
    let is_rule = RULES_AS_IDS.contains(&waiver.id.as_str());
    is_rule
        || matching.known_ids.contains_key(&waiver.id)
        || matching.matches.iter().any(|matched| matched.advisory.ids.contains(&waiver.id))
}

/// False where what it names is there and no feed for it was asked, or where not all that is there was seen.
fn was_looked_up(waiver: &Waiver, evidence: &Evidence<'_>) -> bool {
    let inventory = evidence.inventory;
    let is_there = inventory.components.iter().any(|component| waiver.package.matches(&component.purl));
    let unseen = |gap: &Gap| matches!(gap.kind, GapKind::PartialDatabase | GapKind::UnreadablePath);
    (!is_there || is_answered(waiver.package.kind(), evidence.matching)) && !inventory.gaps.iter().any(unseen)
}

/// True when a feed for the kind of package was asked at all: only then is an id that nobody knows a wrong one.
fn is_answered(kind: &str, matching: &Matching) -> bool {
    let mut homes = homes(kind, None).peekable();
    if homes.peek().is_none() {
        return !matching.feeds.is_empty();
    }
    homes.any(|home| matching.feeds.iter().any(|feed| feed.ecosystem() == Some(home)))
}

fn similar_id(id: &str, matching: &Matching) -> Option<String> {
    let known: BTreeSet<&str> = matching
        .matches
        .iter()
        .flat_map(|matched| &matched.advisory.ids)
        .map(String::as_str)
        .chain(RULES_AS_IDS)
        .collect();
    nearest(id, &known.into_iter().collect::<Vec<_>>()).map(str::to_owned)
}
