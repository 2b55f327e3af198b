//! `init`: the first files of a service.

use std::path::Path;

use serde_json::json;

use super::hook;
use crate::cli::args::{HookVerb, InitArgs};
use crate::cli::ask;
use crate::cli::error::CliError;
use crate::cli::init::{self, Found, IGNORED, Kind, Places, Planned};
use crate::cli::session::{Answer, Session};
use crate::cli::wiring::is_locked;
use crate::io::{files, git};
use crate::model::commit::Commit;

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
    let places = Places {
        folder: &folder,
        top: &top,
    };
    let planned = init::planned(args, &found, places, &session.workspace.config, &repository)?;
    refuse_where_all_is_there(&planned, args, &top)?;
    if args.dry_run {
        let files = planned.files.iter().map(|(path, text)| (path, text.clone()));
        let extended = planned
            .extended
            .iter()
            .map(|(path, bytes)| (path, String::from_utf8_lossy(bytes).into_owned()));
        let schemas = planned
            .schemas
            .iter()
            .map(|(path, _)| (path, "(a schema for editors)\n".to_owned()));
        let texts = files
            .chain(extended)
            .chain(schemas)
            .map(|(path, text)| format!("--- {}\n{text}", shown(path, &top)));
        let human = texts.collect::<Vec<_>>().join("\n");
        return Ok(answer(
            human,
            &planned,
            &top,
            true,
            "the same without --dry-run writes these files".to_owned(),
        ));
    }
    for (path, bytes) in planned.written() {
        files::write(path, bytes)?;
    }
    let mut human = planned_line(&planned, &top);
    if ask::somebody_answers(session.environment) && hook_wanted(session)? {
        match hook::run(session, HookVerb::Install) {
            Ok(_) => human.push_str("\ninstalled the pre-push hook"),
            Err(error) => human.push_str(&format!("\nthe pre-push hook was not installed: {error}")),
        }
    }
    let next = next(session, &found, (&folder, &root), commit.is_some(), planned.without_action);
    Ok(answer(human, &planned, &top, false, next))
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

/// A second run writes what is missing, and says so where nothing is.
fn refuse_where_all_is_there(planned: &Planned, args: &InitArgs, top: &Path) -> Result<(), CliError> {
    if !planned.files.is_empty() || args.dry_run {
        return Ok(());
    }
    let kept: Vec<String> = planned.kept.iter().map(|path| shown(path, top)).collect();
    Err(CliError::Missing {
        problem: format!("nothing was written: {} would be overwritten", kept.join(", ")),
        help: "`portcullis init --dry-run --force` shows what would be written, --force writes configuration and workflow anew".to_owned(),
    })
}

fn planned_line(planned: &Planned, top: &Path) -> String {
    let mut lines = vec![planned.found.clone()];
    lines.extend(planned.files.iter().map(|(path, _)| format!("  wrote {}", shown(path, top))));
    lines.extend(
        planned
            .schemas
            .iter()
            .map(|(path, _)| format!("  wrote {}, for editors", shown(path, top))),
    );
    let extended = planned.extended.iter();
    lines.extend(extended.map(|(path, _)| format!("  wrote {IGNORED} into {}", shown(path, top))));
    lines.extend(planned.kept.iter().map(|path| format!("  kept {}", shown(path, top))));
    lines.extend(planned.notes.iter().map(|note| format!("  {note}")));
    if planned.without_action {
        lines.push(
            "  its workflow does not know yet where portcullis is: put OWNER/REPOSITORY@COMMIT of the release into it, or delete it and say \
             --action OWNER/REPOSITORY@COMMIT"
                .to_owned(),
        );
    }
    lines.join("\n")
}

fn answer(human: String, planned: &Planned, top: &Path, dry_run: bool, next: String) -> Answer {
    let files = planned
        .files
        .iter()
        .map(|(path, text)| json!({"path": shown(path, top), "text": text}));
    let extended = planned.extended.iter();
    let extended = extended.map(|(path, bytes)| json!({"path": shown(path, top), "text": String::from_utf8_lossy(bytes)}));
    let files = files.chain(extended);
    Answer::Message {
        json: json!({
            "schema": "portcullis/init/v1",
            "found": planned.found,
            "dry_run": dry_run,
            "files": files.collect::<Vec<_>>(),
            "schemas": planned.schemas.iter().map(|(path, _)| shown(path, top)).collect::<Vec<_>>(),
            "kept": planned.kept.iter().map(|path| shown(path, top)).collect::<Vec<_>>(),
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
