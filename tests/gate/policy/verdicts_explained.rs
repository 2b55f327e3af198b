//! Questions about verdicts: replay, causes, only-new, explain, recheck, VEX.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Instant;

use portcullis::io::Effects;
use portcullis::io::hash::sha256;
use portcullis::model::commit::CommitSha;
use portcullis::model::finding::{Cause, Disposition};
use portcullis::model::inventory::{Ecosystem, Inventory};
use portcullis::model::purl::Purl;
use portcullis::model::verdict::{Decision, Verdict};
use portcullis::stage::policy::baseline::{Baseline, fill_causes, only_new};
use portcullis::stage::policy::clearance::{NotCleared, clear};
use portcullis::stage::policy::comparison::compare;
use portcullis::stage::policy::evidence_file::{EvidenceFile, RecordedBaseline};
use portcullis::stage::policy::explain::explain;
use portcullis::stage::policy::recheck::{Recheck, Rechecked, Shard, stored};
use portcullis::stage::policy::waivers::VexOutcome;
use portcullis::stage::policy::{Policy, Waivers, judge};

use crate::policy::case::{Case, all, named};

fn bytes(verdict: &Verdict) -> Vec<u8> {
    serde_json::to_vec_pretty(verdict).expect("json")
}

fn record(case: &Case) -> EvidenceFile {
    EvidenceFile::new(&case.policy(), &case.waivers().expect("waivers"), &case.evidence())
}

#[test]
fn a_replay_is_byte_identical_for_every_case() {
    let dir = tempfile::tempdir().expect("folder");
    let effects = Effects::plain(dir.path().to_owned());
    for case in all() {
        record(&case).write(dir.path()).expect("written");
        let replayed = EvidenceFile::read(dir.path(), &effects).expect("read").replay().expect("replayed");
        assert_eq!(
            compare(&bytes(&case.verdict()), &bytes(&replayed)).first_difference,
            None,
            "{}",
            case.name
        );
    }
}

/// Run by the test below in a process of its own.
#[test]
#[ignore = "prints a digest for another test"]
fn digest_of_a_replay() {
    let path = PathBuf::from(std::env::var_os("PORTCULLIS_TEST_RECORD").expect("record"));
    let record = EvidenceFile::read(&path, &Effects::plain(path.clone())).expect("read");
    let digest = sha256(&bytes(&record.replay().expect("replayed")));
    writeln!(std::io::stdout().lock(), "digest={digest};").expect("printed");
}

#[test]
fn a_replay_is_byte_identical_in_another_folder_time_zone_and_locale() {
    let case = named("waiver-states");
    let expected = sha256(&bytes(&case.verdict()));
    for (zone, locale) in [
        ("Asia/Tokyo", "tr_TR.UTF-8"),
        ("America/Los_Angeles", "C"),
        ("Pacific/Kiritimati", "de_DE.UTF-8"),
    ] {
        let dir = tempfile::tempdir().expect("folder");
        record(&case).write(dir.path()).expect("written");
        let output = std::process::Command::new(std::env::current_exe().expect("test"))
            .args([
                "policy::verdicts_explained::digest_of_a_replay",
                "--exact",
                "--ignored",
                "--nocapture",
            ])
            .env("PORTCULLIS_TEST_RECORD", dir.path())
            .env("TZ", zone)
            .env("LC_ALL", locale)
            .current_dir(dir.path())
            .output()
            .expect("started");
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(printed.contains(&format!("digest={expected};")), "{zone} {locale}: {printed}");
    }
}

#[test]
fn a_replay_that_differs_says_where() {
    let case = named("vulnerable-component-fires");
    let mut record = record(&case);
    record.at = "2026-11-22T00:00:00Z".parse().expect("time");
    let comparison = compare(&bytes(&case.verdict()), &bytes(&record.replay().expect("replayed")));
    assert!(!comparison.identical);
    assert!(comparison.first_difference.expect("said").contains("evaluated_at"));
}

