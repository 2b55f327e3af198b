//! The verbs that look and judge: `gate`, `check`, `scan`, `sbom`, `publish`.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};

use super::form::form;
use crate::model::event::Stage;
use crate::report::Form;

/// Reads the name of a stage, and says in the help what each does.
fn stage() -> impl TypedValueParser<Value = Stage> {
    let names = Stage::ALL
        .iter()
        .map(|stage| PossibleValue::new(stage.as_str()).help(purpose(*stage)));
    PossibleValuesParser::new(names).try_map(|name| name.parse::<Stage>())
}

const fn purpose(stage: Stage) -> &'static str {
    match stage {
        Stage::Build => "Build the image",
        Stage::Inventory => "List what is in it",
        Stage::Matching => "Match it against advisories",
        Stage::Policy => "Judge it",
        Stage::Publish => "Publish and sign it",
        Stage::Rollout => "Roll it out",
    }
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
    /// (registry:REPOSITORY@sha256:…, oci:DIR). Findings say why they are new. `{base}` in it is the commit that the event of a GitHub
    /// workflow compares with: a pull request's or a merge queue's base, a push's `before`
    #[arg(long, value_name = "PATH|IMAGE", env = "PORTCULLIS_BASELINE")]
    pub baseline: Option<String>,
    /// Public key (PEM file) that the baseline of an image must be signed with [default: the configured signing key]
    #[arg(long, value_name = "FILE", requires = "baseline", env = "PORTCULLIS_BASELINE_KEY")]
    pub baseline_key: Option<PathBuf>,
    /// Block only on what came since the baseline, and list the rest; publishes nothing
    #[arg(long, requires = "baseline")]
    pub only_new: bool,
}

/// `build`.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct BuildArgs {
    /// Use nothing that an earlier build left
    #[arg(long)]
    pub no_cache: bool,
    /// Build as the gate does, then again from nothing, and name the first difference of the two images
    #[arg(long)]
    pub twice: bool,
}

/// `gate`.
#[derive(Debug, Args)]
pub struct GateArgs {
    /// Stop after this stage
    #[arg(long, value_parser = stage(), value_name = "STAGE", default_value = "rollout", env = "PORTCULLIS_UNTIL")]
    pub until: Stage,
    /// Publish and roll out nothing; say what would be done
    #[arg(long, env = "PORTCULLIS_DRY_RUN", value_parser = clap::builder::FalseyValueParser::new(), action = clap::ArgAction::SetTrue)]
    pub dry_run: bool,
    /// What goes to stdout instead: the result in a form that others read
    #[arg(long, value_parser = form(), value_name = "FORM", conflicts_with = "format")]
    pub form: Option<Form>,
    /// Build nothing: take the image that `build` or an earlier `gate` left in the output folder, judge it again and go on
    #[arg(long)]
    pub prebuilt: bool,
    /// Feeds, policy and waivers.
    #[command(flatten)]
    pub judging: Judging,
}

/// `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// What goes to stdout instead: the result in a form that others read
    #[arg(long, value_parser = form(), value_name = "FORM", conflicts_with = "format")]
    pub form: Option<Form>,
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
    /// CycloneDX 1.6 JSON.
    Cyclonedx,
    /// CycloneDX 1.5 JSON.
    #[value(name = "cyclonedx@1.5")]
    Cyclonedx1_5,
    /// CycloneDX 1.6 JSON, whatever is usual.
    #[value(name = "cyclonedx@1.6")]
    Cyclonedx1_6,
    /// CycloneDX 1.7 JSON.
    #[value(name = "cyclonedx@1.7")]
    Cyclonedx1_7,
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
    /// What goes to stdout instead: the result in a form that others read
    #[arg(long, value_parser = form(), value_name = "FORM", conflicts_with = "format")]
    pub form: Option<Form>,
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
    /// Tag template, such as {sha} or {semver}; repeatable [default: the configuration's]
    #[arg(long = "tag", value_name = "TEMPLATE")]
    pub tags: Vec<String>,
    /// Feeds, policy and waivers.
    #[command(flatten)]
    pub judging: Judging,
}
