//! Commands that give variables their values.

use super::expand::{Place, UNKNOWN};
use super::parser::{assigned, is_name};
use super::syntax::Word;

/// Builtins of which what is assigned before them stays in some shells, and goes in others. Source: POSIX, "Special Built-In Utilities".
const SPECIAL: [&str; 15] = [
    ":", ".", "break", "continue", "eval", "exec", "exit", "export", "readonly", "return", "set", "shift", "times", "trap", "unset",
];

/// Whether what is assigned before a builtin may stay.
pub(super) fn may_keep(builtin: &str) -> bool {
    SPECIAL.contains(&builtin)
}

/// `export A=b "C=d" E`, and its like; the words as they are written.
pub(super) fn declared(written: &[Word], place: &mut Place) {
    let (mut names, mut is_changed) = (Vec::new(), false);
    for word in written {
        let fields = place.fields(word);
        if let Some((name, value)) = assigned(word) {
            let value = place.text(&value);
            // Some shells split what is assigned here, and leave a `~` as it is.
            match fields == [format!("{name}={value}")] {
                true => place.set(&name, value),
                false => place.forget(&name),
            }
            names.push(name);
            continue;
        }
        for field in fields {
            if field.starts_with(['-', '+']) {
                // Of another case, a number, or the name of another variable.
                is_changed |= field.contains(['u', 'l', 'c', 'i', 'n', UNKNOWN]);
                continue;
            }
            let (name, value) = field
                .split_once('=')
                .map_or((field.as_str(), None), |(name, value)| (name, Some(value)));
            match value {
                _ if name.contains(UNKNOWN) => place.forget_all(),
                Some(value) if is_name(name) => {
                    place.set(name, value.to_owned());
                    names.push(name.to_owned());
                }
                Some(_) => place.forget(name.trim_end_matches('+')),
                None => {}
            }
        }
    }
    if is_changed {
        names.iter().for_each(|name| place.forget(name));
    }
}

/// `printf -v NAME`, which not every shell knows; false where nothing is given a value.
pub(super) fn printed(rest: &[String], place: &mut Place) -> bool {
    let name = match rest {
        [option, name, ..] if option == "-v" => name,
        [option, ..] if option.starts_with("-v") => &option[2..],
        _ => return false,
    };
    match name.contains(UNKNOWN) {
        true => place.forget_all(),
        false => place.forget(name.split('[').next().unwrap_or(name)),
    }
    true
}

/// `unset A B`.
pub(super) fn unset(rest: &[String], place: &mut Place) {
    for name in rest {
        match name.as_str() {
            name if name.contains(UNKNOWN) => place.forget_all(),
            "IFS" => place.set("IFS", " \t\n".to_owned()),
            name => place.forget(name),
        }
    }
}
