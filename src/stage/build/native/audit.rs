//! Which crates are in the binary: the audit data that scanners read from its section `.dep-v0`.
//!
//! What was compiled is what cargo says it compiled, so that features, targets and workspaces cannot fool it; who needs whom is
//! what `cargo tree` says. Source of the format: cargo-auditable, PARSING.md; format 1 (procedural macros are build-time).

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use auditable_serde::{DependencyKind, Package, Source, VersionInfo};
use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::compiled::{Compiled, Named, parse_id};
use super::graph::Graph;
use crate::model::crate_source::STANDS_IN;
use crate::model::excused::Excused as _;
use crate::model::inventory::Scope;
use crate::stage::build::BuildError;

pub(super) const SECTION: &str = ".dep-v0";

/// The audit data, compressed, as the section holds it. `root` is cargo's identity of the package; `stands_in` says which local ones stand
/// in for published crates.
///
/// # Errors
/// [`BuildError::Answer`] when cargo's words cannot be read.
pub(super) fn section(
    compiled: &BTreeMap<String, Compiled>,
    graph: &Graph,
    root: &str,
    stands_in: &dyn Fn(&str, &str) -> bool,
) -> Result<Vec<u8>, BuildError> {
    let info = version_info(compiled, graph, root, stands_in)?;
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

fn version_info(
    compiled: &BTreeMap<String, Compiled>,
    graph: &Graph,
    root: &str,
    stands_in: &dyn Fn(&str, &str) -> bool,
) -> Result<VersionInfo, BuildError> {
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
    let mut places: BTreeMap<Named, Vec<usize>> = BTreeMap::new();
    for (place, package) in packages.iter().enumerate() {
        let named = (package.name.clone(), package.version.clone(), package.source.clone());
        places.entry(named).or_default().push(place);
    }
    let none = Vec::new();
    for (from, to) in &graph.edges {
        for from in places.get(from).unwrap_or(&none) {
            packages[*from].dependencies.extend(places.get(to).unwrap_or(&none));
        }
    }
    let mut standing: BTreeSet<Named> = compiled
        .keys()
        .filter_map(|id| Some((parse_id(id).or_none("it was read above")?, id)))
        .filter(|(named, id)| named.2 == Source::Local && *id != root && (stands_in(id, &named.0) || graph.is_needed_from_elsewhere(named)))
        .map(|(named, _)| named)
        .collect();
    graph.add_what_they_need(&mut standing);
    standing.remove(&parse_id(root)?);
    for package in &mut packages {
        package.dependencies.sort_unstable();
        package.dependencies.dedup();
        if standing.contains(&(package.name.clone(), package.version.clone(), package.source.clone())) {
            package.source = Source::Other(STANDS_IN.to_owned());
        }
    }
    Ok(VersionInfo { packages, format: 1 })
}

#[cfg(test)]
mod tests {
    use super::super::compiled::note;
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

    fn graph() -> Graph {
        Graph::read(TREE, TREE).expect("read")
    }

    #[test]
    fn what_stands_in_for_a_published_crate_says_so() {
        let mut compiled = compiled();
        note(&mut compiled, "path+file:///home/a/svc/vendored/x#x@3.0.0", Scope::Runtime);
        let info = version_info(&compiled, &graph(), ROOT, &|_, name| name == "x").expect("read");
        let local = info.packages.iter().find(|package| package.version.major == 3).expect("listed");
        assert_eq!(local.source, Source::Other(STANDS_IN.to_owned()));
        assert!(
            info.packages
                .iter()
                .any(|package| package.name == "x" && package.source == Source::Git)
        );
    }

    #[test]
    fn audit_data_holds_what_was_compiled_and_who_needs_it() {
        let info = version_info(&compiled(), &graph(), ROOT, &|_, _| false).expect("read");
        insta::assert_snapshot!(serde_json::to_string(&info).expect("json"), @r##"{"packages":[{"name":"serde","version":"1.0.1","source":"crates.io","dependencies":[1]},{"name":"serde_derive","version":"1.0.1","source":"crates.io","kind":"build"},{"name":"svc","version":"0.1.0","source":"local","dependencies":[0,3],"root":true},{"name":"x","version":"2.0.0-rc.1","source":"git","dependencies":[0]}],"format":1}"##);
    }

    #[test]
    fn audit_data_is_read_back_by_the_reader_of_the_format() {
        let section = section(&compiled(), &graph(), ROOT, &|_, _| false).expect("written");
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
