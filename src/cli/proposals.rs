//! How CIs other than GitHub's say that a job is of a proposal: of a pull request, a merge request, a change under review.
//!
//! Takes the environment. Gives the variables that say so. Invariant: where a CI names what started the job, what is not known to be a push, a tag, a
//! release, a schedule or what a person starts is a proposal.

use crate::io::environment;

/// The variable by which whoever owns the CI says that jobs deliver though these variables (`A,B`) are set. It is none of a commit's: no configuration sets it.
pub(super) const DELIVERS: &str = "PORTCULLIS_DELIVERS";

/// The value of a variable that is set, not empty, and not `false`.
type Asked<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Variables by which a CI says one thing.
struct Word {
    ci: &'static str,
    /// One of these says whose CI it is, where others use the name as well; none where the name says it.
    of: &'static [&'static str],
    /// Any of them says it.
    names: &'static [&'static str],
    /// True for a value of a proposal's.
    is_proposal: fn(&str, &Asked<'_>) -> bool,
}

/// A variable that is set for proposals alone.
const fn set(ci: &'static str, names: &'static [&'static str]) -> Word {
    Word {
        ci,
        of: &[],
        names,
        is_proposal: |_, _| true,
    }
}

const fn valued(ci: &'static str, name: &'static [&'static str], is_proposal: fn(&str, &Asked<'_>) -> bool) -> Word {
    Word {
        ci,
        of: &[],
        names: name,
        is_proposal,
    }
}

/// The same where the names are not the CI's own.
const fn of(of: &'static [&'static str], word: Word) -> Word {
    Word { of, ..word }
}

const JENKINS: &[&str] = &["JENKINS_URL", "JENKINS_HOME", "CHANGE_TARGET"];
const AZURE: &[&str] = &["TF_BUILD", "SYSTEM_TEAMFOUNDATIONCOLLECTIONURI"];
const PROW: &[&str] = &["PROW_JOB_ID", "JOB_SPEC"];

/// Source: each CI's documentation of its predefined variables; for Jenkins also that of the plugins ghprb, GitLab, Bitbucket and Gerrit Trigger.
const WORDS: &[Word] = &[
    set(
        "GitLab",
        &["CI_MERGE_REQUEST_IID", "CI_MERGE_REQUEST_ID", "CI_MERGE_REQUEST_REF_PATH"],
    ),
    set("GitLab", &["CI_EXTERNAL_PULL_REQUEST_IID"]),
    valued("GitLab", &["CI_PIPELINE_SOURCE"], |source, asked| match source {
        "push" | "web" | "schedule" | "api" | "trigger" | "chat" | "webide" => false,
        // What the pipeline before it was of, is not told: what is known is the branch or tag that this one is of.
        "parent_pipeline" | "pipeline" => !is_of_the_projects_own_ref(asked),
        _ => true,
    }),
    set("Bitbucket Pipelines", &["BITBUCKET_PR_ID"]),
    of(
        AZURE,
        valued("Azure Pipelines", &["BUILD_REASON"], |reason, _| reason == "PullRequest"),
    ),
    of(
        AZURE,
        valued("Azure Pipelines", &["BUILD_SOURCEBRANCH"], |branch, _| {
            branch.starts_with("refs/pull/")
        }),
    ),
    set(
        "Azure Pipelines",
        &["SYSTEM_PULLREQUEST_PULLREQUESTID", "SYSTEM_PULLREQUEST_PULLREQUESTNUMBER"],
    ),
    of(JENKINS, set("Jenkins", &["CHANGE_ID"])),
    set("Jenkins", &["ghprbPullId"]),
    set("Jenkins", &["gitlabMergeRequestIid", "gitlabMergeRequestId"]),
    set("Jenkins", &["BITBUCKET_PULL_REQUEST_ID"]),
    of(JENKINS, set("Jenkins", &["pullRequestId", "GITHUB_PR_NUMBER"])),
    valued("Gerrit", &["GERRIT_EVENT_TYPE"], |event, _| {
        !matches!(event, "change-merged" | "ref-updated")
    }),
    // Of a fork, and of a branch for which a pull request is open: the latter may be a push that is meant to deliver, which only the owner knows.
    set("CircleCI", &["CIRCLE_PR_NUMBER", "CIRCLE_PR_USERNAME", "CIRCLE_PR_REPONAME"]),
    valued("CircleCI", &["CIRCLE_BRANCH"], |branch, _| branch.starts_with("pull/")),
    set("CircleCI", &["CIRCLE_PULL_REQUEST", "CIRCLE_PULL_REQUESTS"]),
    valued("Buildkite", &["BUILDKITE_PULL_REQUEST_REPO"], |fork, asked| {
        asked("BUILDKITE_REPO").is_none_or(|own| repository(fork) != repository(&own))
    }),
    set("Buildkite", &["BUILDKITE_PULL_REQUEST"]),
    set("Travis CI", &["TRAVIS_PULL_REQUEST"]),
    valued("Travis CI", &["TRAVIS_EVENT_TYPE"], |event, _| event == "pull_request"),
    valued("Woodpecker", &["CI_PIPELINE_EVENT", "CI_BUILD_EVENT"], |event, _| {
        !matches!(event, "push" | "tag" | "release" | "deployment" | "cron" | "manual")
    }),
    set("Woodpecker", &["CI_COMMIT_PULL_REQUEST"]),
    valued("Drone", &["DRONE_BUILD_EVENT"], |event, _| {
        !matches!(event, "push" | "tag" | "promote" | "rollback" | "cron" | "custom")
    }),
    set("Drone", &["DRONE_PULL_REQUEST"]),
    valued("AWS CodeBuild", &["CODEBUILD_WEBHOOK_EVENT"], |event, _| {
        event.starts_with("PULL_REQUEST")
    }),
    valued(
        "AWS CodeBuild",
        &["CODEBUILD_WEBHOOK_TRIGGER", "CODEBUILD_SOURCE_VERSION"],
        |version, _| ["pr/", "refs/pull/"].iter().any(|begin| version.starts_with(begin)),
    ),
    set("Cirrus CI", &["CIRRUS_PR"]),
    set("AppVeyor", &["APPVEYOR_PULL_REQUEST_NUMBER"]),
    valued("Semaphore", &["SEMAPHORE_GIT_REF_TYPE"], |kind, _| kind == "pull-request"),
    set("Semaphore", &["SEMAPHORE_GIT_PR_NUMBER"]),
    of(&["SEMAPHORE"], set("Semaphore", &["PULL_REQUEST_NUMBER"])),
    set("Bitrise", &["BITRISE_PULL_REQUEST"]),
    of(&["BITRISE_IO", "BITRISE_BUILD_NUMBER"], set("Bitrise", &["PR", "PULL_REQUEST_ID"])),
    of(
        PROW,
        valued("Prow", &["JOB_TYPE"], |kind, _| !matches!(kind, "postsubmit" | "periodic")),
    ),
    of(PROW, set("Prow", &["PULL_NUMBER"])),
    set("Codefresh", &["CF_PULL_REQUEST_NUMBER", "CF_PULL_REQUEST_ID"]),
];

