//! The documents of an image against Go's `encoding/json`, with which everything reads them that runs an image: what we accept, Go reads equally.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use portcullis::io::oci_layout::{Config, Index, Manifest};
use portcullis::model::digest::Digest;
use portcullis::model::image::{Descriptor, media_type};
use serde_json::json;

use crate::support::tools;

/// Documents that are made and compared. `PORTCULLIS_MUTATIONS` says another number.
const MUTATIONS: usize = 20_000;

/// A seed for the next one: splitmix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % limit as u64).unwrap()
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

fn hex(text: &str) -> String {
    hex::encode(text.as_bytes())
}

fn list(words: &[String]) -> String {
    words.iter().map(|word| hex(word)).collect::<Vec<_>>().join(",")
}

fn describe(d: &Descriptor) -> String {
    let mut said = format!("{}|{}|{}", hex(&d.media_type), d.digest, d.size);
    if let Some(p) = &d.platform {
        let variant = p.variant.clone().unwrap_or_default();
        write!(said, "|{}/{}/{}", hex(&p.os), hex(&p.architecture), hex(&variant)).unwrap();
    }
    said
}

fn descriptors(all: &[Descriptor]) -> String {
    all.iter().map(describe).collect::<Vec<_>>().join(";")
}

/// The same line as the program in Go; `None` for what is refused here.
fn read(kind: &str, document: &[u8]) -> Option<String> {
    let path = Path::new("document");
    match kind {
        "manifest" => {
            let manifest = Manifest::parse(path, document).ok()?;
            Some(format!("{} {}", describe(&manifest.config), descriptors(&manifest.layers)))
        }
        "index" => Some(descriptors(&Index::parse(path, document).ok()?.manifests)),
        _ => {
            let read = Config::parse(path, document).ok()?;
            let (c, ids) = (
                &read.config,
                read.diff_ids.iter().map(Digest::to_string).collect::<Vec<_>>().join(","),
            );
            let word = |word: &Option<String>| hex(word.as_deref().unwrap_or_default());
            Some(format!(
                "{} {} {} {} {} {} {} {ids} {}",
                hex(&read.os),
                hex(&read.architecture),
                word(&c.user),
                list(&c.env),
                list(&c.entrypoint),
                list(&c.cmd),
                word(&c.working_dir),
                c.labels.len(),
            ))
        }
    }
}

fn seeds() -> Vec<(&'static str, String)> {
    let descriptor = |media: &str, byte: u8| json!({"mediaType": media, "digest": Digest::from_bytes([byte; 32]), "size": u64::from(byte)});
    let mut entry = descriptor(media_type::OCI_MANIFEST, 3);
    entry["platform"] = json!({"os": "linux", "architecture": "arm", "variant": "v7", "os.version": "1"});
    entry["annotations"] = json!({"a": "b", "A": "c"});
    let manifest = json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "annotations": {"k": "v"},
        "config": descriptor(media_type::OCI_CONFIG, 1),
        "layers": [descriptor(media_type::OCI_LAYER_GZIP, 2), descriptor(media_type::OCI_LAYER, 4)],
    });
    let index =
        json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": [entry, descriptor(media_type::OCI_MANIFEST, 5)]});
    let config = json!({
        "architecture": "amd64", "os": "linux", "created": "2026-01-01T00:00:00Z",
        "config": {"User": "1000", "Env": ["A=b", "C=d"], "Entrypoint": ["/bin/x"], "Cmd": ["-k"], "WorkingDir": "/w", "Labels": {"l": "m"},
            "ExposedPorts": {"80/tcp": {}}, "StopTimeout": 3},
        "rootfs": {"type": "layers", "diff_ids": [Digest::from_bytes([6; 32])]},
        "history": [{"created_by": "x", "empty_layer": true}, {"created_by": "y"}],
    });
    vec![
        ("manifest", manifest.to_string()),
        ("index", index.to_string()),
        ("config", config.to_string()),
    ]
}

