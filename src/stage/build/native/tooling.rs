//! Programs of the tree that would have a part in its own build. What is compiled runs, and nobody can help that; but who is linked in is asked of
//! cargo before, and neither cargo nor the compiler nor what links may be the tree's to choose.

use std::path::{Path, PathBuf};

use super::configurations::{Configuration, Configurations};
use super::target::Target;
use crate::io::files::FileError;
use crate::io::limits::Limits;
use crate::io::{files, git};
use crate::model::excused::Excused as _;
use crate::model::plan::{CargoCommand, NativeBuild};
use crate::stage::build::{BuildError, NativeError};

/// Variables by which the loader, rustup, or the C compiler that links take another program or library, by name or by their beginning. cargo gives
/// `[env]` to rustc, too.
const NAMES: [&str; 9] = [
    "PATH",
    "RUSTC",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "GCC_EXEC_PREFIX",
    "COMPILER_PATH",
    "CCC_OVERRIDE_OPTIONS",
    "GCONV_PATH",
    "BASH_ENV",
];
const BEGINNINGS: [&str; 6] = ["LD_", "DYLD_", "RUSTUP_", "CARGO_ZIGBUILD", "ZIG_", "COLLECT_"];

/// True for a variable by which whoever gives it to rustc chooses what compiles, links, or is loaded there.
pub(super) fn is_a_choice(name: &str) -> bool {
    NAMES.contains(&name) || BEGINNINGS.iter().any(|begin| name.starts_with(begin))
}

/// What the tree may not choose, and what to write instead.
const VARIABLE: (&str, &str) = (
    "is given to the compiler, which would start or load what the tree names",
    "take it out; what the operator's own environment says of it holds, and a script that needs it for tests can set it itself",
);
const ALIAS: (&str, &str) = (
    "takes the place of `cargo zigbuild`, which builds and is asked for its version",
    "call the alias something else",
);
const LINKER: (&str, &str) = (
    "is a program of the checkout, and would link unrecorded",
    "name it in portcullis.toml, `[build] linker`: then it is in the provenance; or name one of the PATH",
);
const FLAGS: (&str, &str) = (
    "is added to the flags of the build, and can name another linker or a library for the compiler to load",
    "take it out: `[build]` of portcullis.toml says how programs are built",
);
const PROVIDER: (&str, &str) = (
    "is a program of the checkout, and would be given what logs in to a registry",
    "name a provider of cargo's or one of the PATH, in the operator's own configuration",
);
const LOCAL_REGISTRY: (&str, &str) = (
    "is a registry in a folder, whose crates cargo unpacks once and never compares again: those of another commit would be compiled",
    "use `directory` (`cargo vendor`), whose files are compared with their checksums",
);
const TOOLCHAIN: (&str, &str) = (
    "is a toolchain in the checkout: cargo and rustc would be the tree's own, and say of it what they like",
    "name a `channel`; a toolchain of one's own is linked by the operator (`rustup toolchain link`)",
);

/// The files that are judged, as far as they could choose what builds them.
#[derive(Debug)]
pub(super) struct Tree {
    /// The folder of portcullis.toml, without links.
    root: PathBuf,
    /// The top of the checkout; none outside of one.
    top: Option<PathBuf>,
}

impl Tree {
    /// Finds it.
    ///
    /// # Errors
    /// [`BuildError::Git`], [`BuildError::File`].
    pub(super) fn of(root: &Path) -> Result<Self, BuildError> {
        let root = files::settled(root).map_err(|source| FileError::Read {
            path: root.to_owned(),
            source,
        })?;
        let top = git::top_level(&root)?;
        Ok(Self { root, top })
    }

    /// The top of the checkout; none outside of one.
    pub(super) fn top(&self) -> Option<&Path> {
        self.top.as_deref()
    }

    /// All that belongs to it: the checkout, and outside of one the folder of portcullis.toml.
    pub(super) fn folder(&self) -> &Path {
        self.top().unwrap_or(&self.root)
    }

    /// Refuses a tree that chooses what builds it, before anything of it was started.
    ///
    /// # Errors
    /// [`NativeError::OwnTool`] with the file and the key; [`BuildError::File`].
    pub(super) fn chooses_nothing(&self, build: &NativeBuild, configurations: &Configurations, limits: &Limits) -> Result<(), BuildError> {
        for configuration in configurations.iter().filter(|known| self.holds(&known.path)) {
            Self::environment(configuration)?;
            self.programs(build, configuration)?;
            Self::profiles(&configuration.path, &configuration.table)?;
        }
        self.toolchain(limits)
    }

