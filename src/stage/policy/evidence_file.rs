//! Everything that a verdict was computed from, in one file, so that it can be computed again: offline, elsewhere, later.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::io::Effects;
use crate::io::files::{self, FileError};
use crate::model::context::Context;
use crate::model::exit_kind::ExitKind;
use crate::model::inventory::Inventory;
use crate::model::matching::Matching;
use crate::model::verdict::{Decision, VERDICT_SCHEMA, Verdict};

use super::baseline::{Baseline, fill_causes, only_new};
use super::{Evidence, Policy, PolicyError, Waivers, judge};

/// The `schema` of a record.
pub const EVIDENCE_SCHEMA: &str = "portcullis/evidence/v1";

/// The file's name in an evidence folder.
pub const EVIDENCE_FILE: &str = "evidence.json";

/// A document with the name that the verdict knows it by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// The file's name, as it is shown.
    pub name: String,
    /// Its whole text, so that it can be read again.
    pub text: String,
}

/// Everything that a verdict was computed from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvidenceFile {
    /// [`EVIDENCE_SCHEMA`].
    pub schema: String,
    /// The version of Portcullis that judged.
    pub gate: String,
    /// The evaluation time of the run.
    pub at: Timestamp,
    /// The policy document as it was read.
    pub policy: Document,
    /// The waiver file, where there was one.
    pub waivers: Option<Document>,
    /// VEX documents of trusted authors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vex: Vec<Document>,
    /// What was known of the repository and the plan.
    pub context: Context,
    /// What was in the subject.
    pub inventory: Inventory,
    /// The matches and gaps of the matching stage: replay asks no feed.
    pub matching: Matching,
    /// What the verdict was compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<RecordedBaseline>,
}

/// The verdict of before that causes were found against.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedBaseline {
    /// The verdict of the earlier run.
    pub verdict: Verdict,
    /// Its inventory, where it was kept.
    pub inventory: Option<Inventory>,
    /// Whether only what came since then blocks.
    pub only_new: bool,
}

impl RecordedBaseline {
    /// Reads `verdict.json`, a record, or a folder with either; the record is preferred, since it has the inventory.
    ///
    /// # Errors
    /// [`RecordError`] when none of them is there or it cannot be read.
    pub fn read(path: &Path, only_new: bool, effects: &Effects) -> Result<Self, RecordError> {
        let file = match path.is_dir() {
            true if path.join(EVIDENCE_FILE).is_file() => path.join(EVIDENCE_FILE),
            true => path.join("verdict.json"),
            false => path.to_owned(),
        };
        let bytes = files::read(&file, effects.limits.sbom)?;
        if let Ok(verdict) = serde_json::from_slice::<Verdict>(&bytes)
            && verdict.schema == VERDICT_SCHEMA
        {
            return Ok(Self {
                verdict,
                inventory: None,
                only_new,
            });
        }
        let mut record = EvidenceFile::read(&file, effects)?;
        record.baseline = None;
        Ok(Self {
            verdict: record.replay()?,
            inventory: Some(record.inventory),
            only_new,
        })
    }

    /// Whether it may be compared with: only what let one of these services through says what was good for it.
    ///
    /// # Errors
    /// [`RecordError::NoBaseline`] for a verdict that is not cleared, answers a question about another time, or is about another service.
    pub fn vouches_for(&self, services: &[&str]) -> Result<(), RecordError> {
        let Verdict {
            verdict,
            asked_as_of,
            only_new,
            subject,
            ..
        } = &self.verdict;
        let problem = if *verdict != Decision::Cleared {
            format!("it is {}, and only a cleared verdict says what was good", verdict.as_str())
        } else if let Some(asked) = asked_as_of {
            format!("it answers what would be at {asked} (--at), and nobody cleared anything then")
        } else if *only_new {
            "it let everything pass that was there before it (--only-new)".to_owned()
        } else if !services.contains(&subject.name.as_str()) {
            format!(
                "it is about the service `{}`, and this is `{}`",
                subject.name,
                services.join("` or `")
            )
        } else {
            return Ok(());
        };
        Err(RecordError::NoBaseline { problem })
    }

    /// Fills in the causes, and where asked lets only what is new block.
    pub fn apply(&self, verdict: &mut Verdict, matching: &Matching) {
        let baseline = Baseline {
            verdict: &self.verdict,
            inventory: self.inventory.as_ref(),
        };
        fill_causes(verdict, matching, &baseline);
        if self.only_new {
            only_new(verdict);
        }
    }
}

