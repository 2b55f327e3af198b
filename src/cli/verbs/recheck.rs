//! `recheck`: judges stored inventories against today's advisories, without the images.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::json;

use super::verify;
use crate::cli::args::{RecheckArgs, image_ref};
use crate::cli::error::CliError;
use crate::cli::session::{Answer, Session};
use crate::gate::{FleetPlan, Judge};
use crate::io::files;
use crate::model::inventory::{Component, Ecosystem, Inventory, Subject};
use crate::model::plan::Destination;
use crate::model::purl::Purl;
use crate::model::verdict::Decision;
use crate::report::text::prose;
use crate::stage::policy::recheck::{Recheck, Rechecked, Shard, Stored, counts};

/// Rechecks a file, a folder, an image or a repository, or a share of it.
pub(super) async fn run(session: &Session<'_>, args: &RecheckArgs) -> Result<Answer, CliError> {
    let effects = &session.effects;
    let shard = match &args.shard {
        Some(text) => text.parse().map_err(|problem| CliError::setting("--shard", format!("{problem}")))?,
        None => Shard::WHOLE,
    };
    let plan = plan(session, args)?;
    let judge = Judge::load(&session.workspace.judging_plan(&args.judging)?, effects).await?;
    let fleet = plan.collect(shard, effects).await?;
    if fleet.stored.is_empty() && args.shard.is_none() {
        // Nothing to look at is not the same as nothing found.
        return Err(CliError::Missing {
            problem: format!("{} holds no stored inventory", args.target),
            help: match fleet.is_fetched() {
                true => "`portcullis publish` attests one with each image; only images that a tag names can be listed",
                false => "`portcullis gate` leaves evidence.json, `portcullis sbom --form inventory` prints one",
            }
            .to_owned(),
        });
    }
    let feeds = judge.feeds(&ecosystems(&fleet.stored, effects.limits.sbom), effects).await?;
    let recheck = Recheck {
        policy: judge.policy(),
        waivers: judge.waivers(),
        matcher: |inventory: &Inventory, ids: &[String]| feeds.match_inventory(inventory, ids),
        at: effects.clock.evaluation(),
        effects,
    };
    let results = tokio::task::block_in_place(|| recheck.run(&fleet.stored));
    Ok(answer(&results))
}

/// A path that exists, else a repository or an image.
fn plan(session: &Session<'_>, args: &RecheckArgs) -> Result<FleetPlan, CliError> {
    let text = args.target.as_str();
    let path = PathBuf::from(text);
    if path.exists() {
        return Ok(FleetPlan::Files(path));
    }
    let key = || verify::key(session, args.key.as_ref());
    let plain_http = args.plain_http || session.workspace.config.image.plain_http;
    let scheme = text.split_once(':').filter(|(scheme, _)| matches!(*scheme, "registry" | "oci"));
    match scheme {
        _ if text.contains("@sha256:") => {
            let image = image_ref(text).map_err(|problem| CliError::setting("TARGET", problem.to_string()))?;
            Ok(FleetPlan::Image {
                image,
                key: key()?,
                plain_http,
            })
        }
        Some((scheme, place)) => Ok(FleetPlan::Repository {
            repository: match scheme {
                "oci" => Destination::OciLayout(PathBuf::from(place)),
                _ => Destination::Registry {
                    repository: place.to_owned(),
                    plain_http,
                },
            },
            key: key()?,
        }),
        None => Err(CliError::Missing {
            problem: format!("there is no file or folder {text}"),
            help: "name a stored inventory, an evidence.json, a folder of them, or registry:REPOSITORY".to_owned(),
        }),
    }
}

/// An inventory with one nameless component of each ecosystem that the files name: enough to know which feeds are needed.
/// The files are not parsed for it, they are only searched.
fn ecosystems(found: &[Stored], limit: u64) -> Inventory {
    use rayon::prelude::*;
    let names: BTreeSet<String> = found
        .par_iter()
        .filter_map(|stored| stored.content.as_ref().ok())
        .flat_map_iter(|file| named(&files::read(file, limit).unwrap_or_default()))
        .collect();
    let mut inventory = Inventory::new(Subject {
        name: "recheck".to_owned(),
        digest: None,
        commit: None,
    });
    let component = |name: String| Component::new(Purl::new("generic", "any", "0"), Some(Ecosystem::new(name)), "recheck");
    inventory.components = names.into_iter().map(component).collect();
    inventory
}

fn named(bytes: &[u8]) -> BTreeSet<String> {
    let key = memchr::memmem::Finder::new(b"\"ecosystem\":");
    let value = |at: usize| {
        let rest = bytes[at + 12..].trim_ascii_start().strip_prefix(b"\"")?;
        let end = rest.iter().take(100).position(|byte| *byte == b'"')?;
        String::from_utf8(rest[..end].to_vec()).ok()
    };
    key.find_iter(bytes).filter_map(value).collect()
}

fn answer(results: &[Rechecked]) -> Answer {
    let mut text = String::new();
    for result in results.iter().filter(|result| result.verdict != Decision::Cleared) {
        let _ = writeln!(text, "{:<12} {}", result.verdict.as_str(), prose(&result.file));
        for denied in &result.denied {
            let _ = writeln!(text, "             {}", prose(denied));
        }
        if let Some(problem) = &result.problem {
            let _ = writeln!(text, "             {}", prose(problem));
        }
    }
    let counts = counts(results);
    let count = |decision| counts.get(&decision).copied().unwrap_or(0);
    let (cleared, blocked, undecidable) = (count(Decision::Cleared), count(Decision::Blocked), count(Decision::Undecidable));
    let _ = write!(
        text,
        "{} rechecked: {cleared} cleared, {blocked} blocked, {undecidable} undecidable",
        results.len()
    );
    let (code, next) = match (blocked, undecidable) {
        (0, 0) => (0, "nothing"),
        (0, _) => (2, "close what could not be decided above"),
        _ => (
            1,
            "build and gate the blocked services again, with what `portcullis explain` suggests",
        ),
    };
    Answer::Said {
        human: text,
        json: json!({
            "schema": "portcullis/recheck/v1",
            "cleared": cleared,
            "blocked": blocked,
            "undecidable": undecidable,
            "results": results,
        }),
        code,
        next: next.to_owned(),
    }
}
