//! `help`: what a verb does, what a rule wants, what an exit code or a gap means.

use clap::CommandFactory as _;

use crate::cli::args::Cli;
use crate::cli::error::CliError;
use crate::io::document::nearest;
use crate::model::coverage::GapKind;
use crate::report::closing;
use crate::report::exit::CODES;
use crate::report::style::{Paint, Style};
use crate::report::text::prose;
use crate::stage::policy::docs::{self, Key};
use crate::stage::policy::rules::{Entry, RULES};

/// The help of a topic.
///
/// # Errors
/// [`CliError::Missing`] with the nearest topic.
pub(super) fn text(topic: &[String], style: &Style) -> Result<String, CliError> {
    let mut command = Cli::command();
    command.build();
    let [first, rest @ ..] = topic else {
        return Ok(command.render_long_help().to_string());
    };
    if let Some(verb) = command.find_subcommand(first) {
        let mut verb = verb.clone();
        for word in rest {
            verb = verb.find_subcommand(word).cloned().ok_or_else(|| unknown(&topic.join(" ")))?;
        }
        return Ok(verb.render_long_help().to_string());
    }
    let of_code = || {
        CODES
            .iter()
            .find(|(code, _)| code.to_string() == *first)
            .map(|(code, meaning)| of_exit_code(*code, meaning, style))
    };
    let of_rule = || {
        let entry = RULES.iter().find(|entry| entry.about.code == first)?;
        let about = entry.about;
        let paint = |text: &str| style.paint(Paint::Strong, text);
        Some(format!(
            "{}\n\n{}\n\n{} {}\n{} {}\n\n{}\n{}\n\nAn example: policies/rules.md.",
            paint(about.code),
            about.summary,
            paint("Why:"),
            about.why,
            paint("What to do:"),
            about.fix,
            paint(&format!("In the policy, under [rules.{}], with its default:", about.code)),
            settings(entry),
        ))
    };
    match rest {
        [] => {
            // A rule and a gap may have one name.
            let both = [of_code(), of_rule(), of_gap(first, style)].into_iter().flatten();
            let texts: Vec<String> = both.collect();
            if texts.is_empty() {
                Err(unknown(first))
            } else {
                Ok(texts.join("\n\n"))
            }
        }
        _ => Err(unknown(&topic.join(" "))),
    }
}

/// `key = default   what it does`, a line each.
fn settings(entry: &Entry) -> String {
    let keys = docs::keys(entry);
    let set = |key: &Key| match &key.default {
        Some(default) => format!("{} = {default}", key.key),
        None => key.key.clone(),
    };
    let width = keys.iter().map(|key| set(key).len()).max().unwrap_or_default();
    let lines: Vec<String> = keys.iter().map(|key| format!("  {:width$}  {}", set(key), key.says)).collect();
    lines.join("\n")
}

fn of_gap(name: &str, style: &Style) -> Option<String> {
    let kind = GapKind::ALL.iter().find(|kind| kind.as_str() == name)?;
    let paint = |text: &str| style.paint(Paint::Strong, text);
    let help = closing::help(*kind);
    Some(format!(
        "{}, a gap: what is not known is never the same as clean\n\n{}\n\n{} {}.\n{} {}",
        paint(name),
        help.means,
        paint("What to do:"),
        help.closes,
        paint("Weighed in the policy by:"),
        help.weighed,
    ))
}

fn of_exit_code(code: u8, meaning: &str, style: &Style) -> String {
    format!(
        "{}: {meaning}\n\nWhat to do: {}",
        style.paint(Paint::Strong, &format!("exit code {code}")),
        what_to_do(code)
    )
}

/// For whoever asks about a code with no run in front of them.
const fn what_to_do(code: u8) -> &'static str {
    match code {
        0 => "nothing.",
        1 => {
            "read the findings that deny, in the run's last lines or in report.html; `portcullis explain ID` says why and what helps. Fix it, or \
             promise by when with `portcullis waive ID`."
        }
        2 => {
            "read the gaps: each names what could not be seen. Supply it (`portcullis feeds update`, a whole lock file, a readable image), or let \
             the policy accept it, and run again."
        }
        10 => {
            "nothing at once: the old version serves. rollout.json and the run's last lines say why the new one failed; run the gate on the fix."
        }
        11 => {
            "look at the service now: nothing verified serves it. `portcullis rollout status` says what is seen; then deploy a version that works."
        }
        12 => "nothing was touched. The run's last lines name what was refused, and what would work.",
        13 => "let the other deployer finish (`portcullis rollout status` names it), and run again; `--wait-for-lock 15m` waits for it.",
        14 => "`portcullis rollout resume` finishes or reverts what was under way; where nothing was, run it again.",
        64 => "correct the option or the key that the message names; `portcullis help VERB` lists them.",
        69 => "check the network and the service that the message names, and run again: nothing half done was left behind.",
        70 => "please report it, with the message and events.ndjson of the results folder.",
        _ => "see the message of the run.",
    }
}

fn unknown(topic: &str) -> CliError {
    let command = Cli::command();
    let verbs = command
        .get_subcommands()
        .filter(|verb| !verb.is_hide_set())
        .map(|verb| verb.get_name().to_owned());
    let rules = RULES.iter().map(|entry| entry.about.code.to_owned());
    let codes = CODES.iter().map(|(code, _)| code.to_string());
    let gaps = GapKind::ALL.iter().map(|kind| kind.as_str().to_owned());
    let known: Vec<String> = verbs.chain(rules).chain(codes).chain(gaps).collect();
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    let near = nearest(topic, &names)
        .map(|near| format!("did you mean `{near}`? "))
        .unwrap_or_default();
    CliError::Missing {
        problem: format!("there is no verb, rule, exit code or gap `{}`", prose(topic)),
        help: format!("{near}`portcullis help` lists the verbs, policies/rules.md the rules"),
    }
}
