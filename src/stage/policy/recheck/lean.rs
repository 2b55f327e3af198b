//! A stored inventory without the dependency graph: parsing the edges takes more time than all the rest, and no rule looks at them.

use serde::Deserialize;

use crate::model::coverage::Gap;
use crate::model::image::Platform;
use crate::model::inventory::{Component, Ecosystem, Fact, Inventory, Location, Origin, PlatformSummary, Scope, SourcePackage, Subject};
use crate::model::passed_over::PassedOver;
use crate::model::purl::Purl;

/// [`Inventory`], field by field.
#[derive(Deserialize)]
pub(super) struct Stored {
    schema: String,
    subject: Subject,
    #[serde(default)]
    platforms: Vec<PlatformSummary>,
    components: Vec<Lean>,
    #[serde(default)]
    facts: Vec<Fact>,
    gaps: Vec<Gap>,
    #[serde(default)]
    passed_over: Vec<PassedOver>,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Lean(#[serde(with = "Fields")] Component);

/// [`Component`], field by field: serde's derive checks that none is missing. The names and defaults are those of the model.
#[derive(Deserialize)]
#[serde(remote = "Component")]
struct Fields {
    purl: Purl,
    #[serde(default)]
    ecosystem: Option<Ecosystem>,
    name: String,
    version: String,
    #[serde(default)]
    source: Option<SourcePackage>,
    #[serde(default)]
    scope: Scope,
    #[serde(default)]
    origin: Origin,
    #[serde(default)]
    licenses: Vec<String>,
    #[serde(default)]
    sha256: Option<String>,
    #[serde(default)]
    locations: Vec<Location>,
    cataloger: String,
    #[serde(skip)]
    dependencies: Vec<Purl>,
    #[serde(default)]
    platform: Option<Platform>,
    #[serde(default)]
    owned_by: Option<Purl>,
    #[serde(default)]
    root: bool,
    #[serde(default)]
    yanked: bool,
}

impl From<Stored> for Inventory {
    fn from(stored: Stored) -> Self {
        Self {
            schema: stored.schema,
            subject: stored.subject,
            platforms: stored.platforms,
            components: stored.components.into_iter().map(|Lean(component)| component).collect(),
            facts: stored.facts,
            gaps: stored.gaps,
            passed_over: stored.passed_over,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::inventory::Inventory;

    #[test]
    fn nothing_but_the_graph_is_left_out() {
        let mut inventory = Inventory::new(Subject {
            name: "x".to_owned(),
            digest: None,
            commit: None,
        });
        let purl = Purl::new("deb", "bash", "5").with_namespace("debian");
        let mut component = Component::new(purl.clone(), Some(Ecosystem::new("Debian:12")), "dpkg");
        component.source = Some(SourcePackage {
            name: "bash".to_owned(),
            version: "5".to_owned(),
        });
        component.scope = Scope::Build;
        component.origin = Origin::Git("https://example.com/x".to_owned());
        component.licenses = vec!["MIT".to_owned()];
        component.sha256 = Some("00".to_owned());
        component.locations = vec![Location::path("/var/lib/dpkg/status")];
        component.platform = Some(Platform::linux_amd64());
        component.owned_by = Some(purl.clone());
        component.root = true;
        component.yanked = true;
        component.dependencies = vec![purl];
        inventory.components.push(component);
        let bytes = serde_json::to_vec(&inventory).expect("json");
        let lean = Inventory::from(serde_json::from_slice::<Stored>(&bytes).expect("read"));
        inventory.components[0].dependencies.clear();
        assert_eq!(lean, inventory);
    }
}
