//! `feeds`: the advisory data: where from, how old, for air gaps.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::cli::args::{FeedsArgs, FeedsVerb, Judging, image_ref};
use crate::cli::error::CliError;
use crate::cli::session::{Answer, Session};
use crate::gate::GateError;
use crate::model::event::Stage;
use crate::model::excused::Excused as _;
use crate::model::exit_kind::ExitKind;
use crate::model::image_ref::ImageRef;
use crate::model::inventory::Ecosystem;
use crate::model::plan::FeedsPlan;
use crate::report::closing::bring_up_to_date;
use crate::report::quantity;
use crate::report::text::prose;
use crate::stage::matching::MatchingError;
use crate::stage::matching::{self, Artifact, Bundle, FeedStatus};

/// Updates, shows, exports or imports.
pub(super) async fn run(session: &Session<'_>, args: &FeedsArgs) -> Result<Answer, CliError> {
    let judging = Judging {
        osv: args.osv.clone(),
        max_age: args.max_age.clone(),
        ..Judging::default()
    };
    // What is imported goes into the cache, and a feed that is the user's own is refused there by its name.
    if !matches!(args.verb, FeedsVerb::Import { .. }) {
        session.workspace.feeds_are_there(&judging)?;
    }
    let plan = session.workspace.judging_plan(&judging)?.feeds;
    let effects = &session.effects;
    let named: Vec<Ecosystem> = args.ecosystem.iter().map(Ecosystem::new).collect();
    match &args.verb {
        FeedsVerb::Update => Ok(listed(&matching::update(&plan, &named, effects).await.map_err(failed)?, session)),
        FeedsVerb::Status => Ok(listed(&matching::status(&plan, &named, effects).await.map_err(failed)?, session)),
        FeedsVerb::Export { to } => match to.strip_prefix("registry:") {
            Some(reference) => {
                let (repository, tag) = split_tag(reference);
                let artifact = matching::push(&plan, &named, repository, tag, effects).await.map_err(failed)?;
                let next = format!("on the other side: portcullis feeds import registry:{}", artifact.reference);
                Ok(bundled("pushed", &artifact.bundle, Some(&artifact), &next))
            }
            None => {
                let bundle = tokio::task::block_in_place(|| matching::export(&plan, &named, Path::new(to))).map_err(failed)?;
                let next = format!("carry it over, then: portcullis feeds import {to}");
                Ok(bundled("exported", &bundle, None, &next))
            }
        },
        FeedsVerb::Import { from } if from.starts_with("registry:") => {
            let parsed = image_ref(from).map_err(|problem| CliError::setting("feeds import", problem.to_string()))?;
            let ImageRef::Registry { repository, digest } = parsed else {
                return Err(CliError::setting(
                    "feeds import",
                    format!("`{from}` is not registry:REPOSITORY@sha256:…"),
                ));
            };
            let artifact = matching::pull(&repository, &digest, &plan, effects).await.map_err(failed)?;
            let unusable = unusable(&artifact.bundle, &plan, session).await?;
            let done = bundled("pulled", &artifact.bundle, Some(&artifact), "portcullis scan --offline");
            Ok(with(done, &unusable))
        }
        FeedsVerb::Import { from } => {
            if !Path::new(from).is_file() {
                let problem = match Path::new(from).exists() {
                    true => format!("`{from}` is not a file: a bundle is one, as `portcullis feeds export` writes it"),
                    false => format!("there is no file `{from}`"),
                };
                return Err(CliError::setting("feeds import", problem));
            }
            let bundle = tokio::task::block_in_place(|| matching::import(Path::new(from), &plan, effects)).map_err(failed)?;
            effects.note(Stage::Matching, format!("read {from}"));
            let unusable = unusable(&bundle, &plan, session).await?;
            Ok(with(bundled("imported", &bundle, None, "portcullis scan --offline"), &unusable))
        }
    }
}

/// What a run cannot use of a bundle that was just put in place, each with the reason, and whether something is merely too old.
async fn unusable(bundle: &Bundle, plan: &FeedsPlan, session: &Session<'_>) -> Result<(Vec<String>, bool), CliError> {
    let named: Vec<Ecosystem> = bundle.contents.ecosystems.keys().map(Ecosystem::new).collect();
    if named.is_empty() {
        return Ok((Vec::new(), false));
    }
    let feeds = matching::status(plan, &named, &session.effects).await.map_err(failed)?;
    let why = |feed: &FeedStatus| match (&feed.problem, feed.stale) {
        (Some(problem), _) => Some(format!("{}: {problem}", feed.name)),
        (None, true) => Some(format!("{}: its data is older than `max_age` allows", feed.name)),
        (None, false) => None,
    };
    let is_old = feeds.iter().any(|feed| feed.problem.is_none() && feed.stale);
    Ok((feeds.iter().filter_map(why).collect(), is_old))
}

