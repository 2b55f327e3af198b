//! What is attested: in-toto statements about an image's digest.
//!
//! Source: in-toto attestation framework, statement v1; SLSA v1.1, "Verification Summary Attestation" and "Provenance".

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Predicate, VerdictSummary};
use crate::io::hash::sha256;
use crate::io::oci::{self, shape};
use crate::model::advisory::FeedRevision;
use crate::model::digest::Digest;
use crate::model::excused::Excused as _;
use crate::model::finding::{Disposition, Level};
use crate::model::image::BuiltImage;
use crate::model::verdict::{Decision, Verdict};

/// The in-toto predicate types that we write and read.
pub mod predicate_type {
    /// The verdict: SLSA's verification summary.
    pub const VERIFICATION_SUMMARY: &str = "https://slsa.dev/verification_summary/v1";
    /// How the image was made.
    pub const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
    /// A CycloneDX SBOM.
    pub const CYCLONEDX: &str = "https://cyclonedx.org/bom";
    /// An SPDX SBOM.
    pub const SPDX: &str = "https://spdx.dev/Document";
    /// An OpenVEX document.
    pub const OPENVEX: &str = "https://openvex.dev/ns";
    /// The verdict with its findings: `verdict.json`.
    pub const VERDICT: &str = "https://portcullis.dev/verdict/v1";
    /// The inventory that the verdict was computed from.
    pub const INVENTORY: &str = "https://portcullis.dev/inventory/v1";
}

/// Who verified, as a URI.
const VERIFIER: &str = "https://portcullis.dev/gate";

/// The field of a verification summary that holds our own summary. In-toto's rules for extensions: its name is a URI.
pub(super) const SUMMARY_FIELD: &str = "https://portcullis.dev/verdict-summary/v1";

/// The field of a verification summary that says which registry itself listed what was attached beside it. In-toto's rules for extensions: its name is a URI.
const LIST_FIELD: &str = "https://portcullis.dev/referrers-list/v1";

/// What build types begin with.
const BUILD_TYPE: &str = "https://portcullis.dev/build";

const STATEMENT_V1: &str = "https://in-toto.io/Statement/v1";
/// What cosign 3.1 writes.
const STATEMENT_V01: &str = "https://in-toto.io/Statement/v0.1";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<StatementSubject>,
    #[serde(rename = "predicateType")]
    pub(super) predicate_type: String,
    pub(super) predicate: Value,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct StatementSubject {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    digest: BTreeMap<String, String>,
}

impl Statement {
    /// A statement about an image. `name` is where it was published: for people, not for decisions.
    pub(super) fn new(name: &str, digest: &Digest, predicate: &Predicate) -> Self {
        Self {
            kind: STATEMENT_V1.to_owned(),
            subject: vec![StatementSubject {
                name: Some(name.to_owned()),
                digest: BTreeMap::from([("sha256".to_owned(), digest.hex())]),
            }],
            predicate_type: predicate.kind.clone(),
            predicate: predicate.body.clone(),
        }
    }

    /// Reads a statement of version 1 or 0.1.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let statement: Self = oci::decode(bytes, &shape::STATEMENT).map_err(|refused| refused.to_string())?;
        match statement.kind.as_str() {
            STATEMENT_V1 | STATEMENT_V01 => Ok(statement),
            other => Err(format!("its type is `{}`", other.chars().take(100).collect::<String>())),
        }
    }

    pub(super) fn bytes(&self) -> serde_json::Result<Vec<u8>> {
        oci::to_bytes(self)
    }

    /// True when the digest is among its subjects.
    pub(super) fn is_about(&self, digest: &Digest) -> bool {
        let hex = digest.hex();
        self.subject.iter().any(|subject| subject.digest.get("sha256") == Some(&hex))
    }

    /// True when a subject is the digest in another spelling, which this gate does not write and others may read.
    pub(super) fn may_be_about(&self, digest: &Digest) -> bool {
        let hex = digest.hex();
        let named = |(name, found): (&String, &String)| name.eq_ignore_ascii_case("sha256") && found.trim().eq_ignore_ascii_case(&hex);
        self.subject.iter().any(|subject| subject.digest.iter().any(named))
    }

    /// True for what is this kind of statement in another version (`…/v0.2` beside `…/v1`) or spelling, or has its result in it.
    pub(super) fn resembles(&self, kind: &str) -> bool {
        let stem = |kind: &str| {
            let stem = kind.rsplit_once("/v").map_or(kind, |(stem, _)| stem);
            stem.trim().trim_end_matches('/').to_ascii_lowercase()
        };
        let is_summary = kind == predicate_type::VERIFICATION_SUMMARY;
        stem(kind) == stem(&self.predicate_type) || (is_summary && self.predicate.get("verificationResult").is_some())
    }

    /// What it is about, for an error.
    pub(super) fn subjects(&self) -> String {
        let digests = self.subject.iter().filter_map(|s| s.digest.get("sha256"));
        let digests: Vec<String> = digests.take(3).map(|hex| format!("sha256:{hex}")).collect();
        if digests.is_empty() {
            "nothing".to_owned()
        } else {
            digests.join(", ")
        }
    }
}

