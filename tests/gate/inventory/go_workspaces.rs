//! What a workspace of Go builds, as the program says it and as `go list` does.

use std::fs;
use std::path::Path;
use std::process::Command;

use portcullis::io::Effects;
use portcullis::stage::inventory;

use crate::support::engines::{output, text};
use crate::support::tools;

/// A proxy of modules in a folder: what `go list` reads of them. Source: go.dev/ref/mod, "GOPROXY protocol".
fn proxy(folder: &Path, modules: &[(&str, &str)]) {
    for (name, version) in modules {
        let place = folder.join(name).join("@v");
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join(format!("{version}.mod")), format!("module {name}\n\ngo 1.21\n")).unwrap();
        fs::write(place.join(format!("{version}.info")), format!("{{\"Version\":\"{version}\"}}")).unwrap();
    }
}

#[test]
fn what_go_lists_of_a_workspace_is_among_what_is_looked_up() {
    let Some(go) = tools::program("go") else { return };
    let net = "example.org/net";
    let work = "go 1.21\n\nuse (\n\t./svc\n\t./lib\n)\n";
    let svc = format!("module example.org/svc\n\ngo 1.21\n\nrequire {net} v0.57.0\n");
    let lib = "module example.org/lib\n\ngo 1.21\n";
    let with = |text: &str, line: &str| format!("{text}\n{line}\n");
    // The workspace, one module, the other; and what is built.
    let cases = [
        (work.to_owned(), svc.clone(), lib.to_owned(), "v0.57.0"),
        (
            work.to_owned(),
            svc.clone(),
            with(lib, &format!("replace {net} => {net} v0.38.0")),
            "v0.38.0",
        ),
        (
            with(work, &format!("replace {net} => {net} v0.38.0")),
            svc.clone(),
            lib.to_owned(),
            "v0.38.0",
        ),
        (
            with(work, &format!("replace {net} v0.1.0 => {net} v0.38.0")),
            svc.clone(),
            lib.to_owned(),
            "v0.57.0",
        ),
        (work.to_owned(), svc, with(lib, &format!("require {net} v0.60.0")), "v0.60.0"),
    ];
    for (work, svc, lib, expected) in cases {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("tree");
        for (name, content) in [("go.work", &work), ("svc/go.mod", &svc), ("lib/go.mod", &lib)] {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let modules = ["v0.1.0", "v0.38.0", "v0.57.0", "v0.60.0"].map(|version| (net, version));
        proxy(&folder.path().join("proxy"), &modules);
        let mut listed = Command::new(&go);
        listed
            .args(["list", "-m", "-f", "{{with .Replace}}{{.Version}}{{else}}{{.Version}}{{end}}", net])
            .current_dir(root.join("svc"))
            .env("GOPROXY", format!("file://{}", text(&folder.path().join("proxy"))))
            .env("GOMODCACHE", folder.path().join("cache"))
            .env("GOFLAGS", "-modcacherw")
            .env("GONOSUMDB", "*")
            .env("GOSUMDB", "off")
            .env("GOTOOLCHAIN", "local");
        assert_eq!(output(&mut listed).trim(), expected, "go itself: {work}{svc}{lib}");
        for looked_at in [root.join("svc"), root.clone()] {
            let seen = inventory::source(&looked_at, &[], &Effects::plain(folder.path().join("cache-of-ours"))).unwrap();
            let versions: Vec<&str> = seen
                .components
                .iter()
                .filter(|component| component.name == net)
                .map(|component| component.version.as_str())
                .collect();
            assert!(versions.contains(&expected), "{versions:?}: {work}{svc}{lib}");
            assert!(
                !versions.contains(&"v0.38.0") || expected == "v0.38.0",
                "a false alarm: {versions:?} {work}"
            );
            assert_eq!(seen.gaps, [], "{work}");
        }
    }
}
