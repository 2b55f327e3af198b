//! Lock files, and lists of what is installed, that are names and versions. *Takes* a file's text. *Gives* a component for each pin, with its line where that is told.
//! *Invariant*: an entry that pins nothing that can be looked up is a gap.
//!
//! To add one: a file with its `read`, its row in [`LOCK_FILES`], its entry in the catalogers, a fixture folder; and its row in `unread` goes.

mod bundler;
mod composer;
mod conan;
mod deno;
mod dotnet;
mod erlang;
mod format;
mod gemspec;
mod go_graph;
mod go_imports;
mod go_mod;
mod go_mod_lines;
mod go_tree;
pub(in crate::stage::inventory) mod go_workspaces;
mod gradle;
mod haskell;
mod hex;
mod line_ends;
mod maven;
mod mix;
mod nuget;
mod nuget_config;
mod pin;
mod pipfile;
mod pubspec;
mod quoted_lines;
mod renv;
mod requirements;
mod requirements_lines;
mod requirements_options;
mod stand_ins;
mod swift;
mod terms;
mod toml_packages;
mod uv;

use crate::stage::inventory::cataloger::Domain;

pub(super) use format::LockFormat;

/// Every format of this shape.
pub(super) static LOCK_FILES: [LockFormat; 26] = [
    LockFormat::new("bundler", "`Gemfile.lock`, `gems.locked`", "gem", bundler::is_file, bundler::read),
    LockFormat::new("composer", "`composer.lock`", "composer", composer::is_file, composer::read),
    LockFormat::new("go-mod", "`go.mod`", "golang", go_mod::is_file, go_mod::read),
    LockFormat::new("go-work", "`go.work`", "golang", go_mod::is_work_file, go_mod::read_work),
    LockFormat::new(
        "gradle",
        "`gradle.lockfile`, `gradle/dependency-locks/*.lockfile`",
        "maven",
        gradle::is_file,
        gradle::read,
    ),
    LockFormat::new("mix", "`mix.lock`", "hex", mix::is_file, mix::read),
    LockFormat::new("nuget", "`packages.lock.json`", "nuget", nuget::is_file, nuget::read),
    LockFormat::new("pipfile", "`Pipfile.lock`", "pypi", pipfile::is_file, pipfile::read),
    LockFormat::new("pubspec", "`pubspec.lock`", "pub", pubspec::is_file, pubspec::read),
    LockFormat::new(
        "requirements",
        "`requirements*.txt`, `*requirements.txt`, `requirements/*.txt`",
        "pypi",
        requirements::is_file,
        requirements::read,
    ),
    LockFormat::new("uv", "`uv.lock`", "pypi", |name| name == "uv.lock", uv::read),
    LockFormat::new(
        "poetry",
        "`poetry.lock`, `pdm.lock`",
        "pypi",
        |name| matches!(name, "poetry.lock" | "pdm.lock"),
        toml_packages::read_poetry,
    ),
    LockFormat::new(
        "pylock",
        "`pylock.toml`, `pylock.*.toml`",
        "pypi",
        toml_packages::is_pylock,
        toml_packages::read_pylock,
    ),
    LockFormat::new("cabal-freeze", "`cabal.project.freeze`", "hackage", haskell::is_file, haskell::read),
    LockFormat::new(
        "composer-installed",
        "`vendor/composer/installed.json`",
        "composer",
        composer::is_installed,
        composer::read_installed,
    )
    .found_in(Domain::Image),
    LockFormat::new("conan", "`conan.lock`", "conan", conan::is_file, conan::read),
    LockFormat::new("deno", "`deno.lock`", "npm", deno::is_file, deno::read),
    LockFormat::new(
        "dotnet",
        "`*.deps.json`, `project.assets.json`",
        "nuget",
        dotnet::is_file,
        dotnet::read,
    )
    .found_in(Domain::Both),
    LockFormat::new("gemspec", "`specifications/*.gemspec`", "gem", gemspec::is_file, gemspec::read).found_in(Domain::Image),
    LockFormat::new(
        "gleam",
        "`manifest.toml` of Gleam",
        "hex",
        |path| path == "manifest.toml",
        erlang::read_gleam,
    ),
    LockFormat::new(
        "nuget-config",
        "`packages.config`",
        "nuget",
        nuget_config::is_file,
        nuget_config::read,
    ),
    LockFormat::new(
        "pom",
        "`pom.xml`, as far as it fixes versions",
        "maven",
        maven::is_file,
        maven::read,
    ),
    LockFormat::new(
        "r-description",
        "`R/library/*/DESCRIPTION`, `site-library/*/DESCRIPTION`",
        "cran",
        renv::is_description,
        renv::read_description,
    )
    .found_in(Domain::Image),
    LockFormat::new("rebar", "`rebar.lock`", "hex", |name| name == "rebar.lock", erlang::read_rebar),
    LockFormat::new("renv", "`renv.lock`", "cran", renv::is_file, renv::read),
    LockFormat::new("swift", "`Package.resolved`", "swift", swift::is_file, swift::read),
];
