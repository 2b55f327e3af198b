//! What is asked of the native builder.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::image_ref::ImageRef;

/// A Cargo build, and the image around its programs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NativeBuild {
    /// The package's name in `Cargo.toml`.
    pub package: String,
    /// The binary targets, the one that starts first; empty for the only one that the package has.
    pub programs: Vec<ProgramName>,
    /// The binary that the image starts; none for the first.
    pub entrypoint: Option<String>,
    /// An image to build upon; none for `scratch`.
    pub base: Option<ImageRef>,
    /// Cargo features; `default` stays on unless `no_default_features`.
    pub features: Vec<String>,
    /// Leaves the default features out.
    pub no_default_features: bool,
    /// rustc's names of what is built for; empty for this machine's own platform.
    pub targets: Vec<String>,
    /// Whether programs bring their libraries or find them in the base.
    pub link: Link,
    /// Which cargo command compiles and links.
    pub cargo: CargoCommand,
    /// Programs that link, by target; `""` stands for every target.
    pub linkers: BTreeMap<String, String>,
    /// The profile; none for `release`.
    pub profile: Option<String>,
    /// Symbols are left in the programs.
    pub keep_symbols: bool,
    /// Variables that the compilation sees.
    pub env: BTreeMap<String, String>,
    /// Variables of our environment that the compilation sees.
    pub pass_env: Vec<String>,
    /// What of the checkout lies in the image beside the programs.
    pub files: Vec<PlacedFiles>,
    /// How the image is run and what it says of itself.
    pub image: ImageSettings,
}

/// A binary target of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramName {
    /// Its package; none for that of the build.
    pub package: Option<String>,
    /// Its own name.
    pub bin: String,
}

/// How programs are linked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Link {
    /// They need nothing but the kernel.
    #[default]
    Static,
    /// They ask for a loader and libraries, which the base must have.
    Dynamic,
}

/// A cargo command that builds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CargoCommand {
    /// `cargo build`.
    #[default]
    Build,
    /// `cargo zigbuild`, which links with zig for other platforms.
    Zigbuild,
}

/// A file or a folder of the checkout, and where it lies in the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedFiles {
    /// Relative to the root, clean.
    pub from: String,
    /// Absolute, clean, without a slash at its end; for a folder, where its content lies.
    pub to: String,
    /// Of each file; none for what git knows: 755 where the owner may execute it, else 644.
    pub mode: Option<u32>,
    /// What git ignores is put in as well.
    pub ignored: bool,
}

/// How the image is run and what it says of itself, where it is not the builder's own word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageSettings {
    /// Variables of the service.
    pub env: BTreeMap<String, String>,
    /// Labels over the builder's own.
    pub labels: BTreeMap<String, String>,
    /// `uid:gid`, or a name of the base.
    pub user: Option<String>,
    /// An absolute path.
    pub workdir: Option<String>,
    /// Arguments of the program that starts.
    pub cmd: Vec<String>,
    /// How an engine sees that the service works.
    pub healthcheck: Option<HealthCheck>,
}

/// An image's `HEALTHCHECK`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HealthCheck {
    /// A program of the image and its arguments.
    pub test: Vec<String>,
    /// Between two checks; none for the engine's own.
    pub interval: Option<Duration>,
    /// How long one may take.
    pub timeout: Option<Duration>,
    /// How long failures do not count after the start.
    pub start_period: Option<Duration>,
    /// How many failures in a row are one.
    pub retries: Option<u32>,
}
