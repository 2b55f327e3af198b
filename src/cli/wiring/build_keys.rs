//! Which keys of `[build]` mean something to which builder: one that means nothing is an error, and never passed over.

use crate::cli::config::Build;
use crate::cli::error::CliError;
use crate::model::plan::Builder;

const NATIVE: &str = "`using = \"native\"` (a Cargo package)";
const DOCKERFILE: &str = "`using = \"buildkit\"` and `\"buildah\"` (a Dockerfile)";
const IMAGE: &str = "`using = \"image\"` (an image that exists)";

/// # Errors
/// [`CliError::Setting`] for the first key that is another builder's.
pub(super) fn only_of_its_builder(build: &Build, builder: &Builder) -> Result<(), CliError> {
    let own = match builder {
        Builder::Native(_) => NATIVE,
        Builder::Dockerfile { .. } => DOCKERFILE,
        Builder::Image(_) => IMAGE,
    };
    let given = [
        ("build.package", build.package.is_some(), NATIVE),
        ("build.bin", build.bin.is_some(), NATIVE),
        ("build.bins", !build.bins.is_empty(), NATIVE),
        ("build.features", !build.features.is_empty(), NATIVE),
        ("build.no_default_features", build.no_default_features, NATIVE),
        ("build.base", build.base.is_some(), NATIVE),
        ("build.targets", !build.targets.is_empty(), NATIVE),
        ("build.link", build.link.is_some(), NATIVE),
        ("build.cargo", build.cargo.is_some(), NATIVE),
        ("build.linker", build.linker.is_some(), NATIVE),
        ("build.profile", build.profile.is_some(), NATIVE),
        ("build.strip", build.strip.is_some(), NATIVE),
        ("build.env", !build.env.is_empty(), NATIVE),
        ("build.pass_env", !build.pass_env.is_empty(), NATIVE),
        ("build.files", !build.files.is_empty(), NATIVE),
        ("build.container", build.container.is_some(), NATIVE),
        ("build.dockerfile", build.dockerfile.is_some(), DOCKERFILE),
        ("build.context", build.context.is_some(), DOCKERFILE),
        ("build.target", build.target.is_some(), DOCKERFILE),
        ("build.args", !build.args.is_empty(), DOCKERFILE),
        ("build.secrets", !build.secrets.is_empty(), DOCKERFILE),
        ("build.ssh", !build.ssh.is_empty(), DOCKERFILE),
        ("build.cache_from", !build.cache_from.is_empty(), DOCKERFILE),
        ("build.cache_to", !build.cache_to.is_empty(), DOCKERFILE),
        ("build.platforms", !build.platforms.is_empty(), DOCKERFILE),
        ("build.network", build.network.is_some(), DOCKERFILE),
        ("build.image", build.image.is_some(), IMAGE),
    ];
    match given.into_iter().find(|(_, given, whose)| *given && *whose != own) {
        Some(("build.target", ..)) if own == NATIVE => Err(CliError::setting(
            "build.target",
            "it is a stage of a Dockerfile; what a Cargo package is built for is `targets`",
        )),
        Some(("build.platforms", ..)) if own == NATIVE => Err(CliError::setting(
            "build.platforms",
            "they are for a Dockerfile; what a Cargo package is built for is `targets`, by rustc's names",
        )),
        Some((key, _, whose)) => Err(CliError::setting(
            key,
            format!("it is for {whose}, and what is built here is for {own}"),
        )),
        None => Ok(()),
    }
}
