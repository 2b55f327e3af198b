//! What the environment says of a job in a CI, whichever it is. What GitHub says beyond it: [`crate::github::Actions`].

use std::ffi::OsString;
use std::path::PathBuf;

use crate::io::environment;
use crate::model::excused::Excused as _;

/// Variables by which CIs say that they are one. Source: the documentation of GitHub, GitLab and others (`CI`), Azure Pipelines, AWS CodeBuild,
/// TeamCity, Jenkins.
const CIS: [&str; 7] = [
    "CI",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "TF_BUILD",
    "CODEBUILD_BUILD_ID",
    "TEAMCITY_VERSION",
    "JENKINS_URL",
];

/// True in a job of a CI.
pub(super) fn is_one() -> bool {
    CIS.into_iter().any(|name| said(name).is_some())
}

/// How other CIs say that a job is of a merge request or a pull request: a variable, and its value; none for any but `false`. Source: the documentation of
/// GitLab (also for child pipelines), Bitbucket, Azure Pipelines, Jenkins, CircleCI, Travis, Woodpecker, Drone, Buildkite.
const PROPOSALS: [(&str, Option<&str>); 13] = [
    ("CI_MERGE_REQUEST_IID", None),
    ("CI_MERGE_REQUEST_ID", None),
    ("CI_EXTERNAL_PULL_REQUEST_IID", None),
    ("CI_PIPELINE_SOURCE", Some("merge_request_event")),
    ("CI_PIPELINE_SOURCE", Some("external_pull_request_event")),
    ("BITBUCKET_PR_ID", None),
    ("BUILD_REASON", Some("PullRequest")),
    ("CHANGE_ID", None),
    ("CIRCLE_PULL_REQUEST", None),
    ("TRAVIS_PULL_REQUEST", None),
    ("CI_PIPELINE_EVENT", Some("pull_request")),
    ("DRONE_BUILD_EVENT", Some("pull_request")),
    ("BUILDKITE_PULL_REQUEST", None),
];

/// The variable by which a CI other than GitHub's says that the job is of a proposal.
pub(super) fn proposal() -> Option<&'static str> {
    let says = |(name, wanted): &&(&str, Option<&str>)| said(name).is_some_and(|value| wanted.is_none_or(|wanted| value == *wanted));
    PROPOSALS.iter().find(says).map(|(name, _)| *name)
}

/// The value of a variable; none for one that is empty, or says that it is not so.
fn said(name: &str) -> Option<OsString> {
    environment::variable(name).filter(|value| !value.is_empty() && value != "false")
}

/// By which variables CIs say where they put the commit. Source: the documentation of GitHub, GitLab, Bitbucket, Azure Pipelines, AWS CodeBuild, Jenkins,
/// CircleCI, Buildkite, Travis, Drone and Woodpecker, Cirrus.
const CHECKOUTS: [&str; 11] = [
    "GITHUB_WORKSPACE",
    "CI_PROJECT_DIR",
    "BITBUCKET_CLONE_DIR",
    "BUILD_SOURCESDIRECTORY",
    "CODEBUILD_SRC_DIR",
    "WORKSPACE",
    "CIRCLE_WORKING_DIRECTORY",
    "BUILDKITE_BUILD_CHECKOUT_PATH",
    "TRAVIS_BUILD_DIR",
    "CI_WORKSPACE",
    "CIRRUS_WORKING_DIR",
];

/// Where the CI put the commit, without links; empty at a desk, and where it does not say so or what it says is not there (in a container of the job's).
pub(super) fn checkouts() -> Vec<PathBuf> {
    let place = |name| {
        PathBuf::from(said(name)?)
            .canonicalize()
            .or_none("what is not there holds no commit")
    };
    let mut all: Vec<PathBuf> = CHECKOUTS.into_iter().filter_map(place).collect();
    all.retain(|place| place.parent().is_some());
    all.dedup();
    all
}
