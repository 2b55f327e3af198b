//! `vex.openvex.json`: OpenVEX 0.2, what is known of each advisory. What a waiver covers has the waiver's words, what the policy denies is
//! `affected` with what to do, what an advisory itself excludes is `not_affected`, and so is what was not linked, where the policy asks for that; only what is listed and waits for somebody is
//! `under_investigation`.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Reporter;
use super::json::canonical;
use super::text::prose;
use crate::model::digest::Digest;
use crate::model::finding::{Disposition, Judgement};
use crate::model::linked::NotLinkedUse;
use crate::model::outcome::Outcome;
use crate::model::purl::Purl;
use crate::model::verdict::Verdict;
use crate::model::waiver::WaiverReport;

/// `vex.openvex.json`. OpenVEX knows no empty document: without a statement there is no file.
pub struct Vex;

impl Reporter for Vex {
    fn file(&self) -> &'static str {
        "vex.openvex.json"
    }

    fn finish(&self, outcome: &Outcome) -> Option<Vec<u8>> {
        let publication = outcome.publication.as_ref();
        let references = publication.iter().flat_map(|p| std::iter::once(&p.reference).chain(&p.also));
        let repositories = references.filter_map(|reference| repository(reference)).collect();
        let product = Product {
            digest: outcome.verdict.as_ref()?.subject.digest,
            repositories,
        };
        document(outcome.verdict.as_ref()?, &product).as_ref().map(canonical)
    }
}

/// `ghcr.io/acme/payments` of `ghcr.io/acme/payments@sha256:…`; `None` for a layout.
fn repository(reference: &str) -> Option<&str> {
    let (repository, _) = reference.split_once('@')?;
    (!repository.starts_with("oci:")).then_some(repository)
}

/// What a document is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Product<'a> {
    /// The image, or one platform's of it; `None` for a source tree.
    pub digest: Option<Digest>,
    /// Where it is published.
    pub repositories: Vec<&'a str>,
}

/// The document about a product; none without a statement. Also the predicate of the VEX attestation.
#[must_use]
pub fn document(verdict: &Verdict, product: &Product<'_>) -> Option<Value> {
    let mut statements: Vec<Value> = verdict
        .findings
        .iter()
        .filter_map(|judgement| statement(judgement, verdict, product))
        .collect();
    statements.extend(verdict.not_applicable.iter().map(|known| {
        json!({
            "vulnerability": {"name": known.id},
            "products": products(verdict, product, Some(&known.purl)),
            "status": "not_affected",
            "impact_statement": prose(&known.reason),
        })
    }));
    let mut unique: Vec<Value> = Vec::with_capacity(statements.len());
    for statement in statements {
        if !unique.contains(&statement) {
            unique.push(statement);
        }
    }
    if unique.is_empty() {
        return None;
    }
    let hash = hex::encode(Sha256::digest(canonical(&json!([unique, verdict.evaluated_at]))));
    Some(json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": format!("https://openvex.dev/docs/public/vex-{hash}"),
        "author": prose(&verdict.subject.name),
        "timestamp": verdict.evaluated_at,
        "version": 1,
        "tooling": format!("portcullis {}", verdict.inputs.gate),
        "statements": unique,
    }))
}

/// What is said of one finding; nothing of rules without advisories.
fn statement(judgement: &Judgement, verdict: &Verdict, product: &Product<'_>) -> Option<Value> {
    let finding = &judgement.finding;
    let (name, aliases) = finding.ids.split_first()?;
    let purl = finding.purl.as_ref().map(ToString::to_string);
    let mut value = json!({
        "vulnerability": {"name": name},
        "products": products(verdict, product, purl.as_deref()),
        "status": "under_investigation",
    });
    if !aliases.is_empty() {
        value["vulnerability"]["aliases"] = json!(aliases);
    }
    let waiver = verdict
        .waivers
        .iter()
        .find(|waiver| Some(&waiver.waiver) == judgement.waiver.as_ref());
    match waiver.filter(|_| judgement.disposition == Disposition::Waived) {
        Some(waiver) => waived(&mut value, waiver),
        None if judgement.disposition == Disposition::Denied => denied(&mut value, judgement),
        None if is_absent(judgement) => absent(&mut value, judgement, verdict),
        None => value["status_notes"] = json!("listed by the policy; nobody has said what it means here"),
    }
    Some(value)
}

