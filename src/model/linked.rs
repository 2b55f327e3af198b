//! What was linked into the programs of an image that was built here, and what that says of an advisory.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// One instance of a function in a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedFunction {
    /// As the debug information names it: `insert_many<[u8; 4], core::str::iter::Bytes>`.
    pub symbol: String,
    /// The file and line at which it is inlined; `None` for one that stands by itself.
    pub inlined_at: Option<String>,
}

/// What of one crate was linked into a program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkedCrate {
    /// Where its sources lie on this machine.
    pub sources: PathBuf,
    /// Why no line of it proves nothing, in words that follow "the crate": `links code that is not Rust's`.
    pub blind: Option<String>,
    /// Lines that instructions are of, by file: relative to the sources, or below `OUT_DIR/` where a build script wrote it.
    pub lines: BTreeMap<String, BTreeSet<u32>>,
    /// One instance of each function, by its name without types.
    pub functions: BTreeMap<String, LinkedFunction>,
}

/// What was linked into one program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkedProgram {
    /// Where it lies in the image: `/app/payments`.
    pub path: String,
    /// Each crate that was compiled for it, by name and version; those that only ran in its build are not among them.
    pub crates: BTreeMap<(String, String), LinkedCrate>,
    /// Functions that its instructions are of, inlined ones counted at each place.
    pub functions: u64,
    /// Why nothing can be said of it, in words that follow its name; `None` where the controls held.
    pub unread: Option<String>,
}

/// What was linked into the programs of an image, on all its platforms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkedImage {
    /// What compiled: `rustc 1.95.0`.
    pub toolchain: String,
    /// One for each program and platform.
    pub programs: Vec<LinkedProgram>,
}

/// Whether the functions that an advisory is about are in the programs that were built here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum ReachabilityAnswer {
    /// An instruction is of one of them.
    Linked,
    /// No instruction is of any of them, and all that could hide one was looked at.
    NotLinked,
    /// It cannot be proved.
    Unknown,
}

impl ReachabilityAnswer {
    /// The word used in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What the line tables of the programs that were just built say of an advisory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reachability {
    /// Linked, not linked or unknown.
    pub answer: ReachabilityAnswer,
    /// What was found or looked for, and where; or why it is unknown.
    pub evidence: String,
    /// What the policy made of it; `None` where it is shown only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied: Option<NotLinkedUse>,
}

impl Reachability {
    /// For people: `not linked (/app/payments: no instruction is of …)`, with what the policy made of it.
    #[must_use]
    pub fn words(&self) -> String {
        let answer = match self.answer {
            ReachabilityAnswer::Linked => "linked",
            ReachabilityAnswer::NotLinked => "not linked",
            ReachabilityAnswer::Unknown => "linked or not, is not known",
        };
        let applied = match self.applied {
            Some(_) => ", for which the policy does not block it",
            None => "",
        };
        format!("{answer} ({}){applied}", self.evidence)
    }
}

/// What a policy makes of "not linked".
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema, strum::IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum NotLinkedUse {
    /// It is shown, and changes nothing.
    #[default]
    Show,
    /// What it says this of is listed and does not block.
    Warn,
    /// The same, and the OpenVEX document says `not_affected`, `vulnerable_code_not_present`.
    NotAffected,
}

/// That line tables were asked, and those of what: part of a verdict's inputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkedInput {
    /// What compiled: `rustc 1.95.0`.
    pub toolchain: String,
    /// Each program, sorted by path.
    pub programs: Vec<LinkedProgramInput>,
}

/// One program whose line tables were asked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LinkedProgramInput {
    /// Where it lies in the image.
    pub path: String,
    /// Functions that its instructions are of, inlined ones counted at each place.
    pub functions: u64,
    /// Why nothing can be said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
}