#[test]
fn evidence_that_is_broken_is_undecidable() {
    let dir = tempfile::tempdir().expect("folder");
    let effects = Effects::plain(dir.path().to_owned());
    fs::write(dir.path().join("evidence.json"), "{\"schema\": \"portcullis/evidence/v1\"").expect("written");
    assert_eq!(
        EvidenceFile::read(dir.path(), &effects)
            .map(|_| ())
            .expect_err("broken")
            .exit_kind()
            .code(),
        2
    );
}

/// Today's verdict of a case with its causes against a baseline.
fn against(before: &Verdict, old: Option<&Inventory>, now: &Case) -> Verdict {
    let mut verdict = now.verdict();
    fill_causes(
        &mut verdict,
        &now.matching,
        &Baseline {
            verdict: before,
            inventory: old,
        },
    );
    verdict
}

fn only_cause(verdict: &Verdict) -> Cause {
    assert_eq!(verdict.count(Disposition::Denied), 1);
    verdict.findings[0].cause.expect("cause")
}

#[test]
fn main_went_red_overnight_and_the_code_is_unchanged() {
    let before = named("vulnerable-component-silent").verdict();
    let mut now = named("vulnerable-component-fires");
    now.matching.matches[0].advisory.published = Some("2026-11-22T00:00:00Z".parse().expect("time"));
    now.at = "2026-11-22T06:00:00Z".parse().expect("time");
    assert_eq!(only_cause(&against(&before, None, &now)), Cause::NewlyPublished);
}

#[test]
fn a_component_that_came_is_the_change() {
    let mut old = named("vulnerable-component-silent");
    old.inventory.components.clear();
    let now = named("vulnerable-component-fires");
    assert_eq!(
        only_cause(&against(&old.verdict(), Some(&old.inventory), &now)),
        Cause::IntroducedByChange
    );
    // Without the old inventory nobody knows: it counts as the change.
    assert_eq!(only_cause(&against(&old.verdict(), None, &now)), Cause::IntroducedByChange);
}

#[test]
fn what_the_same_commit_has_did_not_come_with_the_change() {
    let mut old = named("vulnerable-component-silent");
    old.inventory.components.clear();
    let mut now = named("vulnerable-component-fires");
    now.matching.matches[0].advisory.published = Some("2026-11-22T00:00:00Z".parse().expect("time"));
    now.at = "2026-11-22T06:00:00Z".parse().expect("time");
    let cause = |old: Option<&str>, new: Option<&str>, inventory: Option<&Inventory>| {
        let commit = |text: &str| CommitSha::parse(&text.repeat(40)).expect("a commit");
        let (mut before, mut after) = (named("vulnerable-component-silent").verdict(), now.verdict());
        before.inputs.inventory = sha256(b"another");
        (before.subject.commit, after.subject.commit) = (old.map(commit), new.map(commit));
        let baseline = Baseline {
            verdict: &before,
            inventory,
        };
        fill_causes(&mut after, &now.matching, &baseline);
        only_cause(&after)
    };
    assert_eq!(cause(Some("a"), Some("a"), None), Cause::NewlyPublished);
    for (old, new) in [(Some("a"), Some("b")), (None, Some("a")), (None, None)] {
        assert_eq!(cause(old, new, None), Cause::IntroducedByChange, "{old:?} {new:?}");
    }
    // One commit gives other components with another feature, or with changes that are not committed: what was there is known, and decides.
    let empty = Inventory {
        components: Vec::new(),
        ..now.inventory.clone()
    };
    for (old, new) in [(Some("a"), Some("a")), (Some("a"), Some("b")), (None, Some("a")), (None, None)] {
        assert_eq!(cause(old, new, Some(&empty)), Cause::IntroducedByChange, "{old:?} {new:?}");
    }
    assert_eq!(
        cause(Some("a"), Some("a"), Some(&now.inventory)),
        Cause::NewlyPublished,
        "the control"
    );
}

