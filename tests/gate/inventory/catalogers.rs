//! Each cataloger over small file trees: `fixtures/inventory/<cataloger>/<case>/root/…`, and what it must say of them in `expected.json`.
//!
//! `PORTCULLIS_BLESS=1` writes what is said now; read the difference before it is committed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use portcullis::model::coverage::GapKind;
use portcullis::model::inventory::{Component, FactKind, Origin, OsRelease, Scope};
use portcullis::model::purl::Purl;
use portcullis::stage::inventory::CATALOGERS;
use portcullis::stage::inventory::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};
use serde_json::{Value, json};

/// Keeps what a cataloger says of one file.
#[derive(Default)]
struct Recorder {
    components: Vec<Component>,
    owned: BTreeMap<String, Vec<String>>,
    others: Vec<Value>,
}

impl Sink for Recorder {
    fn component(&mut self, component: Component) {
        self.components.push(component);
    }

    fn owns(&mut self, path: &str, owner: &Purl) {
        self.owned.entry(owner.to_string()).or_default().push(path.to_owned());
    }

    fn needs(&mut self, names: Vec<(String, Scope)>) {
        self.others.push(json!({ "needs": names }));
    }

    fn licenses(&mut self, licenses: Vec<String>) {
        self.others.push(json!({ "licenses": licenses }));
    }

    fn accounted(&mut self) {
        self.others.push(json!("accounted"));
    }

    fn executable(&mut self) {
        self.others.push(json!("executable"));
    }

    fn os_release(&mut self, release: OsRelease) {
        self.others.push(json!({ "os": release }));
    }

    fn fact(&mut self, kind: FactKind, detail: String) {
        self.others.push(json!({ "fact": kind, "detail": detail }));
    }

    fn gap(&mut self, kind: GapKind, detail: String) {
        self.others.push(json!({ "gap": kind, "detail": detail }));
    }
}

/// A component without what its purl says already.
fn brief(component: &Component) -> Value {
    let mut fields = serde_json::Map::new();
    let mut add = |name: &str, value: Value| _ = fields.insert(name.to_owned(), value);
    add("purl", json!(component.purl));
    if let Some(ecosystem) = &component.ecosystem {
        add("ecosystem", json!(ecosystem));
    }
    if let Some(source) = &component.source {
        add("source", json!(format!("{} {}", source.name, source.version)));
    }
    if component.scope != Scope::Runtime {
        add("scope", json!(component.scope));
    }
    if component.origin != Origin::Registry {
        add("origin", json!(component.origin));
    }
    if !component.licenses.is_empty() {
        add("licenses", json!(component.licenses));
    }
    if let Some(sha256) = &component.sha256 {
        add("sha256", json!(sha256));
    }
    if let Some(line) = component.locations.first().and_then(|location| location.line) {
        add("line", json!(line));
    }
    if !component.dependencies.is_empty() {
        add("needs", json!(component.dependencies));
    }
    if component.root {
        add("root", json!(true));
    }
    Value::Object(fields)
}

