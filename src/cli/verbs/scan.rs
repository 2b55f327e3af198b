//! `scan`: a verdict on something that exists, without building or publishing.

use super::{judged, target};
use crate::cli::args::ScanArgs;
use crate::cli::error::CliError;
use crate::cli::session::{Answer, Session};
use crate::gate::Judge;
use crate::model::context::Context;

/// Judges a folder, a lock file, an image or an SBOM.
pub(super) async fn run(session: &Session<'_>, args: &ScanArgs) -> Result<Answer, CliError> {
    let mut plan = session.workspace.judging_plan(&args.judging)?;
    plan.sources = target::sources(&args.target, session);
    let judge = Judge::load(&plan, &session.effects).await?;
    let inventory = target::inventory(&args.target, session).await?;
    Ok(judged::answer(&judge, &inventory, &Context::default(), session).await)
}
