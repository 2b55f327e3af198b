//! The folders that we write to and believe: nobody else may decide where they are or what is in them.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::io::{environment, files, git, links};
use crate::model::excused::Excused as _;

use super::ci;
use super::error::CliError;

/// Folders in the output folder that stages write files to by name.
const WRITTEN: [&str; 5] = ["image", "image/blobs", "image/blobs/sha256", "registry", "work"];

/// Refuses a folder for results to which a link below one of the projects leads out of it, or that holds such a link. A folder elsewhere was named by
/// whoever runs the program.
///
/// # Errors
/// [`CliError::OutputElsewhere`]; [`CliError::Setting`] for a way that cannot be followed.
pub(super) fn inside(projects: &[&Path], output: &Path) -> Result<(), CliError> {
    let places = std::iter::once(output.to_owned()).chain(WRITTEN.iter().map(|name| output.join(name)));
    for place in places {
        let way = links::way(&place).map_err(|error| CliError::setting("--output", error.to_string()))?;
        for link in way.links {
            for project in projects.iter().filter(|project| link.starts_with(project)) {
                // One that leads nowhere leads wherever somebody makes a folder later.
                let target = link
                    .canonicalize()
                    .or_else(|_| fs::read_link(&link))
                    .or_empty("a link that cannot be followed leads outside, and is refused");
                if !target.starts_with(project) {
                    return Err(CliError::OutputElsewhere { link, target });
                }
            }
        }
    }
    Ok(())
}

/// Refuses a place to which a link of the commit leads: out of its checkout, or to what the commit does not hold. Nothing there was reviewed with the
/// commit, and it may be anybody's.
///
/// # Errors
/// [`CliError::Setting`] for such a link, and where git does not answer.
pub(super) fn of_the_commit(path: &Path, flag: &'static str) -> Result<(), CliError> {
    let found = git::link_out_of_the_commit(path).map_err(|error| CliError::setting(flag, error.to_string()))?;
    match found.or_else(|| unknown_link(path)) {
        None => Ok(()),
        Some(link) => Err(CliError::setting(
            flag,
            format!(
                "{} is a link of the commit that leads out of it: what lies there is no part of the commit",
                link.display()
            ),
        )),
    }
}

/// The first link on the way to a path that a commit brings and that leads out of its checkout. Where git does not answer for it, each may be the commit's.
pub(super) fn link_out_of_its_checkout(path: &Path) -> Option<PathBuf> {
    if let Ok(answer) = git::link_out_of_the_checkout(path) {
        return answer;
    }
    let way = links::way(path).or_none("what leads nowhere is told by whoever goes there")?;
    let leads_out = |link: &&PathBuf| {
        let top = link.ancestors().skip(1).find(|above| above.join(".git").symlink_metadata().is_ok());
        let leads_to = link.canonicalize().or_none("one that leads nowhere is told by whoever follows it");
        top.zip(leads_to).is_some_and(|(top, leads_to)| !leads_to.starts_with(top))
    };
    way.links.iter().find(leads_out).cloned()
}

/// True below a folder with git's in it.
fn is_in_a_checkout(place: &Path) -> bool {
    place.ancestors().any(|above| above.join(".git").exists())
}

/// In a job without git nobody knows which links the commit brought: the first one that lies where the CI put the commit. Where git knows the link, or what
/// lies behind it, it has answered.
fn unknown_link(path: &Path) -> Option<PathBuf> {
    let checkouts = ci::checkouts();
    let way = links::way(path).or_none("what leads nowhere is told by whoever goes there")?;
    let of_a_commit =
        |link: &PathBuf| checkouts.iter().any(|place| link.starts_with(place)) && !is_in_a_checkout(link) && !is_in_a_checkout(&way.end);
    way.links.iter().find(|link| of_a_commit(link)).cloned()
}

