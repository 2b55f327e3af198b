//! `github`: what a stored result is shown as there.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `github`.
#[derive(Debug, Args)]
pub struct GitHubArgs {
    /// What to show.
    #[command(subcommand)]
    pub verb: GitHubVerb,
}

/// What is shown at GitHub, with the token in `GITHUB_TOKEN`: in a job of its own, which has the results and none of the judged code.
#[derive(Debug, Subcommand)]
pub enum GitHubVerb {
    /// One comment on the pull request, edited in place and only when the answer is another one (pull-requests: write)
    Comment {
        /// The output folder of a run, or one of its files [default: the output folder]
        from: Option<PathBuf>,
    },
    /// The state of the deployment of the commit: how the rollout ended (deployments: write)
    Deployment {
        /// The output folder of a rollout [default: the output folder]
        from: Option<PathBuf>,
        /// The environment at GitHub
        #[arg(long, value_name = "NAME", default_value = "production")]
        environment: String,
    },
    /// What the service is made of, for the dependency graph (contents: write)
    Dependencies {
        /// The output folder of a run, or its evidence.json [default: the output folder]
        from: Option<PathBuf>,
    },
}
