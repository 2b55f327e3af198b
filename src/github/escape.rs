//! Text that the runner must not take for commands. It takes `::name::` at the beginning of any line of stdout and stderr (blanks before it
//! do not matter), and the older `##[name]` anywhere in a line.

use std::io::{self, Write};

/// The same text, line by line, with every beginning of a command taken apart by a blank.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive(['\n', '\r']) {
        let bare = line.trim_start();
        let blanks = &line[..line.len() - bare.len()];
        out.push_str(blanks);
        match bare.strip_prefix("::") {
            Some(rest) => {
                out.push_str(": :");
                out.push_str(&rest.replace("##[", "# #["));
            }
            None => out.push_str(&bare.replace("##[", "# #[")),
        }
    }
    out
}

/// JSON with the same meaning in which no line is a command: `##[` can stand in strings only, where a sign may be written as an escape.
#[must_use]
pub fn escaped_json(json: &str) -> String {
    json.replace("##[", "#\\u0023[")
}

/// A writer that escapes each line before it goes on.
pub struct EscapedLines<W: Write> {
    inner: W,
    line: Vec<u8>,
}

/// Longest line that is kept together; the rest of it goes on as a line of its own.
const LONGEST: usize = 64 * 1024;

impl<W: Write> EscapedLines<W> {
    /// Lets lines through to `inner` with their workflow commands made harmless.
    pub const fn new(inner: W) -> Self {
        Self { inner, line: Vec::new() }
    }

    fn pass(&mut self) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        self.inner.write_all(escaped(&String::from_utf8_lossy(&line)).as_bytes())
    }
}

impl<W: Write> Write for EscapedLines<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.line.len() > LONGEST {
                self.pass()?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.line.is_empty() {
            self.pass()?;
        }
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the runner reads a line.
    fn is_command(line: &str) -> bool {
        line.trim_start().starts_with("::") || line.contains("##[")
    }

    #[test]
    fn no_line_is_a_command_any_more() {
        for text in [
            "::error::x",
            "  \t::set-output name=a::b",
            "fine ##[set-output name=a]b",
            "a\r::warning::x",
            "\u{a0}::error::x",
            "####[[group]",
            ":::error::x",
        ] {
            let safe = escaped(text);
            assert!(
                !safe.lines().flat_map(|l| l.split('\r')).any(is_command),
                "{text:?} became {safe:?}"
            );
        }
        assert_eq!(escaped("plain: a::b #[c]\n"), "plain: a::b #[c]\n");
    }

    #[test]
    fn json_keeps_its_meaning() {
        let json = serde_json::json!({"purl": "##[add-path]/tmp", "b": "####[["}).to_string();
        let safe = escaped_json(&json);
        assert!(!is_command(&safe), "{safe}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&safe).expect("JSON"),
            serde_json::from_str::<serde_json::Value>(&json).expect("JSON")
        );
    }

    #[test]
    fn a_writer_sees_whole_lines() {
        let mut writer = EscapedLines::new(Vec::new());
        for piece in ["a:", ":b\n:", ":error::", "x\n"] {
            writer.write_all(piece.as_bytes()).expect("written");
        }
        assert_eq!(String::from_utf8(writer.inner).expect("UTF-8"), "a::b\n: :error::x\n");
    }
}
