//! What happens to a cleared image, and before a push: `verify`, `rollout`, `hook`, `switch`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Whose signatures count.
#[derive(Debug, Clone, Default, Args)]
pub struct WhoseSignature {
    /// Public key (PEM file) [default: the public half of the configured signing key]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Who must have signed without a key, as the certificate names it [default: `identity` in [sign.keyless]]
    #[arg(long, value_name = "NAME", requires = "certificate_oidc_issuer", conflicts_with = "key")]
    pub certificate_identity: Option<String>,
    /// Who must vouch for that identity, a URL [default: `issuer` in [sign.keyless]]
    #[arg(long, value_name = "URL", requires = "certificate_identity", conflicts_with = "key")]
    pub certificate_oidc_issuer: Option<String>,
    /// The repository on GitHub whose run it must have been, OWNER/REPOSITORY [default: `repository` in [sign.keyless]]
    #[arg(long, value_name = "NAME", requires = "certificate_identity", conflicts_with = "key")]
    pub certificate_github_workflow_repository: Option<String>,
    /// Sigstore's trusted_root.json to believe [default: `trusted_root` in [sign.keyless], else that of the public-good instance]
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    pub trusted_root: Option<PathBuf>,
}

/// `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// registry:REPOSITORY@sha256:… (the prefix may be left out) or oci:DIR
    pub image: String,
    /// Whose signatures count.
    #[command(flatten)]
    pub whose: WhoseSignature,
    /// The policy that must have been applied: a document, `strict`, FILE#sha256:… or registry:REPOSITORY@sha256:…
    #[arg(long, value_name = "POLICY")]
    pub policy: Option<PathBuf>,
    /// Oldest verdict that counts, such as 14d
    #[arg(long, value_name = "TIME")]
    pub max_age: Option<String>,
    /// Print each check with its reason, and what stands beside the verdict
    #[arg(long)]
    pub explain: bool,
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
    /// Whose signatures count.
    #[command(flatten)]
    pub whose: WhoseSignature,
    /// Roll out without a verified verdict, for this reason; it is recorded
    #[arg(long, value_name = "REASON")]
    pub unverified: Option<String>,
    /// Roll out a digest that was rolled back here before, for this reason; it is recorded
    #[arg(long, value_name = "REASON")]
    pub again: Option<String>,
    /// Go on although the last known good version is not to be had any more
    #[arg(long)]
    pub without_way_back: bool,
    /// How long to wait for another deployer, such as 15m [default: waits.lock of the configuration]
    #[arg(long, value_name = "TIME", global = true)]
    pub wait_for_lock: Option<String>,
    /// Touch nothing and take no lock; print what would be done, in which order, what limits it, and the way back
    #[arg(long, conflicts_with = "dry_run")]
    pub plan: bool,
    /// Change nothing; say what would be done
    #[arg(long)]
    pub dry_run: bool,
}

/// What can be asked of rollouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum RolloutVerb {
    /// What serves, since when, and whether a run is unfinished
    Status {
        /// Follow what a deployer does, until it ends
        #[arg(long)]
        watch: bool,
    },
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
