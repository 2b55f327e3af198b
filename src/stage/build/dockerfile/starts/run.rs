//! A shell's text as a shell runs it, as far as it is the same in every run.

use std::collections::BTreeMap;

use super::builtins::{ends_by_itself, executed, moved, set};
use super::expand::{Place, UNKNOWN};
use super::instead::{first_word, gives_up, is_watched};
use super::parser::parsed;
use super::shell::{Reached, Shell, Status};
use super::syntax::{AndOr, Command, Hangs, List, Part, Pipeline, Simple, Word};
use super::variables::{declared, may_keep, printed, unset};

/// What a shell asks of its surroundings.
pub(super) trait Surroundings {
    /// A program is started. `is_certain`: in every run.
    fn start(&mut self, words: &[String], place: &Place, is_certain: bool);
    /// True where a folder is there; one that is not may be mounted.
    fn is_folder(&self, path: &str) -> bool;
}

/// Commands that are looked at, those of functions at each call.
const MOST_COMMANDS: usize = 1024;
/// How deep functions and `eval` may call each other.
const DEEPEST: usize = 16;

/// Runs a text. `exits_on_error`: `sh -e`.
pub(super) fn run(text: &str, place: Place, exits_on_error: bool, is_certain: bool, around: &mut dyn Surroundings) {
    let Ok(list) = parsed(text) else {
        // A shell may read it all the same: what it names may be started, and nothing of it is certain.
        let parts = text.split(|c: char| c.is_whitespace() || "\"'`;&|(){}<>".contains(c));
        for word in parts.filter(|word| word.contains('/')) {
            around.start(&[word.to_owned()], &place, false);
        }
        return;
    };
    let mut functions = BTreeMap::new();
    let mut run = Run {
        around,
        commands: 0,
        depth: 0,
    };
    let mut shell = Shell {
        place,
        exits_on_error,
        is_conditional: !is_certain,
        survives_exec: false,
        reached: Reached::Always,
    };
    run.list(&list, &mut shell, &mut functions);
}

type Functions<'l> = BTreeMap<&'l str, &'l Command>;

struct Run<'r> {
    around: &'r mut dyn Surroundings,
    commands: usize,
    depth: usize,
}

