//! The modules that a Go binary lists, as components.

use super::info;
use super::info::Info;
use crate::io::layers::Spilled;
use crate::io::random_access::{OnDisk, RandomAccess};
use crate::model::coverage::GapKind;
use crate::model::inventory::{Component, Ecosystem, Origin};
use crate::model::purl::Purl;
use crate::stage::inventory::cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};
use crate::stage::inventory::formats::large;

/// Reads ELF, PE and Mach-O files.
pub struct GoBuildInfo;

const MAGICS: &[&[u8]] = &[b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe"];

impl Cataloger for GoBuildInfo {
    fn id(&self) -> &'static str {
        "go-buildinfo"
    }

    fn version(&self) -> u32 {
        3
    }

    fn domain(&self) -> Domain {
        Domain::Image
    }

    fn reads(&self) -> Option<(&'static str, &'static str)> {
        Some(("executables of Go", "Go"))
    }

    fn wants(&self, _head: &EntryHead<'_>) -> Want {
        Want::IfMagic(MAGICS)
    }

    fn catalog(&self, file: &LayerFile<'_>, sink: &mut dyn Sink) {
        catalog(&file.content, sink);
    }

    fn catalog_large(&self, _head: &EntryHead<'_>, content: &Spilled, sink: &mut dyn Sink) {
        let content = OnDisk::new(content);
        catalog(&content, sink);
        large::tell(&content, sink);
    }
}

fn catalog(content: &dyn RandomAccess, sink: &mut dyn Sink) {
    match info::find(content) {
        Ok(None) => {}
        Ok(Some(info)) => modules(&info, sink),
        Err(problem) => sink.gap(
            GapKind::PartialDatabase,
            format!("Go's build information cannot be read: {problem}"),
        ),
    }
}

