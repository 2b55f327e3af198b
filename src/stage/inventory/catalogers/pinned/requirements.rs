//! pip's requirements files: what is pinned with `==`. A requirement without a pin is a gap: what pip would install is not known.
//!
//! Source: pip's "Requirements File Format".

use super::pin::{Pin, Pins};
use super::pipfile;
use super::requirements_lines;
use super::requirements_options::Options;

/// `requirements.txt`, `requirements-dev.txt`, `test-requirements.txt`, `requirements/base.txt`.
pub(super) fn is_file(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let Some(stem) = name.strip_suffix(".txt") else { return false };
    stem.starts_with("requirements") || stem.ends_with("requirements") || folder.rsplit('/').next() == Some("requirements")
}

pub(super) fn read(text: &str) -> Result<Pins, String> {
    let mut found = Pins::default();
    if let Some(encoding) = other_encoding(text) {
        found
            .troubles
            .push(format!("it says that its encoding is `{encoding}`, in which it was not read"));
    }
    for line in requirements_lines::of(text) {
        let (requirement, options) = requirements_lines::parts(&line.text);
        if requirement.is_empty() {
            take_options(options, line.number, &mut found);
        } else {
            take(requirement, line.number, &mut found);
        }
    }
    Ok(found)
}

/// The encoding that a file names in one of its first two lines, if its bytes may be other text in it.
///
/// Source: PEP 263, which pip follows.
fn other_encoding(text: &str) -> Option<&str> {
    let named = text.split('\n').take(2).filter(|line| line.starts_with('#')).find_map(|line| {
        let at = ["coding:", "coding="]
            .iter()
            .filter_map(|mark| Some(line.find(mark)? + mark.len()))
            .min()?;
        let rest = line[at..].trim_start();
        let end = rest
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '.')))
            .unwrap_or(rest.len());
        Some(&rest[..end]).filter(|name| !name.is_empty())
    })?;
    let plain = named.to_ascii_lowercase().replace('_', "-");
    let is_utf8 = matches!(&*plain, "utf-8" | "utf8" | "utf-8-sig");
    let holds_ascii = ["ascii", "us-ascii", "latin", "iso-8859-", "iso8859-", "cp125", "windows-125"];
    let is_ascii = text.is_ascii() && holds_ascii.iter().any(|known| plain.starts_with(known));
    (!is_utf8 && !is_ascii).then_some(named)
}

/// The folder of the file, perhaps with extras: `.[dev]`.
fn is_project(requirement: &str) -> bool {
    let folder = requirement.split('[').next().unwrap_or(requirement);
    !folder.is_empty() && pipfile::is_project(folder)
}

fn take(requirement: &str, line: u32, found: &mut Pins) {
    let bare = requirement.split(';').next().unwrap_or(requirement).trim();
    if is_project(bare) {
        return;
    }
    let name_end = bare
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
        .unwrap_or(bare.len());
    let (name, rest) = bare.split_at(name_end);
    let rest = rest.trim_start();
    let rest = match rest.strip_prefix('[') {
        Some(extras) => extras.split_once(']').map_or("", |(_, rest)| rest.trim_start()),
        None => rest,
    };
    let pin = rest.strip_prefix("===").or_else(|| rest.strip_prefix("=="));
    match pin.map(str::trim).filter(|version| is_version(version)) {
        Some(version) if !name.is_empty() => found.pins.push(Pin::new(name, version, Some(line))),
        _ if matches!(bare.as_bytes().first(), Some(b'.' | b'/')) => found
            .troubles
            .push(format!("`{bare}` at line {line} is a folder or a file, which is not read")),
        _ => found.troubles.push(format!(
            "`{bare}` at line {line} pins no version, so that what is installed is not known"
        )),
    }
}

/// Variables of the environment, wildcards and lists of versions are none.
fn is_version(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'+' | b'!'))
}

