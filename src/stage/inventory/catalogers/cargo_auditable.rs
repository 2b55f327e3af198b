//! Audit data in executables: the list of crates that `cargo auditable` (and our own builder) link into a binary.
//!
//! Source: the cargo-auditable format, section `.dep-v0`: JSON, compressed with zlib.

use std::io::Read;
use std::ops::ControlFlow;

use auditable_info::Error;
use auditable_serde::{DependencyKind, Package, Source, VersionInfo};

use memchr::memmem;

use crate::io::layers::Spilled;
use crate::io::limits::Limits;
use crate::model::coverage::GapKind;
use crate::model::crate_source::STANDS_IN;
use crate::model::inventory::{Ecosystem, Origin, Scope};

use super::crates::{self, Crate};
use crate::io::elf::Elf;
use crate::io::random_access::{OnDisk, RandomAccess};
use crate::stage::inventory::cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};
use crate::stage::inventory::formats::large;

/// Reads ELF, PE and Mach-O files, and says of ELF ones that they need an account.
pub struct CargoAuditable;

const ELF: &[u8] = b"\x7fELF";
const MAGICS: &[&[u8]] = &[
    ELF,
    b"MZ",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
];

impl Cataloger for CargoAuditable {
    fn id(&self) -> &'static str {
        "cargo-auditable"
    }

    fn version(&self) -> u32 {
        2
    }

    fn domain(&self) -> Domain {
        Domain::Image
    }

    fn reads(&self) -> Option<(&'static str, &'static str)> {
        Some(("executables with `cargo auditable` data", "crates.io"))
    }

    fn wants(&self, _head: &EntryHead<'_>) -> Want {
        Want::IfMagic(MAGICS)
    }

    fn catalog(&self, file: &LayerFile<'_>, sink: &mut dyn Sink) {
        if is_linked_elf(file.content) {
            sink.executable();
        }
        match auditable_info::audit_info_from_slice(file.content, Limits::AUDIT_DATA) {
            Ok(info) => {
                sink.accounted();
                for component in components(&info) {
                    sink.component(component);
                }
            }
            // The name of the section without a table that leads to it: the data may be there.
            Err(error @ Error::BinaryParsing(_)) if memmem::find(file.content, SECTION.as_bytes()).is_some() => broken(&error, sink),
            // No such section, or no table of sections at all: then it is an executable without an account, which is told above.
            Err(Error::NoAuditData | Error::BinaryParsing(_)) => {}
            Err(error) => broken(&error, sink),
        }
    }

    fn catalog_large(&self, _head: &EntryHead<'_>, content: &Spilled, sink: &mut dyn Sink) {
        let content = OnDisk::new(content);
        large(&content, sink);
        large::tell(&content, sink);
    }
}

fn large(content: &OnDisk<'_>, sink: &mut dyn Sink) {
    let Some(elf) = Elf::new(content) else {
        return other_system(content, sink);
    };
    if content.at(0, HEADER).is_some_and(|header| is_linked_elf(&header)) {
        sink.executable();
    }
    let Some(section) = elf.section(SECTION) else { return };
    match unpacked(&section) {
        Ok(info) => {
            sink.accounted();
            components(&info).into_iter().for_each(|component| sink.component(component));
        }
        Err(error) => broken(&error, sink),
    }
}

const SECTION: &str = ".dep-v0";
/// Bytes of an ELF file's header that are looked at.
const HEADER: u64 = 20;

fn broken(error: &dyn std::fmt::Display, sink: &mut dyn Sink) {
    sink.gap(
        GapKind::PartialDatabase,
        format!("the audit data (section {SECTION}) cannot be read: {error}"),
    );
}

/// Audit data as they are in their section.
fn unpacked(section: &[u8]) -> std::io::Result<VersionInfo> {
    let mut text = Vec::new();
    let limit = Limits::AUDIT_DATA as u64;
    flate2::read::ZlibDecoder::new(section).take(limit + 1).read_to_end(&mut text)?;
    if text.len() as u64 > limit {
        return Err(std::io::Error::other(format!("they unpack to more than {limit} bytes")));
    }
    Ok(serde_json::from_slice(&text)?)
}