#[test]
fn a_waiver_that_ended_is_the_cause() {
    let case = named("vulnerable-component-waived");
    let before = case.verdict();
    let mut now = named("vulnerable-component-waived");
    now.at = "2026-12-02T00:00:00Z".parse().expect("time");
    assert_eq!(only_cause(&against(&before, None, &now)), Cause::WaiverExpired);
}

#[test]
fn a_raised_severity_a_fix_a_policy_and_grace_are_causes() {
    let before = named("vulnerable-component-below-threshold-is-listed").verdict();
    let now = named("vulnerable-component-fires");
    assert_eq!(only_cause(&against(&before, None, &now)), Cause::SeverityRaised);

    let mut before = named("vulnerable-component-fires").verdict();
    before.findings[0].disposition = Disposition::Warned;
    assert_eq!(only_cause(&against(&before, None, &now)), Cause::GraceEnded);
    before.findings[0].finding.fixed.clear();
    assert_eq!(only_cause(&against(&before, None, &now)), Cause::FixReleased);

    let mut before = named("vulnerable-component-fires").verdict();
    before.findings[0].disposition = Disposition::Warned;
    before.inputs.policy.digest = sha256(b"another");
    assert_eq!(only_cause(&against(&before, None, &now)), Cause::PolicyChanged);

    let before = named("vulnerable-component-fires").verdict();
    assert_eq!(only_cause(&against(&before, None, &now)), Cause::Unchanged);
}

#[test]
fn a_folder_is_compared_with_by_its_record_and_by_its_verdict_where_there_is_none() {
    let dir = tempfile::tempdir().expect("folder");
    let case = named("vulnerable-component-silent");
    fs::write(dir.path().join("verdict.json"), bytes(&case.verdict())).expect("written");
    let has_inventory = || {
        let read = RecordedBaseline::read(dir.path(), false, &Effects::plain(dir.path().to_owned()));
        read.expect("a baseline").inventory.is_some()
    };
    assert!(!has_inventory());
    record(&case).write(dir.path()).expect("written");
    assert!(has_inventory());
}

#[test]
fn what_is_about_no_package_is_of_the_change_unless_the_policy_alone_is_new() {
    let old = named("untraceable-tag-silent");
    let before = old.verdict();
    let mut now = named("untraceable-tag-silent");
    now.context.tags.push("latest".to_owned());
    assert_eq!(only_cause(&against(&before, Some(&old.inventory), &now)), Cause::IntroducedByChange);
    now.policy.1.push_str("\n# another\n");
    assert_eq!(only_cause(&against(&before, Some(&old.inventory), &now)), Cause::PolicyChanged);
    now.inventory.components.clear();
    assert_eq!(only_cause(&against(&before, Some(&old.inventory), &now)), Cause::IntroducedByChange);
}

#[test]
fn only_new_blocks_on_the_change_and_lists_the_rest() {
    let old = named("vulnerable-component-fires");
    let before = old.verdict();
    let mut now = named("waiver-of-one-package-does-not-cover-another");
    now.waivers = None;
    let mut verdict = against(&before, Some(&old.inventory), &now);
    assert_eq!(verdict.count(Disposition::Denied), 2);
    only_new(&mut verdict);
    assert_eq!((verdict.count(Disposition::Denied), verdict.count(Disposition::Warned)), (1, 1));
    assert_eq!(
        verdict.findings[0].finding.purl.as_ref().map(Purl::to_string).as_deref(),
        Some("pkg:cargo/bar@1.2.3")
    );
    assert_eq!(verdict.verdict, Decision::Blocked);
}

#[test]
fn only_new_never_clears_for_publishing() {
    let now = named("vulnerable-component-fires");
    let mut verdict = against(&now.verdict(), Some(&now.inventory), &now);
    only_new(&mut verdict);
    assert_eq!(verdict.verdict, Decision::Cleared);
    let dir = tempfile::tempdir().expect("folder");
    let image = crate::support::images::image(dir.path(), &[]);
    verdict.subject.digest = Some(image.digest);
    assert_eq!(clear(image, verdict).map(|_| ()), Err(NotCleared::OnlyNew));
}

