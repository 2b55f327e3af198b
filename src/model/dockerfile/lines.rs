//! Lines to instructions: directives, continuations, comments, here-documents.

use super::heredoc;
pub use super::instruction::Instruction;

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1.
    pub line: u32,
    /// What, in one sentence without its end.
    pub what: String,
}

/// A Dockerfile's instructions, in order, with the lines that they begin on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dockerfile {
    /// Its instructions, in their order.
    pub instructions: Vec<Instruction>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// The character that continues a line and escapes the next one: `\` or a backtick.
    pub escape: char,
}

const KEYWORDS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// Splits a Dockerfile as BuildKit does: parser directives, continuations, here-documents.
#[must_use]
pub fn parse(text: &str) -> Dockerfile {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut file = Dockerfile {
        escape: '\\',
        ..Dockerfile::default()
    };
    directives(text, &mut file);
    let mut lines = (1u32..).zip(text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)));
    while let Some((number, line)) = lines.next() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (mut text, mut goes_on) = continued(line, file.escape);
        while goes_on && let Some((_, line)) = lines.next() {
            let bare = line.trim_start();
            // Both are passed over in the middle of an instruction.
            if bare.is_empty() || bare.starts_with('#') {
                continue;
            }
            let (more, again) = continued(line, file.escape);
            text.push_str(&more);
            goes_on = again;
        }
        let keyword = text.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        if keyword.is_empty() {
            continue;
        }
        if !KEYWORDS.contains(&keyword.as_str()) {
            file.problem(number, format!("`{keyword}` is no instruction that is known"));
        }
        let instruction = Instruction {
            line: number,
            keyword,
            text: text.trim().to_owned(),
        };
        for document in heredoc::opened(&instruction) {
            if !lines.by_ref().any(|(_, line)| document.ends_at(line)) {
                file.problem(number, format!("the here-document `{}` does not end", document.name));
            }
        }
        file.instructions.push(instruction);
    }
    file
}

impl Dockerfile {
    fn problem(&mut self, line: u32, what: String) {
        self.problems.push(Problem { line, what });
    }
}

/// A line without its sign of continuation, and whether it has one: the escape character at its end, blanks after it allowed, another one
/// before it not.
fn continued(line: &str, escape: char) -> (String, bool) {
    let end = line.trim_end_matches([' ', '\t']);
    match end.strip_suffix(escape) {
        Some(body) if !body.ends_with(escape) => (body.to_owned(), true),
        _ => (line.to_owned(), false),
    }
}

/// Reads `# key=value` lines, up to the first line of another form.
fn directives(text: &str, file: &mut Dockerfile) {
    let mut known: Vec<String> = Vec::new();
    let lines = (1u32..)
        .zip(text.lines())
        .skip_while(|(number, line)| *number == 1 && line.starts_with("#!"));
    for (number, line) in lines {
        let Some((key, value)) = directive(line) else { break };
        if known.contains(&key) {
            file.problem(number, format!("the directive `{key}` is there twice"));
        }
        match (key.as_str(), value) {
            ("escape", "\\") => file.escape = '\\',
            ("escape", "`") => file.escape = '`',
            ("escape", other) => file.problem(number, format!("`{other}` cannot escape")),
            ("syntax", frontend) if !is_usual(frontend) => {
                file.problem(number, format!("it is read by another program, `{frontend}`"));
            }
            _ => {}
        }
        known.push(key);
    }
    // BuildKit looks for a syntax in two more forms: after `//`, and in a document of JSON.
    let first = text.trim_start();
    if first.starts_with("//") || first.starts_with('{') {
        file.problem(1, "it is no Dockerfile by its first line".to_owned());
    }
}

fn directive(line: &str) -> Option<(String, &str)> {
    let (key, value) = line.trim_start().strip_prefix('#')?.split_once('=')?;
    let (key, value) = (key.trim(), value.trim());
    let is_word = key.starts_with(|c: char| c.is_ascii_alphabetic()) && key.bytes().all(|b| b.is_ascii_alphanumeric());
    (is_word && !value.is_empty()).then(|| (key.to_ascii_lowercase(), value))
}

/// True for the frontend whose language this is, in any version.
fn is_usual(frontend: &str) -> bool {
    let name = frontend.split_whitespace().next().unwrap_or_default();
    let name = name.strip_prefix("docker.io/").unwrap_or(name);
    let name = name.split(['@', ':']).next().unwrap_or(name);
    matches!(name, "docker/dockerfile" | "docker/dockerfile-upstream")
}
