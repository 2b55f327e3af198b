//! What was linked into a program that was just built: each answer, and what could make it a wrong one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use portcullis::io::elf::Elf;
use portcullis::model::advisory::{Advisory, AdvisoryKind, Match, RangeMatch};
use portcullis::model::image::BuiltImage;
use portcullis::model::inventory::{Inventory, Subject};
use portcullis::model::linked::{Reachability, ReachabilityAnswer};
use portcullis::model::matching::Matching;
use portcullis::model::plan::NativeBuild;
use portcullis::stage::inventory;
use portcullis::stage::matching::reachability;

use ReachabilityAnswer::{Linked, NotLinked, Unknown};

use crate::build::crates::attempt;
use crate::build::native::{effects, files};

/// The fixture in a repository of its own, which is kept, so that only the first run compiles everything.
fn checkout(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("linked-{name}"));
    let root = folder.join("pay");
    drop(fs::remove_dir_all(&root));
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/linked"), &root);
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

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true if entry.file_name() == "target" => {}
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => drop(fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}

fn built(name: &str, asked: &NativeBuild) -> BuiltImage {
    let root = checkout(name);
    attempt(&root, root.parent().unwrap(), asked).unwrap()
}

fn with_profile(name: &str) -> NativeBuild {
    NativeBuild {
        profile: Some(name.to_owned()),
        ..NativeBuild::default()
    }
}

/// With the release profile.
fn plain() -> &'static BuiltImage {
    static PLAIN: OnceLock<BuiltImage> = OnceLock::new();
    PLAIN.get_or_init(|| built("plain", &NativeBuild::default()))
}

fn seen(image: &BuiltImage) -> Inventory {
    let subject = Subject {
        name: "pay".to_owned(),
        digest: Some(image.digest),
        commit: None,
    };
    inventory::image(image, subject, &effects()).unwrap().inventory
}

/// What is said of an advisory on a crate that names these functions.
fn answer(image: &BuiltImage, inventory: &Inventory, name: &str, functions: &[&str]) -> Reachability {
    let component = inventory.components.iter().position(|component| component.name == name).unwrap();
    let matched = Match {
        component,
        advisory: Advisory {
            id: "X-1".to_owned(),
            ids: vec!["X-1".to_owned()],
            kind: AdvisoryKind::Vulnerability,
            summary: String::new(),
            rating: None,
            published: None,
            modified: None,
            url: None,
            functions: functions.iter().map(|&function| function.to_owned()).collect(),
            known_exploited: false,
            epss: None,
        },
        evidence: RangeMatch {
            feed: String::new(),
            package: String::new(),
            version: String::new(),
            range: String::new(),
        },
        fixed: Vec::new(),
        clears_all: None,
        update: None,
        not_applicable: None,
        owned_by_os: false,
        reachability: None,
    };
    let mut matching = Matching {
        matches: vec![matched],
        ..Matching::default()
    };
    reachability::add(&mut matching, inventory, image.linked.as_ref().unwrap(), &effects().limits);
    assert_eq!(matching.linked.unwrap().programs.len(), 1);
    matching.matches.remove(0).reachability.unwrap()
}

/// Each crate and function of the fixture with the answer that is right, and words of its evidence.
const RIGHT: [(&str, &[&str], ReachabilityAnswer, &str); 18] = [
    (
        "lent",
        &["lent::decode"],
        Linked,
        "`decode` of lent 0.1.0, as a function of its own",
    ),
    (
        "lent",
        &["lent::Shelf::insert_many"],
        Linked,
        "of lent 0.1.0, inlined at src/main.rs:",
    ),
    ("lent", &["lent::later"], Linked, "of `later` (lent 0.1.0 src/lib.rs:"),
    ("lent", &["lent::encode", "lent::decode"], Linked, "`decode`"),
    (
        "lent",
        &["lent::encode"],
        NotLinked,
        "no instruction is of `encode` (lent 0.1.0 src/lib.rs:17-25), of ",
    ),
    (
        "lent",
        &["lent::Shelf::remove_many"],
        NotLinked,
        "no instruction is of `remove_many`",
    ),
    ("lent", &["lent::view"], Unknown, "so short that it may be folded"),
    ("lent", &["lent::encode", "lent::view"], Unknown, "so short"),
    ("lent", &["lent::constant"], Unknown, "is `const`"),
    ("lent", &["lent::Shelf"], Unknown, "have no function `Shelf`"),
    ("lent", &["lent::Drawer::count"], Unknown, "another `count` of lent 0.1.0"),
    ("lent", &[], Linked, "instructions are of lent 0.1.0 src/lib.rs:"),
    (
        "idle",
        &[],
        NotLinked,
        "no instruction is of any of the 1 source files of idle 0.2.0",
    ),
    ("idle", &["idle::parse"], NotLinked, "no instruction is of `parse`"),
    ("shaped", &[], Linked, "of shaped 0.6.0 src/lib.rs:"),
    ("foreign", &["foreign::each"], Unknown, "links code that is not Rust's"),
    ("written", &["written::made"], Linked, "`made` of written 0.5.0"),
    ("roots", &["roots::longest"], NotLinked, "`longest`"),
];

