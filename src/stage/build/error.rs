//! Why there is no image.

use std::path::PathBuf;

use super::cause::Cause;
use super::dockerfile_error::DockerfileError;
use super::native_error::NativeError;
use super::nearest_help::nearest_help;
use crate::io::archive::ArchiveError;
use crate::io::files::FileError;
use crate::io::git::GitError;
use crate::io::layers::LayerError;
use crate::io::oci_layout::LayoutError;
use crate::io::process::ProcessError;
use crate::io::registry::RemoteError;
use crate::model::exit_kind::ExitKind;

/// Why there is no image.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[expect(missing_docs, reason = "the message says what each value is")]
pub enum BuildError {
    /// There is no cargo, or no rustc.
    #[error("the native builder needs {program}, which could not be started")]
    #[diagnostic(
        code(build::toolchain),
        help("install Rust (https://rustup.rs), or judge an image that exists: `[build] using = \"image\"`")
    )]
    Toolchain {
        /// `cargo` or `rustc`.
        program: &'static str,
        source: ProcessError,
    },
    /// A question to cargo or rustc that failed.
    #[error("{what} cannot be read")]
    #[diagnostic(code(build::cargo))]
    Cargo {
        /// What was asked: `the workspace`.
        what: &'static str,
        source: ProcessError,
    },
    /// cargo or rustc gave an answer that is not understood.
    #[error("{what} gave an answer that is not understood: {detail}")]
    #[diagnostic(code(build::answer), help("this version of cargo may be newer than portcullis knows"))]
    Answer { what: &'static str, detail: String },
    /// No `Cargo.toml`.
    #[error("{} has no Cargo.toml", root.display())]
    #[diagnostic(
        code(build::no_manifest),
        help(
            "the native builder builds a Cargo package: point -C at its folder; a Dockerfile is built with `[build] using = \"buildkit\"`, an image that \
             exists is judged with `using = \"image\"`, and `portcullis init` writes what fits"
        )
    )]
    NoManifest { root: PathBuf },
    /// No `Cargo.lock`.
    #[error("there is no {}", path.display())]
    #[diagnostic(
        code(build::no_lock),
        help("without a lock file, two builds of one commit may differ: run `cargo generate-lockfile` and commit Cargo.lock")
    )]
    NoLock {
        /// Where it should be.
        path: PathBuf,
    },
    /// `Cargo.lock` does not fit `Cargo.toml`.
    #[error("Cargo.lock does not fit Cargo.toml any more")]
    #[diagnostic(
        code(build::stale_lock),
        help("run `cargo update --workspace` (or any cargo command), and commit Cargo.lock")
    )]
    StaleLock {
        /// What cargo says.
        source: ProcessError,
    },
    /// No package of that name.
    #[error("the workspace has no package `{name}`")]
    #[diagnostic(code(build::unknown_package), help("{}", nearest_help("build.package", nearest.as_deref(), known)))]
    UnknownPackage {
        /// The name that was asked for.
        name: String,
        /// The most similar one.
        nearest: Option<String>,
        /// Every package, sorted.
        known: Vec<String>,
    },
    /// The package has no binary.
    #[error("package `{package}` has no binary target")]
    #[diagnostic(
        code(build::no_binary),
        help("a service needs a `src/main.rs` or a `[[bin]]`; set build.package to the package that has it")
    )]
    NoBinary { package: String },
    /// The package has several binaries, and none or another was named.
    #[error("{}", which_binary(package, asked.as_deref(), known.len()))]
    #[diagnostic(code(build::which_binary), help("{}", nearest_help("build.bin", nearest.as_deref(), known)))]
    WhichBinary {
        package: String,
        /// The name that was asked for.
        asked: Option<String>,
        /// The most similar one.
        nearest: Option<String>,
        /// Every binary, sorted.
        known: Vec<String>,
    },
    /// The base image has no variant for the machine.
    #[error("`{base}` has no image for {wanted}")]
    #[diagnostic(code(build::base_platform), help("it has: {}", has.join(", ")))]
    BasePlatform {
        /// The base, as configured.
        base: String,
        /// The platform that is built for.
        wanted: String,
        /// The platforms that it has.
        has: Vec<String>,
    },
    /// There is nothing to link a static binary with.
    #[error("a static binary cannot be linked here: neither glibc's static library nor the Rust target `{musl}` is installed")]
    #[diagnostic(
        code(build::no_static_libc),
        help("Debian, Ubuntu: `apt install libc6-dev` · Fedora: `dnf install glibc-static` · anywhere: `rustup target add {musl}`")
    )]
    NoStaticLibc {
        /// The musl target that would do.
        musl: String,
    },
    /// The binary asks for a dynamic loader.
    #[error("{} is not static: it asks for the loader {interpreter}", path.display())]
    #[diagnostic(
        code(build::not_static),
        help(
            "a dependency links a shared library: choose a crate feature that bundles or vendors it, or link dynamically upon an image that has it (`[build] link = \"dynamic\"`, `base = \"registry:…@sha256:…\"`)"
        )
    )]
    NotStatic { path: PathBuf, interpreter: String },
    /// The binary is no ELF file that we can read.
    #[error("{} is no ELF executable for 64-bit little-endian Linux: {reason}", path.display())]
    #[diagnostic(code(build::elf))]
    Elf { path: PathBuf, reason: String },
    /// The code does not compile.
    #[error("`{package}` does not compile\n{tail}")]
    #[diagnostic(code(build::compile), help("nothing was judged: fix it, and see all of it with `{command}`"))]
    Compile {
        package: String,
        /// The end of what cargo said.
        tail: String,
        /// The gate's own, as it is shown: `cargo build --profile dist --locked --package pay`.
        command: String,
    },
    /// Crates could not be had.
    #[error("cargo could not get the crates\n{tail}")]
    #[diagnostic(code(build::crates), help("{}", if *offline { "with --offline, every crate must be in cargo's cache: run `cargo fetch --locked` once with a network" } else { "check the network or the registry, and run again: what was downloaded is kept" }))]
    Crates {
        /// The end of what cargo said.
        tail: String,
        /// No network was allowed.
        offline: bool,
    },
    /// Two builds of one commit gave two images.
    #[error("a second build from nothing gave another image: {place}, {what}")]
    #[diagnostic(code(build::not_reproducible), help("the likely cause is {cause}"))]
    NotReproducible {
        /// `layer 3 (RUN npm ci)`.
        place: String,
        /// `srv/made: bytes 11 to 19`.
        what: String,
        /// Why, by the look of it.
        cause: Cause,
    },
    /// A Dockerfile that gave no image.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Dockerfile(#[from] DockerfileError),
    /// A Cargo package that gave no image, where more than its default build was asked for.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Native(#[from] NativeError),
    /// Git could not be asked what is ignored.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Git(#[from] GitError),
    /// The disk is full.
    #[error("the disk is full")]
    #[diagnostic(code(build::disk_full), help("make room where {} lies, or name another folder with --output", folder.display()))]
    DiskFull {
        /// The folder that is written to.
        folder: PathBuf,
    },
    /// A builder or a form of image that is not there.
    #[error("{what} is not available")]
    #[diagnostic(code(build::unavailable), help("{help}"))]
    Unavailable {
        what: String,
        /// What to do instead.
        help: String,
    },
    /// Somebody asked to stop.
    #[error("the build was interrupted")]
    #[diagnostic(code(build::interrupted))]
    Interrupted,
    /// An archive of an image is not whole, or is none.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Archive(#[from] ArchiveError),
    /// An image in a registry could not be had, or does not hold together.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Remote(#[from] RemoteError),
    /// A container engine's program did not do its work.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Engine(ProcessError),
    /// A layer does not hold together.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Layer(#[from] LayerError),
    /// An image is not whole, or could not be written.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Layout(#[from] LayoutError),
    /// A file could not be read or written.
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(#[from] FileError),
}

