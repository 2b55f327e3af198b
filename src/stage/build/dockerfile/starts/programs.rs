//! The programs that the words of an image's configuration lead to: the first, and what it starts in its turn.

use super::expand::{Place, Separators};
use super::lead::{Lead, Next, Text};
use super::run::{Surroundings, run};
use super::starters::leads;
use crate::model::image::PlatformImage;
use crate::model::program_place::{DEFAULT_PATH, path_of, places_of};
use crate::stage::build::assembly::{Below, Sort};

/// A program that is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Started {
    /// In the image, links followed.
    pub(in super::super) path: String,
    /// As ELF says it; none for a script.
    pub(in super::super) machine: Option<u16>,
    /// False where it hangs on what only the run knows: a test of a shell, or a program that is given this one by name and may do with it what it likes.
    pub(in super::super) is_certain: bool,
}

/// How deep one may start another.
const DEEPEST: usize = 8;
/// Programs that are looked for.
const MOST: usize = 512;
/// So many texts of shells within one another or one behind the other are read; each may be of many commands.
const MOST_TEXTS: usize = 16;
/// Where `execvp` looks if there is no `PATH`. Source: glibc, `confstr(_CS_PATH)`.
const BARE_PATH: &str = "/bin:/usr/bin";

/// The programs that an image's entry point leads to, in their order; the first that is not found ends it.
pub(in super::super) fn started(below: &Below, image: &PlatformImage) -> Vec<Started> {
    let config = &image.config;
    let words: Vec<String> = config.entrypoint.iter().chain(&config.cmd).cloned().collect();
    let mut place = Place {
        folder: Some(
            config
                .working_dir
                .clone()
                .filter(|folder| !folder.is_empty())
                .unwrap_or_else(|| "/".to_owned()),
        ),
        ..Place::default()
    };
    for (name, value) in config.env.iter().rev().filter_map(|entry| entry.split_once('=')) {
        place.set(name, value.to_owned());
    }
    place.set("PATH", path_of(&config.env).to_owned());
    let mut walk = Walk {
        below,
        depth: 0,
        looked_for: 0,
        texts: 0,
        found: Vec::new(),
    };
    if !place.env.contains_key("HOME") {
        let user = config.user.as_deref().unwrap_or_default();
        walk.at_home(&mut place, user.split(':').next().unwrap_or_default());
    }
    walk.start(&words, &place, true);
    walk.found
}

struct Walk<'b> {
    below: &'b Below,
    depth: usize,
    looked_for: usize,
    texts: usize,
    found: Vec<Started>,
}

impl Surroundings for Walk<'_> {
    fn start(&mut self, words: &[String], place: &Place, is_certain: bool) {
        self.looked_for += 1;
        let Some((program, rest)) = words.split_first().filter(|_| self.depth < DEEPEST && self.looked_for <= MOST) else {
            return;
        };
        let Some((path, machine)) = self.program(program, place, false) else {
            return;
        };
        let is_certain = is_certain && (program.contains('/') || !place.is_path_doubtful);
        let (written, own) = (name(program).to_owned(), name(&path).to_owned());
        self.found.push(Started { path, machine, is_certain });
        // `/bin/sh` may be busybox by a link, and `/init` a shell: either name says what it does.
        self.depth += 1;
        match leads(&written, rest).or_else(|| leads(&own, rest)) {
            Some(lead) => self.follow(lead, place, is_certain),
            None => self.given(&written, rest, place),
        }
        self.depth -= 1;
    }

    fn is_folder(&self, path: &str) -> bool {
        path.split('/').all(|part| part.is_empty() || part == ".")
            || self.below.resolve(path).is_some_and(|(_, node)| node.sort == Sort::Folder)
    }
}

