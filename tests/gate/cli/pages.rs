//! README and `docs/`: what they show can be typed, parsed and followed.

use std::fs;
use std::path::{Path, PathBuf};

use portcullis::cli::config::Config;

fn pages() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let pages = docs.chain([root.join("README.md")]);
    pages.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// The blocks of a page in one language.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let opening = format!("```{language}\n");
    page.split(&opening)
        .skip(1)
        .map(|rest| rest.split_once("\n```").map_or(rest, |(block, _)| block))
        .collect()
}

/// The words of a line as a shell takes them, up to a comment, a pipe or a redirection.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for letter in line.chars() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (None, '\'' | '"') => quote = Some(letter),
            (None, ' ') => words.push(String::new()),
            (None, '#' | '|' | '>') if words.last().is_some_and(String::is_empty) => break,
            _ => words.last_mut().unwrap().push(letter),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn every_command_that_the_pages_show_is_one() {
    let mut seen = 0;
    for (path, page) in pages() {
        for block in blocks(&page, "sh") {
            for line in block.replace("\\\n", " ").lines() {
                let words = words(line);
                let ours = match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                    ["portcullis", ..] => &words[1..],
                    ["cargo", "run", "--", ..] => &words[3..],
                    _ => continue,
                };
                seen += 1;
                let typed = std::iter::once("portcullis").chain(ours.iter().map(String::as_str));
                if let Err(error) = portcullis::cli::command().try_get_matches_from(typed) {
                    panic!("{}: {line}\n{error}", path.display());
                }
            }
        }
    }
    assert!(seen > 30, "only {seen} commands were found");
}

#[test]
fn every_configuration_that_the_pages_show_is_read() {
    let mut seen = 0;
    for (path, page) in pages() {
        for block in blocks(&page, "toml") {
            seen += 1;
            if let Err(error) = toml::from_str::<Config>(block) {
                panic!("{}: {error}\n{block}", path.display());
            }
        }
    }
    assert!(seen >= 7, "only {seen} were found");
}

#[test]
fn every_link_of_the_pages_leads_somewhere() {
    let mut seen = 0;
    for (path, page) in pages() {
        for rest in page.split("](").skip(1) {
            let Some((target, _)) = rest.split_once(')') else { continue };
            if target.contains("://") || target.starts_with('#') {
                continue;
            }
            seen += 1;
            let file = target.split('#').next().unwrap();
            assert!(path.parent().unwrap().join(file).exists(), "{}: {target}", path.display());
        }
    }
    assert!(seen >= 10, "only {seen} were found");
}
