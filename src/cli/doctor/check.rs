//! One thing that is needed, or not.

use serde::Serialize;

use crate::cli::error::CliError;
use crate::cli::shown::Shown;
use crate::model::visible::visible;

/// How it is with a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::cli) enum Found {
    There,
    /// It is not, and some stage cannot do without it.
    Missing,
    /// It is not, and nothing here asks for it.
    NotNeeded,
}

/// What was found of one thing.
#[derive(Debug, Clone, Serialize)]
pub(in crate::cli) struct Check {
    /// What was looked for.
    pub name: String,
    /// The stage that needs it.
    pub stage: &'static str,
    /// Whether it is there.
    pub found: Found,
    /// Whether the configuration names it: then a missing one is an error.
    pub configured: bool,
    /// In words.
    pub said: String,
    /// The command that brings it, or what to do.
    pub next: Option<String>,
}

impl Check {
    pub(super) fn there(name: impl Into<String>, stage: &'static str, said: impl AsRef<str>) -> Self {
        Self {
            name: name.into(),
            stage,
            found: Found::There,
            configured: false,
            said: visible(said.as_ref().trim()).into_owned(),
            next: None,
        }
    }

    pub(super) fn missing(name: impl Into<String>, stage: &'static str, said: impl AsRef<str>, next: impl Into<String>) -> Self {
        Self {
            found: Found::Missing,
            next: Some(next.into()),
            ..Self::there(name, stage, said)
        }
    }

    pub(super) fn not_needed(name: impl Into<String>, stage: &'static str, said: impl AsRef<str>) -> Self {
        Self {
            found: Found::NotNeeded,
            ..Self::there(name, stage, said)
        }
    }

    /// A setting that cannot be used, as the stage itself would say.
    pub(super) fn refused(name: impl Into<String>, stage: &'static str, error: &CliError) -> Self {
        let shown = Shown::of(error);
        let cause = shown.cause.as_ref().map(|cause| format!(": {}", cause.message)).unwrap_or_default();
        let help = shown.help.clone().unwrap_or_else(|| "correct it in portcullis.toml".to_owned());
        Self {
            configured: true,
            ..Self::missing(name, stage, format!("{}{cause}", shown.message), help)
        }
    }

    /// The same, named by the configuration where `is` says so.
    pub(super) fn configured(self, is: bool) -> Self {
        Self { configured: is, ..self }
    }
}
