//! By which names a component is looked up.

use std::borrow::Cow;

use crate::model::inventory::{Component, Ecosystem};

/// The names and versions that advisories may use for a component. Those of Debian, Ubuntu and Alpine name source packages; those of the rpm
/// distributions, of Wolfi and of its kin name the one or the other.
pub(super) fn names<'a>(component: &'a Component, base: &str) -> Vec<(Cow<'a, str>, &'a str)> {
    let own = (Cow::Borrowed(component.name.as_str()), component.version.as_str());
    if let (Ecosystem::GO, Some(subpath)) = (base, &component.purl.subpath) {
        return of_module(component, subpath);
    }
    if base == Ecosystem::GITHUB_ACTIONS {
        return of_action(component);
    }
    let Some(source) = &component.source else { return vec![own] };
    let source = (Cow::Borrowed(source.name.as_str()), source.version.as_str());
    match base {
        "AlmaLinux" | "Rocky Linux" | "Red Hat" | "SUSE" | "openSUSE" | "Photon OS" | "Mageia" | "openEuler" | "Azure Linux" | "Wolfi"
        | "Chainguard" | "MinimOS" | "CleanStart"
            if source.0 != own.0 =>
        {
            vec![own, source]
        }
        _ => vec![source],
    }
}

/// A purl's subpath may be the end of a Go module's path: syft writes what comes after the third segment there. A major version can be nothing else.
fn of_module<'a>(component: &'a Component, subpath: &str) -> Vec<(Cow<'a, str>, &'a str)> {
    let version = component.version.as_str();
    let whole = (Cow::Owned(format!("{}/{subpath}", component.name)), version);
    let last = subpath.rsplit('/').next().unwrap_or(subpath);
    let is_major = last
        .strip_prefix('v')
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()));
    match is_major {
        true => vec![whole],
        false => vec![(Cow::Borrowed(component.name.as_str()), version), whole],
    }
}

/// An action may lie in a folder of its repository (`github/codeql-action/init`): what is said of the repository is said of it.
fn of_action(component: &Component) -> Vec<(Cow<'_, str>, &str)> {
    let whole = match &component.purl.subpath {
        Some(path) => Cow::Owned(format!("{}/{path}", component.name)),
        None => Cow::Borrowed(component.name.as_str()),
    };
    let ends = whole.match_indices('/').map(|(at, _)| at).skip(1);
    let above: Vec<_> = ends.map(|at| Cow::Owned(whole[..at].to_owned())).collect();
    above
        .into_iter()
        .chain([whole])
        .map(|name| (name, component.version.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::purl::Purl;

    #[test]
    fn an_action_in_a_folder_of_its_repository_is_looked_up_as_the_repository_too() {
        let of = |purl: &str| {
            let component = Component::new(Purl::parse(purl).expect(purl), None, "x");
            names(&component, "GitHub Actions")
                .into_iter()
                .map(|(name, _)| name.into_owned())
                .collect::<Vec<_>>()
        };
        let both = ["acme/act", "acme/act/sub"];
        assert_eq!(of("pkg:githubactions/acme/act/sub@v1"), both);
        assert_eq!(of("pkg:github/acme/act@v1#sub"), both);
        // The control.
        assert_eq!(of("pkg:githubactions/acme/act@v1"), ["acme/act"]);
    }
}
