//! The command line, parsed and nothing else.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;

use crate::model::image_ref::ImageRef;

/// The gate between a commit and production: one digest, one verdict, fail closed.
#[derive(Debug, Parser)]
#[command(
    name = "portcullis",
    version,
    max_term_width = 100,
    after_help = "Exit codes: 0 cleared, committed or verified · 1 blocked · 2 undecidable · 10 rolled back · 11 rollback failed · \
                  12 rollout refused · 13 locked or superseded · 14 interrupted · 64 usage · 69 unreachable · 70 a bug"
)]
pub struct Cli {
    /// What every verb takes.
    #[command(flatten)]
    pub global: Global,
    /// The verb.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What every verb takes.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Work in this folder
    #[arg(short = 'C', long = "directory", value_name = "DIR", global = true, default_value = ".")]
    pub directory: PathBuf,
    /// Configuration, relative to the folder
    #[arg(long, value_name = "FILE", global = true, env = "PORTCULLIS_CONFIG")]
    pub config: Option<PathBuf>,
    /// Folder for results, relative to the folder [default: target/portcullis]
    #[arg(long, value_name = "DIR", global = true, env = "PORTCULLIS_OUTPUT")]
    pub output: Option<PathBuf>,
    /// What goes to stdout
    #[arg(long, value_enum, global = true, default_value = "human")]
    pub format: Format,
    /// No story on stderr, only problems and the last line
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// More of the story; twice for all of it
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Colours
    #[arg(long, value_enum, global = true, default_value = "auto")]
    pub color: ColorChoice,
    /// No network: what the cache holds must do
    #[arg(long, global = true, env = "PORTCULLIS_OFFLINE", value_parser = clap::builder::FalseyValueParser::new(), action = clap::ArgAction::SetTrue)]
    pub offline: bool,
    /// Evaluate policy and waivers at this time, such as 2026-11-01T12:00:00Z
    #[arg(long, value_name = "RFC3339", global = true)]
    pub at: Option<Timestamp>,
}

/// What goes to stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Human,
    /// For programs.
    Json,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// A stage to stop after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Until {
    /// Build the image.
    Build,
    /// List what is in it.
    Inventory,
    /// Match it against advisories.
    Matching,
    /// Judge it.
    Policy,
    /// Publish and sign it.
    Publish,
    /// Roll it out.
    Rollout,
}

/// Overrides of the configuration's feeds and policy.
#[derive(Debug, Clone, Default, Args)]
pub struct Judging {
    /// Advisories in the layout of the OSV export: a URL or a folder
    #[arg(long, value_name = "URL|DIR", env = "PORTCULLIS_OSV")]
    pub osv: Option<String>,
    /// Oldest advisory data that counts, such as 24h
    #[arg(long, value_name = "TIME")]
    pub max_age: Option<String>,
    /// Policy document, or `strict` for the embedded strict one
    #[arg(long, value_name = "FILE", env = "PORTCULLIS_POLICY")]
    pub policy: Option<PathBuf>,
    /// Waiver file
    #[arg(long, value_name = "FILE", env = "PORTCULLIS_WAIVERS")]
    pub waivers: Option<PathBuf>,
    /// The last cleared verdict of the service: `verdict.json`, the output folder of that run, or the image that carries it, signed
    /// (registry:REPOSITORY@sha256:…, oci:DIR). Findings say why they are new
    #[arg(long, value_name = "PATH|IMAGE", env = "PORTCULLIS_BASELINE")]
    pub baseline: Option<String>,
    /// Public key (PEM file) that the baseline of an image must be signed with [default: the configured signing key]
    #[arg(long, value_name = "FILE", requires = "baseline", env = "PORTCULLIS_BASELINE_KEY")]
    pub baseline_key: Option<PathBuf>,
    /// Block only on what came since the baseline, and list the rest; publishes nothing
    #[arg(long, requires = "baseline")]
    pub only_new: bool,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Build, inventory, match, judge, publish and roll out: the whole gate
    Gate(GateArgs),
    /// Judge lock files, pins, waivers and tracked secrets before a push; no image, no network when the cache is fresh
    Check(CheckArgs),
    /// Build the image and nothing else
    Build,
    /// Write SBOMs of an image or a source tree
    Sbom(SbomArgs),
    /// Judge a folder, a lock file, an image or an SBOM
    Scan(ScanArgs),
    /// Judge the image that `build` left and publish it
    Publish(PublishArgs),
    /// Check that a published digest carries a signed, cleared verdict
    Verify(VerifyArgs),
    /// Roll a published digest out, or ask about rollouts
    Rollout(RolloutArgs),
    /// Say why something is in the image and what clears it
    Explain(ExplainArgs),
    /// What is different between two verdicts
    Diff(DiffArgs),
    /// Compute a stored verdict again, offline, and compare every byte
    Replay(ReplayArgs),
    /// Judge stored inventories against today's advisories, without the images
    Recheck(RecheckArgs),
    /// The advisory data: fetch it, see how old it is, carry it over an air gap
    Feeds(FeedsArgs),
    /// Add a waiver; asks on a terminal for what the flags leave out
    Waive(WaiveArgs),
    /// List waivers with their states, or import another tool's ignore file
    Waivers {
        /// What to do.
        #[command(subcommand)]
        verb: WaiversVerb,
    },
    /// Run `check` before every push
    Hook {
        /// What to do.
        #[command(subcommand)]
        verb: HookVerb,
    },
    /// Own the public listener of a service (started by the `process` target)
    #[command(hide = true)]
    Switch(SwitchArgs),
    /// Write a shell's completion script
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// `gate`.
#[derive(Debug, Args)]
pub struct GateArgs {
    /// Stop after this stage
    #[arg(long, value_enum, value_name = "STAGE", default_value = "rollout", env = "PORTCULLIS_UNTIL")]
    pub until: Until,
    /// Publish and roll out nothing; say what would be done
    #[arg(long, env = "PORTCULLIS_DRY_RUN", value_parser = clap::builder::FalseyValueParser::new(), action = clap::ArgAction::SetTrue)]
    pub dry_run: bool,
    /// Feeds, policy and waivers.
    #[command(flatten)]
    pub judging: Judging,
}

/// `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Feeds, policy and waivers.
    #[command(flatten)]
    pub judging: Judging,
}

