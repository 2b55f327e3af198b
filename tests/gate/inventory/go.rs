//! Real programs that Go linked, for three systems and two processors: the modules that `go version -m` prints. And the same programs with
//! audit data put into them: genuine ELF, PE and Mach-O files.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use portcullis::model::inventory::Scope;

use super::programs::{in_file, inventory_of};
use crate::support::engines::output;
use crate::support::tools;

const MAIN: &str = "package main\n\nimport \"github.com/pkg/errors\"\n\nfunc main() { println(errors.New(\"x\").Error()) }\n";

/// A module with one dependency. None, with the reason, where Go or its proxy is not there.
struct Module {
    go: PathBuf,
    folder: tempfile::TempDir,
}

impl Module {
    fn new() -> Option<Self> {
        let go = tools::program("go")?;
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("main.go"), MAIN).unwrap();
        let module = "module example.com/tiny\n\ngo 1.21\n\nrequire github.com/pkg/errors v0.9.1\n";
        fs::write(folder.path().join("go.mod"), module).unwrap();
        let module = Self { go, folder };
        let tidied = module.go(&["mod", "tidy"]).output().unwrap();
        if !tidied.status.success() {
            println!("skipped: programs of Go ({})", String::from_utf8_lossy(&tidied.stderr).trim());
            return None;
        }
        Some(module)
    }

    fn go(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.go);
        command.args(arguments).current_dir(self.folder.path());
        command
            .env("CGO_ENABLED", "0")
            .env("GOFLAGS", "-mod=mod")
            .env("GOTOOLCHAIN", "local");
        command
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    /// Builds for `os/processor` and gives the path of the program in the image.
    fn build(&self, target: &str, flags: &[&str]) -> String {
        let (os, processor) = target.split_once('/').unwrap();
        let name = format!("{os}-{processor}{}", flags.concat().replace(['=', ' '], ""));
        let file = self.root().join(&name);
        let mut build = self.go(&["build", "-o"]);
        output(build.arg(&file).args(flags).env("GOOS", os).env("GOARCH", processor));
        format!("/{name}")
    }

    /// `module@version`, as Go's own tool reads them.
    fn listed(&self, program: &str) -> BTreeSet<String> {
        let said = output(self.go(&["version", "-m"]).arg(self.root().join(&program[1..])));
        let (first, lines) = said.split_once('\n').unwrap();
        let go = first.rsplit_once(": go").unwrap().1.split(' ').next().unwrap();
        let modules = lines.lines().filter_map(|line| {
            let fields: Vec<&str> = line.trim().split('\t').collect();
            ["mod", "dep"].contains(&fields[0]).then(|| format!("{}@{}", fields[1], fields[2]))
        });
        modules.chain([format!("stdlib@{go}")]).collect()
    }
}

#[test]
fn programs_of_go_list_their_modules_as_go_does() {
    let Some(module) = Module::new() else { return };
    let stripped = ["-trimpath", "-ldflags=-s -w"];
    let mut programs = vec![
        module.build("linux/amd64", &[]),
        module.build("linux/amd64", &["-buildmode=pie", "-ldflags=-s -w"]),
        module.build("windows/amd64", &["-ldflags=-s -w"]),
        module.build("darwin/arm64", &[]),
    ];
    if std::env::var_os("PORTCULLIS_HEAVY").is_some() {
        for target in [
            "linux/amd64",
            "linux/arm64",
            "windows/amd64",
            "windows/arm64",
            "darwin/amd64",
            "darwin/arm64",
        ] {
            let pie: &[&str] = &["-buildmode=pie"];
            programs.extend([&[][..], &stripped, pie].map(|flags| module.build(target, flags)));
        }
    } else {
        println!("skipped: programs of Go for every system and processor (set PORTCULLIS_HEAVY=1)");
    }
    let inventory = inventory_of(&module.root());
    for program in programs {
        let listed = module.listed(&program);
        assert!(listed.contains("github.com/pkg/errors@v0.9.1"), "{listed:?}");
        assert_eq!(in_file(&inventory, &program), listed, "{program}");
    }
    assert_eq!(inventory.gaps, []);
}

