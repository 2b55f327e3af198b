use std::fs;

use super::*;

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn bases(text: &str) -> Vec<(String, u32)> {
    base_images("Dockerfile", text)
        .into_iter()
        .map(|base| (base.image, base.location.line.expect("line")))
        .collect()
}

fn uses(text: &str) -> Vec<(String, u32)> {
    action_uses(".github/workflows/ci.yml", text)
        .into_iter()
        .map(|action| (action.uses, action.location.line.expect("line")))
        .collect()
}

#[test]
fn stages_and_scratch_are_no_base_images() {
    let text = format!(
        "# syntax=docker/dockerfile:1\nFROM --platform=$BUILDPLATFORM rust:1.95 AS Build\nRUN make\nFROM build\nFROM scratch\n\
         COPY --from=build /x /x\nCOPY --from=0 /y /y\nCOPY --from=nginx:1 /etc /etc\nRUN --mount=type=bind,from=tools:2,target=/t true\n\
         from debian@{DIGEST}\n"
    );
    assert_eq!(
        bases(&text),
        [
            ("rust:1.95".to_owned(), 2),
            ("nginx:1".to_owned(), 8),
            ("tools:2".to_owned(), 9),
            (format!("debian@{DIGEST}"), 10)
        ]
    );
}

#[test]
fn arguments_are_filled_in_where_they_have_a_default() {
    let text = "ARG TAG=12\nARG BASE=debian:${TAG}\nARG OPEN\nFROM ${BASE}\nFROM $OPEN\nFROM ${OTHER:-alpine:3}\nFROM a${OPEN}b\n";
    let images: Vec<String> = bases(text).into_iter().map(|(image, _)| image).collect();
    assert_eq!(images, ["debian:12", "$OPEN", "alpine:3", "a${OPEN}b"]);
}

#[test]
fn continued_lines_are_one_instruction_and_here_documents_are_none() {
    let text =
        "FROM \\\n  # why\n  debian:12 \\\n  AS x\nRUN <<EOF\nFROM inside:1\nEOF\nCOPY <<-\"A\" /f\nFROM inside:2\n\tA\nFROM last:1\n";
    assert_eq!(bases(text), [("debian:12".to_owned(), 1), ("last:1".to_owned(), 11)]);
    assert_eq!(bases("# escape=`\nFROM `\n  a:1\n"), [("a:1".to_owned(), 2)]);
}

#[test]
fn hostile_dockerfiles_do_not_panic() {
    for text in [
        "FROM",
        "FROM $",
        "FROM ${",
        "FROM ${}",
        "ARG",
        "ARG =",
        "\\",
        "RUN <<",
        "COPY --from=",
        "FROM é$é{ü",
    ] {
        let _ = base_images("Dockerfile", text);
    }
}

#[test]
fn every_style_of_uses_is_found() {
    let text = "jobs:\n  a:\n    uses: acme/x/.github/workflows/y.yml@main\n    steps:\n      - uses: actions/checkout@v4 # v4\n      - name: n\n        \
                uses: \"actions/cache@v3\"\n      - { name: z, uses: 'a/b@c' }\n      -   uses:   d/e@f\n";
    let found: Vec<String> = uses(text).into_iter().map(|(uses, _)| uses).collect();
    assert_eq!(
        found,
        [
            "acme/x/.github/workflows/y.yml@main",
            "actions/checkout@v4",
            "actions/cache@v3",
            "a/b@c",
            "d/e@f"
        ]
    );
}

#[test]
fn scripts_and_comments_use_nothing() {
    let text = "steps:\n  - run: |\n      cat <<X\n      - uses: no/no@v1\n      X\n  # - uses: no/no@v2\n  - name: this uses: nothing\n  - run: >-\n      uses: no/no@v3\n  - uses: \
                yes/yes@v1\n";
    assert_eq!(uses(text), [("yes/yes@v1".to_owned(), 10)]);
}

fn git(folder: &Path, author: &str, args: &[&str]) {
    Program::new("git")
        .args([
            "-c",
            "user.name=t",
            "-c",
            &format!("user.email={author}"),
            "-c",
            "commit.gpgsign=false",
        ])
        .args(args)
        .current_dir(folder)
        .stdout()
        .expect("git");
}

const ENTRY: &str = "[[waiver]]\nid = \"CVE-1\"\npackage = \"pkg:cargo/a\"\nreason = \"affected\"\nstatement = \"s\"\nowner = \"o\"\nexpires = 2026-12-01\n";