/// A verification summary, as far as it can be read.
#[derive(Debug)]
pub(super) enum Word {
    Read(Box<VerificationSummary>),
    /// What cannot be read, and the time that it gives all the same.
    Unread {
        at: Option<Timestamp>,
        reason: String,
    },
}

impl Word {
    /// Never fails: what cannot be read may be a verdict against the image.
    pub(super) fn read(predicate: Value) -> Self {
        let at = predicate["timeVerified"].as_str().and_then(|text| {
            text.parse()
                .or_none("a time that is none: what says it counts as the newest, which is the careful side")
        });
        let unread = |reason: String| Self::Unread { at, reason };
        match serde_json::from_value::<VerificationSummary>(predicate) {
            Err(error) => unread(format!("its predicate: {error}")),
            // A "no" that disagrees with itself still is one.
            Ok(read) => match read.disagreement().filter(|_| read.is_cleared()) {
                Some(reason) => unread(reason.to_owned()),
                None => Self::Read(Box::new(read)),
            },
        }
    }
}

/// The part of a verification summary that decisions rest on.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VerificationSummary {
    pub(super) time_verified: Timestamp,
    pub(super) verification_result: String,
    #[serde(default)]
    pub(super) policy: ResourceDescriptor,
    /// None in what another tool wrote.
    #[serde(rename = "https://portcullis.dev/verdict-summary/v1", default)]
    pub(super) summary: Option<VerdictSummary>,
    /// None in what was signed before this was told, by another tool, or where no list had what was attached.
    #[serde(rename = "https://portcullis.dev/referrers-list/v1", default)]
    list: Option<ServedList>,
}

/// Where a registry itself listed what refers to an image.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServedList {
    /// `host/path`, without tag or digest.
    served_by: String,
}

impl VerificationSummary {
    /// Where the standard's fields and ours say different things.
    fn disagreement(&self) -> Option<&'static str> {
        let summary = self.summary.as_ref()?;
        if self.policy.digest.get("sha256") != Some(&summary.policy.digest.hex()) {
            return Some("it names two policies");
        }
        (summary.evaluated_at != self.time_verified).then_some("it names two times")
    }

    /// The repository whose own list of referrers had what was attached with this; `None` if none had.
    pub(super) fn listed_by(&self) -> Option<&str> {
        self.list.as_ref().map(|list| list.served_by.as_str())
    }

    /// True where both say so: the standard's field for everybody, ours for the three-valued answer.
    pub(super) fn is_cleared(&self) -> bool {
        self.verification_result == "PASSED" && self.summary.as_ref().is_none_or(|summary| summary.decision == Decision::Cleared)
    }
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct ResourceDescriptor {
    pub(super) uri: String,
    pub(super) digest: BTreeMap<String, String>,
}

/// Sums a verdict up.
pub(super) fn summarize(verdict: &Verdict, service: &str) -> serde_json::Result<VerdictSummary> {
    Ok(VerdictSummary {
        service: service.to_owned(),
        decision: verdict.verdict,
        digest: sha256(&super::verdict_file(verdict)?),
        substance: substance(verdict)?,
        commit: verdict.subject.commit.clone(),
        evaluated_at: verdict.evaluated_at,
        policy: verdict.inputs.policy.clone(),
        components: verdict.components,
        warned: verdict.count(Disposition::Warned),
        waived: verdict.findings.len() - verdict.count(Disposition::Warned) - verdict.count(Disposition::Denied),
        waived_until: waived_until(verdict),
        feeds: verdict.inputs.feeds.clone(),
        waivers: verdict.inputs.waivers,
        vex: verdict.inputs.vex.clone(),
        cached_layers: verdict.inputs.cached_layers.clone(),
    })
}

/// The end of the first waiver to end, of those without which the verdict would be another: those of what would be denied, and all of them where the
/// policy denies the end of a waiver itself.
fn waived_until(verdict: &Verdict) -> Option<Date> {
    let waived = verdict
        .findings
        .iter()
        .filter(|judgement| judgement.disposition == Disposition::Waived);
    let of_denied = waived
        .filter(|judgement| judgement.finding.level == Level::Deny)
        .filter_map(|judgement| verdict.waiver_of(judgement));
    let of_all = verdict.waivers.iter().filter(|_| verdict.denies_ended_waivers);
    of_denied.chain(of_all).map(|waiver| waiver.expires).min()
}

