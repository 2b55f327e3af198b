//! What integration tests share.

use std::process::Command;

pub(crate) mod browser;
pub(crate) mod checkout;
pub(crate) mod debs;
pub(crate) mod dockerfiles;
pub(crate) mod engines;
pub(crate) mod faults;
pub(crate) mod files_server;
pub(crate) mod github_api;
#[expect(unreachable_pub, reason = "shared with the fuzz targets")]
pub(crate) mod go_tar;
pub(crate) mod hostile;
pub(crate) mod images;
#[expect(unreachable_pub, reason = "shared with the unit tests")]
pub(crate) mod layer;
pub(crate) mod layered;
#[expect(unreachable_pub, reason = "shared with the fuzz targets")]
pub(crate) mod mutated_tars;
pub(crate) mod outcomes;
#[expect(unreachable_pub, reason = "shared with the fuzz targets")]
pub(crate) mod peer;
pub(crate) mod publishing;
pub(crate) mod quirks;
pub(crate) mod registry;
pub(crate) mod rootfs;
pub(crate) mod sample;
#[cfg(feature = "keyless")]
pub(crate) mod sigstore;
#[cfg(feature = "keyless")]
pub(crate) mod sigstore_by_hand;
#[cfg(feature = "keyless")]
mod sigstore_parts;
pub(crate) mod tls;
pub(crate) mod tools;

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
