//! pip's requirements files: what is pinned with `==`. A requirement without a pin is a gap: what pip would install is not known.
//!
//! Source: pip's "Requirements File Format".

use super::format::{Pin, Pins};

/// `requirements.txt`, `requirements-dev.txt`, `test-requirements.txt`, `requirements/base.txt`.
pub(super) fn is_file(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let Some(stem) = name.strip_suffix(".txt") else { return false };
    stem.starts_with("requirements") || stem.ends_with("requirements") || folder.rsplit('/').next() == Some("requirements")
}

pub(super) fn read(text: &str) -> Result<Pins, String> {
    let mut found = Pins::default();
    let mut lines = text.lines().enumerate();
    while let Some((at, first)) = lines.next() {
        let mut whole = without_comment(first).to_owned();
        while let Some(start) = whole.strip_suffix('\\').map(str::to_owned) {
            whole = match lines.next() {
                Some((_, next)) => format!("{start} {}", without_comment(next)),
                None => start,
            };
        }
        let line = u32::try_from(at + 1).unwrap_or(u32::MAX);
        take(whole.trim(), line, &mut found);
    }
    Ok(found)
}

/// A comment starts at the line's start or behind a blank.
fn without_comment(line: &str) -> &str {
    let line = line.trim();
    if line.starts_with('#') {
        return "";
    }
    line.find(" #")
        .or_else(|| line.find("\t#"))
        .map_or(line, |at| line[..at].trim_end())
}

fn take(requirement: &str, line: u32, found: &mut Pins) {
    if requirement.is_empty() {
        return;
    }
    if requirement.starts_with('-') {
        return take_option(requirement, line, found);
    }
    // Hashes and other options of one requirement follow it.
    let bare = requirement.split(" --").next().unwrap_or(requirement);
    let bare = bare.split(" -C ").next().unwrap_or(bare);
    let bare = bare.split(';').next().unwrap_or(bare).trim();
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

/// Files that are named so are read by themselves; constraints install nothing.
fn take_option(option: &str, line: u32, found: &mut Pins) {
    let value = |names: [&str; 2]| {
        names
            .iter()
            .find_map(|name| option.strip_prefix(name))
            .map(|rest| rest.trim_start_matches(['=', ' ']))
    };
    if let Some(file) = value(["--requirement", "-r"]) {
        if !is_file(file) || file.contains("://") {
            found.troubles.push(format!("`{file}`, which line {line} asks for, is not read"));
        }
    } else if let Some(editable) = value(["--editable", "-e"])
        && editable != "."
    {
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
        assert_eq!(read.troubles.len(), 4, "{:?}", read.troubles);
    }

    #[test]
    fn what_pip_puts_together_is_read_as_pip_does_and_what_it_looks_up_is_told() {
        let read = read("a==1.0 -C x=y\nb==${VERSION}\nc==1.0 \\").expect("text");
        assert_eq!(read.pins, [Pin::new("a", "1.0", Some(1)), Pin::new("c", "1.0", Some(3))]);
        assert_eq!(read.troubles.len(), 1, "{:?}", read.troubles);
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
