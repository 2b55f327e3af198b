//! OpenVEX documents of whoever said something before.

use serde::Deserialize;

use super::fields::Problem;
use crate::stage::policy::import::imported_waiver::ImportedWaiver;

use crate::model::waiver::{Justification, VexStatus};

pub(super) fn read(text: &str) -> Result<Vec<ImportedWaiver>, Problem> {
    #[derive(Deserialize)]
    struct File {
        #[serde(rename = "@context")]
        context: String,
        author: String,
        statements: Vec<Statement>,
    }
    #[derive(Deserialize)]
    struct Statement {
        vulnerability: Vulnerability,
        #[serde(default)]
        products: Vec<Product>,
        status: VexStatus,
        #[serde(default)]
        justification: Option<Justification>,
        #[serde(default)]
        impact_statement: Option<String>,
    }
    #[derive(Deserialize)]
    struct Vulnerability {
        name: String,
    }
    #[derive(Deserialize)]
    struct Product {
        #[serde(rename = "@id", default)]
        id: String,
        #[serde(default)]
        subcomponents: Vec<Product>,
    }
    let file: File = serde_json::from_str(text).map_err(|error| (Some(error.line()), error.to_string()))?;
    if !file.context.contains("openvex.dev/ns") {
        return Err((None, "its @context is not OpenVEX's".to_owned()));
    }
    let mut waivers = Vec::new();
    for statement in file.statements {
        let waiver = ImportedWaiver {
            id: statement.vulnerability.name.clone(),
            reason: Some(statement.status),
            justification: statement.justification,
            statement: statement.impact_statement.clone(),
            hint: Some(format!("said by {}", file.author)),
            ..ImportedWaiver::default()
        };
        let inner = statement
            .products
            .iter()
            .flat_map(|product| match product.subcomponents.as_slice() {
                [] => std::slice::from_ref(product),
                subcomponents => subcomponents,
            });
        let packages: Vec<String> = inner
            .map(|product| product.id.clone())
            .filter(|id| id.starts_with("pkg:") && !id.starts_with("pkg:oci/"))
            .collect();
        if packages.is_empty() {
            waivers.push(waiver);
        } else {
            waivers.extend(packages.into_iter().map(|package| ImportedWaiver {
                package: Some(package),
                ..waiver.clone()
            }));
        }
    }
    Ok(waivers)
}
