//! One answer for a fleet whose shares were judged apart.

use std::fs;

use portcullis::model::inventory::{Component, Ecosystem, Inventory, SourcePackage, Subject};
use portcullis::model::purl::Purl;
use serde_json::Value;

use crate::support::sample::{CONFIG, Sample};

const AT: &str = "2026-11-20T12:00:00Z";
const BEFORE: &str = "2026-11-01T00:00:00Z";

/// Stored inventories of services, each with `bash` where the number is even, and every third with an old `curl`; one cannot be read.
fn fleet(services: usize) -> Sample {
    let sample = Sample::new();
    sample.write("portcullis.toml", CONFIG);
    sample.advise("DEBIAN-CVE-2026-7", "bash", BEFORE);
    sample.advise("DEBIAN-CVE-2026-8", "curl", BEFORE);
    for number in 0..services {
        let mut inventory = Inventory::new(Subject {
            name: format!("service-{number}"),
            digest: None,
            commit: None,
        });
        let mut names = vec!["sed"];
        names.extend((number % 2 == 0).then_some("bash"));
        names.extend((number % 3 == 0).then_some("curl"));
        for name in names {
            let purl = Purl::new("deb", name, "5.2.15-2").with_namespace("debian");
            let mut component = Component::new(purl, Some(Ecosystem::new("Debian:12")), "dpkg");
            // Of service 4's `bash` nothing says what it is built from.
            component.source = (number != 4).then(|| SourcePackage {
                name: name.to_owned(),
                version: "5.2.15-2".to_owned(),
            });
            inventory.components.push(component);
        }
        inventory.canonicalize();
        sample.write(
            &format!("stored/{}/{number}.json", number % 4),
            &serde_json::to_string(&inventory).unwrap(),
        );
    }
    sample
}

/// Judges a share and keeps what it printed.
fn share(sample: &Sample, shard: &str) {
    let done = sample.run(&["--at", AT, "--format", "json", "recheck", "stored", "--shard", shard]);
    assert!(!done.stdout.is_empty(), "{}", String::from_utf8_lossy(&done.stderr));
    sample.write(
        &format!("shares/{}.json", shard.replace('/', "-")),
        &String::from_utf8(done.stdout).unwrap(),
    );
}

#[test]
fn joined_shares_are_the_bytes_that_one_process_gives() {
    let sample = fleet(10);
    sample.write("stored/9/broken.json", "{\"schema\":\"portcullis/inventory/v1\",\"subj");
    let whole = sample.run(&["--at", AT, "--format", "json", "recheck", "stored"]);
    for number in 1..=4 {
        share(&sample, &format!("{number}/4"));
    }
    let joined = sample.run(&["--format", "json", "report", "--merge", "shares"]);
    assert_eq!(String::from_utf8_lossy(&joined.stdout), String::from_utf8_lossy(&whole.stdout));
    assert_eq!((joined.status.code(), whole.status.code()), (Some(1), Some(1)));
}

#[test]
fn a_share_that_nobody_answered_for_is_named_and_undecidable() {
    let sample = fleet(9);
    // Only services with odd numbers and no `curl` are cleared: 1, 5, 7.
    for number in 0..9 {
        if ![1, 5, 7].contains(&number) {
            fs::remove_file(sample.path(&format!("stored/{}/{number}.json", number % 4))).unwrap();
        }
    }
    for shard in ["1/3", "3/3"] {
        share(&sample, shard);
    }
    let (out, said) = sample.ends(2, &["report", "--merge", "shares"]);
    assert!(out.contains("2 rechecked: 2 cleared") && out.contains("shares 2/3"), "{out}");
    assert!(said.contains("judge the missing shares"), "{said}");
    share(&sample, "2/3");
    let (out, _) = sample.ends(0, &["report", "--merge", "shares"]);
    assert!(out.contains("3 rechecked: 3 cleared"), "the control: {out}");
}

#[test]
fn shares_of_another_fleet_or_another_moment_are_not_joined() {
    let sample = fleet(6);
    share(&sample, "1/2");
    share(&sample, "2/2");
    let refused = |change: &dyn Fn(&mut Value), why: &str| {
        let file = sample.path("shares/2-2.json");
        let before = fs::read_to_string(&file).unwrap();
        let mut answer: Value = serde_json::from_str(&before).unwrap();
        change(&mut answer);
        fs::write(&file, answer.to_string()).unwrap();
        let (_, said) = sample.ends(2, &["report", "--merge", "shares"]);
        assert!(said.contains(why), "{why}: {said}");
        fs::write(&file, before).unwrap();
    };
    refused(
        &|answer| answer["at"] = "2026-11-21T12:00:00Z".into(),
        "the time that they were judged for",
    );
    refused(&|answer| answer["feeds"][0]["records"] = 7.into(), "the feed");
    refused(&|answer| answer["shard"] = "1/2".into(), "the same share");
    refused(&|answer| answer["results"] = Value::Array(Vec::new()), "as many results");
    refused(&|answer| answer["results"][0]["verdict"] = "cleared".into(), "other counts");
    refused(
        &|answer| answer["results"][0]["file"] = answer["results"][1]["file"].clone(),
        "names other inventories",
    );
    refused(
        &|answer| answer["fleet"]["stored"] = 10_000_000_000_000_u64.into(),
        "as many results",
    );
    refused(&|answer| answer["more"] = 1.into(), "no answer of `recheck`");
    let (_, said) = sample.ends(2, &["report", "--merge", "shares/1-2.json", "shares/1-2.json", "shares/2-2.json"]);
    assert!(said.contains("the same share"), "{said}");
    sample.ends(1, &["report", "--merge", "shares/2-2.json", "shares/1-2.json"]);
    let (_, said) = sample.ends(64, &["report", "--merge", "stored"]);
    assert!(said.contains("holds no share"), "{said}");
}

#[test]
fn a_fleet_of_nothing_is_no_answer_by_shares_either() {
    let sample = fleet(0);
    fs::create_dir(sample.path("stored")).unwrap();
    for shard in [&[][..], &["--shard", "1/1"], &["--shard", "2/3"]] {
        let (_, said) = sample.ends(64, &[&["recheck", "stored"], shard].concat());
        assert!(said.contains("holds no stored inventory"), "{said}");
    }
}