/// Audit data as `cargo auditable` writes them.
fn audit_data() -> Vec<u8> {
    use std::io::Write as _;
    let text = r#"{"packages":[{"name":"cc","version":"1.0.90","source":"crates.io","kind":"build"},{"name":"serde","version":"1.0.200","source":"crates.io"},{"name":"svc","version":"0.1.0","source":"local","root":true,"dependencies":[0,1]}]}"#;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// LLVM's objcopy, which comes with Rust and writes all three forms.
fn objcopy() -> Option<Command> {
    let rustc = tools::program("rustc")?;
    let sysroot = PathBuf::from(output(Command::new(rustc).args(["--print", "sysroot"])).trim());
    let hosts = fs::read_dir(sysroot.join("lib/rustlib")).ok()?;
    let program = hosts
        .flatten()
        .map(|host| host.path().join("bin/rust-objcopy"))
        .find(|file| file.is_file());
    if program.is_none() {
        println!("skipped: audit data in real PE and Mach-O files (this Rust comes without rust-objcopy)");
    }
    let mut command = Command::new(program?);
    command.env("LD_LIBRARY_PATH", sysroot.join("lib"));
    Some(command)
}

fn expect_crates(root: &Path, programs: &[&str]) {
    let inventory = inventory_of(root);
    for program in programs {
        let crates: BTreeSet<String> = in_file(&inventory, program)
            .into_iter()
            .filter(|c| !c.contains(['/', 'b']))
            .collect();
        let expected = ["cc@1.0.90", "serde@1.0.200", "svc@0.1.0"].map(str::to_owned);
        assert_eq!(crates, BTreeSet::from(expected), "{program}");
    }
    let scope = |name: &str| inventory.components.iter().find(|c| c.name == name).unwrap().scope;
    assert_eq!((scope("cc"), scope("serde")), (Scope::Build, Scope::Runtime));
    assert_eq!(inventory.gaps, []);
}

#[test]
fn audit_data_are_read_from_pe_and_mach_o_files() {
    let (Some(module), Some(_)) = (Module::new(), objcopy()) else {
        return;
    };
    let data = module.folder.path().join("data");
    fs::write(&data, audit_data()).unwrap();
    let mut programs = Vec::new();
    for (target, section) in [
        ("windows/amd64", ".dep-v0"),
        ("darwin/arm64", "__DATA,.dep-v0"),
        ("darwin/amd64", "__DATA,.dep-v0"),
    ] {
        let program = module.build(target, &[]);
        let file = module.root().join(&program[1..]);
        let mut add = objcopy().unwrap();
        output(add.arg(format!("--add-section={section}={}", data.display())).arg(file));
        programs.push(program);
    }
    expect_crates(&module.root(), &programs.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn audit_data_are_read_from_elf_files_also_when_stripped() {
    let Some(rustc) = tools::program("rustc") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (main, root) = (folder.path().join("main.rs"), folder.path().join("root"));
    fs::create_dir(&root).unwrap();
    fs::write(folder.path().join("data"), audit_data()).unwrap();
    let size = audit_data().len();
    let text = format!(
        "#[used]\n#[unsafe(link_section = \".dep-v0\")]\nstatic AUDIT: [u8; {size}] = *include_bytes!(\"data\");\nfn main() {{}}\n"
    );
    fs::write(&main, text).unwrap();
    for (name, strip) in [("whole", "none"), ("stripped", "symbols")] {
        let mut compile = Command::new(&rustc);
        compile.args(["--edition=2024", "-C", &format!("strip={strip}"), "-o"]);
        output(compile.arg(root.join(name)).arg(&main));
    }
    expect_crates(&root, &["/whole", "/stripped"]);
}
