//! What a lock file says, whichever package manager wrote it.

use std::collections::HashMap;

use crate::io::lockfile::Trouble;
use crate::model::excused::Excused as _;
use crate::model::inventory::{Origin, Scope};

/// What npm's, pnpm's, Yarn's and Bun's lock files have in common.
#[derive(Debug, Default)]
pub struct NpmLock {
    /// Everything that the file lists, published or of the tree.
    pub packages: Vec<Package>,
    /// Packages of the tree that the file knows by their folders alone (pnpm's importers).
    pub projects: Vec<Project>,
    /// Whether what the tree itself asks for must be looked up in its `package.json` files.
    pub manifests: Manifests,
    /// What could not be read.
    pub troubles: Vec<Trouble>,
}

/// One version of a package, with where it is fetched from.
#[derive(Debug)]
pub struct Package {
    /// `None` where the entry does not say which package it is: the top of a tree without a name, or a broken entry, which is a trouble too.
    pub identity: Option<Identity>,
    /// Where it was fetched from.
    pub origin: Origin,
    /// What the tree needs it for, as far as the file says that.
    pub scope: Scope,
    /// As npm's lock file repeats it.
    pub license: Option<String>,
    /// Of a package of the tree: its folder, relative to the lock file's.
    pub folder: Option<String>,
    /// True for a folder that the file itself gives to somebody who asks for a published package.
    pub is_given: bool,
    /// What it asks for, as far as the file has a package for it.
    pub needs: Vec<Need>,
    /// From 1.
    pub line: u32,
}

/// Which package an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// With its scope: `@babel/core`.
    pub name: String,
    /// Empty for a package from elsewhere than a registry that names none.
    pub version: String,
}

/// What a package of the tree asks for that is not listed itself.
#[derive(Debug)]
pub struct Project {
    /// Relative to the lock file's; `.` is that one.
    pub folder: String,
    /// What it asks for.
    pub needs: Vec<Need>,
}

/// One package asks for another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// The name that it is asked for by, which is not that of the package where it is an alias.
    pub name: String,
    /// As it is written: `^1.2`, `npm:other@^1`, `workspace:*`. `None` where the file does not repeat it.
    pub range: Option<String>,
    /// What it needs the other one for.
    pub scope: Scope,
    /// The package that it leads to, by its index in [`NpmLock::packages`].
    pub gets: usize,
}

/// Where the ranges stand that the packages of the tree ask for.
#[derive(Debug, Default)]
pub enum Manifests {
    /// In the lock file too.
    #[default]
    Repeated,
    /// In manifests only; a name leads to one package (version 1 of npm's).
    ByName(HashMap<String, usize>),
    /// In manifests only; `name@range` leads to one package (yarn 1).
    ByPattern(HashMap<String, usize>),
}

impl NpmLock {
    /// The package that a manifest of the tree gets for what it asks for, where the file does not repeat that.
    #[must_use]
    pub fn gets(&self, name: &str, range: &str) -> Option<&Package> {
        let at = match &self.manifests {
            Manifests::Repeated => None,
            Manifests::ByName(top) => top.get(name),
            Manifests::ByPattern(patterns) => patterns.get(&format!("{name}@{range}")),
        };
        self.packages.get(*at?)
    }

    /// What was read of a line; why it was not is told.
    pub(super) fn or_unread<T>(&mut self, line: u32, read: Result<T, String>) -> Option<T> {
        read.map_err(|odd| self.unread(format!("line {line}: {odd}")))
            .or_none("it was told")
    }

    pub(super) fn unread(&mut self, detail: impl Into<String>) {
        self.troubles.push(Trouble::unread(detail));
    }
}
