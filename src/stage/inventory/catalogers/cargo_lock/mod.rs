//! `Cargo.lock`, formats 1 to 4: every package with its line, also those from git, other registries and local folders.
//!
//! Source: cargo's `Cargo.lock` formats. Version 1 keeps checksums in `[metadata]` and, before that, the root package in `[root]`;
//! from version 2 on dependencies name a version or a source only where the name alone is ambiguous.

mod text;

use std::collections::HashMap;

use crate::io::encoding;
use crate::model::coverage::GapKind;
use crate::model::inventory::{Location, Origin, Scope};

use super::crates::{self, Crate};
use crate::stage::inventory::cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};
use text::{Locked, Lockfile};

/// Reads `Cargo.lock` files.
pub struct CargoLock;

impl Cataloger for CargoLock {
    fn id(&self) -> &'static str {
        "cargo-lock"
    }

    fn version(&self) -> u32 {
        1
    }

    fn domain(&self) -> Domain {
        Domain::Source
    }

    fn wants(&self, head: &EntryHead<'_>) -> Want {
        let name = head.path.rsplit('/').next().unwrap_or(head.path);
        // Lock files kept under another name, `service.Cargo.lock`, are read when they are asked for.
        if name == "Cargo.lock" || name.ends_with(".Cargo.lock") {
            Want::Whole
        } else {
            Want::No
        }
    }

    fn catalog(&self, file: &LayerFile<'_>, sink: &mut dyn Sink) {
        let text = match encoding::decode(file.content) {
            Ok(text) => text,
            Err(problem) => return sink.gap(GapKind::PartialDatabase, problem),
        };
        let lockfile = text::read(&text);
        for trouble in &lockfile.troubles {
            sink.gap(GapKind::PartialDatabase, trouble.clone());
        }
        for component in crates::components(graph(&lockfile, file.head.path), "cargo-lock") {
            sink.component(component);
        }
    }
}

fn graph<'a>(lockfile: &'a Lockfile<'_>, path: &str) -> Vec<Crate<'a>> {
    let mut by_name: HashMap<&str, Vec<usize>> = HashMap::with_capacity(lockfile.packages.len());
    for (at, package) in lockfile.packages.iter().enumerate() {
        by_name.entry(&package.name).or_default().push(at);
    }
    let checksum = |package: &Locked<'_>| {
        let source = package.source.as_deref()?;
        let key = format!("checksum {} {} ({source})", package.name, package.version);
        lockfile.metadata.get(key.as_str()).map(|value| &**value)
    };
    let dependencies = |package: &Locked<'_>| {
        let named = package.dependencies.iter();
        named.filter_map(|text| dependency(text, &by_name, &lockfile.packages)).collect()
    };
    lockfile
        .packages
        .iter()
        .map(|package| Crate {
            name: &package.name,
            version: &package.version,
            origin: origin(package.source.as_deref()),
            scope: Scope::Runtime,
            sha256: package
                .checksum
                .as_deref()
                .or_else(|| checksum(package))
                .filter(|sum| is_sha256(sum)),
            root: false,
            dependencies: dependencies(package),
            locations: vec![Location {
                line: Some(package.line),
                ..Location::path(path)
            }],
        })
        .collect()
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The package that `name`, `name version` or `name version (source)` means.
fn dependency(text: &str, by_name: &HashMap<&str, Vec<usize>>, packages: &[Locked<'_>]) -> Option<usize> {
    let mut words = text.splitn(3, ' ');
    let candidates = by_name.get(words.next()?)?;
    let version = words.next();
    let source = words.next().map(|source| source.trim_start_matches('(').trim_end_matches(')'));
    let fits = |package: &Locked<'_>| {
        version.is_none_or(|version| package.version == version)
            && source.is_none_or(|source| package.source.as_deref().is_some_and(|full| same_source(full, source)))
    };
    candidates.iter().copied().find(|at| fits(&packages[*at]))
}

/// A dependency names a git source without the commit.
fn same_source(full: &str, named: &str) -> bool {
    full == named || full.split_once('#').is_some_and(|(address, _)| address == named)
}

