//! Files that the assembler reads for what is compiled, of which rustc says nothing: `.incbin` and `.include` in `global_asm!`, `asm!`, `naked_asm!` and in
//! what these include. It is looked for in the text of every source, not in its tokens alone: a macro may pass it on.
//!
//! Source: the Rust reference, "Inline assembly"; the manual of GNU as, "Incbin", "Include", "Macro", "Irp"; lld's `.deplibs`.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::io::files;
use crate::model::excused::Excused as _;

/// rustc's macros for it.
const MACROS: [&str; 3] = ["global_asm", "naked_asm", "asm"];
/// What has a file read, in small letters. LLVM's section names libraries for the linker.
const READING: [&str; 3] = ["incbin", ".include", "deplibs"];
/// What makes directives out of parts.
const MAKING: [&str; 3] = [".macro", ".irp", ".altmacro"];

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Assembled {
    /// Files that are there and may have been read.
    pub(super) files: BTreeSet<PathBuf>,
    /// Sources whose assembler may read what nobody can tell.
    pub(super) unknown: BTreeSet<PathBuf>,
}

impl Assembled {
    /// Looks through sources, and through what these have the assembler include. `places` are the folders that rustc may have worked in; what was
    /// `published` is only held against what stands in it: many such crates make their assembler by macros.
    pub(super) fn of(compiled: &BTreeSet<PathBuf>, is_published: &dyn Fn(&Path) -> bool, places: &[PathBuf], limit: u64) -> Self {
        let mut found = Self::default();
        let read = |path: &PathBuf| {
            let bytes = files::read(path, limit).or_none("what cannot be read is told, if anything is assembled");
            (path.clone(), bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
        };
        let mut open: Vec<(PathBuf, Option<String>)> = compiled.iter().filter(|path| path.is_file()).map(read).collect();
        let is_assembled = |(path, text): &(PathBuf, Option<String>)| match text {
            Some(text) => (is_rust(path) || !text.contains('\0')) && has_assembler(text),
            None => is_rust(path),
        };
        if !open.iter().any(is_assembled) {
            return found;
        }
        while let Some((path, text)) = open.pop() {
            let Some(text) = text else {
                found.unknown.insert(path);
                continue;
            };
            let plain = unescaped(&text);
            let is_made = || MAKING.iter().any(|name| plain.to_ascii_lowercase().contains(name));
            let is_written_out = is_published(&path) || is_rust(&path) && !has_assembler(&text);
            let mut is_known = is_written_out || !(is_hidden(&text) || is_made() || has_open_directive(&plain));
            for name in named(&text, false).into_iter().chain(named(&plain, true)) {
                let own = path.ancestors().skip(1).map(Path::to_owned);
                let from = places.iter().cloned().chain(own);
                let led: Vec<PathBuf> = name.map_or_else(Vec::new, |name| {
                    from.map(|folder| folder.join(&name)).filter(|path| path.is_file()).collect()
                });
                is_known &= !led.is_empty();
                let new = led.into_iter().filter(|path| found.files.insert(path.clone()));
                open.extend(new.filter(|path| !compiled.contains(path)).map(|path| read(&path)));
            }
            if !is_known {
                found.unknown.insert(path);
            }
        }
        found
    }
}

fn is_rust(path: &Path) -> bool {
    path.extension() == Some(OsStr::new("rs"))
}

/// True where one of rustc's macros is named.
fn has_assembler(text: &str) -> bool {
    MACROS.iter().any(|name| words(text, name).next().is_some())
}

/// Where a word stands by itself, and what follows it.
fn words<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = &'t str> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).filter_map(move |(at, _)| {
        let rest = &text[at + word.len()..];
        (!text[..at].ends_with(is_part) && !rest.starts_with(is_part)).then_some(rest)
    })
}

