//! `init`: the first files of a service.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::hook;
use crate::cli::args::{HookVerb, InitArgs};
use crate::cli::ask;
use crate::cli::config::Config;
use crate::cli::error::CliError;
use crate::cli::folders;
use crate::cli::init::{self, Delivery, Found, Kind, WAIVERS};
use crate::cli::session::{Answer, Session};
use crate::cli::wiring::{WAIVER_FILE, is_locked};
use crate::io::{document, files, git};
use crate::model::commit::Commit;

/// What stands for the action's release where nobody has said which: a commit that nobody has, so that such a workflow fails and is told why.
const UNSAID: &str = "acme/portcullis@0000000000000000000000000000000000000000";

/// Finds what is here, asks at most three questions on a terminal and none elsewhere, and writes; or says what it would write.
pub(super) fn run(session: &Session<'_>, args: &InitArgs) -> Result<Answer, CliError> {
    let root = session.global.directory.canonicalize().map_err(|source| CliError::Directory {
        path: session.global.directory.clone(),
        source,
    })?;
    let found = chosen(session, &root)?;
    let folder = root.join(&found.folder);
    let top = git::top_level(&root)?.unwrap_or_else(|| root.clone());
    let top = top.canonicalize().unwrap_or(top);
    let commit = git::commit(&top, std::slice::from_ref(&session.workspace.output))?;
    let commit = commit.as_ref();
    let repository = repository(session, args, &found, commit)?;
    let planned = planned(
        args,
        &found,
        &Places {
            folder: &folder,
            top: &top,
        },
        commit,
        &repository,
    )?;
    refuse_what_is_there(&planned, args)?;
    let listed = |plan: &Planned| planned_line(plan, &top);
    if args.dry_run {
        let texts = planned.written().map(|(path, text)| format!("--- {}\n{text}", shown(path, &top)));
        let human = texts.collect::<Vec<_>>().join("\n");
        return Ok(answer(
            human,
            &planned,
            &top,
            true,
            "the same without --dry-run writes these files".to_owned(),
        ));
    }
    for (path, text) in planned.written() {
        files::write(path, text.as_bytes())?;
    }
    let mut human = listed(&planned);
    if ask::somebody_answers(session.environment) && hook_wanted(session)? {
        match hook::run(session, HookVerb::Install) {
            Ok(_) => human.push_str("\ninstalled the pre-push hook"),
            Err(error) => human.push_str(&format!("\nthe pre-push hook was not installed: {error}")),
        }
    }
    let next = next(session, &found, (&folder, &root), commit.is_some(), planned.without_action);
    Ok(answer(human, &planned, &top, false, next))
}

/// What is written, and what is not.
struct Planned {
    found: String,
    files: Vec<(PathBuf, String)>,
    /// Files that get a line more, whatever they say already.
    extended: Vec<(PathBuf, String)>,
    notes: Vec<String>,
    without_action: bool,
}

impl Planned {
    /// Every file with what it will say.
    fn written(&self) -> impl Iterator<Item = &(PathBuf, String)> {
        self.files.iter().chain(&self.extended)
    }
}

/// The service: the only one, or the one that is chosen on a terminal.
fn chosen(session: &Session<'_>, root: &Path) -> Result<Found, CliError> {
    let mut found = init::find(root, session.effects.limits.document)?;
    match found.len() {
        1 => Ok(found.swap_remove(0)),
        0 => Err(CliError::Missing {
            problem: match root.join("package.json").is_file() {
                true => "package.json is here, a Dockerfile is not: the gate builds a Node.js service from one".to_owned(),
                false => "nothing here is known to be a service: no Dockerfile, no cargo package with a program, no manifests".to_owned(),
            },
            help: "write a Dockerfile, or name the service's folder: portcullis -C FOLDER init".to_owned(),
        }),
        many => {
            let list: Vec<String> = found.iter().map(|found| found.folder.display().to_string()).collect();
            if ask::somebody_answers(session.environment) {
                let question = format!("{many} services are here: {}. Which one?", list.join(", "));
                let answer = answered(&question, None)?;
                if let Some(at) = list.iter().position(|folder| *folder == answer.trim_end_matches('/')) {
                    return Ok(found.swap_remove(at));
                }
            }
            Err(CliError::Missing {
                problem: format!("{many} services are here, and none was chosen: {}", list.join(", ")),
                help: format!(
                    "run it for each: portcullis -C {} init",
                    list.first().map_or("FOLDER", String::as_str)
                ),
            })
        }
    }
}