fn which_binary(package: &str, asked: Option<&str>, known: usize) -> String {
    match asked {
        Some(asked) => format!("package `{package}` has no binary `{asked}`"),
        None => format!("package `{package}` has {known} binaries, and none was named"),
    }
}

impl BuildError {
    /// True where something could not be written for want of room.
    pub(super) fn is_of_a_full_disk(&self) -> bool {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(self);
        while let Some(error) = cause {
            let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
            if matches!(kind, Some(std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)) {
                return true;
            }
            cause = error.source();
        }
        false
    }

    /// How the run ends.
    #[must_use]
    pub fn exit_kind(&self) -> ExitKind {
        match self {
            Self::Toolchain { .. }
            | Self::NoManifest { .. }
            | Self::NoLock { .. }
            | Self::StaleLock { .. }
            | Self::UnknownPackage { .. }
            | Self::NoBinary { .. }
            | Self::WhichBinary { .. }
            | Self::BasePlatform { .. }
            | Self::NoStaticLibc { .. }
            | Self::NotStatic { .. }
            | Self::Unavailable { .. } => ExitKind::Usage,
            // No image, no verdict: not the user's flags, and not a finding either.
            Self::Cargo { .. }
            | Self::Answer { .. }
            | Self::Elf { .. }
            | Self::Compile { .. }
            | Self::NotReproducible { .. }
            | Self::DiskFull { .. } => ExitKind::Undecidable,
            Self::Crates { .. } => ExitKind::Unreachable,
            Self::Dockerfile(error) => error.exit_kind(),
            Self::Native(error) => error.exit_kind(),
            Self::Git(_) => ExitKind::Usage,
            Self::Interrupted => ExitKind::Interrupted,
            Self::Archive(error) => error.exit_kind(),
            Self::Remote(error) => error.exit_kind(),
            Self::Engine(error) if error.is_of_an_absent_image() => ExitKind::Usage,
            Self::Engine(_) => ExitKind::Unreachable,
            Self::Layer(_) => ExitKind::Undecidable,
            Self::Layout(error) => error.exit_kind(),
            Self::File(error) => error.exit_kind(),
        }
    }
}
