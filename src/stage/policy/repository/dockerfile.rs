//! The images that a Dockerfile builds upon or copies from.

use std::collections::BTreeMap;

use crate::model::context::BaseImage;
use crate::model::inventory::Location;

/// True for the names that Dockerfiles have.
pub(super) fn is_dockerfile(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    ["Dockerfile", "Containerfile"].iter().any(|stem| {
        name == *stem || name.strip_prefix(stem).is_some_and(|rest| rest.starts_with('.')) || name.ends_with(&format!(".{stem}"))
    }) || name.ends_with(".dockerfile")
}

/// Every `FROM`, `COPY --from` and `RUN --mount=…,from=` of a Dockerfile that names no earlier stage, with its line.
///
/// `ARG`s before the first `FROM` that have a default are filled in; what no default decides stays as written (`${BASE}`).
/// Source: the Dockerfile reference.
#[must_use]
pub fn base_images(path: &str, text: &str) -> Vec<BaseImage> {
    let mut args: BTreeMap<String, String> = BTreeMap::new();
    let mut stages: Vec<String> = Vec::new();
    let mut count = 0usize;
    let mut found = Vec::new();
    for Instruction { line, words } in instructions(text) {
        let Some((keyword, rest)) = words.split_first() else { continue };
        let mut add = |image: &str, stages: &[String]| {
            let image = expand(image, &args);
            let is_stage = stages.contains(&image.to_lowercase()) || image.parse::<usize>().is_ok();
            if !is_stage && image != "scratch" {
                let location = Location {
                    line: Some(line),
                    ..Location::path(path)
                };
                found.push(BaseImage { image, location });
            }
        };
        match keyword.to_ascii_uppercase().as_str() {
            "ARG" if count == 0 => {
                for (name, value) in rest.iter().filter_map(|word| word.split_once('=')) {
                    let value = expand(unquoted(value), &args);
                    args.insert(name.to_owned(), value);
                }
            }
            "FROM" => {
                let mut plain = rest.iter().filter(|word| !word.starts_with("--"));
                if let Some(image) = plain.next() {
                    add(image, &stages);
                }
                count += 1;
                if let (Some(_), Some(name)) = (plain.next().filter(|word| word.eq_ignore_ascii_case("as")), plain.next()) {
                    stages.push(name.to_lowercase());
                }
            }
            "COPY" | "ADD" => rest
                .iter()
                .filter_map(|word| word.strip_prefix("--from="))
                .for_each(|image| add(image, &stages)),
            "RUN" => {
                let mounts = rest.iter().filter_map(|word| word.strip_prefix("--mount="));
                let sources = mounts.flat_map(|mount| mount.split(',').filter_map(|option| option.strip_prefix("from=")));
                sources.for_each(|image| add(image, &stages));
            }
            _ => {}
        }
    }
    found
}

struct Instruction<'a> {
    line: u32,
    words: Vec<&'a str>,
}

/// Instructions with their continuation lines joined, without comments and the bodies of here-documents.
fn instructions(text: &str) -> Vec<Instruction<'_>> {
    let escape = escape_character(text);
    let mut found: Vec<Instruction<'_>> = Vec::new();
    let (mut continues, mut ends): (bool, Vec<&str>) = (false, Vec::new());
    for (number, line) in (1u32..).zip(text.lines()) {
        if let Some(end) = ends.first() {
            if line.trim_start_matches('\t') == *end {
                ends.remove(0);
            }
            continue;
        }
        let trimmed = line.trim();
        if trimmed.starts_with('#') || (trimmed.is_empty() && continues) {
            continue;
        }
        let (body, goes_on) = match trimmed.strip_suffix(escape) {
            Some(body) => (body, true),
            None => (trimmed, false),
        };
        let words: Vec<&str> = body.split_whitespace().collect();
        match found.last_mut().filter(|_| continues) {
            Some(last) => last.words.extend(words),
            None => found.push(Instruction { line: number, words }),
        }
        continues = goes_on;
        if !continues && let Some(last) = found.last() {
            ends = here_documents(&last.words);
        }
    }
    found
}

/// `# escape=` in the first lines makes another character than `\` continue a line.
fn escape_character(text: &str) -> char {
    let directive = |line: &str| {
        let (name, value) = line.trim().strip_prefix('#')?.split_once('=')?;
        name.trim().eq_ignore_ascii_case("escape").then(|| value.trim().chars().next())?
    };
    text.lines()
        .take_while(|line| line.trim_start().starts_with('#'))
        .find_map(directive)
        .unwrap_or('\\')
}

/// The words that end the here-documents which an instruction opens: `<<EOF`, `<<-"EOF"`.
fn here_documents<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let takes = words
        .first()
        .is_some_and(|word| ["RUN", "COPY", "ADD"].iter().any(|k| word.eq_ignore_ascii_case(k)));
    let opened = |word: &&'a str| {
        let word = &word[word.find("<<")? + 2..];
        let word = word.strip_prefix('-').unwrap_or(word);
        let end = word.trim_matches(|c| c == '"' || c == '\'');
        (end.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')).then_some(end)
    };
    if takes {
        words.iter().filter_map(opened).collect()
    } else {
        Vec::new()
    }
}

fn unquoted(text: &str) -> &str {
    text.trim_matches(|c| c == '"' || c == '\'')
}

/// Fills in `$NAME`, `${NAME}` and `${NAME:-default}`; what is not known stays as written.
fn expand(text: &str, args: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = unquoted(text);
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (written, name, default) = match after.strip_prefix('{').and_then(|inner| Some((inner, inner.find('}')?))) {
            Some((inner, end)) => {
                let (name, default) = inner[..end]
                    .split_once(":-")
                    .map_or((&inner[..end], None), |(name, default)| (name, Some(default)));
                (end + 3, name, default)
            }
            None => {
                let end = after
                    .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                    .unwrap_or(after.len());
                (end + 1, &after[..end], None)
            }
        };
        match args.get(name).map(String::as_str).filter(|value| !value.is_empty()).or(default) {
            Some(value) => out.push_str(value),
            None => out.push_str(&rest[at..at + written]),
        }
        rest = &rest[at + written..];
    }
    out.push_str(rest);
    out
}