/// An answer that was good, unless something of it cannot be used.
fn with(done: Answer, (unusable, is_old): &(Vec<String>, bool)) -> Answer {
    match done {
        Answer::Message { human, mut json, .. } if !unusable.is_empty() => {
            json["unusable"] = json!(unusable);
            Answer::Message {
                human: format!("{human}\nno run can use {}", prose(&unusable.join("; "))),
                json,
                code: 2,
                next: match is_old {
                    true => "export newer data, or allow older data with [feeds] max_age",
                    false => "correct what is named above, and import it again",
                }
                .to_owned(),
            }
        }
        other => other,
    }
}

/// `host:5000/path:tag` in its parts.
fn split_tag(reference: &str) -> (&str, Option<&str>) {
    match reference.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
        _ => (reference, None),
    }
}

fn failed(error: MatchingError) -> CliError {
    CliError::Gate(GateError::Matching(error))
}

fn listed(feeds: &[FeedStatus], session: &Session<'_>) -> Answer {
    let now = session.effects.clock.now();
    let mut text = String::new();
    for feed in feeds {
        let listed = match (&feed.revision, &feed.problem) {
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
            (None, Some(problem)) => writeln!(text, "{:<18} not usable: {}", prose(&feed.name), prose(problem)),
            (None, None) => writeln!(text, "{:<18} nothing of it is here  {}", prose(&feed.name), prose(&feed.source)),
        };
        listed.dismissed("a string takes everything");
        if let Some(why) = &feed.unreached {
            writeln!(text, "                   not updated: {}", prose(why)).dismissed("a string takes everything");
        }
        for record in &feed.quarantine {
            writeln!(
                text,
                "                   set aside {}: {}",
                prose(&record.id),
                prose(&record.reason)
            )
            .dismissed("a string takes everything");
        }
    }
    let has_advisories = feeds.iter().any(FeedStatus::is_advisories);
    if !has_advisories {
        text.push_str("no advisory data is here yet\n");
    }
    let is_unreached = feeds.iter().any(|feed| feed.unreached.is_some());
    let usable = has_advisories && feeds.iter().all(|feed| feed.problem.is_none() && !feed.stale);
    Answer::Message {
        human: text,
        json: json!({ "schema": "portcullis/feeds/v1", "feeds": feeds }),
        code: match (is_unreached, usable) {
            (true, _) => ExitKind::Unreachable.code(),
            (false, true) => 0,
            (false, false) => ExitKind::Undecidable.code(),
        },
        next: match (is_unreached, usable, feeds.iter().find(|feed| feed.stale && feed.is_own())) {
            (true, ..) => "check the network and the address named above, and run it again: what is here is as old as it was".to_owned(),
            (false, true, _) => "nothing".to_owned(),
            (false, false, Some(own)) => bring_up_to_date(&own.source),
            (false, false, None) if feeds.iter().any(FeedStatus::is_own) => {
                "correct what is named above: it is a folder or a file of this machine".to_owned()
            }
            (false, false, None) => "portcullis feeds update --ecosystem NAME fetches what is missing or too old".to_owned(),
        },
    }
}

fn bundled(done: &str, bundle: &Bundle, artifact: Option<&Artifact>, next: &str) -> Answer {
    let contents = &bundle.contents;
    let names: Vec<&str> = contents
        .ecosystems
        .keys()
        .chain(contents.documents.keys())
        .map(String::as_str)
        .collect();
    let place = artifact.map(|artifact| format!(", {}", artifact.reference)).unwrap_or_default();
    let json: Value = json!({
        "schema": "portcullis/feeds-bundle/v1",
        "digest": bundle.digest,
        "size": bundle.size,
        "ecosystems": contents.ecosystems.keys().collect::<Vec<_>>(),
        "documents": contents.documents.keys().collect::<Vec<_>>(),
        "artifact": artifact.map(|artifact| &artifact.reference),
    });
    Answer::Message {
        human: format!(
            "{done} {}: {}, {}{place}",
            names.join(", "),
            quantity::bytes(bundle.size),
            bundle.digest
        ),
        json,
        code: 0,
        next: next.to_owned(),
    }
}
