//! What other tools read of this repository and of its pages: pre-commit's hook, the snippets for Renovate and Dependabot.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::checkout::git;
use crate::support::sample::Sample;
use crate::support::tools;

fn page(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The block of a page that begins with a line.
fn block<'p>(page: &'p str, language: &str, first: &str) -> &'p str {
    let start = format!("```{language}\n{first}");
    let (_, rest) = page.split_once(&start).unwrap_or_else(|| panic!("{start}"));
    let end = rest.find("\n```").unwrap();
    let from = page.len() - rest.len() - first.len();
    &page[from..page.len() - rest.len() + end]
}

#[test]
fn the_snippets_for_bots_are_what_the_bots_read() {
    let policy = page("docs/policy.md");
    let folder = tempfile::tempdir().unwrap();
    let Some(checker) = tools::program("check-jsonschema") else {
        return;
    };
    for (schema, file, text) in [
        ("vendor.renovate", "renovate.json", block(&policy, "json", "{\n  \"$schema\"")),
        ("vendor.dependabot", "dependabot.yml", block(&policy, "yaml", "version: 2\n")),
    ] {
        fs::write(folder.path().join(file), text).unwrap();
        let done = Command::new(&checker)
            .args(["--builtin-schema", schema])
            .arg(folder.path().join(file))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stdout);
        // A newer shape of Renovate's own than the checker has is no mistake of ours: what it does not know is the one key.
        assert!(done.status.success(), "{file}: {said}");
    }
    // The expression finds what a waiver names by version, and nothing that it names by a pattern.
    let json: serde_json::Value = serde_json::from_str(block(&policy, "json", "{\n  \"$schema\"")).unwrap();
    let expression = json["customManagers"][0]["matchStrings"][0].as_str().unwrap();
    let Some(node) = tools::program("node") else { return };
    let waivers = format!(
        "{}\npackage = \"pkg:npm/@acme/ui@1.2.3\"\npackage = \"pkg:npm/left-pad@1.*\"\n",
        page("fixtures/service/waivers.toml")
    );
    let script = "for (const m of process.argv[2].matchAll(new RegExp(process.argv[1], 'g'))) console.log(m.groups.depType, m.groups.depName, m.groups.currentValue)";
    let done = Command::new(node)
        .args(["-e", script, "--", expression, &waivers])
        .output()
        .unwrap();
    let found = String::from_utf8_lossy(&done.stdout).into_owned();
    assert_eq!(found.lines().next(), Some("cargo smallvec 0.6.13"), "{found}");
    assert_eq!(found.lines().count(), 1, "{found}");
}

#[test]
fn the_hook_of_pre_commit_keeps_a_bad_commit_back_and_needs_the_program() {
    let Some(pre_commit) = tools::program("pre-commit") else { return };
    let place = Sample::new();
    place.write("hooks/.pre-commit-hooks.yaml", &page(".pre-commit-hooks.yaml"));
    let hooks = place.path("hooks");
    git(&hooks, &["init", "-q", "-b", "trunk"]);
    git(&hooks, &["add", "-A"]);
    git(&hooks, &["commit", "-qm", "hooks"]);
    place.write(
        "shop/portcullis.toml",
        "[service]\nname = \"shop\"\n[feeds]\nosv = \"../feed\"\nmax_age = \"36500d\"\n",
    );
    place.write(
        "shop/.pre-commit-config.yaml",
        &format!(
            "repos:\n  - repo: {}\n    rev: trunk\n    hooks:\n      - id: portcullis-check\n",
            hooks.display()
        ),
    );
    place.write("feed/npm/GHSA-aaaa-bbbb-cccc.json", super::walked::ADVISORY);
    place.write("feed/npm/modified_id.csv", "2026-01-01T00:00:00Z,GHSA-aaaa-bbbb-cccc\n");
    place.write("shop/package.json", r#"{"name":"shop","version":"1.0.0"}"#);
    place.write(
        "shop/package-lock.json",
        r#"{"name":"shop","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"shop","version":"1.0.0"}}}"#,
    );
    let shop = place.path("shop");
    git(&shop, &["init", "-q", "-b", "trunk"]);
    git(&shop, &["add", "-A"]);
    git(&shop, &["commit", "-qm", "x"]);
    let own = Path::new(env!("CARGO_BIN_EXE_portcullis")).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    let run = |path: String| {
        let done = Command::new(&pre_commit)
            .args(["run", "--all-files", "--verbose"])
            .current_dir(&shop)
            .env("HOME", place.path("home"))
            .env("PRE_COMMIT_HOME", place.path("pre-commit"))
            .env("XDG_CACHE_HOME", place.path(".cache"))
            .env("PATH", path)
            .output()
            .unwrap();
        (
            done.status.success(),
            format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr)),
        )
    };
    let with = || format!("{}:{path}", own.display());
    let (passed, said) = run(with());
    assert!(passed, "{said}");
    place.write("shop/package-lock.json", super::walked::LOCK);
    git(&shop, &["add", "-A"]);
    let (passed, said) = run(with());
    assert!(!passed && said.contains("GHSA-aaaa-bbbb-cccc"), "{said}");
    // Without the program nothing passes.
    place.write(
        "shop/package-lock.json",
        r#"{"name":"shop","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"shop","version":"1.0.0"}}}"#,
    );
    git(&shop, &["add", "-A"]);
    if !std::env::split_paths(&path).any(|folder| folder.join("portcullis").is_file()) {
        let (passed, said) = run(path.clone());
        assert!(!passed && said.contains("portcullis"), "{said}");
    }
}
