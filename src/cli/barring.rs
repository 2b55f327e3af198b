//! What keeps a run from publishing and rolling out: the event of a workflow, or what another CI says of the job.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Component, Path};

use super::config::{Config, PullEvent};
use super::proposals::{self, DELIVERS, Proposal};
use super::wiring::{CONFIG_FILE, Workspace};
use crate::github::Actions;
use crate::io::{document, git};
use crate::model::excused::Excused as _;

/// Why nothing is published. Shown, it is the name alone: `pull_request`, `CI_MERGE_REQUEST_IID`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) enum Barring<'a> {
    /// An event of GitHub's, by its name.
    Event(&'a str),
    /// What another CI says.
    Said(Proposal),
}

impl fmt::Display for Barring<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Event(name) => name,
            Self::Said(proposal) => proposal.name,
        })
    }
}

impl<'a> Barring<'a> {
    /// The event, where it is none of the repository's own and no configuration that is trusted names it: that of the commit which the event is compared
    /// with, or the operator's, which is in no checkout. One that is proposed does not say who may publish it.
    pub(super) fn of(github: Option<&'a Actions>, config: Option<&Path>, workspace: &Workspace) -> Option<Self> {
        let Some(github) = github else {
            return proposals::proposal().map(Self::Said);
        };
        let event = &github.event;
        if event.delivers(&github.reference) {
            return None;
        }
        let names_it = |config: &Config| config.github.publish_on.iter().any(|named| named.as_str() == event.name);
        let is_named_by_the_operator = || config.is_some_and(|file| is_the_operators(file, github)) && names_it(&workspace.config);
        let is_named_by_the_base = || {
            let file = config.and_then(Path::file_name).and_then(OsStr::to_str).unwrap_or(CONFIG_FILE);
            let text = git::text_in(&workspace.root, event.trusted_commit(&github.sha)?, file);
            let text = text.or_none("without the commit nobody says that it may").flatten()?;
            let config = document::parse::<Config>(Path::new(CONFIG_FILE), &text).or_none("what cannot be read names no event")?;
            names_it(&config).then_some(())
        };
        match is_named_by_the_base().is_some() || is_named_by_the_operator() {
            true => None,
            false => Some(Self::Event(&event.name)),
        }
    }

    /// What it is, in words that follow upon "for": the event, or a job with the variable that says what it is of.
    #[must_use]
    pub(super) fn said(&self) -> String {
        match self {
            Self::Event(name) => format!("the event `{name}`"),
            Self::Said(proposal) => format!(
                "a job of which {} says by the variable `{}` that it is of a proposal",
                proposal.ci, proposal.name
            ),
        }
    }

    /// What may be done about it.
    #[must_use]
    pub(super) fn help(&self) -> String {
        match self {
            Self::Event(name) if PullEvent::of(name).is_some() => format!(
                "run it for a push; a pull request's event can be named in portcullis.toml of the branch that it goes to ([github] \
                 publish_on = [\"{name}\"]), whose history must be there (`fetch-depth: 0`)"
            ),
            Self::Event(_) => "run it for a push, a schedule, a release, or what a person starts".to_owned(),
            Self::Said(proposal) => format!(
                "run it for a push to the branch that is delivered; where such a job is one, {DELIVERS}={} in the settings of the CI says so",
                proposal.allowed_by
            ),
        }
    }
}

/// True for a configuration that no commit brought: it lies in no checkout, not where the runner put one, and not below the working folder. Each part of the
/// way is asked where it lies.
fn is_the_operators(file: &Path, github: &Actions) -> bool {
    let Ok(here) = Path::new(".").canonicalize() else { return false };
    let Ok(runners) = github.workspace.canonicalize() else {
        return false;
    };
    let Ok(whole) = std::path::absolute(file) else { return false };
    let is_of_nobody = |part: &Path| {
        let place = part.canonicalize();
        place.is_ok_and(|place| !place.starts_with(&here) && !place.starts_with(&runners))
    };
    let folder = whole.parent().unwrap_or(&whole);
    let goes_back = whole.components().any(|part| part == Component::ParentDir);
    !goes_back && whole.ancestors().all(is_of_nobody) && git::top_level(folder).is_ok_and(|top| top.is_none())
}
