//! The inventory of a real root file system against the lists of the package managers themselves.
//!
//! `PORTCULLIS_HEAVY=1` switches it on; it needs root, debootstrap, npm and a network. `PORTCULLIS_ROOTFS` names a Debian root file system with
//! Python to take instead of making one.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use portcullis::io::Effects;
use portcullis::model::image_ref::ImageRef;
use portcullis::model::inventory::{Component, Inventory, Origin};
use portcullis::stage::inventory;

use crate::support::engines::{is_root, output};
use crate::support::{rootfs, tools};

fn inventory_of(root: &Path, cache: &Path) -> Inventory {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let reference = ImageRef::RootFs(root.to_owned());
    runtime
        .block_on(inventory::image_ref(&reference, &Effects::plain(cache.to_owned())))
        .unwrap()
}

fn of_kind<'a>(inventory: &'a Inventory, kind: &'a str) -> impl Iterator<Item = &'a Component> {
    inventory.components.iter().filter(move |component| component.purl.kind == kind)
}

#[test]
fn a_real_root_file_system_lists_as_its_package_managers_do() {
    let (true, Some(root), Some(npm)) = (is_root(), rootfs::debian(), tools::program("npm")) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let inventory = inventory_of(&root, &folder.path().join("cache"));

    let query = [
        "-W",
        "-f",
        "${db:Status-Status} ${Package} ${Version} ${source:Package} ${source:Version}\n",
        "--admindir",
    ];
    let listed = output(Command::new("dpkg-query").args(query).arg(root.join("var/lib/dpkg")));
    let listed: BTreeSet<&str> = listed.lines().filter_map(|line| line.strip_prefix("installed ")).collect();
    let ours: BTreeSet<String> = of_kind(&inventory, "deb")
        .map(|c| {
            let source = c.source.as_ref().unwrap();
            format!("{} {} {} {}", c.name, c.version, source.name, source.version)
        })
        .collect();
    assert_eq!(ours.iter().map(String::as_str).collect::<BTreeSet<_>>(), listed);

    // The others have a copyright file in words of their own that refer to no licence of the system's.
    let packages: Vec<&Component> = of_kind(&inventory, "deb").collect();
    let licensed = packages.iter().filter(|package| !package.licenses.is_empty()).count();
    assert!(
        licensed * 100 >= packages.len() * 95,
        "{licensed} of {} packages state a licence",
        packages.len()
    );

    let listed = output(
        Command::new("chroot")
            .arg(&root)
            .args(["pip", "list", "--format=freeze", "--disable-pip-version-check"]),
    );
    let ours: BTreeSet<String> = of_kind(&inventory, "pypi").map(|c| format!("{}=={}", c.name, c.version)).collect();
    assert_eq!(ours.iter().map(String::as_str).collect::<BTreeSet<_>>(), listed.lines().collect());

    let app = folder.path().join("app/srv");
    std::fs::create_dir_all(&app).unwrap();
    let packages = ["express@4.17.1", "semver@7.3.5", "tar@6.0.0"];
    output(
        Command::new(&npm)
            .args(["install", "--silent", "--ignore-scripts", "--no-audit"])
            .args(packages)
            .current_dir(&app),
    );
    let inventory = inventory_of(&folder.path().join("app"), &folder.path().join("cache"));
    let listed = output(Command::new(&npm).args(["ls", "--all", "--parseable"]).current_dir(&app));
    let prefix = folder.path().join("app").canonicalize().unwrap();
    let listed: BTreeSet<String> = listed
        .lines()
        .skip(1)
        .map(|path| format!("/{}/package.json", Path::new(path).strip_prefix(&prefix).unwrap().display()))
        .collect();
    let ours: BTreeSet<String> = of_kind(&inventory, "npm")
        .flat_map(|c| &c.locations)
        .map(|l| l.path.clone())
        .collect();
    assert_eq!(ours, listed);
}

#[test]
fn packages_of_a_lock_file_that_npm_writes_come_from_its_own_registry() {
    if std::env::var_os("PORTCULLIS_HEAVY").is_none() {
        println!("skipped: a lock file that npm writes (set PORTCULLIS_HEAVY=1)");
        return;
    }
    let Some(npm) = tools::program("npm") else { return };
    let folder = tempfile::tempdir().unwrap();
    // No configuration of this machine's, so that npm asks its own registry.
    let mut install = Command::new(&npm);
    install.args([
        "install",
        "--package-lock-only",
        "--silent",
        "--no-audit",
        "--userconfig=none",
        "--globalconfig=nothing",
        // Where packets are dropped npm would wait for minutes.
        "--fetch-timeout=20000",
        "--fetch-retries=0",
        "express@4.17.1",
    ]);
    if !install.current_dir(folder.path()).status().unwrap().success() {
        println!("skipped: a lock file that npm writes (its registry is not reached from here)");
        return;
    }
    let effects = Effects::plain(folder.path().join("cache"));
    let inventory = inventory::source(&folder.path().join("package-lock.json"), &[], &effects).unwrap();
    let (own, fetched): (Vec<&Component>, Vec<&Component>) = inventory.components.iter().partition(|c| c.origin == Origin::Local);
    assert!(own.len() <= 1 && fetched.len() > 40, "{}", fetched.len());
    for component in fetched {
        assert_eq!(component.origin, Origin::Registry, "{component:?}");
    }
}