/// One document, changed in one to four places in a way that readers have been fooled by.
fn changed(dice: &mut Dice, seed: &str) -> Vec<u8> {
    let mut text = seed.to_owned();
    for _ in 0..=dice.below(3) {
        let keys: Vec<usize> = text.match_indices("\":").map(|(at, _)| at).collect();
        let Some(&end) = keys.get(dice.below(keys.len().max(1))) else {
            continue;
        };
        let start = text[..end].rfind('"').map_or(0, |at| at + 1);
        let key = text[start..end].to_owned();
        match dice.below(9) {
            0 => text.replace_range(start..end, &key.to_uppercase()),
            1 => text.replace_range(start..end, &key.replacen('s', "ſ", 1).replacen('k', "\u{212a}", 1)),
            2 => {
                let escaped = key
                    .chars()
                    .next()
                    .map(|c| format!("\\u{:04x}{}", u32::from(c), &key[c.len_utf8()..]));
                text.replace_range(start..end, &escaped.unwrap_or_default());
            }
            3 => {
                let value = dice.of(&[
                    "null",
                    "\"root\"",
                    "[]",
                    "{}",
                    "7",
                    "-1",
                    "1e2",
                    "18446744073709551615",
                    "true",
                    "\"\\ud800\"",
                ]);
                let other = if dice.below(2) == 0 { key.clone() } else { key.to_lowercase() };
                text.insert_str(start.saturating_sub(1), &format!("\"{other}\":{value},"));
            }
            4 => {
                let other = *dice.of(&[
                    "Layers",
                    "layers",
                    "Digest",
                    "OS",
                    "os",
                    "user",
                    "User",
                    "Manifests",
                    "size",
                    "unknown",
                    "Config",
                ]);
                text.insert_str(
                    start.saturating_sub(1),
                    &format!("\"{other}\":{},", dice.of(&["[]", "\"linux\"", "0", "{}", "null"])),
                );
            }
            5 => {
                let at = dice.below(text.len());
                if text.is_char_boundary(at) {
                    text.insert_str(
                        at,
                        dice.of::<&str>(&[" ", "\n", "\u{feff}", "\\", "\"", ",", "}", "]", "{}", "null", "\u{0}"]),
                    );
                }
            }
            6 => text.truncate(
                text.char_indices()
                    .map(|(at, _)| at)
                    .nth(dice.below(text.len()))
                    .unwrap_or(text.len()),
            ),
            7 => {
                text = text.replacen(
                    "linux",
                    dice.of::<&str>(&["l\\u0069nux", "L", "\u{1f600}", "\\ud83d\\ude00", "\\/"]),
                    1,
                )
            }
            _ => {
                let mut bytes = text.clone().into_bytes();
                let at = dice.below(bytes.len().max(1));
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = u8::try_from(dice.below(256)).unwrap();
                }
                match String::from_utf8(bytes) {
                    Ok(changed) => text = changed,
                    Err(broken) => return broken.into_bytes(),
                }
            }
        }
    }
    text.into_bytes()
}

/// The program in Go, built into a folder.
fn reader(folder: &Path) -> Option<PathBuf> {
    let go = tools::program("go")?;
    let program = folder.join("go-json");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/go-json/main.go");
    let built = Command::new(go)
        .args(["build", "-o"])
        .arg(&program)
        .arg(source)
        .env("GOFLAGS", "-mod=mod")
        .env("GO111MODULE", "off")
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    Some(program)
}

#[test]
fn what_is_accepted_is_read_equally_by_go() {
    let folder = tempfile::tempdir().unwrap();
    let Some(program) = reader(folder.path()) else { return };
    let count = std::env::var("PORTCULLIS_MUTATIONS").map_or(MUTATIONS, |count| count.parse().unwrap());
    let (seeds, mut dice) = (seeds(), Dice(20_261_128));
    let mut documents: Vec<(&str, Vec<u8>)> = seeds.iter().map(|(kind, text)| (*kind, text.clone().into_bytes())).collect();
    for _ in 0..count {
        let (kind, seed) = dice.of(&seeds);
        documents.push((kind, changed(&mut dice, seed)));
    }
    let mut child = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = String::new();
    for (kind, document) in &documents {
        writeln!(lines, "{kind} {}", hex::encode(document)).unwrap();
    }
    let mut input = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()).unwrap());
    let said = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    writer.join().unwrap();
    let (mut accepted, mut go_alone, mut we_alone) = (0, 0, 0);
    let mut answers = said.lines();
    for (kind, document) in &documents {
        let go = answers.next().unwrap();
        match read(kind, document) {
            None => go_alone += usize::from(go != "refused"),
            // Go refuses a field's type that we do not look at: such an image runs nowhere.
            Some(_) if go == "refused" => we_alone += 1,
            Some(ours) => {
                accepted += 1;
                assert_eq!(ours, go, "{kind}: {}", String::from_utf8_lossy(document));
            }
        }
    }
    assert!(
        read(seeds[0].0, seeds[0].1.as_bytes()).is_some() && accepted > count / 50,
        "{accepted} of {count}"
    );
    println!("{count} documents: {accepted} read equally, {go_alone} refused here alone, {we_alone} by Go alone");
}
