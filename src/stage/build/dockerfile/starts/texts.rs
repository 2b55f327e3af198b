//! Programs that are given a text for a shell: shells, `su` and `runuser`.

use super::expand::UNKNOWN;
use super::lead::{Lead, Next, Text};
use super::options::{Read, Starter, read};

/// `su [OPTIONS] [-] [USER [ARGUMENTS…]]`, and `runuser -u USER PROGRAM`.
pub(super) fn of_user(called: &str, rest: &[String], starter: &Starter) -> Lead {
    let of_its_own = |read: &Read<'_>| called == "runuser" && read.has(&["u", "user"]);
    let Some(first) = read(rest, starter).filter(|read| !read.has(starter.stops)) else {
        return Lead::Nothing;
    };
    if of_its_own(&first) {
        let words = first.rest.to_vec();
        return Lead::Program(Next { words, ..Next::default() });
    }
    // Options may stand behind the user as well.
    let (mut options, mut operands) = (first.options, Vec::new());
    let mut rest = first.rest;
    while let Some((word, after)) = rest.split_first() {
        match word.as_str() {
            "--" => {
                operands.extend(after.iter().cloned());
                break;
            }
            word if word.starts_with('-') && word.len() > 1 => {
                let Some(more) = read(rest, starter) else { return Lead::Nothing };
                options.extend(more.options);
                rest = more.rest;
            }
            word => {
                operands.push(word.to_owned());
                rest = after;
            }
        }
    }
    let read = Read { options, rest: &[] };
    let is_login = read.has(&["l", "login", ""]) || operands.first().is_some_and(|word| word == "-");
    if operands.first().is_some_and(|word| word == "-") {
        operands.remove(0);
    }
    let user = (!operands.is_empty()).then(|| operands.remove(0));
    let Some(text) = read.value(&["c", "command", "session-command"]) else {
        return shell(&operands);
    };
    let keeps = read.has(&["m", "p", "preserve-environment"]);
    let shell = read.value(&["s", "shell"]).unwrap_or("sh").to_owned();
    Lead::Text(Text {
        text: text.to_owned(),
        arguments: std::iter::once(shell).chain(operands).collect(),
        exits_on_error: false,
        home_of: Some(user.unwrap_or_else(|| "root".to_owned())).filter(|_| !keeps),
        is_login,
        reads_profile: is_login,
        is_doubtful: false,
    })
}

/// `-c TEXT WORDS…`, with options before it. A file that a shell is given is a script.
pub(super) fn shell(rest: &[String]) -> Lead {
    let (mut at, mut takes_text, mut exits_on_error) = (0, false, false);
    let (mut reads_profile, mut is_doubtful) = (false, false);
    while let Some(word) = rest.get(at).filter(|word| word.starts_with(['-', '+'])) {
        at += 1;
        match word.as_str() {
            "-" | "--" => break,
            "--rcfile" | "--init-file" => at += 1,
            word if word.starts_with("--") => reads_profile |= word == "--login",
            word => {
                takes_text |= word.starts_with('-') && word.contains('c');
                exits_on_error |= word.starts_with('-') && word.contains('e');
                reads_profile |= word.contains('l');
                // One that somebody speaks to goes on where it cannot `exec`, and one that only reads runs nothing.
                is_doubtful |= word.contains(['i', 'n']);
                for _ in word.matches(['o', 'O']) {
                    let name = rest.get(at).map_or("", String::as_str);
                    exits_on_error |= name == "errexit";
                    is_doubtful |= matches!(name, "execfail" | "expand_aliases" | "noexec") || name.contains(UNKNOWN);
                    at += 1;
                }
            }
        }
    }
    match rest.get(at) {
        Some(text) if takes_text && !text.contains(UNKNOWN) => {
            let mut arguments = rest[at + 1..].to_vec();
            if arguments.is_empty() {
                arguments.push("sh".to_owned());
            }
            Lead::Text(Text {
                text: text.clone(),
                arguments,
                exits_on_error,
                reads_profile,
                is_doubtful,
                ..Text::default()
            })
        }
        _ => Lead::Nothing,
    }
}
