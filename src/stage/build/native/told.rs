//! Tells what a build read, and no commit holds: `include_str!` of what git ignores, a file of an unpacked crate, a configuration or a toolchain file of the
//! checkout.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::assembler::Assembled;
use super::committed::Committed;
use super::compile::target_dir;
use super::prepared::Prepared;
use super::sources::Sources;
use super::units::Read;
use crate::io::Effects;
use crate::model::event::Stage;
use crate::model::plan::{BuildPlan, NativeBuild};
use crate::stage::build::BuildError;

/// So many files that are in no commit are told by name.
const MOST_TOLD: usize = 5;

/// Tells of whole folders of sources: those that no commit holds, of which some lie in cargo's home and are not known to be what the lock file says
/// (`changed`), and those that lie outside of the workspace.
pub(super) fn told_of_folders(
    uncommitted: &BTreeSet<PathBuf>,
    changed: &BTreeSet<PathBuf>,
    outside: &BTreeSet<PathBuf>,
    effects: &Effects,
) {
    let tell = |folder: &Path, what: &str| effects.warn(Stage::Build, format!("{} {what}", folder.display()));
    for folder in changed.iter().take(MOST_TOLD) {
        let what =
            "lies in the checkout with cargo's home, and is not known to be what Cargo.lock names: the image is not called reproducible";
        tell(folder, what);
    }
    if changed.len() > MOST_TOLD {
        let more = changed.len() - MOST_TOLD;
        effects.warn(
            Stage::Build,
            format!("so are {more} more folders of crates: keep CARGO_HOME outside of the checkout"),
        );
    }
    // Of what lies outside of the workspace it is said below.
    for folder in uncommitted.difference(outside).filter(|folder| !changed.contains(*folder)) {
        tell(folder, "holds sources that are in no commit: the image is not called reproducible");
    }
    for folder in outside {
        let what = "lies outside of the workspace: cargo makes the digest depend on where the checkout lies; make it a member";
        tell(folder, what);
    }
}

/// Tells what a build read of a clean commit's checkout and is in no commit, beside whole folders of sources: `read`, what the settings have linked, the
/// manifests, the configurations, those of a home of cargo's in the checkout too, the toolchain files, the lock file. Whatever lies in the folder of a
/// published crate with a build script counts as read: one that tells nothing of it may have compiled it.
/// True where there is nothing: the commit alone says what is in the image.
///
/// # Errors
/// [`BuildError::Git`].
pub(super) fn told(
    plan: &BuildPlan,
    build: &NativeBuild,
    prepared: &Prepared,
    read: Option<Read>,
    sources: &Sources,
    effects: &Effects,
) -> Result<bool, BuildError> {
    let is_clean = plan.commit.as_ref().is_some_and(|commit| !commit.dirty);
    let Some(top) = prepared.tree.top().filter(|_| is_clean) else {
        return Ok(true);
    };
    let Some(mut read) = read else {
        let what = "cargo does not say which files were compiled: the image is not called reproducible";
        effects.warn(Stage::Build, what);
        return Ok(false);
    };
    read.linked.add_settings(&plan.root, build, &prepared.configurations);
    let chosen: Vec<String> = read.linked.chosen().map(str::to_owned).collect();
    let of_others = sources.of_others([target_dir(plan)]);
    let linked = read.linked.files(top, &read.compiled, effects.limits.document);
    let assembled = assembled(plan, prepared, &read, sources, effects);
    let named = sources.named(&read.named).into_iter().filter(|path| path.starts_with(top));
    let configurations = prepared.configurations.iter().map(|known| known.settled.clone());
    let configurations = configurations.filter(|path| path.starts_with(top));
    // No list of what was compiled names a manifest, and its features and paths decide as much as a source does.
    let manifests = sources
        .manifests
        .iter()
        .filter(|path| path.starts_with(top) && !sources.is_told(path));
    let own = prepared
        .tree
        .toolchain_files()
        .chain([prepared.project.workspace.join("Cargo.lock")]);
    let committed = Committed::of(top)?;
    let read = read.compiled.into_iter().chain(linked).chain(named).chain(assembled.files);
    let mut missing = committed.missing(read, &of_others);
    missing.extend(sources.with_a_script(top).flat_map(|folder| committed.missing_in(folder)));
    missing.extend(committed.missing(configurations.chain(own).chain(manifests.cloned()), &[]));
    for name in &chosen {
        let what = "to rustc, by which it chooses what compiles, links, or is loaded there: the image is not called reproducible";
        effects.warn(Stage::Build, format!("a build script gives {name} {what}"));
    }
    for path in assembled.unknown.iter().take(MOST_TOLD) {
        let what = "has assembler that may read files, and which ones cannot be told: the image is not called reproducible";
        effects.warn(Stage::Build, format!("{} {what}", path.display()));
    }
    for path in missing.iter().take(MOST_TOLD) {
        let what = "is in no commit, and was read by the build: the image is not called reproducible";
        effects.warn(Stage::Build, format!("{} {what}", path.display()));
    }
    if missing.len() > MOST_TOLD {
        let more = missing.len() - MOST_TOLD;
        effects.warn(
            Stage::Build,
            format!("{more} more files are in no commit, and were read by the build"),
        );
    }
    Ok(missing.is_empty() && chosen.is_empty() && assembled.unknown.is_empty())
}

/// What the assembler read for the sources of the checkout, and for those that build scripts made.
fn assembled(plan: &BuildPlan, prepared: &Prepared, read: &Read, sources: &Sources, effects: &Effects) -> Assembled {
    let (made, checkout) = (target_dir(plan), prepared.tree.folder());
    let is_of_it = |path: &&PathBuf| path.starts_with(checkout) || path.starts_with(&made);
    let own: BTreeSet<PathBuf> = read.compiled.iter().filter(is_of_it).cloned().collect();
    let places = [prepared.project.workspace.clone()];
    let is_published = |path: &Path| sources.is_published(path);
    Assembled::of(&own, &is_published, &places, effects.limits.document)
}
