//! The smallest change that clears a component, and what must change before it can.

use crate::io::lockfile::npm::YARN_BY_HAND;
use crate::model::advisory::{Requirement, Update};
use crate::model::inventory::{Component, Origin};

/// One line for people. `version` clears the component; none where no release is known to.
pub(super) fn help(component: &Component, version: Option<&str>, update: Option<&Update>) -> String {
    let name = &component.name;
    let Some(version) = version else {
        return format!("no release of {name} is known to fix it: replace it, or waive it with a reason and an end");
    };
    if let Some(owner) = &component.owned_by {
        return format!(
            "{name} comes with the package {}: rebuild on a base image with a fixed one, or remove it",
            owner.name
        );
    }
    if component.origin == Origin::Local {
        return format!("bring the local copy of {name} to {version}, or take the published package again");
    }
    if let Some(requirement) = update.and_then(first_refusal) {
        let edit = edit(requirement, name, version);
        return match (command(component, version), component.cataloger.as_str()) {
            (Some(command), _) => format!("{edit}; then {command}"),
            (None, YARN_BY_HAND) => format!("{edit}; then yarn install"),
            (None, _) => edit,
        };
    }
    let allowed = update.is_some_and(Update::is_allowed);
    match (component.purl.kind.as_str(), &component.source) {
        ("cargo", _) => command(component, version).unwrap_or_default(),
        ("npm", _) => match (command(component, version), allowed) {
            (Some(command), true) => format!("{command} ({version}, which every requirement allows)"),
            (Some(command), false) => format!("{command} (to {version}, where the requirements allow it)"),
            (None, _) if component.cataloger == YARN_BY_HAND => by_hand(component, version),
            (None, _) => format!("update {name} to {version}"),
        },
        ("deb" | "apk" | "rpm", Some(source)) if source.name != *name => {
            format!("rebuild on a base image with {name} from {} {version} or newer", source.name)
        }
        ("deb" | "apk" | "rpm", _) => format!("rebuild on a base image with {name} {version} or newer"),
        _ => format!("update {name} to {version} or newer"),
    }
}

/// Yarn's first keeps what its lock file has, whatever it says of an upgrade, unless the entry is gone.
fn by_hand(component: &Component, version: &str) -> String {
    let name = &component.name;
    let entry = component.locations.first().map_or_else(String::new, |location| {
        let line = location.line.map(|line| format!(":{line}")).unwrap_or_default();
        format!(" ({}{line})", location.path)
    });
    format!(
        "take the entry of {name} {} out of the lock file{entry}, then yarn install: to {version}, where the requirements allow it",
        component.version
    )
}

/// The command that changes the lock file alone.
pub(super) fn command(component: &Component, version: &str) -> Option<String> {
    if component.origin == Origin::Local {
        return None;
    }
    let name = &component.name;
    match (component.purl.kind.as_str(), component.cataloger.as_str()) {
        ("cargo", _) => Some(format!("cargo update -p {name}@{} --precise {version}", component.version)),
        ("npm", "package-lock") => Some(format!("npm update {name}")),
        ("npm", "pnpm-lock") => Some(format!("pnpm update {name}")),
        ("npm", "bun-lock") => Some(format!("bun update {name}")),
        ("npm", "yarn-lock") => Some(format!("yarn up --recursive {name}")),
        // Yarn's first has none that does it, and what is installed is changed where it was built.
        _ => None,
    }
}

/// The requirement to begin with: one of this tree, else one of a package that has a release which allows the version.
pub(super) fn first_refusal(update: &Update) -> Option<&Requirement> {
    let refused = &update.refused_by;
    let ours = refused.iter().find(|requirement| requirement.location.is_some());
    ours.or_else(|| refused.iter().find(|requirement| requirement.allowed_from.is_some()))
        .or(refused.first())
}

