//! `sbom`: what is in something, in a standard form.

use std::thread;

use tokio::runtime::Handle;

use super::subject;
use crate::cli::args::{SbomArgs, SbomForm};
use crate::cli::error::CliError;
use crate::cli::session::{Answer, Session};
use crate::gate::GateError;
use crate::model::event::Stage;
use crate::stage::inventory::sbom::{self, CycloneDxVersion};

/// Writes an SBOM to stdout.
pub(super) async fn run(session: &Session<'_>, args: &SbomArgs) -> Result<Answer, CliError> {
    // git is asked while the layers are read.
    let (inventory, commit_time) = tokio::task::block_in_place(|| {
        thread::scope(|scope| {
            let commit_time = scope.spawn(|| match session.global.at {
                Some(_) => Ok(None),
                None => session.workspace.commit_time(),
            });
            let inventory = Handle::current().block_on(subject::inventory(&args.target, session));
            (
                inventory,
                commit_time.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            )
        })
    });
    let (inventory, commit_time) = (inventory?, commit_time?);
    for passed in &inventory.passed_over {
        let said = format!("not looked into, {}: {}", passed.why(), passed.named(5));
        session.effects.note(Stage::Inventory, said);
    }
    let created = commit_time.unwrap_or_else(|| session.effects.clock.evaluation());
    let of = |version| sbom::cyclonedx_of(version, &inventory, created).map_err(GateError::from);
    let written = match args.form {
        SbomForm::Cyclonedx => sbom::cyclonedx(&inventory, created).map_err(GateError::from)?,
        SbomForm::Cyclonedx1_5 => of(CycloneDxVersion::V1_5)?,
        SbomForm::Cyclonedx1_6 => of(CycloneDxVersion::V1_6)?,
        SbomForm::Cyclonedx1_7 => of(CycloneDxVersion::V1_7)?,
        SbomForm::Spdx => sbom::spdx(&inventory, created).map_err(GateError::from)?,
        SbomForm::Inventory => {
            let mut bytes = serde_json::to_vec_pretty(&inventory)?;
            bytes.push(b'\n');
            bytes
        }
    };
    // Nothing comes after this but the end of the process: to take thousands of components apart first is time for nothing.
    std::mem::forget(inventory);
    Ok(Answer::Bytes(session.environment.safe_json(&written).into_bytes()))
}
