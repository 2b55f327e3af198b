//! Folders on disk: a source tree, a single lock file, an unpacked root file system. Symbolic links are never followed.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::cataloger::{Cataloger, Domain, EntryHead, Want};
use super::catalogers::{cargo_patch, go_workspaces, npm};
use super::error::InventoryError;
use super::foreign::Foreign;
use super::image::behind_links;
use super::image::engine;
use super::image::facts::LayerFacts;
use super::image::links::Links;
use super::image::merge::{Layered, merge};
use super::image::requests::LayerRequests;
use super::image::scan::Scan;
use super::image::second_look::SecondLook;
use super::tree_walk::{Tree, unreadable};
use super::unread;
use crate::io::Effects;
use crate::io::git;
use crate::model::coverage::{Gap, GapKind};
use crate::model::excused::Excused as _;
use crate::model::inventory::{Component, Fact, FactKind, Inventory, Origin, Subject};
use crate::model::passed_over::{Exclusion, PassedOver, PassedReason};
use crate::model::purl::Purl;

/// Inventories a source tree, or a single file.
pub(super) fn source(path: &Path, exclude: &[Exclusion], effects: &Effects) -> Result<Inventory, InventoryError> {
    let metadata = fs::metadata(path).map_err(|source| unreadable(path, source))?;
    let catalogers = engine::of_domain(Domain::Source);
    let mut scan = Scan::new(&catalogers, &effects.limits, &|| std::ops::ControlFlow::Continue(()));
    let (mut unread, mut passed_over) = (Vec::new(), Vec::new());
    if metadata.is_dir() {
        let mut tree = Tree::new(path, effects, true);
        tree.foreign = Foreign::of(path, exclude, effects, &mut tree.gaps);
        tree.walk(&mut scan)?;
        passed_over = tree.foreign.passed_over();
        unread = tree.gaps;
    } else {
        single(path, &catalogers, effects, &mut scan)?;
    }
    let mut inventory = Inventory::new(subject(path));
    collect(&scan.finish(), effects, &mut inventory);
    inventory.gaps.append(&mut unread);
    inventory.passed_over = passed_over;
    if metadata.is_dir() {
        go_workspaces(path, effects, &mut inventory)?;
        keep_tracked_secrets(path, &mut inventory);
    } else {
        inventory.passed_over.extend(local_packages(&inventory.components));
    }
    // What builds it is not what it is.
    let is_empty = inventory.components.iter().all(Component::is_action);
    if is_empty && inventory.gaps.iter().all(|gap| gap.kind == GapKind::UnreadableWorkflow) {
        inventory.gaps.push(Gap {
            kind: GapKind::EmptyInventory,
            subject: path.components().collect::<PathBuf>().display().to_string(),
            detail: "no lock file or package list that is known was found in it".to_owned(),
            location: None,
        });
    }
    inventory.canonicalize();
    Ok(inventory)
}

/// The packages of a lock file alone that somebody needs and that are said to be local: they are not looked up, and may be copies of published ones.
/// In npm's, whoever was published cannot have meant a folder of this tree, and what such a one needs is known.
fn local_packages(components: &[Component]) -> Option<PassedOver> {
    let needed = |by_published: bool| -> HashSet<&Purl> {
        let by = components
            .iter()
            .filter(|component| !by_published || component.origin != Origin::Local);
        by.flat_map(|component| &component.dependencies).collect()
    };
    let (by_anybody, by_published) = (needed(false), needed(true));
    let is_open = |component: &&Component| match component.purl.kind.as_str() {
        "cargo" => by_anybody.contains(&component.purl),
        "npm" => by_published.contains(&component.purl),
        _ => false,
    };
    let local = components
        .iter()
        .filter(|component| component.root && component.origin == Origin::Local);
    let mut paths: Vec<String> = local
        .filter(is_open)
        .map(|component| format!("{} {}", component.name, component.version).trim_end().to_owned())
        .collect();
    paths.sort();
    let count = paths.len();
    paths.truncate(PassedOver::NAMED);
    (count > 0).then_some(PassedOver {
        reason: PassedReason::LocalPackages,
        statement: None,
        count,
        paths,
    })
}

/// What workspaces of Go have in the place of what modules require; they may lie above what is looked at.
fn go_workspaces(path: &Path, effects: &Effects, inventory: &mut Inventory) -> Result<(), InventoryError> {
    let root = path.canonicalize().map_err(|source| unreadable(path, source))?;
    // A module that requires nothing is told nowhere, and may be in a workspace all the same.
    let is_of_go = inventory.components.iter().any(|component| component.purl.kind == "golang");
    if !is_of_go && !root.ancestors().any(|above| above.join("go.work").is_file()) {
        return Ok(());
    }
    let top = git::top_level(&root)
        .or_none("without git's answer it is looked for as far up as Go does")
        .flatten();
    let tree = go_workspaces::Tree {
        root: &root,
        top: top.as_deref(),
        limits: &effects.limits,
    };
    go_workspaces::settle(&tree, &mut inventory.components, &mut inventory.gaps);
    Ok(())
}

