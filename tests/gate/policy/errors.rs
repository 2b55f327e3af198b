//! What is wrong in `portcullis.toml`, in a policy and in a waiver file: each error points at the place and says what is allowed.

use std::path::Path;

use portcullis::cli::config::Config;
use portcullis::io::document::{DocumentError, parse};
use portcullis::stage::policy::{Policy, PolicyError, Waivers};

const WAIVER: &str = "[[waiver]]\nid = \"CVE-1\"\npackage = \"pkg:cargo/a\"\nreason = \"affected\"\nstatement = \"s\"\nowner = \"o\"\n\
                      created = 2026-11-01\nexpires = 2026-12-01\n";

fn of_policy(text: &str) -> DocumentError {
    match Policy::from_text("gate.toml", text) {
        Err(PolicyError::Policy(error)) => error,
        other => panic!("{text}: {:?}", other.map(|_| ())),
    }
}

fn of_waivers(text: &str) -> DocumentError {
    match Waivers::from_text("waivers.toml", text) {
        Err(error @ PolicyError::Waivers(_)) => {
            assert_eq!(error.exit_kind().code(), 2, "a broken waiver file is undecidable");
            let PolicyError::Waivers(error) = error else { unreachable!() };
            error
        }
        other => panic!("{text}: {other:?}"),
    }
}

fn of_config(text: &str) -> DocumentError {
    parse::<Config>(Path::new("portcullis.toml"), text).map(|_| ()).unwrap_err()
}

/// The words at the place, and what the error says.
#[track_caller]
fn points(error: &DocumentError, text: &str, at: &str, says: &str) {
    let (from, length) = (error.span.offset(), error.span.len());
    let found = text
        .get(from..from + length)
        .unwrap_or_else(|| panic!("no place: {from} {length} in\n{text}"));
    assert_eq!(found, at, "{error}\n{text}");
    let said = format!("{error} {}", error.help.as_deref().unwrap_or_default());
    assert!(said.contains(says), "`{says}` in `{said}`\n{text}");
}

#[test]
fn errors_in_a_policy_point_at_the_place_and_say_what_is_allowed() {
    for (text, at, says) in [
        (
            "[rules.vulnerable-component]\ntreshold = \"high\"\n",
            "treshold",
            "did you mean `threshold`?",
        ),
        (
            "[rules.vulnerable-component]\nthreshold = \"hihg\"\n",
            "\"hihg\"",
            "did you mean `high`?",
        ),
        ("[rules.vulnerable-component]\nonly_fixable = \"yes\"\n", "\"yes\"", "true or false"),
        ("[rules.vulnerable-component]\nepss = 97.0\n", "97.0", "probability"),
        ("[rules.vulnerable-component]\nepss = nan\n", "nan", "probability"),
        (
            "[rules.vulnerable-component]\ngrace_days = { critical = -1 }\n",
            "-1",
            "a whole number from 0 to 65535",
        ),
        (
            "[rules.vulnerabel-component]\nlevel = \"deny\"\n",
            "vulnerabel-component",
            "did you mean `vulnerable-component`?",
        ),
        ("[waiver]\nexpiring_within = \"7d\"\n", "waiver", "did you mean `waivers`?"),
        ("[waivers]\nexpiring_within = \"a week\"\n", "\"a week\"", "24h"),
        ("[waivers]\nlifetime = { critical = 14 }\n", "14", "\"14d\""),
        ("[rules.oversized-image]\nmax = 500\n", "500", "500MB"),
        ("[waivers]\napprovals = { high = 300 }\n", "300", "a whole number from 0 to 255"),
        (
            "[rules.denied-component]\ndeny = [{ package = \"openssl\", reason = \"r\" }]\n",
            "\"openssl\"",
            "pkg:",
        ),
        (
            "[rules.end-of-life-distro]\nreleases = { \"debian:11\" = 2031-02-30 }\n",
            "2031-02-30",
            "",
        ),
        ("[rules.oversized-image]\nmax = \"big\"\n", "\"big\"", "1GiB"),
        ("[vex]\ntrusted_author = []\n", "trusted_author", "did you mean `trusted_authors`?"),
        ("rules = 3\n", "3", "table"),
        (
            "[[custom]]\nname = \"x\"\neach = \"package\"\nwhen = \"true\"\nmessage = \"m\"\n",
            "\"package\"",
            "component",
        ),
        ("[rules.root-user\nlevel = \"deny\"\n", "", ""),
    ] {
        points(&of_policy(text), text, at, says);
    }
}

