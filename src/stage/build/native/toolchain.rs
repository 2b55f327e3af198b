//! What rustc is, what it can link statically, and the flags that make its output depend on nothing but its input.

use std::path::{Path, PathBuf};

use crate::io::process::{ProcessError, Program};
use crate::io::{cargo, git};
use crate::model::image::Platform;
use crate::stage::build::BuildError;

/// The compiler that the source tree asks for.
#[derive(Debug, Clone)]
pub(super) struct Toolchain {
    /// `1.95.0`.
    pub(super) release: String,
    /// The target that gives a static binary: `x86_64-unknown-linux-gnu`.
    pub(super) target: String,
    commit: Option<String>,
    sysroot: PathBuf,
}

impl Toolchain {
    /// Asks the rustc that a folder's `rust-toolchain.toml` and the environment choose.
    ///
    /// # Errors
    /// [`BuildError::Toolchain`], [`BuildError::Host`], [`BuildError::NoStaticLibc`].
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
            target: static_target(&host, &sysroot)?,
            commit: line("commit-hash:").filter(|hash| hash != "unknown"),
            sysroot,
        })
    }

    /// The platform that the target's binaries run on.
    pub(super) fn platform(&self) -> Platform {
        let (architecture, variant) = match self.target.split('-').next().unwrap_or_default() {
            "x86_64" => ("amd64", None),
            "aarch64" => ("arm64", None),
            "powerpc64le" => ("ppc64le", None),
            "riscv64gc" => ("riscv64", None),
            other => (other, None),
        };
        Platform {
            os: "linux".to_owned(),
            architecture: architecture.to_owned(),
            variant,
        }
    }

    /// Flags for everything that runs in the image, joined as `CARGO_ENCODED_RUSTFLAGS` wants them. No path of this machine
    /// survives in the binary: panics and `file!()` name `/src`, `/cargo`, `/target` and `/rustc/…`.
    pub(super) fn flags(&self, workspace: &Path, target_dir: &Path) -> String {
        let mut flags: Vec<String> = ["-Ctarget-feature=+crt-static", "-Cstrip=symbols", "-Clink-arg=-Wl,--build-id=none"]
            .map(str::to_owned)
            .into();
        // Of several prefixes that match, rustc takes the last one.
        let mut remap = |from: &Path, to: &str| flags.push(format!("--remap-path-prefix={}={to}", from.display()));
        match git::top_level(workspace) {
            Ok(Some(top)) => remap(&top, "/src"),
            // Only names in messages hang on it; the run has asked git before, and would have ended.
            Ok(None) | Err(_) => remap(workspace, "/src"),
        }
        if let Some(home) = cargo::home() {
            remap(&home, "/cargo");
        }
        remap(target_dir, "/target");
        let hash = self.commit.as_deref().unwrap_or(&self.release);
        remap(&self.sysroot.join("lib/rustlib/src/rust"), &format!("/rustc/{hash}"));
        flags.join("\x1f")
    }
}

fn rustc(root: &Path, args: &[&str]) -> Result<String, BuildError> {
    let answer = Program::new("rustc").args(args).current_dir(root).stdout();
    match answer {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(source @ ProcessError::Start { .. }) => Err(BuildError::Toolchain { program: "rustc", source }),
        Err(source) => Err(BuildError::Cargo {
            what: "the version of rustc",
            source,
        }),
    }
}

/// The host's own target where glibc's static library is there, else the musl target where it is.
fn static_target(host: &str, sysroot: &Path) -> Result<String, BuildError> {
    if !host.contains("-linux-") {
        return Err(BuildError::Host { host: host.to_owned() });
    }
    if host.contains("-musl") || has_static_libc() {
        return Ok(host.to_owned());
    }
    let musl = host.replace("-gnu", "-musl");
    if sysroot.join("lib/rustlib").join(&musl).join("lib").is_dir() {
        return Ok(musl);
    }
    Err(BuildError::NoStaticLibc { musl })
}

/// The C compiler answers with the bare name when it does not know where the library is.
fn has_static_libc() -> bool {
    let answer = Program::new("cc").args(["-print-file-name=libc.a"]).stdout();
    answer.is_ok_and(|path| Path::new(String::from_utf8_lossy(&path).trim()).is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_is_not_linux_is_told_so() {
        let error = static_target("aarch64-apple-darwin", Path::new("/")).expect_err("a Mac");
        assert!(matches!(error, BuildError::Host { .. }));
    }

    #[test]
    fn a_musl_host_links_statically_by_itself() {
        let target = static_target("aarch64-unknown-linux-musl", Path::new("/")).expect("target");
        assert_eq!(target, "aarch64-unknown-linux-musl");
    }
}