/// A secret in a file that git does not track (a local `.env`) is where it belongs.
fn keep_tracked_secrets(root: &Path, inventory: &mut Inventory) {
    let is_secret = |fact: &Fact| fact.kind == FactKind::Secret;
    if !inventory.facts.iter().any(is_secret) {
        return;
    }
    // Without git's answer every secret counts as tracked; that it was asked for in vain is said by `Foreign`.
    if let Ok(Some(tracked)) = git::tracked_files(root) {
        let tracked: HashSet<PathBuf> = tracked.into_iter().collect();
        inventory
            .facts
            .retain(|fact| !is_secret(fact) || tracked.contains(Path::new(&fact.location.path)));
    }
}

/// Inventories an unpacked root file system as an image of one layer.
pub(super) fn rootfs(path: &Path, effects: &Effects) -> Result<Inventory, InventoryError> {
    let catalogers = engine::image_catalogers();
    let mut scan = Scan::new(&catalogers, &effects.limits, &|| std::ops::ControlFlow::Continue(()));
    let mut tree = Tree::new(path, effects, false);
    tree.walk(&mut scan)?;
    let mut unread = tree.gaps;
    let facts = scan.finish();
    let links = Links::new(&[&facts], effects.limits.link_depth);
    let asked = behind_links::requests(&catalogers, &[&facts], &links)?.pop().unwrap_or_default();
    let mut found = Vec::new();
    if !asked.is_answered() {
        let pulse = || std::ops::ControlFlow::Continue(());
        let mut look = SecondLook::new(&catalogers, (0, &asked), &links, &effects.limits, facts.paths.seed, &pulse);
        Tree::new(path, effects, false).walk(&mut look)?;
        found = look.finish();
    }
    let mut inventory = Inventory::new(subject(path));
    let layer = Layered {
        layer: None,
        part: None,
        facts: &facts,
        behind: &found,
        asked: &asked,
    };
    let name = inventory.subject.name.clone();
    merge(&[layer], &links, &name, None, &mut inventory);
    inventory.gaps.append(&mut unread);
    inventory.canonicalize();
    Ok(inventory)
}

fn subject(path: &Path) -> Subject {
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    Subject {
        name: whole.file_name().unwrap_or(whole.as_os_str()).to_string_lossy().into_owned(),
        digest: None,
        commit: None,
    }
}

/// Puts what was said of a tree into the inventory: nothing hides anything there, and paths stay relative.
fn collect(facts: &LayerFacts, effects: &Effects, inventory: &mut Inventory) {
    let links = Links::new(&[], effects.limits.link_depth);
    let layer = Layered {
        layer: None,
        part: None,
        facts,
        behind: &[],
        asked: &LayerRequests::default(),
    };
    let mut found = Inventory::new(inventory.subject.clone());
    merge(&[layer], &links, "", None, &mut found);
    found
        .gaps
        .retain(|gap| !matches!(gap.kind, GapKind::EmptyInventory | GapKind::UnownedExecutable));
    let relative = |path: &mut String| {
        if let Some(rest) = path.strip_prefix('/') {
            *path = rest.to_owned();
        }
    };
    for component in &mut found.components {
        component.locations.iter_mut().for_each(|l| relative(&mut l.path));
    }
    cargo_patch::mark(&mut found.components, facts);
    let of_npm = facts.files.iter().filter(|file| file.path.ends_with("package.json"));
    let manifests: Vec<_> = of_npm.map(|file| (file.path.as_str(), file.needs.as_slice())).collect();
    let named = facts.files.iter().filter(|file| file.path.ends_with("package.json"));
    let named = named.filter_map(|file| file.manifest_of.as_ref());
    let named: Vec<_> = named.map(|(name, version)| (name.as_str(), version.as_str())).collect();
    npm::manifest::version_members(&mut found.components, &named);
    npm::manifest::mark(&mut found.components, &manifests);
    for fact in &mut found.facts {
        relative(&mut fact.location.path);
    }
    for gap in &mut found.gaps {
        relative(&mut gap.subject);
        if let Some(location) = &mut gap.location {
            relative(&mut location.path);
        }
    }
    unread::drop_locked(facts, &mut found.gaps);
    cargo_patch::drop_of_no_workspace(facts, &mut found.gaps);
    found.gaps.append(&mut unread::not_reached(facts));
    inventory.components = found.components;
    inventory.facts = found.facts;
    inventory.gaps = found.gaps;
}

/// Reads one file, as the lock file that its name ends with: `app.Cargo.lock` is a `Cargo.lock`.
fn single(path: &Path, catalogers: &[&dyn Cataloger], effects: &Effects, scan: &mut Scan<'_>) -> Result<(), InventoryError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let wanted = |name: &str| {
        let head = EntryHead {
            path: name,
            mode: 0o644,
            size: 1,
        };
        catalogers.iter().any(|cataloger| cataloger.wants(&head) == Want::Whole)
    };
    let tails = name.match_indices(['.', '-', '_']).map(|(at, _)| &name[at + 1..]);
    let Some(role) = std::iter::once(name.as_str()).chain(tails).find(|tail| wanted(tail)) else {
        return Err(InventoryError::UnknownFile { path: path.to_owned() });
    };
    let content = crate::io::files::read(path, effects.limits.wanted_file)?;
    scan.read_as(&name, role, &content);
    Ok(())
}
