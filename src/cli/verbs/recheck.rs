//! `recheck`: judges stored inventories against today's advisories, without the images.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::args::RecheckArgs;
use crate::cli::error::CliError;
use crate::cli::session::{Answer, Session};
use crate::gate::Judge;
use crate::io::files;
use crate::model::inventory::{Component, Ecosystem, Inventory, Subject};
use crate::model::purl::Purl;
use crate::model::verdict::Decision;
use crate::report::text::prose;
use crate::stage::policy::recheck::{Recheck, Rechecked, Shard, counts, stored};

/// Rechecks a file or a folder, or a share of it.
pub(super) async fn run(session: &Session<'_>, args: &RecheckArgs) -> Result<Answer, CliError> {
    let effects = &session.effects;
    let shard = match &args.shard {
        Some(text) => text.parse().map_err(|problem| CliError::setting("--shard", format!("{problem}")))?,
        None => Shard::WHOLE,
    };
    if !args.path.exists() {
        return Err(CliError::Missing {
            problem: format!("there is no file or folder {}", args.path.display()),
            help: "name a stored inventory, an evidence.json, or a folder of them".to_owned(),
        });
    }
    let judge = Judge::load(&session.workspace.judging_plan(&args.judging)?, effects)?;
    let found = stored(&args.path, shard);
    if found.is_empty() && args.shard.is_none() {
        // Nothing to look at is not the same as nothing found.
        return Err(CliError::Missing {
            problem: format!("{} holds no stored inventory", args.path.display()),
            help: "`portcullis gate` leaves evidence.json, `portcullis sbom --form inventory` prints one".to_owned(),
        });
    }
    let feeds = judge.feeds(&ecosystems(&found, effects.limits.sbom), effects).await?;
    let recheck = Recheck {
        policy: judge.policy(),
        waivers: judge.waivers(),
        matcher: |inventory: &Inventory, ids: &[String]| feeds.match_inventory(inventory, ids),
        at: effects.clock.evaluation(),
        effects,
    };
    let root: &Path = if args.path.is_dir() { &args.path } else { Path::new("") };
    let results = tokio::task::block_in_place(|| recheck.run(root, &found));
    Ok(answer(&results))
}

/// An inventory with one nameless component of each ecosystem that the files name: enough to know which feeds are needed.
/// The files are not parsed for it, they are only searched.
fn ecosystems(found: &[PathBuf], limit: u64) -> Inventory {
    use rayon::prelude::*;
    let names: BTreeSet<String> = found
        .par_iter()
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
