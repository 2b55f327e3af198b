//! One stored inventory.

use crate::model::error_chain::chain;
use std::path::Path;

use serde::Deserialize;

use super::lean::WithoutEdges;
use crate::io::{Effects, files};
use crate::model::context::Context;
use crate::model::inventory::{INVENTORY_SCHEMA, Inventory};
use crate::stage::policy::evidence_file::{EVIDENCE_SCHEMA, EvidenceFile};

/// What a file says.
pub(super) struct Known {
    pub(super) inventory: Inventory,
    pub(super) context: Context,
}

#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    schema: String,
}

/// Reads a stored inventory, or the evidence of a run.
pub(super) fn read(file: &Path, whole: bool, effects: &Effects) -> Result<Known, String> {
    let bytes = files::read(file, effects.limits.sbom).map_err(|error| chain(&error))?;
    let problem = |error: serde_json::Error| error.to_string();
    // An inventory begins with its schema; asking for it alone first would read every file twice.
    let parsed = match whole {
        true => serde_json::from_slice::<Inventory>(&bytes),
        false => serde_json::from_slice(&bytes).map(|WithoutEdges(inventory)| inventory),
    };
    match parsed {
        Ok(inventory) if inventory.schema == INVENTORY_SCHEMA => Ok(Known {
            inventory,
            context: Context::default(),
        }),
        other => {
            let head: Head = serde_json::from_slice(&bytes).map_err(problem)?;
            if head.schema == EVIDENCE_SCHEMA {
                let record: EvidenceFile = serde_json::from_slice(&bytes).map_err(problem)?;
                return Ok(Known {
                    inventory: record.inventory,
                    context: record.context,
                });
            }
            Err(match other {
                Err(error) if head.schema == INVENTORY_SCHEMA => error.to_string(),
                _ => format!("it is neither {INVENTORY_SCHEMA} nor {EVIDENCE_SCHEMA}"),
            })
        }
    }
}