    /// Refuses a linker of the tree for what is built for, and for this machine, whose build scripts are linked too: before anything is compiled.
    ///
    /// # Errors
    /// [`NativeError::OwnTool`] with the file and the key.
    pub(super) fn links_nothing(
        &self,
        build: &NativeBuild,
        configurations: &Configurations,
        targets: &[Target],
        host: &str,
    ) -> Result<(), BuildError> {
        let is_named = |triple: &str| {
            targets
                .iter()
                .any(|target| target.triple == triple && target.linker(build).is_some())
        };
        let linked = targets.iter().map(|target| target.triple.as_str()).chain([host]);
        let open: Vec<&str> = linked.filter(|triple| !is_named(triple)).collect();
        for configuration in configurations.iter().filter(|known| self.holds(&known.path)) {
            for (target, table) in configuration.tables("target").chain(configuration.tables("host")) {
                let is_for_one = target.starts_with("cfg(") && !open.is_empty() || open.contains(&target.as_str());
                let linker = table.get("linker").and_then(toml::Value::as_str);
                if is_for_one && linker.is_some_and(|linker| self.brings(linker)) {
                    return Err(refused(&configuration.path, format!("target.{target}.linker"), LINKER));
                }
            }
        }
        Ok(())
    }

    /// True for a path that lies in the checkout by its name, or by where links lead.
    fn holds(&self, path: &Path) -> bool {
        let settled = path.canonicalize().or_none("what is not there lies where its name says");
        path.starts_with(self.folder()) || settled.is_some_and(|path| path.starts_with(self.folder()))
    }

    /// True for a program's name in a configuration of the tree that is a path into it: a relative one is relative to the configuration. What is not
    /// there, or is another place for each process (`/proc/self/cwd`), may be in it.
    fn brings(&self, program: &str) -> bool {
        let path = Path::new(program);
        let is_open = ["/proc", "/dev"].iter().any(|place| path.starts_with(place)) || path.symlink_metadata().is_err();
        program.contains('/') && (path.is_relative() || is_open || self.holds(path))
    }

    fn environment(configuration: &Configuration) -> Result<(), BuildError> {
        let own = configuration.table.get("env").and_then(toml::Value::as_table);
        let own = own.map(|table| ("env".to_owned(), table));
        // What stands in for a build script's answer gives variables to rustc, too, and arguments to what links.
        let answers: Vec<(String, &toml::Table)> = configuration
            .tables("target")
            .flat_map(|(target, of)| answers(target, of))
            .collect();
        let of_answers = answers
            .iter()
            .filter_map(|(key, answer)| Some((format!("{key}.rustc-env"), answer.get("rustc-env")?.as_table()?)));
        for (key, variables) in own.into_iter().chain(of_answers) {
            if let Some(name) = variables.keys().find(|name| is_a_choice(name)) {
                return Err(refused(&configuration.path, format!("{key}.{name}"), VARIABLE));
            }
        }
        for (key, answer) in &answers {
            let flags = answer
                .iter()
                .filter(|(name, _)| name.starts_with("rustc-flags") || name.starts_with("rustc-link-arg"));
            let chooses = |word: &&str| {
                ["-B", "-fuse-ld=", "-Clinker", "linker", "-specs"]
                    .iter()
                    .any(|flag| word.contains(flag))
            };
            if let Some((name, _)) = flags.into_iter().find(|(_, value)| words(value).iter().any(chooses)) {
                return Err(refused(&configuration.path, format!("{key}.{name}"), LINKER));
            }
        }
        Ok(())
    }

    /// Flags of a profile are added to those of the build, behind them.
    fn profiles(path: &Path, table: &toml::Table) -> Result<(), BuildError> {
        match table.get("profile").and_then(|profile| with_flags("profile", profile)) {
            Some(key) => Err(refused(path, key, FLAGS)),
            None => Ok(()),
        }
    }

    fn programs(&self, build: &NativeBuild, configuration: &Configuration) -> Result<(), BuildError> {
        let refuse = |key: String, why| Err(refused(&configuration.path, key, why));
        let aliases = configuration.table.get("alias").and_then(toml::Value::as_table);
        if build.cargo == CargoCommand::Zigbuild && aliases.is_some_and(|aliases| aliases.contains_key("zigbuild")) {
            return refuse("alias.zigbuild".to_owned(), ALIAS);
        }
        let of_the_host = configuration.table.get("host").and_then(|host| host.get("linker")?.as_str());
        if of_the_host.is_some_and(|linker| self.brings(linker)) {
            return refuse("host.linker".to_owned(), LINKER);
        }
        for (key, value) in providers(configuration) {
            if words(value).iter().any(|word| self.brings(word)) {
                return refuse(key, PROVIDER);
            }
        }
        for (name, source) in configuration.tables("source") {
            let is_file = |key: &str| {
                source
                    .get(key)
                    .and_then(toml::Value::as_str)
                    .is_some_and(|url| url.contains("file:"))
            };
            if source.contains_key("local-registry") || is_file("registry") {
                return refuse(format!("source.{name}"), LOCAL_REGISTRY);
            }
        }
        for (name, registry) in configuration.tables("registries") {
            let index = registry.get("index").and_then(toml::Value::as_str);
            if index.is_some_and(|url| url.contains("file:")) {
                return refuse(format!("registries.{name}.index"), LOCAL_REGISTRY);
            }
        }
        Ok(())
    }