#[test]
fn only_new_does_not_let_malware_stay() {
    let now = named("malicious-component-fires");
    let mut verdict = against(&now.verdict(), Some(&now.inventory), &now);
    only_new(&mut verdict);
    assert_eq!(verdict.verdict, Decision::Blocked);
}

#[test]
fn an_explanation_shows_the_shortest_path_and_the_smallest_change() {
    let mut case = named("vulnerable-component-fires");
    let purl = |text: &str| Purl::parse(text).expect("purl");
    let mut add = |name: &str, needs: &[&str], root: bool| {
        let mut component = case.inventory.components[0].clone();
        component.purl = purl(name);
        component.name = component.purl.name.clone();
        component.dependencies = needs.iter().map(|n| purl(n)).collect();
        component.root = root;
        case.inventory.components.push(component);
    };
    add("pkg:cargo/service@0.1.0", &["pkg:cargo/mid@1.0.0", "pkg:cargo/long@1.0.0"], true);
    add("pkg:cargo/long@1.0.0", &["pkg:cargo/mid@1.0.0"], false);
    add("pkg:cargo/mid@1.0.0", &["pkg:cargo/foo@1.2.3"], false);
    let verdict = case.verdict();
    for query in ["CVE-2026-1001", "rustsec-2026-0001", "pkg:cargo/foo", "foo"] {
        let explained = explain(query, &case.inventory, &verdict);
        assert_eq!(explained.len(), 1, "{query}");
        let path: Vec<String> = explained[0].paths[0].iter().map(ToString::to_string).collect();
        assert_eq!(path, ["pkg:cargo/service@0.1.0", "pkg:cargo/mid@1.0.0", "pkg:cargo/foo@1.2.3"]);
        let commands: Vec<_> = explained[0]
            .changes
            .iter()
            .map(|change| (change.kind, change.command.as_deref()))
            .collect();
        assert_eq!(commands[0], ("update", Some("cargo update -p foo@1.2.3 --precise 1.2.4")));
        assert_eq!(commands[1], ("update-parent", Some("cargo update -p mid")));
        assert_eq!(commands[2].0, "waive");
    }
    assert!(explain("CVE-1999-1", &case.inventory, &verdict).is_empty());
}

#[test]
fn a_cycle_of_dependencies_ends() {
    let mut case = named("vulnerable-component-fires");
    let purl = |text: &str| Purl::parse(text).expect("purl");
    let mut other = case.inventory.components[0].clone();
    other.purl = purl("pkg:cargo/other@1.0.0");
    other.name = "other".to_owned();
    other.dependencies = vec![purl("pkg:cargo/foo@1.2.3")];
    case.inventory.components[0].dependencies = vec![other.purl.clone()];
    case.inventory.components.push(other);
    assert_eq!(explain("foo", &case.inventory, &case.verdict()).len(), 1);
}

/// Writes so many inventories of so many components.
fn fleet(dir: &std::path::Path, inventories: usize, components: usize) {
    let case = named("vulnerable-component-fires");
    for number in 0..inventories {
        let mut inventory = case.inventory.clone();
        inventory.subject.name = format!("service-{number}");
        let template = inventory.components[0].clone();
        for index in 1..components {
            let mut component = template.clone();
            component.purl = Purl::new("cargo", &format!("crate-{index:04}"), &format!("1.{number}.{index}"));
            component.name = component.purl.name.clone();
            component.version = component.purl.version.clone().unwrap_or_default();
            let near = |step: usize| Purl::new("cargo", &format!("crate-{:04}", (index + step * 7) % components), "1.0.0");
            component.dependencies = (0..8).map(near).collect();
            component.dependencies.sort();
            inventory.components.push(component);
        }
        inventory.canonicalize();
        let folder = dir.join(format!("{:02}", number % 100));
        fs::create_dir_all(&folder).expect("folder");
        fs::write(folder.join(format!("{number}.json")), serde_json::to_vec(&inventory).expect("json")).expect("written");
    }
}

