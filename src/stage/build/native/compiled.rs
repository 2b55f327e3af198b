//! Packages that were compiled, by cargo's identities of them.

use std::collections::BTreeMap;

use auditable_serde::Source;
use semver::Version;

use std::path::PathBuf;

use crate::model::inventory::Scope;
use crate::model::purl::decode;
use crate::stage::build::BuildError;

/// A package: its name, its version and the kind of its source.
pub(super) type Named = (String, Version, Source);

/// A package that was compiled, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Compiled {
    /// Runtime, or build when nothing of it was compiled for the target.
    pub(super) scope: Scope,
}

/// Remembers that a unit of a package was compiled. A package that is both is a runtime one.
pub(super) fn note(compiled: &mut BTreeMap<String, Compiled>, id: &str, scope: Scope) {
    let entry = compiled.entry(id.to_owned()).or_insert(Compiled { scope: Scope::Build });
    if scope == Scope::Runtime {
        entry.scope = Scope::Runtime;
    }
}

/// The folder of a local package, by cargo's identity of it, which is a URL.
pub(super) fn folder_of(id: &str) -> Option<PathBuf> {
    let folder = id.strip_prefix("path+file://")?.split(['#', '?']).next()?;
    Some(PathBuf::from(decode(folder)?))
}

/// The same identity, as far as it names the folder.
pub(super) fn id_of_folder(folder: &str) -> String {
    let escaped = folder.replace('%', "%25").replace('#', "%23").replace('?', "%3F");
    format!("path+file://{escaped}")
}

/// Reads cargo's package identity: `registry+https://…#name@1.0.0`, `git+https://…#name@1.0.0`, `path+file:///…/name#1.0.0`.
/// Source: cargo's reference, "Package ID Specifications".
pub(super) fn parse_id(id: &str) -> Result<Named, BuildError> {
    let odd = || BuildError::Answer {
        what: "cargo build",
        detail: format!("`{id}` is no package"),
    };
    let (url, fragment) = id.rsplit_once('#').ok_or_else(odd)?;
    let (name, version) = match fragment.split_once('@') {
        Some(parts) => parts,
        None => (
            url.split('?').next().unwrap_or(url).rsplit('/').next().unwrap_or_default(),
            fragment,
        ),
    };
    let source = match url.split_once('+') {
        Some(("path", _)) => Source::Local,
        Some(("git", _)) => Source::Git,
        Some((_, "https://github.com/rust-lang/crates.io-index" | "https://index.crates.io/")) => Source::CratesIo,
        _ => Source::Registry,
    };
    Ok((name.to_owned(), Version::parse(version).map_err(|_| odd())?, source))
}
