//! Verdicts and inventories that lie beside an image in a registry: compared with, and judged again.

use portcullis::io::{Effects, hash};
use portcullis::model::image_ref::ImageRef;
use portcullis::model::inventory::Inventory;
use portcullis::model::plan::{Destination, KeySource};
use portcullis::model::verdict::Verdict;
use portcullis::stage::publish::sign::SigningKey;
use portcullis::stage::publish::{self, Predicate, PublishError, predicate_type};
use serde_json::Value;

use crate::support::checkout::git;
use crate::support::images::{self, EVALUATED, image};
use crate::support::publishing::{Workplace, expectation};
use crate::support::registry::RunningRegistry;
use crate::support::sample::{CONFIG, STATUS, Sample, layer};

const NIGHT: &str = "2026-11-20T23:00:00Z";
const MORNING: &str = "2026-11-21T06:00:00Z";

/// A sample that publishes to a repository, signed.
fn published(repository: &str) -> (Sample, String) {
    let sample = Sample::new();
    let signed = format!(
        "{}[sign]\nkey = \"local:keys/portcullis.key\"\n",
        CONFIG.replace("oci:published", repository)
    );
    sample.write("portcullis.toml", &signed);
    // What a workflow uses is judged with the image, and is in no SBOM of it.
    let pinned = format!(
        "jobs:\n  a:\n    runs-on: x\n    steps:\n      - uses: actions/checkout@{} # v4.2.2\n",
        "1".repeat(40)
    );
    sample.write(".github/workflows/ci.yml", &pinned);
    // Tags come from the commit.
    git(&sample.path(""), &["init", "-q"]);
    git(&sample.path(""), &["commit", "-q", "--allow-empty", "-m", "x"]);
    sample.ends(0, &["gate", "--until", "publish"]);
    let digest = digest(&sample);
    (sample, digest)
}

fn digest(sample: &Sample) -> String {
    let verdict: Value = serde_json::from_slice(&std::fs::read(sample.path("target/portcullis/verdict.json")).unwrap()).unwrap();
    verdict["subject"]["digest"].as_str().unwrap().to_owned()
}

/// The image as `--baseline` and `recheck` name it.
fn named(repository: &str, digest: &str) -> String {
    match repository.starts_with("oci:") {
        true => format!("{repository}@{digest}"),
        false => format!("registry:{repository}@{digest}"),
    }
}

fn main_went_red_and_the_registry_knows_why(repository: &str) {
    let (sample, digest) = published(repository);
    sample.advise("DEBIAN-CVE-2026-7", "bash", NIGHT);
    let baseline = named(repository, &digest);
    let gate = ["gate", "--until", "policy", "--baseline", &baseline];
    let (out, _) = sample.ends(1, &gate);
    assert!(out.lines().next().unwrap().contains("the code is not why"), "{out}");
    assert!(
        out.contains("The code is not why: 1 newly published since the last cleared run (commit "),
        "{out}"
    );
    // What was compared with is in the evidence: a replay needs no registry.
    sample.ends(0, &["replay"]);
    let (out, _) = sample.ends(0, &[&gate[..], &["--only-new"]].concat());
    assert!(out.contains("only what is new blocks"), "{out}");

    sample.ends(0, &[&gate[..], &["--only-new", "--baseline-key", "keys/portcullis.pub"]].concat());
    SigningKey::load(&KeySource::Local(sample.path("other.key")), &Effects::plain(sample.path("cache"))).unwrap();
    let (_, err) = sample.ends(2, &[&gate[..], &["--baseline-key", "other.key"]].concat());
    assert!(err.contains("is signed by"), "{err}");
    sample.write("portcullis.toml", &CONFIG.replace("oci:published", repository));
    let (_, err) = sample.ends(64, &gate);
    assert!(err.contains("no key to verify the baseline with"), "{err}");
}

