//! `feeds status` and `feeds update` as commands: what is listed, and how they end.

use std::fs;
use std::path::Path;
use std::process::Output;

use crate::matching::feeds::{OLD, archive, record};
use crate::support::files_server::FilesServer;

fn feeds(folder: &Path, args: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = crate::support::portcullis()
        .arg("feeds")
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .env("CARGO_HOME", folder.join("cargo"))
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    (status.code(), said)
}

#[test]
fn an_update_that_reaches_nobody_is_no_success_though_the_copy_of_before_stands() {
    let server = FilesServer::start();
    let url = server.url();
    server.put("/npm/all.zip", archive(&[("GHSA-1", record("GHSA-1", "left-pad", "1.1.0", OLD))]));
    let folder = tempfile::tempdir().unwrap();
    let (code, said) = feeds(folder.path(), &["update", "--ecosystem", "npm", "--osv", &url]);
    assert_eq!(code, Some(0), "{said}");
    drop(server);
    let (code, said) = feeds(folder.path(), &["update", "--osv", &url]);
    assert_eq!(code, Some(69), "{said}");
    assert!(
        said.contains("not updated") && said.contains("osv:npm") && said.contains("1 records"),
        "{said}"
    );
    // Nothing of it is here: the same.
    let (code, said) = feeds(folder.path(), &["update", "--ecosystem", "Debian", "--osv", &url]);
    assert_eq!(code, Some(69), "{said}");
    // The control: a look asks nobody.
    let (code, said) = feeds(folder.path(), &["status", "--osv", &url]);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn an_update_without_network_is_refused_and_one_that_needs_none_is_not() {
    let server = FilesServer::start();
    let url = server.url();
    server.put("/npm/all.zip", archive(&[("GHSA-1", record("GHSA-1", "left-pad", "1.1.0", OLD))]));
    let folder = tempfile::tempdir().unwrap();
    let update = |more: &[&str]| {
        feeds(
            folder.path(),
            &[&["update", "--ecosystem", "npm", "--max-age", "99999d"], more].concat(),
        )
    };
    let (code, said) = update(&["--osv", &url, "--offline"]);
    assert_eq!(code, Some(64), "{said}");
    assert!(said.contains("--offline") && said.contains("feeds status"), "{said}");
    fs::create_dir_all(folder.path().join("mirror/npm")).unwrap();
    fs::write(
        folder.path().join("mirror/npm/GHSA-1.json"),
        record("GHSA-1", "left-pad", "1.1.0", OLD),
    )
    .unwrap();
    fs::write(folder.path().join("mirror/npm/modified_id.csv"), format!("{OLD},GHSA-1\n")).unwrap();
    let (code, said) = update(&["--osv", "mirror", "--offline"]);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn the_crates_index_is_told_and_stands_for_no_advisories() {
    let folder = tempfile::tempdir().unwrap();
    let (code, said) = feeds(folder.path(), &["status"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(!said.contains("crates-index"), "who has no crates is not told of them: {said}");
    let entry = folder
        .path()
        .join("cargo/registry/index/index.crates.io-1949cf8c6b5b557f/.cache/se/rd/serde");
    fs::create_dir_all(entry.parent().unwrap()).unwrap();
    fs::write(&entry, "x").unwrap();
    let (code, said) = feeds(folder.path(), &["status"]);
    assert!(
        said.contains("crates-index") && said.contains("1 records") && said.contains("cargo's copy"),
        "{said}"
    );
    assert_eq!(code, Some(2), "there are no advisories: {said}");
    fs::remove_file(&entry).unwrap();
    let advisory = record("GHSA-1", "left-pad", "1.1.0", OLD).replace("npm", "crates.io");
    fs::create_dir_all(folder.path().join("mirror/crates.io")).unwrap();
    fs::write(folder.path().join("mirror/crates.io/GHSA-1.json"), advisory).unwrap();
    fs::write(folder.path().join("mirror/crates.io/modified_id.csv"), format!("{OLD},GHSA-1\n")).unwrap();
    let (code, said) = feeds(folder.path(), &["status", "--osv", "mirror", "--max-age", "99999d"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("crates-index") && said.contains("nothing of it is here"), "{said}");
}

/// A mirror of one npm record.
fn mirror(folder: &Path) {
    fs::create_dir_all(folder.join("mirror/npm")).unwrap();
    fs::write(folder.join("mirror/npm/GHSA-1.json"), record("GHSA-1", "left-pad", "1.1.0", OLD)).unwrap();
    fs::write(folder.join("mirror/npm/modified_id.csv"), format!("{OLD},GHSA-1\n")).unwrap();
}

#[test]
fn what_was_exported_from_a_folder_is_used_elsewhere_and_is_as_old_as_its_newest_record() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    mirror(here.path());
    let (code, said) = feeds(here.path(), &["export", "feeds.tar", "--osv", "mirror"]);
    assert_eq!(code, Some(0), "{said}");
    let bundle = here.path().join("feeds.tar").display().to_string();
    // The control: nothing is here before.
    let (code, said) = feeds(there.path(), &["status", "--max-age", "99999d"]);
    assert_eq!(code, Some(2), "{said}");
    let (code, said) = feeds(there.path(), &["import", &bundle]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("osv:npm: its data is older") && said.contains("max_age"), "{said}");
    let (code, said) = feeds(there.path(), &["import", &bundle, "--max-age", "99999d"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = feeds(there.path(), &["status", "--max-age", "99999d"]);
    assert_eq!(code, Some(0), "{said}");
    let shown = |said: &str| {
        said.split_once("records  ")
            .map(|(_, rest)| rest.split("  ").next().unwrap_or_default().to_owned())
    };
    let (_, of_folder) = feeds(here.path(), &["status", "--osv", "mirror", "--max-age", "99999d"]);
    assert!(shown(&said).is_some() && shown(&said) == shown(&of_folder), "{said}{of_folder}");
}

#[test]
fn a_folder_that_is_not_there_or_too_old_is_told_with_what_helps() {
    let folder = tempfile::tempdir().unwrap();
    for verb in ["update", "status"] {
        let (code, said) = feeds(folder.path(), &[verb, "--osv", "nowhere"]);
        assert_eq!(code, Some(64), "{said}");
        assert!(said.contains("`nowhere` does not exist"), "{said}");
    }
    mirror(folder.path());
    let (code, said) = feeds(folder.path(), &["update", "--osv", "mirror"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("bring mirror up to date, or allow older data with [feeds] max_age"),
        "{said}"
    );
    assert!(
        !said.contains("feeds update --ecosystem"),
        "no update of ours makes a folder newer: {said}"
    );
}