/// What must change so that a requirement allows a version.
pub(super) fn edit(requirement: &Requirement, name: &str, version: &str) -> String {
    let Requirement { by, text, .. } = requirement;
    match (&requirement.location, &requirement.allowed_from) {
        (Some(location), _) => {
            let line = location.line.map(|line| format!(":{line}")).unwrap_or_default();
            format!("edit {}{line}: `{text}` does not allow {name} {version}", location.path)
        }
        (None, Some(from)) => format!(
            "update {} to {from}, which allows {name} {version}: {} requires `{text}`",
            by.full_name(),
            by.version.as_deref().unwrap_or_default(),
        ),
        // Nothing is known of releases elsewhere: one may well allow it.
        (None, None) if by.kind != "cargo" => format!(
            "update {} to a release that allows {name} {version}: {} requires `{text}`",
            by.full_name(),
            by.version.as_deref().unwrap_or_default(),
        ),
        (None, None) => format!(
            "{} {} requires {name} `{text}`, and no release of it that is known allows {version}",
            by.full_name(),
            by.version.as_deref().unwrap_or_default(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::purl::Purl;

    #[test]
    fn npm_is_told_the_version_itself_where_nobody_knows_the_requirements() {
        let help = |kind: &str| help(&Component::new(Purl::new(kind, "a", "1.0.0"), None, "test"), Some("2.0.0"), None);
        assert_eq!(help("npm"), "update a to 2.0.0");
        assert_eq!(help("pypi"), "update a to 2.0.0 or newer");
    }

    #[test]
    fn a_package_of_a_lock_file_has_the_command_of_who_wrote_it() {
        let help = |cataloger: &str, update: Option<&Update>| {
            let component = Component::new(Purl::new("npm", "a", "1.0.0"), None, cataloger);
            help(&component, Some("1.2.0"), update)
        };
        let allowed = Update::default();
        assert_eq!(
            help("package-lock", Some(&allowed)),
            "npm update a (1.2.0, which every requirement allows)"
        );
        assert_eq!(help("pnpm-lock", None), "pnpm update a (to 1.2.0, where the requirements allow it)");
        assert_eq!(
            help("yarn-lock", None),
            "yarn up --recursive a (to 1.2.0, where the requirements allow it)"
        );
        assert_eq!(
            help(YARN_BY_HAND, None),
            "take the entry of a 1.0.0 out of the lock file, then yarn install: to 1.2.0, where the requirements allow it"
        );
        assert_eq!(help("bun-lock", None), "bun update a (to 1.2.0, where the requirements allow it)");
        let refused = Update {
            refused_by: vec![Requirement {
                by: Purl::new("npm", "app", "1.0.0"),
                text: "~1.0.0".to_owned(),
                location: Some(crate::model::inventory::Location::path("package.json")),
                allowed_from: None,
            }],
            ..Update::default()
        };
        assert_eq!(
            help("package-lock", Some(&refused)),
            "edit package.json: `~1.0.0` does not allow a 1.2.0; then npm update a"
        );
        assert_eq!(
            help(YARN_BY_HAND, Some(&refused)),
            "edit package.json: `~1.0.0` does not allow a 1.2.0; then yarn install"
        );
        // The control: what lies in an image is changed where it was built.
        assert_eq!(help("npm-installed", None), "update a to 1.2.0");
    }

    #[test]
    fn no_dead_end_is_told_where_releases_are_not_known() {
        let told = |kind: &str| {
            let requirement = Requirement {
                by: Purl::new(kind, "express", "4.17.1"),
                text: "1.19.0".to_owned(),
                location: None,
                allowed_from: None,
            };
            edit(&requirement, "body-parser", "1.20.3")
        };
        assert_eq!(
            told("npm"),
            "update express to a release that allows body-parser 1.20.3: 4.17.1 requires `1.19.0`"
        );
        // The control: the index of crates was read.
        assert!(told("cargo").contains("no release of it that is known"));
    }

    #[test]
    fn what_a_package_of_the_system_brings_along_is_updated_with_it() {
        let mut braces = Component::new(Purl::new("npm", "braces", "3.0.2"), None, "test");
        assert_eq!(help(&braces, Some("3.0.3"), None), "update braces to 3.0.3");
        braces.owned_by = Some(Purl::new("deb", "node-braces", "3.0.2-1"));
        let told = help(&braces, Some("3.0.3"), None);
        assert!(
            told.contains("node-braces") && told.contains("base image") && !told.contains("update"),
            "{told}"
        );
    }
}
