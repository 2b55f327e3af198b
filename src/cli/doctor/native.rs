//! The programs that build a Cargo package.

use std::path::{Path, PathBuf};

use super::Check;
use super::version::version;
use crate::cli::session::Session;
use crate::cli::wiring::is_locked;
use crate::io::git;
use crate::io::process::Program;
use crate::model::error_chain::chain;
use crate::model::excused::Excused as _;
use crate::model::plan::{CargoCommand, NativeBuild};

const STAGE: &str = "build";

/// cargo, what links, what is built for, and the lock file.
pub(super) async fn native(session: &Session<'_>, build: &NativeBuild, named: bool) -> Vec<Check> {
    let root = &session.workspace.root;
    let is_crate = root.join("Cargo.toml").is_file();
    if !is_crate && !named {
        let said = "there is nothing here that is known to be built: no Cargo.toml, no Dockerfile";
        return vec![Check::not_needed("builder", STAGE, said)];
    }
    let cargo = match version("cargo", &["--version"]).await {
        Ok(said) => Check::there("cargo", STAGE, said),
        Err(said) => Check::missing("cargo", STAGE, said, "install Rust: the service is a crate").configured(named),
    };
    let compiler = match version("cc", &["--version"]).await {
        Ok(said) => Check::there("C compiler", STAGE, said),
        Err(said) => Check::missing(
            "C compiler",
            STAGE,
            said,
            "install one with a static libc (Debian: apt-get install build-essential)",
        ),
    };
    // A lock file above the checkout is not the service's.
    let top = git::top_level(root)
        .or_none("what git says of the folder is told among the other checks")
        .flatten();
    let is_locked = is_locked(root, top.as_deref().unwrap_or(root));
    let lock = match (is_crate, is_locked) {
        (true, true) => Check::there("Cargo.lock", STAGE, "versions are pinned"),
        (true, false) => Check::missing(
            "Cargo.lock",
            STAGE,
            "Cargo.toml is here, Cargo.lock is not",
            "cargo generate-lockfile, and commit it",
        ),
        (false, _) => Check::missing(
            "Cargo.toml",
            STAGE,
            "[build] using = \"native\" builds a crate, and none is here",
            "name its folder with -C",
        )
        .configured(named),
    };
    let mut checks = vec![cargo, compiler, lock];
    checks.extend(build.targets.iter().map(|target| standard_library(root, target)));
    if build.cargo == CargoCommand::Zigbuild {
        let next = "cargo install --locked cargo-zigbuild, and pip install ziglang";
        checks.push(answers("cargo zigbuild", "cargo", &["zigbuild", "--help"], next).await);
    }
    for linker in build.linkers.values() {
        let path = if linker.contains('/') { root.join(linker) } else { linker.into() };
        let next = "install it, or correct [build] linker";
        checks.push(answers(&format!("linker {linker}"), &path.to_string_lossy(), &["--version"], next).await);
    }
    checks
}

/// Whether rustc can build for a target: with a version of glibc behind its name for `cargo zigbuild`.
fn standard_library(root: &Path, target: &str) -> Check {
    let triple = target.split('.').next().unwrap_or(target);
    let name = format!("Rust for {triple}");
    let asked = Program::new("rustc")
        .args(["--print", "target-libdir", "--target", triple])
        .current_dir(root)
        .stdout();
    let folder = asked.map(|folder| PathBuf::from(String::from_utf8_lossy(&folder).trim()));
    match folder {
        Ok(folder) if folder.is_dir() => Check::there(name, STAGE, "its standard library is installed"),
        Ok(_) => {
            let next = format!("rustup target add {triple}");
            Check::missing(name, STAGE, "its standard library is not installed", next).configured(true)
        }
        Err(error) => Check::missing(name, STAGE, chain(&error), "correct [build] targets: `rustc --print target-list`").configured(true),
    }
}

async fn answers(name: &str, program: &str, arguments: &[&str], next: &str) -> Check {
    match version(program, arguments).await {
        Ok(said) => Check::there(name, STAGE, said),
        Err(said) => Check::missing(name, STAGE, said, next).configured(true),
    }
}