fn every_image_of_a_repository_is_judged_again(repository: &str) {
    let (sample, first) = published(repository);
    for (name, version) in [("second", "5.2.15-3"), ("third", "5.2.15-4")] {
        images::image(&sample.path(name), &[layer(&STATUS.replace("5.2.15-2", version))]);
        let config = std::fs::read_to_string(sample.path("portcullis.toml")).unwrap();
        let tagged = config
            .replace("[image]", &format!("[image]\ntags = [\"{name}\"]"))
            .replace("oci:built", &format!("oci:{name}"));
        sample.write(&format!("{name}.toml"), &tagged);
        sample.ends(0, &["--config", &format!("{name}.toml"), "gate", "--until", "publish"]);
    }
    let place = if repository.starts_with("oci:") {
        repository.to_owned()
    } else {
        format!("registry:{repository}")
    };
    let (out, _) = sample.ends(0, &["--at", MORNING, "recheck", &place]);
    assert!(out.contains("rechecked: "), "{out}");
    sample.advise("DEBIAN-CVE-2026-7", "bash", NIGHT);
    let recheck = |more: &[&str]| -> Vec<String> {
        let args = [&["--at", MORNING, "--format", "json", "recheck", place.as_str()], more].concat();
        let answer: Value = serde_json::from_slice(&sample.run(&args).stdout).unwrap();
        let results = answer["results"].as_array().unwrap();
        results
            .iter()
            .map(|result| format!("{} {}", result["file"].as_str().unwrap(), result["verdict"].as_str().unwrap()))
            .collect()
    };
    let whole = recheck(&[]);
    let mut shared = [recheck(&["--shard", "1/2"]), recheck(&["--shard", "2/2"])].concat();
    shared.sort();
    assert_eq!(shared, whole, "shards share a repository without overlap");
    assert!(
        whole.len() >= 2 && whole.iter().all(|result| result.ends_with(" blocked")),
        "{whole:?}"
    );
    let (out, _) = sample.ends(1, &["--at", MORNING, "recheck", &named(repository, &first)]);
    assert!(
        out.contains("1 rechecked: 0 cleared, 1 blocked") && out.contains("DEBIAN-CVE-2026-7"),
        "{out}"
    );
}

#[test]
fn a_baseline_is_read_from_a_registry_without_the_referrers_api() {
    if let Some(running) = RunningRegistry::docker() {
        main_went_red_and_the_registry_knows_why(&running.repository("team/sample"));
    }
}

#[test]
fn a_baseline_is_read_from_a_registry_with_the_referrers_api() {
    if let Some(running) = RunningRegistry::with_referrers() {
        main_went_red_and_the_registry_knows_why(&running.repository("team/sample"));
    }
}

#[test]
fn a_baseline_is_read_from_a_layout() {
    main_went_red_and_the_registry_knows_why("oci:published");
}

#[test]
fn a_repository_is_rechecked_without_the_referrers_api() {
    if let Some(running) = RunningRegistry::docker() {
        every_image_of_a_repository_is_judged_again(&running.repository("team/sample"));
    }
}

#[test]
fn a_repository_is_rechecked_with_the_referrers_api() {
    if let Some(running) = RunningRegistry::with_referrers() {
        every_image_of_a_repository_is_judged_again(&running.repository("team/sample"));
    }
}

#[test]
fn a_layout_is_rechecked() {
    every_image_of_a_repository_is_judged_again("oci:published");
}

#[test]
fn an_image_without_a_signed_inventory_is_undecidable_and_stays_in_the_list() {
    let (sample, _) = published("oci:published");
    sample.write(
        "portcullis.toml",
        &CONFIG
            .replace("oci:built", "oci:second")
            .replace("[image]", "[image]\ntags = [\"second\"]"),
    );
    images::image(&sample.path("second"), &[layer(&STATUS.replace("5.2.15-2", "5.2.15-3"))]);
    sample.ends(0, &["gate", "--until", "publish"]);
    let (out, _) = sample.ends(2, &["--at", MORNING, "recheck", "oci:published", "--key", "keys/portcullis.pub"]);
    assert!(out.contains("2 rechecked: 1 cleared, 0 blocked, 1 undecidable"), "{out}");
    let unsigned = named("oci:published", &digest(&sample));
    let (_, err) = sample.ends(
        2,
        &["scan", "built", "--baseline", &unsigned, "--baseline-key", "keys/portcullis.pub"],
    );
    assert!(err.contains("has no attested verdict"), "{err}");
}