    /// Files of the tree that may choose a toolchain. Source: the rustup book, "The toolchain file".
    pub(super) fn toolchain_files(&self) -> impl Iterator<Item = PathBuf> {
        let folders = self.root.ancestors().take_while(|folder| folder.starts_with(self.folder()));
        let named = folders.flat_map(|folder| ["rust-toolchain", "rust-toolchain.toml"].map(|name| folder.join(name)));
        named.filter(|path| path.is_file())
    }

    fn toolchain(&self, limits: &Limits) -> Result<(), BuildError> {
        let folders = self.root.ancestors().take_while(|folder| folder.starts_with(self.folder()));
        for path in folders.map(|folder| folder.join("Cargo.toml")).filter(|path| path.is_file()) {
            let text = files::read_text(&path, limits.document)?;
            if let Some(manifest) = text.parse::<toml::Table>().or_none("cargo says what is wrong with it") {
                Self::profiles(&path, &manifest)?;
            }
        }
        for path in self.toolchain_files() {
            let text = files::read_text(&path, limits.document)?;
            // In the old form it is a line: a name, or a path.
            let table = text.parse::<toml::Table>().or_none("then it is the old form, or rustup refuses it");
            let place = match &table {
                Some(table) => table.get("toolchain").and_then(|toolchain| toolchain.get("path")?.as_str()),
                None => Some(text.trim_start_matches('\u{feff}').trim()).filter(|line| line.contains('/')),
            };
            if place.is_some_and(|place| self.brings(&format!("{place}/"))) {
                return Err(refused(&path, "toolchain.path".to_owned(), TOOLCHAIN));
            }
        }
        Ok(())
    }
}

/// What a configuration says in the place of a build script, by `links`. Source: the Cargo book, "Overriding Build Scripts".
fn answers<'c>(target: &str, of: &'c toml::Table) -> Vec<(String, &'c toml::Table)> {
    let tables = of.iter().filter_map(|(name, value)| Some((name, value.as_table()?)));
    tables.map(|(name, table)| (format!("target.{target}.{name}"), table)).collect()
}

/// The first key in a profile, or in what it says of packages, that gives rustc flags or another code generator.
fn with_flags(above: &str, value: &toml::Value) -> Option<String> {
    value.as_table()?.iter().find_map(|(name, value)| {
        let key = format!("{above}.{name}");
        match name.as_str() {
            "rustflags" | "codegen-backend" => Some(key),
            _ => with_flags(&key, value),
        }
    })
}

fn refused(path: &Path, key: String, (reason, help): (&'static str, &'static str)) -> BuildError {
    NativeError::OwnTool {
        path: path.to_owned(),
        key,
        reason,
        help,
    }
    .into()
}

/// Where a configuration names programs that log in to registries. Source: the Cargo book, "Registry Authentication".
fn providers(configuration: &Configuration) -> Vec<(String, &toml::Value)> {
    const KEYS: [&str; 2] = ["credential-provider", "global-credential-providers"];
    let mut found = Vec::new();
    let registry = configuration.table.get("registry").and_then(toml::Value::as_table);
    for key in KEYS {
        found.extend(registry.and_then(|table| Some((format!("registry.{key}"), table.get(key)?))));
        for (name, table) in configuration.tables("registries") {
            found.extend(table.get(key).map(|value| (format!("registries.{name}.{key}"), value)));
        }
    }
    let aliases = configuration.table.get("credential-alias").and_then(toml::Value::as_table);
    found.extend(
        aliases
            .into_iter()
            .flatten()
            .map(|(name, value)| (format!("credential-alias.{name}"), value)),
    );
    found
}

/// The words of a command: a text is split at blanks.
fn words(value: &toml::Value) -> Vec<&str> {
    match value {
        toml::Value::String(text) => text.split_whitespace().collect(),
        toml::Value::Array(several) => several.iter().flat_map(words).collect(),
        _ => Vec::new(),
    }
}