/// Lines of `mod`, `dep` and `=>`, each with a path, a version and a checksum.
fn modules(info: &Info, sink: &mut dyn Sink) {
    let version = info.go.split(' ').find_map(|word| word.strip_prefix("go")).unwrap_or(&info.go);
    let mut library = Component::new(
        Purl::new("golang", "stdlib", version),
        Some(Ecosystem::new(Ecosystem::GO)),
        "go-buildinfo",
    );
    library.name = "stdlib".to_owned();
    let mut main: Option<Component> = None;
    let mut needed: Vec<Component> = Vec::new();
    for line in info.modules.lines() {
        let mut fields = line.split('\t');
        let (kind, path, version) = (fields.next(), fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        match kind {
            Some("mod") => main = Some(module(path, version)),
            Some("dep") => needed.push(module(path, version)),
            // The line above is replaced by this module, or by a folder.
            Some("=>") => {
                if let Some(last) = needed.last_mut().or(main.as_mut()) {
                    replace(last, path, version);
                }
            }
            _ => {}
        }
    }
    if let Some(mut main) = main {
        sink.accounted();
        main.dependencies = needed
            .iter()
            .map(|module| module.purl.clone())
            .chain([library.purl.clone()])
            .collect();
        main.dependencies.sort();
        main.dependencies.dedup();
        sink.component(main);
    }
    sink.component(library);
    for module in needed {
        sink.component(module);
    }
}

fn module(path: &str, version: &str) -> Component {
    // What is built from its own folder has no version: that is said of the component, and no purl names it.
    let known = if version == "(devel)" { "" } else { version };
    let purl = match path.rsplit_once('/') {
        Some((namespace, name)) => Purl::new("golang", name, known).with_namespace(namespace),
        None => Purl::new("golang", path, known),
    };
    let mut component = Component::new(purl, Some(Ecosystem::new(Ecosystem::GO)), "go-buildinfo");
    component.version = version.to_owned();
    component
}

fn replace(replaced: &mut Component, path: &str, version: &str) {
    if version.is_empty() || path.starts_with('.') || path.starts_with('/') {
        // Code of a folder under the name of the module: it is looked up as that, as of the version that was asked for.
        replaced.origin = Origin::Local;
    } else {
        *replaced = module(path, version);
    }
}

#[cfg(test)]
mod tests {
    use super::super::info::{HEADER, MARK};
    use super::*;
    use crate::stage::inventory::recorder::Recorder;

    const MODULES: &str = "path\texample.org/acme/svc/cmd\nmod\texample.org/acme/svc\t(devel)\t\ndep\tgolang.org/x/net\tv0.17.0\th1:AA=\n\
        dep\tgithub.com/old/name\tv1.0.0\n=>\tgithub.com/new/name\tv1.0.1\th1:AA=\ndep\texample.org/here\tv0.0.0\n=>\t./here\t\t\nbuild\t-compiler=gc\n";

    fn marked(text: &str) -> Vec<u8> {
        [&[b'<'; MARK][..], text.as_bytes(), &[b'>'; MARK][..]].concat()
    }

    fn inline(go: &str, modules: &[u8]) -> Vec<u8> {
        let mut data = [HEADER, &[8, 2], &[0; 16]].concat();
        for text in [go.as_bytes(), modules] {
            data.push((text.len() & 0x7f) as u8 | 0x80);
            data.push((text.len() >> 7) as u8);
            data.extend_from_slice(text);
        }
        data
    }

    /// A 64-bit file of one writable segment at 0x1000 and no sections.
    fn with_segment(data: &[u8]) -> Vec<u8> {
        let mut file = [&b"\x7fELF\x02\x01\x01"[..], &[0; 9], &[2, 0, 62, 0, 1, 0, 0, 0], &[0; 8]].concat();
        file.extend_from_slice(&64u64.to_le_bytes());
        file.extend_from_slice(&[0; 8]);
        file.extend_from_slice(&[0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
        file.extend_from_slice(&[1, 0, 0, 0, 6, 0, 0, 0]);
        for word in [128, 0x1000, 0x1000, data.len() as u64, data.len() as u64, 16u64] {
            file.extend_from_slice(&word.to_le_bytes());
        }
        file.resize(128, 0);
        file.extend_from_slice(data);
        file
    }

    fn expect_modules(seen: &Recorder) {
        assert!(seen.gaps.is_empty() && seen.accounted, "{seen:?}");
        assert_eq!(
            seen.purls(),
            [
                "pkg:golang/example.org/acme/svc",
                "pkg:golang/stdlib@1.22.3",
                "pkg:golang/golang.org/x/net@v0.17.0",
                "pkg:golang/github.com/new/name@v1.0.1",
                "pkg:golang/example.org/here@v0.0.0",
            ]
        );
        assert_eq!(seen.named("example.org/here").origin, Origin::Local);
        assert_eq!(seen.named("example.org/acme/svc").dependencies.len(), 4);
    }

    #[test]
    fn modules_are_read_from_behind_the_header() {
        let file = with_segment(&inline("go1.22.3 X:regabi", &marked(MODULES)));
        expect_modules(&Recorder::of(&GoBuildInfo, "bin/svc", &file));
    }

    /// A table of one section without a name, behind the file.
    fn with_sections(mut file: Vec<u8>) -> Vec<u8> {
        let table = (file.len() as u64).to_le_bytes();
        file[40..48].copy_from_slice(&table);
        file[58..60].copy_from_slice(&64u16.to_le_bytes());
        file[60..62].copy_from_slice(&1u16.to_le_bytes());
        file.extend_from_slice(&[0; 64]);
        file
    }

    #[test]
    fn a_renamed_section_hides_no_modules() {
        let file = with_sections(with_segment(&inline("go1.22.3 X:regabi", &marked(MODULES))));
        expect_modules(&Recorder::of(&GoBuildInfo, "bin/svc", &file));
        let control = with_sections(with_segment(&[0; 64]));
        let seen = Recorder::of(&GoBuildInfo, "bin/svc", &control);
        assert!(seen.components.is_empty() && seen.gaps.is_empty(), "{seen:?}");
    }

    #[test]
    fn modules_are_read_where_an_older_header_points() {
        let modules = marked(MODULES);
        let mut data = [HEADER, &[8, 0]].concat();
        let strings = 0x1000 + 32u64;
        for word in [strings, strings + 16, strings + 32, 8, strings + 40, modules.len() as u64] {
            data.extend_from_slice(&word.to_le_bytes());
        }
        data.extend_from_slice(b"go1.22.3");
        data.extend_from_slice(&modules);
        expect_modules(&Recorder::of(&GoBuildInfo, "bin/svc", &with_segment(&data)));
    }

    #[test]
    fn other_systems_files_are_searched_for_the_header() {
        let mut file = b"MZ".to_vec();
        file.resize(64, 0);
        file.extend_from_slice(&inline("go1.22.3", &marked(MODULES)));
        expect_modules(&Recorder::of(&GoBuildInfo, "svc.exe", &file));
    }

    #[test]
    fn damaged_build_information_is_a_gap() {
        let file = with_segment(&inline("go1.22.3", &marked(MODULES)));
        for cut in [file.len() - 40, 170] {
            let mut file = file.clone();
            file.truncate(cut);
            file[96..104].copy_from_slice(&(cut as u64 - 128).to_le_bytes());
            let seen = Recorder::of(&GoBuildInfo, "bin/svc", &file);
            assert_eq!((seen.gaps.len(), seen.accounted), (1, false), "{cut}");
        }
    }

    #[test]
    fn a_program_without_modules_names_its_library_and_is_not_accounted_for() {
        let seen = Recorder::of(&GoBuildInfo, "bin/svc", &with_segment(&inline("go1.11", b"")));
        assert_eq!((seen.purls(), seen.accounted), (vec!["pkg:golang/stdlib@1.11".to_owned()], false));
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(magic in 0..MAGICS.len(), bytes: Vec<u8>, at in 0usize..300, byte: u8) {
            Recorder::survives(&GoBuildInfo, "x", &[MAGICS[magic], &bytes].concat());
            let mut file = with_segment(&inline("go1.22.3", &marked(MODULES)));
            file[at] = byte;
            Recorder::survives(&GoBuildInfo, "x", &file);
        }
    }
}