/// Where the image goes.
fn repository(session: &Session<'_>, args: &InitArgs, found: &Found, commit: Option<&Commit>) -> Result<String, CliError> {
    if let Some(named) = &args.repository {
        return Ok(named.clone());
    }
    let usual = found
        .repository
        .clone()
        .or_else(|| of_remote(found, commit))
        .unwrap_or_else(|| "oci:target/registry".to_owned());
    match ask::somebody_answers(session.environment) {
        true => answered("Where does its image go (host/path, or oci:FOLDER)?", Some(&usual)),
        false => Ok(usual),
    }
}

/// GitHub's registry, for a repository of GitHub's.
fn of_remote(found: &Found, commit: Option<&Commit>) -> Option<String> {
    let source = commit?.source.as_ref()?;
    let path = source.strip_prefix("https://github.com/")?.trim_end_matches(".git").to_lowercase();
    let is_plain = path.split('/').count() == 2 && init::is_plain(&path);
    is_plain.then(|| match found.folder.as_os_str().is_empty() {
        true => format!("ghcr.io/{path}"),
        false => format!("ghcr.io/{path}/{}", found.name.to_lowercase()),
    })
}

/// Where the service lies, and the repository that it lies in.
struct Places<'a> {
    folder: &'a Path,
    top: &'a Path,
}

fn planned(args: &InitArgs, found: &Found, places: &Places<'_>, commit: Option<&Commit>, repository: &str) -> Result<Planned, CliError> {
    let Places { folder, top } = *places;
    let mut planned = Planned {
        found: format!("{}, told by {}", found.name, found.by),
        files: Vec::new(),
        extended: Vec::new(),
        notes: Vec::new(),
        without_action: false,
    };
    let configuration = folder.join("portcullis.toml");
    let text = init::configuration(found, repository);
    // What is written is read as every other configuration is: a mistake of ours is ours, and nothing is written.
    document::parse::<Config>(Path::new("portcullis.toml"), &text)?;
    planned.files.push((configuration, text));
    let waivers = folder.join(WAIVER_FILE);
    // Promises of people are never replaced, not even by force.
    match waivers.symlink_metadata().is_ok() {
        true => planned.notes.push(format!("kept {}", shown(&waivers, top))),
        false => planned.files.push((waivers, WAIVERS.to_owned())),
    }
    if let Some((path, text, without_action)) = workflow(args, found, places, commit, repository, &mut planned.notes)? {
        planned.files.push((path, text));
        planned.without_action = without_action;
    }
    planned.extended.extend(ignoring_results(folder, top)?);
    for (path, _) in planned.written() {
        folders::inside(top, path)?;
        let is_link = path.symlink_metadata().is_ok_and(|there| there.is_symlink());
        if is_link {
            return Err(CliError::OutputElsewhere {
                link: path.clone(),
                target: path.canonicalize().unwrap_or_else(|_| path.clone()),
            });
        }
    }
    Ok(planned)
}

/// Results and build work, which are no change of the tree that is judged.
const IGNORED: &str = "/target/";

/// The service's `.gitignore` with the folder of results in it, where neither it nor the checkout's names that yet.
fn ignoring_results(folder: &Path, top: &Path) -> Result<Option<(PathBuf, String)>, CliError> {
    let read = |folder: &Path| -> Result<String, CliError> {
        let path = folder.join(".gitignore");
        match path.symlink_metadata().is_ok() {
            true => Ok(String::from_utf8_lossy(&files::read(&path, 1 << 20)?).into_owned()),
            false => Ok(String::new()),
        }
    };
    let (ours, tops) = (read(folder)?, read(top)?);
    let named = |text: &str| {
        text.lines()
            .any(|line| matches!(line.trim().trim_end_matches('/'), "target" | "/target" | "**/target"))
    };
    let in_git = top.join(".git").symlink_metadata().is_ok();
    if !in_git || named(&ours) || named(&tops) {
        return Ok(None);
    }
    let end = if ours.is_empty() || ours.ends_with('\n') { "" } else { "\n" };
    Ok(Some((folder.join(".gitignore"), format!("{ours}{end}{IGNORED}\n"))))
}

fn workflow(
    args: &InitArgs,
    found: &Found,
    places: &Places<'_>,
    commit: Option<&Commit>,
    repository: &str,
    notes: &mut Vec<String>,
) -> Result<Option<(PathBuf, String, bool)>, CliError> {
    let Places { folder, top } = *places;
    let inside = folder.strip_prefix(top).unwrap_or(folder).display().to_string();
    let inside = if inside.is_empty() { ".".to_owned() } else { inside };
    if !init::is_plain(&inside) {
        notes.push(format!(
            "no workflow: the folder's name `{inside}` has signs in it that a workflow takes for its own"
        ));
        return Ok(None);
    }
    let branch = commit
        .and_then(|commit| commit.branch.as_deref())
        .filter(|branch| init::is_plain(branch));
    let action = match (&args.action, init::ACTION) {
        (Some(action), _) => action.clone(),
        (None, Some(action)) => action.to_owned(),
        (None, None) => UNSAID.to_owned(),
    };
    if !is_pinned(&action) {
        return Err(CliError::setting(
            "--action",
            format!("`{action}` is not OWNER/REPOSITORY@COMMIT, with the 40 digits of a commit"),
        ));
    }
    let text = init::workflow(&Delivery {
        service: &found.name,
        folder: &inside,
        branch: branch.unwrap_or("main"),
        action: &action,
        to_packages: repository.starts_with("ghcr.io/"),
    });
    let name = match inside.as_str() {
        "." => "portcullis.yml".to_owned(),
        _ => format!("portcullis-{}.yml", found.name),
    };
    Ok(Some((top.join(".github/workflows").join(name), text, action == UNSAID)))
}

