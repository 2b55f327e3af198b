//! Files of the checkout that lie in the image beside the programs: found before anything is compiled, as git knows them.
//!
//! What git ignores stays out unless an entry asks for it; the repositories' own folders and the gate's results always do. Modes are those that
//! git keeps, folders those that have a file in them. Links stay links as far as they lead to what is put in with them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use super::ignored::Ignored;
use super::links;
use super::placement::{Placed, Placement, Seen, Sort};
use super::tracked::Tracked;
use crate::io::Effects;
use crate::io::files::FileError;
use crate::io::folder;
use crate::model::excused::Excused as _;
use crate::model::plan::{BuildPlan, NativeBuild, PlacedFiles};
use crate::stage::build::{BuildError, NativeError};

/// Finds what every entry names, and where it lies in the image.
///
/// # Errors
/// [`NativeError::Files`], [`NativeError::Collision`]; [`BuildError::File`], [`BuildError::Git`] for what cannot be looked at.
pub(super) fn collect(plan: &BuildPlan, build: &NativeBuild, effects: &Effects) -> Result<Placement, BuildError> {
    let mut placement = Placement::default();
    if build.files.is_empty() {
        return Ok(placement);
    }
    let mut walk = Walk {
        plan,
        entry: &build.files[0],
        ignored: Ignored::of(&plan.root)?,
        tracked: Tracked::default(),
        real_root: fs::canonicalize(&plan.root).map_err(|source| FileError::Read {
            path: plan.root.clone(),
            source,
        })?,
        ours: ours(plan),
        files: Vec::new(),
        links: BTreeMap::new(),
        found: Vec::new(),
        passed_over: false,
        of_the_ignored: false,
        limit: effects.limits.entries,
    };
    walk.tracked.add(Path::new(""), &plan.root)?;
    for entry in &build.files {
        walk.entry = entry;
        walk.all()?;
        for placed in walk.found.drain(..) {
            placement.put(placed)?;
        }
    }
    placement.of_the_ignored = walk.of_the_ignored;
    placement.differs = walk.tracked.differing(&walk.files, &plan.root)?.map(Path::to_owned);
    Ok(placement)
}

/// The layout, its folder, what is kept between builds, and all that the plan names.
fn ours(plan: &BuildPlan) -> Vec<PathBuf> {
    let of_layout = [Some(plan.layout.as_path()), plan.layout.parent(), Some(&plan.work)];
    let all = of_layout.into_iter().flatten().chain(plan.ours.iter().map(PathBuf::as_path));
    // Written with `..`, or reached through a link: what is not there yet cannot be put in.
    all.filter_map(|path| fs::canonicalize(path).or_none("it is not there")).collect()
}

struct Walk<'w> {
    plan: &'w BuildPlan,
    entry: &'w PlacedFiles,
    ignored: Ignored,
    tracked: Tracked,
    /// The root without links. No path below it that is walked leads through one.
    real_root: PathBuf,
    /// What the gate itself keeps in the tree.
    ours: Vec<PathBuf>,
    /// Files of every entry, relative to the root.
    files: Vec<PathBuf>,
    /// Links of the entry, by their place in it, and where they lead.
    links: BTreeMap<String, String>,
    found: Vec<Placed>,
    /// Something of the entry is ignored, and stays out.
    passed_over: bool,
    /// Something of any entry is ignored, and was asked for.
    of_the_ignored: bool,
    limit: u64,
}