#[test]
fn errors_in_a_waiver_file_point_at_the_place_and_say_what_is_allowed() {
    for (from, to, at, says) in [
        ("expires", "expire", "expire", "did you mean `expires`?"),
        (
            "reason = \"affected\"",
            "reason = \"afected\"",
            "\"afected\"",
            "did you mean `affected`?",
        ),
        ("reason = \"affected\"", "reason = 1", "1", ""),
        (
            "reason = \"affected\"",
            "reason = \"not_affected\"",
            "\"CVE-1\"",
            "vulnerable_code_not_in_execute_path",
        ),
        ("pkg:cargo/a", "cargo/a", "\"cargo/a\"", "pkg:"),
        ("pkg:cargo/a", "pkg:*/a", "\"pkg:*/a\"", ""),
        ("2026-12-01", "\"2026-12-01\"", "\"2026-12-01\"", "without quotes"),
        ("2026-12-01", "2026-12-01T00:00:00Z", "2026-12-01T00:00:00Z", "without a time"),
        ("2026-12-01", "2026-13-01", "2026-13-01", ""),
        ("2026-12-01", "2026-10-01", "2026-10-01", "before it begins"),
        ("\"o\"", "\" \"", "\" \"", "`owner` is empty"),
        ("\"s\"", "\"TODO: why\"", "\"TODO: why\"", "filled in"),
        ("owner = \"o\"", "owner = \"o\"\npaths = []", "[]", "leave it out"),
    ] {
        assert!(WAIVER.contains(from), "{from}");
        let text = WAIVER.replace(from, to);
        points(&of_waivers(&text), &text, at, says);
    }
    let text = "[[waivers]]\nid = \"x\"\n";
    points(&of_waivers(text), text, "waivers", "did you mean `waiver`?");
}

#[test]
fn errors_in_the_configuration_point_at_the_place_and_say_what_is_allowed() {
    for (text, at, says) in [
        ("[feed]\nosv = \"x\"\n", "feed", "did you mean `feeds`?"),
        ("[feeds]\nmax_agee = \"24h\"\n", "max_agee", "did you mean `max_age`?"),
        ("[feeds]\nmax_age = 24\n", "24", ""),
        ("[feeds]\nmax_age = \"1 fortnight\"\n", "\"1 fortnight\"", "24h"),
        ("[build]\nusing = \"natve\"\n", "\"natve\"", "did you mean `native`?"),
        ("[build]\nport = 70000\n", "70000", "from 0 to 65535"),
        (
            "[rollout]\ntarget = \"proces\"\n[rollout.health]\n",
            "\"proces\"",
            "did you mean `process`?",
        ),
    ] {
        points(&of_config(text), text, at, says);
    }
}

#[test]
fn two_entries_that_say_the_same_are_told() {
    use std::sync::{Arc, Mutex};

    use portcullis::model::event::{Event, Observer};

    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);

    impl Observer for Heard {
        fn on_event(&self, event: &Event) {
            if let Event::Warning { text, .. } = event {
                self.0.lock().unwrap().push(text.clone());
            }
        }
    }

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("waivers.toml");
    std::fs::write(&path, format!("{WAIVER}\n{WAIVER}")).unwrap();
    let heard = Arc::new(Heard::default());
    let effects = portcullis::io::Effects {
        observer: heard.clone(),
        ..portcullis::io::Effects::plain(dir.path().to_owned())
    };
    let waivers = Waivers::load_as(&path, "policies/waivers.toml", &effects).unwrap();
    assert_eq!(waivers.entries().len(), 2);
    assert_eq!(
        *heard.0.lock().unwrap(),
        ["policies/waivers.toml: waiver #2 CVE-1 says the same as #1 CVE-1"]
    );
}
