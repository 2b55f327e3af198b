//! What rustc is, and the flags that make its output depend on nothing but its input.

use std::path::{Path, PathBuf};

use super::target::Target;
use crate::io::process::{ProcessError, Program};
use crate::io::{cargo, environment, git};
use crate::model::excused::Excused as _;
use crate::model::plan::{Link, NativeBuild};
use crate::stage::build::BuildError;

/// Every instruction has a line, also what a macro of another crate stands for, whose lines would be those of whoever writes its name.
/// `tests/gate/build/linked.rs` sees that no profile of a package comes between.
const LINE_TABLES: [&str; 4] = [
    "-Cdebuginfo=line-tables-only",
    "-Csplit-debuginfo=off",
    "-Ccollapse-macro-debuginfo=no",
    "-Cstrip=none",
];

/// The compiler that the source tree asks for.
#[derive(Debug, Clone)]
pub(super) struct Toolchain {
    /// `1.95.0`.
    pub(super) release: String,
    /// Where it runs: `x86_64-unknown-linux-gnu`.
    pub(super) host: String,
    commit: Option<String>,
    sysroot: PathBuf,
}

impl Toolchain {
    /// Asks the rustc that a folder's `rust-toolchain.toml` and the environment choose.
    ///
    /// # Errors
    /// [`BuildError::Toolchain`], [`BuildError::Answer`].
    pub(super) fn of(root: &Path) -> Result<Self, BuildError> {
        let (version, sysroot) = std::thread::scope(|scope| {
            let version = scope.spawn(|| rustc(root, &["-vV"]));
            let sysroot = rustc(root, &["--print", "sysroot"]);
            (
                version.join().unwrap_or_else(|_| unreachable!("asking rustc does not panic")),
                sysroot,
            )
        });
        let (version, sysroot) = (version?, PathBuf::from(sysroot?.trim()));
        let line = |key: &str| {
            version
                .lines()
                .find_map(|line| line.strip_prefix(key))
                .map(|value| value.trim().to_owned())
        };
        let host = line("host:").ok_or_else(|| BuildError::Answer {
            what: "rustc -vV",
            detail: "it names no host".to_owned(),
        })?;
        Ok(Self {
            release: line("release:").unwrap_or_default(),
            host,
            commit: line("commit-hash:").filter(|hash| hash != "unknown"),
            sysroot,
        })
    }

    /// True where the standard library of a target is installed.
    pub(super) fn has(&self, target: &str) -> bool {
        self.sysroot.join("lib/rustlib").join(target).join("lib").is_dir()
    }

    /// Every target that the compiler knows; empty where it does not say.
    pub(super) fn known(&self, root: &Path) -> Vec<String> {
        let answer = rustc(root, &["--print", "target-list"]).or_none("only a guess at a misspelt name hangs on it");
        answer.iter().flat_map(|list| list.lines()).map(str::to_owned).collect()
    }

    /// Flags for everything that runs in the image, joined as `CARGO_ENCODED_RUSTFLAGS` wants them. No path of this machine
    /// survives in the binary: panics and `file!()` name `/src`, `/cargo`, `/target` and `/rustc/…`.
    pub(super) fn flags(&self, build: &NativeBuild, target: &Target, workspace: &Path, target_dir: &Path) -> String {
        let mut flags: Vec<String> = Vec::new();
        match build.link {
            Link::Static => flags.push("-Ctarget-feature=+crt-static".to_owned()),
            Link::Dynamic => flags.push("-Ctarget-feature=-crt-static".to_owned()),
        }
        match build.keep_symbols {
            true => {}
            // They are read, and then nothing of them is published.
            false if self.has_line_tables() => flags.extend(LINE_TABLES.map(str::to_owned)),
            false => flags.push("-Cstrip=symbols".to_owned()),
        }
        let takes_linker_flags = target.linker(build).is_some_and(is_bare);
        let prefix = if takes_linker_flags { "" } else { "-Wl," };
        flags.push(format!("-Clink-arg={prefix}--build-id=none"));
        let remap = self.remap(workspace, target_dir);
        flags.extend(
            remap
                .0
                .iter()
                .map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display())),
        );
        flags.join("\x1f")
    }

    /// What stands for folders of this machine in whatever is compiled.
    pub(super) fn remap(&self, workspace: &Path, target_dir: &Path) -> Remap {
        let mut remap = Vec::new();
        let mut put = |from: &Path, to: &str| remap.push((from.to_owned(), to.to_owned()));
        match git::top_level(workspace) {
            Ok(Some(top)) => put(&top, "/src"),
            // Only names in messages hang on it; the run has asked git before, and would have ended.
            Ok(None) | Err(_) => put(workspace, "/src"),
        }
        if let Some(home) = cargo::home() {
            put(&home, "/cargo");
        }
        put(target_dir, "/target");
        let hash = self.commit.as_deref().unwrap_or(&self.release);
        put(&self.sysroot.join("lib/rustlib/src/rust"), &format!("/rustc/{hash}"));
        Remap(remap)
    }

    /// True for a compiler that knows every flag of [`LINE_TABLES`]: the last of them came with 1.79.
    pub(super) fn has_line_tables(&self) -> bool {
        let release = self.release.split('-').next().unwrap_or_default();
        let release = semver::Version::parse(release).or_none("then it is no compiler that anybody knows");
        release.is_some_and(|release| release >= semver::Version::new(1, 79, 0))
    }
}

