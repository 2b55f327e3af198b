//! The lock files of npm, pnpm, yarn and Bun, which [`crate::io::lockfile::npm`] reads.

use crate::io::encoding;
use crate::io::lockfile::npm::{Need, NpmLock, Package, YARN_BY_HAND, is_moved_by_yarn, read_bun, read_package_lock, read_pnpm, read_yarn};
use crate::io::merge_conflict;
use crate::model::coverage::GapKind;
use crate::model::inventory::{Component, Location, Scope};

use super::component::component;
use crate::stage::inventory::cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};

/// One kind of lock file.
pub struct NpmLockFile {
    id: &'static str,
    version: u32,
    names: &'static [&'static str],
    /// The same for people.
    files: &'static str,
    read: fn(&str) -> NpmLock,
    /// The id that components of a file are given, by its text: what moves a package in it is not one command in each.
    kind: fn(&str) -> &'static str,
}

/// npm's `package-lock.json` and `npm-shrinkwrap.json`.
pub const PACKAGE_LOCK: NpmLockFile = NpmLockFile {
    id: "package-lock",
    version: 2,
    names: &["package-lock.json", "npm-shrinkwrap.json"],
    files: "`package-lock.json`, `npm-shrinkwrap.json`",
    read: read_package_lock,
    kind: |_| "package-lock",
};

/// Bun's, in its text form.
pub const BUN_LOCK: NpmLockFile = NpmLockFile {
    id: "bun-lock",
    version: 1,
    names: &["bun.lock"],
    files: "`bun.lock`",
    read: read_bun,
    kind: |_| "bun-lock",
};

/// pnpm's `pnpm-lock.yaml`.
pub const PNPM_LOCK: NpmLockFile = NpmLockFile {
    id: "pnpm-lock",
    version: 3,
    names: &["pnpm-lock.yaml"],
    files: "`pnpm-lock.yaml`",
    read: read_pnpm,
    kind: |_| "pnpm-lock",
};

/// The one of yarn 1, and of later ones. Neither says what is needed for development only: [`super::manifest`] does.
pub const YARN_LOCK: NpmLockFile = NpmLockFile {
    id: "yarn-lock",
    version: 4,
    names: &["yarn.lock"],
    files: "`yarn.lock`",
    read: read_yarn,
    kind: |text| if is_moved_by_yarn(text) { "yarn-lock" } else { YARN_BY_HAND },
};

impl Cataloger for NpmLockFile {
    fn id(&self) -> &'static str {
        self.id
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn domain(&self) -> Domain {
        Domain::Source
    }

    fn reads(&self) -> Option<(&'static str, &'static str)> {
        Some((self.files, "npm"))
    }

    fn wants(&self, head: &EntryHead<'_>) -> Want {
        let name = head.path.rsplit('/').next().unwrap_or(head.path);
        if self.names.contains(&name) { Want::Whole } else { Want::No }
    }

    fn catalog(&self, file: &LayerFile<'_>, sink: &mut dyn Sink) {
        let conflict;
        let (lock, kind) = match encoding::decode(file.content) {
            Ok(text) => {
                conflict = merge_conflict::told(&text);
                ((self.read)(&text), (self.kind)(&text))
            }
            Err(problem) => return sink.gap(GapKind::PartialDatabase, problem),
        };
        let mut components: Vec<Option<Component>> = lock
            .packages
            .iter()
            .map(|package| described(package, kind, file.head.path))
            .collect();
        for (at, package) in lock.packages.iter().enumerate() {
            let needed = package.needs.iter().filter(|need| is_edge(package, need));
            let needed = needed.filter_map(|need| Some(components[need.gets].as_ref()?.purl.clone()));
            let mut dependencies: Vec<_> = needed.collect();
            dependencies.sort();
            dependencies.dedup();
            if let Some(component) = &mut components[at] {
                component.dependencies = dependencies;
            }
        }
        components.into_iter().flatten().for_each(|component| sink.component(component));
        match conflict {
            // It is the cause of every other trouble.
            Some(problem) => sink.gap(GapKind::PartialDatabase, problem),
            None => lock.troubles.into_iter().for_each(|trouble| sink.gap(trouble.kind, trouble.detail)),
        }
    }
}

/// What a workspace of the tree needs for its own development is not among the service's needs; the top's own is, marked as such.
fn is_edge(package: &Package, need: &Need) -> bool {
    need.scope != Scope::Development || package.folder.as_deref() == Some("")
}

fn described(package: &Package, cataloger: &str, path: &str) -> Option<Component> {
    let is = package.identity.as_ref()?;
    let mut component = component(&is.name, &is.version, package.origin.clone(), cataloger);
    component.scope = package.scope;
    component.licenses = package.license.iter().cloned().collect();
    component.locations = vec![Location {
        line: Some(package.line),
        ..Location::path(path)
    }];
    Some(component)
}

#[cfg(test)]
mod tests {
    use super::PNPM_LOCK;
    use crate::stage::inventory::recorder::Recorder;

    #[test]
    fn a_file_of_version_5_is_read_with_its_peers() {
        let text = "lockfileVersion: 5.4\n\nspecifiers:\n  acorn-jsx: ^5\n\ndependencies:\n  acorn-jsx: 5.3.2_acorn@8.7.0\n\npackages:\n\n  \
                    /acorn-jsx/5.3.2_acorn@8.7.0:\n    resolution: {integrity: sha512-AA==}\n    dependencies:\n      acorn: 8.7.0\n\n  \
                    /acorn/8.7.0:\n    resolution: {integrity: sha512-BB==}\n";
        let seen = Recorder::of(&PNPM_LOCK, "pnpm-lock.yaml", text.as_bytes());
        assert!(seen.gaps.is_empty(), "{:?}", seen.gaps);
        assert_eq!(seen.purls(), ["pkg:npm/acorn-jsx@5.3.2", "pkg:npm/acorn@8.7.0"]);
        assert_eq!(seen.named("acorn-jsx").dependencies[0].name, "acorn");
    }

    #[test]
    fn a_need_that_is_not_among_the_packages_is_a_gap() {
        let text = |key: &str| {
            format!(
                "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a:\n        specifier: 1\n        version: 1.0.0\npackages:\n  {key}:\n    resolution: {{integrity: x}}\nsnapshots:\n  {key}: {{}}\n"
            )
        };
        assert_eq!(Recorder::of(&PNPM_LOCK, "pnpm-lock.yaml", text("b@1.0.0").as_bytes()).gaps.len(), 1);
        assert!(
            Recorder::of(&PNPM_LOCK, "pnpm-lock.yaml", text("a@1.0.0").as_bytes())
                .gaps
                .is_empty()
        );
    }
}