/// A verdict on an image with an inventory, and both as they are attested.
fn attested(place: &Workplace) -> (ImageRef, Inventory, Verdict) {
    let built = place.image();
    let inventory = Inventory::new(images::verdict(&built, EVALUATED).subject);
    let mut verdict = images::verdict(&built, EVALUATED);
    verdict.inputs.inventory = hash::of_json(&inventory);
    let image = ImageRef::OciLayout {
        dir: place.path("published"),
        tag: None,
        digest: Some(built.digest),
    };
    (image, inventory, verdict)
}

async fn evidence_of(
    place: &Workplace,
    signed: &Verdict,
    found: &Verdict,
    inventory: &Inventory,
) -> Result<publish::SignedEvidence, PublishError> {
    let built = image(&place.path("image"), &[b"one layer".to_vec(), vec![7; 300_000]]);
    let predicate = Predicate::new;
    let predicates = [
        predicate(predicate_type::VERDICT, serde_json::to_value(found).unwrap()),
        predicate(predicate_type::INVENTORY, serde_json::to_value(inventory).unwrap()),
    ];
    let cleared = portcullis::stage::policy::clearance::clear(built, signed.clone()).unwrap();
    let plan = place.plan(Destination::OciLayout(place.path("published")));
    let (attested, _) = publish::publish(cleared, &predicates, &plan, &place.effects).await?;
    let key = place.key();
    publish::evidence(attested.image(), &expectation(&key), &place.effects).await
}

#[tokio::test]
async fn the_findings_and_the_inventory_are_those_that_the_signed_summary_names() {
    let place = Workplace::new();
    let (_, inventory, verdict) = attested(&place);
    let evidence = evidence_of(&place, &verdict, &verdict, &inventory).await.unwrap();
    assert_eq!((evidence.verdict, evidence.inventory), (verdict.clone(), inventory.clone()));

    // Signed by the right key, about the right digest, and of another run: not the findings of this verdict.
    let place = Workplace::new();
    let mut other = verdict.clone();
    other.components = 4;
    let error = evidence_of(&place, &verdict, &other, &inventory).await.unwrap_err();
    assert!(matches!(error, PublishError::NotAttested { what: "findings", .. }), "{error}");

    let place = Workplace::new();
    let mut foreign = inventory.clone();
    foreign.subject.name = "other".to_owned();
    let error = evidence_of(&place, &verdict, &verdict, &foreign).await.unwrap_err();
    assert!(matches!(error, PublishError::NotAttested { what: "inventory", .. }), "{error}");
}

#[tokio::test]
async fn of_two_signed_inventories_the_one_of_the_newest_verdict_counts() {
    let place = Workplace::new();
    let (_, first, mut verdict) = attested(&place);
    let second = {
        let mut second = first.clone();
        second.subject.name = "renamed".to_owned();
        second
    };
    for (inventory, at) in [(&first, "2026-11-20T11:30:00Z"), (&second, EVALUATED)] {
        verdict.inputs.inventory = hash::of_json(inventory);
        verdict.evaluated_at = at.parse().unwrap();
        evidence_of(&place, &verdict, &verdict, inventory).await.unwrap();
    }
    let (image, ..) = attested(&place);
    let content = publish::content(&image, &place.key(), false, &place.effects).await.unwrap();
    assert!(matches!(content, publish::Content::Inventory(found) if *found == second));
}