/// Prefixes of paths and what rustc writes for each. Of several that match it takes the last one.
#[derive(Debug, Clone)]
pub(super) struct Remap(Vec<(PathBuf, String)>);

impl Remap {
    /// A path as rustc writes it.
    pub(super) fn path(&self, path: &Path) -> String {
        let found = self
            .0
            .iter()
            .rev()
            .find_map(|(from, to)| Some((path.strip_prefix(from), to)).filter(|(rest, _)| rest.is_ok()));
        match found {
            Some((Ok(rest), to)) if rest.as_os_str().is_empty() => to.clone(),
            Some((Ok(rest), to)) => format!("{to}/{}", rest.display()),
            _ => path.display().to_string(),
        }
    }
}

/// True for a linker that is not called through a C compiler, as rustc tells it by its name: `ld`, `rust-lld`, `aarch64-linux-gnu-ld`.
fn is_bare(linker: &str) -> bool {
    let stem = Path::new(linker).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    matches!(stem, "ld" | "lld" | "rust-lld") || stem.ends_with("-ld")
}

/// The compiler that is asked, and that cargo is told to take: a configuration of the tree names no other one.
pub(super) fn program() -> String {
    let named = environment::variable("RUSTC").and_then(|program| program.into_string().or_none("cargo says what is wrong with it"));
    named.unwrap_or_else(|| "rustc".to_owned())
}

fn rustc(root: &Path, args: &[&str]) -> Result<String, BuildError> {
    let answer = Program::new(&program()).args(args).current_dir(root).stdout();
    match answer {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(source @ ProcessError::Start { .. }) => Err(BuildError::Toolchain { program: "rustc", source }),
        Err(source) => Err(BuildError::Cargo {
            what: "the version of rustc",
            source,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_by_the_last_prefix_that_matches() {
        let remap = Remap(
            ["/home/a", "/home/a/svc/.portcullis/cargo"]
                .map(PathBuf::from)
                .into_iter()
                .zip(["/src", "/target"].map(str::to_owned))
                .collect(),
        );
        assert_eq!(remap.path(Path::new("/home/a/svc/src/main.rs")), "/src/svc/src/main.rs");
        assert_eq!(remap.path(Path::new("/home/a")), "/src");
        assert_eq!(remap.path(Path::new("/home/a/svc/.portcullis/cargo/x.rs")), "/target/x.rs");
        assert_eq!(remap.path(Path::new("/home/ab")), "/home/ab");
    }

    #[test]
    fn a_linker_without_a_compiler_around_it_is_known_by_its_name() {
        for bare in ["ld", "rust-lld", "ld.lld", "/usr/bin/aarch64-linux-gnu-ld", "ld.mold"] {
            assert!(is_bare(bare), "{bare}");
        }
        for compiler in ["cc", "aarch64-linux-gnu-gcc", "clang", "/opt/ld/bin/gcc", "build"] {
            assert!(!is_bare(compiler), "{compiler}");
        }
    }
}
