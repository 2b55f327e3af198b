//! Lock files that are a list of names and versions. *Takes* a file's text. *Gives* a component for each pin, with its line where that is told.
//! *Invariant*: an entry that pins nothing that can be looked up is a gap.
//!
//! To add one: a file with its `read`, its row in [`LOCK_FILES`], its entry in the catalogers, a fixture folder; and its row in `unread` goes.

mod bundler;
mod composer;
mod format;
mod go_mod;
mod gradle;
mod mix;
mod nuget;
mod pipfile;
mod pubspec;
mod requirements;
mod toml_packages;

pub(super) use format::LockFormat;

/// Every format of this shape.
pub(super) static LOCK_FILES: [LockFormat; 12] = [
    LockFormat::new("bundler", "gem", bundler::is_file, bundler::read),
    LockFormat::new("composer", "composer", composer::is_file, composer::read),
    LockFormat::new("go-mod", "golang", go_mod::is_file, go_mod::read),
    LockFormat::new("gradle", "maven", gradle::is_file, gradle::read),
    LockFormat::new("mix", "hex", mix::is_file, mix::read),
    LockFormat::new("nuget", "nuget", nuget::is_file, nuget::read),
    LockFormat::new("pipfile", "pypi", pipfile::is_file, pipfile::read),
    LockFormat::new("pubspec", "pub", pubspec::is_file, pubspec::read),
    LockFormat::new("requirements", "pypi", requirements::is_file, requirements::read),
    LockFormat::new("uv", "pypi", |name| name == "uv.lock", toml_packages::read_uv),
    LockFormat::new(
        "poetry",
        "pypi",
        |name| matches!(name, "poetry.lock" | "pdm.lock"),
        toml_packages::read_poetry,
    ),
    LockFormat::new("pylock", "pypi", toml_packages::is_pylock, toml_packages::read_pylock),
];
