use std::collections::BTreeMap;
use std::fs;

use super::survey::Walk;
use super::*;
use crate::io::Effects;
use crate::io::limits::Limits;
use crate::io::process::Program;
use crate::io::workflow::action_uses;
use crate::model::context::Context;
use crate::model::passed_over::Exclusion;
use crate::stage::policy::Waivers;
use std::path::Path;

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn bases(text: &str) -> Vec<(String, u32)> {
    base_images("Dockerfile", text, &BTreeMap::new())
        .0
        .into_iter()
        .map(|base| (base.image, base.location.line.expect("line")))
        .collect()
}

fn uses(text: &str) -> Vec<(String, u32)> {
    action_uses(".github/workflows/ci.yml", text)
        .0
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
        drop(base_images("Dockerfile", text, &BTreeMap::new()));
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
fn no_spelling_of_yaml_hides_an_action() {
    for text in [
        "steps:\n  - uses:\n      a/b@v1\n",
        "steps:\n  - ? uses\n    : a/b@v1\n",
        "steps:\n  - \"us\\x65s\": a/b@v1\n",
        "steps:\n  - !!str uses: !!str a/b@v1\n",
        "x: &x\n  uses: a/b@v1\nsteps:\n  - *x\n",
        "x: &x { uses: a/b@v1 }\nsteps:\n  - <<: *x\n    name: n\n",
        "x: &u uses\nsteps:\n  - *u : a/b@v1\n",
        "steps:\n  - uses: &v a/b@v1\n",
        "steps: [{ name: x, uses: >-\n  a/b@v1 }]\n",
        "name: x\n---\nsteps:\n  - uses: a/b@v1\n",
        "jobs:\n  with:\n    uses: a/b@v1\n",
        "runs:\n  using: docker\n  image: docker://a/b@v1\n",
    ] {
        let (found, gaps) = action_uses("action.yml", text);
        let is_found = found.iter().any(|action| action.uses.ends_with("a/b@v1"));
        assert!(is_found || !gaps.is_empty(), "{text}");
    }
    // The controls: names that somebody has chosen, and text.
    for text in [
        "env:\n  uses: a/b@v1\n",
        "steps:\n  - with: { uses: a/b@v1 }\n",
        "steps:\n  - run: \"uses: a/b@v1\"\n",
    ] {
        assert_eq!(action_uses("action.yml", text), (Vec::new(), Vec::new()), "{text}");
    }
    // What cannot be read is said, and so is what makes a small file large.
    let broken = "steps:\n  - uses: a/b@v1\n  - uses: [\n";
    let (found, gaps) = action_uses("action.yml", broken);
    assert_eq!((found.len(), gaps.len()), (1, 1));
    let bomb = (1..20).fold("a0: &a0 [x, x]\n".to_owned(), |text, n| {
        format!("{text}a{n}: &a{n} [*a{0}, *a{0}, *a{0}]\n", n - 1)
    });
    assert_eq!(action_uses("action.yml", &bomb).1.len(), 1);
}

#[test]
fn no_spelling_of_a_dockerfile_hides_an_image() {
    for (text, image) in [
        ("FROM scratch\nRUN echo $((1<<2))\nFROM a:1\n2\n", "a:1"),
        ("FROM scratch\nRUN cat <<<EOF\nFROM a:1\nEOF\n", "a:1"),
        ("FROM scratch\nRUN echo '<<EOF'\nFROM a:1\nEOF\n", "a:1"),
        ("FROM scratch\nRUN [\"cat\", \"<<EOF\"]\nFROM a:1\nEOF\n", "a:1"),
        ("FROM scratch\nENV X=<<EOF\nFROM a:1\nEOF\n", "a:1"),
        ("FROM scratch\nONBUILD COPY --from=a:1 /x /y\n", "a:1"),
        ("FROM scratch\nONBUILD RUN --mount=type=bind,from=a:1 x\n", "a:1"),
        ("FROM scratch\nRUN --mount=type=bind,\"from=a:1\",target=/t x\n", "a:1"),
        ("FROM scratch\nRUN --mount=TYPE=bind,FROM=a:1 x\n", "a:1"),
        ("FROM scratch\ncopy --link --from=\"a:1\" /x /y\n", "a:1"),
        ("ARG X=1\nFROM a:${X:-2}\n", "a:1"),
        ("FROM a:${X:-1}\n", "a:1"),
        ("ARG X=y\nFROM a${X:+:1}\n", "a:1"),
        ("FROM scratch AS b\nRUN x \\\\\nFROM a:1\n", "a:1"),
        ("# comment\n# escape=`\nFROM scratch\nRUN x \\\nFROM b:1\nFROM a:1\n", "a:1"),
        ("FROM \\\n# comment\n\na:1\n", "a:1"),
        ("FROM scratch\nCOPY --from=7 /x /y\n", "7"),
    ] {
        let (images, _) = base_images("Dockerfile", text, &BTreeMap::new());
        assert!(images.iter().any(|base| base.image == image), "{text}: {images:?}");
    }
    // The controls: real here-documents, in their forms.
    for text in [
        "FROM scratch\nRUN <<EOF\nFROM a:1\nEOF\n",
        "FROM scratch\nRUN <<-'E' cat\nFROM a:1\n\tE\n",
        "FROM scratch\nONBUILD RUN 3<<\"EOF\" x\nFROM a:1\nEOF\n",
        "FROM scratch\nCOPY <<A <<B /x/\nFROM a:1\nA\nFROM a:1\nB\n",
    ] {
        assert_eq!(
            base_images("Dockerfile", text, &BTreeMap::new()),
            (Vec::new(), Vec::new()),
            "{text}"
        );
    }
    // What BuildKit would refuse, and what another program reads, is said.
    for text in [
        "FROM scratch\nRUN <<EOF\nFROM a:1\n",
        "# syntax=evil.example/frontend:1\nFROM scratch\n",
        "FROM scratch\nINCLUDE other\n",
        "FROM\n",
        "FROM a:1 b c\n",
    ] {
        assert!(!base_images("Dockerfile", text, &BTreeMap::new()).1.is_empty(), "{text}");
    }
}

#[test]
fn scripts_and_comments_use_nothing() {
    let text = "steps:\n  - run: |\n      cat <<X\n      - uses: no/no@v1\n      X\n  # - uses: no/no@v2\n  - name: \"this uses: nothing\"\n  - run: >-\n      uses: no/no@v3\n  - uses: \
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

    assert!(!authors[0].unattributed);

    let later = approved.replace("2026-12-01", "2027-12-01");
    fs::write(&file, &later).expect("written");
    let waivers = Waivers::from_text("w", &later).expect("valid");
    let authors = waiver_authors(&file, &waivers).expect("history");
    assert!(authors[0].uncommitted);
}

/// A repository with the entry as one author committed it.
fn committed(author: &str, message: &str) -> (tempfile::TempDir, Waivers) {
    let dir = tempfile::tempdir().expect("folder");
    git(dir.path(), "x@example.com", &["init", "-q"]);
    fs::write(dir.path().join("waivers.toml"), ENTRY).expect("written");
    git(dir.path(), "x@example.com", &["add", "."]);
    git(dir.path(), author, &["commit", "-q", "-m", message]);
    (dir, Waivers::from_text("w", ENTRY).expect("valid"))
}

fn authors(file: &Path, waivers: &Waivers) -> Vec<String> {
    waiver_authors(file, waivers).expect("history").remove(0).authors
}

#[test]
fn the_author_of_an_entry_in_a_shallow_clone_is_not_known() {
    let (whole, waivers) = committed("security@example.com", "add");
    git(whole.path(), "dev@example.com", &["commit", "-q", "--allow-empty", "-m", "later"]);
    assert_eq!(authors(&whole.path().join("waivers.toml"), &waivers), ["security@example.com"]);
    let dir = tempfile::tempdir().expect("folder");
    let url = format!("file://{}", whole.path().display());
    git(dir.path(), "x@example.com", &["clone", "-q", "--depth", "1", &url, "shallow"]);
    let shallow = waiver_authors(&dir.path().join("shallow/waivers.toml"), &waivers)
        .expect("history")
        .remove(0);
    assert_eq!((shallow.cut, shallow.authors.len()), (true, 0));
}

#[test]
fn a_renamed_file_keeps_the_authors_of_its_entries() {
    let (dir, waivers) = committed("security@example.com", "add");
    fs::create_dir(dir.path().join("policies")).expect("folder");
    git(dir.path(), "x@example.com", &["mv", "waivers.toml", "policies/accepted.toml"]);
    git(dir.path(), "dev@example.com", &["commit", "-q", "-m", "move"]);
    assert_eq!(
        authors(&dir.path().join("policies/accepted.toml"), &waivers),
        ["security@example.com"]
    );
}

#[test]
fn everybody_in_a_squashed_pull_request_is_an_author() {
    let message = "Waive it (#7)\n\n* add\n* mend\n\nCo-authored-by: A Lead <Lead@example.com>\nCo-authored-by: Bot <bot@example.com>";
    let (dir, waivers) = committed("dev@example.com", message);
    assert_eq!(
        authors(&dir.path().join("waivers.toml"), &waivers),
        ["bot@example.com", "dev@example.com", "lead@example.com"]
    );
}

#[test]
fn a_mailmap_adds_an_author_and_hides_none() {
    let (dir, waivers) = committed("lead@example.com", "add");
    fs::write(dir.path().join(".mailmap"), "Somebody <else@example.com> <lead@example.com>\n").expect("written");
    git(dir.path(), "x@example.com", &["add", "."]);
    git(dir.path(), "lead@example.com", &["commit", "-q", "-m", "map"]);
    assert_eq!(
        authors(&dir.path().join("waivers.toml"), &waivers),
        ["else@example.com", "lead@example.com"]
    );
}

#[test]
fn a_commit_that_blame_is_told_to_ignore_is_not_ignored() {
    let (dir, _) = committed("dev@example.com", "add");
    let reworded = ENTRY.replace("\"s\"", "\"t\"");
    let waivers = Waivers::from_text("w", &reworded).expect("valid");
    fs::write(dir.path().join("waivers.toml"), reworded).expect("written");
    git(dir.path(), "lead@example.com", &["commit", "-q", "-am", "reword"]);
    let head = Program::new("git")
        .args(["rev-parse", "HEAD"])
        .current_dir(dir.path())
        .stdout()
        .expect("git");
    fs::write(dir.path().join("ignored"), head).expect("written");
    git(dir.path(), "x@example.com", &["config", "blame.ignoreRevsFile", "ignored"]);
    assert_eq!(
        authors(&dir.path().join("waivers.toml"), &waivers),
        ["dev@example.com", "lead@example.com"]
    );
}

fn tracked(exclude: &[&str]) -> Dockerfiles {
    let excluded = |path: &&str| Exclusion {
        path: (*path).to_owned(),
        reason: "a test".to_owned(),
    };
    Dockerfiles::Tracked {
        exclude: exclude.iter().map(excluded).collect(),
        built: Built::default(),
    }
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
    fs::write(root.join("example.yml"), "steps:\n  - uses: e/f@v1\n").expect("written");
    fs::write(root.join(".github/workflows/gone.yml"), "steps:\n  - uses: g/h@v1\n").expect("written");
    git(root, "x@example.com", &["init", "-q"]);
    git(root, "x@example.com", &["add", ".github", "action", "Dockerfile", "example.yml"]);
    fs::remove_file(root.join(".github/workflows/gone.yml")).expect("removed");
    let effects = Effects::plain(root.to_owned());
    let mut context = Context::default();
    survey(root, &tracked(&[]), &Waivers::default(), None, &effects, &mut context);
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
    survey(
        root,
        &tracked(&["Dockerfile", "action"]),
        &Waivers::default(),
        None,
        &effects,
        &mut context,
    );
    assert_eq!(
        (context.actions.len(), context.base_images.len()),
        (2, 0),
        "what runs counts, excluded or not"
    );

    let mut context = Context::default();
    let these = Dockerfiles::These(Built {
        paths: vec!["gone/Dockerfile".into()],
        ..Built::default()
    });
    survey(root, &these, &Waivers::default(), None, &effects, &mut context);
    assert_eq!((context.gaps.len(), context.gaps[0].subject.as_str()), (1, "gone/Dockerfile"));
    assert!(
        !context.gaps[0].detail.contains(&root.display().to_string()),
        "{}",
        context.gaps[0].detail
    );
}

#[test]
fn the_arguments_of_a_build_are_those_of_its_own_dockerfile() {
    let dir = tempfile::tempdir().expect("folder");
    let root = dir.path();
    for path in ["Dockerfile", "Dockerfile.other"] {
        fs::write(root.join(path), "ARG BASE=debian:12\nFROM $BASE\n").expect("written");
    }
    git(root, "x@example.com", &["init", "-q"]);
    git(root, "x@example.com", &["add", "."]);
    let tracked = Dockerfiles::Tracked {
        exclude: Vec::new(),
        built: Built {
            paths: vec!["./Dockerfile".into()],
            args: [("BASE".to_owned(), "alpine:3".to_owned())].into(),
        },
    };
    let mut context = Context::default();
    let effects = Effects::plain(root.to_owned());
    survey(root, &tracked, &Waivers::default(), None, &effects, &mut context);
    let mut found: Vec<_> = context.base_images.iter().map(|base| base.image.as_str()).collect();
    found.sort_unstable();
    assert_eq!(found, ["alpine:3", "debian:12"]);
}

/// The authors of the first entry after somebody wrote the file and the approver changed it.
fn written_and_approved(before: &str, after: &str) -> crate::model::context::WaiverAuthors {
    let dir = tempfile::tempdir().expect("folder");
    let file = dir.path().join("waivers.toml");
    git(dir.path(), "x@example.com", &["init", "-q"]);
    for (author, text) in [("dev@example.com", before), ("lead@example.com", after)] {
        fs::write(&file, text).expect("written");
        git(dir.path(), "x@example.com", &["add", "."]);
        git(dir.path(), author, &["commit", "-q", "--allow-empty", "-m", "change"]);
    }
    let waivers = Waivers::from_text("w", after).expect("valid");
    waiver_authors(&file, &waivers).expect("history").remove(0)
}

#[test]
fn a_waiver_in_one_line_with_its_approval_is_its_authors_and_not_approved() {
    let keys = "id = \"CVE-1\", package = \"pkg:cargo/a\", reason = \"affected\", statement = \"s\", owner = \"o\", expires = 2026-12-01";
    // Written by one who approves it in the same line.
    let one_line = format!("waiver = [{{ {keys}, approved_by = [\"dev@example.com\"] }}]\n");
    let authors = written_and_approved(&one_line, &one_line);
    assert_eq!(
        (authors.authors.as_slice(), authors.unattributed),
        (["dev@example.com".to_owned()].as_slice(), false)
    );
    // The list of approvers begins in a line of the entry and ends in another one.
    let shared = format!("waiver = [{{ {keys}, approved_by = [\n\"dev@example.com\"\n] }}]\n");
    assert_eq!(written_and_approved(&shared, &shared).authors, ["dev@example.com"]);
    // The control: the approver's own line is theirs alone.
    let approved = format!("{ENTRY}approved_by = [\n  \"lead@example.com\",\n] # yes\n");
    assert_eq!(written_and_approved(ENTRY, &approved).authors, ["dev@example.com"]);
}

#[test]
fn a_comment_in_an_entry_is_not_of_its_authors() {
    let commented = format!("{}# looked at\n\n{}", "", ENTRY).replacen("owner", "# looked at\n\nowner", 1);
    assert_eq!(written_and_approved(ENTRY, &commented).authors, ["dev@example.com"]);
    // The control: a key of the entry is.
    let changed = ENTRY.replacen("owner = \"", "owner = \"the ", 1);
    assert_eq!(
        written_and_approved(ENTRY, &changed).authors,
        ["dev@example.com", "lead@example.com"]
    );
}

#[test]
fn a_tree_past_a_limit_is_a_gap_and_not_followed() {
    let dir = tempfile::tempdir().expect("folder");
    fs::create_dir_all(dir.path().join("a/b/c")).expect("folder");
    for file in ["a/1", "a/b/2", "a/b/c/3"] {
        fs::write(dir.path().join(file), "").expect("written");
    }
    let walked = |depth: usize, entries: u64| {
        let limits = Limits {
            depth,
            entries,
            ..Limits::default()
        };
        let mut gaps = Vec::new();
        let mut walk = Walk {
            limits: &limits,
            found: Vec::new(),
            gaps: &mut gaps,
        };
        walk.folder(dir.path(), "", 0);
        (
            walk.found.len(),
            gaps.into_iter().map(|gap| gap.detail).collect::<Vec<_>>().concat(),
        )
    };
    assert_eq!(walked(3, 3), (3, String::new()));
    let (found, told) = walked(2, 3);
    assert!(found == 2 && told.contains("nested too deeply"), "{found} {told}");
    let (found, told) = walked(3, 2);
    assert!(found == 2 && told.contains("too many files"), "{found} {told}");
}

#[test]
fn images_of_jobs_and_other_words_beside_an_actions_image_are_no_uses() {
    assert_eq!(uses("jobs:\n  a:\n    container:\n      image: docker://node:20\n"), []);
    assert_eq!(
        uses("runs:\n  using: docker\n  entrypoint: docker://x\n  image: docker://y:1\n"),
        [("docker://y:1".to_owned(), 4)]
    );
}

#[test]
fn a_file_that_is_not_what_git_blames_has_no_authors() {
    let (dir, _) = committed("security@example.com", "add");
    let other = Waivers::from_text("w", &ENTRY.replace("CVE-1", "CVE-2")).expect("valid");
    let authors = waiver_authors(&dir.path().join("waivers.toml"), &other).expect("history").remove(0);
    assert!(authors.unattributed && authors.authors.is_empty());
}