/// Files that are named so are read by themselves, if they are of the tree; constraints install nothing.
fn take_options(options: &str, line: u32, found: &mut Pins) {
    let Some(words) = requirements_lines::words(options) else {
        found.troubles.push(format!("a quote at line {line} has no end"));
        return;
    };
    let asked = Options::of(words);
    for word in asked.unknown {
        found.troubles.push(format!(
            "`{word}` at line {line} is no option that is known: what it installs is not known"
        ));
    }
    for file in asked.files {
        // `https:`, `file:`: an address.
        if file.contains(':') {
            found.troubles.push(format!("`{file}`, which line {line} asks for, is not read"));
        } else {
            found.asks.push((file, line));
        }
    }
    for editable in asked.editables.iter().filter(|editable| !is_project(editable)) {
        found.troubles.push(format!(
            "`{editable}` at line {line} pins no version, so that what is installed is not known"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_are_read_and_what_is_not_pinned_is_told() {
        let text = "# tools\nFlask[async]==2.0.1 ; python_version > '3' # why\nevil == 1.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\nloose>=2\nstar==1.*\n\
                    git+https://example.org/x.git\n-r requirements-dev.txt\n-r other.in\n-e .\n--index-url https://example.org\n";
        let read = read(text).expect("text");
        let seen: Vec<_> = read
            .pins
            .iter()
            .map(|pin| (pin.name.as_str(), pin.version.as_str(), pin.line))
            .collect();
        assert_eq!(seen, [("Flask", "2.0.1", Some(2)), ("evil", "1.0", Some(3))]);
        assert_eq!(read.troubles.len(), 3, "{:?}", read.troubles);
        assert_eq!(read.asks, [("requirements-dev.txt".to_owned(), 9), ("other.in".to_owned(), 10)]);
    }

    #[test]
    fn what_pip_puts_together_is_read_as_pip_does_and_what_it_looks_up_is_told() {
        let read = read("a==1.0 -C x=y\nb==${VERSION}\nc==1.0 \\").expect("text");
        assert_eq!(read.pins, [Pin::new("a", "1.0", Some(1)), Pin::new("c", "1.0", Some(3))]);
        assert_eq!(read.troubles.len(), 1, "{:?}", read.troubles);
    }

    #[test]
    fn what_python_takes_for_the_end_of_a_line_ends_a_comment() {
        for end in ["\n", "\r", "\u{c}", "\u{b}", "\u{85}", "\u{2028}"] {
            let read = read(&format!("# c{end}evil==1.0\n")).expect("text");
            assert_eq!(read.pins, [Pin::new("evil", "1.0", Some(2))], "{end:?}");
        }
        assert!(read("# c\tevil==1.0\n").expect("text").pins.is_empty());
    }

    #[test]
    fn an_option_behind_another_is_not_overlooked() {
        for text in [
            "-r deps.txt",
            "--pre -r deps.txt",
            "-i https://x -r deps.txt",
            "--no-index -e git+https://x/evil",
        ] {
            let read = read(text).expect("text");
            assert_eq!(read.troubles.len() + read.asks.len(), 1, "{text}");
        }
        let read = read("--pre --no-index -i https://x\n-c c.txt").expect("text");
        assert!(read.troubles.is_empty() && read.asks.is_empty());
    }

    #[test]
    fn the_project_itself_is_no_package_and_another_folder_is_told() {
        let read = read("-e .\n-e .[dev]\n.\n./\n--editable=.[a,b]\n").expect("text");
        assert!(read.pins.is_empty() && read.troubles.is_empty(), "{:?}", read.troubles);
        for other in [
            "-e ./v/idna",
            "./v/idna",
            "-e ..",
            "idna @ file:///v/idna",
            "file:v/idna",
            "-e file:.",
            "/",
        ] {
            assert_eq!(super::read(other).expect("text").troubles.len(), 1, "{other}");
        }
    }

    #[test]
    fn a_file_that_asks_to_be_read_in_another_encoding_is_told() {
        for (text, expected) in [
            ("# -*- coding: utf-7 -*-\n+AGU-vil==1.0", true),
            ("# coding=latin-1\n# \u{c5}evil==1.0", true),
            ("# coding=latin-1\na==1.0", false),
            ("# -*- coding: utf-8 -*-\n# \u{e4}", false),
            ("# encoding\n#\n# coding: utf-7", false),
        ] {
            assert_eq!(!read(text).expect("text").troubles.is_empty(), expected, "{text}");
        }
    }

    #[test]
    fn requirements_are_known_by_name_or_folder() {
        for (path, expected) in [
            ("requirements.txt", true),
            ("requirements-dev.txt", true),
            ("test-requirements.txt", true),
            ("a/requirements/base.txt", true),
            ("notes.txt", false),
            ("requirements.in", false),
        ] {
            assert_eq!(is_file(path), expected, "{path}");
        }
    }
}