fn recheck(dir: &std::path::Path, shard: Shard) -> Vec<Rechecked> {
    recheck_by(&named("vulnerable-component-fires").policy(), dir, shard)
}

fn recheck_by(policy: &Policy, dir: &std::path::Path, shard: Shard) -> Vec<Rechecked> {
    let case = named("vulnerable-component-fires");
    let effects = Effects::plain(dir.to_owned());
    let claims = case.matching.clone();
    let matcher = |inventory: &Inventory, _: &[String]| {
        let mut matching = claims.clone();
        let place = inventory.components.iter().position(|c| c.name == "foo");
        matching.matches.iter_mut().for_each(|claim| claim.component = place.unwrap_or(0));
        matching.matches.retain(|_| place.is_some());
        matching
    };
    let open = BTreeSet::from([Ecosystem::new("crates.io")]);
    let recheck = Recheck {
        waiver_authors: None,
        policy,
        waivers: &Waivers::default(),
        matcher,
        open: &open,
        at: case.at,
        effects: &effects,
    };
    let fleet = shard.of(stored(dir));
    let (results, missing) = recheck.run(&fleet.iter().collect::<Vec<_>>());
    assert!(missing.is_empty(), "{missing:?}");
    results.into_iter().flatten().collect()
}

fn count(results: &[Rechecked], verdict: Decision) -> usize {
    results.iter().filter(|result| result.verdict == verdict).count()
}

#[test]
fn shards_share_a_fleet_without_overlap() {
    let dir = tempfile::tempdir().expect("folder");
    fleet(dir.path(), 10, 3);
    let whole = recheck(dir.path(), Shard::WHOLE);
    assert_eq!(count(&whole, Decision::Blocked), 10);
    let mut shared: Vec<String> = ["1/3", "2/3", "3/3"]
        .iter()
        .flat_map(|shard| recheck(dir.path(), shard.parse().expect("share")))
        .map(|result| result.file)
        .collect();
    shared.sort();
    assert_eq!(shared, whole.into_iter().map(|result| result.file).collect::<Vec<_>>());
    for text in ["0/3", "4/3", "1", "1/0", "a/b"] {
        assert!(text.parse::<Shard>().is_err(), "{text}");
    }
}

#[test]
fn a_stored_inventory_that_cannot_be_read_is_undecidable() {
    let dir = tempfile::tempdir().expect("folder");
    fleet(dir.path(), 1, 1);
    for (name, text) in [
        ("cut.json", "{\"schema\":\"portcullis/inventory/v1\",\"subj"),
        ("other.json", "{\"schema\":\"x\"}"),
        ("empty.json", ""),
    ] {
        fs::write(dir.path().join(name), text).expect("written");
    }
    let results = recheck(dir.path(), Shard::WHOLE);
    assert_eq!(count(&results, Decision::Undecidable), 3);
    assert!(
        results
            .iter()
            .filter(|r| r.verdict == Decision::Undecidable)
            .all(|r| r.problem.is_some())
    );
}

#[test]
fn stored_evidence_can_be_rechecked_too() {
    let dir = tempfile::tempdir().expect("folder");
    record(&named("vulnerable-component-fires")).write(dir.path()).expect("written");
    assert_eq!(recheck(dir.path(), Shard::WHOLE)[0].verdict, Decision::Blocked);
}

#[test]
fn an_organisations_own_rules_see_who_needs_whom_in_what_is_rechecked() {
    let dir = tempfile::tempdir().expect("folder");
    fleet(dir.path(), 1, 3);
    let verdict = |most: usize| {
        let text = format!(
            "[rules.vulnerable-component]\nlevel = \"off\"\n[[custom]]\nname = \"few\"\neach = \"component\"\n\
             when = \"component.dependencies.size() > {most}\"\nmessage = \"m\"\n"
        );
        recheck_by(&Policy::from_text("p", &text).expect("valid"), dir.path(), Shard::WHOLE)[0].verdict
    };
    assert_eq!((verdict(0), verdict(100)), (Decision::Blocked, Decision::Cleared));
}

