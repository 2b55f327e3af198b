//! What links make of an image, compared with what umoci unpacks of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use portcullis::io::Effects;
use portcullis::model::image_ref::ImageRef;
use portcullis::stage::inventory;
use serde_json::{Value, json};

use crate::support::images;
use crate::support::layer::Tar;
use crate::support::tools::program;

const STATUS: &str = "var/lib/dpkg/status";

fn status(name: &str) -> String {
    format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0-1\n\n")
}

fn base() -> Tar {
    Tar::new()
        .dir("etc")
        .file("etc/os-release", "ID=debian\nVERSION_ID=12\n")
        .dir("var")
        .dir("var/lib")
        .dir("var/lib/dpkg")
        .file(STATUS, status("base"))
        .dir("opt")
        .file("opt/list", status("evil"))
}

/// The packages that the inventory of an image of these layers has, and how many gaps.
fn inventoried(folder: &Path, tars: Vec<Tar>) -> (BTreeSet<String>, usize) {
    let layers: Vec<Vec<u8>> = tars.into_iter().map(Tar::finish).collect();
    images::image(&folder.join("image"), &layers);
    let reference = ImageRef::OciLayout {
        dir: folder.join("image"),
        tag: None,
        digest: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let effects = Effects::plain(folder.join("cache"));
    let seen = runtime.block_on(inventory::image_ref(&reference, &effects)).unwrap();
    (
        seen.components.iter().map(|component| component.name.clone()).collect(),
        seen.gaps.len(),
    )
}

/// The packages in the database that umoci unpacks; none where it refuses the image.
fn unpacked(umoci: &Path, folder: &Path) -> Option<BTreeSet<String>> {
    let index = folder.join("image/index.json");
    let mut document: Value = serde_json::from_slice(&fs::read(&index).unwrap()).unwrap();
    document["manifests"][0]["annotations"] = json!({"org.opencontainers.image.ref.name": "t"});
    fs::write(&index, document.to_string()).unwrap();
    let bundle = folder.join("bundle");
    let mut command = Command::new(umoci);
    command.args(["unpack", "--rootless", "--image"]);
    command.arg(format!("{}:t", folder.join("image").display())).arg(&bundle);
    if !command.output().unwrap().status.success() {
        return None;
    }
    let text = fs::read_to_string(bundle.join("rootfs").join(STATUS)).unwrap_or_default();
    Some(
        text.lines()
            .filter_map(|line| line.strip_prefix("Package: "))
            .map(str::to_owned)
            .collect(),
    )
}

#[test]
fn what_umoci_unpacks_is_in_the_inventory() {
    let Some(umoci) = program("umoci") else { return };
    let link = || Tar::new().hard_link("opt/second", "opt/list");
    let images: Vec<(&str, Vec<Tar>)> = vec![
        ("nothing", vec![base()]),
        (
            "through a link",
            vec![base().symlink("v", "var/lib/dpkg").file("v/status", status("evil"))],
        ),
        (
            "through a link of the root",
            vec![base().symlink("v", "/../var/lib").file("v/dpkg/status", status("evil"))],
        ),
        (
            "a link and a folder",
            vec![base().symlink("v", "var/lib/dpkg").dir("v").file("v/status", status("evil"))],
        ),
        (
            "through a lower link",
            vec![base().symlink("v", "var/lib/dpkg"), Tar::new().file("v/status", status("evil"))],
        ),
        (
            "a folder over a lower link",
            vec![
                base().symlink("v", "var/lib/dpkg"),
                Tar::new().dir("v").file("v/status", status("evil")),
            ],
        ),
        ("a hard link", vec![base().hard_link(STATUS, "opt/list")]),
        (
            "a hard link and its target again",
            vec![base().hard_link(STATUS, "opt/list").file("opt/list", "")],
        ),
        (
            "a hard link through a link",
            vec![base().symlink("w", "opt").hard_link(STATUS, "w/list")],
        ),
        (
            "a hard link to a lower file",
            vec![base(), link(), Tar::new().file("opt/.wh.list", "").hard_link(STATUS, "opt/second")],
        ),
        ("a whiteout", vec![base(), Tar::new().file("var/lib/dpkg/.wh.status", "")]),
        (
            "a whiteout and a file",
            vec![base(), Tar::new().file("var/lib/dpkg/.wh.status", "").file(STATUS, status("evil"))],
        ),
        (
            "an opaque folder",
            vec![base(), Tar::new().dir("var/lib/dpkg").file("var/lib/dpkg/.wh..wh..opq", "")],
        ),
        (
            "a whiteout through a lower link",
            vec![base().symlink("v", "var/lib/dpkg"), Tar::new().file("v/.wh.status", "")],
        ),
        (
            "a folder that became a link",
            vec![base().symlink("var/lib/dpkg", "/opt/db").file("opt/db/status", status("evil"))],
        ),
        (
            "a link that became a folder",
            vec![
                base()
                    .symlink("v", "var/lib/dpkg")
                    .dir("v")
                    .dir("var/lib/dpkg")
                    .file("v/status", status("evil")),
            ],
        ),
    ];
    let mut refused = Vec::new();
    let mut compared = 0;
    for (what, tars) in images {
        let folder = tempfile::tempdir().unwrap();
        let (found, gaps) = inventoried(folder.path(), tars);
        match unpacked(&umoci, folder.path()) {
            Some(there) => {
                compared += 1;
                assert!(
                    there.is_subset(&found) || gaps > 0,
                    "{what}: umoci has {there:?}, the inventory {found:?}"
                );
            }
            None => refused.push(what),
        }
    }
    assert!(compared >= 12, "umoci refused {refused:?}");
}
