//! One file or folder for each kind of package database, lock file or binary.

pub mod accounts;
pub mod apk;
pub mod binaries;
pub(super) mod capabilities;
pub mod cargo_auditable;
pub mod cargo_lock;
pub(super) mod cargo_patch;
pub(super) mod crates;
pub mod debian_copyright;
pub(super) mod distro;
pub mod dpkg;
pub(super) mod github_actions;
pub mod go_buildinfo;
pub mod java;
pub mod npm;
pub mod os_release;
mod pinned;
pub mod python;
pub mod rpm;
pub mod secrets;
pub mod setuid;

#[cfg(test)]
mod tests;

pub(super) use pinned::go_workspaces;

use super::cataloger::Cataloger;
use super::unread;

/// Every cataloger. To add one: a file, its `mod` line above, its entry here, a fixture folder.
pub static CATALOGERS: &[&dyn Cataloger] = &[
    &accounts::Accounts,
    &apk::Apk,
    &binaries::Binaries,
    &cargo_auditable::CargoAuditable,
    &cargo_lock::CargoLock,
    &cargo_patch::CargoPatch,
    &debian_copyright::DebianCopyright,
    &dpkg::Dpkg,
    &github_actions::GithubActions,
    &go_buildinfo::GoBuildInfo,
    &java::Java,
    &npm::installed::NpmInstalled,
    &npm::manifest::PackageManifest,
    &npm::lock_files::BUN_LOCK,
    &npm::lock_files::PACKAGE_LOCK,
    &npm::lock_files::PNPM_LOCK,
    &npm::lock_files::YARN_LOCK,
    &os_release::OsReleaseFile,
    &pinned::LOCK_FILES[0],
    &pinned::LOCK_FILES[1],
    &pinned::LOCK_FILES[2],
    &pinned::LOCK_FILES[3],
    &pinned::LOCK_FILES[4],
    &pinned::LOCK_FILES[5],
    &pinned::LOCK_FILES[6],
    &pinned::LOCK_FILES[7],
    &pinned::LOCK_FILES[8],
    &pinned::LOCK_FILES[9],
    &pinned::LOCK_FILES[10],
    &pinned::LOCK_FILES[11],
    &pinned::LOCK_FILES[12],
    &pinned::LOCK_FILES[13],
    &pinned::LOCK_FILES[14],
    &pinned::LOCK_FILES[15],
    &pinned::LOCK_FILES[16],
    &pinned::LOCK_FILES[17],
    &pinned::LOCK_FILES[18],
    &pinned::LOCK_FILES[19],
    &pinned::LOCK_FILES[20],
    &pinned::LOCK_FILES[21],
    &pinned::LOCK_FILES[22],
    &pinned::LOCK_FILES[23],
    &pinned::LOCK_FILES[24],
    &pinned::LOCK_FILES[25],
    &python::archives::PythonArchives,
    &python::installed::Python,
    &rpm::Rpm,
    &secrets::Secrets,
    &setuid::Setuid,
    &unread::LooseClasses,
    &unread::UnlockedManifests,
    &unread::UnreadLockFiles,
    &unread::UnreadPackageStores,
];
