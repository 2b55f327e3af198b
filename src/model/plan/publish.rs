//! Publishing's part of a plan.

use std::fmt;
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
    /// No key that is kept: an identity service says who signs, a log and a timestamp say when.
    Keyless(Box<Keyless>),
}

/// Signing, and believing what is signed, by an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyless {
    /// Whom to ask for certificate, timestamp and log entry; `None` where only signatures of others are looked at.
    pub services: Option<KeylessServices>,
    /// `trusted_root.json` with the services' certificates and keys; `None` for that of Sigstore's public-good instance, as this program has it.
    pub trusted_root: Option<PathBuf>,
    /// Whose signature counts; `None` where nobody said.
    pub signer: Option<SignerIdentity>,
}

/// The services that a keyless signature is made with, by their base URLs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeylessServices {
    /// Fulcio, which gives certificates.
    pub fulcio: String,
    /// Rekor, version 2: the log.
    pub rekor: String,
    /// The whole URL that timestamps (RFC 3161) are asked for.
    pub timestamp_authority: String,
}

/// Who signs, as a certificate of Fulcio has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignerIdentity {
    /// The certificate's name: a workflow's URL with its ref, or an e-mail address. Compared as it is.
    pub identity: String,
    /// Who says so: the issuer of the identity's token, a URL. Compared as it is.
    pub issuer: String,
    /// The repository whose run it was, `OWNER/REPOSITORY`, of a job on GitHub. Of who must have signed: `None` asks for none.
    pub repository: Option<String>,
}

impl SignerIdentity {
    /// True when this is who is asked for.
    #[must_use]
    pub fn is(&self, asked: &Self) -> bool {
        let of_repository = asked.repository.is_none() || asked.repository == self.repository;
        self.identity == asked.identity && self.issuer == asked.issuer && of_repository
    }

    /// With the repository, where there is one.
    #[must_use]
    pub fn described(&self) -> String {
        match &self.repository {
            Some(repository) => format!("{self} in a run of {repository}"),
            None => self.to_string(),
        }
    }
}

impl fmt::Display for SignerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (issuer {})", self.identity, self.issuer)
    }
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
    /// Templates that give no tag at this commit: it has no git tag, or no version among them, or no branch.
    pub without_tag: Vec<String>,
    /// Repositories whose layers may be mounted where they are of the same registry: the base image's.
    pub mount_from: Vec<String>,
    /// The signing key; none leaves the verdict unsigned, and says so.
    pub key: Option<KeySource>,
    /// Writes cosign's `.sig` and `.att` tags too.
    pub legacy: bool,
    /// The verifier's name in the verdict's attestation.
    pub service: String,
    /// Folder that gets each signed envelope as `*.dsse.json`, and of keyless signatures the bundle as `*.sigstore.json`.
    pub envelopes: Option<PathBuf>,
    /// Writes nothing, says what it would do.
    pub dry_run: bool,
}
