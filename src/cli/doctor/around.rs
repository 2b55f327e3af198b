//! What lies around the service: git, folders, the workflow.

use super::Check;
use super::version::version;
use crate::cli::folders;
use crate::cli::session::Session;
use crate::cli::wiring::CONFIG_FILE;
use crate::model::commit::Commit;

/// The checkout, the folders that are written to, and GitHub.
pub(in crate::cli) async fn around(session: &Session<'_>) -> Vec<Check> {
    let mut checks = vec![configuration(session)];
    checks.extend(git(session).await);
    checks.extend(folders(session));
    checks.push(github(session));
    checks
}

fn configuration(session: &Session<'_>) -> Check {
    const NAME: &str = "configuration";
    let workspace = &session.workspace;
    match (&session.global.config, workspace.root.join(CONFIG_FILE).exists()) {
        (Some(named), _) => Check::there(NAME, "every stage", named.display().to_string()),
        (None, true) => Check::there(NAME, "every stage", CONFIG_FILE),
        (None, false) => Check::missing(
            NAME,
            "every stage",
            format!("there is no {CONFIG_FILE} here, and the defaults stand in for it"),
            "portcullis init",
        ),
    }
}

async fn git(session: &Session<'_>) -> Vec<Check> {
    let program = match version("git", &["--version"]).await {
        Ok(said) => Check::there("git", "build", said),
        Err(said) => {
            return vec![Check::missing(
                "git",
                "build",
                said,
                "install git: tags and evidence name the commit",
            )];
        }
    };
    let checkout = match session.workspace.commit() {
        Err(error) => Check::refused("checkout", "build", &error),
        Ok(None) => Check::missing(
            "checkout",
            "publish",
            "there is no commit here, and tags name one",
            "git init, git add and git commit",
        ),
        Ok(Some(commit)) if commit.dirty => match session.workspace.has_hidden_files_alone() {
            Ok(hidden) => dirty(&commit, hidden),
            Err(error) => Check::refused("checkout", "build", &error),
        },
        Ok(Some(commit)) => Check::there("checkout", "publish", format!("commit {}, clean", commit.sha.short())),
    };
    vec![program, checkout]
}

fn dirty(commit: &Commit, hidden: bool) -> Check {
    let short = commit.sha.short();
    let (said, way_out) = match hidden {
        true => (
            format!(
                "commit {short}, with files that are in no commit: only .git/info/exclude or core.excludesFile ignores them, and `git status` is silent"
            ),
            "commit, remove or .gitignore what `git ls-files --others --exclude-per-directory=.gitignore :/` lists",
        ),
        false => (
            format!("commit {short}, with changes that are in no commit"),
            "commit them: what is published leads to its commit",
        ),
    };
    Check::missing("checkout", "publish", said, way_out)
}

fn folders(session: &Session<'_>) -> Vec<Check> {
    let folders = &session.environment.folders;
    // What a rollout would use; a plan that cannot be made is told where the rollout is.
    let plan = session.workspace.rollout_plan(folders, None, true).unwrap_or(None);
    let (state, named) = match plan.as_ref().map(|plan| plan.target.state()) {
        Some(state) if !state.starts_with(&folders.state) => (state, "[rollout] state"),
        _ => (folders.state.as_path(), "XDG_STATE_HOME"),
    };
    let places = [
        ("results", session.workspace.output.as_path(), "--output"),
        ("cache", folders.cache.as_path(), "XDG_CACHE_HOME"),
        ("state", state, named),
    ];
    let check = |(name, folder, named): (&str, &std::path::Path, &str)| match folders::writable(folder).is_ok() {
        true => Check::there(name, "every stage", folder.display().to_string()),
        false => Check::missing(
            name,
            "every stage",
            format!("{} may not be written to", folder.display()),
            format!("name another folder with {named}"),
        )
        .configured(name == "results" && session.global.output.is_some()),
    };
    places.into_iter().map(check).collect()
}

fn github(session: &Session<'_>) -> Check {
    const NAME: &str = "GitHub";
    let Some(actions) = &session.environment.github else {
        return Check::not_needed(NAME, "publish", "this is no step of a workflow");
    };
    let event = &actions.event.name;
    let shallow = session
        .workspace
        .root
        .ancestors()
        .any(|folder| folder.join(".git/shallow").is_file());
    if shallow {
        let said = format!("event `{event}`; the checkout is shallow, and approvals of waivers are read from the history");
        return Check::missing(NAME, "policy", said, "actions/checkout with `fetch-depth: 0`");
    }
    match session.barring_event() {
        Some(barring) => Check::there(
            NAME,
            "publish",
            format!("event `{barring}`: the gate ends with its verdict, nothing is published"),
        ),
        None => Check::there(NAME, "publish", format!("event `{event}`, repository {}", actions.repository)),
    }
}
