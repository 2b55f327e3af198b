//! `rollout` and its questions, and the hidden `switch`.

use super::verify;
use crate::cli::args::{RolloutArgs, RolloutVerb, SwitchArgs, image_ref};
use crate::cli::error::CliError;
use crate::cli::session::{Answer, Session};

/// A rollout, or a question about one.
pub(super) async fn run(session: &Session<'_>, args: &RolloutArgs) -> Result<Answer, CliError> {
    let _ = (
        session,
        args,
        image_ref as fn(&str) -> _,
        verify::key as fn(_, _) -> _,
        RolloutVerb::Status,
    );
    Err(CliError::setting("rollout", "not wired"))
}

/// The process that owns the public listener.
pub(super) async fn switch(_session: &Session<'_>, args: &SwitchArgs) -> Result<Answer, CliError> {
    Err(CliError::setting("switch", args.rest.join(" ")))
}
