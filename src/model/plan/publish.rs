//! Publishing's part of a plan.

use std::path::PathBuf;

/// Where the image goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// `oci:DIR`: an OCI layout, tags as `org.opencontainers.image.ref.name`.
    OciLayout(PathBuf),
    /// `host[:port]/path`: a registry.
    Registry {
        /// Repository without tag or digest.
        repository: String,
        /// Allows plain HTTP; loopback is allowed without it.
        plain_http: bool,
    },
}

/// Where the signing key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// PEM in an environment variable of this name.
    Env(String),
    /// A PEM file, or cosign's encrypted key file.
    File(PathBuf),
    /// Makes a key pair beside the state of the service on first use: for demos and previews. The path is the private key's.
    Local(PathBuf),
}

/// Everything the publish stage needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishPlan {
    /// Where to. What is rolled out comes from here.
    pub destination: Destination,
    /// Further places that get the same; none of the tags is set anywhere before all of them have the verdict.
    pub also: Vec<Destination>,
    /// Resolved tags; the full commit id is among them.
    pub tags: Vec<String>,
    /// Those of them that name a branch.
    pub branch_tags: Vec<String>,
    /// Repositories whose layers may be mounted where they are of the same registry: the base image's.
    pub mount_from: Vec<String>,
    /// The signing key; none leaves the verdict unsigned, and says so.
    pub key: Option<KeySource>,
    /// Writes cosign's `.sig` and `.att` tags too.
    pub legacy: bool,
    /// The verifier's name in the verdict's attestation.
    pub service: String,
    /// Folder that gets each signed envelope as `*.dsse.json`.
    pub envelopes: Option<PathBuf>,
    /// Writes nothing, says what it would do.
    pub dry_run: bool,
}
