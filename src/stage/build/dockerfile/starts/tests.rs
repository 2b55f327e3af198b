use std::path::Path;

use super::expand::Place;
use super::run::{Surroundings, run};

/// What a text starts: words with a bar between them, and a question mark behind what may not be started.
struct Seen(Vec<String>);

impl Surroundings for Seen {
    fn start(&mut self, words: &[String], _: &Place, is_certain: bool) {
        let mark = if is_certain { "" } else { "?" };
        self.0.push(format!("{}{mark}", words.join("|")));
    }

    fn is_folder(&self, path: &str) -> bool {
        ["/", "/tmp", "//tmp"].contains(&path)
    }
}

fn seen(text: &str) -> Vec<String> {
    let mut place = Place {
        folder: Some("/".to_owned()),
        arguments: Some(["sh", "one", "two words"].map(str::to_owned).to_vec()),
        ..Place::default()
    };
    place.set("HOME", "/tmp".to_owned());
    place.set("APP", "tool -x".to_owned());
    place.set("EMPTY", String::new());
    let mut seen = Seen(Vec::new());
    run(text, place, false, true, &mut seen);
    seen.0
}

/// Texts, and what they start.
const TEXTS: [(&str, &[&str]); 121] = [
    ("tool a 'b c' \"d e\" f\\ g", &["tool|a|b c|d e|f g"]),
    ("tool \"a\\b\\$c\\\"\" 'x\\y' a\"b\"'c'", &["tool|a\\b$c\"|x\\y|abc"]),
    ("tool a#b # c; other", &["tool|a#b"]),
    ("to\\\nol a \\\n  b", &["tool|a|b"]),
    ("tool \"$@\"", &["tool|one|two words"]),
    ("tool $@ \"$#\" \"$*\"", &["tool|one|two|words|2|one two words"]),
    ("exec \"$1\" x; tool", &["one|x"]),
    (
        "tool $APP $EMPTY \"$EMPTY\" ${APP}x ${EMPTY:-} ${APP:-y}",
        &["tool|tool|-x||tool|-xx|\0|tool|-x"],
    ),
    ("exec $APP", &["tool|-x"]),
    ("\"$APP\"", &["tool -x"]),
    ("tool ~ ~/x \"~\" a~", &["tool|/tmp|/tmp/x|~|a~"]),
    ("tool $HOME/x '$HOME' \\$HOME \"${HOME}\"", &["tool|/tmp/x|$HOME|$HOME|/tmp"]),
    ("A=1 B='x y' tool $A", &["tool|\0"]),
    ("A=1; tool \"$A\" $A$A", &["tool|1|11"]),
    ("export A='x y'; tool \"$A\" $A", &["tool|x y|x|y"]),
    ("tool >/dev/null 2>&1 a </dev/null b", &["tool|a|b"]),
    ("2>/dev/null tool a", &["tool|a"]),
    ("tool 2 >/dev/null", &["tool|2"]),
    ("tool a2>/dev/null", &["tool|a2"]),
    ("exec >/dev/null; tool", &["tool"]),
    ("exec tool; other", &["tool"]),
    ("! tool", &["tool"]),
    ("{ tool; }", &["tool"]),
    ("( tool )", &["tool"]),
    ("(tool)&other", &["tool", "other"]),
    ("tool | other", &["tool", "other"]),
    ("tool & other", &["tool", "other"]),
    ("eval tool \"'a b'\"", &["tool|a b"]),
    ("eval \"tool; other\"", &["tool", "other?"]),
    ("command tool a", &["tool|a"]),
    ("command -v tool", &[]),
    ("cd /tmp && tool", &["tool"]),
    ("cd \"$HOME\" && exec tool", &["tool"]),
    ("cd && tool", &["tool"]),
    ("cd /tmp || exit 1; tool", &["tool"]),
    ("cd /absent && tool", &["tool?"]),
    ("set -e; cd /absent; tool", &["tool?"]),
    ("set -e; tool; other", &["tool", "other?"]),
    ("set -- a b; tool \"$@\"", &["tool|a|b"]),
    ("shift; tool \"$@\"", &["tool|two words"]),
    ("tool; other", &["tool", "other?"]),
    ("tool\nother", &["tool", "other?"]),
    ("tool && other", &["tool", "other?"]),
    ("tool || other", &["tool?", "other?"]),
    ("tool || exit 3", &["tool"]),
    ("exec tool || other", &["tool"]),
    ("tool\"$(other)\" tool", &[]),
    ("tool && other || third", &["tool?", "other?", "third?"]),
    ("true && tool", &["tool"]),
    ("false && tool", &[]),
    ("false || tool", &["tool"]),
    ("true || tool", &[]),
    ("echo a; tool", &["tool"]),
    ("[ -f /absent ] && exec tool", &["tool?"]),
    ("[ -f /absent ] && exec tool; other", &["tool?", "other?"]),
    ("[ -n \"$EMPTY\" ] || A=1; tool", &["tool"]),
    ("test -d /tmp && tool", &["tool?"]),
    ("[[ -d /tmp && -n x ]] && tool", &["tool?"]),
    ("if true; then tool; else other; fi", &["tool?", "other?"]),
    ("if tool; then :; fi", &["tool?"]),
    ("if [ -n \"$X\" ]; then A=1; fi; tool $A", &["tool|\0"]),
    ("if [ -n \"$X\" ]; then exit 0; fi; tool", &["tool?"]),
    ("for a in 1 2; do tool $a; done", &["tool|\0?"]),
    ("while tool; do other; done; third", &["tool?", "other?", "third?"]),
    ("case x in y) tool;; x|z) other;; *) third; esac", &["tool?", "other?", "third?"]),
    ("case x in (y) tool ;; esac\nother", &["tool?", "other?"]),
    ("run() { tool; }", &[]),
    ("run() { tool; }; run; other", &["tool?", "other?"]),
    ("tool() { other; }; tool", &["other?"]),
    ("tool() { tool; }; tool x", &[]),
    ("cat <<EOF >/dev/null\ntool $(\nEOF\n", &["cat"]),
    ("echo <<-'E F' >/dev/null\n\ttool\n\tE F\ntool x", &["tool|x"]),
    ("tool $(other) `third` \"$(fourth 'x)')\"", &["tool|\0|\0|\0"]),
    ("$(other) tool", &["tool?"]),
    ("tool $((1+2))", &["tool|\0"]),
    ("mkdir -p /tmp; tool", &["mkdir|-p|/tmp", "tool"]),
    (". /absent; tool", &["tool?"]),
    ("IFS=x; A=ax1; tool $A", &["tool|\0"]),
    ("IFS=,; A='a b'; tool $A", &["tool|a b"]),
    ("IFS='\n'; A='a b'; tool $A \"$@\"", &["tool|a b|one|two words"]),
    ("IFS=$(other); tool $APP", &["tool|\0"]),
    ("IFS=,; unset IFS; tool $APP", &["tool|tool|-x"]),
    ("IFS=, :; tool $APP", &["tool|\0"]),
    ("IFS=, tool $APP", &["tool|tool|-x"]),
    ("tool {fd}>/dev/null a", &["tool|\0|a"]),
    ("{fd}>/dev/null tool a", &["tool|a?"]),
    ("exec {fd}>/dev/null; tool", &["tool?"]),
    ("exec $NONE; tool", &["tool?"]),
    ("exec $NONE tool", &["tool?"]),
    ("A=one; export \"A=other\"; tool \"$A\"", &["tool|other"]),
    ("A=one; export $(echo A=other); tool \"$A\"", &["tool|\0"]),
    ("A=one; B='other A=x'; export A=$B; tool \"$A\"", &["tool|\0"]),
    ("A=one; export $NONE; tool \"$A\"", &["tool|\0"]),
    ("A=one; unset $(echo A); tool \"$A\"", &["tool|\0"]),
    ("A=~/x; tool \"$A\"", &["tool|\0"]),
    ("A=one; A=other :; tool \"$A\"", &["tool|\0"]),
    ("A=one; A=other eval 'tool \"$A\"'; tool \"$A\"", &["tool|other", "tool|\0?"]),
    ("A=one; A=other echo; tool \"$A\"", &["tool|one"]),
    ("A=one; printf -v A other; tool \"$A\"", &["tool|\0"]),
    ("A=one; printf A; tool \"$A\"", &["tool|one"]),
    ("A=one; for A in 1 2; do :; done; tool \"$A\"", &["tool|\0"]),
    ("A=one; for B in 1 2; do :; done; tool \"$A\"", &["tool|one"]),
    ("shopt -s execfail; exec tool; other", &["tool?", "other?"]),
    ("shopt -s execfail; exec tool || other", &["tool?", "other?"]),
    ("shopt -s nullglob; exec tool; other", &["tool"]),
    ("tool; [ $? = 126 ] && other", &["tool?", "other?"]),
    ("tool\nif [ $? -eq 126 ]; then other; fi", &["tool?", "other?"]),
    ("( tool ); case $? in 126) other;; esac", &["tool?", "other?"]),
    ("{ tool; }; [ \"${?}\" = 126 ] && exec other", &["tool?", "other?"]),
    ("tool; A=$?; exit $A", &["tool?"]),
    ("tool; exit $?", &["tool"]),
    ("tool; echo; [ $? = 126 ] && other", &["tool", "other?"]),
    ("tool & wait $!; [ $? = 126 ] && other", &["tool?", "other?"]),
    ("eval 'tool; [ $? = 126 ] && other'", &["tool?", "other?"]),
    ("set -- $NONE b; tool \"$1\" \"$2\" \"$#\"", &["tool|\0|\0|\0"]),
    ("set -n; tool", &["tool?"]),
    ("set -o noexec; tool", &["tool?"]),
    ("set $NONE; tool", &["tool?"]),
    ("alias a=other\ntool", &["tool?"]),
    ("hash -r; tool", &["tool"]),
    ("tool 'open", &[]),
];