/// True for a branch that a merge request goes to, or a ref that is protected: nobody proposes there.
fn is_of_the_projects_own_ref(asked: &Asked<'_>) -> bool {
    let (branch, tag) = (asked("CI_COMMIT_BRANCH"), asked("CI_COMMIT_TAG"));
    let is_default = branch.is_some() && branch == asked("CI_DEFAULT_BRANCH");
    let is_protected = asked("CI_COMMIT_REF_PROTECTED").is_some_and(|said| said == "true");
    is_default || (is_protected && (branch.is_some() || tag.is_some()))
}

/// `owner/name` of an address, however it is written: `git@host:owner/name.git`, `git://host/owner/name`.
fn repository(address: &str) -> Vec<&str> {
    let address = address.trim_end_matches('/').trim_end_matches(".git");
    let mut parts: Vec<&str> = address.rsplit([':', '/']).take(2).collect();
    parts.reverse();
    parts
}

/// What a CI says of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proposal {
    /// The CI that says it.
    pub ci: &'static str,
    /// The variable.
    pub name: &'static str,
    /// What [`DELIVERS`] must be for the job to deliver all the same: every variable that says so.
    pub allowed_by: String,
}

/// What a CI other than GitHub's says of a job that is a proposal's, unless [`DELIVERS`] names every variable that says so.
pub(super) fn proposal() -> Option<Proposal> {
    of_environment(&|name| environment::variable(name).map(|value| value.to_string_lossy().into_owned()))
}

