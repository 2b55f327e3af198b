//! `CONTRIBUTING.md` shows how to add a cataloger, a rule, a target and a feed by one that is there. What it says of each is held against the code:
//! a newcomer who follows the example finds every piece where it is said to be.

use std::fs;
use std::path::Path;

use super::root;

/// A page's name for a file, and what must stand in that file for the page to be true.
type Piece = (&'static str, &'static str);

const CATALOGER: &[Piece] = &[
    ("src/stage/inventory/catalogers/accounts.rs", "impl Cataloger for Accounts"),
    ("src/stage/inventory/catalogers/mod.rs", "mod accounts;"),
    ("src/stage/inventory/catalogers/mod.rs", "    &accounts::Accounts,"),
    ("tests/gate/inventory/catalogers.rs", "fixtures/inventory"),
    ("tests/gate/inventory/cases.rs", "image.json"),
    ("docs/reading.md", "what is read"),
    ("src/stage/inventory/catalogers/pinned/bundler.rs", "fn read("),
];

const RULE: &[Piece] = &[
    ("src/stage/policy/rules/yanked_crate.rs", "impl Rule for YankedCrate"),
    ("src/stage/policy/rules/mod.rs", "    Entry::of::<yanked_crate::YankedCrate>(),"),
    ("policies/gate.toml", "[rules.yanked-crate]"),
];

const TARGET: &[Piece] = &[
    ("src/stage/rollout/process/target.rs", "impl RolloutTarget for ProcessTarget"),
    ("src/stage/rollout/target.rs", "trait RolloutTarget"),
    ("src/model/plan/rollout.rs", "    Process(ProcessPlan),"),
    ("src/cli/config/rollout.rs", "    Process,"),
    ("src/cli/wiring/rollout.rs", "TargetPlan::Process("),
    ("src/stage/rollout/orders/verbs.rs", "TargetPlan::Process("),
    ("tests/gate/rollout/failures.rs", "#[tokio::test"),
];

const FEED: &[Piece] = &[
    ("src/stage/matching/feeds/enrich.rs", "epss"),
    ("src/stage/matching/feeds/rustsec/database.rs", "chunk.records.push("),
    ("src/model/plan/feeds.rs", "    pub kev: Option<String>,"),
    ("src/model/plan/feeds.rs", "    pub rustsec: Option<String>,"),
    ("src/cli/config/document.rs", "    pub kev: Option<String>,"),
    ("src/cli/wiring/judging.rs", "kev: feeds.kev"),
    ("src/stage/matching/feeds/opener.rs", "plan.kev"),
    ("src/stage/matching/feeds/manage.rs", "plan.kev"),
    ("src/stage/matching/feeds/bundle/documents.rs", "plan.kev"),
];

#[test]
fn every_piece_of_an_example_is_where_contributing_says() {
    let page = read("CONTRIBUTING.md");
    for (file, piece) in [CATALOGER, RULE, TARGET, FEED].concat() {
        assert!(page.contains(&format!("`{file}`")), "CONTRIBUTING.md does not name {file}");
        assert!(
            read(file).contains(piece),
            "{file} has no `{piece}`, which the example of CONTRIBUTING.md needs"
        );
    }
}

#[test]
fn the_cases_of_an_example_are_such_as_tests_find() {
    let page = read("CONTRIBUTING.md");
    let named = |name: &str| {
        assert!(page.contains(&format!("`{name}`")), "CONTRIBUTING.md does not name {name}");
        root().join(name)
    };
    for (folder, content) in [("fixtures/inventory/accounts", "root"), ("fixtures/inventory/setuid", "image.json")] {
        let cases: Vec<_> = fs::read_dir(named(folder)).unwrap().map(|case| case.unwrap().path()).collect();
        assert!(!cases.is_empty(), "{folder} has no case");
        for case in cases {
            assert!(case.join(content).exists() && case.join("expected.json").is_file(), "{case:?}");
        }
    }
    let expected = |name: &str| read_at(&named(name).join("expected.txt"));
    let (fires, silent) = (
        expected("fixtures/policy/yanked-crate-fires"),
        expected("fixtures/policy/yanked-crate-silent"),
    );
    assert!(fires.contains("yanked-crate"), "{fires}");
    assert!(!silent.contains("yanked-crate"), "{silent}");
}

fn read(name: &str) -> String {
    read_at(&root().join(name))
}

fn read_at(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