#[test]
fn who_wrote_the_waivers_is_asked_of_today_and_not_of_what_is_rechecked() {
    let dir = tempfile::tempdir().expect("folder");
    let case = named("unapproved-waiver-silent");
    record(&case).write(dir.path()).expect("written");
    let (policy, waivers) = (case.policy(), case.waivers().expect("waivers"));
    let (open, effects) = (BTreeSet::from([Ecosystem::new("crates.io")]), Effects::plain(dir.path().to_owned()));
    let verdict = |waiver_authors| {
        let recheck = Recheck {
            waiver_authors,
            policy: &policy,
            waivers: &waivers,
            matcher: |_: &Inventory, _: &[String]| case.matching.clone(),
            open: &open,
            at: case.at,
            effects: &effects,
        };
        let fleet = stored(dir.path());
        let (results, _) = recheck.run(&fleet.iter().collect::<Vec<_>>());
        results[0].as_ref().expect("judged").verdict
    };
    assert_eq!(verdict(case.context.waiver_authors.clone()), Decision::Cleared);
    assert_eq!(verdict(None), Decision::Blocked);
}

#[test]
#[ignore = "a measurement: writes 10,000 files"]
fn recheck_speed() {
    let dir = tempfile::tempdir().expect("folder");
    fleet(dir.path(), 10_000, 300);
    let start = Instant::now();
    let results = recheck(dir.path(), Shard::WHOLE);
    writeln!(
        std::io::stdout().lock(),
        "recheck of {} inventories: {:?}",
        results.len(),
        start.elapsed()
    )
    .expect("printed");
}

const VEX: &str = r#"{"@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://supplier.example/vex/1", "author": "security@supplier.example",
  "timestamp": "2026-11-01T00:00:00Z", "version": 1, "statements": [{"vulnerability": {"name": "CVE-2026-1001"},
  "products": [{"@id": "pkg:cargo/foo@1.2.3"}], "status": "not_affected", "justification": "vulnerable_code_not_present"}]}"#;

const TRUST: &str = "[vex]\ntrusted_authors = [\"security@supplier.example\"]\nmax_age = \"30d\"\n";

fn with_vex(policy: &str, vex: &str, case: &Case) -> (VexOutcome, Verdict) {
    let policy = Policy::from_text("policy.toml", policy).unwrap_or_else(|error| panic!("{error}"));
    let mut waivers = Waivers::default();
    let outcome = waivers.add_vex(&policy, "vex.json", vex).unwrap_or_else(|error| panic!("{error}"));
    (outcome, judge(&policy, &waivers, &case.evidence()))
}

#[test]
fn a_vex_document_counts_only_when_its_author_is_trusted() {
    let case = named("vulnerable-component-fires");
    let (outcome, verdict) = with_vex(TRUST, VEX, &case);
    assert_eq!((outcome, verdict.verdict), (VexOutcome::Counted(1), Decision::Cleared));
    assert_eq!(verdict.findings[0].waiver.as_deref(), Some("vex.json#1 CVE-2026-1001"));
    assert_eq!(verdict.inputs.vex.len(), 1);
    // What is signed holds as long as this one; of what is not about the subject nothing is said.
    let listed = |verdict: &Verdict| {
        let waivers = verdict.waivers.iter();
        let all = waivers.map(|waiver| (waiver.waiver.clone(), waiver.covers, waiver.expires.to_string()));
        all.collect::<Vec<_>>()
    };
    assert_eq!(
        listed(&verdict),
        [("vex.json#1 CVE-2026-1001".to_owned(), 1, "2026-12-01".to_owned())]
    );
    assert_eq!(listed(&with_vex(TRUST, &VEX.replace("foo@", "bar@"), &case).1), []);
    let (outcome, verdict) = with_vex("", VEX, &case);
    assert!(matches!(outcome, VexOutcome::Untrusted { .. }));
    assert_eq!(verdict.verdict, Decision::Blocked);
    assert!(verdict.inputs.vex.is_empty());
}