fn of_environment(variable: &Asked<'_>) -> Option<Proposal> {
    let asked = |name: &str| variable(name).filter(|value| !value.is_empty() && !value.eq_ignore_ascii_case("false"));
    let speaks = |word: &&Word| -> Option<&'static str> {
        let is_its = word.of.is_empty() || word.of.iter().any(|name| asked(name).is_some());
        let says = |name: &&&'static str| asked(name).is_some_and(|value| (word.is_proposal)(&value, &asked));
        word.names.iter().find(says).copied().filter(|_| is_its)
    };
    let speaking: Vec<(&Word, &'static str)> = WORDS.iter().filter_map(|word| Some((word, speaks(&word)?))).collect();
    let delivers = asked(DELIVERS).unwrap_or_else(String::new);
    let is_allowed = |word: &Word| delivers.split(',').any(|name| word.names.contains(&name.trim()));
    let (word, name) = speaking.iter().find(|(word, _)| !is_allowed(word))?;
    let names: Vec<&str> = speaking.iter().map(|(_, name)| *name).collect();
    Some(Proposal {
        ci: word.ci,
        name,
        allowed_by: names.join(","),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(variables: &[(&str, &str)]) -> Option<Proposal> {
        let value = |name: &str| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        };
        of_environment(&value)
    }

    #[test]
    fn what_each_ci_says_of_a_proposal_is_heard() {
        let proposals: &[&[(&str, &str)]] = &[
            &[("CI_MERGE_REQUEST_IID", "7"), ("CI_PIPELINE_SOURCE", "push")],
            &[("CI_PIPELINE_SOURCE", "merge_request_event")],
            &[("CI_PIPELINE_SOURCE", "external_pull_request_event")],
            &[("CI_PIPELINE_SOURCE", "what_comes_next_year")],
            &[("BITBUCKET_PR_ID", "7")],
            &[("TF_BUILD", "True"), ("BUILD_REASON", "PullRequest")],
            &[
                ("TF_BUILD", "True"),
                ("BUILD_REASON", "Manual"),
                ("SYSTEM_PULLREQUEST_PULLREQUESTID", "7"),
            ],
            &[
                ("TF_BUILD", "True"),
                ("BUILD_REASON", "Manual"),
                ("BUILD_SOURCEBRANCH", "refs/pull/7/merge"),
            ],
            &[("JENKINS_URL", "https://ci"), ("CHANGE_ID", "PR-7")],
            &[("JENKINS_HOME", "/var"), ("CHANGE_ID", "PR-7")],
            &[("CHANGE_TARGET", "main"), ("CHANGE_ID", "7")],
            &[("ghprbPullId", "7")],
            &[("gitlabMergeRequestIid", "7")],
            &[("GERRIT_EVENT_TYPE", "patchset-created")],
            &[("CIRCLE_PR_NUMBER", "7")],
            &[("CIRCLE_BRANCH", "pull/7")],
            &[("CIRCLE_PULL_REQUEST", "https://host/acme/pay/pull/7")],
            &[("CIRCLE_PULL_REQUESTS", "https://host/acme/pay/pull/7")],
            &[("BUILDKITE_PULL_REQUEST", "7")],
            &[("TRAVIS_PULL_REQUEST", "7")],
            &[("CI_PIPELINE_EVENT", "pull_request")],
            &[("CI_PIPELINE_EVENT", "pull_request_closed")],
            &[("CI_PIPELINE_EVENT", "pull_request_metadata")],
            &[("DRONE_BUILD_EVENT", "pull_request")],
            &[("CODEBUILD_WEBHOOK_EVENT", "PULL_REQUEST_CREATED")],
            &[("CODEBUILD_SOURCE_VERSION", "pr/7")],
            &[("CIRRUS_PR", "7")],
            &[("APPVEYOR_PULL_REQUEST_NUMBER", "7")],
            &[("SEMAPHORE_GIT_REF_TYPE", "pull-request")],
            &[("BITRISE_PULL_REQUEST", "7")],
            &[("BITRISE_IO", "true"), ("PR", "true")],
            &[("PROW_JOB_ID", "x"), ("JOB_TYPE", "presubmit")],
            &[("PROW_JOB_ID", "x"), ("JOB_TYPE", "batch")],
            &[("CF_PULL_REQUEST_NUMBER", "7")],
        ];
        for variables in proposals {
            assert!(said(variables).is_some(), "{variables:?}");
        }
        // The controls: pushes, tags, schedules, and what a person starts.
        let deliveries: &[&[(&str, &str)]] = &[
            &[],
            &[("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_BRANCH", "feature")],
            &[("CI_PIPELINE_SOURCE", "web")],
            &[("CI_PIPELINE_SOURCE", "schedule")],
            &[
                ("TF_BUILD", "True"),
                ("BUILD_REASON", "IndividualCI"),
                ("BUILD_SOURCEBRANCH", "refs/heads/main"),
            ],
            &[("GERRIT_EVENT_TYPE", "change-merged")],
            &[("CIRCLE_BRANCH", "main")],
            &[("BUILDKITE_PULL_REQUEST", "false"), ("BUILDKITE_PULL_REQUEST_REPO", "")],
            &[("TRAVIS_PULL_REQUEST", "false"), ("TRAVIS_EVENT_TYPE", "push")],
            &[("CI_PIPELINE_EVENT", "deployment")],
            &[("DRONE_BUILD_EVENT", "promote")],
            &[("CODEBUILD_WEBHOOK_EVENT", "PUSH"), ("CODEBUILD_SOURCE_VERSION", "refs/heads/main")],
            &[("SEMAPHORE_GIT_REF_TYPE", "branch")],
            &[("BITRISE_IO", "true"), ("PR", "False")],
            &[("PROW_JOB_ID", "x"), ("JOB_TYPE", "postsubmit")],
        ];
        for variables in deliveries {
            assert_eq!(said(variables), None, "{variables:?}");
        }
    }

    #[test]
    fn a_name_that_others_use_counts_where_its_ci_is_there() {
        for (name, value) in [
            ("CHANGE_ID", "CHG0012345"),
            ("PULL_REQUEST_NUMBER", "7"),
            ("PR", "7"),
            ("JOB_TYPE", "nightly"),
            ("BUILD_REASON", "PullRequest"),
        ] {
            assert_eq!(said(&[(name, value)]), None, "{name}");
        }
        assert_eq!(
            said(&[("JENKINS_URL", "x"), ("CHANGE_ID", "7")]).map(|found| found.ci),
            Some("Jenkins")
        );
    }

    #[test]
    fn a_pipeline_of_another_one_delivers_on_a_branch_of_the_projects_own() {
        for source in ["parent_pipeline", "pipeline"] {
            let on = |more: &[(&'static str, &'static str)]| {
                let mut all = vec![("CI_PIPELINE_SOURCE", source), ("CI_DEFAULT_BRANCH", "main")];
                all.extend(more);
                said(&all)
            };
            assert!(on(&[]).is_some(), "nothing is known of it");
            assert!(on(&[("CI_COMMIT_BRANCH", "feature")]).is_some());
            assert!(on(&[("CI_COMMIT_REF_PROTECTED", "true")]).is_some(), "neither a branch nor a tag");
            assert!(on(&[("CI_COMMIT_BRANCH", "main"), ("CI_MERGE_REQUEST_ID", "7")]).is_some());
            // The controls.
            assert_eq!(on(&[("CI_COMMIT_BRANCH", "main")]), None);
            assert_eq!(on(&[("CI_COMMIT_BRANCH", "release"), ("CI_COMMIT_REF_PROTECTED", "true")]), None);
            assert_eq!(on(&[("CI_COMMIT_TAG", "v1"), ("CI_COMMIT_REF_PROTECTED", "true")]), None);
        }
    }

    #[test]
    fn whoever_owns_the_ci_says_that_a_branch_with_an_open_pull_request_delivers() {
        let open = [
            ("CIRCLE_PULL_REQUEST", "https://host/7"),
            ("CIRCLE_PULL_REQUESTS", "https://host/7"),
        ];
        assert_eq!(said(&open).map(|found| found.allowed_by).as_deref(), Some("CIRCLE_PULL_REQUEST"));
        let with = |more: &[(&'static str, &'static str)]| said(&[&open[..], more].concat());
        assert_eq!(with(&[(DELIVERS, "CIRCLE_PULL_REQUEST")]), None);
        // A fork's is another thing, and no blanket says it.
        assert!(with(&[(DELIVERS, "CIRCLE_PULL_REQUEST"), ("CIRCLE_PR_NUMBER", "7")]).is_some());
        for blanket in ["1", "true", "*", "BUILDKITE_PULL_REQUEST"] {
            assert!(with(&[(DELIVERS, blanket)]).is_some(), "{blanket}");
        }
        let buildkite = |fork: &'static str| {
            said(&[
                ("BUILDKITE_PULL_REQUEST", "7"),
                ("BUILDKITE_PULL_REQUEST_REPO", fork),
                ("BUILDKITE_REPO", "git@github.com:acme/pay.git"),
                (DELIVERS, "BUILDKITE_PULL_REQUEST"),
            ])
        };
        assert_eq!(buildkite("git://github.com/acme/pay.git"), None);
        assert_eq!(
            buildkite("git://github.com/eve/pay.git").map(|found| found.name),
            Some("BUILDKITE_PULL_REQUEST_REPO")
        );
    }

    #[test]
    fn the_documentation_lists_every_ci_that_is_known() {
        let page = include_str!("../../docs/ci.md");
        for word in WORDS {
            assert!(page.contains(word.ci), "{}", word.ci);
        }
        assert!(page.contains(DELIVERS));
    }
}
