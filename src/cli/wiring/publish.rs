//! `[image]` and `[sign]` resolved: where the image goes, under which tags, signed with what.

use std::path::Path;

use super::Workspace;
use super::tags::Tags;
use crate::cli::args::image_ref;
use crate::cli::config::SignKeyless;
use crate::cli::error::CliError;
use crate::gate::GateError;
use crate::io::Effects;
use crate::io::registry::Repository;
use crate::model::commit::Commit;
use crate::model::excused::Excused as _;
use crate::model::image_ref::ImageRef;
use crate::model::plan::{Destination, KeySource, PublishPlan};
use crate::stage::publish::PublishError;
use crate::stage::publish::sign::Signer;

impl Workspace {
    /// Publishing's plan.
    ///
    /// # Errors
    /// [`CliError::Setting`] for an invalid destination, tag or key.
    pub(in crate::cli) fn publish_plan(&self, commit: Option<&Commit>, tags: &[String], dry_run: bool) -> Result<PublishPlan, CliError> {
        let also = self.config.image.also.iter().map(|text| self.place("image.also", text));
        let tags = match (tags, &self.config.image.tags) {
            ([], None) => Tags::of("image.tags", &["{sha}".to_owned()], commit)?,
            ([], Some(configured)) => Tags::of("image.tags", configured, commit)?,
            (named, _) => Tags::of("--tag", named, commit)?,
        };
        Ok(PublishPlan {
            destination: self.destination()?,
            also: also.collect::<Result<_, _>>()?,
            tags: tags.all,
            branch_tags: tags.of_branch,
            without_tag: tags.without,
            mount_from: self.mount_from(),
            legacy: self.config.sign.legacy,
            key: self.key()?,
            service: self.service(),
            envelopes: Some(self.output.clone()),
            dry_run,
        })
    }

    /// Where the image goes.
    ///
    /// # Errors
    /// [`CliError::Setting`] for a repository with a tag or digest, or that no registry can have.
    pub(in crate::cli) fn destination(&self) -> Result<Destination, CliError> {
        match self.config.image.repository.as_deref() {
            None => Ok(Destination::OciLayout(self.output.join("registry"))),
            Some(text) => self.place("image.repository", text),
        }
    }

    fn place(&self, setting: &'static str, text: &str) -> Result<Destination, CliError> {
        match text.strip_prefix("oci:") {
            Some(dir) => Ok(Destination::OciLayout(self.used(setting, Path::new(dir))?)),
            None if text.contains('@') || text.rsplit('/').next().is_some_and(|name| name.contains(':')) || !text.contains('/') => {
                Err(CliError::setting(
                    setting,
                    format!("`{text}` is no repository: expected host/path without tag or digest, or oci:DIR"),
                ))
            }
            // Known now, and not after a build.
            None => match Repository::parse(text) {
                Ok(_) => Ok(Destination::Registry {
                    repository: text.to_owned(),
                    plain_http: self.config.image.plain_http,
                }),
                Err(error) => Err(CliError::setting(setting, error.to_string())),
            },
        }
    }

    /// The base image's repository: its layers need not be sent to a registry that has them.
    fn mount_from(&self) -> Vec<String> {
        let base = self
            .config
            .build
            .base
            .as_deref()
            .and_then(|base| image_ref(base).or_none("the build refuses a base that is no reference"));
        match base {
            Some(ImageRef::Registry { repository, .. }) => vec![repository],
            _ => Vec::new(),
        }
    }

    /// Where the signing key is.
    ///
    /// # Errors
    /// [`CliError::Setting`] for a key written into the configuration itself.
    pub(in crate::cli) fn key(&self) -> Result<Option<KeySource>, CliError> {
        let Some(text) = self.config.sign.key.as_deref() else {
            return Ok(None);
        };
        if text.contains("PRIVATE KEY") {
            return Err(CliError::setting(
                "sign.key",
                "a key must not stand in the configuration: write env:NAME or a file",
            ));
        }
        if let Some(kind) = elsewhere(text) {
            return Err(CliError::setting("sign.key", kind));
        }
        if text != "keyless" && self.config.sign.keyless != SignKeyless::default() {
            return Err(CliError::setting("sign.keyless", "it is for key = \"keyless\" alone"));
        }
        Ok(Some(match text.split_once(':') {
            Some(("env", name)) => KeySource::Env(name.to_owned()),
            Some(("local", file)) => KeySource::Local(self.root.join(file)),
            _ if text == "keyless" => self.keyless()?,
            _ => KeySource::File(self.root.join(text)),
        }))
    }
}

impl Workspace {
    /// Looks whether the configured key is where the configuration says.
    ///
    /// # Errors
    /// [`CliError::Missing`] naming the file or the variable.
    pub(in crate::cli) fn may_sign(&self, effects: &Effects) -> Result<(), CliError> {
        let (problem, help) = match self.key()? {
            Some(KeySource::File(path)) if !path.is_file() => (
                format!("{} does not exist", path.display()),
                "correct `key` in [sign], or write \"local:FILE\" to have a key made".to_owned(),
            ),
            Some(KeySource::Env(name)) if effects.secrets.secret(&name).is_none() => (
                format!("the variable {name} is not set"),
                format!("set {name} to a key in PEM, or judge without a key with `portcullis gate --until policy`"),
            ),
            Some(source) => {
                if let KeySource::Keyless(keyless) = &source
                    && keyless.services.is_none()
                {
                    return Err(CliError::setting(
                        "sign.keyless",
                        "signing needs `fulcio`, `rekor` and `timestamp_authority`: where certificate, log entry and timestamp come from",
                    ));
                }
                let checked = Signer::check(&source, effects);
                return checked.map_err(|error| GateError::from(PublishError::from(error)).into());
            }
            None => return Ok(()),
        };
        Err(CliError::Missing {
            problem: format!("sign.key: {problem}"),
            help,
        })
    }
}

/// Why a key that is not in a file or a variable cannot be used; `None` for one that may be.
pub(super) fn elsewhere(text: &str) -> Option<String> {
    const SCHEMES: [&str; 7] = [
        "pkcs11:",
        "awskms://",
        "gcpkms://",
        "azurekms://",
        "hashivault://",
        "k8s://",
        "openbao://",
    ];
    let scheme = SCHEMES.into_iter().find(|scheme| text.starts_with(scheme))?;
    Some(format!(
        "keys behind `{scheme}` (tokens, key management services) are not supported: write env:NAME or a file with a PEM key, which the job \
         may fetch from there"
    ))
}

#[cfg(test)]
mod tests {
    use super::elsewhere;

    #[test]
    fn keys_in_tokens_and_key_services_are_refused_with_a_plain_word() {
        for key in ["pkcs11:token=x", "awskms:///alias/x", "gcpkms://projects/x", "hashivault://x"] {
            let said = elsewhere(key).expect(key);
            assert!(said.contains("not supported"), "{said}");
        }
        for key in ["env:KEY", "keys/portcullis.key", "local:k.pem"] {
            assert_eq!(elsewhere(key), None);
        }
    }
}