#[test]
fn a_text_starts_what_its_commands_name_and_certain_is_what_no_status_and_no_test_decides() {
    for (text, expected) in TEXTS {
        let expected: Vec<&str> = expected.to_vec();
        assert_eq!(seen(text), expected, "{text}");
    }
}

#[test]
fn what_a_shell_cannot_read_or_what_never_ends_starts_nothing() {
    let deep = "( ".repeat(5000);
    let quoted = format!("tool {}", "\"$(".repeat(5000));
    let calls: String = (0..40).map(|at| format!("f{at}() {{ f{} ; f{}; }}; ", at + 1, at + 1)).collect();
    for text in [
        "fi",
        "tool )",
        "tool ;; other",
        "tool (x",
        "{ tool",
        "if tool; then",
        "a b() { tool; }",
        &deep,
        &quoted,
    ] {
        assert!(seen(text).is_empty(), "{text}");
    }
    assert!(seen(&format!("{calls} f0; tool")).iter().all(|found| found.ends_with('?')));
    let doubled = format!("A=tool; {} $A; tool \"$A\"", "A=$A$A; ".repeat(64));
    assert_eq!(seen(&doubled), ["tool|\0?"], "what is too long is not known");
    let grown = seen(&format!("set -- a; {} \"$@\"", "set -- \"$@\" \"$@\"; ".repeat(64)));
    assert!(
        grown.iter().all(|found| found.ends_with('?') && found.len() < 100_000),
        "no more than is held, and not certain"
    );
    assert!(seen("f() { f; }; f; tool").iter().all(|found| found.ends_with('?')));
}

