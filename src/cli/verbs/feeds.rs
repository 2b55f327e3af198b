//! `feeds`: the advisory data: where from, how old, for air gaps.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::cli::args::{FeedsArgs, FeedsVerb, Judging};
use crate::cli::error::CliError;
use crate::cli::session::{Answer, Session};
use crate::gate::GateError;
use crate::model::event::Stage;
use crate::model::inventory::Ecosystem;
use crate::report::quantity;
use crate::report::text::prose;
use crate::stage::matching::{self, Bundle, FeedStatus, MatchingError};

/// Updates, shows, exports or imports.
pub(super) async fn run(session: &Session<'_>, args: &FeedsArgs) -> Result<Answer, CliError> {
    let judging = Judging {
        osv: args.osv.clone(),
        max_age: args.max_age.clone(),
        ..Judging::default()
    };
    let plan = session.workspace.judging_plan(&judging)?.feeds;
    let effects = &session.effects;
    let named: Vec<Ecosystem> = args.ecosystem.iter().map(Ecosystem::new).collect();
    match &args.verb {
        FeedsVerb::Update => Ok(listed(&matching::update(&plan, &named, effects).await.map_err(failed)?, session)),
        FeedsVerb::Status => Ok(listed(&matching::status(&plan, &named, effects).await.map_err(failed)?, session)),
        FeedsVerb::Export { file } => {
            let bundle = tokio::task::block_in_place(|| matching::export(&plan, &named, file)).map_err(failed)?;
            Ok(bundled(
                "exported",
                &bundle,
                &format!("carry it over, then: portcullis feeds import {}", file.display()),
            ))
        }
        FeedsVerb::Import { file } => {
            let bundle = tokio::task::block_in_place(|| matching::import(file, &plan, effects)).map_err(failed)?;
            effects.note(Stage::Matching, format!("read {}", file.display()));
            Ok(bundled("imported", &bundle, "portcullis scan --offline"))
        }
    }
}

fn failed(error: MatchingError) -> CliError {
    CliError::Gate(GateError::Matching(error))
}

fn listed(feeds: &[FeedStatus], session: &Session<'_>) -> Answer {
    let now = session.effects.clock.now();
    let mut text = String::new();
    for feed in feeds {
        let _ = match (&feed.revision, &feed.problem) {
            (Some(revision), _) => writeln!(
                text,
                "{:<18} {:>9} records  {}{}  {}  {}",
                prose(&feed.name),
                quantity::thousands(revision.records),
                quantity::age(revision.as_of, now),
                if feed.stale { ", too old" } else { "" },
                quantity::bytes(feed.index_bytes),
                prose(&feed.source),
            ),
            (None, problem) => writeln!(
                text,
                "{:<18} not usable: {}",
                prose(&feed.name),
                prose(problem.as_deref().unwrap_or("nothing was ever fetched")),
            ),
        };
        for record in &feed.quarantine {
            let _ = writeln!(
                text,
                "                   set aside {}: {}",
                prose(&record.id),
                prose(&record.reason)
            );
        }
    }
    if feeds.is_empty() {
        text.push_str("no advisory data is here yet\n");
    }
    let usable = !feeds.is_empty() && feeds.iter().all(|feed| feed.problem.is_none() && !feed.stale);
    Answer::Said {
        human: text,
        json: json!({ "schema": "portcullis/feeds/v1", "feeds": feeds }),
        code: if usable { 0 } else { 2 },
        next: if usable {
            "nothing"
        } else {
            "portcullis feeds update --ecosystem NAME fetches what is missing or too old"
        }
        .to_owned(),
    }
}

fn bundled(done: &str, bundle: &Bundle, next: &str) -> Answer {
    let names: Vec<&str> = bundle.contents.ecosystems.keys().map(String::as_str).collect();
    let json: Value = json!({
        "schema": "portcullis/feeds-bundle/v1",
        "digest": bundle.digest,
        "size": bundle.size,
        "ecosystems": names,
    });
    Answer::Said {
        human: format!("{done} {}: {}, {}", names.join(", "), quantity::bytes(bundle.size), bundle.digest),
        json,
        code: 0,
        next: next.to_owned(),
    }
}