/// `sbom`.
#[derive(Debug, Args)]
pub struct SbomArgs {
    /// A folder, a lock file, or an image: oci:DIR, oci-archive:FILE, docker-archive:FILE, rootfs:DIR …
    #[arg(default_value = ".")]
    pub target: String,
    /// Which form
    #[arg(long, value_enum, default_value = "cyclonedx")]
    pub form: SbomForm,
}

/// Forms of an SBOM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SbomForm {
    /// CycloneDX 1.5 JSON.
    Cyclonedx,
    /// SPDX 2.3 JSON.
    Spdx,
    /// The gate's own inventory, as `replay` and `recheck` read it.
    Inventory,
}

/// `scan`.
#[derive(Debug, Args)]
pub struct ScanArgs {
    /// A folder, a lock file, an image (oci:DIR, docker-archive:FILE, rootfs:DIR …), or sbom:FILE
    #[arg(default_value = ".")]
    pub target: String,
    /// Feeds, policy and waivers.
    #[command(flatten)]
    pub judging: Judging,
}

/// `publish`.
#[derive(Debug, Args)]
pub struct PublishArgs {
    /// Write nothing; say what would be done
    #[arg(long)]
    pub dry_run: bool,
    /// Feeds, policy and waivers.
    #[command(flatten)]
    pub judging: Judging,
}

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

/// `recheck`.
#[derive(Debug, Args)]
pub struct RecheckArgs {
    /// A stored inventory, an evidence.json, a folder of them, or a repository whose images carry theirs, signed
    /// (registry:REPOSITORY, with @sha256:… for one image alone; oci:DIR)
    pub target: String,
    /// Public key (PEM file) that inventories in a repository must be signed with [default: the configured signing key]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
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

/// `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// registry:REPOSITORY@sha256:… (the prefix may be left out) or oci:DIR
    pub image: String,
    /// Public key (PEM file) [default: the public half of the configured signing key]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// The policy document that must have been applied
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Oldest verdict that counts, such as 14d
    #[arg(long, value_name = "TIME")]
    pub max_age: Option<String>,
    /// Allow plain HTTP beyond loopback
    #[arg(long)]
    pub plain_http: bool,
}

/// `rollout`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct RolloutArgs {
    /// A question or an order; without one, a rollout of `image`.
    #[command(subcommand)]
    pub verb: Option<RolloutVerb>,
    /// What to roll out, by digest [default: what the configuration's repository holds for HEAD]
    pub image: Option<String>,
    /// Public key (PEM file) [default: the public half of the configured signing key]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Roll out without a verified verdict, for this reason; it is recorded
    #[arg(long, value_name = "REASON")]
    pub unverified: Option<String>,
    /// Change nothing; say what would be done
    #[arg(long)]
    pub dry_run: bool,
}

/// What can be asked of rollouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum RolloutVerb {
    /// What serves, since when, and whether a run is unfinished
    Status,
    /// Finish or revert an interrupted run; safe to call always
    Resume,
    /// Stop the service and its switch
    Stop,
    /// Bring the last known good version before this one back, verified
    Rollback,
}

/// What can be done with the hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum HookVerb {
    /// Add the pre-push hook; one that is there already runs after it
    Install,
    /// Take it away, and bring the one before it back
    Uninstall,
}

/// `switch`.
#[derive(Debug, Args)]
pub struct SwitchArgs {
    /// Arguments as the `process` target writes them.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub rest: Vec<String>,
}

/// Reads an image reference; a bare `host/path@sha256:…` is a registry's.
///
/// # Errors
/// As [`ImageRef::parse`].
pub fn image_ref(text: &str) -> Result<ImageRef, crate::model::image_ref::ImageRefError> {
    match ImageRef::parse(text) {
        Err(crate::model::image_ref::ImageRefError::Scheme(_)) if text.contains("@sha256:") => ImageRef::parse(&format!("registry:{text}")),
        other => other,
    }
}
