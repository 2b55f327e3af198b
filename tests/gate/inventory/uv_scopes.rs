//! What `uv.lock` needs its packages for, against what uv itself exports without groups and extras.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use portcullis::io::Effects;
use portcullis::model::inventory::Scope;
use portcullis::stage::inventory;

use crate::support::engines::output;
use crate::support::tools;

const PROJECT: &str = "[project]\nname = \"app\"\nversion = \"0.1.0\"\nrequires-python = \">=3.11\"\ndependencies = [\"requests[socks]\", \"lib\"]\n\
    [project.optional-dependencies]\nextra = [\"markupsafe\", \"click\"]\n[dependency-groups]\ndev = [\"pytest\", \"click\"]\ndocs = [\"pygments\"]\n\
    [tool.uv.sources]\nlib = { path = \"lib\", editable = true }\n";
const LIBRARY: &str =
    "[project]\nname = \"lib\"\nversion = \"0.1.0\"\ndependencies = [\"idna\"]\n[project.optional-dependencies]\nfast = [\"ujson\"]\n";

/// The packages that uv would install.
fn exported(uv: &Path, folder: &Path, options: &[&str]) -> BTreeSet<String> {
    let mut export = Command::new(uv);
    export.args([
        "export",
        "--frozen",
        "--offline",
        "--no-hashes",
        "--no-annotate",
        "--no-header",
        "--no-emit-local",
    ]);
    export.args(options).current_dir(folder).env("UV_CACHE_DIR", folder.join("cache"));
    let name = |line: &str| line.split_once("==").map(|(name, _)| name.to_owned());
    output(&mut export).lines().filter_map(name).collect()
}

#[test]
fn packages_of_uv_are_needed_for_what_uv_exports_them_for() {
    let Some(uv) = tools::program("uv") else { return };
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("lib")).unwrap();
    fs::write(folder.path().join("pyproject.toml"), PROJECT).unwrap();
    fs::write(folder.path().join("lib/pyproject.toml"), LIBRARY).unwrap();
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/inventory/uv/groups/root/uv.lock");
    fs::copy(lock, folder.path().join("uv.lock")).unwrap();
    let effects = Effects::plain(folder.path().join("portcullis"));
    let scanned = inventory::source(&folder.path().join("uv.lock"), &[], &effects).unwrap();
    let of = |most: Scope| -> BTreeSet<String> {
        let wanted = scanned
            .components
            .iter()
            .filter(|component| component.scope <= most && !component.root);
        wanted.map(|component| component.name.clone()).collect()
    };
    assert_eq!(of(Scope::Runtime), exported(&uv, folder.path(), &["--no-dev"]));
    assert_eq!(of(Scope::Optional), exported(&uv, folder.path(), &["--no-dev", "--all-extras"]));
    assert_eq!(
        of(Scope::Development),
        exported(&uv, folder.path(), &["--all-groups", "--all-extras"])
    );
    assert!(of(Scope::Runtime).len() < of(Scope::Optional).len() && of(Scope::Optional).len() < of(Scope::Development).len());
}
