//! Programs that start the one that is named to them, and how each of them finds it among its words.

use super::env::env;
use super::lead::{Lead, Next};
use super::options::{Read, Starter, read};
use super::table::STARTERS;
use super::texts::{of_user, shell};

const SHELLS: [&str; 6] = ["sh", "bash", "dash", "ash", "zsh", "ksh"];

/// What a program of this name starts; none where it is none that starts others.
pub(super) fn leads(called: &str, rest: &[String]) -> Option<Lead> {
    if matches!(called, "busybox" | "toybox") {
        return match rest.split_first() {
            // An applet that starts nothing is no emulator either.
            Some((applet, rest)) if applet != called => Some(leads(applet, rest).unwrap_or(Lead::Nothing)),
            _ => Some(Lead::Nothing),
        };
    }
    if SHELLS.contains(&called) {
        return Some(shell(rest));
    }
    if is_loader(called) {
        return Some(mapped(rest));
    }
    let starter = STARTERS.iter().find(|starter| starter.names.contains(&called))?;
    if matches!(called, "runuser" | "su") {
        return Some(of_user(called, rest, starter));
    }
    let Some(read) = read(rest, starter).filter(|read| !read.has(starter.stops)) else {
        return Some(Lead::Nothing);
    };
    Some(match called {
        "env" => env(&read, 0),
        _ => started(called, starter, &read),
    })
}

fn started(called: &str, starter: &Starter, read: &Read<'_>) -> Lead {
    // The duration is an option in older busyboxes.
    let operands = if called == "timeout" && read.has(&["t"]) {
        0
    } else {
        starter.operands
    };
    let Some((before, words)) = read.rest.split_at_checked(operands) else {
        return Lead::Nothing;
    };
    let mut next = Next::default();
    let mut words = words;
    match called {
        "gosu" | "su-exec" => next.home_of = before.first().cloned(),
        "chroot" => {
            next.root = before.first().cloned();
            next.folder = Some("/".to_owned());
        }
        "chpst" => next.root = read.value(&["/"]).map(str::to_owned),
        "xargs" => next.is_conditional = read.has(&["r", "no-run-if-empty"]),
        "flock" => {
            // A lock that somebody else may hold.
            next.is_conditional = read.has(&["n", "nb", "nonblock", "w", "wait", "timeout"]);
            if let [option, text] = words
                && matches!(option.as_str(), "-c" | "--command")
            {
                let mut lead = shell(&["-c".to_owned(), text.clone()]);
                if let Lead::Text(text) = &mut lead {
                    text.is_doubtful |= next.is_conditional;
                }
                return lead;
            }
        }
        "setpriv" => next.is_cleared = read.has(&["reset-env"]),
        "sudo" => {
            next.folder = read.value(&["D", "chdir"]).map(str::to_owned);
            next.root = read.value(&["R", "chroot"]).map(str::to_owned);
            words = next.assign(words);
        }
        _ => {}
    }
    next.words = words.to_vec();
    Lead::Program(next)
}

fn mapped(mut rest: &[String]) -> Lead {
    while let [option, after @ ..] = rest
        && option.starts_with("--")
    {
        let has_value = [
            "--library-path",
            "--inhibit-rpath",
            "--audit",
            "--preload",
            "--argv0",
            "--glibc-hwcaps-mask",
            "--glibc-hwcaps-prepend",
        ]
        .contains(&option.as_str());
        rest = if has_value { after.get(1..).unwrap_or_default() } else { after };
    }
    rest.first().map_or(Lead::Nothing, |program| Lead::Mapped(program.clone()))
}

/// `ld-linux-x86-64.so.2`, `ld-musl-aarch64.so.1`, `ld64.so.2`, `ld-2.31.so`.
fn is_loader(name: &str) -> bool {
    name.starts_with("ld") && name.contains(".so") && name[2..].starts_with(['-', '.', '6'])
}
