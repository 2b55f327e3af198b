//! What the gate keeps in a source tree, and what it tells a Dockerfile.

use std::fs;

use crate::build::crates::workspace;
use crate::support::dockerfiles::{BASE, Builder, Project, listing};

#[test]
fn what_the_gate_keeps_in_the_tree_is_in_no_image_that_copies_all_of_it() {
    for builder in Builder::all() {
        let more = "[image]\nrepository = \"oci:kept/registry\"\n[sign]\nkey = \"local:kept/key.pem\"\n";
        let files = [
            ("Dockerfile", "FROM scratch\nCOPY . /all\n"),
            (".dockerignore", ".git\n"),
            ("kept/own", "a\n"),
        ];
        let project = Project::new(builder.name(), more, &files);
        project.ends(0, &builder.env(), &["build"]);
        let first = project.digest();
        // What a published run leaves.
        let kept = project.root().join("kept");
        fs::create_dir_all(kept.join("registry/blobs/sha256")).unwrap();
        fs::write(kept.join("registry/index.json"), "{}").unwrap();
        fs::write(kept.join("key.pem"), "a key\n").unwrap();
        fs::write(kept.join("key.pub"), "its other half\n").unwrap();
        project.ends(0, &builder.env(), &["build"]);
        assert_eq!(project.digest(), first, "{}", builder.name());
        let files = listing(&project.results().join("image"), &first);
        let has = |what: &str| files.iter().any(|line| line.contains(what));
        assert!(
            has("all/kept/own") && !has("registry") && !has("key.") && !has("portcullis/image"),
            "{files:#?}"
        );
    }
}

#[test]
fn what_the_gate_keeps_in_the_tree_is_in_no_files_of_a_native_image() {
    let folder = tempfile::tempdir().unwrap();
    let root = workspace(folder.path());
    let write = |path: &str| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x\n").unwrap();
    };
    for path in ["kept/own", "kept/registry/index.json", "kept/key.pem"] {
        write(path);
    }
    // What is reached through a link is the same.
    std::os::unix::fs::symlink("kept", root.join("short")).unwrap();
    let config = "[service]\nname = \"pay\"\n[build]\npackage = \"pay\"\nbin = \"pay\"\nfiles = [{ from = \"kept\", to = \"/kept\", ignored = true }]\n\
                  [image]\nrepository = \"oci:kept/registry\"\n[sign]\nkey = \"local:short/key.pem\"\n";
    fs::write(root.join("portcullis.toml"), config).unwrap();
    let output = crate::support::portcullis()
        .current_dir(&root)
        .args(["build", "--format", "json"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let files = listing(&root.join("target/portcullis/image"), json["subject"]["digest"].as_str().unwrap());
    let has = |what: &str| files.iter().any(|line| line.contains(what));
    assert!(has("kept/own") && !has("registry") && !has("key."), "{files:#?}");
}

#[test]
fn an_argument_may_name_the_commit_and_no_secret() {
    for builder in Builder::all() {
        let file = format!("FROM {BASE}\nARG COMMIT\nRUN echo $COMMIT > /commit\n");
        let project = Project::new(builder.name(), "args = { COMMIT = \"{sha}-{short}\" }\n", &[("Dockerfile", &file)]);
        project.ends(0, &builder.env(), &["build"]);
        let files = listing(&project.results().join("image"), &project.digest());
        // 40 digits, a dash, the short form, a line end.
        let long = files.iter().find(|line| line.ends_with(" commit")).unwrap();
        let size: usize = long.split_whitespace().nth(2).unwrap().parse().unwrap();
        assert!((47..=60).contains(&size), "{long}");
        for (args, said) in [
            ("API_TOKEN = \"abcdefgh12345678\"", "[build.secrets]"),
            ("SOURCE_DATE_EPOCH = \"5\"", "the commit's time"),
        ] {
            let project = Project::new(builder.name(), &format!("args = {{ {args} }}\n"), &[("Dockerfile", &file)]);
            let told = project.ends(64, &builder.env(), &["build"]);
            assert!(told.contains(said) && !told.contains("abcdefgh12345678"), "{told}");
        }
    }
}
