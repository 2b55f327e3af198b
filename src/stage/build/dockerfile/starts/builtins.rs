//! What the commands do that a shell has itself, and the few programs of which everybody knows that they end.

use super::expand::UNKNOWN;
use super::shell::{Shell, Status};

/// `cd`.
pub(super) fn moved(rest: &[String], shell: &mut Shell, is_folder: impl Fn(&str) -> bool) -> Status {
    let rest = match rest {
        [option, rest @ ..] if matches!(option.as_str(), "--" | "-P" | "-L") => rest,
        rest => rest,
    };
    let home = shell.place.env.get("HOME").cloned();
    let to = match rest {
        [] => home,
        [to] if !to.contains(UNKNOWN) && to != "-" => Some(to.clone()),
        _ => None,
    };
    shell.place.folder = match (to, &shell.place.folder) {
        (Some(to), _) if to.starts_with('/') => Some(to),
        (Some(to), Some(folder)) => Some(format!("{folder}/{to}")),
        _ => None,
    };
    match &shell.place.folder {
        Some(folder) if is_folder(folder) => Status::Success,
        _ => Status::Unknown,
    }
}

/// Behind the options of `exec`: `-a NAME`, `-c`, `-l`.
pub(super) fn executed(mut words: &[String]) -> &[String] {
    while let [option, rest @ ..] = words {
        words = match option.as_str() {
            "--" => return rest,
            "-c" | "-l" | "-cl" => rest,
            "-a" => rest.get(1..).unwrap_or_default(),
            _ => break,
        };
    }
    words
}

/// `set -e`, `set -o errexit`, `set -- a b`.
pub(super) fn set(words: &[String], shell: &mut Shell) {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let is_on = word.starts_with('-');
        match word.as_str() {
            "--" => return given(shell, words),
            word if word.starts_with(UNKNOWN) => {
                shell.lose();
                shell.place.arguments = None;
                return;
            }
            word if word.len() > 1 && word.starts_with(['-', '+']) => {
                let named = word.ends_with('o').then(|| words.next()).flatten();
                if word.contains('e') || named.is_some_and(|name| name == "errexit") {
                    shell.exits_on_error = is_on;
                }
                // It may read on without running anything.
                if is_on && word.contains(['n', UNKNOWN]) || named.is_some_and(|name| name == "noexec" || name.contains(UNKNOWN)) {
                    shell.lose();
                }
                continue;
            }
            _ => {}
        }
        return given(shell, std::iter::once(word).chain(words));
    }
}

fn given<'w>(shell: &mut Shell, words: impl Iterator<Item = &'w String>) {
    let first = shell.place.arguments.as_ref().and_then(|arguments| arguments.first().cloned());
    shell.place.arguments = first.map(|first| std::iter::once(first).chain(words.cloned()).collect());
}

/// Programs that come to an end, whatever they find.
pub(super) fn ends_by_itself(name: &str, rest: &[String]) -> bool {
    const SHORT: [&str; 17] = [
        "cp", "mv", "rm", "ln", "mkdir", "rmdir", "touch", "chmod", "chown", "chgrp", "date", "id", "whoami", "uname", "hostname",
        "basename", "dirname",
    ];
    let name = name.rsplit('/').next().unwrap_or(name);
    let is_pause = || {
        rest.iter()
            .all(|word| word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
    };
    SHORT.contains(&name) || name == "sleep" && is_pause()
}
