//! `[image]` and `[sign]` resolved: where the image goes, under which tags, signed with what.

use super::Workspace;
use crate::cli::error::CliError;
use crate::model::commit::Commit;
use crate::model::plan::{Destination, KeySource, PublishPlan};

impl Workspace {
    /// Publishing's plan.
    ///
    /// # Errors
    /// [`CliError::Setting`] for a destination, a tag or a key that is none.
    pub(in crate::cli) fn publish_plan(&self, commit: Option<&Commit>, dry_run: bool) -> Result<PublishPlan, CliError> {
        Ok(PublishPlan {
            destination: self.destination()?,
            tags: self.tags(commit)?,
            key: self.key()?,
            service: self.service(),
            envelopes: Some(self.output.clone()),
            dry_run,
        })
    }

    /// Where the image goes.
    ///
    /// # Errors
    /// [`CliError::Setting`] for a repository with a tag or digest.
    pub(in crate::cli) fn destination(&self) -> Result<Destination, CliError> {
        let image = &self.config.image;
        match image.repository.as_deref() {
            None => Ok(Destination::OciLayout(self.output.join("registry"))),
            Some(text) => match text.strip_prefix("oci:") {
                Some(dir) => Ok(Destination::OciLayout(self.root.join(dir))),
                None if text.contains('@') || text.rsplit('/').next().is_some_and(|name| name.contains(':')) || !text.contains('/') => {
                    Err(CliError::setting(
                        "image.repository",
                        format!("`{text}` is no repository: expected host/path without tag or digest, or oci:DIR"),
                    ))
                }
                None => Ok(Destination::Registry {
                    repository: text.to_owned(),
                    plain_http: image.plain_http,
                }),
            },
        }
    }

    fn tags(&self, commit: Option<&Commit>) -> Result<Vec<String>, CliError> {
        let default = vec!["{sha}".to_owned()];
        let mut tags = Vec::new();
        for template in self.config.image.tags.as_ref().unwrap_or(&default) {
            let Some(commit) = commit else { continue };
            if template.contains("{git-tag}") {
                tags.extend(commit.tags.iter().map(|tag| template.replace("{git-tag}", tag)));
                continue;
            }
            let tag = template
                .replace("{sha}", commit.sha.as_str())
                .replace("{short}", commit.sha.short());
            if tag.contains(['{', '}']) {
                let known = ["{sha}", "{short}", "{git-tag}"];
                return Err(CliError::setting(
                    "image.tags",
                    format!("`{template}` has an unknown field: known are {}", known.join(", ")),
                ));
            }
            tags.push(tag);
        }
        Ok(tags)
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
        Ok(Some(match text.split_once(':') {
            Some(("env", name)) => KeySource::Env(name.to_owned()),
            Some(("local", file)) => KeySource::Local(self.root.join(file)),
            _ if text == "keyless" => {
                return Err(CliError::setting(
                    "sign.key",
                    "keyless signing is not available: write env:NAME or a file",
                ));
            }
            _ => KeySource::File(self.root.join(text)),
        }))
    }
}
