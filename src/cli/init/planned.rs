//! What is written, what is kept, and what is said of it.

use std::path::{Path, PathBuf};

use super::configuration::{POLICY_FILE, WAIVERS, configuration, policy};
use super::found::Found;
use super::schemas::{FOLDER, Of, Schemas};
use super::workflow::{ACTION, Delivery, is_plain, workflow};
use crate::cli::args::InitArgs;
use crate::cli::config::Config;
use crate::cli::error::CliError;
use crate::cli::folders;
use crate::cli::wiring::{CONFIG_FILE, WAIVER_FILE};
use crate::io::{document, files, git};

/// What stands for the action's release where nobody has said which: a commit that nobody has, so that such a workflow fails and is told why.
const UNSAID: &str = "acme/portcullis@0000000000000000000000000000000000000000";
/// Results and build work, which are no change of the tree that is judged.
pub(in crate::cli) const IGNORED: &str = "/target/";

/// Where the service lies, and the repository that it lies in.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct Places<'a> {
    pub folder: &'a Path,
    pub top: &'a Path,
}

/// What is written, and what is not.
#[derive(Debug, Default)]
pub(in crate::cli) struct Planned {
    pub found: String,
    /// What people read and change.
    pub files: Vec<(PathBuf, String)>,
    /// Schemas for editors.
    pub schemas: Vec<(PathBuf, Vec<u8>)>,
    /// Files that get a line more, whatever they say already.
    pub extended: Vec<(PathBuf, Vec<u8>)>,
    /// What stays as it is.
    pub kept: Vec<PathBuf>,
    pub notes: Vec<String>,
    pub without_action: bool,
}

impl Planned {
    /// Every file with what it will hold.
    pub(in crate::cli) fn written(&self) -> impl Iterator<Item = (&Path, &[u8])> {
        let files = self.files.iter().map(|(path, text)| (path.as_path(), text.as_bytes()));
        let bytes = self.schemas.iter().chain(&self.extended);
        files.chain(bytes.map(|(path, bytes)| (path.as_path(), bytes.as_slice())))
    }

    /// Takes a file, unless one is there that nobody said may be replaced.
    fn offer(&mut self, path: PathBuf, text: String, may_replace: bool) {
        match path.symlink_metadata().is_ok() && !may_replace {
            true => self.kept.push(path),
            false => self.files.push((path, text)),
        }
    }
}

/// What is to be written for a service whose image goes to `repository`. A configuration that is there is kept unless `--force` is given; policy and
/// waivers are people's decisions, and are kept always.
///
/// # Errors
/// [`CliError`] for a file that cannot be where it must, a folder that leads out of the repository, an action that is not pinned.
pub(in crate::cli) fn planned(
    args: &InitArgs,
    found: &Found,
    places: Places<'_>,
    config: &Config,
    repository: &str,
) -> Result<Planned, CliError> {
    let Places { folder, top } = places;
    let mut planned = Planned {
        found: format!("{}, told by {}", found.name, found.by),
        ..Planned::default()
    };
    if let Some(action) = args.action.as_ref().filter(|action| !is_pinned(action)) {
        return Err(CliError::setting(
            "--action",
            format!("`{action}` is not OWNER/REPOSITORY@COMMIT, with the 40 digits of a commit"),
        ));
    }
    let schemas = Schemas::new(args.action.as_deref());
    let configured = folder.join(CONFIG_FILE);
    let is_kept = configured.symlink_metadata().is_ok() && !args.force;
    let text = format!("{}{}", schemas.line(Of::Configuration, false), configuration(found, repository));
    // What is written is read as every other configuration is: a mistake of ours is ours, and nothing is written.
    document::parse::<Config>(Path::new(CONFIG_FILE), &text)?;
    planned.offer(configured, text, args.force);
    // What a configuration that stays does not name would be read by nobody.
    let names = |named: &Option<PathBuf>, file: &str| named.as_deref() == Some(Path::new(file));
    if !is_kept || names(&config.policy.document, POLICY_FILE) {
        planned.offer(
            folder.join(POLICY_FILE),
            format!("{}{}", schemas.line(Of::Policy, true), policy()),
            false,
        );
    }
    if !is_kept || config.policy.waivers.is_none() || names(&config.policy.waivers, WAIVER_FILE) {
        planned.offer(
            folder.join(WAIVER_FILE),
            format!("{}{WAIVERS}", schemas.line(Of::Waivers, true)),
            false,
        );
    }
    if schemas.are_beside() {
        for of in Of::ALL {
            let path = folder.join(FOLDER).join(of.file());
            let named = planned
                .files
                .iter()
                .any(|(_, text)| text.lines().next().is_some_and(|line| line.ends_with(of.file())));
            if named {
                planned.schemas.push((path, of.bytes()));
            }
        }
    }
    let image = if is_kept { config.image.repository.as_deref() } else { None };
    add_workflow(&mut planned, args, found, places, image.unwrap_or(repository))?;
    planned.extended.extend(ignoring_results(folder, top)?);
    for (path, _) in planned.written() {
        may_be_written(top, path)?;
    }
    Ok(planned)
}