/// Refuses a working folder to which a link of the commit led whoever started the program, for a verb that judges what lies there: a shell that went
/// there says so (`PWD`), and a CI says where it put the commit.
///
/// # Errors
/// As [`of_the_commit`].
pub(super) fn working() -> Result<(), CliError> {
    let failed = |error: git::GitError| CliError::setting("-C", error.to_string());
    let here = std::env::current_dir().map_err(|source| CliError::Directory { path: ".".into(), source })?;
    let refused = |link: &Path| {
        Err(CliError::setting(
            "-C",
            format!(
                "the working folder is reached by {}, a link of the commit that leads out of it: what lies there is no part of the commit",
                link.display()
            ),
        ))
    };
    // A user's own links, in a home that git keeps, lead wherever they like: asked is the checkout of what is judged, and that of a CI.
    let named = environment::variable("PWD").map(PathBuf::from).filter(|named| *named != here);
    let led = named.filter(|named| named.canonicalize().is_ok_and(|named| named == here));
    if let Some(link) = led
        .map(|named| git::link_out_of_the_commit(&named))
        .transpose()
        .map_err(failed)?
        .flatten()
    {
        let of = git::top_level(files::folder_of(&link)).map_err(failed)?;
        let own = git::top_level(&here).map_err(failed)?;
        if own.is_none() || own == of {
            return refused(&link);
        }
    }
    let checkouts = ci::checkouts();
    for place in &checkouts {
        if let Some(link) = git::link_that_led_to(place, &here).map_err(failed)? {
            return refused(&link);
        }
    }
    // Without git nobody knows which links there are. A checkout of its own has its own commit, and its verdict says which.
    let places = || checkouts.iter().map(PathBuf::as_path);
    match checkouts.is_empty() || is_in_a_checkout(&here) || places().any(|place| is_in_a_checkout(place) || here.starts_with(place)) {
        true => Ok(()),
        false => Err(CliError::setting(
            "-C",
            format!(
                "the job works in {}, which is outside of the checkout in {}, and no commit is there to be judged: name the folder with -C if it is meant",
                here.display(),
                checkouts[0].display()
            ),
        )),
    }
}

/// Refuses a folder for results that cannot be written to: known at the start, and not after a build.
///
/// # Errors
/// [`CliError::Setting`].
pub(super) fn writable(output: &Path) -> Result<(), CliError> {
    let refused = |folder: &Path, problem: String| Err(CliError::setting("--output", format!("{} {problem}", folder.display())));
    // What earlier runs left is removed from it, and `summary.md` or `junit.xml` may be somebody's.
    if [".git", "portcullis.toml"]
        .iter()
        .any(|own| output.join(own).symlink_metadata().is_ok())
    {
        return refused(
            output,
            "is a project's own folder: name one for results alone, such as target/portcullis".to_owned(),
        );
    }
    let is_gits = |place: PathBuf| place.components().any(|part| part.as_os_str() == ".git");
    if output.canonicalize().is_ok_and(is_gits) {
        return refused(
            output,
            "is git's: what is kept there may hold logins, and is uploaded with the results".to_owned(),
        );
    }
    let Some(there) = output.ancestors().find(|above| above.symlink_metadata().is_ok()) else {
        return Ok(());
    };
    match (there.is_dir(), rustix::fs::access(there, rustix::fs::Access::WRITE_OK)) {
        (false, _) => refused(there, "is no folder, and results go into one".to_owned()),
        (true, Err(error)) => refused(there, format!("cannot be written to ({error}): name another folder")),
        (true, Ok(())) => Ok(()),
    }
}

