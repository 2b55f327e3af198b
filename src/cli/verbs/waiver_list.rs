//! `waivers list`: every waiver with its state in the last run; without one, what the file and the cached feeds say.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use serde_json::json;

use crate::cli::args::Judging;
use crate::cli::error::CliError;
use crate::cli::session::{Answer, Session};
use crate::cli::stored_run;
use crate::gate::{GateError, Judge};
use crate::model::context::Context;
use crate::model::ecosystem::{Ecosystem, homes};
use crate::model::error_chain::chain;
use crate::model::inventory::{Inventory, Subject};
use crate::model::matching::Matching;
use crate::model::verdict::Verdict;
use crate::model::waiver::WaiverState;
use crate::report::human::waiver_list;
use crate::stage::policy::{self, Evidence, Waivers};

pub(super) async fn list(session: &Session<'_>) -> Result<Answer, CliError> {
    let mut plan = session.workspace.judging_plan(&Judging::default())?;
    plan.feeds.offline = true;
    let judge = Judge::load(&plan, &session.effects).await?;
    let (verdict, unknown) = match of_last_run(session, judge.waivers())? {
        Some(verdict) => (verdict, Vec::new()),
        None => of_file(session, &judge).await,
    };
    let from = if unknown.is_empty() { "run" } else { "file" };
    let next = match from {
        "run" => "nothing",
        _ => "`portcullis gate`, or `portcullis check --output target/portcullis`, says what each covers",
    };
    Ok(Answer::Message {
        human: waiver_list(&verdict, &unknown, session.environment.stdout_style(session.global)),
        json: json!({
            "schema": "portcullis/waivers/v1",
            "from": from,
            "evaluated_at": verdict.evaluated_at,
            "not_known": unknown,
            "waivers": verdict.waivers,
        }),
        code: 0,
        next: next.to_owned(),
    })
}

/// The verdict of the last run, if it was about the waivers as they are now.
fn of_last_run(session: &Session<'_>, waivers: &Waivers) -> Result<Option<Verdict>, CliError> {
    if !session.workspace.output.join(policy::evidence_file::EVIDENCE_FILE).exists() {
        return Ok(None);
    }
    let record = stored_run::evidence(&session.workspace.output, &session.effects)?;
    let before = record.waivers.as_ref().map(|document| document.text.as_str());
    if before != waivers.text() {
        return Ok(None);
    }
    Ok(Some(record.replay().map_err(GateError::from)?))
}

/// What can be said without looking at anything that ships, and what cannot.
async fn of_file(session: &Session<'_>, judge: &Judge) -> (Verdict, Vec<String>) {
    let mut unknown = vec![
        match session.workspace.output.join(policy::evidence_file::EVIDENCE_FILE).is_file() {
            true => "what each covers: the file has changed since the last run".to_owned(),
            false => "what each covers: there was no run here yet".to_owned(),
        },
    ];
    let asked = ecosystems(judge.waivers());
    let inventory = Inventory::new(Subject {
        name: "waivers".to_owned(),
        digest: None,
        commit: None,
    });
    let matching = match judge.feeds_of(&asked, &session.effects).await {
        Ok(feeds) => tokio::task::block_in_place(|| feeds.match_inventory(&inventory, &judge.waivers().ids())),
        Err(error) => {
            unknown.push(format!("whether ids exist: {}", chain(&error)));
            Matching::default()
        }
    };
    let answered = |asked: &&Ecosystem| matching.feeds.iter().any(|feed| feed.ecosystem() == Some(asked.base()));
    let silent: Vec<&str> = asked.iter().filter(|asked| !answered(asked)).map(Ecosystem::as_str).collect();
    if !silent.is_empty() {
        unknown.push(format!(
            "whether ids exist in {}: the cache holds no such feed (`portcullis feeds update`)",
            silent.join(", ")
        ));
    }
    let at = session.effects.clock.evaluation();
    // Nothing is in question that was not looked at.
    let evidence = Evidence {
        inventory: &inventory,
        matching: &matching,
        context: &Context::default(),
        at,
    };
    let mut verdict = policy::judge(judge.policy(), judge.waivers(), &evidence);
    let today = at.to_zoned(TimeZone::UTC).date();
    for waiver in verdict.waivers.iter_mut().filter(|waiver| waiver.state == WaiverState::Unused) {
        waiver.state = WaiverState::on(today, waiver.expires, judge.policy().expiring_days());
    }
    (verdict, unknown)
}

/// Where the packages that waivers name have their advisories. A pattern that leaves the distribution open names none.
fn ecosystems(waivers: &Waivers) -> BTreeSet<Ecosystem> {
    let packages = waivers.entries().iter().map(|waiver| &waiver.package);
    let named = packages.filter_map(|package| {
        let mut homes = homes(package.kind(), package.namespace());
        homes.next().filter(|_| homes.next().is_none())
    });
    named.map(Ecosystem::new).collect()
}