#[test]
fn an_approver_who_adds_their_own_name_did_not_write_the_entry() {
    let dir = tempfile::tempdir().expect("folder");
    let file = dir.path().join("waivers.toml");
    git(dir.path(), "x@example.com", &["init", "-q"]);
    fs::write(&file, ENTRY).expect("written");
    assert_eq!(
        waiver_authors(&file, &Waivers::from_text("w", ENTRY).expect("valid")),
        None,
        "not tracked"
    );
    git(dir.path(), "x@example.com", &["add", "."]);
    git(dir.path(), "Dev@example.com", &["commit", "-q", "-m", "add"]);
    let approved = format!("{ENTRY}approved_by = [\"lead@example.com\"]\n");
    fs::write(&file, &approved).expect("written");
    git(dir.path(), "lead@example.com", &["commit", "-q", "-am", "approve"]);
    let waivers = Waivers::from_text("w", &approved).expect("valid");
    let authors = waiver_authors(&file, &waivers).expect("history");
    assert_eq!(
        (authors[0].authors.as_slice(), authors[0].uncommitted),
        (["dev@example.com".to_owned()].as_slice(), false)
    );

    fs::write(&file, approved.replace("2026-12-01", "2027-12-01")).expect("written");
    let authors = waiver_authors(&file, &waivers).expect("history");
    assert!(authors[0].uncommitted);
}

#[test]
fn a_shallow_clone_has_no_history_to_ask() {
    let dir = tempfile::tempdir().expect("folder");
    let whole = dir.path().join("whole");
    fs::create_dir(&whole).expect("folder");
    git(&whole, "x@example.com", &["init", "-q"]);
    fs::write(whole.join("waivers.toml"), ENTRY).expect("written");
    git(&whole, "x@example.com", &["add", "."]);
    git(&whole, "security@example.com", &["commit", "-q", "-m", "add"]);
    git(&whole, "dev@example.com", &["commit", "-q", "--allow-empty", "-m", "later"]);
    let url = format!("file://{}", whole.display());
    git(dir.path(), "x@example.com", &["clone", "-q", "--depth", "1", &url, "shallow"]);
    let waivers = Waivers::from_text("w", ENTRY).expect("valid");
    let authors = waiver_authors(&whole.join("waivers.toml"), &waivers).expect("history");
    assert_eq!(authors[0].authors, ["security@example.com"]);
    assert_eq!(waiver_authors(&dir.path().join("shallow/waivers.toml"), &waivers), None);
}

#[test]
fn the_survey_reads_tracked_files_and_says_what_it_could_not_read() {
    let dir = tempfile::tempdir().expect("folder");
    let root = dir.path();
    fs::create_dir_all(root.join(".github/workflows")).expect("folder");
    fs::create_dir_all(root.join("action")).expect("folder");
    fs::write(root.join(".github/workflows/ci.yml"), "steps:\n  - uses: a/b@v1\n").expect("written");
    fs::write(root.join("action/action.yml"), "runs:\n  steps:\n    - uses: c/d@v1\n").expect("written");
    fs::write(root.join("Dockerfile"), "FROM debian:12\n").expect("written");
    fs::write(root.join("Dockerfile.untracked"), "FROM other:1\n").expect("written");
    git(root, "x@example.com", &["init", "-q"]);
    git(root, "x@example.com", &["add", ".github", "action", "Dockerfile"]);
    let effects = Effects::plain(root.to_owned());
    let mut context = Context::default();
    survey(root, &Dockerfiles::Tracked, &Waivers::default(), None, &effects, &mut context);
    assert_eq!(
        context.actions.iter().map(|a| a.uses.as_str()).collect::<Vec<_>>(),
        ["a/b@v1", "c/d@v1"]
    );
    assert_eq!(
        context.base_images.iter().map(|b| b.image.as_str()).collect::<Vec<_>>(),
        ["debian:12"]
    );
    assert!(context.gaps.is_empty());

    let mut context = Context::default();
    let these = Dockerfiles::These(vec!["gone/Dockerfile".into()]);
    survey(root, &these, &Waivers::default(), None, &effects, &mut context);
    assert_eq!((context.gaps.len(), context.gaps[0].subject.as_str()), (1, "gone/Dockerfile"));
    assert!(
        !context.gaps[0].detail.contains(&root.display().to_string()),
        "{}",
        context.gaps[0].detail
    );
}