#[test]
fn a_vex_statement_ends_and_does_not_cover_malware_or_other_versions() {
    let mut case = named("vulnerable-component-fires");
    case.at = "2026-12-02T00:00:00Z".parse().expect("time");
    assert_eq!(with_vex(TRUST, VEX, &case).1.verdict, Decision::Blocked, "after 30 days");
    let case = named("vulnerable-component-fires");
    assert_eq!(with_vex(TRUST, &VEX.replace("1.2.3", "1.2.4"), &case).1.verdict, Decision::Blocked);
    assert_eq!(
        with_vex(TRUST, &VEX.replace("not_affected", "under_investigation"), &case)
            .1
            .verdict,
        Decision::Blocked
    );
    let malicious = named("malicious-component-fires");
    assert_eq!(
        with_vex(TRUST, &VEX.replace("CVE-2026-1001", "MAL-2026-1"), &malicious).1.verdict,
        Decision::Blocked
    );
}

#[test]
fn a_vex_statement_about_an_image_holds_for_its_digest_alone() {
    let mut case = named("vulnerable-component-fires");
    let digest = sha256(b"ours");
    case.inventory.subject.digest = Some(digest);
    let about = |digest: &str| {
        let product = format!("{{\"@id\": \"pkg:oci/app@{digest}\", \"subcomponents\": [{{\"@id\": \"pkg:cargo/foo@1.2.3\"}}]}}");
        VEX.replace("{\"@id\": \"pkg:cargo/foo@1.2.3\"}", &product)
    };
    assert_eq!(with_vex(TRUST, &about(&digest.to_string()), &case).1.verdict, Decision::Cleared);
    assert_eq!(
        with_vex(TRUST, &about(&sha256(b"other").to_string()), &case).1.verdict,
        Decision::Blocked
    );
    assert_eq!(with_vex(TRUST, &about("v1"), &case).1.verdict, Decision::Blocked);
}

#[test]
fn cyclonedx_vex_is_read() {
    let vex = r#"{"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
      "metadata": {"timestamp": "2026-11-01T00:00:00Z", "authors": [{"name": "S", "email": "security@supplier.example"}]},
      "components": [{"type": "library", "bom-ref": "r1", "name": "foo", "purl": "pkg:cargo/foo@1.2.3"}],
      "vulnerabilities": [{"id": "CVE-2026-1001", "analysis": {"state": "not_affected", "justification": "code_not_reachable"}, "affects": [{"ref": "r1"}]}]}"#;
    let case = named("vulnerable-component-fires");
    assert_eq!(with_vex(TRUST, vex, &case).1.verdict, Decision::Cleared);
    assert_eq!(
        with_vex(TRUST, &vex.replace("not_affected", "in_triage"), &case).1.verdict,
        Decision::Blocked
    );
}

#[test]
fn a_broken_vex_document_is_undecidable() {
    let policy = Policy::from_text("policy.toml", TRUST).unwrap_or_else(|error| panic!("{error}"));
    for text in [
        "",
        "{}",
        "{\"@context\": \"https://openvex.dev/ns/v0.2.0\"}",
        &VEX.replace("not_affected", "fine"),
    ] {
        let error = Waivers::default().add_vex(&policy, "v", text).map(|_| ()).expect_err(text);
        assert_eq!(error.exit_kind().code(), 2);
    }
}