/// The digest of a verdict without the times in it: equal for two verdicts that differ only in when they were reached.
fn substance(verdict: &Verdict) -> serde_json::Result<Digest> {
    let mut timeless = verdict.clone();
    timeless.evaluated_at = Timestamp::UNIX_EPOCH;
    for feed in &mut timeless.inputs.feeds {
        feed.as_of = Timestamp::UNIX_EPOCH;
    }
    Ok(sha256(&super::verdict_file(&timeless)?))
}

/// The verdict as a verification summary. `inputs` are the other attestations of the image, by predicate type and digest of their envelope; `list`
/// is the repository, if the registry itself lists those: whoever gets no list later, or one that this is not in, knows better.
#[must_use]
pub(super) fn verification_summary(summary: &VerdictSummary, resource: &str, inputs: &[(String, Digest)], list: Option<&str>) -> Predicate {
    let passed = summary.decision == Decision::Cleared;
    let inputs: Vec<Value> = inputs
        .iter()
        .map(|(kind, digest)| json!({"uri": kind, "digest": {"sha256": digest.hex()}}))
        .collect();
    let mut body = json!({
        "verifier": {"id": VERIFIER, "version": {"portcullis": env!("CARGO_PKG_VERSION")}},
        "timeVerified": summary.evaluated_at.to_string(),
        "resourceUri": resource,
        "policy": {"uri": summary.policy.name, "digest": {"sha256": summary.policy.digest.hex()}},
        "inputAttestations": inputs,
        "verificationResult": if passed { "PASSED" } else { "FAILED" },
        // The gate judges content; it does not grade the build platform.
        "verifiedLevels": ["SLSA_BUILD_LEVEL_UNEVALUATED"],
        "slsaVersion": "1.1",
        SUMMARY_FIELD: summary,
    });
    if let Some(repository) = list {
        body[LIST_FIELD] = json!({"servedBy": repository});
    }
    Predicate::new(predicate_type::VERIFICATION_SUMMARY, body)
}

/// How the image was made, as SLSA provenance; none for an image that was taken as it is, of which nothing is known. The feeds stand among what it
/// depends on since the image would not have been published without them: no byte of them is in it.
#[must_use]
pub(super) fn provenance(image: &BuiltImage, feeds: &[FeedRevision]) -> Option<Predicate> {
    let made = image.provenance.as_ref()?;
    let materials = made
        .materials
        .iter()
        .map(|material| json!({"uri": material.uri, "digest": material.digest}));
    let feeds = feeds.iter().map(|feed| {
        json!({
            "name": feed.name,
            "uri": feed.served_by.as_ref().unwrap_or(&feed.source),
            "digest": {"sha256": feed.revision.hex()},
            "annotations": {"usedFor": "verdict", "asOf": feed.as_of.to_string()},
        })
    });
    let dependencies: Vec<Value> = materials.chain(feeds).collect();
    let mut tools = made.tools.clone();
    tools.insert("portcullis".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    Some(Predicate::new(
        predicate_type::PROVENANCE,
        json!({
            "buildDefinition": {
                "buildType": format!("{BUILD_TYPE}/{}/v1", made.builder),
                "externalParameters": made.parameters,
                "internalParameters": {
                    "dirty": image.commit.as_ref().map(|commit| commit.dirty),
                    "reproducible": made.reproducible,
                },
                "resolvedDependencies": dependencies,
            },
            "runDetails": {"builder": {"id": VERIFIER, "version": tools}, "metadata": {}},
        }),
    ))
}

/// The image by digest, where it was published: what consumers compare `resourceUri` with. In a layout it has the service's name.
#[must_use]
pub(super) fn resource_uri(repository: Option<&str>, service: &str, digest: &Digest) -> String {
    format!("{}@{digest}", repository.unwrap_or(service))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_of_another_type_or_about_another_digest_is_told() {
        let digest = Digest::from_bytes([1; 32]);
        let predicate = Predicate::new("https://example.com/x", json!({}));
        let statement = Statement::new("r.example/a", &digest, &predicate);
        let read = Statement::parse(&statement.bytes().expect("bytes")).expect("statement");
        assert!(read.is_about(&digest) && !read.is_about(&Digest::from_bytes([2; 32])));
        let text = String::from_utf8(statement.bytes().expect("bytes")).expect("text");
        assert!(Statement::parse(text.replace("Statement/v1", "Statement/v0.1").as_bytes()).is_ok());
        assert!(Statement::parse(text.replace("Statement/v1", "Statement/v9").as_bytes()).is_err());
    }

    #[test]
    fn a_resource_is_named_by_its_repository() {
        let digest = Digest::from_bytes([0xab; 32]);
        let hex = digest.hex();
        assert_eq!(
            resource_uri(Some("ghcr.io/acme/payments"), "x", &digest),
            format!("ghcr.io/acme/payments@sha256:{hex}")
        );
        assert_eq!(resource_uri(None, "x", &digest), format!("x@sha256:{hex}"));
    }
}
