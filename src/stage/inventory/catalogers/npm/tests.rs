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
    let first = r#"{"name": "app", "version": "1.0.0", "lockfileVersion": 1, "requires": true, "dependencies": {
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

/// npm's file with `express`, which asks for `victim`, and with other entries.
fn placed(asks: &str, entries: &str) -> (Vec<String>, usize) {
    let text = format!(
        r#"{{"name": "svc", "version": "1.0.0", "lockfileVersion": 3, "requires": true, "packages": {{
        "": {{"name": "svc", "version": "1.0.0", "dependencies": {{"express": "4.0.0", "victim": "file:v/victim"}}}},
        "node_modules/express": {{"version": "4.0.0", "integrity": "x", "dependencies": {{{asks}}}}}, {entries}}}}}"#
    );
    looked_up(&PACKAGE_LOCK, "package-lock.json", &text)
}

#[test]
fn a_fork_with_a_name_of_its_own_is_looked_up_as_what_it_is_taken_for_too() {
    let fork = r#""node_modules/victim": {"resolved": "v/victim", "link": true}, "v/victim": {"name": "victim-fork", "version": "1.0.0"}"#;
    assert_eq!(placed(r#""victim": "^1""#, fork), (names(&["express", "victim", "victim-fork"]), 0));
    let alias = fork.replace("node_modules/victim", "node_modules/v");
    assert_eq!(
        placed(r#""v": "npm:victim@^1""#, &alias),
        (names(&["express", "victim", "victim-fork"]), 0)
    );
    let own = fork.replace("\"name\": \"victim-fork\", ", "");
    assert_eq!(placed(r#""victim": "^1""#, &own), (names(&["express", "victim"]), 0), "the control");
    assert_eq!(
        placed(r#""other": "^1""#, fork),
        (names(&["express"]), 0),
        "the control: the project's own"
    );
}

#[test]
fn a_link_leads_to_its_folder_in_any_spelling() {
    let entries = |target: &str| {
        format!(
            r#""node_modules/victim": {{"resolved": "{target}", "link": true}}, "v/victim": {{"version": "1.0.0"}}, "v/l": {{"resolved": "./v/victim", "link": true}}"#
        )
    };
    for target in [
        "v/victim",
        "./v/victim",
        "v//victim",
        "v/victim/",
        "v/../v/victim",
        r"v\\victim",
        "file:v/victim",
        "v/l",
    ] {
        assert_eq!(
            placed(r#""victim": "^1""#, &entries(target)),
            (names(&["express", "victim"]), 0),
            "{target}"
        );
        assert_eq!(
            placed(r#""other": "^1""#, &entries(target)),
            (names(&["express"]), 0),
            "the control: {target}"
        );
    }
}

#[test]
fn a_link_that_leads_to_no_folder_of_the_list_is_told_and_nothing_above_it_is_taken() {
    let above = r#""node_modules/victim": {"version": "2.0.0", "integrity": "x"}"#;
    for link in [
        r#"{"resolved": "v/victim", "link": true}"#,
        r#"{"resolved": "../d/v/victim", "link": true}"#,
        r#"{"resolved": "node_modules/express/node_modules/victim", "link": true}"#,
        r#"{"link": true}"#,
    ] {
        let (found, gaps) = placed(
            r#""victim": "^1""#,
            &format!(r#"{above}, "node_modules/express/node_modules/victim": {link}"#),
        );
        assert_eq!((found, gaps), (names(&["express", "victim"]), 1), "{link}");
    }
    // The controls: npm's link of a project to itself, and none at all.
    let own = format!(r#"{above}, "node_modules/svc": {{"resolved": "", "link": true}}"#);
    assert_eq!(placed(r#""victim": "^1""#, &own).1 + placed(r#""victim": "^1""#, above).1, 0);
}

#[test]
fn what_a_member_of_buns_workspace_needs_that_stands_in_is_looked_up_as_well() {
    let bun = |asks: &str, list: &str, victim: &str| {
        let text = format!(
            r#"{{"lockfileVersion": 1, "workspaces": {{"": {{"name": "svc", "dependencies": {{"express": "4.0.0"}}}},
            "v/vic0": {{"name": "vic0", "version": "1.0.0", "{list}": {{"victim": "workspace:*"}}}}, "v/victim": {{"name": "victim", "version": "1.0.0"}}}},
            "packages": {{"express": ["express@4.0.0", "", {{"dependencies": {{"{asks}": "^1"}}}}, "sha512-AAAA"],
            "vic0": ["vic0@workspace:v/vic0"], "victim": ["victim@{victim}"]}}}}"#
        );
        looked_up(&BUN_LOCK, "bun.lock", &text)
    };
    let member = "workspace:v/victim";
    assert_eq!(bun("vic0", "dependencies", member), (names(&["express", "vic0", "victim"]), 0));
    assert_eq!(bun("vic0", "dependencies", "file:v/victim"), (names(&["express", "vic0"]), 1));
    for (asks, list) in [("vic0", "devDependencies"), ("other", "dependencies")] {
        let found = bun(asks, list, member);
        assert!(found.1 == 0 && !found.0.contains(&"victim".to_owned()), "the control: {found:?}");
    }
}

#[test]
fn a_folder_in_a_file_of_npm_that_does_not_tell_who_needs_whom_is_a_gap_or_looked_up() {
    let nested = |top: &str, express: &str, victim: &str| {
        let text = format!(
            r#"{{"name": "svc", "version": "1.0.0", {top}"dependencies": {{"express": {{"version": "4.0.0"{express}}}, "victim": {{{victim}}}}}}}"#
        );
        looked_up(&PACKAGE_LOCK, "package-lock.json", &text)
    };
    let (told, folder) = ("\"lockfileVersion\": 1, \"requires\": true, ", "\"version\": \"file:v/victim\"");
    let with_version = "\"version\": \"1.0.0\", \"from\": \"v/victim\", \"resolved\": \"file:v/victim\"";
    assert_eq!(nested("\"lockfileVersion\": 1, ", "", folder), (names(&["express"]), 1));
    assert_eq!(nested(told, ", \"requires\": true", folder), (names(&["express"]), 1));
    assert_eq!(nested("", "", with_version), (names(&["express", "victim"]), 0));
    assert_eq!(
        nested(told, ", \"requires\": {\"victim\": \"^1\"}", folder),
        (names(&["express"]), 1)
    );
    assert_eq!(nested(told, "", folder), (names(&["express"]), 0), "the control: nobody needs it");
    assert_eq!(nested(told, "", with_version), (names(&["express"]), 0), "the control");
}

#[test]
fn a_folder_that_yarn_gives_for_an_alias_is_looked_up_as_the_package_that_the_alias_names() {
    let berry = |project: &str, express: &str| {
        let text = format!(
            "__metadata:\n  version: 8\n\n\"svc@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"svc@workspace:.\"\n  dependencies:\n    express: \"npm:4.0.0\"\n    {project}\n\n\
             \"express@npm:4.0.0\":\n  version: 4.0.0\n  resolution: \"express@npm:4.0.0\"\n  dependencies:\n    {express}\n\n\
             \"v@file:./v/victim::locator=svc%40workspace%3A.\":\n  version: 1.0.0\n  resolution: \"v@file:./v/victim#./v/victim::hash=1&locator=svc%40workspace%3A.\"\n"
        );
        looked_up(&YARN_LOCK, "yarn.lock", &text)
    };
    let found = (names(&["express", "v", "victim"]), 0);
    assert_eq!(berry("o: \"npm:^1\"", "v: \"npm:victim@^1\""), found);
    assert_eq!(berry("v: \"npm:victim@^1\"", "o: \"npm:^1\""), found);
    assert_eq!(
        berry("v: \"file:./v/victim\"", "o: \"npm:^1\""),
        (names(&["express"]), 0),
        "the control"
    );
}
