//! The program as somebody starts it at a desk.

use std::process::Command;

/// Names of variables, or how they begin, by which a CI says what it runs.
const SAID_BY_A_CI: [&str; 26] = [
    "APPVEYOR",
    "BITBUCKET_",
    "BITRISE",
    "BUILDKITE",
    "BUILD_REASON",
    "CF_",
    "CHANGE_ID",
    "CHANGE_TARGET",
    "CI",
    "CODEBUILD_",
    "DRONE",
    "GERRIT_",
    "GITHUB_",
    "GITLAB_",
    "JENKINS_",
    "JOB_SPEC",
    "PORTCULLIS_DELIVERS",
    "PROW_",
    "RUNNER_",
    "SEMAPHORE",
    "SYSTEM_",
    "TEAMCITY_",
    "TF_BUILD",
    "TRAVIS",
    "ghprb",
    "gitlab",
];

/// The program as it is at a desk, wherever the tests run: what a CI says to it, a test says itself.
pub(crate) fn portcullis() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    for (name, _) in std::env::vars_os() {
        if SAID_BY_A_CI.iter().any(|begin| name.to_string_lossy().starts_with(begin)) {
            command.env_remove(name);
        }
    }
    command
}
