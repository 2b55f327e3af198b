//! The lock files of npm, pnpm, yarn and Bun, which [`crate::io::lockfile::npm`] reads.

use crate::io::encoding;
use crate::io::lockfile::npm::{NpmLock, Package, YARN_BY_HAND};
use crate::io::lockfile::npm::{is_edge, is_moved_by_yarn, read_bun, read_package_lock, read_pnpm, read_yarn, stand_ins};
use crate::io::merge_conflict;
use crate::model::coverage::{GapKind, STANDS_IN};
use crate::model::inventory::{Component, Location};

use super::component::{component, look_up, named};
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
    version: 5,
    names: &["package-lock.json", "npm-shrinkwrap.json"],
    files: "`package-lock.json`, `npm-shrinkwrap.json`",
    read: read_package_lock,
    kind: |_| "package-lock",
};

/// Bun's, in its text form.
pub const BUN_LOCK: NpmLockFile = NpmLockFile {
    id: "bun-lock",
    version: 5,
    names: &["bun.lock"],
    files: "`bun.lock`",
    read: read_bun,
    kind: |_| "bun-lock",
};

/// pnpm's `pnpm-lock.yaml`.
pub const PNPM_LOCK: NpmLockFile = NpmLockFile {
    id: "pnpm-lock",
    version: 6,
    names: &["pnpm-lock.yaml"],
    files: "`pnpm-lock.yaml`",
    read: read_pnpm,
    kind: |_| "pnpm-lock",
};

