//! What decides how much of an earlier build may be believed: which packages may have changed without cargo's seeing it, and who could write into
//! the folder that is kept.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, Package, TargetKind};

use super::compiled;
use super::configurations::Configurations;
use super::graph::Graph;
use super::ignored::Ignored;
use crate::io::{cargo, files};
use crate::stage::build::BuildError;

/// Stands for whatever of a checkout runs while something is built: that of another commit may be another.
const OF_THE_CHECKOUT: &str = "the checkout";

/// What is known of the packages of a build.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    /// Names of published packages that may be others in another commit, and that cargo takes for what never changes: those whose sources do not lie
    /// where cargo unpacks them, but in a folder of somebody's (`cargo vendor`), and those that link a library, which may lie in the tree.
    pub(super) changeable: Vec<String>,
    /// Who runs while it is built, and could write over what others compiled: build scripts and procedural macros, by cargo's identities of published
    /// packages, which stand for their sources.
    pub(super) running: BTreeSet<String>,
}

impl Earlier {
    /// What cargo's metadata says of all packages, as far as they are in the graphs.
    ///
    /// `given` are paths of programs, and values of variables, that portcullis.toml gives the build: one that leads into the checkout is the checkout's.
    /// `changed` are folders of published packages whose sources somebody may have written.
    pub(super) fn of(
        (metadata, changed): (&Metadata, &BTreeSet<PathBuf>),
        graphs: &[Graph],
        configurations: &Configurations,
        given: &[String],
        checkout: &str,
    ) -> Self {
        let home = cargo::home();
        let unpacked = home.map(|home| ["registry/src", "git/checkouts"].map(|folder| home.join(folder)));
        let is_cargos = |place: &Path| {
            let is_unpacked = unpacked.iter().flatten().any(|folder| place.starts_with(folder));
            is_unpacked && !changed.contains(files::folder_of(place))
        };
        let mut earlier = Self::default();
        for package in &metadata.packages {
            let id = &package.id.repr;
            let is_fixed = is_cargos(package.manifest_path.as_std_path());
            if package.source.is_some() && (package.links.is_some() || !is_fixed) {
                earlier.changeable.push(package.name.to_string());
            }
            let is_built = compiled::parse_id(id).is_ok_and(|named| graphs.iter().any(|graph| graph.has(&named)));
            if is_built && runs(package) {
                earlier.running.insert(match &package.source {
                    // An identity of git names a branch; the source has the commit.
                    Some(source) if is_fixed => format!("{id} {source}"),
                    _ => OF_THE_CHECKOUT.to_owned(),
                });
            }
        }
        // A build script of anybody's may start what a variable names.
        let leads_there = given.iter().any(|text| text.contains(checkout));
        if leads_there || configurations.iter().any(|known| known.names_a_file_in_a_variable(checkout)) {
            earlier.running.insert(OF_THE_CHECKOUT.to_owned());
        }
        earlier
    }
}

/// True where nothing could write into a folder that those who run now could not write there, too.
pub(super) fn could_write(ran: &BTreeSet<String>, running: &BTreeSet<String>) -> bool {
    !ran.contains(OF_THE_CHECKOUT) && ran.is_subset(running)
}

fn runs(package: &Package) -> bool {
    let runs = |kind: &TargetKind| matches!(kind, TargetKind::CustomBuild | TargetKind::ProcMacro);
    package.targets.iter().any(|target| target.kind.iter().any(runs))
}

/// Folders of sources that no commit of the checkout with this top holds: outside of it, ignored by git, or git's own. Nothing where there is no checkout.
///
/// # Errors
/// [`BuildError::Git`], [`BuildError::File`].
pub(super) fn uncommitted(top: Option<&Path>, graphs: &[Graph], configurations: &Configurations) -> Result<BTreeSet<PathBuf>, BuildError> {
    let Some(top) = top else {
        return Ok(BTreeSet::new());
    };
    let ignored = Ignored::of(top)?;
    let is_in_none = |folder: &PathBuf| {
        let settled = folder.canonicalize();
        let folder = settled.as_deref().unwrap_or(folder);
        // No commit can hold what lies below a `.git`.
        let is_in_gits = |below: &Path| below.iter().any(|name| name == ".git");
        folder
            .strip_prefix(top)
            .map_or(true, |below| is_in_gits(below) || ignored.holds(below))
    };
    let local = graphs.iter().flat_map(Graph::local_folders);
    Ok(local.chain(configurations.vendored()).filter(is_in_none).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_was_written_by_nobody_who_does_not_run_again() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<String>>();
        assert!(could_write(&set(&["a#1"]), &set(&["a#1", "b#1"])));
        assert!(could_write(&set(&[]), &set(&[])));
        assert!(!could_write(&set(&["a#1", "c#1"]), &set(&["a#1", "b#1"])), "c does not run now");
        assert!(
            !could_write(&set(&[OF_THE_CHECKOUT]), &set(&[OF_THE_CHECKOUT])),
            "another commit's is another"
        );
    }
}