/// Why a record cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[expect(missing_docs, reason = "the message says what each value is")]
pub enum RecordError {
    /// A file cannot be read or written.
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(#[from] FileError),
    /// It is no record.
    #[error("{file} is no stored evidence: {problem}")]
    #[diagnostic(code(policy::record), help("`portcullis gate` writes {EVIDENCE_FILE} into its output folder"))]
    Malformed { file: String, problem: String },
    /// It may not be compared with.
    #[error("this verdict is no baseline: {problem}")]
    #[diagnostic(
        code(policy::baseline),
        help("name the last cleared verdict of the service: `verdict.json` of that run, or the image that carries it")
    )]
    NoBaseline { problem: String },
    /// The policy or waivers in it are not valid for this gate.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Policy(#[from] PolicyError),
}

impl RecordError {
    /// How the run ends.
    #[must_use]
    pub fn exit_kind(&self) -> ExitKind {
        match self {
            Self::File(FileError::Read { .. } | FileError::Write { .. } | FileError::WriteResult { .. }) | Self::NoBaseline { .. } => {
                ExitKind::Usage
            }
            Self::File(_) | Self::Malformed { .. } => ExitKind::Undecidable,
            Self::Policy(error) => error.exit_kind(),
        }
    }
}

impl EvidenceFile {
    /// Takes down what a verdict is computed from.
    #[must_use]
    pub fn new(policy: &Policy, waivers: &Waivers, evidence: &Evidence<'_>) -> Self {
        let document = |name: &str, text: &str| Document {
            name: name.to_owned(),
            text: text.to_owned(),
        };
        Self {
            schema: EVIDENCE_SCHEMA.to_owned(),
            gate: env!("CARGO_PKG_VERSION").to_owned(),
            at: evidence.at,
            policy: document(&policy.input().name, policy.text()),
            waivers: waivers.name().zip(waivers.text()).map(|(name, text)| document(name, text)),
            vex: waivers.vex_documents().map(|(name, text)| document(name, text)).collect(),
            context: evidence.context.clone(),
            inventory: evidence.inventory.clone(),
            matching: evidence.matching.clone(),
            baseline: None,
        }
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// [`RecordError::Malformed`] for a record that JSON cannot hold: half of one is never written.
    pub fn bytes(&self) -> Result<Vec<u8>, RecordError> {
        let mut bytes = serde_json::to_vec(self).map_err(|error| RecordError::Malformed {
            file: EVIDENCE_FILE.to_owned(),
            problem: error.to_string(),
        })?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Writes it into an evidence folder, as [`EVIDENCE_FILE`].
    ///
    /// # Errors
    /// [`RecordError::File`].
    pub fn write(&self, folder: &Path) -> Result<(), RecordError> {
        Ok(files::write_result(&folder.join(EVIDENCE_FILE), &self.bytes()?)?)
    }

    /// Reads it from a file, or from [`EVIDENCE_FILE`] of a folder.
    ///
    /// # Errors
    /// [`RecordError`] when it cannot be read or is no record.
    pub fn read(path: &Path, effects: &Effects) -> Result<Self, RecordError> {
        let file = if path.is_dir() { path.join(EVIDENCE_FILE) } else { path.to_owned() };
        let bytes = files::read(&file, effects.limits.sbom)?;
        let malformed = |problem: String| RecordError::Malformed {
            file: file.display().to_string(),
            problem,
        };
        let record: Self = serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))?;
        if record.schema != EVIDENCE_SCHEMA {
            return Err(malformed(format!("its schema is not {EVIDENCE_SCHEMA}")));
        }
        Ok(record)
    }

    /// Computes the verdict again.
    ///
    /// # Errors
    /// [`RecordError::Policy`] when a document in it is not valid for this gate.
    pub fn replay(&self) -> Result<Verdict, RecordError> {
        let policy = Policy::from_text(&self.policy.name, &self.policy.text)?;
        let mut waivers = match &self.waivers {
            Some(document) => Waivers::from_text(&document.name, &document.text)?,
            None => Waivers::default(),
        };
        for document in &self.vex {
            waivers.add_vex(&policy, &document.name, &document.text)?;
        }
        let evidence = Evidence {
            inventory: &self.inventory,
            matching: &self.matching,
            context: &self.context,
            at: self.at,
        };
        let mut verdict = judge(&policy, &waivers, &evidence);
        if let Some(baseline) = &self.baseline {
            baseline.apply(&mut verdict, &self.matching);
        }
        Ok(verdict)
    }
}
