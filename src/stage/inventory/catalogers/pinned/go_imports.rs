//! What a Go source imports, as Go's own scanner reads it: paths may be written with escapes, and in quotes of two kinds.
//!
//! Source: the Go language specification, "String literals" and "Import declarations"; `readGoInfo` of `go/build`.

use crate::model::excused::Excused as _;

/// The paths that a source imports. `None` for what is no Go: Go builds nothing of its package then.
pub(super) fn imports(source: &[u8]) -> Option<Vec<String>> {
    let mut at = Cursor(source.strip_prefix(b"\xef\xbb\xbf").unwrap_or(source));
    at.pass_over(b" \t\r\n")?;
    at.word("package").then_some(())?;
    at.pass_over(b" \t\r\n")?;
    at.name()?;
    let mut found = Vec::new();
    loop {
        at.pass_over(b" \t\r\n;")?;
        if !at.word("import") {
            return Some(found);
        }
        at.pass_over(b" \t\r\n")?;
        if !at.sign(b'(') {
            found.push(at.import()?);
            continue;
        }
        loop {
            at.pass_over(b" \t\r\n;")?;
            if at.sign(b')') {
                break;
            }
            found.push(at.import()?);
        }
    }
}

/// What is still to be read.
struct Cursor<'s>(&'s [u8]);

impl Cursor<'_> {
    /// Passes over some signs and comments. `None` for a comment without an end.
    fn pass_over(&mut self, signs: &[u8]) -> Option<()> {
        loop {
            let rest = self.0;
            let skipped = rest.iter().take_while(|sign| signs.contains(sign)).count();
            let rest = &rest[skipped..];
            let length = match rest {
                [b'/', b'/', ..] => rest.iter().position(|sign| *sign == b'\n').unwrap_or(rest.len()),
                [b'/', b'*', inside @ ..] => 4 + inside.windows(2).position(|pair| pair == b"*/")?,
                _ => {
                    self.0 = rest;
                    return Some(());
                }
            };
            self.0 = &rest[length..];
        }
    }

    fn sign(&mut self, sign: u8) -> bool {
        let rest = self.0.strip_prefix(&[sign]);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// True for a whole word.
    fn word(&mut self, word: &str) -> bool {
        let rest = self.0.strip_prefix(word.as_bytes());
        let rest = rest.filter(|rest| !rest.first().is_some_and(|sign| is_of_a_name(*sign)));
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn name(&mut self) -> Option<()> {
        let length = self.0.iter().take_while(|sign| is_of_a_name(**sign)).count();
        self.0 = &self.0[length..];
        (length > 0).then_some(())
    }

    /// A path, with a name or a dot before it.
    fn import(&mut self) -> Option<String> {
        if !self.sign(b'.') && self.0.first().is_some_and(|sign| is_of_a_name(*sign)) {
            self.name()?;
        }
        self.pass_over(b" \t\r\n")?;
        let text = match self.take()? {
            b'`' => self.raw()?,
            b'"' => self.interpreted()?,
            _ => return None,
        };
        String::from_utf8(text).or_none("Go takes no other path")
    }

    fn take(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn raw(&mut self) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        loop {
            match self.take()? {
                b'`' => return Some(text),
                b'\r' => {}
                sign => text.push(sign),
            }
        }
    }

    fn interpreted(&mut self) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        loop {
            match self.take()? {
                b'"' => return Some(text),
                b'\n' => return None,
                b'\\' => self.escaped(&mut text)?,
                sign => text.push(sign),
            }
        }
    }

    fn escaped(&mut self, text: &mut Vec<u8>) -> Option<()> {
        let sign = self.take()?;
        let plain = match sign {
            b'a' => 0x07,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 0x0b,
            b'\\' | b'"' => sign,
            b'x' => u8::try_from(self.number(0, 2, 16)?).or_none("two digits are no more")?,
            b'0'..=b'7' => u8::try_from(self.number(u32::from(sign - b'0'), 2, 8)?).or_none("Go takes no larger one")?,
            b'u' | b'U' => {
                let letter = char::from_u32(self.number(0, if sign == b'u' { 4 } else { 8 }, 16)?)?;
                text.extend(letter.encode_utf8(&mut [0; 4]).bytes());
                return Some(());
            }
            _ => return None,
        };
        text.push(plain);
        Some(())
    }

    fn number(&mut self, start: u32, digits: usize, base: u32) -> Option<u32> {
        (0..digits).try_fold(start, |number, _| {
            let digit = char::from(self.take()?).to_digit(base)?;
            number.checked_mul(base)?.checked_add(digit)
        })
    }
}

