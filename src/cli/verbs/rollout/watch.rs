//! `rollout status --watch`: follows what another deployer does until it ends.

use std::time::Duration;

use crate::gate::GateError;
use crate::io::Effects;
use crate::model::event::Stage;
use crate::model::plan::RolloutPlan;
use crate::stage::rollout::{self, RolloutStatus};

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);

/// Tells each change, and gives the status once nobody is at work; at once where nobody is.
pub(super) async fn watch(plan: &RolloutPlan, effects: &Effects) -> Result<RolloutStatus, GateError> {
    let mut told = String::new();
    loop {
        let status = rollout::status(plan, effects).await?;
        if status.locked_by.is_none() {
            return Ok(status);
        }
        let line = line(&status);
        if line != told {
            effects.note(Stage::Rollout, line.clone());
            told = line;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// `4f2a9c1b0d3e (sha256:…): Canary; 25 %: 99 requests, 0 failed, p95 12 ms`.
fn line(status: &RolloutStatus) -> String {
    let mut line = match &status.interrupted {
        Some(open) => format!("{}: {}", open.deployed.release.shown(), open.state),
        None => "a deployer is at work, and has not begun yet".to_owned(),
    };
    if let Some(canary) = &status.canary {
        line.push_str(&format!("; {} %: {}", canary.share.percent, canary.figures.shown()));
    }
    line
}
