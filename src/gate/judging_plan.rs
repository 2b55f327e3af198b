//! What judging needs: feeds, policy, waivers, and what the verdict is compared with.

use std::path::PathBuf;

use super::GateError;
use super::baseline::BaselinePlan;
use crate::io::Effects;
use crate::io::oci;
use crate::io::oci_layout::Manifest;
use crate::io::registry::{Access, Options, Registry};
use crate::model::digest::Digest;
use crate::model::passed_over::Exclusion;
use crate::model::plan::FeedsPlan;
use crate::stage::policy::{Policy, PolicyError};

/// What a verdict needs beside the inventory.
#[derive(Debug, Clone)]
pub struct JudgingPlan {
    /// The service's name: a verdict of another one is no baseline.
    pub service: String,
    /// Where each advisory feed is, and how old it may be.
    pub feeds: FeedsPlan,
    /// The feeds' sources as people wrote them, where the plan's differ (a relative folder): what the verdict names.
    pub written: Vec<(String, String)>,
    /// The folder of the sources, whose manifests say which updates are allowed; none for an image or an SBOM from elsewhere.
    pub sources: Option<PathBuf>,
    /// Cargo's home folder, whose unpacked crates state their licences.
    pub cargo_home: PathBuf,
    /// The embedded policy or the place of another one.
    pub policy: PolicySource,
    /// Waiver file: where it is, and what findings call it; none is no waivers.
    pub waivers: Option<(PathBuf, String)>,
    /// VEX documents: where each is, and what findings call it. They count where the policy trusts their author.
    pub vex: Vec<(PathBuf, String)>,
    /// What of the sources is left out, relative to the configuration's folder.
    pub exclude: Vec<Exclusion>,
    /// What the verdict is compared with.
    pub baseline: Option<BaselinePlan>,
}

/// Where the policy document comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicySource {
    /// The embedded `policies/gate.toml`.
    Default,
    /// The embedded `policies/strict.toml`.
    Strict,
    /// A TOML file of the repository or of the machine.
    File(PathBuf),
    /// A file whose text must have this digest.
    Pinned(PathBuf, Digest),
    /// An artifact in a registry, by its manifest's digest: nothing in the judged repository chooses its text.
    Registry {
        /// `host/path`, without a tag.
        repository: String,
        /// Digest of the manifest that carries the document; nothing else is believed.
        digest: Digest,
        /// Allows plain HTTP beyond loopback.
        plain_http: bool,
    },
}

impl PolicySource {
    /// Reads it.
    ///
    /// # Errors
    /// [`PolicyError`] with the span.
    pub fn load(&self, effects: &Effects) -> Result<Policy, PolicyError> {
        match self {
            Self::Default => Policy::load(None, effects),
            Self::Strict => Policy::from_text("embedded:strict.toml", include_str!("../../policies/strict.toml")),
            Self::File(path) => Policy::load(Some(path), effects),
            Self::Pinned(path, digest) => Policy::load(Some(path), effects)?.pinned(*digest),
            Self::Registry { repository, digest, .. } => Err(PolicyError::Artifact {
                name: format!("{repository}@{digest}"),
                problem: "it has to be fetched first".to_owned(),
            }),
        }
    }

    /// Reads it, from a registry too.
    ///
    /// # Errors
    /// [`GateError::Policy`]; [`GateError::Registry`] when the registry does not give it.
    pub async fn open(&self, effects: &Effects) -> Result<Policy, GateError> {
        let Self::Registry {
            repository,
            digest,
            plain_http,
        } = self
        else {
            return Ok(self.load(effects)?);
        };
        let registry = Registry::open(repository, Options::new(Access::Read, *plain_http), effects)?;
        let name = format!("registry:{}@{digest}", registry.repository());
        let not_one = |problem: String| PolicyError::Artifact {
            name: name.clone(),
            problem,
        };
        let raw = registry.manifest(digest).await?;
        let manifest: Manifest = oci::decode(&raw.bytes, &oci::shape::IMAGE).map_err(|refused| not_one(refused.to_string()))?;
        let [layer] = manifest.layers.as_slice() else {
            return Err(not_one(format!("it has {} layers", manifest.layers.len())).into());
        };
        let bytes = registry.blob(&layer.digest, layer.size, effects.limits.document).await?;
        let text = String::from_utf8(bytes).map_err(|_| not_one("it is not UTF-8".to_owned()))?;
        Ok(Policy::from_text(&name, &text)?)
    }
}