impl Run<'_> {
    fn list<'l>(&mut self, list: &'l List, shell: &mut Shell, functions: &mut Functions<'l>) -> Status {
        let mut status = Status::Success;
        for (at, next) in list.iter().enumerate() {
            if shell.reached == Reached::Never {
                break;
            }
            let was_conditional = shell.is_conditional;
            // Who looks at how it ended may start another one instead.
            shell.is_conditional |= is_watched(next, &list[at + 1..]);
            if next.in_background {
                let reached = shell.reached;
                shell.apart(|inner| self.and_or(next, inner, functions));
                shell.reached = reached;
                status = Status::Success;
                shell.is_conditional = was_conditional;
                continue;
            }
            status = self.and_or(next, shell, functions);
            shell.is_conditional = was_conditional;
            if shell.exits_on_error && status != Status::Success {
                shell.lose();
            }
        }
        status
    }

    fn and_or<'l>(&mut self, whole: &'l AndOr, shell: &mut Shell, functions: &mut Functions<'l>) -> Status {
        let mut status = self.rescued(&whole.first, &whole.rest, shell, functions);
        for (at, (hangs, pipeline)) in whole.rest.iter().enumerate() {
            let rest = &whole.rest[at + 1..];
            status = match (hangs, status) {
                _ if shell.reached == Reached::Never => break,
                (Hangs::OnSuccess, Status::Success) | (Hangs::OnFailure, Status::Failure) => self.rescued(pipeline, rest, shell, functions),
                (Hangs::OnSuccess, Status::Failure) | (Hangs::OnFailure, Status::Success) => status,
                (_, Status::Unknown) => {
                    shell.perhaps(|inner| self.pipeline(pipeline, inner, functions));
                    Status::Unknown
                }
            };
        }
        status
    }

    /// A pipeline, for which another one may stand in where it cannot be started: `/a || /b`, and not `/a || exit 1`.
    fn rescued<'l>(
        &mut self,
        pipeline: &'l Pipeline,
        rest: &'l [(Hangs, Pipeline)],
        shell: &mut Shell,
        functions: &mut Functions<'l>,
    ) -> Status {
        // A shell that cannot `exec` ends.
        let ends = first_word(pipeline) == Some("exec") && !shell.survives_exec;
        let instead = rest.iter().find(|(hangs, _)| *hangs == Hangs::OnFailure && !ends);
        let was_conditional = shell.is_conditional;
        shell.is_conditional |= instead.is_some_and(|(_, pipeline)| !gives_up(pipeline));
        let status = self.pipeline(pipeline, shell, functions);
        shell.is_conditional = was_conditional;
        status
    }

    fn pipeline<'l>(&mut self, pipeline: &'l Pipeline, shell: &mut Shell, functions: &mut Functions<'l>) -> Status {
        let status = match pipeline.commands.as_slice() {
            [one] => self.command(one, shell, functions),
            all => {
                let reached = shell.reached;
                let mut ends = reached;
                for command in all {
                    shell.apart(|inner| self.command(command, inner, functions));
                    ends = ends.max(shell.reached);
                    shell.reached = reached;
                }
                shell.reached = ends;
                Status::Unknown
            }
        };
        match (pipeline.is_negated, status) {
            (true, Status::Success) => Status::Failure,
            (true, Status::Failure) => Status::Success,
            (_, status) => status,
        }
    }

    fn command<'l>(&mut self, command: &'l Command, shell: &mut Shell, functions: &mut Functions<'l>) -> Status {
        self.commands += 1;
        if self.commands > MOST_COMMANDS {
            shell.lose();
            return Status::Unknown;
        }
        match command {
            Command::Simple(simple) => self.simple(simple, shell, functions),
            Command::Group(list) => self.list(list, shell, functions),
            Command::Subshell(list) => shell.apart(|inner| self.list(list, inner, functions)),
            Command::Choice { conditions, branches } => {
                for list in conditions {
                    self.condition(list, shell, functions);
                }
                // Each of them from where the conditions led.
                let before = shell.clone();
                let mut status = Status::Success;
                for list in branches {
                    let mut branch = before.clone();
                    if branch.perhaps(|inner| self.list(list, inner, functions)) != Status::Success {
                        status = Status::Unknown;
                    }
                    shell.place.common(&branch.place);
                    shell.exits_on_error |= branch.exits_on_error;
                    shell.survives_exec |= branch.survives_exec;
                    shell.reached = shell.reached.max(branch.reached);
                }
                status
            }
            Command::Loop { condition, variable, body } => {
                if let Some(name) = variable {
                    shell.place.forget(name);
                }
                if let Some(list) = condition {
                    self.condition(list, shell, functions);
                    // Whoever waits for something may wait for ever.
                    shell.lose();
                }
                shell.perhaps(|inner| self.list(body, inner, functions));
                Status::Unknown
            }
            Command::Function { name, body } => {
                functions.insert(name, body);
                Status::Success
            }
            Command::Test => Status::Unknown,
        }
    }

    fn condition<'l>(&mut self, list: &'l List, shell: &mut Shell, functions: &mut Functions<'l>) {
        shell.perhaps(|inner| {
            inner.exits_on_error = false;
            self.list(list, inner, functions);
        });
    }

    fn simple<'l>(&mut self, simple: &'l Simple, shell: &mut Shell, functions: &mut Functions<'l>) -> Status {
        let words = shell.place.words(&simple.words);
        let mut place = shell.place.clone();
        for (name, value) in &simple.assignments {
            let value = place.text(value);
            place.set(name, value);
        }
        let Some(first) = words.first() else {
            shell.place = place;
            return match simple.words.is_empty() && simple.assignments.iter().all(|(_, value)| is_plain(value)) {
                true => Status::Success,
                // What a command says is its status.
                false => Status::Unknown,
            };
        };
        if let Some(body) = functions.get(first.as_str()).copied() {
            self.depth += 1;
            if self.depth < DEEPEST {
                let arguments = shell.place.arguments.clone();
                shell.perhaps(|inner| {
                    inner.place.arguments = Some(words.clone());
                    self.command(body, inner, functions);
                    inner.place.arguments = arguments;
                });
            }
            self.depth -= 1;
            shell.lose();
            return Status::Unknown;
        }
        if first == "eval" {
            // Its commands may be functions that were defined before.
            let was_conditional = shell.is_conditional;
            shell.is_conditional |= !functions.is_empty();
            shell.place = place;
            let status = self.eval(&words[1..], shell);
            shell.is_conditional = was_conditional;
            simple.assignments.iter().for_each(|(name, _)| shell.place.forget(name));
            return status;
        }
        let status = self.called(&words, &simple.words, &place, shell);
        if may_keep(first) {
            simple.assignments.iter().for_each(|(name, _)| shell.place.forget(name));
        }
        status
    }

    fn eval(&mut self, words: &[String], shell: &mut Shell) -> Status {
        let text = words.join(" ");
        self.depth += 1;
        let status = match parsed(&text) {
            Ok(list) if !text.contains(UNKNOWN) && self.depth < DEEPEST => self.list(&list, shell, &mut BTreeMap::new()),
            _ => {
                shell.lose();
                Status::Unknown
            }
        };
        self.depth -= 1;
        status
    }

    /// A command whose name only the run knows: it may be nothing, or what starts the next one.
    fn unknown(&mut self, name: &str, rest: &[String], place: &Place, shell: &mut Shell) -> Status {
        if name.chars().eq([UNKNOWN]) && !rest.is_empty() {
            self.around.start(rest, place, false);
        }
        shell.lose();
        Status::Unknown
    }

    /// A command by the name of a builtin or a program.
    fn called(&mut self, words: &[String], written: &[Word], place: &Place, shell: &mut Shell) -> Status {
        let Some((first, rest)) = words.split_first() else {
            return Status::Success;
        };
        match first.as_str() {
            "command" | "builtin" => match rest.split_first() {
                Some((option, _)) if option == "-v" || option == "-V" => Status::Unknown,
                Some((option, rest)) if matches!(option.as_str(), "-p" | "--") => self.called(rest, written, place, shell),
                _ => self.called(rest, written, place, shell),
            },
            "exec" => {
                let words = executed(rest);
                match words {
                    [] => return Status::Success,
                    [first, rest @ ..] if first.contains(UNKNOWN) => return self.unknown(first, rest, place, shell),
                    words => self.around.start(words, place, shell.is_certain() && !shell.survives_exec),
                }
                match shell.survives_exec {
                    true => shell.lose(),
                    false => shell.reached = Reached::Never,
                }
                Status::Unknown
            }
            "exit" | "return" => {
                shell.reached = Reached::Never;
                Status::Unknown
            }
            "cd" | "chdir" => moved(rest, shell, |folder| self.around.is_folder(folder)),
            "set" => {
                set(rest, shell);
                Status::Success
            }
            "shift" => {
                shell.place.arguments = match (rest, shell.place.arguments.take()) {
                    ([], Some(mut arguments)) if arguments.len() > 1 => {
                        arguments.remove(1);
                        Some(arguments)
                    }
                    _ => None,
                };
                Status::Unknown
            }
            "export" | "readonly" | "local" | "declare" | "typeset" => {
                declared(written, &mut shell.place);
                Status::Success
            }
            "unset" => {
                unset(rest, &mut shell.place);
                Status::Success
            }
            "printf" if printed(rest, &mut shell.place) => Status::Unknown,
            "shopt" => {
                shell.survives_exec |= rest.iter().any(|word| word.contains("execfail") || word.contains(UNKNOWN));
                Status::Unknown
            }
            // Names get other meanings, in some shells.
            "alias" | "hash" if rest.iter().any(|word| word == "-p" || word.contains(['=', UNKNOWN])) => {
                shell.lose();
                Status::Unknown
            }
            ":" | "true" | "echo" | "printf" | "umask" | "trap" => Status::Success,
            "false" => Status::Failure,
            "[" | "test" | "ulimit" | "alias" | "unalias" | "hash" | "pwd" | "kill" | "type" | "let" | "jobs" => Status::Unknown,
            "." | "source" | "wait" | "read" | "break" | "continue" | "getopts" | "fg" => {
                shell.lose();
                Status::Unknown
            }
            name if name.contains(UNKNOWN) => self.unknown(name, rest, place, shell),
            name => {
                self.around.start(words, place, shell.is_certain());
                if !ends_by_itself(name, rest) {
                    shell.lose();
                }
                Status::Unknown
            }
        }
    }
}

/// Nothing of a value is what a command says.
fn is_plain(value: &Word) -> bool {
    !value.0.contains(&Part::Unknown)
}