/// Where a package is from, by the `source` that cargo writes; none is a local folder.
pub(in crate::stage::inventory) fn origin(source: Option<&str>) -> Origin {
    let Some(source) = source else {
        return Origin::Local;
    };
    match source.split_once('+') {
        Some(("registry", "https://github.com/rust-lang/crates.io-index")) | Some(("sparse", "https://index.crates.io/")) => {
            Origin::Registry
        }
        Some(("registry", url)) => Origin::AlternateRegistry(url.to_owned()),
        Some(("sparse", _)) => Origin::AlternateRegistry(source.to_owned()),
        Some(("git", url)) => Origin::Git(url.to_owned()),
        Some(("path", _)) => Origin::Local,
        _ => Origin::Url(source.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::inventory::recorder::Recorder;

    fn of(text: &str) -> Recorder {
        Recorder::of(&CargoLock, "svc/Cargo.lock", text.as_bytes())
    }

    const V4: &str = r#"# This file is automatically @generated by Cargo.
version = 4

[[package]]
name = "fork"
version = "0.3.1"
source = "git+https://example.org/fork?branch=main#0123456789abcdef0123456789abcdef01234567"
dependencies = [
 "rand 0.7.3",
]

[[package]]
name = "inner"
version = "2.0.0"
source = "sparse+https://crates.example.org/index/"
checksum = "0000000000000000000000000000000000000000000000000000000000000001"

[[package]]
name = "rand"
version = "0.7.3"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "0000000000000000000000000000000000000000000000000000000000000002"

[[package]]
name = "rand"
version = "0.8.5"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "0000000000000000000000000000000000000000000000000000000000000003"

[[package]]
name = "service"
version = "0.1.0"
dependencies = [
 "fork",
 "inner",
 "rand 0.8.5",
]
"#;

    #[test]
    fn git_alternate_registry_and_local_packages_are_kept() {
        let seen = of(V4);
        assert!(seen.gaps.is_empty(), "{:?}", seen.gaps);
        let git = "https://example.org/fork?branch=main#0123456789abcdef0123456789abcdef01234567";
        assert_eq!(seen.named("fork").origin, Origin::Git(git.to_owned()));
        assert_eq!(
            seen.named("inner").origin,
            Origin::AlternateRegistry("sparse+https://crates.example.org/index/".to_owned())
        );
        assert_eq!(seen.named("rand").origin, Origin::Registry);
        let service = seen.named("service");
        assert_eq!(
            (&service.origin, service.root, service.ecosystem.is_none()),
            (&Origin::Local, true, true)
        );
        assert_eq!(seen.components.len(), 5);
    }

    #[test]
    fn each_package_has_its_line_checksum_and_edges() {
        let seen = of(V4);
        let lines: Vec<_> = seen
            .components
            .iter()
            .map(|c| (c.locations[0].path.as_str(), c.locations[0].line))
            .collect();
        let expected = [5, 13, 19, 25, 31].map(|line| ("svc/Cargo.lock", Some(line)));
        assert_eq!(lines, expected);
        assert_eq!(seen.named("inner").sha256.as_deref().map(|s| &s[60..]), Some("0001"));
        let edges: Vec<_> = seen
            .named("service")
            .dependencies
            .iter()
            .map(|p| (p.name.as_str(), p.version.as_deref()))
            .collect();
        assert_eq!(edges, [("fork", Some("0.3.1")), ("inner", Some("2.0.0")), ("rand", Some("0.8.5"))]);
        assert_eq!(seen.named("fork").dependencies[0].version.as_deref(), Some("0.7.3"));
    }

    #[test]
    fn version_1_keeps_its_root_and_checksums_elsewhere() {
        let seen = of(concat!(
            "[root]\nname = \"service\"\nversion = \"0.1.0\"\ndependencies = [\n",
            " \"libc 0.2.1 (registry+https://github.com/rust-lang/crates.io-index)\",\n]\n\n",
            "[[package]]\nname = \"libc\"\nversion = \"0.2.1\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n\n",
            "[metadata]\n\"checksum libc 0.2.1 (registry+https://github.com/rust-lang/crates.io-index)\" = ",
            "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"\n"
        ));
        assert!(seen.gaps.is_empty(), "{:?}", seen.gaps);
        assert!(seen.named("service").root);
        assert_eq!(seen.named("service").dependencies.len(), 1);
        assert!(seen.named("libc").sha256.as_deref().is_some_and(|sum| sum.starts_with("e3b0c442")));
    }

    #[test]
    fn a_hand_formatted_lock_file_is_read_all_the_same() {
        let seen = of(
            "version = 3\npackage = [\n  { name = 'a', version = \"1.0.0\", dependencies = ['b'] },\n  { name = \"\\u0062\", version = '2.0.0' },\n]\n",
        );
        assert!(seen.gaps.is_empty(), "{:?}", seen.gaps);
        assert_eq!(seen.purls(), ["pkg:cargo/a@1.0.0", "pkg:cargo/b@2.0.0"]);
        assert_eq!(seen.named("b").locations[0].line, Some(4));
        assert_eq!(seen.named("a").dependencies.len(), 1);
    }

    #[test]
    fn a_broken_lock_file_is_partial_coverage_and_keeps_what_it_has() {
        let conflict = V4.replace("[[package]]\nname = \"inner\"", "<<<<<<< HEAD\n[[package]]\nname = \"inner\"");
        let seen = of(&conflict);
        assert_eq!(seen.components.len(), 5);
        assert_eq!(seen.gaps.len(), 1, "{:?}", seen.gaps);
        assert!(seen.gaps[0].1.contains("line 12"), "{:?}", seen.gaps);
        for cut in [
            &V4[..V4.len() - 20],
            "[[package]]\nname = \"x\"\n",
            "{}",
            "[[package]]\nversion = 1\n",
        ] {
            assert_eq!(of(cut).gaps.first().map(|gap| gap.0), Some(GapKind::PartialDatabase), "{cut}");
        }
        assert_eq!(Recorder::of(&CargoLock, "Cargo.lock", b"\xff").gaps.len(), 1);
    }

    #[test]
    fn an_empty_lock_file_of_a_newer_format_is_told_apart() {
        assert!(of("version = 4\n").gaps.is_empty());
        assert!(of("version = 9\n").gaps[0].1.contains("format 9"));
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_text_never_panics(text: String) {
            of(&text);
        }

        #[test]
        fn scrambled_lock_files_never_panic(lines in proptest::collection::vec(0usize..36, 0..40)) {
            let all: Vec<&str> = V4.lines().collect();
            let text: Vec<&str> = lines.into_iter().filter_map(|at| all.get(at).copied()).collect();
            of(&text.join("\n"));
        }
    }
}