/// The one of yarn 1, and of later ones. Neither says what is needed for development only: [`super::manifest`] does.
pub const YARN_LOCK: NpmLockFile = NpmLockFile {
    id: "yarn-lock",
    version: 7,
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
        let mut taken_for = Vec::new();
        for (at, names) in stand_ins(&lock) {
            // A member of yarn's workspace is always without a version, which its manifest has.
            let is_member = self.id == YARN_LOCK.id && lock.packages[at].folder.is_some();
            match components[at]
                .as_mut()
                .filter(|component| is_member || !component.version.is_empty())
            {
                Some(component) => {
                    look_up(component);
                    // A fork may call itself otherwise than what it is taken for.
                    let own = lock.packages[at].identity.as_ref().map_or("", |is| is.name.as_str());
                    let others = names.iter().filter(|name| *name != own);
                    taken_for.extend(others.map(|name| named(name, component)));
                }
                None => {
                    let what = format!("is given a folder that {STANDS_IN}, and the lock file does not say of which version it is");
                    sink.gap(
                        GapKind::PartialDatabase,
                        format!("who needs `{}` {what}", Vec::from_iter(names).join("`, `")),
                    );
                }
            }
        }
        components
            .into_iter()
            .flatten()
            .chain(taken_for)
            .for_each(|component| sink.component(component));
        match conflict {
            // It is the cause of every other trouble.
            Some(problem) => sink.gap(GapKind::PartialDatabase, problem),
            None => lock.troubles.into_iter().for_each(|trouble| sink.gap(trouble.kind, trouble.detail)),
        }
    }
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
    use super::{PACKAGE_LOCK, PNPM_LOCK, YARN_LOCK};
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
    fn a_folder_that_a_published_package_is_given_is_looked_up_like_what_it_stands_for() {
        let npm = r#"{"name": "app", "version": "1.0.0", "lockfileVersion": 3, "packages": {
            "": {"name": "app", "version": "1.0.0", "dependencies": {"express": "4.18.0", "own": "file:own"}},
            "node_modules/express": {"version": "4.18.0", "integrity": "x", "dependencies": {"cookie-signature": "1.0.6"}},
            "node_modules/cookie-signature": {"resolved": "v/cookie-signature", "link": true},
            "node_modules/own": {"resolved": "own", "link": true},
            "v/cookie-signature": {"version": "1.0.6"}, "own": {"version": "2.0.0"}}}"#;
        let yarn = "__metadata:\n  version: 8\n\n\"app@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"app@workspace:.\"\n  dependencies:\n    express: \"npm:4.18.0\"\n  linkType: soft\n\n\
                    \"cookie-signature@file:./v/cookie-signature::locator=app%40workspace%3A.\":\n  version: 1.0.6\n  resolution: \"cookie-signature@file:./v/cookie-signature#./v/cookie-signature::hash=1&locator=app%40workspace%3A.\"\n  linkType: hard\n\n\
                    \"express@npm:4.18.0\":\n  version: 4.18.0\n  resolution: \"express@npm:4.18.0\"\n  dependencies:\n    cookie-signature: \"npm:1.0.6\"\n  linkType: hard\n";
        for (lock, name, text) in [(&PACKAGE_LOCK, "package-lock.json", npm), (&YARN_LOCK, "yarn.lock", yarn)] {
            let seen = Recorder::of(lock, name, text.as_bytes());
            let found = seen.named("cookie-signature");
            assert_eq!(
                found.ecosystem.as_ref().map(ToString::to_string).as_deref(),
                Some("npm"),
                "{name}: {:?}",
                seen.gaps
            );
        }
        // As the tools write it where they do not tell the version.
        let portal = yarn
            .replace("file:", "portal:")
            .replace("version: 1.0.6", "version: 0.0.0-use.local");
        assert_eq!(Recorder::of(&YARN_LOCK, "yarn.lock", portal.as_bytes()).gaps.len(), 1);
        let odd = npm.replace("{\"version\": \"1.0.6\"}", "{}");
        assert_eq!(Recorder::of(&PACKAGE_LOCK, "package-lock.json", odd.as_bytes()).gaps.len(), 1);
        for (version, packages, snapshots) in [
            ("link:v/c", "", ""),
            (
                "file:v/c",
                "  c@file:v/c:\n    resolution: {directory: v/c, type: directory}\n",
                "  c@file:v/c: {}\n",
            ),
        ] {
            let pnpm = |peers: &str| {
                format!(
                    "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      express:\n        specifier: 4.18.0\n        version: 4.18.0\n\
                     packages:\n  express@4.18.0:\n    resolution: {{integrity: x}}\n{peers}{packages}snapshots:\n  express@4.18.0:\n    dependencies:\n      c: {version}\n{snapshots}"
                )
            };
            let gaps = |text: String| Recorder::of(&PNPM_LOCK, "pnpm-lock.yaml", text.as_bytes()).gaps.len();
            assert_eq!(gaps(pnpm("")), 1, "{version}");
            if version.starts_with("link:") {
                assert_eq!(gaps(pnpm("    peerDependencies:\n      c: '*'\n")), 0, "a member of the workspace");
            }
        }
        let own = Recorder::of(&PACKAGE_LOCK, "package-lock.json", npm.as_bytes());
        assert!(own.named("own").ecosystem.is_none() && own.named("own").root);
    }

    #[test]
    fn a_folder_of_overrides_that_npm_does_not_find_is_one_gap() {
        // As npm 11 writes it for `overrides: {"cookie-signature": "file:./v/cookie-signature"}`.
        let npm = r#"{"name": "app", "version": "1.0.0", "lockfileVersion": 3, "packages": {
            "": {"name": "app", "version": "1.0.0", "dependencies": {"express": "4.18.0"}},
            "node_modules/express": {"version": "4.18.0", "integrity": "x", "dependencies": {"cookie-signature": "1.0.6"}},
            "node_modules/cookie-signature": {"resolved": "node_modules/express/v/cookie-signature", "link": true},
            "node_modules/express/v/cookie-signature": {}}}"#;
        let seen = Recorder::of(&PACKAGE_LOCK, "package-lock.json", npm.as_bytes());
        assert_eq!(seen.gaps.len(), 1, "{:?}", seen.gaps);
        assert!(seen.gaps[0].1.contains("overrides"), "{:?}", seen.gaps);
    }

    #[test]
    fn a_folder_that_yarn_1_links_to_has_no_version_and_is_a_gap_where_it_stands_in() {
        let lock = |entries: &str| {
            let text = format!(
                "# yarn lockfile v1\n\n{entries}\nexpress@4.18.0:\n  version \"4.18.0\"\n  resolved \"https://example.org/express/-/express-4.18.0.tgz#x\"\n  dependencies:\n    cookie-signature \"1.0.6\"\n"
            );
            Recorder::of(&YARN_LOCK, "yarn.lock", text.as_bytes())
        };
        // As yarn 1.22 writes both.
        let linked = "cookie-signature@1.0.6:\n  version \"0.0.0\"\n  uid \"\"\n\n\"cookie-signature@link:./v/c\":\n  version \"0.0.0\"\n  uid \"\"\n";
        let seen = lock(linked);
        assert_eq!(seen.gaps.len(), 1, "{:?}", seen.gaps);
        // The control: a copy, whose version yarn writes down.
        let seen = lock("cookie-signature@1.0.6, \"cookie-signature@file:./v/c\":\n  version \"1.0.6\"\n");
        assert!(seen.gaps.is_empty(), "{:?}", seen.gaps);
        assert!(seen.named("cookie-signature").ecosystem.is_some());
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
