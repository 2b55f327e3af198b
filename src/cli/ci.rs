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