/// Refuses what leads out of the repository, and what cannot be a file: nothing is written by half.
fn may_be_written(top: &Path, path: &Path) -> Result<(), CliError> {
    folders::inside(&[top], path)?;
    if path.symlink_metadata().is_ok_and(|there| there.is_symlink()) {
        return Err(CliError::OutputElsewhere {
            link: path.to_owned(),
            target: path.canonicalize().unwrap_or_else(|_| path.to_owned()),
        });
    }
    let wrong = match path.ancestors().skip(1).find(|above| above.symlink_metadata().is_ok()) {
        Some(above) if !above.is_dir() => Some(above),
        _ => Some(path).filter(|path| path.symlink_metadata().is_ok_and(|there| !there.is_file())),
    };
    match wrong {
        None => Ok(()),
        Some(wrong) => Err(CliError::Missing {
            problem: format!(
                "nothing was written: {} cannot be, for {} is in its place",
                path.display(),
                wrong.display()
            ),
            help: "move it away, and run `portcullis init` again".to_owned(),
        }),
    }
}

/// The service's `.gitignore` with the folder of results in it, where neither it nor the checkout's names that yet.
fn ignoring_results(folder: &Path, top: &Path) -> Result<Option<(PathBuf, Vec<u8>)>, CliError> {
    let read = |folder: &Path| -> Result<Vec<u8>, CliError> {
        let path = folder.join(".gitignore");
        match path.is_file() {
            true => Ok(files::read(&path, 1 << 20)?),
            false => Ok(Vec::new()),
        }
    };
    let (mut ours, tops) = (read(folder)?, read(top)?);
    let named = |bytes: &[u8]| {
        String::from_utf8_lossy(bytes)
            .lines()
            .any(|line| matches!(line.trim().trim_end_matches('/'), "target" | "/target" | "**/target"))
    };
    let in_git = top.join(".git").symlink_metadata().is_ok();
    if !in_git || named(&ours) || named(&tops) {
        return Ok(None);
    }
    if !ours.is_empty() && !ours.ends_with(b"\n") {
        ours.push(b'\n');
    }
    ours.extend_from_slice(IGNORED.as_bytes());
    ours.push(b'\n');
    Ok(Some((folder.join(".gitignore"), ours)))
}

fn add_workflow(planned: &mut Planned, args: &InitArgs, found: &Found, places: Places<'_>, repository: &str) -> Result<(), CliError> {
    let Places { folder, top } = places;
    let inside = folder.strip_prefix(top).unwrap_or(folder).display().to_string();
    let inside = if inside.is_empty() { ".".to_owned() } else { inside };
    if !is_plain(&inside) {
        planned.notes.push(format!(
            "no workflow: the folder's name `{inside}` has signs in it that a workflow takes for its own"
        ));
        return Ok(());
    }
    let branch = git::delivered_branch(top)?.filter(|branch| is_plain(branch));
    let branch = branch.as_deref().unwrap_or("main");
    let action = args.action.as_deref().or(ACTION);
    // Two services of a repository may have one name, and never one folder.
    let name = match inside.as_str() {
        "." => found.name.clone(),
        folder => folder.replace('/', "-"),
    };
    let text = workflow(&Delivery {
        service: &name,
        folder: &inside,
        branch,
        action: action.unwrap_or(UNSAID),
        to_packages: repository.starts_with("ghcr.io/"),
    });
    let file = match inside.as_str() {
        "." => "portcullis.yml".to_owned(),
        _ => format!("portcullis-{name}.yml"),
    };
    let before = planned.files.len();
    planned.offer(top.join(".github/workflows").join(file), text, args.force);
    if planned.files.len() > before {
        planned.without_action = action.is_none();
        planned.notes.push(format!("the workflow delivers the branch {branch}"));
    }
    Ok(())
}

/// `owner/repository@` and a whole commit.
fn is_pinned(action: &str) -> bool {
    let Some((name, commit)) = action.split_once('@') else {
        return false;
    };
    let is_commit = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_commit && name.split('/').count() == 2 && name.split('/').all(is_plain)
}
