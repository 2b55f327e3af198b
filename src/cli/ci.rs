//! What the environment says of a job in a CI, whichever it is. What GitHub says beyond it: [`crate::github::Actions`].

use std::ffi::OsString;

use crate::io::environment;

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
