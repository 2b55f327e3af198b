//! `hook`: runs `portcullis check` before every push of a checkout.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::args::HookVerb;
use crate::cli::error::CliError;
use crate::cli::session::{Answer, Session};
use crate::io::{files, git};
use crate::model::excused::Excused as _;

/// Marks our hook: its second line.
const MARK: &str = "# Runs `portcullis check` before a push; `portcullis hook uninstall` takes it away.";
/// How a line of it begins that checks a folder.
const CHECK: &str = "check ";
/// What a hook that was there before is kept as.
const KEPT: &str = "pre-push.before-portcullis";

/// Installs or removes the hook.
pub(super) fn run(session: &Session<'_>, verb: HookVerb) -> Result<Answer, CliError> {
    let hooks = git::hooks_folder(&session.workspace.root)?.ok_or_else(|| CliError::Missing {
        problem: format!("{} is in no git checkout", session.workspace.root.display()),
        help: "run it inside a checkout, or name one with -C".to_owned(),
    })?;
    match verb {
        HookVerb::Install => install(&hooks, &folder(&session.workspace.root)?),
        HookVerb::Uninstall => uninstall(&hooks),
    }
}

/// The folder that is checked, as git sees it from the top of the checkout, which is where it runs hooks.
fn folder(root: &Path) -> Result<String, CliError> {
    if git::is_bare(root)? {
        return Err(CliError::Missing {
            problem: format!("{} is a bare repository: it has no files to check", root.display()),
            help: "install the hook where you work and push from".to_owned(),
        });
    }
    let top = git::top_level(root)?.unwrap_or_else(|| root.to_owned());
    let top = top.canonicalize().map_err(|source| read_error(&top, source))?;
    let inside = root
        .strip_prefix(&top)
        .or_none("a folder that another link leads to: the whole checkout is checked");
    Ok(match inside {
        Some(inside) if !inside.as_os_str().is_empty() => inside.display().to_string(),
        _ => ".".to_owned(),
    })
}

fn install(hooks: &Path, folder: &str) -> Result<Answer, CliError> {
    let hook = hooks.join("pre-push");
    let kept = hooks.join(KEPT);
    let mut said = format!("installed {}", hook.display());
    if hook.exists() && !is_ours(&hook) {
        if kept.exists() {
            return Err(CliError::Missing {
                problem: format!("{} is not ours, and {} exists already", hook.display(), kept.display()),
                help: "move one of the two away first: neither is overwritten".to_owned(),
            });
        }
        rename(&hook, &kept)?;
        said.push_str(&format!("; the hook that was there runs after it, from {}", kept.display()));
    }
    // A second service of the repository is checked too.
    let mut folders = checked(&hook);
    folders.insert(folder.to_owned());
    files::write(&hook, script(&folders).as_bytes())?;
    make_executable(&hook)?;
    Ok(answer(said, &hook, "git push runs it; `git push --no-verify` does not"))
}

fn uninstall(hooks: &Path) -> Result<Answer, CliError> {
    let hook = hooks.join("pre-push");
    let kept = hooks.join(KEPT);
    if !is_ours(&hook) {
        return Err(CliError::Missing {
            problem: format!("{} is not our hook", hook.display()),
            help: "there is nothing to remove".to_owned(),
        });
    }
    fs::remove_file(&hook).map_err(|source| write_error(&hook, source))?;
    let mut said = format!("removed {}", hook.display());
    if kept.exists() {
        rename(&kept, &hook)?;
        said.push_str("; the hook that was there before is back");
    }
    Ok(answer(said, &hook, "nothing"))
}

fn answer(said: String, hook: &Path, next: &str) -> Answer {
    Answer::Message {
        human: said,
        json: json!({ "schema": "portcullis/hook/v1", "hook": hook.display().to_string() }),
        code: 0,
        next: next.to_owned(),
    }
}

/// git gives the pushed refs on stdin: they are left for the hook that was there before. Its variables (`GIT_DIR`) name folders relative to
/// where it stands; the check asks git from elsewhere.
fn script(folders: &BTreeSet<String>) -> String {
    let program = std::env::current_exe().map_or_else(|_| "portcullis".to_owned(), |path| path.display().to_string());
    let checks: String = folders
        .iter()
        .map(|folder| format!("{CHECK}{} || exit $?\n", quoted(folder)))
        .collect();
    format!(
        "#!/bin/sh\n{MARK}\n\
         program=$(command -v portcullis || echo {})\n\
         check() {{ ( unset $(git rev-parse --local-env-vars); exec \"$program\" -C \"$1\" check </dev/null ); }}\n\
         {checks}\
         kept=$(dirname \"$0\")/{KEPT}\n\
         if [ -x \"$kept\" ]; then exec \"$kept\" \"$@\"; fi\n",
        quoted(&program)
    )
}

/// A word for the shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The folders that our hook checks already.
fn checked(hook: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(hook).or_none("what is no text is not ours, and is kept beside it");
    let text = text.filter(|_| is_ours(hook)).unwrap_or_default();
    let folder = |line: &str| {
        let word = line.strip_prefix(CHECK)?.strip_suffix(" || exit $?")?;
        Some(word.strip_prefix('\'')?.strip_suffix('\'')?.replace(r"'\''", "'"))
    };
    text.lines().filter_map(folder).collect()
}

fn is_ours(hook: &Path) -> bool {
    fs::read_to_string(hook).is_ok_and(|text| text.lines().nth(1) == Some(MARK))
}

fn rename(from: &Path, to: &Path) -> Result<(), CliError> {
    fs::rename(from, to).map_err(|source| write_error(to, source))
}

fn make_executable(path: &Path) -> Result<(), CliError> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).map_err(|source| write_error(path, source))
}

fn read_error(path: &Path, source: std::io::Error) -> CliError {
    let path: PathBuf = path.to_owned();
    CliError::File(files::FileError::Read { path, source })
}

fn write_error(path: &Path, source: std::io::Error) -> CliError {
    let path: PathBuf = path.to_owned();
    CliError::File(files::FileError::Write { path, source })
}
