//! Feeds that are opened for whatever may come: by ecosystems, before an inventory is at hand.

use portcullis::io::Effects;
use portcullis::model::coverage::GapKind;
use portcullis::model::inventory::{Component, Ecosystem, Inventory, SourcePackage};
use portcullis::model::matching::Matching;
use portcullis::model::purl::Purl;
use portcullis::stage::matching;

use crate::matching::ecosystem_tools::{inventory_of, plan};
use crate::matching::feeds::{OLD, record};

fn component(kind: &str, name: &str, ecosystem: &str) -> Component {
    let mut component = Component::new(Purl::new(kind, name, "1.0.0"), Some(Ecosystem::new(ecosystem)), "test");
    // As dpkg's database always tells.
    component.source = (kind == "deb").then(|| SourcePackage {
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
    });
    component
}

/// What feeds that were opened for all of these ecosystems say of some inventories.
fn matched(folder: &std::path::Path, ecosystems: &[&str], inventories: &[Inventory]) -> Vec<Matching> {
    let plan = plan(&folder.join("feed"), &folder.join("cache"));
    let effects = Effects::plain(plan.cache.clone());
    let ecosystems: Vec<Ecosystem> = ecosystems.iter().map(|name| Ecosystem::new(*name)).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let feeds = runtime.block_on(matching::open_ecosystems(&plan, &ecosystems, &effects)).unwrap();
    inventories.iter().map(|inventory| feeds.match_inventory(inventory, &[])).collect()
}

#[test]
fn feeds_of_ecosystems_give_every_inventory_its_own_gaps_and_no_other_s() {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in [
        ("npm/GHSA-1.json", record("GHSA-1", "left-pad", "1.1.0", OLD)),
        ("Debian/DSA-1.json", record("DSA-1", "bash", "9", OLD).replace("npm", "Debian:12")),
    ] {
        let path = folder.path().join("feed").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let inventories = [
        inventory_of(vec![component("npm", "left-pad", "npm")]),
        inventory_of(vec![component("deb", "bash", "Debian:12")]),
        inventory_of(vec![component("deb", "bash", "Debian:99"), component("deb", "zsh", "Debian:99")]),
        inventory_of(vec![component("maven", "x", "Maven"), component("npm", "left-pad", "npm")]),
    ];
    let matched = matched(folder.path(), &["npm", "Debian:12", "Debian:99", "Maven"], &inventories);
    let gaps: Vec<Vec<(GapKind, &str)>> = matched
        .iter()
        .map(|matching| matching.gaps.iter().map(|gap| (gap.kind, gap.subject.as_str())).collect())
        .collect();
    let uncovered = |subject| vec![(GapKind::UncoveredEcosystem, subject)];
    assert_eq!(gaps, [vec![], vec![], uncovered("Debian:99"), uncovered("Maven")]);
    assert!(
        matched[2].gaps[0].detail.ends_with("2 components were not looked up"),
        "{:?}",
        matched[2].gaps
    );
    assert_eq!(
        matched.iter().map(|matching| matching.matches.len()).collect::<Vec<_>>(),
        [1, 1, 0, 1]
    );
}

#[test]
fn a_record_without_a_summary_is_called_by_the_first_sentence_of_its_details() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("feed/npm/GHSA-1.json");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let details = r####"{"details":"### Impact\nAn attacker can read `secrets`, see [more](https://a.example). Do upgrade.","####;
    std::fs::write(&path, record("GHSA-1", "left-pad", "1.1.0", OLD).replacen('{', details, 1)).unwrap();
    let found = matched(folder.path(), &["npm"], &[inventory_of(vec![component("npm", "left-pad", "npm")])]);
    assert_eq!(found[0].matches[0].advisory.summary, "An attacker can read secrets, see more.");
}

#[test]
fn a_feed_that_is_too_old_says_its_age_in_days() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("feed/npm/GHSA-1.json");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, record("GHSA-1", "left-pad", "1.1.0", OLD)).unwrap();
    let mut plan = plan(&folder.path().join("feed"), &folder.path().join("cache"));
    plan.max_age = std::time::Duration::from_secs(24 * 3600);
    let inventory = inventory_of(vec![component("npm", "left-pad", "npm")]);
    let stale = crate::matching::feeds::run_of(&plan, &inventory, "2026-01-10T00:00:00Z").unwrap();
    assert_eq!(stale.gaps.len(), 1);
    assert_eq!(
        stale.gaps[0].detail,
        "its data is of 2026-01-01T00:00:00Z, 9 days ago; at most 24 h are allowed"
    );
}
