//! The whole file, and its tables but `[build]` and `[rollout]`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::excused::Excused as _;
use crate::model::human_duration::HumanDuration;
use crate::model::passed_over::Exclusion;

use super::build::Build;
use super::rollout::Rollout;

/// The whole file.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "portcullis.toml")]
pub struct Config {
    /// The service.
    #[serde(default)]
    pub service: Service,
    /// How its image is built.
    #[serde(default)]
    pub build: Build,
    /// Where its image goes.
    #[serde(default)]
    pub image: Image,
    /// Advisory data.
    #[serde(default)]
    pub feeds: Feeds,
    /// Policy and waivers.
    #[serde(default)]
    pub policy: PolicyFiles,
    /// What of the source tree is looked into.
    #[serde(default)]
    pub inventory: Inventory,
    /// Signing.
    #[serde(default)]
    pub sign: Sign,
    /// What holds on GitHub only.
    #[serde(default)]
    pub github: GitHub,
    /// Rolling out; without this table the gate ends after publishing.
    pub rollout: Option<Rollout>,
}

/// `[service]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Name of the service [default: the folder's name].
    pub name: Option<String>,
}

/// `[image]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct Image {
    /// `host/path`, or `oci:DIR` [default: `oci:` and the image folder in the output folder].
    pub repository: Option<String>,
    /// Further places that get the same, each `host/path` or `oci:DIR`: no tag is set anywhere before all of them have image and verdict.
    #[serde(default)]
    pub also: Vec<String>,
    /// Tag templates: `{sha}`, `sha-{short}`, `{semver}` and `{git-tag}` (of annotated git tags at the commit; none without one), and
    /// `{branch}-{sha}` where the policy allows it [default: `{sha}`].
    pub tags: Option<Vec<String>>,
    /// Allow plain HTTP beyond loopback.
    #[serde(default)]
    pub plain_http: bool,
}

/// `[feeds]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct Feeds {
    /// OSV export: URL or folder.
    pub osv: Option<String>,
    /// RustSec's own database: folder, tarball or git URL.
    pub rustsec: Option<String>,
    /// CISA KEV JSON: URL or file.
    pub kev: Option<String>,
    /// EPSS CSV: URL or file.
    pub epss: Option<String>,
    /// crates.io's index, for yanked releases and what releases need: `cargo` (its own copy on this machine), `off`, or a sparse index's URL
    /// such as `sparse+https://HOST/index/` [default: cargo].
    pub crates_index: Option<String>,
    /// npm's registry, for the times of releases: `npm` (its own cache on this machine), `off`, or a URL, `https://HOST` [default: npm].
    pub npm_registry: Option<String>,
    /// Python's index, for the times of releases: the URL of its simple API, `https://HOST/simple` [default: nobody is asked].
    pub pypi_index: Option<String>,
    /// Oldest data that counts [default: 24h].
    pub max_age: Option<HumanDuration>,
}

/// `[policy]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct PolicyFiles {
    /// Policy document [default: the embedded one].
    pub document: Option<PathBuf>,
    /// Waiver file [default: `policies/waivers.toml` where it exists].
    pub waivers: Option<PathBuf>,
    /// VEX documents (OpenVEX or CycloneDX VEX); they count where the policy trusts their author.
    #[serde(default)]
    pub vex: Vec<PathBuf>,
}

/// `[inventory]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct Inventory {
    /// What `check`, `scan` and `sbom` leave out of a source tree. A policy may forbid it: `[require] exclusions = false`.
    #[serde(default)]
    pub exclude: Vec<Exclusion>,
}

/// `[sign]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct Sign {
    /// `env:NAME`, a PEM file, `local:FILE` for a key pair that is made on first use, or `keyless` for the identity of the job.
    pub key: Option<String>,
    /// For `key = "keyless"`: who is asked, and who counts.
    #[serde(default)]
    pub keyless: SignKeyless,
    /// Also write cosign's `.sig` and `.att` tags, for admission controllers that look for them.
    #[serde(default)]
    pub legacy: bool,
}

/// `[sign.keyless]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct SignKeyless {
    /// URL of Fulcio, which gets the job's identity token and gives a certificate. To sign, this and the next two are needed.
    pub fulcio: Option<String>,
    /// URL of the log, a Rekor of version 2.
    pub rekor: Option<String>,
    /// Whole URL of the timestamp authority (RFC 3161).
    pub timestamp_authority: Option<String>,
    /// Sigstore's `trusted_root.json` with their certificates and keys [default: that of Sigstore's public-good instance, as the program has it].
    pub trusted_root: Option<PathBuf>,
    /// Who must have signed, as the certificate names it: `https://github.com/OWNER/REPOSITORY/.github/workflows/FILE@refs/heads/BRANCH`.
    pub identity: Option<String>,
    /// The repository on GitHub whose run it must have been, `OWNER/REPOSITORY`: needed where the workflow is one that others may call.
    pub repository: Option<String>,
    /// Who must vouch for the identity: `https://token.actions.githubusercontent.com` for jobs on GitHub.
    pub issuer: Option<String>,
}

/// Events behind which there may be a pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema, strum::EnumString, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum PullEvent {
    /// `pull_request`
    PullRequest,
    /// `pull_request_target`
    PullRequestTarget,
    /// `pull_request_review`
    PullRequestReview,
    /// `pull_request_review_comment`
    PullRequestReviewComment,
    /// `workflow_run` after one of these.
    WorkflowRun,
    /// `issue_comment` on a pull request.
    IssueComment,
}

impl PullEvent {
    /// The event of a name; none for one that cannot be named.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        name.parse().or_none("then it is none of them")
    }

    /// GitHub's name of it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// `[github]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct GitHub {
    /// Events of pull requests for which images are published and rolled out all the same [default: none]. What counts is the
    /// configuration of the commit that they are to be merged into.
    #[serde(default)]
    pub publish_on: Vec<PullEvent>,
}