/// The policy says that something must be done.
fn denied(value: &mut Value, judgement: &Judgement) {
    let finding = &judgement.finding;
    value["status"] = json!("affected");
    value["status_notes"] = json!("denied by the policy");
    let action = match (&finding.help, finding.fixed.as_slice()) {
        (Some(help), _) => help.clone(),
        (None, []) => "no release is known to fix it: replace the component".to_owned(),
        (None, fixed) => format!("update to {}", fixed.join(" or ")),
    };
    value["action_statement"] = json!(prose(&action));
}

/// What it is about was not linked, and the policy asks for that word.
fn is_absent(judgement: &Judgement) -> bool {
    let reachability = judgement.finding.reachability.as_ref();
    reachability.is_some_and(|reachability| reachability.applied == Some(NotLinkedUse::NotAffected))
}

fn absent(value: &mut Value, judgement: &Judgement, verdict: &Verdict) {
    let evidence = judgement
        .finding
        .reachability
        .as_ref()
        .map_or("", |reachability| &reachability.evidence);
    let toolchain = verdict.inputs.linked.as_ref().map_or("", |linked| &linked.toolchain);
    value["status"] = json!("not_affected");
    value["justification"] = json!("vulnerable_code_not_present");
    value["impact_statement"] = json!(prose(&format!("{evidence}, by the line tables of the build ({toolchain})")));
    value["status_notes"] = json!("by the policy's not_linked = \"not-affected\"; nobody has looked at it");
}

/// The waiver's own words.
fn waived(value: &mut Value, waiver: &WaiverReport) {
    value["status"] = json!(waiver.reason);
    value["supplier"] = json!(prose(&waiver.owner));
    value["status_notes"] = json!(prose(&format!("waiver {}, holds until {}", waiver.waiver, waiver.expires)));
    if let Some(justification) = &waiver.justification {
        value["justification"] = json!(justification);
    }
    match waiver.reason.as_str() {
        "not_affected" => value["impact_statement"] = json!(prose(&waiver.statement)),
        "affected" => value["action_statement"] = json!(prose(&waiver.statement)),
        _ => {}
    }
}

/// The image (or the source tree), and the package in it. Readers look for an image by its purl, or by `repository@digest`: both are there for each
/// place that it is published to.
fn products(verdict: &Verdict, product: &Product<'_>, package: Option<&str>) -> Vec<Value> {
    let service = prose(&verdict.subject.name).to_lowercase();
    let mut products = Vec::new();
    match &product.digest {
        Some(digest) => {
            let image = |id: &str, purl: &str| json!({"@id": id, "identifiers": {"purl": purl}, "hashes": {"sha-256": digest.hex()}});
            for repository in &product.repositories {
                let name = repository.rsplit('/').next().unwrap_or(repository).to_lowercase();
                let purl = Purl::new("oci", &name, &digest.to_string()).with_qualifier("repository_url", repository);
                // As the specification's examples of this type have it: some readers compare the text.
                let purl = purl.as_str().replacen("@sha256:", "@sha256%3A", 1);
                products.push(image(&purl, &purl));
                products.push(image(&format!("{repository}@{digest}"), &purl));
            }
            if products.is_empty() {
                let purl = Purl::new("oci", &service, &digest.to_string());
                products.push(image(purl.as_str(), purl.as_str()));
            }
        }
        None => {
            let version = verdict.subject.commit.as_ref().map_or("", |sha| sha.as_str());
            products.push(json!({"@id": Purl::new("generic", &service, version).to_string()}));
        }
    }
    if let Some(package) = package {
        for product in &mut products {
            product["subcomponents"] = json!([{"@id": package}]);
        }
    }
    products
}