/// Refuses a folder of ours that belongs to somebody else or that others can write to. One that is not there yet is made by us, and must not
/// be made where everybody can replace it.
///
/// # Errors
/// [`CliError::ForeignFolder`].
pub(super) fn own(folder: &Path, name: &'static str) -> Result<(), CliError> {
    const OTHERS_WRITE: u32 = 0o002;
    const GROUP_WRITES: u32 = 0o020;
    const STICKY: u32 = 0o1000;
    let refused = |folder: &Path, problem: String| {
        Err(CliError::ForeignFolder {
            folder: folder.to_owned(),
            problem,
            name,
        })
    };
    let me = rustix::process::geteuid().as_raw();
    if let Ok(found) = fs::metadata(folder) {
        // A group of the user's own name and number has nobody else in it.
        let own_group = found.gid() == me;
        if found.uid() != me {
            return refused(folder, format!("belongs to user {}", found.uid()));
        }
        if found.mode() & OTHERS_WRITE != 0 || (found.mode() & GROUP_WRITES != 0 && !own_group) {
            return refused(folder, "can be written to by others".to_owned());
        }
    }
    let above = folder
        .ancestors()
        .skip(1)
        .find_map(|above| Some((above, fs::metadata(above).or_none("not there yet: the folder above it decides")?)));
    match above {
        Some((above, found)) if found.mode() & OTHERS_WRITE != 0 && found.mode() & STICKY == 0 => {
            refused(above, "can be written to by everybody".to_owned())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn results_are_not_written_through_a_link_out_of_the_project() {
        let dir = tempfile::tempdir().expect("folder");
        let root = dir.path().canonicalize().expect("folder");
        let (project, elsewhere) = (root.join("project"), root.join("elsewhere"));
        fs::create_dir_all(project.join("own")).expect("folder");
        fs::create_dir(&elsewhere).expect("folder");
        // The controls: no link, a link inside, a folder that somebody names elsewhere.
        symlink(project.join("own"), project.join("inner")).expect("link");
        for output in [
            project.join("target/portcullis"),
            project.join("inner/portcullis"),
            elsewhere.clone(),
        ] {
            assert!(inside(&[&project], &output).is_ok(), "{}", output.display());
        }
        symlink(&elsewhere, project.join("target")).expect("link");
        assert!(inside(&[&project], &project.join("target")).is_err());
        assert!(inside(&[&project], &project.join("target/portcullis")).is_err());
        symlink(root.join("not-yet"), project.join("dangling")).expect("link");
        assert!(inside(&[&project], &project.join("dangling/x")).is_err());
        // By another name of the project.
        symlink(&project, root.join("alias")).expect("link");
        for output in [
            root.join("alias/target/x"),
            project.join("own/../target"),
            root.join("elsewhere/../project/target"),
        ] {
            assert!(inside(&[&project], &output).is_err(), "{}", output.display());
        }
        assert!(inside(&[&project], &root.join("alias/fine")).is_ok());
        symlink(&elsewhere, project.join("own/image")).expect("link");
        assert!(inside(&[&project], &project.join("own")).is_err());
    }

    #[test]
    fn results_do_not_go_to_git_by_a_link() {
        let dir = tempfile::tempdir().expect("folder");
        fs::create_dir_all(dir.path().join(".git/hooks")).expect("folder");
        fs::create_dir(dir.path().join("results")).expect("folder");
        for (name, to) in [("a", ".git"), ("b", ".git/hooks"), ("c", "results")] {
            symlink(to, dir.path().join(name)).expect("link");
        }
        let is_refused = |name: &str| writable(&dir.path().join(name)).is_err();
        assert!(is_refused("a") && is_refused("b"));
        assert!(!is_refused("c") && !is_refused("results"));
    }

    #[test]
    fn results_go_into_a_folder_that_can_be_made() {
        let dir = tempfile::tempdir().expect("folder");
        fs::write(dir.path().join("file"), "x").expect("written");
        assert!(writable(&dir.path().join("a/b/c")).is_ok());
        assert!(writable(&dir.path().join("file")).is_err());
        assert!(writable(&dir.path().join("file/below")).is_err());
        fs::create_dir(dir.path().join(".git")).expect("folder");
        assert!(writable(dir.path()).is_err(), "a project's own folder");
    }

    #[test]
    fn a_cache_that_others_can_write_to_is_refused() {
        let dir = tempfile::tempdir().expect("folder");
        let cache = dir.path().join("cache");
        fs::create_dir(&cache).expect("folder");
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("mode");
        for good in [0o755, 0o700] {
            mode(&cache, good);
            assert!(own(&cache, "X").is_ok(), "{good:o}");
        }
        mode(&cache, 0o757);
        assert!(own(&cache, "X").is_err());
        mode(&cache, 0o700);
        mode(dir.path(), 0o777);
        assert!(own(&cache, "X").is_err(), "it can be replaced");
        mode(dir.path(), 0o1777);
        assert!(own(&cache, "X").is_ok(), "in a folder such as /tmp it cannot");
    }
}
