//! The workflow run that this program runs in, as its environment tells it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::annotate::annotations;
use super::event::Event;
use super::step::{StepError, outputs};
use super::{event, step};
use crate::io::{environment, files};
use crate::model::excused::Excused as _;
use crate::model::outcome::Outcome;
use crate::report::summary;

/// A step of a workflow, as its environment describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Actions {
    /// Where the repository lies: `GITHUB_WORKSPACE`.
    pub workspace: PathBuf,
    /// `GITHUB_SHA`; for pull requests a merge commit that nobody wrote, see [`Event::head`].
    pub sha: String,
    /// `GITHUB_REPOSITORY`: `owner/name`.
    pub repository: String,
    /// `GITHUB_REF`.
    pub reference: String,
    /// `GITHUB_SERVER_URL`.
    pub server: String,
    /// `GITHUB_RUN_ID`.
    pub run: String,
    /// `GITHUB_API_URL`.
    pub api: String,
    /// `GITHUB_ACTOR`: who started it.
    pub actor: String,
    /// `GITHUB_WORKFLOW`.
    pub workflow: String,
    /// `GITHUB_JOB`.
    pub job: String,
    /// What started the workflow.
    pub event: Event,
    summary: Option<PathBuf>,
    output: Option<PathBuf>,
}

impl Actions {
    /// Reads the process's environment; none outside of GitHub Actions.
    #[must_use]
    pub fn detect() -> Option<Self> {
        Self::from_environment(
            &environment::variables()
                .into_iter()
                .filter_map(|(k, v)| {
                    Some((
                        k.into_string().or_none("what is no text is no variable of the runner's")?,
                        v.into_string().or_none("what is no text is no variable of the runner's")?,
                    ))
                })
                .collect(),
        )
    }

    /// The same from a map.
    #[must_use]
    pub fn from_environment(environment: &BTreeMap<String, String>) -> Option<Self> {
        let get = |name: &str| environment.get(name).filter(|value| !value.is_empty()).cloned();
        if get("GITHUB_ACTIONS")? != "true" {
            return None;
        }
        let payload = get("GITHUB_EVENT_PATH")
            .and_then(|path| files::read(Path::new(&path), event::LIMIT).or_none("an event that cannot be read counts as a pull request"));
        Some(Self {
            workspace: get("GITHUB_WORKSPACE").unwrap_or_default().into(),
            sha: get("GITHUB_SHA").unwrap_or_default(),
            repository: get("GITHUB_REPOSITORY").unwrap_or_default(),
            reference: get("GITHUB_REF").unwrap_or_default(),
            server: get("GITHUB_SERVER_URL").unwrap_or_default(),
            run: get("GITHUB_RUN_ID").unwrap_or_default(),
            api: get("GITHUB_API_URL").unwrap_or_default(),
            actor: get("GITHUB_ACTOR").unwrap_or_default(),
            workflow: get("GITHUB_WORKFLOW").unwrap_or_default(),
            job: get("GITHUB_JOB").unwrap_or_default(),
            event: Event::read(&get("GITHUB_EVENT_NAME").unwrap_or_default(), payload.as_deref()),
            summary: get("GITHUB_STEP_SUMMARY").map(PathBuf::from),
            output: get("GITHUB_OUTPUT").map(PathBuf::from),
        })
    }

    /// The page of this run; none where the runner names no server, repository or run.
    #[must_use]
    pub fn page(&self) -> Option<String> {
        let all = [&self.server, &self.repository, &self.run];
        all.iter()
            .all(|part| !part.is_empty())
            .then(|| format!("{}/{}/actions/runs/{}", self.server, self.repository, self.run))
    }

    /// True where GitHub gives the run a token that can only read: for pull requests of forks, and for Dependabot's.
    #[must_use]
    pub fn may_only_read(&self) -> bool {
        let foreign = self.event.head_repository.as_ref().is_some_and(|from| *from != self.repository);
        foreign || self.actor == "dependabot[bot]"
    }

    /// A folder or file relative to the repository, with `/`; none outside of it.
    #[must_use]
    pub fn relative(&self, path: &Path) -> Option<String> {
        let root = self
            .workspace
            .canonicalize()
            .or_none("annotations are shown by the path as it is")?;
        let path = path.canonicalize().or_none("annotations are shown by the path as it is")?;
        let inside = path
            .strip_prefix(root)
            .or_none("outside of the checkout, where annotations cannot point")?;
        Some(inside.to_string_lossy().into_owned())
    }

    /// The lines that make GitHub show the outcome beside the code; to be written to stderr, so that stdout stays the result's.
    #[must_use]
    pub fn commands(&self, outcome: &Outcome, exit_code: u8) -> String {
        annotations(outcome, exit_code).iter().map(|a| format!("{a}\n")).collect()
    }

    /// Appends the job summary and the outputs to the files that the runner named.
    ///
    /// # Errors
    /// [`StepError`] naming the file.
    pub fn record(&self, outcome: &Outcome, exit_code: u8, output_folder: &Path) -> Result<(), StepError> {
        if let Some(path) = &self.summary {
            let page = summary::summary(outcome) + &summary::ending(outcome, exit_code);
            step::append(path, &step::bounded(page, step::SUMMARY, step::CUT))?;
        }
        if let Some(path) = &self.output {
            let folder = self.relative(output_folder).unwrap_or_else(|| output_folder.display().to_string());
            step::append(path, &step::heredocs(&outputs(outcome, &folder)))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_of_actions_there_is_no_step() {
        assert_eq!(Actions::from_environment(&BTreeMap::new()), None);
        let off = BTreeMap::from([("GITHUB_ACTIONS".to_owned(), "false".to_owned())]);
        assert_eq!(Actions::from_environment(&off), None);
    }
}