/// `owner/repository@` and a whole commit.
fn is_pinned(action: &str) -> bool {
    let Some((name, commit)) = action.split_once('@') else {
        return false;
    };
    let is_commit = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_commit && name.split('/').count() == 2 && name.split('/').all(init::is_plain)
}

/// Nothing that somebody has written is overwritten by chance.
fn refuse_what_is_there(planned: &Planned, args: &InitArgs) -> Result<(), CliError> {
    let there: Vec<String> = planned
        .files
        .iter()
        .filter(|(path, _)| path.exists())
        .map(|(path, _)| path.display().to_string())
        .collect();
    if there.is_empty() || args.force || args.dry_run {
        return Ok(());
    }
    Err(CliError::Missing {
        problem: format!("nothing was written: {} would be overwritten", there.join(", ")),
        help: "`portcullis init --dry-run` shows what would be written, --force writes it".to_owned(),
    })
}

fn planned_line(planned: &Planned, top: &Path) -> String {
    let mut lines = vec![planned.found.clone()];
    lines.extend(planned.files.iter().map(|(path, _)| format!("  wrote {}", shown(path, top))));
    let extended = planned.extended.iter();
    lines.extend(extended.map(|(path, _)| format!("  wrote {IGNORED} into {}", shown(path, top))));
    lines.extend(planned.notes.iter().map(|note| format!("  {note}")));
    if planned.without_action {
        lines.push("  its workflow does not know yet where portcullis is: put OWNER/REPOSITORY@COMMIT of the release into it".to_owned());
    }
    lines.join("\n")
}

fn answer(human: String, planned: &Planned, top: &Path, dry_run: bool, next: String) -> Answer {
    let files = planned
        .written()
        .map(|(path, text)| json!({"path": shown(path, top), "text": text}));
    Answer::Message {
        json: json!({
            "schema": "portcullis/init/v1",
            "found": planned.found,
            "dry_run": dry_run,
            "files": files.collect::<Vec<_>>(),
            "notes": planned.notes,
            "action_unknown": planned.without_action,
        }),
        human,
        code: 0,
        next,
    }
}

/// The one thing that comes next.
fn next(session: &Session<'_>, found: &Found, (folder, root): (&Path, &Path), is_committed: bool, without_action: bool) -> String {
    let program = match found.folder.as_os_str().is_empty() {
        true => session.program(),
        false => format!("portcullis -C {}", folder.display()),
    };
    match &found.kind {
        Kind::Crate { .. } if !is_locked(folder, root) => "cargo generate-lockfile, and commit Cargo.lock".to_owned(),
        Kind::Image { image } if !image.as_ref().is_some_and(|image| image.contains("@sha256:")) => {
            "name the image by digest in portcullis.toml: [build] image = \"registry:…@sha256:…\"".to_owned()
        }
        _ if !is_committed => "git init, git add and git commit: tags and evidence name the commit".to_owned(),
        _ if without_action => {
            format!("{program} gate --until policy; in the workflow, put in where the action is (--action OWNER/REPOSITORY@COMMIT)")
        }
        _ => format!("{program} gate --until policy"),
    }
}

fn shown(path: &Path, top: &Path) -> String {
    path.strip_prefix(top).unwrap_or(path).display().to_string()
}

fn hook_wanted(session: &Session<'_>) -> Result<bool, CliError> {
    if git::hooks_folder(&session.workspace.root)?.is_none() {
        return Ok(false);
    }
    let answer = answered("Run `portcullis check` before every push (y/n)?", Some("n"))?;
    Ok(answer.eq_ignore_ascii_case("y") || answer.eq_ignore_ascii_case("yes"))
}

/// Asks on a terminal. An empty answer is the usual one.
fn answered(question: &str, usual: Option<&str>) -> Result<String, CliError> {
    let typed = ask::line(&format!("{question}{} ", ask::shown(usual)), usual);
    let typed = typed.map_err(|error| CliError::setting("init", format!("the answer cannot be read: {error}")))?;
    Ok(typed.text.unwrap_or_default())
}
