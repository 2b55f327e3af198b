//! `recheck`: judges stored inventories against today's advisories, without the images.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::fleet_answer;
use crate::cli::args::{RecheckArgs, image_ref};
use crate::cli::error::CliError;
use crate::cli::session::{Answer, Session};
use crate::gate::{FleetPlan, Judge};
use crate::io::Effects;
use crate::model::advisory::FeedRevision;
use crate::model::image_ref::is_reference;
use crate::model::inventory::Inventory;
use crate::model::logins;
use crate::model::plan::Destination;
use crate::stage::policy::recheck::{FleetAnswer, RECHECK_SCHEMA, Recheck, Rechecked, Shard, Stored};

/// Stored inventories that are looked at before any feed is open.
const SAMPLE: usize = 16;

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
    if fleet.list.stored == 0 {
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
    let (results, feeds) = rounds(&judge, &fleet.stored, effects).await?;
    let answer = FleetAnswer {
        schema: RECHECK_SCHEMA.to_owned(),
        at: effects.clock.evaluation(),
        gate: env!("CARGO_PKG_VERSION").to_owned(),
        policy: judge.policy().input(),
        waivers: judge.waivers().digest(),
        vex: judge.waivers().vex_inputs(),
        feeds,
        fleet: fleet.list,
        shard: Some(shard).filter(|shard| *shard != Shard::WHOLE),
        missing: Vec::new(),
        cleared: 0,
        blocked: 0,
        undecidable: 0,
        results,
    };
    fleet_answer::answer(&answer.counted())
}

/// Judges with the feeds that are known to be needed, and opens more where an inventory needs more, until none does. Beside the results: the
/// feeds that were open in the end.
async fn rounds(judge: &Judge, fleet: &[Stored], effects: &Effects) -> Result<(Vec<Rechecked>, Vec<FeedRevision>), CliError> {
    let mut results: Vec<Option<Rechecked>> = vec![None; fleet.len()];
    let (mut open, mut revisions) = (BTreeSet::new(), Vec::new());
    // The first of them tell what most of them need.
    let mut most = SAMPLE;
    loop {
        let left: Vec<usize> = (0..fleet.len()).filter(|at| results[*at].is_none()).take(most).collect();
        if left.is_empty() {
            return Ok((results.into_iter().flatten().collect(), revisions));
        }
        let feeds = judge.feeds_of(&open, effects).await?;
        revisions = feeds.revisions();
        let recheck = Recheck {
            policy: judge.policy(),
            waivers: judge.waivers(),
            waiver_authors: judge.waiver_authors(),
            matcher: |inventory: &Inventory, ids: &[String]| feeds.match_inventory(inventory, ids),
            open: &open,
            at: effects.clock.evaluation(),
            effects,
        };
        let stored: Vec<&Stored> = left.iter().map(|at| &fleet[*at]).collect();
        let (found, missing) = tokio::task::block_in_place(|| recheck.run(&stored));
        for (at, found) in left.iter().zip(found) {
            results[*at] = found;
        }
        open.extend(missing);
        most = usize::MAX;
    }
}

/// A repository or an image, else a path that exists.
fn plan(session: &Session<'_>, args: &RecheckArgs) -> Result<FleetPlan, CliError> {
    let text = args.target.as_str();
    let path = PathBuf::from(text);
    if !is_reference(text) && path.exists() {
        return Ok(FleetPlan::Files(path));
    }
    let key = || session.workspace.whose(&args.whose);
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
            problem: format!("there is no file or folder {}", logins::of_reference(text)),
            help: "name a stored inventory, an evidence.json, a folder of them, or registry:REPOSITORY".to_owned(),
        }),
    }
}