fn is_of_a_name(sign: u8) -> bool {
    sign.is_ascii_alphanumeric() || sign == b'_' || !sign.is_ascii()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::io::process::Program;

    /// Sources, and what they import.
    const CASES: [(&str, &[&str]); 12] = [
        ("package a\nimport \"m.example/x\\x2fb\"\n", &["m.example/x/b"]),
        ("package a\nimport `m.example/x`\n", &["m.example/x"]),
        ("package a\nimport `m.exa\rmple/x`\n", &["m.example/x"]),
        (
            "package a; import \"m.ex\\u0061mple/x\"; import _ \"m.ex\\141mple/y\"\n",
            &["m.example/x", "m.example/y"],
        ),
        (
            "package a\nimport(\"m.ex\\U00000061mple/x\";y `m.example/y`\n. \"m.example/z\")\n",
            &["m.example/x", "m.example/y", "m.example/z"],
        ),
        (
            "\u{feff}// import \"m.example/x\"\n/* package b */ package /* c */ a /*\n*/ import /* d */ p /* e */ \"m.example/y\"\n",
            &["m.example/y"],
        ),
        ("//go:build linux\n\npackage a\n\nimport\n\n\"m.example/x\"\n", &["m.example/x"]),
        ("package a\n\nimport (\n)\n\nimport ()\n", &[]),
        ("package a\nvar s = `import \"m.example/x\"`\n", &[]),
        ("package a\nconst importance = 1\n", &[]),
        ("package a", &[]),
        ("package é\nimport é \"m.example/x\"\n", &["m.example/x"]),
    ];

    #[test]
    fn imports_are_read_whatever_they_are_written_with() {
        for (source, expected) in CASES {
            assert_eq!(imports(source.as_bytes()).as_deref(), Some(&expected.map_owned()[..]), "{source:?}");
        }
        for source in [
            "",
            "import \"x\"",
            "package",
            "package a\nimport \"x",
            "package a\nimport \"x\ny\"",
            "package a\nimport \"\\q\"",
            "package a\nimport \"\\x4\"",
            "package a\nimport \"\\ud800\"",
            "package a\nimport (\"x\"",
            "package a\nimport 'x'",
            "package a\nimport \"\\777\"",
            "package a /* ",
        ] {
            assert_eq!(imports(source.as_bytes()), None, "{source:?}");
        }
    }

    trait MapOwned {
        fn map_owned(&self) -> Vec<String>;
    }

    impl MapOwned for &[&str] {
        fn map_owned(&self) -> Vec<String> {
            self.iter().map(|text| (*text).to_owned()).collect()
        }
    }

    #[test]
    fn go_reads_the_same_imports() {
        for (source, _) in CASES {
            let folder = tempfile::tempdir().expect("a folder");
            fs::write(folder.path().join("go.mod"), "module own.example\n\ngo 1.18\n").expect("written");
            fs::write(folder.path().join("a.go"), source).expect("written");
            let asked = Program::new("go")
                .args(["list", "-e", "-f", "{{range .Imports}}{{println .}}{{end}}", "."])
                .current_dir(folder.path())
                .env("GOTOOLCHAIN", "local")
                .env("GOFLAGS", "-mod=mod")
                .env("GOPROXY", "off")
                .env("GOCACHE", folder.path().join("cache"))
                .stdout();
            // Where Go is not here, there is nothing to compare with.
            let Some(answer) = asked.or_none("the test above says what is expected") else {
                return;
            };
            let mut theirs: Vec<String> = String::from_utf8_lossy(&answer)
                .lines()
                .filter(|line| !line.is_empty())
                .map(str::to_owned)
                .collect();
            let mut ours = imports(source.as_bytes()).expect("Go");
            ours.sort();
            theirs.sort();
            assert_eq!(ours, theirs, "{source:?}");
        }
    }
}
