//! Folders that stand in for published packages, as each package manager writes them.

use super::lock_files::{BUN_LOCK, NpmLockFile, PACKAGE_LOCK, PNPM_LOCK, YARN_LOCK};
use crate::stage::inventory::recorder::Recorder;

/// Names of what is looked up, and how many gaps there are.
fn looked_up(lock: &NpmLockFile, name: &str, text: &str) -> (Vec<String>, usize) {
    let seen = Recorder::of(lock, name, text.as_bytes());
    let found = seen.components.iter().filter(|component| component.ecosystem.is_some());
    let mut found: Vec<String> = found.map(|component| component.name.clone()).collect();
    found.sort();
    (found, seen.gaps.len())
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn what_a_folder_needs_that_stands_in_is_looked_up_as_well() {
    let npm = |need: &str| {
        format!(
            r#"{{"name": "app", "version": "1.0.0", "lockfileVersion": 3, "packages": {{
        "": {{"name": "app", "version": "1.0.0", "dependencies": {{"express": "4.18.0", "ms": "file:v/ms", "own": "file:own"}}}},
        "node_modules/express": {{"version": "4.18.0", "integrity": "x", "dependencies": {{"{need}": "1.0.6"}}}},
        "node_modules/cookie": {{"resolved": "v/cookie", "link": true}}, "node_modules/ms": {{"resolved": "v/ms", "link": true}},
        "node_modules/own": {{"resolved": "own", "link": true}}, "node_modules/deep": {{"resolved": "v/deep", "link": true}},
        "v/cookie": {{"version": "1.0.6", "dependencies": {{"ms": "file:../ms"}}, "devDependencies": {{"own": "file:../../own"}}}},
        "v/ms": {{"version": "2.0.0", "dependencies": {{"deep": "file:../deep"}}}}, "v/deep": {{"version": "1.0.0", "dependencies": {{"cookie": "*"}}}}, "own": {{"version": "2.0.0"}}}}}}"#
        )
    };
    assert_eq!(
        looked_up(&PACKAGE_LOCK, "package-lock.json", &npm("cookie")),
        (names(&["cookie", "deep", "express", "ms"]), 0)
    );
    assert_eq!(
        looked_up(&PACKAGE_LOCK, "package-lock.json", &npm("other")),
        (names(&["express"]), 0),
        "the control"
    );
    let first = r#"{"name": "app", "version": "1.0.0", "lockfileVersion": 1, "dependencies": {
        "express": {"version": "4.18.0", "requires": {"cookie": "1.0.6"}},
        "cookie": {"version": "file:v/cookie", "requires": {"ms": "2"}}, "ms": {"version": "file:v/ms"}}}"#;
    assert_eq!(
        looked_up(&PACKAGE_LOCK, "package-lock.json", first),
        (names(&["express"]), 2),
        "no version is told"
    );
    let berry = |need: &str| {
        format!(
            "__metadata:\n  version: 8\n\n\"app@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"app@workspace:.\"\n  dependencies:\n    express: \"npm:4.18.0\"\n\n\
             \"cookie@file:./v/cookie::locator=app%40workspace%3A.\":\n  version: 1.0.6\n  resolution: \"cookie@file:./v/cookie#./v/cookie::hash=1&locator=app%40workspace%3A.\"\n  dependencies:\n    ms: \"file:../ms\"\n\n\
             \"ms@file:../ms::locator=cookie%40file%3A.\":\n  version: 2.0.0\n  resolution: \"ms@file:../ms#../ms::hash=1&locator=cookie%40file%3A.\"\n\n\
             \"express@npm:4.18.0\":\n  version: 4.18.0\n  resolution: \"express@npm:4.18.0\"\n  dependencies:\n    {need}: \"npm:1.0.6\"\n"
        )
    };
    assert_eq!(
        looked_up(&YARN_LOCK, "yarn.lock", &berry("cookie")),
        (names(&["cookie", "express", "ms"]), 0)
    );
    assert_eq!(
        looked_up(&YARN_LOCK, "yarn.lock", &berry("other")),
        (names(&["express"]), 0),
        "the control"
    );
    // As yarn 1.22 writes what a folder needs of another one.
    let classic = |range: &str| {
        format!(
            "# yarn lockfile v1\n\n{range}\"cookie@file:./v/cookie\":\n  version \"1.0.6\"\n  dependencies:\n    ms \"file:../../cache/ms\"\n\n\"ms@file:v/ms\":\n  version \"2.0.0\"\n"
        )
    };
    assert_eq!(
        looked_up(&YARN_LOCK, "yarn.lock", &classic("cookie@^1.0.0, ")),
        (names(&["cookie", "ms"]), 0)
    );
    assert_eq!(looked_up(&YARN_LOCK, "yarn.lock", &classic("")), (names(&[]), 0), "the control");
    let pnpm = |need: &str, link: &str| {
        format!(
            "lockfileVersion: '6.0'\ndependencies:\n  express:\n    specifier: 4.18.0\n    version: 4.18.0\npackages:\n  /express@4.18.0:\n    resolution: {{integrity: x}}\n    dependencies:\n      {need}: file:v/cookie\n\
             \x20 file:v/cookie:\n    resolution: {{directory: v/cookie, type: directory}}\n    name: cookie\n    version: 1.0.6\n    dependencies:\n      ms: {link}\n\
             \x20 file:v/ms:\n    resolution: {{directory: v/ms, type: directory}}\n    name: ms\n    version: 2.0.0\n"
        )
    };
    assert_eq!(
        looked_up(&PNPM_LOCK, "pnpm-lock.yaml", &pnpm("cookie", "file:v/ms")),
        (names(&["cookie", "express", "ms"]), 0)
    );
    assert_eq!(looked_up(&PNPM_LOCK, "pnpm-lock.yaml", &pnpm("cookie", "link:v/ms")).1, 1);
    let bun = |range: &str| {
        format!(
            "{{\"lockfileVersion\": 1, \"workspaces\": {{\"\": {{\"name\": \"app\", \"dependencies\": {{\"cookie\": \"{range}\", \"own\": \"^1.0.0\"}}}}, \"own\": {{\"name\": \"own\", \"version\": \"1.0.0\"}}}}, \"packages\": {{\
             \"cookie\": [\"cookie@file:v/cookie\", {{\"dependencies\": {{\"ms\": \"file:../ms\"}}}}], \"ms\": [\"ms@file:v/ms\", {{}}], \"own\": [\"own@workspace:own\"]}}}}"
        )
    };
    assert_eq!(
        looked_up(&BUN_LOCK, "bun.lock", &bun("^1.0.0")),
        (names(&[]), 2),
        "no version is told"
    );
    assert_eq!(
        looked_up(&BUN_LOCK, "bun.lock", &bun("file:v/cookie")),
        (names(&[]), 0),
        "the control"
    );
}

