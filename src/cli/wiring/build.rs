//! How the image is built: `[build]` resolved.

use std::path::{Path, PathBuf};

use super::Workspace;
use super::build_keys::only_of_its_builder;
use super::build_values::{arguments, caches, platforms};
use crate::cli::config::Using;
use crate::cli::error::CliError;
use crate::model::commit::Commit;
use crate::model::plan::{BuildSecret, Builder, DockerfileBuild, DockerfileBuilder};

/// Variables that hold secrets of the gate wherever the configuration names none.
const OWN_SECRETS: [&str; 7] = [
    "PORTCULLIS_KEY",
    "COSIGN_PASSWORD",
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "SIGSTORE_ID_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
];

/// What a Dockerfile is called that nobody has named.
pub(in crate::cli) const DOCKERFILES: [&str; 2] = ["Dockerfile", "Containerfile"];

/// True where cargo finds a lock file: in a folder, or above it as far as `top`.
pub(in crate::cli) fn is_locked(folder: &Path, top: &Path) -> bool {
    let within = folder.ancestors().take_while(|above| above.starts_with(top));
    within.into_iter().any(|above| above.join("Cargo.lock").is_file())
}

/// `{sha}` and `{short}` in the arguments of a Dockerfile: how a container learns its commit.
fn for_commit(mut builder: Builder, commit: Option<&Commit>) -> Result<Builder, CliError> {
    let Builder::Dockerfile { build, .. } = &mut builder else {
        return Ok(builder);
    };
    for (name, value) in &mut build.args {
        if !value.contains("{sha}") && !value.contains("{short}") {
            continue;
        }
        let Some(commit) = commit else {
            let problem = format!("`{name}` names the commit, and there is no git commit here");
            return Err(CliError::setting("build.args", problem));
        };
        *value = value.replace("{sha}", commit.sha.as_str()).replace("{short}", commit.sha.short());
    }
    Ok(builder)
}

impl Workspace {
    /// The builder that the configuration names; without a word of it, the one that fits what lies in the folder.
    ///
    /// # Errors
    /// [`CliError::Setting`].
    pub(super) fn builder(&self, commit: Option<&Commit>) -> Result<Builder, CliError> {
        let build = &self.config.build;
        let builder = self.chosen()?;
        only_of_its_builder(build, &builder)?;
        for_commit(builder, commit)
    }

    fn chosen(&self) -> Result<Builder, CliError> {
        let build = &self.config.build;
        match build.using {
            Some(Using::Native) => self.native(),
            Some(Using::Buildkit) => self.dockerfile(Some(DockerfileBuilder::Buildkit)),
            Some(Using::Buildah) => self.dockerfile(Some(DockerfileBuilder::Buildah)),
            Some(Using::Image) => {
                let image = build
                    .image
                    .as_deref()
                    .ok_or_else(|| CliError::setting("build.image", "`using = \"image\"` needs it: which image is to be judged?"))?;
                Ok(Builder::Image(self.image_ref("build.image", image)?))
            }
            None if build.dockerfile.is_some() => self.dockerfile(None),
            None if self.root.join("Cargo.toml").exists() || build.package.is_some() => self.native(),
            None if self.found_dockerfile().is_some() => self.dockerfile(None),
            None => self.native(),
        }
    }

    fn dockerfile(&self, with: Option<DockerfileBuilder>) -> Result<Builder, CliError> {
        let build = &self.config.build;
        // Builders quote the lines that they do not understand.
        self.within("build.dockerfile", &self.dockerfile_path())?;
        arguments(&build.args)?;
        caches("build.cache_from", &build.cache_from)?;
        caches("build.cache_to", &build.cache_to)?;
        let secret = |(id, from): (&String, &String)| {
            let is_odd = id.is_empty() || id.contains([',', '=', '"']);
            if is_odd {
                return Err(CliError::setting(
                    "build.secrets",
                    "an id has a comma, a quote or an equals sign in it",
                ));
            }
            let from = match from.strip_prefix("env:") {
                // The configuration is part of what is judged: it may not hand the gate's own keys to a step.
                Some(name) if self.own_secrets().any(|own| own == name) => {
                    let problem = format!("`{name}` is a secret of the gate's own, and no step may see it: give the build another one");
                    return Err(CliError::setting("build.secrets", problem));
                }
                Some(name) => BuildSecret::Variable(name.to_owned()),
                None => BuildSecret::File(PathBuf::from(from)),
            };
            Ok((id.clone(), from))
        };
        Ok(Builder::Dockerfile {
            with,
            build: DockerfileBuild {
                dockerfile: self.dockerfile_path(),
                context: self.context()?,
                target: build.target.clone(),
                args: build.args.clone(),
                secrets: build.secrets.iter().map(secret).collect::<Result<_, _>>()?,
                ssh: build.ssh.clone(),
                cache_from: build.cache_from.clone(),
                cache_to: build.cache_to.clone(),
                platforms: platforms(&build.platforms)?,
                network: build.network.map(|network| network.as_str().to_owned()),
            },
        })
    }

    /// Variables that hold what the gate signs and speaks to services with.
    pub(in crate::cli) fn own_secrets(&self) -> impl Iterator<Item = &str> {
        let configured = self.config.sign.key.as_deref().and_then(|key| key.strip_prefix("env:"));
        OWN_SECRETS.into_iter().chain(configured)
    }

    /// The folder of the context, which lies in the checkout: a link or `..` out of it would bring what nobody has reviewed into the image.
    fn context(&self) -> Result<PathBuf, CliError> {
        let context = self.config.build.context.clone().unwrap_or_else(|| PathBuf::from("."));
        self.within("build.context", &context)?;
        Ok(context)
    }

    /// The Dockerfile that is named, or the first that lies where one usually does.
    pub(in crate::cli) fn dockerfile_path(&self) -> PathBuf {
        let named = self.config.build.dockerfile.clone().or_else(|| self.found_dockerfile());
        named.unwrap_or_else(|| PathBuf::from(DOCKERFILES[0]))
    }

    fn found_dockerfile(&self) -> Option<PathBuf> {
        DOCKERFILES.iter().map(PathBuf::from).find(|name| self.root.join(name).is_file())
    }
}