/// The text with what Rust's escapes stand for.
fn unescaped(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let hexadecimal = |digits: &str| {
            u32::from_str_radix(&digits.replace('_', ""), 16)
                .or_none("no escape")
                .and_then(char::from_u32)
        };
        let mut chars = after.chars();
        let next = chars.next();
        rest = chars.as_str();
        match next {
            Some('x') if rest.get(..2).and_then(hexadecimal).is_some() => {
                plain.extend(rest.get(..2).and_then(hexadecimal));
                rest = &rest[2..];
            }
            Some('u') if rest.starts_with('{') => {
                let (digits, after) = rest[1..].split_once('}').unwrap_or(("", rest));
                plain.extend(hexadecimal(digits));
                rest = after;
            }
            Some('\n' | '\r') => rest = rest.trim_start(),
            Some('n') => plain.push('\n'),
            Some('t') => plain.push('\t'),
            Some(c @ ('"' | '\'')) => plain.push(c),
            // A backslash of the assembler's own stays one.
            Some(c) => plain.extend(['\\', c].into_iter().take(if c == '\\' { 1 } else { 2 })),
            None => {}
        }
    }
    plain.push_str(rest);
    plain
}

/// The files that directives name; none for one that cannot be told. Without its escapes a text says also what they begin.
fn named(text: &str, is_unescaped: bool) -> Vec<Option<String>> {
    let small = text.to_ascii_lowercase();
    let mut found = Vec::new();
    for directive in READING {
        for (at, _) in small.match_indices(directive) {
            let rest = text[at + directive.len()..].trim_start_matches([' ', '\t']);
            // A method, a field, a longer word, or what is said of it in a text.
            let is_other = directive == ".include" && !rest.starts_with(['"', '\\', '{', '/', '$', '\n', '\r', '#']);
            let is_escaped = !is_unescaped && rest.starts_with('\\') && !rest.starts_with("\\\"");
            if is_other || is_escaped {
                continue;
            }
            let quoted = rest.strip_prefix("\\\"").or_else(|| rest.strip_prefix('"'));
            let name = quoted
                .and_then(|quoted| quoted.split(['"', '\n']).next())
                .map(|name| name.trim_end_matches('\\'));
            let is_plain = |name: &&str| !name.is_empty() && !name.contains(['\\', '{', '$']) && directive != "deplibs";
            found.push(name.filter(is_plain).map(str::to_owned));
        }
    }
    found
}

/// True where a part of a directive's name is filled in: `.inc{}`, `.inc\x`.
fn has_open_directive(plain: &str) -> bool {
    let is_filled = |(at, _): (usize, &str)| {
        let before = plain[..at].trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let is_doubled = plain[at + 1..].starts_with('{');
        before.ends_with('.') && !is_doubled && !before.ends_with("..") && before[..before.len() - 1].ends_with(['"', ' ', '\t', '\n', ';'])
    };
    plain.match_indices('{').any(is_filled) || plain.match_indices('\\').any(is_filled)
}

/// True where a macro for assembler gets another name, or what it is given is not written in it: other macros make it.
fn is_hidden(text: &str) -> bool {
    MACROS.iter().flat_map(|name| words(text, name)).any(|rest| {
        let rest = rest.trim_start();
        if rest.starts_with("as ") {
            return true;
        }
        let Some(rest) = rest.strip_prefix('!') else { return false };
        is_made_by_macros(rest.trim_start())
    })
}

/// True where what stands between the brackets of a macro has other macros in it, but for `include_str!`, whose file is a source like others.
fn is_made_by_macros(text: &str) -> bool {
    let (mut depth, mut rest) = (0_usize, text);
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '$' => return true,
            '!' => {
                let before = &text[..text.len() - rest.len()];
                let is_called = before.trim_end().ends_with(|c: char| c.is_alphanumeric() || c == '_') && !after.starts_with('=');
                if is_called && !before.trim_end().ends_with("include_str") {
                    return true;
                }
            }
            '"' => {
                let before = &text[..text.len() - rest.len()];
                let marks = before.len() - before.trim_end_matches('#').len();
                let is_raw = before.trim_end_matches('#').ends_with('r');
                rest = behind_text(after, is_raw.then_some(marks));
                continue;
            }
            '/' if after.starts_with('/') => {
                rest = after.split_once('\n').map_or("", |(_, rest)| rest);
                continue;
            }
            '/' if after.starts_with('*') => {
                rest = after.split_once("*/").map_or("", |(_, rest)| rest);
                continue;
            }
            _ => {}
        }
        if depth == 0 {
            return false;
        }
        rest = after;
    }
    // Not the end that rustc saw.
    true
}

