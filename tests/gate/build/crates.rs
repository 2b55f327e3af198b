//! Small workspaces without dependencies from elsewhere, for native builds of every form.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use portcullis::io::git;
use portcullis::model::image::BuiltImage;
use portcullis::model::plan::{BuildPlan, Builder, NativeBuild, PlacedFiles, ProgramName};
use portcullis::stage::build::{BuildError, build};

use crate::build::native::effects;

const FILES: [(&str, &str); 11] = [
    (
        "Cargo.toml",
        "[package]\nname = \"pay\"\nversion = \"1.2.3\"\nedition = \"2021\"\n[features]\nloud = []\n[workspace]\nmembers = [\"tools\", \"ledger\"]\n[profile.dist]\ninherits = \"release\"\n",
    ),
    ("Cargo.lock", LOCK),
    // What the compilation sees of the environment ends up in the program.
    (
        "src/main.rs",
        "fn main() {\n    println!(\"{:?} {:?} {}\", option_env!(\"CHANNEL\"), option_env!(\"SQLX_OFFLINE\"), if cfg!(feature = \"loud\") { \"feature-loud\" } else { \"\" });\n    println!(\"{}\", std::env::args().count());\n}\n",
    ),
    ("src/bin/migrate.rs", "fn main() { println!(\"migrated\"); }\n"),
    (
        "tools/Cargo.toml",
        "[package]\nname = \"tools\"\nversion = \"0.2.0\"\nedition = \"2021\"\n[features]\ndeep = []\n[dependencies]\nledger = { path = \"../ledger\" }\n",
    ),
    (
        "tools/src/main.rs",
        "fn main() { println!(\"{} {}\", ledger::name(), if cfg!(feature = \"deep\") { \"feature-deep\" } else { \"\" }); }\n",
    ),
    (
        "ledger/Cargo.toml",
        "[package]\nname = \"ledger\"\nversion = \"0.3.0\"\nedition = \"2021\"\n",
    ),
    ("ledger/src/lib.rs", "pub fn name() -> &'static str { \"the ledger\" }\n"),
    ("assets/css/site.css", "a { color: red }\n"),
    ("assets/run.sh", "#!/bin/sh\n"),
    (".gitignore", "target/\ndist/\n"),
];
const LOCK: &str = "version = 4\n\n[[package]]\nname = \"ledger\"\nversion = \"0.3.0\"\n\n[[package]]\nname = \"pay\"\nversion = \"1.2.3\"\n\n[[package]]\nname = \"tools\"\nversion = \"0.2.0\"\ndependencies = [\n \"ledger\",\n]\n";

/// The workspace as a repository whose only commit never changes its identity.
pub(crate) fn workspace(folder: &Path) -> PathBuf {
    let root = folder.join("pay");
    for (name, text) in FILES {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::set_permissions(root.join("assets/run.sh"), fs::Permissions::from_mode(0o700)).unwrap();
    symlink("css/site.css", root.join("assets/site.css")).unwrap();
    fs::create_dir_all(root.join("dist")).unwrap();
    fs::write(root.join("dist/app.js"), "built()\n").unwrap();
    for args in [&["init", "-q", "-b", "trunk"][..], &["add", "-A"], &["commit", "-q", "-m", "x"]] {
        let done = Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example.com"])
            .args(args)
            .current_dir(&root)
            .env("GIT_AUTHOR_DATE", "2026-01-02T03:04:05Z")
            .env("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .status()
            .unwrap();
        assert!(done.success());
    }
    root
}

/// Builds in a folder, without a network.
pub(crate) fn attempt(root: &Path, work: &Path, asked: &NativeBuild) -> Result<BuiltImage, BuildError> {
    build(&plan(root, work, asked), &effects())
}

pub(crate) fn plan(root: &Path, work: &Path, asked: &NativeBuild) -> BuildPlan {
    BuildPlan {
        service: "pay".to_owned(),
        root: root.to_owned(),
        builder: Builder::Native(Box::new(NativeBuild {
            package: "pay".to_owned(),
            ..asked.clone()
        })),
        port: None,
        commit: git::commit(root, &[]).unwrap(),
        layout: work.join("image"),
        work: work.join("work"),
        offline: true,
        ours: Vec::new(),
        fresh: false,
        twice: false,
    }
}

/// `pay`, or `tools/tools`.
pub(crate) fn programs(names: &[&str]) -> Vec<ProgramName> {
    let named = |name: &&str| match name.split_once('/') {
        Some((package, bin)) => (Some(package.to_owned()), bin.to_owned()),
        None => (None, (*name).to_owned()),
    };
    let named = names.iter().map(named);
    named.map(|(package, bin)| ProgramName { package, bin }).collect()
}

/// The main program alone.
pub(crate) fn pay() -> NativeBuild {
    NativeBuild {
        programs: programs(&["pay"]),
        ..NativeBuild::default()
    }
}

pub(crate) fn placed(from: &str, to: &str) -> PlacedFiles {
    PlacedFiles {
        from: from.to_owned(),
        to: to.to_owned(),
        mode: None,
        ignored: false,
    }
}

pub(crate) fn contains(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}
