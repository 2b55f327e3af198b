//! Programs of the tree that would have a part in its own build. What is compiled runs, and nobody can help that; but who is linked in is asked of
//! cargo before, and neither cargo nor the compiler nor what links may be the tree's to choose.

use std::path::{Path, PathBuf};

use super::configurations::{Configuration, Configurations};
use crate::io::files::FileError;
use crate::io::limits::Limits;
use crate::io::{files, git};
use crate::model::excused::Excused as _;
use crate::model::plan::{BuildPlan, CargoCommand, NativeBuild};
use crate::stage::build::{BuildError, NativeError};

/// Variables by which the loader, rustup, or the C compiler that links take another program or library, by name or by their beginning. cargo gives
/// `[env]` to rustc, too.
const NAMES: [&str; 6] = [
    "PATH",
    "RUSTC",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "GCC_EXEC_PREFIX",
    "COMPILER_PATH",
];
const BEGINNINGS: [&str; 3] = ["LD_", "DYLD_", "RUSTUP_"];

/// What the tree may not choose, and what to write instead.
const VARIABLE: (&str, &str) = (
    "is given to the compiler, which would start or load what the tree names",
    "take it out of `[env]`; what the operator's own environment says of it holds",
);
const ALIAS: (&str, &str) = (
    "takes the place of `cargo zigbuild`, which builds and is asked for its version",
    "call the alias something else",
);
const LINKER: (&str, &str) = (
    "is a program of the checkout, and would link unrecorded",
    "name it in portcullis.toml, `[build] linker`: then it is in the provenance; or name one of the PATH",
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

/// Refuses a tree that chooses what builds it, before anything of it was started.
///
/// # Errors
/// [`NativeError::OwnTool`] with the file and the key; [`BuildError::Git`], [`BuildError::File`].
pub(super) fn is_nobodys_of_the_tree(
    plan: &BuildPlan,
    build: &NativeBuild,
    configurations: &Configurations,
    limits: &Limits,
) -> Result<(), BuildError> {
    let root = files::settled(&plan.root).map_err(|source| FileError::Read {
        path: plan.root.clone(),
        source,
    })?;
    let checkout = git::top_level(&root)?.unwrap_or_else(|| root.clone());
    let tree = Tree { checkout, build };
    for configuration in configurations.iter().filter(|known| tree.holds(&known.path)) {
        tree.environment(configuration)?;
        tree.programs(configuration)?;
    }
    tree.toolchain(&root, limits)
}

struct Tree<'t> {
    checkout: PathBuf,
    build: &'t NativeBuild,
}

impl Tree<'_> {
    /// True for a path that lies in the checkout by its name, or by where links lead.
    fn holds(&self, path: &Path) -> bool {
        let settled = path.canonicalize().or_none("what is not there lies where its name says");
        path.starts_with(&self.checkout) || settled.is_some_and(|path| path.starts_with(&self.checkout))
    }

    /// True for a program's name in a configuration of the tree that is a path into it: a relative one is relative to the configuration.
    fn brings(&self, program: &str) -> bool {
        program.contains('/') && (Path::new(program).is_relative() || self.holds(Path::new(program)))
    }

    fn environment(&self, configuration: &Configuration) -> Result<(), BuildError> {
        let names = configuration.table.get("env").and_then(toml::Value::as_table).into_iter().flatten();
        for (name, _) in names {
            if NAMES.contains(&name.as_str()) || BEGINNINGS.iter().any(|begin| name.starts_with(begin)) {
                return Err(refused(&configuration.path, format!("env.{name}"), VARIABLE));
            }
        }
        Ok(())
    }

    fn programs(&self, configuration: &Configuration) -> Result<(), BuildError> {
        let refuse = |key: String, why| Err(refused(&configuration.path, key, why));
        let aliases = configuration.table.get("alias").and_then(toml::Value::as_table);
        if self.build.cargo == CargoCommand::Zigbuild && aliases.is_some_and(|aliases| aliases.contains_key("zigbuild")) {
            return refuse("alias.zigbuild".to_owned(), ALIAS);
        }
        for (target, table) in configuration.tables("target").chain(configuration.tables("host")) {
            let is_overridden = self.build.linkers.contains_key("") || self.build.linkers.contains_key(target);
            let linker = table.get("linker").and_then(toml::Value::as_str);
            if !is_overridden && linker.is_some_and(|linker| self.brings(linker)) {
                return refuse(format!("target.{target}.linker"), LINKER);
            }
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
            if source.contains_key("local-registry") {
                return refuse(format!("source.{name}.local-registry"), LOCAL_REGISTRY);
            }
        }
        Ok(())
    }

    /// Source: the rustup book, "The toolchain file".
    fn toolchain(&self, root: &Path, limits: &Limits) -> Result<(), BuildError> {
        let folders = root.ancestors().take_while(|folder| folder.starts_with(&self.checkout));
        for path in folders.flat_map(|folder| ["rust-toolchain", "rust-toolchain.toml"].map(|name| folder.join(name))) {
            if !path.is_file() {
                continue;
            }
            let text = files::read_text(&path, limits.document)?;
            // A name alone is no TOML; rustup refuses everything else that is none.
            let table = text.parse::<toml::Table>().or_none("then it names no path");
            let place = table.as_ref().and_then(|table| table.get("toolchain")?.get("path")?.as_str());
            if place.is_some_and(|place| Path::new(place).is_relative() || self.holds(Path::new(place))) {
                return Err(refused(&path, "toolchain.path".to_owned(), TOOLCHAIN));
            }
        }
        Ok(())
    }
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
