//! What the verdict rests on: gaps, waivers that need somebody, the age of the advisory data.

use super::page::Page;
use crate::model::coverage::GapKind;
use crate::model::finding::Disposition;
use crate::model::verdict::Verdict;
use crate::model::waiver::{WaiverReport, WaiverState};
use crate::report::quantity::{age, age_with, count, counted, thousands, until_day};
use crate::report::style::Paint;

/// Gaps of one kind shown; executables that nobody accounts for come in hundreds.
const OF_A_KIND: usize = 5;

/// Gaps of a disposition, by kind.
pub(super) fn gaps(page: &mut Page, verdict: &Verdict, disposition: Disposition) {
    let all: Vec<_> = verdict.gaps.iter().filter(|gap| gap.disposition == disposition).collect();
    if all.is_empty() {
        return;
    }
    let (heading, aside, paint, sign) = match disposition {
        Disposition::Denied => ("Not known", "never the same as clean", Paint::Bad, page.signs().bad),
        _ => ("Not known, accepted by the policy", "", Paint::Doubt, page.signs().doubt),
    };
    page.heading(heading, aside);
    for kind in GapKind::ALL {
        let of_kind: Vec<_> = all.iter().filter(|gap| gap.kind == *kind).collect();
        for gap in of_kind.iter().take(OF_A_KIND) {
            let label = format!("{sign} {}", kind.as_str());
            page.labelled(2, (paint, &label), 23, (Paint::Strong, &gap.subject));
            page.labelled(2, (Paint::Dim, ""), 23, (Paint::Dim, &gap.detail));
        }
        if of_kind.len() > OF_A_KIND {
            let more = format!(
                "and {} of this kind in findings.json",
                count(of_kind.len() - OF_A_KIND, "more", "more")
            );
            page.labelled(2, (Paint::Dim, ""), 23, (Paint::Dim, &more));
        }
    }
}

/// What of a source tree was not looked into, and why.
pub(super) fn passed_over(page: &mut Page, verdict: &Verdict) {
    if verdict.passed_over.is_empty() {
        return;
    }
    page.heading("Not looked into", "");
    for passed in &verdict.passed_over {
        page.labelled(2, (Paint::Dim, &thousands(passed.count as u64)), 9, (Paint::Plain, &passed.why()));
        page.labelled(2, (Paint::Dim, ""), 9, (Paint::Dim, &passed.named(OF_A_KIND)));
    }
}

/// Releases whose age nobody knows, and young ones that were let be.
pub(super) fn release_times(page: &mut Page, verdict: &Verdict) {
    let Some(times) = &verdict.inputs.release_times else { return };
    let lines: Vec<String> = times.unknown_words(OF_A_KIND).into_iter().chain(times.fixes_words()).collect();
    if lines.is_empty() {
        return;
    }
    page.heading("Ages of releases", "");
    for line in lines {
        page.prose(2, Paint::Dim, &line);
    }
}

/// What does not block because it was not linked: the policy asks for that, and nobody has looked at it.
pub(super) fn not_linked(page: &mut Page, verdict: &Verdict) {
    let applied: Vec<(&str, String)> = verdict.not_linked().collect();
    if applied.is_empty() {
        return;
    }
    page.heading("Not blocked by the policy's not_linked", "");
    for (id, words) in applied.iter().take(OF_A_KIND) {
        page.prose(2, Paint::Dim, &format!("{id}: {words}"));
    }
    if let more @ 1.. = applied.len().saturating_sub(OF_A_KIND) {
        page.prose(2, Paint::Dim, &format!("and {more} more, all of them in findings.json"));
    }
}

/// Waivers that somebody must look at: all but those that simply hold.
pub(super) fn waivers(page: &mut Page, verdict: &Verdict) {
    let odd: Vec<&WaiverReport> = verdict
        .waivers
        .iter()
        .filter(|w| w.state != WaiverState::Active || !w.refused.is_empty())
        .collect();
    if odd.is_empty() {
        return;
    }
    let active = verdict.waivers.len() - odd.len();
    let aside = if active > 0 {
        format!("{} beside these", count(active, "active waiver", "active waivers"))
    } else {
        String::new()
    };
    page.heading("Waivers to look at", &aside);
    let rows: Vec<_> = odd
        .iter()
        .map(|waiver| {
            let (paint, sign) = state_sign(page, waiver);
            let meaning = match waiver.state {
                _ if !waiver.refused.is_empty() => format!("not accepted: {}", waiver.refused.join("; ")),
                WaiverState::Unknown => "no feed knows this id".to_owned(),
                WaiverState::Unused => "covers nothing: remove it".to_owned(),
                _ => format!("{} ({})", until_day(waiver.expires, verdict.evaluated_at), waiver.expires),
            };
            vec![
                (paint, format!("{sign} {}", waiver.state.as_str())),
                (Paint::Strong, waiver.waiver.clone()),
                (Paint::Dim, waiver.package.clone()),
                (Paint::Dim, format!("{meaning}, {}, line {}", waiver.owner, waiver.line)),
            ]
        })
        .collect();
    page.table(2, &rows);
}

/// The sign and colour of a waiver's state.
pub(super) fn state_sign(page: &Page, waiver: &WaiverReport) -> (Paint, &'static str) {
    let signs = page.signs();
    match waiver.state {
        _ if !waiver.refused.is_empty() => (Paint::Bad, signs.bad),
        WaiverState::Expired | WaiverState::Unknown => (Paint::Bad, signs.bad),
        WaiverState::Expiring | WaiverState::Unused => (Paint::Doubt, signs.doubt),
        WaiverState::Active => (Paint::Calm, signs.calm),
    }
}

/// Each feed with its size and age at the evaluation time.
pub(super) fn feeds(page: &mut Page, verdict: &Verdict) {
    if verdict.inputs.feeds.is_empty() {
        return;
    }
    page.heading("Advisory data", "");
    let stale = |name: &str| verdict.gaps.iter().any(|gap| gap.kind == GapKind::StaleFeed && gap.subject == name);
    let rows: Vec<_> = verdict
        .inputs
        .feeds
        .iter()
        .map(|feed| {
            let quarantined = match feed.quarantined {
                0 => String::new(),
                number => format!(", {} set aside as unreadable", thousands(number)),
            };
            let old = age_with(feed.as_of, verdict.evaluated_at, "old").unwrap_or_else(|| age(feed.as_of, verdict.evaluated_at));
            let paint = if stale(&feed.name) { Paint::Bad } else { Paint::Dim };
            vec![
                (Paint::Strong, feed.name.clone()),
                (paint, old),
                (Paint::Dim, format!("{}{quarantined}", counted(feed.records, "record", "records"))),
                (Paint::Dim, feed.source.clone()),
            ]
        })
        .collect();
    page.table(2, &rows);
}
