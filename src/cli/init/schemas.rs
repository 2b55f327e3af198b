//! The first line by which editors know what a file may hold.

use super::workflow::ACTION;
use crate::cli::config::Config;
use crate::stage::policy::schema;

/// Where schemas lie in a repository, below the folder of the policy.
pub(in crate::cli) const FOLDER: &str = "policies/schema";

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Of {
    Configuration,
    Policy,
    Waivers,
}

impl Of {
    pub(in crate::cli) const ALL: [Self; 3] = [Self::Configuration, Self::Policy, Self::Waivers];

    /// The schema's file, as `policies/schema/` of the gate's own repository has it.
    pub(in crate::cli) const fn file(self) -> &'static str {
        match self {
            Self::Configuration => "portcullis.schema.json",
            Self::Policy => "policy.schema.json",
            Self::Waivers => "waivers.schema.json",
        }
    }

    /// The schema itself.
    pub(in crate::cli) fn bytes(self) -> Vec<u8> {
        schema::bytes(&match self {
            Self::Configuration => schema::of::<Config>(),
            Self::Policy => schema::policy(),
            Self::Waivers => schema::waivers(),
        })
    }
}

/// Where the schemas are: in the gate's repository at a commit, which is known with the action, or beside the files that name them.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct Schemas<'a> {
    /// `OWNER/REPOSITORY@COMMIT`.
    action: Option<&'a str>,
}

impl<'a> Schemas<'a> {
    /// The action that somebody named, else the one of this program's release.
    pub(in crate::cli) fn new(named: Option<&'a str>) -> Self {
        Self { action: named.or(ACTION) }
    }

    /// True where the files must be written, for nobody knows an address of theirs.
    pub(in crate::cli) const fn are_beside(self) -> bool {
        self.action.is_none()
    }

    /// The line, for a file in the service's folder or, where `in_policies`, in `policies`.
    pub(in crate::cli) fn line(self, of: Of, in_policies: bool) -> String {
        let file = of.file();
        match (self.action.and_then(|action| action.split_once('@')), in_policies) {
            (Some((repository, commit)), _) => {
                format!("#:schema https://raw.githubusercontent.com/{repository}/{commit}/{FOLDER}/{file}\n")
            }
            (None, true) => format!("#:schema ./schema/{file}\n"),
            (None, false) => format!("#:schema ./{FOLDER}/{file}\n"),
        }
    }
}
