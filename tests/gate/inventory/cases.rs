//! Whole images and SBOMs: `fixtures/inventory/<what>/<case>/image.json` or `sbom.json`, and what is seen in them in `expected.json`.
//!
//! Modes are not kept by a checkout, and a secret must not look like one in a repository: an image is described, its texts in pieces.
//! `PORTCULLIS_BLESS=1` writes what is seen now; read the difference before it is committed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use portcullis::io::Effects;
use portcullis::model::image_ref::ImageRef;
use portcullis::model::inventory::Inventory;
use portcullis::stage::inventory::{self, sbom};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::layered::{self, Step};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    /// The `config` object of the image's configuration.
    #[serde(default)]
    config: Value,
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Layer {
    created_by: String,
    files: BTreeMap<String, File>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Octal; 644 where it is left out.
    #[serde(default)]
    mode: Option<String>,
    /// True for a file that the loader would take.
    #[serde(default)]
    elf: bool,
    #[serde(default)]
    text: Vec<Piece>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Piece {
    Text(String),
    Repeated { repeat: String, times: usize },
}

impl File {
    fn content(&self) -> Vec<u8> {
        let mut content = Vec::new();
        if self.elf {
            content.extend([&b"\x7fELF\x02\x01\x01"[..], &[0; 9], &[3, 0, 62, 0], &[0; 60]].concat());
        }
        for piece in &self.text {
            match piece {
                Piece::Text(text) => content.extend(text.as_bytes()),
                Piece::Repeated { repeat, times } => content.extend(repeat.repeat(*times).as_bytes()),
            }
        }
        content
    }

    fn mode(&self) -> u32 {
        self.mode.as_deref().map_or(0o644, |mode| u32::from_str_radix(mode, 8).unwrap())
    }
}

fn cases(file: &str) -> Vec<PathBuf> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/inventory");
    let folders = |folder: &Path| -> Vec<PathBuf> { fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect() };
    let mut cases: Vec<PathBuf> = folders(&all)
        .iter()
        .filter(|folder| folder.is_dir())
        .flat_map(|folder| folders(folder))
        .filter(|case| case.join(file).is_file())
        .collect();
    cases.sort();
    assert!(!cases.is_empty(), "no case has {file}");
    cases
}

fn seen_in_image(case: &Path) -> Value {
    let described: Described = serde_json::from_slice(&fs::read(case.join("image.json")).unwrap()).unwrap();
    let steps: Vec<Step> = described
        .layers
        .iter()
        .map(|layer| {
            let files: Vec<(&str, u32, Vec<u8>)> = layer
                .files
                .iter()
                .map(|(path, file)| (path.as_str(), file.mode(), file.content()))
                .collect();
            let files: Vec<(&str, u32, &[u8])> = files
                .iter()
                .map(|(path, mode, content)| (*path, *mode, content.as_slice()))
                .collect();
            Step::new(&layer.created_by, &files)
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    layered::configured(&folder.path().join("image"), &steps, &described.config);
    let reference = ImageRef::OciLayout {
        dir: folder.path().join("image"),
        tag: None,
        digest: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let effects = Effects::plain(folder.path().join("cache"));
    let inventory = runtime.block_on(inventory::image_ref(&reference, &effects)).unwrap();
    let platform = &inventory.platforms[0];
    let mut seen = brief(&inventory);
    seen["config"] = json!(platform.config);
    seen["os"] = json!(platform.os);
    seen["layers"] = platform
        .layers
        .iter()
        .map(|l| json!({"created_by": l.created_by, "size": l.size, "entries": l.entries}))
        .collect();
    seen
}

fn seen_in_sbom(case: &Path) -> Value {
    match sbom::parse(&fs::read(case.join("sbom.json")).unwrap(), "sbom.json") {
        Ok(inventory) => brief(&inventory),
        Err(problem) => json!({"problem": problem}),
    }
}

/// Components by purl, facts and gaps by place.
fn brief(inventory: &Inventory) -> Value {
    let components = inventory.components.iter().map(|component| {
        let mut brief = json!({"purl": component.purl, "ecosystem": component.ecosystem, "source": component.source});
        if !component.licenses.is_empty() {
            brief["licenses"] = json!(component.licenses);
        }
        brief
    });
    let facts = inventory.facts.iter().map(|fact| {
        json!({
            "kind": fact.kind, "detail": fact.detail, "path": fact.location.path, "line": fact.location.line,
            "created_by": fact.location.created_by, "deleted": fact.deleted,
        })
    });
    let gaps = inventory
        .gaps
        .iter()
        .map(|gap| json!({"kind": gap.kind, "subject": gap.subject, "detail": gap.detail}));
    json!({
        "components": components.collect::<Vec<_>>(),
        "facts": facts.collect::<Vec<_>>(),
        "gaps": gaps.collect::<Vec<_>>(),
    })
}

fn expect(case: &Path, seen: &Value) {
    let seen = format!("{seen:#}\n");
    let expected = case.join("expected.json");
    if std::env::var_os("PORTCULLIS_BLESS").is_some() {
        fs::write(&expected, &seen).unwrap();
    }
    assert_eq!(seen, fs::read_to_string(&expected).unwrap_or_default(), "{}", case.display());
}

#[test]
fn images_show_what_is_expected() {
    cases("image.json").iter().for_each(|case| expect(case, &seen_in_image(case)));
}

#[test]
fn sboms_show_what_is_expected() {
    cases("sbom.json").iter().for_each(|case| expect(case, &seen_in_sbom(case)));
}