impl Walk<'_> {
    fn follow(&mut self, lead: Lead, place: &Place, is_certain: bool) {
        let mut place = place.clone();
        place.arguments = None;
        match lead {
            Lead::Program(next) => self.next(next, place, is_certain),
            Lead::Text(text) => self.text(text, place, is_certain),
            Lead::Mapped(program) => {
                if let Some((path, machine)) = self.program(&program, &place, true) {
                    self.found.push(Started { path, machine, is_certain });
                }
            }
            Lead::Nothing => {}
        }
    }

    fn next(&mut self, next: Next, mut place: Place, is_certain: bool) {
        if next.is_cleared {
            place.env.clear();
            place.set("PATH", BARE_PATH.to_owned());
        }
        if let Some(user) = &next.home_of {
            self.at_home(&mut place, user.split(':').next().unwrap_or_default());
        }
        for (name, value) in next.assignments {
            place.set(&name, value);
        }
        if let Some(folder) = next.folder {
            place.folder = within(&place, folder);
        }
        let is_certain = is_certain && !next.is_conditional;
        match next.root.map(|root| within(&place, root)) {
            Some(Some(root)) if root.split('/').any(|part| !part.is_empty() && part != ".") => {
                self.below_root(&root, &next.words, is_certain)
            }
            Some(None) => {}
            _ => self.start(&next.words, &place, is_certain),
        }
    }

    /// A program of another root: links of that lead elsewhere, so that it is looked for by its path alone.
    fn below_root(&mut self, root: &str, words: &[String], is_certain: bool) {
        let place = Place {
            folder: Some("/".to_owned()),
            ..Place::default()
        };
        let path = words
            .first()
            .filter(|program| program.starts_with('/'))
            .map(|program| format!("{root}{program}"));
        if let Some((path, machine)) = path.and_then(|path| self.program(&path, &place, false)) {
            self.found.push(Started { path, machine, is_certain });
        }
    }

    fn text(&mut self, text: Text, mut place: Place, is_certain: bool) {
        self.texts += 1;
        if self.texts > MOST_TEXTS {
            return;
        }
        if let Some(user) = &text.home_of {
            self.at_home(&mut place, user);
        }
        if text.is_login {
            place.set("PATH", DEFAULT_PATH.to_owned());
            place.folder = place.env.get("HOME").cloned();
        }
        place.arguments = Some(text.arguments);
        place.separators = Separators::Usual;
        place.is_path_doubtful |= text.reads_profile;
        let is_certain = is_certain && !text.is_doubtful && !is_told_otherwise(&place);
        run(&text.text, place, text.exits_on_error, is_certain, self);
    }

    /// `HOME` as the list of accounts has it.
    fn at_home(&self, place: &mut Place, user: &str) {
        match self.below.home_of(user) {
            Some(home) => place.set("HOME", home),
            None => drop(place.env.remove("HOME")),
        }
    }

    /// What is no starter may emulate what it is given, or load it as data.
    fn given(&mut self, called: &str, rest: &[String], place: &Place) {
        const MOVES_DATA: [&str; 9] = ["cp", "mv", "rm", "ln", "install", "chmod", "chown", "chgrp", "touch"];
        let given = rest.first().filter(|_| !MOVES_DATA.contains(&called));
        if let Some((path, machine)) = given.and_then(|word| self.program(word, place, false)) {
            let is_certain = false;
            self.found.push(Started { path, machine, is_certain });
        }
    }

    /// Where a program lies, links followed, and what it is for. `mapped`: as a loader takes it, whatever its mode.
    fn program(&self, program: &str, place: &Place, mapped: bool) -> Option<(String, Option<u16>)> {
        if program.contains('/') && !program.starts_with('/') && place.folder.is_none() {
            return None;
        }
        let path = place.env.get("PATH").map_or("", String::as_str);
        let places = places_of(program, place.folder.as_deref(), path);
        places.iter().find_map(|place| match self.below.resolve(place)? {
            (at, node) if mapped || node.mode & 0o111 != 0 => match node.sort {
                Sort::File(machine) => Some((at, machine)),
                _ => None,
            },
            _ => None,
        })
    }
}

/// Variables by which bash reads a file, has other options, or finds functions in the place of programs.
fn is_told_otherwise(place: &Place) -> bool {
    let mut set = place.env.iter().filter(|(_, value)| !value.is_empty());
    set.any(|(name, _)| matches!(name.as_str(), "BASH_ENV" | "BASHOPTS" | "SHELLOPTS") || name.starts_with("BASH_FUNC_"))
}

/// A folder as it is named from another.
fn within(place: &Place, folder: String) -> Option<String> {
    match folder.starts_with('/') {
        true => Some(folder),
        false => Some(format!("{}/{folder}", place.folder.as_ref()?)),
    }
}

/// The last part of a path.
pub(in super::super) fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
