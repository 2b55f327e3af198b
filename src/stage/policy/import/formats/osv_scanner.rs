//! osv-scanner's `osv-scanner.toml`.

use serde::Deserialize;

use super::fields::{Problem, a_day, last_day_before, of_toml};
use crate::stage::policy::import::imported_waiver::ImportedWaiver;

pub(super) fn read(text: &str) -> Result<Vec<ImportedWaiver>, Problem> {
    #[derive(Deserialize)]
    struct File {
        #[serde(rename = "IgnoredVulns", default)]
        ignored: Vec<Ignored>,
        #[serde(rename = "PackageOverrides", default)]
        overrides: Vec<toml::Table>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Ignored {
        id: String,
        #[serde(default)]
        ignore_until: Option<toml::value::Datetime>,
        #[serde(default)]
        reason: Option<String>,
    }
    let file: File = toml::from_str(text).map_err(|error| of_toml(text, &error))?;
    if !file.overrides.is_empty() {
        let problem = "`PackageOverrides` ignores packages whole; remove it to import the rest, and write [rules] for what it says";
        return Err((None, problem.to_owned()));
    }
    file.ignored
        .into_iter()
        .map(|ignored| {
            let until = ignored
                .ignore_until
                .map(|until| a_day(&until.to_string(), 0))
                .transpose()
                .map_err(|(_, problem)| (None, problem))?;
            Ok(ImportedWaiver {
                id: ignored.id,
                statement: ignored.reason,
                expires: until.map(last_day_before),
                ..ImportedWaiver::default()
            })
        })
        .collect()
}
