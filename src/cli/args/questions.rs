//! What stands behind a verdict: feeds, waivers, and the questions that can be asked afterwards.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Judging;
use super::form::form;
use super::rollout::WhoseSignature;
use crate::report::Form;

/// `feeds`.
#[derive(Debug, Args)]
pub struct FeedsArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: FeedsVerb,
    /// An ecosystem, such as crates.io or Debian; repeatable [default: those that are here]
    #[arg(long, value_name = "NAME", global = true)]
    pub ecosystem: Vec<String>,
    /// Advisories in the layout of the OSV export: a URL or a folder
    #[arg(long, value_name = "URL|DIR", env = "PORTCULLIS_OSV", global = true)]
    pub osv: Option<String>,
    /// Oldest advisory data that counts, such as 24h
    #[arg(long, value_name = "TIME", global = true)]
    pub max_age: Option<String>,
}

/// What can be done with feeds.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum FeedsVerb {
    /// Fetch what changed
    Update,
    /// What is here, how old it is, what was set aside
    Status,
    /// Write everything into one file with a digest, or into a registry
    Export {
        /// A file, or registry:REPOSITORY:TAG (the tag may be left out)
        #[arg(value_name = "FILE|registry:REF")]
        to: String,
    },
    /// Read such a file, or pull it by its digest
    Import {
        /// A file, or registry:REPOSITORY@sha256:…
        #[arg(value_name = "FILE|registry:REF@DIGEST")]
        from: String,
    },
}

/// `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Where the image goes: host/path, or oci:DIR [default: what manifests or the repository's address say]
    #[arg(long, value_name = "REPOSITORY")]
    pub repository: Option<String>,
    /// Where the workflow gets portcullis: OWNER/REPOSITORY@COMMIT [default: the release that this program is of]
    #[arg(long, value_name = "OWNER/REPOSITORY@COMMIT")]
    pub action: Option<String>,
    /// Write configuration and workflow anew where they are there; policy and waivers are kept
    #[arg(long)]
    pub force: bool,
    /// Write nothing; show what would be written
    #[arg(long)]
    pub dry_run: bool,
}

/// `waive`.
#[derive(Debug, Args)]
pub struct WaiveArgs {
    /// The advisory, by any of its ids
    pub id: String,
    /// Package pattern, such as pkg:cargo/foo@1.2.* [default: what the last run found it in]
    #[arg(long, value_name = "PURL")]
    pub package: Option<String>,
    /// Only in this place of the image; `*` allowed, repeatable
    #[arg(long, value_name = "PATH")]
    pub path: Vec<String>,
    /// OpenVEX status: `not_affected`, affected, `under_investigation`, fixed
    #[arg(long)]
    pub reason: Option<String>,
    /// OpenVEX justification, for `not_affected`
    #[arg(long)]
    pub justification: Option<String>,
    /// Why, in a sentence
    #[arg(long)]
    pub statement: Option<String>,
    /// Who answers for it
    #[arg(long)]
    pub owner: Option<String>,
    /// Who agreed; repeatable
    #[arg(long, value_name = "WHO")]
    pub approved_by: Vec<String>,
    /// Last day it holds (UTC) [default: 14 days from now]
    #[arg(long, value_name = "DATE")]
    pub expires: Option<String>,
}

/// `waivers`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum WaiversVerb {
    /// Every waiver with its state in the last run
    List,
    /// Print .trivyignore(.yaml), .grype.yaml, osv-scanner.toml, audit.toml, deny.toml or `OpenVEX` as waivers, with marks where a human must decide
    Import {
        /// The file.
        file: PathBuf,
    },
}

/// `diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The older one: `verdict.json`, or the output folder of a run
    pub before: PathBuf,
    /// The newer one
    pub after: PathBuf,
}

/// `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// An advisory's id (any alias), a package URL, or a package's name
    pub query: String,
    /// What to judge now, as `scan` takes it [default: the last run's evidence, or the folder where there was no run]
    pub target: Option<String>,
    /// Folder with evidence.json of the run that is asked about
    #[arg(long, value_name = "DIR", conflicts_with = "target")]
    pub evidence: Option<PathBuf>,
    /// Feeds, policy and waivers, for what is judged now.
    #[command(flatten)]
    pub judging: Judging,
}

/// `replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// Folder with evidence.json and verdict.json [default: the output folder]
    pub evidence: Option<PathBuf>,
}

/// `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The output folder of a run, or its verdict.json, findings.json or evidence.json [default: the output folder]
    pub from: Option<PathBuf>,
    /// In which form
    #[arg(long, value_parser = form(), value_name = "FORM", required_unless_present = "merge")]
    pub form: Option<Form>,
    /// Join the shares of a `recheck --format json` into one answer: files, or folders of them
    #[arg(long, value_name = "SHARE", num_args = 1.., conflicts_with_all = ["from", "form"])]
    pub merge: Vec<PathBuf>,
}

/// `recheck`.
#[derive(Debug, Args)]
pub struct RecheckArgs {
    /// A stored inventory, an evidence.json, a folder of them, or a repository whose images carry theirs, signed
    /// (registry:REPOSITORY, with @sha256:… for one image alone; oci:DIR)
    pub target: String,
    /// Whose signatures count.
    #[command(flatten)]
    pub whose: WhoseSignature,
    /// Allow plain HTTP beyond loopback
    #[arg(long)]
    pub plain_http: bool,
    /// Only the I-th of N equal shares
    #[arg(long, value_name = "I/N")]
    pub shard: Option<String>,
    /// Feeds, policy and waivers.
    #[command(flatten)]
    pub judging: Judging,
}
