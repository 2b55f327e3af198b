//! What steers a linker or an assembler beside its arguments, and that no commit holds: variables of a build script, directives of the assembler, lists of
//! arguments in quotes, links of a build script's own folder.

use std::fs;

use crate::build::crates::{attempt, pay};
use crate::build::linked_in::{SAYS, is_told, script, speaking};
use crate::support::checkout::committed;

const OWN: &str = "let own = std::env::var(\"CARGO_MANIFEST_DIR\").unwrap();";

/// Whether a program is called reproducible, with all that it is made of in the commit.
fn is_reproducible(content: &[(&str, &str)]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let root = speaking(folder.path(), content);
    fs::write(root.join(".gitignore"), "target/\ndist/\n").unwrap();
    committed(&root);
    let built = attempt(&root, folder.path(), &pay()).unwrap();
    built.provenance.unwrap().reproducible
}

#[test]
fn a_library_by_way_of_a_build_scripts_variable_is_told() {
    let attribute = format!("#[link(name = \"word\", kind = \"dylib\")]\n{SAYS}");
    let variable = script(&[OWN, "println!(\"cargo:rustc-env=LIBRARY_PATH={own}/gen\");"]);
    is_told(
        "a variable of the linker's",
        &[("build.rs", &variable), ("src/main.rs", &attribute)],
    );
    let spaced = script(&["println!(\"  cargo::rustc-link-arg=gen/word.o \");"]);
    is_told("a line that begins with blanks", &[("build.rs", &spaced)]);
}

#[test]
fn a_build_script_that_chooses_what_links_is_told() {
    for name in ["COMPILER_PATH", "COLLECT_NO_DEMANGLE"] {
        let line = format!("println!(\"cargo::rustc-env={name}={{own}}/gen\");");
        assert!(!is_reproducible(&[
            ("build.rs", &script(&[OWN, &line])),
            ("src/main.rs", "fn main() {}\n")
        ]));
    }
    let line = script(&["cargo::rustc-env=RUSTC_VERSION=1", "cargo:rustc-env=GIT_PATH=gen"]);
    assert!(
        is_reproducible(&[("build.rs", &line), ("src/main.rs", "fn main() {}\n")]),
        "the control"
    );
}

#[test]
fn a_file_that_the_assembler_reads_is_told() {
    let source = |assembler: &str| {
        format!(
            "core::arch::global_asm!(\".section .rodata\", \".globl blob\", \"blob:\", {assembler}, \".byte 0\", \".text\");\n\
             unsafe extern \"C\" {{ static blob: u8; }}\nfn main() {{ println!(\"{{}}\", unsafe {{ blob }}); }}\n"
        )
    };
    let word = ("gen/word.txt", "the word of C");
    for assembler in [
        ".incbin \\\"gen/word.txt\\\"",
        "\\x2eINC\\u{42}IN \\\"gen/word.txt\\\"",
        ".include \\\"lists/in.s\\\"",
    ] {
        let source = source(&format!("\"{assembler}\""));
        let included = ("lists/in.s", ".incbin \"gen/word.txt\"\n");
        is_told(assembler, &[("src/main.rs", &source), included, word]);
    }
    let known = "\".byte 1\"";
    assert!(is_reproducible(&[("src/main.rs", &source(known)), word]), "the control");
    let made = "concat!(\".inc\", \"bin \\\"gen/word.txt\\\"\")";
    assert!(
        !is_reproducible(&[("src/main.rs", &source(made)), word]),
        "nobody can tell the file"
    );
}

#[test]
fn what_a_list_of_arguments_names_with_blanks_is_told() {
    let build = script(&["cargo:rustc-link-arg=@lists/arguments"]);
    for list in ["gen/bl\\ ob.ld\n", "\"gen/bl ob.ld\"\n", "gen/'bl 'ob.ld\n"] {
        is_told(
            list,
            &[
                ("build.rs", &build),
                ("lists/arguments", list),
                ("gen/bl ob.ld", "INPUT(any/word)\n"),
            ],
        );
    }
}

#[test]
fn a_link_in_the_folder_of_a_build_script_is_followed() {
    let build = script(&[
        OWN,
        "let out = std::env::var(\"OUT_DIR\").unwrap();",
        "std::os::unix::fs::symlink(format!(\"{own}/gen\"), format!(\"{out}/led\")).ok();",
        "println!(\"cargo:rustc-link-search={out}/led\");",
        "cargo:rustc-link-lib=static=word",
    ]);
    is_told("a folder that a link leads to", &[("build.rs", &build)]);
}
