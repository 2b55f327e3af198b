//! Which programs of an image are started, by the words that an engine is given: the first, and what it starts in its turn.

use super::shell_text::{Command, Word, commands};
use crate::model::image::PlatformImage;
use crate::model::program_place::{path_of, places_of};
use crate::stage::build::assembly::{Below, Sort};

/// A program that is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Started {
    /// In the image, links followed.
    pub(super) path: String,
    /// As ELF says it; none for a script.
    pub(super) machine: Option<u16>,
    /// False where it hangs on what only the run knows: a test of a shell, or a program that is given this one by name and may do with it what it likes.
    pub(super) is_certain: bool,
}

/// Programs that start the one that is named to them, as it is.
const STARTERS: [&str; 15] = [
    "env",
    "exec",
    "tini",
    "tini-static",
    "dumb-init",
    "catatonit",
    "docker-init",
    "gosu",
    "su-exec",
    "setpriv",
    "nice",
    "ionice",
    "timeout",
    "nohup",
    "stdbuf",
];
/// Those to which a user is named first, who may be called as a program is.
const FOR_A_USER: [&str; 2] = ["gosu", "su-exec"];
const SHELLS: [&str; 5] = ["sh", "bash", "dash", "ash", "zsh"];
/// How deep one may start another.
const DEEPEST: usize = 8;

/// The programs that an image's entry point leads to, in their order; the first that is not found ends it.
pub(super) fn started(below: &Below, image: &PlatformImage) -> Vec<Started> {
    let words: Vec<String> = image.config.entrypoint.iter().chain(&image.config.cmd).cloned().collect();
    let mut walk = Walk {
        below,
        path: path_of(&image.config.env),
        found: Vec::new(),
    };
    walk.words(&words, image.config.working_dir.as_deref().unwrap_or("/"), true, 0);
    walk.found
}

struct Walk<'b> {
    below: &'b Below,
    path: &'b str,
    found: Vec<Started>,
}

