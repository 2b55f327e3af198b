//! Real jars of Debian's packages, alone and inside of other archives: the coordinates that `unzip` finds in them.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::programs::{in_file, inventory_of};
use crate::support::{debs, tools};

/// Small packages whose jars Maven built.
const PACKAGES: [&str; 4] = [
    "libcommons-lang3-java",
    "libcommons-io-java",
    "libgoogle-gson-java",
    "libslf4j-java",
];

/// Every jar below a folder that is no link.
fn jars(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() && entry.path().extension().is_some_and(|e| e == "jar") {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

/// `group:artifact@version` of each `pom.properties`, one `unzip -p` each.
fn by_unzip(unzip: &Path, jar: &Path) -> BTreeSet<String> {
    let listed = Command::new(unzip).arg("-Z1").arg(jar).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let properties = listed
        .lines()
        .filter(|name| name.starts_with("META-INF/maven/") && name.ends_with("/pom.properties"));
    properties
        .map(|name| {
            let text = Command::new(unzip).arg("-p").arg(jar).arg(name).output().unwrap();
            let text = String::from_utf8(text.stdout).unwrap();
            let field = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)).unwrap().trim().to_owned();
            format!("{}:{}@{}", field("groupId="), field("artifactId="), field("version="))
        })
        .collect()
}

/// An archive of files, each under a name in it; the first is stored, the others are compressed.
fn archive(file: &Path, entries: &[(String, Vec<u8>)]) {
    let mut writer = zip::ZipWriter::new(fs::File::create(file).unwrap());
    for (at, (name, content)) in entries.iter().enumerate() {
        let method = if at == 0 {
            zip::CompressionMethod::Stored
        } else {
            zip::CompressionMethod::Deflated
        };
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        writer.start_file(name, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap();
}

#[test]
fn jars_have_the_coordinates_that_unzip_finds_also_inside_of_other_archives() {
    let Some(unzip) = tools::program("unzip") else { return };
    let folder = tempfile::tempdir().unwrap();
    let debs: Vec<debs::Deb> = PACKAGES
        .iter()
        .filter_map(|name| debs::unpacked(name, &folder.path().join("root")))
        .collect();
    if debs.len() < PACKAGES.len() {
        return;
    }
    let root = folder.path().join("root");
    let jars = jars(&root);
    let mut all = BTreeSet::new();
    let inventory = inventory_of(&root);
    let mut inner = Vec::new();
    for jar in &jars {
        let expected = by_unzip(&unzip, jar);
        let path = format!("/{}", jar.strip_prefix(&root).unwrap().display());
        if expected.is_empty() {
            continue;
        }
        assert_eq!(in_file(&inventory, &path), expected, "{path}");
        let name = format!("WEB-INF/lib/{}", jar.file_name().unwrap().to_string_lossy());
        inner.push((name, fs::read(jar).unwrap()));
        all.extend(expected);
    }
    assert!(all.len() >= 3, "{all:?}");

    let packed = folder.path().join("packed");
    fs::create_dir(&packed).unwrap();
    archive(&packed.join("app.war"), &inner);
    let war = fs::read(packed.join("app.war")).unwrap();
    archive(&packed.join("all.ear"), &[("app.war".to_owned(), war)]);
    let inventory = inventory_of(&packed);
    let of_archive = |path: &str| -> BTreeSet<String> { in_file(&inventory, path).intersection(&all).cloned().collect() };
    assert_eq!(of_archive("/app.war"), all);
    assert_eq!(of_archive("/all.ear"), all);
    assert_eq!(inventory.gaps, []);
}