/// What follows a literal text; `marks` are those of a raw one.
fn behind_text(text: &str, marks: Option<usize>) -> &str {
    if let Some(marks) = marks {
        let end = format!("\"{}", "#".repeat(marks));
        return text.split_once(&end).map_or("", |(_, rest)| rest);
    }
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => _ = chars.next(),
            '"' => return chars.as_str(),
            _ => {}
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// The files and whether all is known, of a source in `src`, beside what lies in the folder.
    fn assembled(text: &str) -> (Vec<String>, bool) {
        let folder = tempfile::tempdir().expect("a folder");
        let top = folder.path().canonicalize().expect("there");
        for (path, text) in [("src/main.rs", text), ("gen/x.s", ".incbin \"x.bin\"\n"), ("x.bin", "")] {
            let path = top.join(path);
            fs::create_dir_all(path.parent().expect("one")).expect("made");
            fs::write(path, text).expect("written");
        }
        let compiled = [top.join("src/main.rs")].into();
        let found = Assembled::of(&compiled, &|_| false, std::slice::from_ref(&top), 10_000);
        let below = |path: &PathBuf| path.strip_prefix(&top).expect("below").display().to_string();
        (found.files.iter().map(below).collect(), found.unknown.is_empty())
    }

    #[test]
    fn what_the_assembler_includes_is_found_in_whatever_spelling() {
        for text in [
            "global_asm!(\".globl blob\", \"blob: .incbin \\\"x.bin\\\"\", \".byte 0\");",
            "global_asm!(r#\"blob: .INCBIN \"x.bin\",0,4\"#);",
            "asm!(\"\\x2einc\\u{62}in \\\"x.bin\\\"\");",
            "naked_asm!(\".inc\\\n    bin \\\"x.bin\\\"\");",
            "global_asm!(m = \".incbin \\x22x.bin\\x22\");",
            "macro_rules! m { () => { core::arch::asm!(\".incbin \\\"x.bin\\\"\") } }",
        ] {
            assert_eq!(assembled(text), (vec!["x.bin".to_owned()], true), "{text}");
        }
        let included = assembled("global_asm!(\".include \\\"gen/x.s\\\"\");");
        assert_eq!(included, (vec!["gen/x.s".to_owned(), "x.bin".to_owned()], true));
    }

    #[test]
    fn assembler_whose_files_nobody_can_tell_is_not_known() {
        for text in [
            "global_asm!(concat!(\".inc\", \"bin \\\"x.bin\\\"\"));",
            "global_asm!(\".inc{} \\\"x.bin\\\"\", sym bin);",
            "global_asm!(\".macro m a\\n \\\\a \\\"x.bin\\\"\\n.endm\\nm .incbin\");",
            "use core::arch::global_asm as g; g!(concat!(\".inc\", \"bin\"));",
            "macro_rules! m { ($t:expr) => { core::arch::global_asm!($t) } }",
            "global_asm!(\".incbin \\\"{}\\\"\", sym x);",
            "global_asm!(\".incbin \\\"none.bin\\\"\");",
            "global_asm!(made!());",
            "global_asm!(\".section .deplibs\");",
        ] {
            assert!(!assembled(text).1, "{text}");
        }
    }

    #[test]
    fn assembler_that_reads_nothing_is_known() {
        for text in [
            "fn main() { x.include(y); let asm = 1; }",
            "use core::arch::{asm, global_asm}; unsafe { asm!(\"mov {0}, {1:e}\", out(reg) a, in(reg) !b, options(nostack)) };",
            "global_asm!(\".globl f\", \"f: mov x0, #1\", r\"add {x}.16b, v1.16b\", \".byte 0\");",
            "wasm!(concat!(\"a\", \"b\")); // .incbin",
            "let asm = 1; a.include(asm); b.include_in(\"x\");",
            "asm!(\"nop\" /* ) */, // )\n \"rep stosb\", clobber_abi(\"C\"));",
        ] {
            assert_eq!(assembled(text), (vec![], true), "{text}");
        }
    }
}
