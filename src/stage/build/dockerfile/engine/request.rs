//! What is asked of a builder, and what it must be able to do.

use std::ffi::OsString;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use super::super::progress::Steps;
use crate::io::Effects;
use crate::io::process::Program;
use crate::model::image::Platform;
use crate::model::plan::{BuildPlan, BuildSecret, DockerfileBuild, DockerfileBuilder};
use crate::stage::build::{BuildError, DockerfileError};

/// One build of one platform.
pub(in crate::stage::build::dockerfile) struct Request<'r> {
    pub(in crate::stage::build::dockerfile) plan: &'r BuildPlan,
    pub(in crate::stage::build::dockerfile) build: &'r DockerfileBuild,
    /// Our copy of the Dockerfile.
    pub(in crate::stage::build::dockerfile) dockerfile: &'r Path,
    /// Our copy of the context.
    pub(in crate::stage::build::dockerfile) context: &'r Path,
    /// Images that the Dockerfile names.
    pub(in crate::stage::build::dockerfile) images: &'r [String],
    /// `None` for the builder's own.
    pub(in crate::stage::build::dockerfile) platform: Option<&'r Platform>,
    /// A word that no other build has: part of the names of what is made meanwhile.
    pub(in crate::stage::build::dockerfile) unique: &'r str,
    /// No step comes from the builder's cache.
    pub(in crate::stage::build::dockerfile) fresh: bool,
    /// Stages of which no step comes from the builder's cache.
    pub(in crate::stage::build::dockerfile) anew: &'r [String],
    /// Seconds since 1970.
    pub(in crate::stage::build::dockerfile) epoch: i64,
    pub(in crate::stage::build::dockerfile) effects: &'r Effects,
}

/// An image in an engine's own store.
pub(in crate::stage::build::dockerfile) struct Stored {
    /// `linux/amd64`.
    pub(in crate::stage::build::dockerfile) platform: String,
    /// Its triggers, as they are written.
    pub(in crate::stage::build::dockerfile) on_build: Vec<String>,
}

/// A program that builds Dockerfiles.
pub(in crate::stage::build::dockerfile) trait Engine {
    /// Which one, and in which version.
    fn name(&self) -> (DockerfileBuilder, String);

    /// Whether steps of earlier builds are taken where they fit.
    fn uses_its_cache(&self) -> bool;

    /// An image of its own store, where it builds upon that one; none where it has none of this name.
    fn stored(&self, name: &str) -> Option<Stored>;

    /// Builds, and puts the image into a file in the form of `docker save`. Nothing else stays: no image, no tag, no container.
    ///
    /// # Errors
    /// [`BuildError`].
    fn build(&self, request: &Request<'_>, steps: Steps, archive: &Path) -> Result<Steps, BuildError>;
}

impl Request<'_> {
    /// What both programs spell alike: target, arguments, secrets, SSH, platform, network. No secret is among the arguments: the
    /// program finds it in a variable of its own, or in the file.
    ///
    /// # Errors
    /// [`DockerfileError::Secret`], [`DockerfileError::NoAgent`].
    pub(super) fn common(&self, mut program: Program) -> Result<Program, BuildError> {
        let build = self.build;
        let mut args: Vec<String> = vec!["--file".to_owned(), self.dockerfile.display().to_string()];
        let mut option = |name: &str, value: String| args.extend([name.to_owned(), value]);
        if let Some(target) = &build.target {
            option("--target", target.clone());
        }
        for (name, value) in &build.args {
            option("--build-arg", format!("{name}={value}"));
        }
        for (number, (id, secret)) in build.secrets.iter().enumerate() {
            match secret {
                BuildSecret::Variable(name) => {
                    let variable = format!("PORTCULLIS_BUILD_SECRET_{number}");
                    let value = self.secret(id, name)?;
                    program = program.env(&variable, value.expose());
                    option("--secret", format!("id={id},env={variable}"));
                }
                BuildSecret::File(path) => option("--secret", format!("id={id},src={}", self.secret_file(id, path)?.display())),
            }
        }
        for key in &build.ssh {
            option("--ssh", self.ssh(key)?);
        }
        // Only a name of a key's file needs no agent.
        if build.ssh.iter().any(|key| !key.contains('=')) {
            program = program.env("SSH_AUTH_SOCK", agent()?);
        }
        if let Some(platform) = self.platform {
            option("--platform", platform.to_string());
        }
        let network = build.network.clone().or_else(|| self.plan.offline.then(|| "none".to_owned()));
        if let Some(network) = network {
            option("--network", network);
        }
        Ok(program.args(args))
    }

    /// `id`, or `id=FILE,…` with files relative to `portcullis.toml`: the builder would look where it was started.
    fn ssh(&self, asked: &str) -> Result<String, BuildError> {
        let Some((id, files)) = asked.split_once('=') else {
            return Ok(asked.to_owned());
        };
        let mut places = Vec::new();
        for file in files.split(',') {
            let place = self.plan.root.join(file);
            if !place.exists() {
                let (what, reason) = ("a key", format!("and there is no {}", place.display()));
                return Err(DockerfileError::NoAgent { what, reason }.into());
            }
            places.push(place.display().to_string());
        }
        Ok(format!("{id}={}", places.join(",")))
    }

    fn secret(&self, id: &str, name: &str) -> Result<crate::io::secret::Secret, BuildError> {
        self.effects.secrets.secret(name).ok_or_else(|| {
            let reason = format!("the variable {name} is not set");
            DockerfileError::Secret { id: id.to_owned(), reason }.into()
        })
    }

    fn secret_file(&self, id: &str, path: &Path) -> Result<PathBuf, BuildError> {
        let path = self.plan.root.join(path);
        let odd = |reason: String| BuildError::from(DockerfileError::Secret { id: id.to_owned(), reason });
        // A comma would end the value of the option.
        match path.to_str() {
            Some(text) if !text.contains(',') && !text.contains('"') => {}
            _ => return Err(odd(format!("the path {} has a comma or a quote in it", path.display()))),
        }
        let found = path.symlink_metadata();
        match found {
            Ok(found) if found.is_file() => Ok(path),
            // Who reviews the configuration sees a path of the checkout, not where a link there leads.
            Ok(found) if found.is_symlink() => Err(odd(format!("{} is a link: name the file itself", path.display()))),
            Ok(_) | Err(_) => Err(odd(format!("there is no file {}", path.display()))),
        }
    }
}

/// The socket of an SSH agent.
fn agent() -> Result<OsString, BuildError> {
    let none = |reason: String| {
        BuildError::from(DockerfileError::NoAgent {
            what: "the SSH agent",
            reason,
        })
    };
    let socket = crate::io::environment::variable("SSH_AUTH_SOCK").filter(|socket| !socket.is_empty());
    let socket = socket.ok_or_else(|| none("and SSH_AUTH_SOCK is not set".to_owned()))?;
    match Path::new(&socket).metadata() {
        Ok(found) if found.file_type().is_socket() => Ok(socket),
        Ok(_) | Err(_) => Err(none(format!("and SSH_AUTH_SOCK ({}) is no socket", socket.display()))),
    }
}