proptest::proptest! {
    #[test]
    fn no_text_and_no_words_panic(text in "([ a-c;&|()<>{}\\[\\]'\"`$\\\\\n#=!*~-]|\\$\\(|\\$\\{|<<E|if |then |fi;|case |in |esac|do |done|for |a\\(\\)|eval |env -S|cd |exec |\u{e9}){0,40}") {
        seen(&text);
        for called in ["env", "su", "runuser", "sh", "tini", "xargs", "chroot", "busybox", "timeout", "ld-linux.so.2"] {
            let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
            super::starters::leads(called, &words);
            super::starters::leads(called, &["-S".to_owned(), text.clone()]);
        }
    }
}

/// What a real shell starts in the same way, with programs that succeed and with programs that fail.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "the real shells are asked, and one that is not here is named"
)]
fn started_by(shell: &[&str], text: &str, folder: &Path, status: &str) -> Option<Vec<String>> {
    let log = folder.join("log");
    std::fs::write(&log, "").expect("written");
    let (program, options) = shell.split_first()?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let programs: Vec<_> = std::iter::once(folder.join("bin")).chain(std::env::split_paths(&path)).collect();
    let mut command = std::process::Command::new(program);
    command.args(options).args(["-c", text, "sh", "one", "two words"]).current_dir("/");
    command.env_clear().env("PATH", std::env::join_paths(programs).expect("no colon"));
    command
        .env("HOME", "/tmp")
        .env("APP", "tool -x")
        .env("EMPTY", "")
        .env("LOG", &log)
        .env("STATUS", status);
    let silent = std::process::Stdio::null;
    command.stdin(silent()).stdout(silent()).stderr(silent());
    if command.status().is_err() {
        println!("skipped: {program} (it is not here)");
        return None;
    }
    // What runs in the background ends soon after.
    std::thread::sleep(std::time::Duration::from_millis(if text.contains('&') { 150 } else { 0 }));
    Some(std::fs::read_to_string(&log).expect("a log").lines().map(str::to_owned).collect())
}