/// A large file of another system: it is a gap if its audit data may be there.
fn other_system(content: &OnDisk<'_>, sink: &mut dyn Sink) {
    const NAMES: [&[u8]; 2] = [SECTION.as_bytes(), b"rust_dep_info"];
    let mut named = false;
    content.windows(0, content.size(), &mut |window, _| {
        named = NAMES.iter().any(|name| memmem::find(window, name).is_some());
        if named { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    if named {
        sink.gap(
            GapKind::LimitReached,
            format!("its audit data are not read: it is no ELF file and has {} bytes", content.size()),
        );
    }
}

/// An executable or a shared object. Relocatable files (kernel modules, `.o`) and core dumps run by themselves nowhere.
fn is_linked_elf(content: &[u8]) -> bool {
    const BIG_ENDIAN: u8 = 2;
    let kind = match content {
        [0x7f, b'E', b'L', b'F', _, BIG_ENDIAN, _, _, _, _, _, _, _, _, _, _, high, low, ..] => u16::from_be_bytes([*high, *low]),
        [0x7f, b'E', b'L', b'F', _, _, _, _, _, _, _, _, _, _, _, _, low, high, ..] => u16::from_le_bytes([*low, *high]),
        _ => return false,
    };
    const EXECUTABLE: u16 = 2;
    const SHARED_OBJECT: u16 = 3;
    matches!(kind, EXECUTABLE | SHARED_OBJECT)
}

fn components(info: &VersionInfo) -> Vec<crate::model::inventory::Component> {
    let versions: Vec<String> = info.packages.iter().map(|package| package.version.to_string()).collect();
    let graph = info.packages.iter().zip(&versions).map(|(package, version)| Crate {
        name: &package.name,
        version,
        origin: origin(package),
        scope: match package.kind {
            DependencyKind::Build => Scope::Build,
            DependencyKind::Runtime => Scope::Runtime,
        },
        sha256: None,
        root: package.root,
        dependencies: package.dependencies.clone(),
        locations: Vec::new(),
    });
    let mut components = crates::components(graph.collect(), "cargo-auditable");
    for (component, package) in components.iter_mut().zip(&info.packages) {
        if stands_in(package) {
            component.root = false;
            component.ecosystem = Some(Ecosystem::new(Ecosystem::CRATES));
        }
    }
    components
}

/// True for a local package that our own builder calls a published crate's stand-in.
fn stands_in(package: &Package) -> bool {
    matches!(&package.source, Source::Other(other) if other == STANDS_IN)
}

/// The data name the kind of a source, not its address.
fn origin(package: &Package) -> Origin {
    match &package.source {
        Source::CratesIo => Origin::Registry,
        Source::Git => Origin::Git(String::new()),
        Source::Local => Origin::Local,
        _ if stands_in(package) => Origin::Local,
        Source::Other(other) => Origin::AlternateRegistry(other.clone()),
        _ => Origin::AlternateRegistry(String::new()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::stage::inventory::recorder::Recorder;

    /// A 64-bit little-endian ELF file of one section.
    fn elf(kind: u16, section: &str, data: &[u8]) -> Vec<u8> {
        let names = format!("\0{section}\0.shstrtab\0");
        let mut file = Vec::new();
        file.extend_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
        file.extend_from_slice(&kind.to_le_bytes());
        file.extend_from_slice(&62u16.to_le_bytes());
        file.extend_from_slice(&1u32.to_le_bytes());
        file.extend_from_slice(&[0; 16]);
        let table = 64 + data.len() + names.len();
        file.extend_from_slice(&(table as u64).to_le_bytes());
        file.extend_from_slice(&0u32.to_le_bytes());
        for half in [64u16, 0, 0, 64, 3, 2] {
            file.extend_from_slice(&half.to_le_bytes());
        }
        file.extend_from_slice(data);
        file.extend_from_slice(names.as_bytes());
        let mut header = |name: u32, kind: u32, offset: usize, size: usize| {
            file.extend_from_slice(&name.to_le_bytes());
            file.extend_from_slice(&kind.to_le_bytes());
            for word in [0, 0, offset as u64, size as u64, 0, 1, 0] {
                file.extend_from_slice(&word.to_le_bytes());
            }
        };
        header(0, 0, 0, 0);
        header(1, 1, 64, data.len());
        header(2 + section.len() as u32, 3, 64 + data.len(), names.len());
        file
    }

    fn zlib(text: &str) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text.as_bytes()).expect("in memory");
        encoder.finish().expect("in memory")
    }

    const AUDIT: &str = r#"{"packages":[
        {"name":"cc","version":"1.2.0","source":"crates.io","kind":"build"},
        {"name":"forked","version":"0.3.0","source":"git","dependencies":[0]},
        {"name":"inner","version":"2.0.0","source":"registry"},
        {"name":"service","version":"0.1.0","source":"local","dependencies":[1,2],"root":true}]}"#;

    #[test]
    fn audit_data_become_components_with_kinds_origins_and_edges() {
        let seen = Recorder::of(&CargoAuditable, "bin/service", &elf(3, ".dep-v0", &zlib(AUDIT)));
        assert!(seen.executable && seen.accounted && seen.gaps.is_empty(), "{seen:?}");
        assert_eq!(
            seen.purls(),
            [
                "pkg:cargo/cc@1.2.0",
                "pkg:cargo/forked@0.3.0",
                "pkg:cargo/inner@2.0.0",
                "pkg:cargo/service@0.1.0"
            ]
        );
        assert_eq!(seen.named("cc").scope, Scope::Build);
        assert_eq!(seen.named("forked").origin, Origin::Git(String::new()));
        assert_eq!(seen.named("inner").origin, Origin::AlternateRegistry(String::new()));
        let root = seen.named("service");
        assert!(root.root && root.ecosystem.is_none() && root.dependencies.len() == 2);
    }

    #[test]
    fn damaged_audit_data_are_a_gap_and_leave_the_executable_without_an_account() {
        let mut data = zlib(AUDIT);
        let middle = data.len() / 2;
        data.truncate(middle);
        for data in [data, b"plain".to_vec(), zlib("{\"packages\":["), zlib("[]"), Vec::new()] {
            let seen = Recorder::of(&CargoAuditable, "bin/service", &elf(2, ".dep-v0", &data));
            assert!(seen.executable && !seen.accounted, "{seen:?}");
            assert_eq!(seen.gaps.len(), 1, "{seen:?}");
            assert_eq!(seen.gaps[0].0, GapKind::PartialDatabase);
        }
    }

    #[test]
    fn an_executable_without_audit_data_needs_an_account() {
        let seen = Recorder::of(&CargoAuditable, "bin/service", &elf(2, ".text", b"code"));
        assert!(seen.executable && !seen.accounted && seen.gaps.is_empty());
        let truncated = Recorder::of(&CargoAuditable, "bin/service", &elf(2, ".text", b"code")[..40]);
        assert!(truncated.executable && !truncated.accounted);
    }

    #[test]
    fn object_files_and_text_need_no_account() {
        assert!(!Recorder::of(&CargoAuditable, "x.o", &elf(1, ".text", b"code")).executable);
        assert!(!Recorder::of(&CargoAuditable, "x", b"#!/bin/sh\n").executable);
    }

    #[test]
    fn a_decompression_bomb_is_a_gap() {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        let zeros = vec![b' '; 1 << 20];
        for _ in 0..=Limits::AUDIT_DATA >> 20 {
            encoder.write_all(&zeros).expect("in memory");
        }
        let bomb = encoder.finish().expect("in memory");
        let seen = Recorder::of(&CargoAuditable, "bin/bomb", &elf(2, ".dep-v0", &bomb));
        assert_eq!(seen.gaps.len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(magic in 0..MAGICS.len(), bytes: Vec<u8>) {
            Recorder::survives(&CargoAuditable, "x", &[MAGICS[magic], &bytes].concat());
        }

        #[test]
        fn damaged_files_never_panic(at in 0usize..400, byte: u8) {
            let mut file = elf(2, ".dep-v0", &zlib(AUDIT));
            if let Some(target) = file.get_mut(at) {
                *target = byte;
            }
            Recorder::survives(&CargoAuditable, "x", &file);
        }
    }
}
