//! cargo-audit's `audit.toml` and cargo-deny's `deny.toml`.

use serde::Deserialize;

use super::fields::{Problem, of_toml};
use crate::stage::policy::import::imported_waiver::ImportedWaiver;

pub(super) fn audit(text: &str) -> Result<Vec<ImportedWaiver>, Problem> {
    #[derive(Default, Deserialize)]
    struct File {
        #[serde(default)]
        advisories: Advisories,
    }
    #[derive(Default, Deserialize)]
    struct Advisories {
        #[serde(default)]
        ignore: Vec<String>,
    }
    let file: File = toml::from_str(text).map_err(|error| of_toml(text, &error))?;
    let waiver = |id| ImportedWaiver {
        id,
        ..ImportedWaiver::default()
    };
    Ok(file.advisories.ignore.into_iter().map(waiver).collect())
}

pub(super) fn deny(text: &str, notes: &mut Vec<String>) -> Result<Vec<ImportedWaiver>, Problem> {
    #[derive(Default, Deserialize)]
    struct File {
        #[serde(default)]
        advisories: Advisories,
    }
    #[derive(Default, Deserialize)]
    struct Advisories {
        #[serde(default)]
        ignore: Vec<Ignored>,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Ignored {
        Id(String),
        Advisory {
            id: String,
            reason: Option<String>,
        },
        Crate {
            #[serde(rename = "crate")]
            name: String,
        },
    }
    let file: File = toml::from_str(text).map_err(|error| of_toml(text, &error))?;
    let mut waivers = Vec::new();
    for ignored in file.advisories.ignore {
        match ignored {
            Ignored::Id(id) if id.starts_with("RUSTSEC-") => waivers.push(ImportedWaiver {
                id,
                ..ImportedWaiver::default()
            }),
            Ignored::Advisory { id, reason } => waivers.push(ImportedWaiver {
                id,
                statement: reason,
                ..ImportedWaiver::default()
            }),
            Ignored::Id(name) | Ignored::Crate { name } => {
                notes.push(format!(
                    "`{name}` ignores that a crate is yanked: [rules.yanked-crate] decides that here"
                ));
            }
        }
    }
    Ok(waivers)
}
