//! What an image was made from and with: the facts that a SLSA provenance statement rests on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One thing that went into a build.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Material {
    /// What it is: `git+https://…@refs/…`, `file:Cargo.lock`, `pkg:oci/debian`.
    pub uri: String,
    /// Its digests by algorithm, hexadecimal: `gitCommit`, `sha256`.
    pub digest: BTreeMap<String, String>,
}

/// How an image came to be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The builder: `native`, `buildkit`, `buildah`.
    pub builder: String,
    /// What was asked of it: package, features, target, base.
    pub parameters: BTreeMap<String, String>,
    /// What went into it, sorted.
    pub materials: Vec<Material>,
    /// The tools and their versions: `rustc`, `cargo`.
    pub tools: BTreeMap<String, String>,
    /// True when the digest depends on nothing but the materials, the parameters and the tools.
    pub reproducible: bool,
}