impl Walk<'_> {
    fn all(&mut self) -> Result<(), BuildError> {
        self.passed_over = false;
        if self.entry.to.split('/').any(is_whiteout) {
            return Err(self.refused(
                "in an image a name that begins with `.wh.` deletes something",
                "give it another name",
            ));
        }
        let mut above = PathBuf::new();
        for part in Path::new(&self.entry.from).components() {
            let Component::Normal(part) = part else {
                return Err(self.refused("it is no path within the project", "write it relative, without `..` and `.`"));
            };
            above.push(part);
            let found = self.plan.root.join(&above).symlink_metadata();
            if found.is_ok_and(|found| found.is_symlink()) {
                let reason = format!("{} is a link", above.display());
                return Err(self.refused(
                    &reason,
                    "write the path that it leads to: what is put in is then seen in the configuration",
                ));
            }
        }
        let from = self.entry.from.clone();
        if self.plan.root.join(&from).symlink_metadata().is_err() {
            let help = "`from` is relative to portcullis.toml; what a tool builds must be built before the gate runs";
            return Err(self.refused("it is not there", help));
        }
        let before = self.found.len();
        self.is_whole(Path::new(&from))?;
        self.links.clear();
        self.item(Path::new(&from), "")?;
        if let Some(link) = links::leads_out(&self.links) {
            return Err(self.leads_out(link));
        }
        if self.found.len() > before {
            return Ok(());
        }
        Err(match self.passed_over {
            true => self.refused(
                "git ignores all of it: no commit says what is in it",
                "commit it, or say with `ignored = true` that it goes in all the same; the image is then not called reproducible",
            ),
            false => self.refused(
                "there is no file in it",
                "git does not keep empty folders, and so they are not in the image",
            ),
        })
    }

    /// `path` is relative to the root, `below` to the entry's own folder.
    fn item(&mut self, path: &Path, below: &str) -> Result<(), BuildError> {
        let whole = self.plan.root.join(path);
        let unread = |source| {
            BuildError::from(FileError::Read {
                path: whole.clone(),
                source,
            })
        };
        let found = whole.symlink_metadata().map_err(unread)?;
        if self.ours.contains(&self.real_root.join(path)) {
            return Ok(());
        }
        if self.ignored.holds(path) {
            if !self.entry.ignored {
                self.passed_over = true;
                return Ok(());
            }
            self.of_the_ignored = true;
        }
        let sort = match found.file_type() {
            kind if kind.is_dir() => return self.folder(path, &whole, below),
            kind if kind.is_file() => Sort::File {
                source: Seen::of(&self.plan.root, path)?,
                mode: self.mode(path, &found),
            },
            kind if kind.is_symlink() => {
                let target = self.link(&whole, below)?;
                self.links.insert(below.to_owned(), target.clone());
                Sort::Link(target)
            }
            _ => {
                let reason = format!("{} is a device, a pipe or a socket", path.display());
                return Err(self.refused(&reason, "only files, folders and links go into an image"));
            }
        };
        let at = match below {
            "" => self.entry.to.trim_start_matches('/').to_owned(),
            below => format!("{}/{below}", self.entry.to.trim_end_matches('/'))
                .trim_start_matches('/')
                .to_owned(),
        };
        if at.is_empty() {
            return Err(self.refused("a file cannot lie at /", "for a file, `to` is its own path in the image"));
        }
        if self.found.len() as u64 >= self.limit {
            return Err(self.refused("it has more files than a layer may have", "put fewer in"));
        }
        if matches!(sort, Sort::File { .. }) {
            self.files.push(path.to_owned());
        }
        let of = format!("`{}`", path.display());
        self.found.push(Placed { path: at, sort, of });
        Ok(())
    }

    fn folder(&mut self, path: &Path, whole: &Path, below: &str) -> Result<(), BuildError> {
        if whole.join(".git").symlink_metadata().is_ok() {
            self.ignored.add(path, &self.plan.root)?;
            if !path.as_os_str().is_empty() {
                self.tracked.add(path, &self.plan.root)?;
                self.is_whole(path)?;
            }
        }
        let failed = |source| FileError::Read {
            path: whole.to_owned(),
            source,
        };
        let mut entries = folder::listed(whole).map_err(failed)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name();
            let shown = path.join(&name);
            let Some(name) = name.to_str().filter(|name| !name.contains(char::is_control)) else {
                let reason = format!("{} has a name that is no plain text", shown.display());
                return Err(self.refused(&reason, "rename it"));
            };
            if name == ".git" {
                continue;
            }
            if is_whiteout(name) {
                let reason = format!("{} has a name that deletes something in an image", shown.display());
                return Err(self.refused(&reason, "rename it: it begins with `.wh.`"));
            }
            let below = if below.is_empty() {
                name.to_owned()
            } else {
                format!("{below}/{name}")
            };
            self.item(&shown, &below)?;
        }
        Ok(())
    }

    /// Refuses what the commit has and the checkout has not.
    fn is_whole(&self, path: &Path) -> Result<(), BuildError> {
        match self.tracked.missing(path, &self.plan.root) {
            None => Ok(()),
            Some((missing, help)) => Err(self.refused(&format!("the commit has {}, and the checkout has not", missing.display()), help)),
        }
    }

    /// The mode that git keeps; the file's own where git does not track it.
    fn mode(&self, path: &Path, found: &fs::Metadata) -> u32 {
        let own = || found.permissions().mode() & 0o100 != 0;
        let is_executable = self.tracked.is_executable(path).unwrap_or_else(own);
        self.entry.mode.unwrap_or(if is_executable { 0o755 } else { 0o644 })
    }

    /// A link as it is written, where it leads to something of the same entry.
    fn link(&self, whole: &Path, below: &str) -> Result<String, BuildError> {
        let target = fs::read_link(whole).map_err(|source| FileError::Read {
            path: whole.to_owned(),
            source,
        })?;
        let mut depth = below.split('/').count() - 1;
        let stays = target.components().all(|part| match part {
            Component::Normal(_) => {
                depth += 1;
                true
            }
            Component::CurDir => true,
            Component::ParentDir => {
                let up = depth.checked_sub(1);
                depth = up.unwrap_or(0);
                up.is_some()
            }
            Component::RootDir | Component::Prefix(_) => false,
        });
        let text = target
            .to_str()
            .filter(|text| stays && !text.is_empty() && !text.contains(char::is_control));
        text.map(str::to_owned).ok_or_else(|| self.leads_out(below))
    }

    fn leads_out(&self, link: &str) -> BuildError {
        self.refused(
            &format!("the link {link} in it leads out of it"),
            "put the file itself there: what a link leads to elsewhere is not in the image, or was not reviewed",
        )
    }

    fn refused(&self, reason: &str, help: &'static str) -> BuildError {
        NativeError::Files {
            from: self.entry.from.clone(),
            reason: reason.to_owned(),
            help,
        }
        .into()
    }
}

/// True for the name of an entry that hides what lies below. Source: the OCI image specification, "Whiteouts".
fn is_whiteout(name: &str) -> bool {
    name.starts_with(".wh.")
}
