//! `scan`: a verdict on something that exists, without building or publishing.

use super::{judged, subject};
use crate::cli::args::ScanArgs;
use crate::cli::error::CliError;
use crate::cli::session::{Answer, Session};
use crate::model::context::Context;

/// Judges a folder, a lock file, an image or an SBOM.
pub(super) async fn run(session: &Session<'_>, args: &ScanArgs) -> Result<Answer, CliError> {
    let (judge, inventory) = subject::opened(&args.target, &args.judging, session).await?;
    let context = Context {
        asked_as_of: session.effects.clock.asked(),
        elsewhere: subject::is_elsewhere(&args.target, session),
        waiver_authors: judge.waiver_authors(),
        ..Context::default()
    };
    Ok(judged::answer(&judge, &inventory, &context, session).await)
}