/// Called, but perhaps without an instruction: where the optimiser leaves one, it is seen.
const FOLDED: &str = "lent::view";

/// LTO refers from unit to unit for names: then lines alone are the evidence.
fn all_are_right(image: &BuiltImage, but_for: &[&str]) {
    let inventory = seen(image);
    for (name, functions, right, words) in RIGHT {
        let found = answer(image, &inventory, name, functions);
        if but_for.contains(&FOLDED) && functions.contains(&FOLDED) {
            assert_ne!(found.answer, NotLinked, "{}", found.evidence);
            continue;
        }
        assert_eq!(found.answer, right, "{name} {functions:?}: {}", found.evidence);
        let is_told = found.evidence.contains(words) || functions.iter().any(|function| but_for.contains(function));
        assert!(is_told, "{name} {functions:?}: {}", found.evidence);
        assert!(found.evidence.starts_with("/app/pay: "), "{}", found.evidence);
    }
    // What is not named by a function, and is in a program without a line.
    let roots = answer(image, &inventory, "roots", &[]);
    assert_eq!(roots.answer, Unknown, "{}", roots.evidence);
}

#[test]
fn each_function_is_linked_not_linked_or_unknown_as_it_is() {
    all_are_right(plain(), &[]);
    assert_eq!(
        plain().linked.as_ref().unwrap().toolchain,
        format!("rustc {}", env!("CARGO_PKG_RUST_VERSION").to_owned() + ".0")
    );
}

#[test]
fn link_time_optimisation_and_a_profile_that_strips_change_no_answer() {
    for profile in ["fat", "thin"] {
        let image = built(profile, &with_profile(profile));
        all_are_right(&image, &["lent::decode", "lent::Shelf::insert_many", "written::made", FOLDED]);
    }
    let unoptimised = built("dev", &with_profile("dev"));
    let inventory = seen(&unoptimised);
    for (function, right) in [
        ("lent::view", Linked),
        ("lent::Shelf::insert_many", Linked),
        ("lent::Shelf::remove_many", NotLinked),
    ] {
        assert_eq!(answer(&unoptimised, &inventory, "lent", &[function]).answer, right, "{function}");
    }
}

#[test]
fn what_is_published_has_neither_symbols_nor_line_tables() {
    let program = &files(plain())["app/pay"].2;
    let bytes = program.as_slice();
    let elf = Elf::new(&bytes).unwrap();
    for section in [".symtab", ".strtab", ".debug_info", ".debug_line", ".debug_str", ".debug_abbrev"] {
        assert_eq!(elf.plain_section(section), None, "{section}");
    }
    for section in [".text", ".dep-v0", ".comment"] {
        assert!(elf.plain_section(section).is_some(), "{section}");
    }
    // The control: of the program that cargo left they were read.
    assert!(plain().linked.as_ref().unwrap().programs[0].functions > 1000);
}

#[test]
fn a_program_whose_line_tables_were_never_made_is_unknown() {
    let kept = NativeBuild {
        keep_symbols: true,
        ..NativeBuild::default()
    };
    let image = built("kept", &kept);
    let inventory = seen(&image);
    for functions in [&["lent::encode"][..], &["lent::decode"], &[]] {
        let found = answer(&image, &inventory, "lent", functions);
        assert_eq!(found.answer, Unknown, "{}", found.evidence);
    }
}