#[test]
fn a_folder_that_overrides_give_the_project_itself_stands_in_and_a_member_of_the_workspace_does_not() {
    let berry = |asked: &str| {
        format!(
            "__metadata:\n  version: 8\n\n\"app@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"app@workspace:.\"\n  dependencies:\n    cookie: \"{asked}\"\n    own: \"npm:^1.0.0\"\n\n\
             \"cookie@file:./v/cookie::locator=app%40workspace%3A.\":\n  version: 1.0.6\n  resolution: \"cookie@file:./v/cookie#./v/cookie::hash=1&locator=app%40workspace%3A.\"\n\n\
             \"own@npm:^1.0.0, own@workspace:own\":\n  version: 0.0.0-use.local\n  resolution: \"own@workspace:own\"\n"
        )
    };
    assert_eq!(looked_up(&YARN_LOCK, "yarn.lock", &berry("npm:^1.0.0")), (names(&["cookie"]), 0));
    assert_eq!(
        looked_up(&YARN_LOCK, "yarn.lock", &berry("file:./v/cookie")),
        (names(&[]), 0),
        "the control"
    );
    let pnpm = |overrides: &str| {
        format!(
            "lockfileVersion: '9.0'\n{overrides}importers:\n  .:\n    dependencies:\n      cookie:\n        specifier: link:v/cookie\n        version: link:v/cookie\n"
        )
    };
    let gaps = |overrides: &str| looked_up(&PNPM_LOCK, "pnpm-lock.yaml", &pnpm(overrides)).1;
    assert_eq!(
        (
            gaps("overrides:\n  cookie: link:v/cookie\n"),
            gaps("overrides:\n  cookie@^1: link:v/cookie\n")
        ),
        (1, 1)
    );
    assert_eq!(gaps("overrides:\n  cookie: workspace:*\n") + gaps(""), 0, "the controls");
}
