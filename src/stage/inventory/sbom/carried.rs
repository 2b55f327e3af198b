//! What an inventory knows and the formats have no field for, as pairs of a name and a value.
//!
//! A value that holds control characters, or starts with a quotation mark, is written as a JSON string.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::model::digest::Digest;
use crate::model::excused::Excused as _;
use crate::model::inventory::{Component, Ecosystem, Inventory, Location, Origin, PlatformSummary, Scope};
use crate::model::purl::Purl;

/// What every name starts with.
const PREFIX: &str = "portcullis:";

/// A name without its prefix, and a value.
type Pair = (&'static str, String);

/// The full name of a pair.
pub(super) fn full_name(name: &str) -> String {
    format!("{PREFIX}{name}")
}

/// The short name of one of our pairs; none for those of other programs.
pub(super) fn short_name(name: &str) -> Option<&str> {
    name.strip_prefix(PREFIX)
}

/// What belongs to one component. A `path` opens a location, and what follows of it belongs to it.
///
/// # Errors
/// serde's, which no value of ours meets: an SBOM is never written with a part of it left out.
pub(super) fn of_component(component: &Component) -> serde_json::Result<Vec<Pair>> {
    let mut pairs = vec![("cataloger", plain(&component.cataloger))];
    let mut add = |name, value: String| pairs.push((name, value));
    if let Some(ecosystem) = &component.ecosystem {
        add("ecosystem", plain(ecosystem.as_str()));
    }
    if component.name != component.purl.full_name() {
        add("name", plain(&component.name));
    }
    if Some(&component.version) != component.purl.version.as_ref() {
        add("version", plain(&component.version));
    }
    if component.scope != Scope::Runtime {
        add("scope", json(&component.scope)?);
    }
    if component.origin != Origin::Registry {
        add("origin", json(&component.origin)?);
    }
    if let Some(owner) = &component.owned_by {
        add("owned-by", owner.to_string());
    }
    if let Some(platform) = &component.platform {
        add("platform", platform.to_string());
    }
    if component.root {
        add("root", "true".to_owned());
    }
    if component.yanked {
        add("yanked", "true".to_owned());
    }
    if let Some(published) = component.published {
        add("published", published.to_string());
    }
    for location in &component.locations {
        add("path", plain(&location.path));
        if let Some(layer) = &location.layer {
            add("layer", layer.to_string());
        }
        if let Some(line) = location.line {
            add("line", line.to_string());
        }
        if let Some(created_by) = &location.created_by {
            add("created-by", plain(created_by));
        }
        if let Some(part) = location.part {
            add("part", json(&part)?);
        }
    }
    Ok(pairs)
}

/// Gives a component back what [`of_component`] wrote. Names that are not known are passed over.
///
/// # Errors
/// The name of a pair whose value is none of its values.
pub(super) fn to_component<'a>(component: &mut Component, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Result<(), String> {
    for (name, value) in pairs {
        let bad = || format!("`{PREFIX}{name}` has the value `{}`", value.chars().take(80).collect::<String>());
        let location = component.locations.last_mut();
        match name {
            "cataloger" => component.cataloger = text(value),
            "ecosystem" => component.ecosystem = Some(Ecosystem::new(text(value))),
            "name" => component.name = text(value),
            "version" => component.version = text(value),
            "scope" => component.scope = from_json(value).ok_or_else(bad)?,
            "origin" => component.origin = from_json(value).ok_or_else(bad)?,
            "owned-by" => component.owned_by = Some(Purl::parse(value).map_err(|_| bad())?),
            "platform" => component.platform = Some(value.to_owned().try_into().map_err(|_| bad())?),
            "root" => component.root = value == "true",
            "yanked" => component.yanked = value == "true",
            "published" => component.published = Some(value.parse().map_err(|_| bad())?),
            "license" => component.licenses.push(text(value)),
            "path" => component.locations.push(Location::path(text(value))),
            "layer" => location.ok_or_else(bad)?.layer = Some(Digest::parse(value).map_err(|_| bad())?),
            "line" => location.ok_or_else(bad)?.line = Some(value.parse().map_err(|_| bad())?),
            "part" => location.ok_or_else(bad)?.part = Some(from_json(value).ok_or_else(bad)?),
            "created-by" => location.ok_or_else(bad)?.created_by = Some(text(value)),
            _ => {}
        }
    }
    Ok(())
}

/// What belongs to the whole: the subject, platforms, facts and gaps, each as JSON.
///
/// # Errors
/// As [`of_component`].
pub(super) fn of_inventory(inventory: &Inventory) -> serde_json::Result<Vec<Pair>> {
    let mut pairs = vec![("schema", inventory.schema.clone()), ("subject", json(&inventory.subject)?)];
    for platform in &inventory.platforms {
        pairs.push(("platform", json(&without_environment(platform))?));
    }
    for fact in &inventory.facts {
        pairs.push(("fact", json(fact)?));
    }
    for gap in &inventory.gaps {
        pairs.push(("gap", json(gap)?));
    }
    for passed in &inventory.passed_over {
        pairs.push(("passed-over", json(passed)?));
    }
    Ok(pairs)
}

fn without_environment(platform: &PlatformSummary) -> PlatformSummary {
    let mut platform = platform.clone();
    platform.config.env.clear();
    platform
}

/// Gives an inventory back what [`of_inventory`] wrote.
///
/// # Errors
/// The name of a pair that is not the JSON that it should be.
pub(super) fn to_inventory<'a>(inventory: &mut Inventory, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Result<(), String> {
    for (name, value) in pairs {
        let bad = || format!("`{PREFIX}{name}` is not what it should be");
        match name {
            "subject" => inventory.subject = from_json(value).ok_or_else(bad)?,
            "platform" => inventory.platforms.push(from_json(value).ok_or_else(bad)?),
            "fact" => inventory.facts.push(from_json(value).ok_or_else(bad)?),
            "gap" => inventory.gaps.push(from_json(value).ok_or_else(bad)?),
            "passed-over" => inventory.passed_over.push(from_json(value).ok_or_else(bad)?),
            _ => {}
        }
    }
    Ok(())
}

fn plain(value: &str) -> String {
    if value.starts_with('"') || value.chars().any(char::is_control) {
        serde_json::Value::from(value).to_string()
    } else {
        value.to_owned()
    }
}

/// The inverse of [`plain`].
pub(super) fn text(value: &str) -> String {
    value
        .starts_with('"')
        .then(|| serde_json::from_str(value).or_none("not ours: the value as it is"))
        .flatten()
        .unwrap_or_else(|| value.to_owned())
}

/// A license that is kept beside the format's own field.
pub(super) fn license(value: &str) -> Pair {
    ("license", plain(value))
}

fn json<T: Serialize>(value: &T) -> serde_json::Result<String> {
    serde_json::to_string(value)
}

fn from_json<T: DeserializeOwned>(value: &str) -> Option<T> {
    serde_json::from_str(value).or_none("the caller names the pair")
}
