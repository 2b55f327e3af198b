//! Which crates are in the binary: the audit data that scanners read from its section `.dep-v0`.
//!
//! What was compiled is what cargo says it compiled, so that features, targets and workspaces cannot fool it; who needs whom is
//! what `cargo tree` says. Source of the format: cargo-auditable, PARSING.md; format 1 (procedural macros are build-time).

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use auditable_serde::{DependencyKind, Package, Source, VersionInfo};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use semver::Version;

use crate::model::excused::Excused as _;
use crate::model::inventory::Scope;
use crate::stage::build::BuildError;

pub(super) const SECTION: &str = ".dep-v0";

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

/// The audit data, compressed, as the section holds it. `root` is cargo's identity of the package.
///
/// # Errors
/// [`BuildError::Answer`] when cargo's words cannot be read.
pub(super) fn section(compiled: &BTreeMap<String, Compiled>, tree: &str, root: &str) -> Result<Vec<u8>, BuildError> {
    let info = version_info(compiled, tree, root)?;
    let encode = || -> std::io::Result<Vec<u8>> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(7));
        encoder.write_all(&serde_json::to_vec(&info)?)?;
        encoder.finish()
    };
    encode().map_err(|error| BuildError::Answer {
        what: "the list of crates",
        detail: error.to_string(),
    })
}

fn version_info(compiled: &BTreeMap<String, Compiled>, tree: &str, root: &str) -> Result<VersionInfo, BuildError> {
    let mut packages: Vec<Package> = Vec::with_capacity(compiled.len());
    for (id, unit) in compiled {
        let (name, version, source) = parse_id(id)?;
        packages.push(Package {
            name,
            version,
            source,
            kind: if unit.scope == Scope::Runtime {
                DependencyKind::Runtime
            } else {
                DependencyKind::Build
            },
            dependencies: Vec::new(),
            root: id == root,
        });
    }
    packages.sort();
    let mut places: BTreeMap<(String, Version), Vec<usize>> = BTreeMap::new();
    for (place, package) in packages.iter().enumerate() {
        places
            .entry((package.name.clone(), package.version.clone()))
            .or_default()
            .push(place);
    }
    let none = Vec::new();
    for (from, to) in edges(tree)? {
        // What the tree names and cargo did not compile is not in the binary.
        for from in places.get(&from).unwrap_or(&none) {
            packages[*from].dependencies.extend(places.get(&to).unwrap_or(&none));
        }
    }
    for package in &mut packages {
        package.dependencies.sort_unstable();
        package.dependencies.dedup();
    }
    Ok(VersionInfo { packages, format: 1 })
}

/// Reads cargo's package identity: `registry+https://…#name@1.0.0`, `git+https://…#name@1.0.0`, `path+file:///…/name#1.0.0`.
/// Source: cargo's reference, "Package ID Specifications".
fn parse_id(id: &str) -> Result<(String, Version, Source), BuildError> {
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

type Named = (String, Version);

/// Who needs whom. Lines are `DEPTH|NAME vVERSION …`; a package's own lines follow it one deeper.
fn edges(tree: &str) -> Result<BTreeSet<(Named, Named)>, BuildError> {
    let mut found = BTreeSet::new();
    let mut path: Vec<Named> = Vec::new();
    for line in tree.lines().filter(|line| !line.trim().is_empty()) {
        let (depth, package) = tree_line(line).ok_or_else(|| BuildError::Answer {
            what: "cargo tree",
            detail: format!("the line `{line}`"),
        })?;
        path.truncate(depth);
        if let Some(parent) = path.last() {
            found.insert((parent.clone(), package.clone()));
        }
        path.push(package);
    }
    Ok(found)
}

fn tree_line(line: &str) -> Option<(usize, Named)> {
    let (depth, package) = line.split_once('|')?;
    let mut words = package.split_whitespace();
    let name = words.next()?.to_owned();
    let version = Version::parse(words.next()?.strip_prefix('v')?).or_none("the caller says that the line is odd")?;
    Some((depth.parse().or_none("the caller says that the line is odd")?, (name, version)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "path+file:///home/a/svc#0.1.0";

    fn compiled() -> BTreeMap<String, Compiled> {
        let mut compiled = BTreeMap::new();
        note(&mut compiled, ROOT, Scope::Runtime);
        let crates_io = "registry+https://github.com/rust-lang/crates.io-index";
        note(&mut compiled, &format!("{crates_io}#serde@1.0.1"), Scope::Build);
        note(&mut compiled, &format!("{crates_io}#serde@1.0.1"), Scope::Runtime);
        note(&mut compiled, &format!("{crates_io}#serde_derive@1.0.1"), Scope::Build);
        note(&mut compiled, "git+https://example.org/x?rev=1#x@2.0.0-rc.1", Scope::Runtime);
        compiled
    }

    const TREE: &str = "0|svc v0.1.0 (/home/a/svc)\n1|serde v1.0.1\n2|serde_derive v1.0.1 (proc-macro)\n1|x v2.0.0-rc.1 (https://example.org/x?rev=1#1)\n2|serde v1.0.1 (*)\n1|never v9.0.0\n";

    #[test]
    fn audit_data_holds_what_was_compiled_and_who_needs_it() {
        let info = version_info(&compiled(), TREE, ROOT).expect("read");
        insta::assert_snapshot!(serde_json::to_string(&info).expect("json"), @r##"{"packages":[{"name":"serde","version":"1.0.1","source":"crates.io","dependencies":[1]},{"name":"serde_derive","version":"1.0.1","source":"crates.io","kind":"build"},{"name":"svc","version":"0.1.0","source":"local","dependencies":[0,3],"root":true},{"name":"x","version":"2.0.0-rc.1","source":"git","dependencies":[0]}],"format":1}"##);
    }

    #[test]
    fn audit_data_is_read_back_by_the_reader_of_the_format() {
        let section = section(&compiled(), TREE, ROOT).expect("written");
        let info = auditable_info::audit_info_from_slice(&section, 1 << 20);
        assert!(info.is_err(), "a bare section is no binary");
        let mut json = Vec::new();
        std::io::copy(&mut flate2::read::ZlibDecoder::new(section.as_slice()), &mut json).expect("unpacked");
        let info: VersionInfo = serde_json::from_slice(&json).expect("valid: one root, no circle");
        assert_eq!(info.packages.len(), 4);
    }

    #[test]
    fn an_identity_that_is_none_is_an_error() {
        for id in ["", "x", "registry+https://example.org#x", "path+file:///x#y@z"] {
            assert!(parse_id(id).is_err(), "{id}");
        }
        let (name, _, source) = parse_id("sparse+https://example.org/index/#a@1.0.0").expect("a registry");
        assert_eq!((name.as_str(), source), ("a", Source::Registry));
    }
}
