//! Why a Cargo package gave no image, where more than its default build was asked for.

use std::path::PathBuf;

use crate::io::process::ProcessError;
use crate::model::exit_kind::ExitKind;

/// Why a Cargo package gave no image, where more than its default build was asked for.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[expect(missing_docs, reason = "the message says what each value is")]
pub enum NativeError {
    /// The machine links no Linux binary by itself.
    #[error("this machine is `{host}`: by itself it links no binary for Linux")]
    #[diagnostic(
        code(build::host),
        help(
            "what it can do: name Linux targets and what links for them, `[build] targets = [\"aarch64-unknown-linux-musl\"]` with `cargo = \"zigbuild\"` (or a `linker`); or build the image elsewhere and judge it with `[build] using = \"image\"`"
        )
    )]
    Host {
        /// rustc's name of this machine.
        host: String,
    },
    /// A target that nothing can be built for.
    #[error("`{target}` cannot be built for: {reason}")]
    #[diagnostic(code(build::target), help("{help}"))]
    Target {
        /// As it is configured.
        target: String,
        reason: String,
        help: String,
    },
    /// Two targets of one platform.
    #[error("`{first}` and `{second}` are both {platform}, and an image has one program for each platform")]
    #[diagnostic(code(build::same_platform), help("name one of them in `[build] targets`"))]
    SamePlatform {
        first: String,
        second: String,
        /// `linux/amd64`.
        platform: String,
    },
    /// The profile is not in the workspace.
    #[error("the workspace has no profile `{name}`")]
    #[diagnostic(code(build::profile), help("{}", super::nearest_help::nearest_help("build.profile", nearest.as_deref(), known)))]
    Profile {
        name: String,
        /// The most similar one.
        nearest: Option<String>,
        /// Every profile of `Cargo.toml` and of cargo, sorted.
        known: Vec<String>,
    },
    /// A program that is to start, and is none of the image's.
    #[error("`{name}` is none of the programs of the image")]
    #[diagnostic(
        code(build::entrypoint),
        help("{}", super::nearest_help::nearest_help("build.container.entrypoint", nearest.as_deref(), known))
    )]
    Entrypoint {
        name: String,
        /// The most similar one.
        nearest: Option<String>,
        /// Every program, in its order.
        known: Vec<String>,
    },
    /// A feature that no package of the build has.
    #[error("{package} has no feature `{name}`")]
    #[diagnostic(code(build::feature), help("{}", super::nearest_help::nearest_help("build.features", nearest.as_deref(), known)))]
    Feature {
        package: String,
        name: String,
        /// The most similar one.
        nearest: Option<String>,
        /// Every feature of the package, sorted.
        known: Vec<String>,
    },
    /// The program of the health check is not in the image.
    #[error("the health check's program `{program}` is not in the image: it would never be healthy")]
    #[diagnostic(
        code(build::health_program),
        help("name one that is ({}), choose a base that has it, or put it in with `[build] files`", have.join(", "))
    )]
    HealthProgram {
        program: String,
        /// The programs that are built.
        have: Vec<String>,
    },
    /// A user by a name that nobody knows in the image.
    #[error("`user = \"{user}\"`: {of} knows no such name, and would not start")]
    #[diagnostic(
        code(build::no_user),
        help(
            "write numbers (`user = \"1000:1000\"`) or `nonroot`; a name needs a base that has it, or `etc/passwd` among `[build] files`"
        )
    )]
    NoUser {
        user: String,
        /// What the programs are put upon.
        of: &'static str,
    },
    /// Two programs of one name.
    #[error("two programs are called `{name}`, and there is one /app/{name}")]
    #[diagnostic(code(build::same_program), help("rename one of the binary targets"))]
    SameProgram { name: String },
    /// `cargo zigbuild` is not there.
    #[error("`cargo zigbuild` does not answer")]
    #[diagnostic(
        code(build::zigbuild),
        help("install it and zig: `cargo install --locked cargo-zigbuild`, `pip install ziglang` (or both: `pip install cargo-zigbuild`)")
    )]
    NoZigbuild { source: ProcessError },
    /// The linker is not there.
    #[error("the linker `{linker}` for {target} could not be started")]
    #[diagnostic(
        code(build::linker),
        help(
            "`[build] linker` is a name on the PATH or a path relative to portcullis.toml (Debian, for aarch64: `apt install gcc-aarch64-linux-gnu`)"
        )
    )]
    NoLinker {
        linker: String,
        target: String,
        source: ProcessError,
    },
    /// The tree names a program that would have a part in its own build.
    #[error("{}: `{key}` {reason}", path.display())]
    #[diagnostic(code(build::own_tool), help("{help}"))]
    OwnTool {
        path: PathBuf,
        /// In that file.
        key: String,
        reason: &'static str,
        help: &'static str,
    },
    /// What was compiled for another platform could not be linked.
    #[error("what was compiled for {target} could not be linked\n{tail}")]
    #[diagnostic(
        code(build::cannot_link),
        help("name what links for it: `[build] cargo = \"zigbuild\"`, or `linker`, such as \"aarch64-linux-gnu-gcc\"")
    )]
    CannotLink {
        target: String,
        /// The end of what cargo said.
        tail: String,
    },
    /// What is compiled wrote into what cargo says of it.
    #[error("cargo's messages were disturbed: `{line}` is none of them, and so nobody knows what was compiled")]
    #[diagnostic(
        code(build::disturbed),
        help(
            "what compiles may write into them: a build script, a procedural macro that prints to stdout (make it `eprintln!`), a `rustc-wrapper` of .cargo/config.toml"
        )
    )]
    Disturbed {
        /// The start of the first such line.
        line: String,
    },
    /// Dynamic programs without what they are linked with.
    #[error("`link = \"dynamic\"` needs a base: `scratch` has neither a loader nor libraries")]
    #[diagnostic(
        code(build::needs_base),
        help("name an image that has them: `[build] base = \"registry:…@sha256:…\"`")
    )]
    NeedsBase,
    /// The base does not have the loader that a program asks for.
    #[error("{program} asks for the loader {interpreter}, and {reason}")]
    #[diagnostic(
        code(build::no_loader),
        help(
            "choose a base of the same C library (Debian and its like for `-gnu` targets, Alpine for `-musl`), or link statically: `[build] link = \"static\"`"
        )
    )]
    NoLoader {
        /// `/app/service`.
        program: String,
        interpreter: String,
        /// What the base has instead.
        reason: String,
    },
    /// A program for another machine than its image.
    #[error("{} is for another machine than {platform}", path.display())]
    #[diagnostic(
        code(build::wrong_machine),
        help("the linker gave what nobody asked for: see `[build] linker` and `.cargo/config.toml`")
    )]
    WrongMachine {
        path: PathBuf,
        /// `linux/arm64`.
        platform: String,
    },
    /// A file of the checkout that does not go into an image.
    #[error("`{from}` cannot be put into the image: {reason}")]
    #[diagnostic(code(build::files), help("{help}"))]
    Files {
        /// Relative to the root.
        from: String,
        reason: String,
        help: &'static str,
    },
    /// A file that is not what it was when it was looked at.
    #[error("{} changed while it was built: {reason}", path.display())]
    #[diagnostic(
        code(build::changed),
        help(
            "what is compiled (a build script, a procedural macro) or another program wrote there: what goes into the image may not be written by the build"
        )
    )]
    Changed { path: PathBuf, reason: String },
    /// Two things at one place of the image.
    #[error("two things would lie at {path}: {first} and {second}")]
    #[diagnostic(code(build::collision), help("give one of them another `to` in `[build] files`"))]
    Collision {
        /// In the image.
        path: String,
        first: String,
        second: String,
    },
}

impl NativeError {
    /// How the run ends.
    #[must_use]
    pub fn exit_kind(&self) -> ExitKind {
        match self {
            // No image, no verdict: not the user's flags, and not a finding either.
            Self::CannotLink { .. } | Self::WrongMachine { .. } | Self::Disturbed { .. } | Self::Changed { .. } => ExitKind::Undecidable,
            _ => ExitKind::Usage,
        }
    }
}