#[test]
fn a_custom_rule_that_does_not_end_is_undecidable() {
    let mut case = named("vulnerable-component-silent");
    for index in 0..300 {
        let mut component = case.inventory.components[0].clone();
        component.purl = Purl::new("cargo", &format!("c{index}"), "1.0.0");
        case.inventory.components.push(component);
    }
    let deep = "components.all(a, components.all(b, components.all(c, components.all(d, a.name + b.name + c.name != d.name))))";
    case.policy.1 = format!("[[custom]]\nname = \"slow\"\neach = \"run\"\nwhen = \"{deep}\"\nmessage = \"m\"\ntime_limit = \"200ms\"\n");
    let start = Instant::now();
    let verdict = case.verdict();
    assert_eq!(verdict.verdict, Decision::Undecidable);
    assert_eq!(
        (verdict.gaps[0].subject.as_str(), verdict.gaps[0].detail.as_str()),
        ("custom/slow", "it took longer than its time limit")
    );
    assert!(start.elapsed().as_secs() < 20);
}

#[test]
fn a_custom_rule_may_match_a_pattern_and_a_pattern_that_is_none_is_undecidable() {
    let with = |when: &str| {
        let mut case = named("vulnerable-component-silent");
        case.policy.1 = format!("[[custom]]\nname = \"x\"\neach = \"component\"\nwhen = \"{when}\"\nmessage = \"m\"\n");
        case.verdict()
    };
    assert_eq!(with("component.name.matches('^fo+$')").verdict, Decision::Blocked);
    assert_eq!(with("component.name.matches('^ba[rz]$')").verdict, Decision::Cleared);
    let verdict = with("component.name.matches('(fo')");
    assert_eq!(
        (verdict.verdict, verdict.gaps[0].subject.as_str()),
        (Decision::Undecidable, "custom/x")
    );
    // What takes other engines for ever takes this one no longer than the text is.
    let start = Instant::now();
    let slow = format!("'{}'.matches('^(a+)+$')", "a".repeat(4000) + "b");
    assert_eq!(with(&slow).verdict, Decision::Cleared);
    assert!(start.elapsed().as_secs() < 20);
}

#[test]
fn an_unreadable_dockerfile_or_workflow_weighs_what_its_rule_does() {
    use portcullis::model::coverage::{Gap, GapKind};

    for (kind, rule) in [
        (GapKind::UnreadableDockerfile, "unpinned-base"),
        (GapKind::UnreadableWorkflow, "unpinned-action"),
        (GapKind::UncheckedAction, "unpinned-action"),
    ] {
        for (level, expected) in [
            ("deny", Decision::Undecidable),
            ("warn", Decision::Cleared),
            ("off", Decision::Cleared),
        ] {
            let mut case = named("vulnerable-component-silent");
            case.policy.1 = format!("[rules.{rule}]\nlevel = \"{level}\"\n");
            case.context.gaps = vec![Gap {
                kind,
                subject: "Dockerfile".to_owned(),
                detail: "its pins cannot be checked: not UTF-8".to_owned(),
                location: None,
            }];
            let verdict = case.verdict();
            assert_eq!(verdict.verdict, expected, "{rule} {level}");
            assert_eq!(verdict.gaps.len(), 1, "it is listed in any case");
        }
    }
}

#[test]
fn a_custom_rule_with_a_typo_is_a_usage_error_that_points_at_it() {
    for (text, at) in [
        (
            "[[custom]]\nname = \"x\"\neach = \"component\"\nwhen = \"component.name ==\"\nmessage = \"m\"\n",
            "\"component.name ==\"",
        ),
        (
            "[[custom]]\nname = \"X y\"\neach = \"component\"\nwhen = \"true\"\nmessage = \"m\"\n",
            "\"X y\"",
        ),
    ] {
        let Err(portcullis::stage::policy::PolicyError::Policy(error)) = Policy::from_text("p", text) else {
            panic!("{text}");
        };
        assert_eq!(&text[error.span.offset()..][..error.span.len()], at);
    }
    let deep = format!(
        "[[custom]]\nname = \"x\"\neach = \"run\"\nwhen = \"{}1{}\"\nmessage = \"m\"\n",
        "(".repeat(3000),
        ")".repeat(3000)
    );
    assert!(Policy::from_text("p", &deep).is_err());
}