impl Walk<'_> {
    fn words(&mut self, words: &[String], folder: &str, is_certain: bool, depth: usize) {
        let Some((program, rest)) = words.split_first().filter(|_| depth < DEEPEST) else {
            return;
        };
        let Some((path, machine)) = self.program(program, folder, false) else {
            return;
        };
        let (written, own) = (name(program).to_owned(), name(&path).to_owned());
        self.found.push(Started { path, machine, is_certain });
        // `/bin/sh` may be busybox by a link, and `/init` a shell: either name says what it does.
        for called in [&written, &own] {
            if self.starts(called, rest, folder, is_certain, depth) {
                return;
            }
        }
        // What is no starter may emulate what it is given, or load it as data.
        if let Some((path, machine)) = rest.first().and_then(|word| self.program(word, folder, false)) {
            let is_certain = false;
            self.found.push(Started { path, machine, is_certain });
        }
    }

    /// What a program of this name starts; false where it is none that starts others.
    fn starts(&mut self, called: &str, rest: &[String], folder: &str, is_certain: bool, depth: usize) -> bool {
        if called == "busybox" {
            let Some((applet, rest)) = rest.split_first() else { return true };
            self.starts(applet, rest, folder, is_certain, depth + 1);
        } else if SHELLS.contains(&called) {
            self.shell(rest, folder, is_certain, depth);
        } else if is_loader(called) {
            let mut rest = rest;
            while let [option, after @ ..] = rest
                && option.starts_with("--")
            {
                let has_value = ["--library-path", "--inhibit-rpath", "--audit", "--preload", "--argv0"].contains(&option.as_str());
                rest = if has_value { after.get(1..).unwrap_or_default() } else { after };
            }
            // It maps the file itself, which needs no permission to be started.
            if let Some((path, machine)) = rest.first().and_then(|word| self.program(word, folder, true)) {
                self.found.push(Started { path, machine, is_certain });
            }
        } else if STARTERS.contains(&called) {
            let rest = match FOR_A_USER.contains(&called) {
                true => rest.get(1..).unwrap_or_default(),
                false => rest,
            };
            if let Some(at) = self.named_program(rest, folder) {
                self.words(&rest[at..], folder, is_certain, depth + 1);
            }
        } else {
            return false;
        }
        true
    }

    /// Where the program stands among a starter's words: behind `--`, or behind its options and their values. A path that leads to nothing is the
    /// program all the same (a volume has it), and what follows is for that one.
    fn named_program(&self, rest: &[String], folder: &str) -> Option<usize> {
        for (at, word) in rest.iter().enumerate() {
            if word == "--" {
                return Some(at + 1);
            }
            let is_option = word.starts_with('-') || word.contains('=');
            if !is_option && (word.contains('/') || self.program(word, folder, false).is_some()) {
                return Some(at);
            }
        }
        None
    }

    /// `-c TEXT WORDS…`, with options before it. A file that a shell is given is a script.
    fn shell(&mut self, rest: &[String], folder: &str, is_certain: bool, depth: usize) {
        let is_option = |word: &&String| word.starts_with(['-', '+']) && word.len() > 1;
        let options = rest.iter().take_while(is_option).count();
        let takes_text = |word: &String| word.starts_with('-') && !word.starts_with("--") && word.contains('c');
        if !rest[..options].iter().any(takes_text) {
            return;
        }
        // `-o NAME` stands before the text, too.
        let values = rest[..options].iter().filter(|word| *word == "-o").count();
        let Some(text) = rest.get(options + values) else { return };
        let given = rest.get(options + values + 2..).unwrap_or_default();
        let mut folder = folder.to_owned();
        for command in commands(text) {
            let certain = is_certain && command.is_certain;
            match moved_to(&command, &folder) {
                Some(Some(there)) => folder = there,
                // Nobody knows where the rest of it is run.
                Some(None) => return,
                None => self.words(&plain(&command, given), &folder, certain, depth + 1),
            }
        }
    }

    /// Where a program lies, links followed, and what it is for. `mapped`: as a loader takes it, whatever its mode.
    fn program(&self, program: &str, folder: &str, mapped: bool) -> Option<(String, Option<u16>)> {
        let places = places_of(program, Some(folder), self.path);
        places.iter().find_map(|place| match self.below.resolve(place)? {
            (at, node) if mapped || node.mode & 0o111 != 0 => match node.sort {
                Sort::File(machine) => Some((at, machine)),
                _ => None,
            },
            _ => None,
        })
    }
}

/// The words of a command up to the first that only the shell knows, with what it was given in the place of `"$@"`.
fn plain(command: &Command, given: &[String]) -> Vec<String> {
    let mut words = Vec::new();
    for word in &command.words {
        match word {
            Word::Plain(word) => words.push(word.clone()),
            Word::Arguments => words.extend(given.iter().cloned()),
            Word::Unknown if words.is_empty() => return words,
            // An argument, which stays one.
            Word::Unknown => words.push("-".to_owned()),
        }
    }
    words
}

/// Where `cd` leads to, within; none for any other command.
fn moved_to(command: &Command, folder: &str) -> Option<Option<String>> {
    match command.words.as_slice() {
        [Word::Plain(cd), rest @ ..] if cd == "cd" => Some(match rest {
            [Word::Plain(to)] if to.starts_with('/') => Some(to.clone()),
            [Word::Plain(to)] if !to.starts_with(['-', '~']) => Some(format!("{folder}/{to}")),
            _ => None,
        }),
        _ => None,
    }
}

/// `ld-linux-x86-64.so.2`, `ld-musl-aarch64.so.1`, `ld64.so.2`, `ld-2.31.so`.
fn is_loader(name: &str) -> bool {
    name.starts_with("ld") && name.contains(".so") && name[2..].starts_with(['-', '.', '6'])
}

/// The last part of a path.
pub(super) fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
