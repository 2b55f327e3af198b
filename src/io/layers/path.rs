//! Paths in a tar, brought to one form: from the root, no leading slash, no `.` or `..`.

use super::error::LayerProblem;
use crate::io::limits::Limits;

/// Cleans a path into `out`, as an unpacker would: lexically, relative to the root. Empty for the root itself. True where it has a `..`: docker
/// takes it back lexically, umoci and containerd after they followed links, GNU tar refuses it.
///
/// # Errors
/// Paths that lead out of the root, hold control characters, or go past a limit.
pub(super) fn clean(raw: &[u8], limits: &Limits, out: &mut Vec<u8>) -> Result<bool, LayerProblem> {
    out.clear();
    if raw.len() > limits.path {
        return Err(LayerProblem::Limit {
            what: "the length of a path",
            limit: limits.path as u64,
        });
    }
    let mut depth = 0usize;
    let mut goes_up = false;
    for part in raw.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                goes_up = true;
                if depth == 0 {
                    return Err(LayerProblem::Escape(printable(raw)));
                }
                depth -= 1;
                let parent = out.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
                out.truncate(parent);
            }
            _ => {
                depth += 1;
                if depth > 1 {
                    out.push(b'/');
                }
                out.extend_from_slice(part);
            }
        }
    }
    if depth > limits.depth {
        return Err(LayerProblem::Limit {
            what: "the depth of a path",
            limit: limits.depth as u64,
        });
    }
    if out.iter().any(|byte| *byte < 0x20 || *byte == 0x7f) {
        return Err(LayerProblem::ControlCharacters(printable(raw)));
    }
    Ok(goes_up)
}

/// A name for people: escapes what is not printable, cut to 200 characters.
pub(super) fn printable(raw: &[u8]) -> String {
    String::from_utf8_lossy(raw)
        .chars()
        .take(200)
        .flat_map(char::escape_default)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(raw: &str) -> Result<String, String> {
        let mut out = Vec::new();
        clean(raw.as_bytes(), &Limits::default(), &mut out)
            .map(|_| String::from_utf8(out).expect("UTF-8"))
            .map_err(|problem| problem.to_string())
    }

    #[test]
    fn paths_come_to_one_form() {
        for (raw, expected) in [
            ("./a/b", "a/b"),
            ("/a//b/", "a/b"),
            ("a/../b", "b"),
            ("a/b/../../c", "c"),
            ("./", ""),
            ("a/./b", "a/b"),
            ("a b/c~", "a b/c~"),
        ] {
            assert_eq!(cleaned(raw).as_deref(), Ok(expected), "{raw}");
        }
    }

    #[test]
    fn paths_out_of_the_root_and_control_characters_are_refused() {
        for raw in ["..", "../a", "a/../../b", "/../etc/passwd", "a\nb", "a\u{1b}[2Jb", "a\u{7f}"] {
            let told = cleaned(raw).expect_err(raw);
            assert!(told.contains(&raw.escape_default().to_string()), "{raw:?}: {told}");
        }
        assert!(cleaned(&"a/".repeat(300)).is_err());
        assert!(cleaned(&"a".repeat(5000)).is_err());
    }
}