#[cfg(unix)]
#[test]
fn what_is_certain_is_started_by_every_real_shell_in_every_run() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("bin")).expect("made");
    for name in ["tool", "other", "third", "fourth", "one", "tool -x"] {
        let path = folder.path().join("bin").join(name);
        let script = "#!/bin/sh\nline=${0##*/}\nfor word in \"$@\"; do line=\"$line|$word\"; done\nprintf '%s\\n' \"$line\" >>\"$LOG\"\nexit $STATUS\n";
        std::fs::write(&path, script).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("set");
    }
    for shell in [&["dash"][..], &["bash"], &["busybox", "sh"]] {
        for (text, expected) in TEXTS
            .iter()
            .filter(|(text, _)| !text.starts_with("while") && !text.starts_with("tool() { tool"))
        {
            for status in ["0", "1"] {
                let Some(started) = started_by(shell, text, folder.path(), status) else {
                    break;
                };
                let certain = expected
                    .iter()
                    .filter(|found| !found.ends_with('?') && !found.starts_with("mkdir") && !found.starts_with("cat"));
                for found in certain {
                    let is_it = |line: &String| match found.contains('\0') {
                        true => line.split('|').next() == found.split('|').next(),
                        false => line == found,
                    };
                    assert!(started.iter().any(is_it), "{shell:?} {text}: {found} is not among {started:?}");
                }
                // And nothing else than what was named.
                let named: Vec<&str> = expected
                    .iter()
                    .map(|found| found.trim_end_matches('?').split('|').next().unwrap_or_default())
                    .collect();
                let inside = text.contains("$(") || text.contains('`');
                let unnamed = started
                    .iter()
                    .find(|line| !named.contains(&line.split('|').next().unwrap_or_default()));
                assert!(inside || unnamed.is_none(), "{shell:?} {text}: {unnamed:?} was not named");
            }
        }
    }
}
