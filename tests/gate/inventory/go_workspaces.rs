//! What a workspace of Go builds, as the program says it and as `go list` does.

use std::fs;
use std::path::Path;
use std::process::Command;

use portcullis::io::Effects;
use portcullis::stage::inventory;

use crate::support::checkout::git;
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

/// Files, by their places, and the folder that `go list` and the program are asked about.
struct Case {
    why: &'static str,
    files: &'static [(&'static str, &'static str)],
    folder: &'static str,
    /// Folders with a checkout of their own.
    checkouts: &'static [&'static str],
    /// Names that the program must say a version of, as Go does.
    expected: &'static [&'static str],
}

const NET: &str = "module example.org/net\n\ngo 1.21\n\nrequire example.org/html v0.17.0\n";
const SVC: &str = "module example.org/svc\n\ngo 1.21\n\nrequire example.org/net v0.57.0\n";
const LIB: &str = "module example.org/lib\n\ngo 1.21\n\nrequire example.org/html v0.17.0\n";

const CASES: [Case; 7] = [
    Case {
        why: "a local copy that `go.work` names",
        files: &[
            ("go.work", "go 1.21\n\nuse ./svc\n\nreplace example.org/net => ./net\n"),
            ("svc/go.mod", SVC),
            ("net/go.mod", NET),
        ],
        folder: "svc",
        checkouts: &["."],
        expected: &["example.org/html v0.17.0"],
    },
    Case {
        why: "a workspace of the repository above",
        files: &[
            ("go.work", "go 1.21\n\nuse ./sub/svc\n\nreplace example.org/net => ./net\n"),
            ("sub/svc/go.mod", SVC),
            ("net/go.mod", NET),
        ],
        folder: "sub/svc",
        checkouts: &["sub", "."],
        expected: &["example.org/html v0.17.0"],
    },
    Case {
        why: "a used module that is required",
        files: &[
            ("go.work", "go 1.21\n\nuse (\n\t./svc\n\t./lib\n)\n"),
            (
                "svc/go.mod",
                "module example.org/svc\n\ngo 1.21\n\nrequire example.org/lib v0.0.0\n",
            ),
            ("lib/go.mod", LIB),
        ],
        folder: "svc",
        checkouts: &["."],
        expected: &["example.org/html v0.17.0"],
    },
    Case {
        why: "a used module that is imported without being required",
        files: &[
            ("go.work", "go 1.21\n\nuse (\n\t./svc\n\t./lib\n)\n"),
            ("svc/go.mod", "module example.org/svc\n\ngo 1.21\n"),
            ("svc/main.go", "package main\n\nimport _ \"example.org/lib\"\n\nfunc main() {}\n"),
            ("lib/go.mod", LIB),
        ],
        folder: "svc",
        checkouts: &["."],
        expected: &["example.org/html v0.17.0"],
    },
    Case {
        why: "a local copy without a workspace",
        files: &[
            (
                "svc/go.mod",
                "module example.org/svc\n\ngo 1.21\n\nrequire example.org/net v0.57.0\n\nreplace example.org/net => ../net\n",
            ),
            ("net/go.mod", NET),
        ],
        folder: "svc",
        checkouts: &["."],
        expected: &["example.org/html v0.17.0"],
    },
    Case {
        why: "a local copy whose own requirement the module replaces",
        files: &[
            (
                "svc/go.mod",
                "module example.org/svc\n\ngo 1.21\n\nrequire example.org/net v0.57.0\n\nreplace (\n\texample.org/net => ../net\n\texample.org/html => example.org/fork v0.1.0\n)\n",
            ),
            ("net/go.mod", NET),
        ],
        folder: "svc",
        checkouts: &["."],
        expected: &["example.org/fork v0.1.0"],
    },
    Case {
        why: "a version that is excluded",
        files: &[
            (
                "svc/go.mod",
                "module example.org/svc\n\ngo 1.21\n\nrequire (\n\texample.org/net v0.57.0\n\texample.org/html v0.16.0\n)\n\nexclude example.org/html v0.17.0\n\nreplace example.org/net => ../net\n",
            ),
            ("net/go.mod", NET),
        ],
        folder: "svc",
        checkouts: &["."],
        expected: &["example.org/html v0.16.0"],
    },
];

#[test]
fn what_local_copies_and_other_modules_of_a_workspace_bring_is_looked_up_as_go_lists_it() {
    let Some(go) = tools::program("go") else { return };
    for case in CASES {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("tree");
        for (name, content) in case.files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        for checkout in case.checkouts {
            git(&root.join(checkout), &["init", "-q"]);
        }
        let modules = [
            ("example.org/html", "v0.16.0"),
            ("example.org/html", "v0.17.0"),
            ("example.org/fork", "v0.1.0"),
            // Go reads what a module of the workspace is required as, and builds it from its folder.
            ("example.org/lib", "v0.0.0"),
        ];
        proxy(&folder.path().join("proxy"), &modules);
        let published =
            "{{if not .Main}}{{with .Replace}}{{if .Version}}{{.Path}} {{.Version}}{{end}}{{else}}{{.Path}} {{.Version}}{{end}}{{end}}";
        let is_workspace = root.join("go.work").is_file();
        let mut listed = Command::new(&go);
        listed
            .args(["list", "-m", "-f", published, "all"])
            .current_dir(root.join(case.folder))
            .env("GOPROXY", format!("file://{}", text(&folder.path().join("proxy"))))
            .env("GOMODCACHE", folder.path().join("cache"))
            // In a workspace Go itself writes down the digests that are missing.
            .env("GOFLAGS", if is_workspace { "-modcacherw" } else { "-modcacherw -mod=mod" })
            .env("GONOSUMDB", "*")
            .env("GOSUMDB", "off")
            .env("GOTOOLCHAIN", "local");
        let listed = output(&mut listed);
        let listed: Vec<&str> = listed.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(listed, case.expected, "go itself: {}", case.why);
        let seen = inventory::source(&root.join(case.folder), &[], &Effects::plain(folder.path().join("ours"))).unwrap();
        let pins: Vec<String> = seen
            .components
            .iter()
            .map(|component| format!("{} {}", component.name, component.version))
            .collect();
        for expected in &listed {
            assert!(pins.iter().any(|pin| pin == expected), "{}: {pins:?}", case.why);
        }
        let is_false = |pin: &&String| pin.contains("html") && !listed.contains(&pin.as_str());
        assert_eq!(pins.iter().find(is_false), None, "a false alarm: {}", case.why);
        assert_eq!(seen.gaps, [], "{}", case.why);
    }
}
