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

/// By which variables CIs say where they put the commit. Source: the documentation of GitHub, GitLab, Bitbucket, Azure Pipelines, AWS CodeBuild, CircleCI,
/// Buildkite, Travis, Drone, Woodpecker, Cirrus, AppVeyor, Bitrise and Semaphore.
const CHECKOUTS: [&str; 14] = [
    "GITHUB_WORKSPACE",
    "CI_PROJECT_DIR",
    "BITBUCKET_CLONE_DIR",
    "BUILD_SOURCESDIRECTORY",
    "CODEBUILD_SRC_DIR",
    "CIRCLE_WORKING_DIRECTORY",
    "BUILDKITE_BUILD_CHECKOUT_PATH",
    "TRAVIS_BUILD_DIR",
    "DRONE_WORKSPACE",
    "CI_WORKSPACE",
    "CIRRUS_WORKING_DIR",
    "APPVEYOR_BUILD_FOLDER",
    "BITRISE_SOURCE_DIR",
    "SEMAPHORE_GIT_DIR",
];
/// Jenkins' name for it, and of many at a desk.
const OF_JENKINS: &str = "WORKSPACE";

/// Where the CI put the commit, without links: where the job works, if it does not say so or what it says is not there (in a container of the job's). Empty at
/// a desk.
pub(super) fn checkouts() -> Vec<PathBuf> {
    if !is_one() {
        return Vec::new();
    }
    let jenkins = said("JENKINS_URL").and_then(|_| said(OF_JENKINS));
    let named = CHECKOUTS.into_iter().filter_map(said).chain(jenkins).map(PathBuf::from);
    let mut all: Vec<PathBuf> = named
        .map(|place| match (place.strip_prefix("~"), said("HOME")) {
            // CircleCI gives it as it was written.
            (Ok(below), Some(home)) => PathBuf::from(home).join(below),
            _ => place,
        })
        .filter_map(|place| place.canonicalize().or_none("what is not there holds no commit"))
        .collect();
    all.retain(|place| place.parent().is_some());
    all.dedup();
    if all.is_empty() {
        all.extend(std::env::current_dir().or_none("a folder that is gone holds no commit"));
    }
    all
}
