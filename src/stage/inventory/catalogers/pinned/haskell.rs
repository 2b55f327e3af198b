//! Cabal's `cabal.project.freeze`: constraints such as `any.aeson ==2.0.3.0`. Source: Cabal's "cabal freeze".

use super::pin::{Pin, Pins};

pub(super) fn is_file(name: &str) -> bool {
    name == "cabal.project.freeze"
}

/// A field: its name in lower case, where its text begins, and the text with its line ends.
struct Field {
    name: String,
    line: u32,
    indent: usize,
    text: String,
}

pub(super) fn read(text: &str) -> Result<Pins, String> {
    if text.contains(['{', '}']) {
        return Err("it has fields in braces, which are not read".to_owned());
    }
    let mut found = Pins::default();
    for field in fields(text, &mut found.troubles) {
        match &*field.name {
            "constraints" => constraints(&field, &mut found),
            "import" | "packages" | "optional-packages" | "extra-packages" => found.troubles.push(format!(
                "the field `{}` at line {} names packages that are not read",
                field.name, field.line
            )),
            _ => {}
        }
    }
    Ok(found)
}

/// Fields by their layout: what is indented deeper than a field's name goes on with it. Names have no case, and may be indented themselves.
///
/// Source: Cabal's "Field Syntax".
fn fields(text: &str, troubles: &mut Vec<String>) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    let mut is_open = false;
    for (at, line) in text.lines().enumerate() {
        let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
        let bare = line.trim();
        let indent = line.chars().take_while(|c| c.is_whitespace()).count();
        let is_comment = bare.is_empty() || bare.starts_with("--");
        if let Some(open) = fields.last_mut().filter(|open| is_open && (is_comment || indent > open.indent)) {
            open.text.push('\n');
            open.text.push_str(if is_comment { "" } else { bare });
            continue;
        }
        if is_comment {
            continue;
        }
        let name = bare.split_once(':').map(|(name, rest)| (name.trim(), rest));
        is_open = false;
        match name.filter(|(name, _)| !name.is_empty() && !name.contains(char::is_whitespace)) {
            Some((name, rest)) => {
                is_open = true;
                fields.push(Field {
                    name: name.to_lowercase(),
                    line: number,
                    indent,
                    text: rest.to_owned(),
                });
            }
            None if bare.starts_with("source-repository-package") => {
                troubles.push(format!("line {number} names a repository that is not read"));
            }
            // The head of a section, whose fields follow.
            None if ["package", "program-options", "if", "elif", "else", "repository"]
                .contains(&bare.split_whitespace().next().unwrap_or(bare)) => {}
            None => troubles.push(format!("line {number} is neither a field nor the head of a section")),
        }
    }
    fields
}

fn constraints(field: &Field, found: &mut Pins) {
    let mut line = field.line;
    for constraint in field.text.split(',') {
        let start = constraint.len() - constraint.trim_start().len();
        line += lines_in(&constraint[..start]);
        constraint_of(constraint.trim(), line, found);
        line += lines_in(&constraint[start..]);
    }
}

fn lines_in(text: &str) -> u32 {
    u32::try_from(text.matches('\n').count()).unwrap_or(u32::MAX)
}

fn constraint_of(constraint: &str, line: u32, found: &mut Pins) {
    if constraint.is_empty() {
        return;
    }
    let (name, rest) = constraint.split_at(
        constraint
            .find(|c: char| c.is_whitespace() || "=<>^+".contains(c))
            .unwrap_or(constraint.len()),
    );
    // `any.`, `setup.` and `other:setup.` say where it holds.
    let name = name.rsplit('.').next().unwrap_or(name);
    let mut words = rest.split_whitespace().peekable();
    let only_flags = words.peek().is_some() && words.all(|word| word.len() > 1 && word.starts_with(['+', '-']));
    let version = rest.trim().strip_prefix("==").map(str::trim).unwrap_or_default();
    let is_version = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_version && !name.is_empty() {
        found.pins.push(Pin::new(name, version, Some(line)));
    } else if name.is_empty() || !only_flags {
        let shown = constraint.split_whitespace().collect::<Vec<_>>().join(" ");
        found.troubles.push(format!("`{shown}` at line {line} pins no single version"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_with_one_version_are_pins() {
        let text = "active-repositories: example.org:merge\nconstraints: any.aeson ==2.0.3.0,\n             aeson -cffi +ordered-keymap,\n             any.base ==4.16.4.0,\n             odd >=1\nindex-state: x\n";
        let read = read(text).expect("text");
        assert_eq!(
            read.pins,
            [Pin::new("aeson", "2.0.3.0", Some(2)), Pin::new("base", "4.16.4.0", Some(4))]
        );
        assert_eq!(read.troubles, ["`odd >=1` at line 5 pins no single version"]);
    }

    #[test]
    fn a_field_is_known_in_any_case_and_at_any_indent() {
        for text in [
            "constraints: any.evil ==1.0\n",
            "Constraints: any.evil ==1.0\n",
            " constraints : any.evil == 1.0\n",
            "index-state: x\nif impl(ghc)\n  constraints:\n    -- why\n    any.evil ==1.0\n",
            "constraints: aeson +a -b,\n  other:setup.evil\n   ==1.0\n",
        ] {
            let read = read(text).expect(text);
            let names: Vec<_> = read.pins.iter().map(|pin| (pin.name.as_str(), pin.version.as_str())).collect();
            assert_eq!((names, read.troubles.len()), (vec![("evil", "1.0")], 0), "{text}");
        }
    }

    #[test]
    fn what_pins_nothing_is_told() {
        for text in [
            "constraints: any.evil installed\n",
            "constraints: any.evil\n",
            "constraints: any.evil ==1.*\n",
            "constraints: any.evil ==1.0 || ==2.0\n",
            "constraints: ==1.0\n",
            "import: other.project\n",
            "source-repository-package\n  type: git\n",
            "evil ==1.0\n",
        ] {
            let read = read(text).expect(text);
            assert_eq!((read.pins.len(), read.troubles.len()), (0, 1), "{text} {:?}", read.troubles);
        }
        assert!(read("constraints: { any.evil ==1.0 }").is_err());
    }
}