/// Everything that a cataloger says of a tree, by path.
fn said_of(cataloger: &dyn Cataloger, root: &Path) -> Value {
    let mut by_path = serde_json::Map::new();
    for file in files(root) {
        let content = std::fs::read(&file).unwrap();
        let path = file.strip_prefix(root).unwrap().to_str().unwrap();
        let head = EntryHead {
            path,
            mode: 0o755,
            size: content.len() as u64,
        };
        let content: &[u8] = match cataloger.wants(&head) {
            Want::Whole => &content,
            Want::Path => &[],
            Want::IfMagic(magics) if magics.iter().any(|magic| content.starts_with(magic)) => &content,
            Want::IfMagic(_) | Want::No => continue,
        };
        let mut said = Recorder::default();
        cataloger.catalog(&LayerFile { head, content }, &mut said);
        let mut lines: Vec<Value> = said.components.iter().map(brief).collect();
        lines.append(&mut said.others);
        lines.extend(
            said.owned
                .into_iter()
                .map(|(owner, paths)| json!({ "owner": owner, "paths": paths })),
        );
        by_path.insert(path.to_owned(), Value::Array(lines));
    }
    Value::Object(by_path)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { open.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

fn cases(cataloger: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/inventory").join(cataloger);
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut cases: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("root").is_dir())
        .collect();
    cases.sort();
    cases
}

#[test]
fn catalogers_say_of_each_case_what_is_expected() {
    let bless = std::env::var_os("PORTCULLIS_BLESS").is_some();
    for cataloger in CATALOGERS {
        for case in cases(cataloger.id()) {
            let said = format!("{:#}\n", said_of(*cataloger, &case.join("root")));
            let expected = case.join("expected.json");
            if bless {
                std::fs::write(&expected, &said).unwrap();
            }
            let wanted = std::fs::read_to_string(&expected).unwrap_or_default();
            assert_eq!(said, wanted, "{}", case.display());
        }
    }
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect()
}

#[test]
fn every_cataloger_has_a_case() {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/inventory");
    let ids = CATALOGERS.iter().map(|cataloger| cataloger.id());
    let without: Vec<&str> = ids.filter(|id| folders(&all.join(id)).is_empty()).collect();
    assert!(without.is_empty(), "no folder in fixtures/inventory for {without:?}");
}

#[test]
fn every_case_belongs_to_a_cataloger_or_is_a_whole_image_or_sbom() {
    for path in folders(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/inventory")) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let known = CATALOGERS.iter().any(|cataloger| cataloger.id() == name) || matches!(name, "image" | "sbom");
        assert!(known, "{name}");
        for case in folders(&path) {
            let form = ["root", "image.json", "sbom.json"].map(|form| case.join(form).exists());
            assert_eq!(form.iter().filter(|there| **there).count(), 1, "{}", case.display());
        }
    }
}

/// Every file of every case, with the cataloger that it is a case of.
fn all_files() -> Vec<(&'static dyn Cataloger, String, Vec<u8>)> {
    let mut all = Vec::new();
    for cataloger in CATALOGERS {
        for case in cases(cataloger.id()) {
            let root = case.join("root");
            for file in files(&root) {
                let path = file.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                all.push((*cataloger, path, std::fs::read(&file).unwrap()));
            }
        }
    }
    all
}

fn catalog(cataloger: &dyn Cataloger, path: &str, content: &[u8]) -> Recorder {
    let head = EntryHead {
        path,
        mode: 0o755,
        size: content.len() as u64,
    };
    let mut said = Recorder::default();
    cataloger.catalog(&LayerFile { head, content }, &mut said);
    said
}

proptest::proptest! {
    #[test]
    fn no_cataloger_panics_on_arbitrary_bytes(bytes: Vec<u8>) {
        for (cataloger, path, _) in all_files() {
            catalog(cataloger, &path, &bytes);
        }
    }

    #[test]
    fn no_cataloger_panics_on_damaged_files(damages in proptest::collection::vec((0.0f64..1.0, proptest::num::u8::ANY), 0..8), cut in 0.0f64..1.5) {
        for (cataloger, path, mut content) in all_files() {
            let size = content.len() as f64;
            for (at, byte) in &damages {
                if let Some(target) = content.get_mut((at * size) as usize) {
                    *target = *byte;
                }
            }
            content.truncate((cut * size) as usize);
            catalog(cataloger, &path, &content);
        }
    }
}

/// The table of docs/reading.md between these lines is written by the test with `PORTCULLIS_BLESS=1`.
const TABLE: [&str; 2] = ["<!-- what is read -->\n", "<!-- end of what is read -->\n"];

#[test]
fn the_page_on_reading_lists_what_is_read() {
    let mut rows: BTreeMap<String, (&str, [Vec<&str>; 2])> = BTreeMap::new();
    for cataloger in CATALOGERS {
        let Some((files, ecosystems)) = cataloger.reads() else { continue };
        let row = rows.entry(ecosystems.to_lowercase()).or_insert((ecosystems, Default::default()));
        let [trees, images] = &mut row.1;
        match cataloger.domain() {
            Domain::Source => trees.push(files),
            Domain::Image => images.push(files),
            Domain::Both => [trees, images].into_iter().for_each(|place| place.push(files)),
        }
    }
    let line = |(ecosystems, [trees, images]): &(&str, [Vec<&str>; 2])| {
        format!("| {ecosystems} | {} | {} |\n", trees.join(", "), images.join(", "))
    };
    let lines: String = rows.values().map(line).collect();
    let table = format!("| packages of | in trees | in images |\n|---|---|---|\n{lines}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reading.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(TABLE[0]).unwrap();
    let (written, after) = rest.split_once(TABLE[1]).unwrap();
    if std::env::var_os("PORTCULLIS_BLESS").is_some() {
        std::fs::write(&path, [before, TABLE[0], &table, TABLE[1], after].concat()).unwrap();
    } else {
        assert_eq!(written, table, "PORTCULLIS_BLESS=1 writes it anew");
    }
}
