//! `help`: what a verb does, what a rule wants, what an exit code means.

use clap::CommandFactory as _;

use crate::cli::args::Cli;
use crate::cli::error::CliError;
use crate::io::document::nearest;
use crate::model::outcome::Outcome;
use crate::report::exit::{CODES, next};
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
        [] => of_code().or_else(of_rule).ok_or_else(|| unknown(first)),
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

fn of_exit_code(code: u8, meaning: &str, style: &Style) -> String {
    let next = next(&Outcome::default(), code);
    format!(
        "{}: {meaning}\n\nWhat to do: {next}",
        style.paint(Paint::Strong, &format!("exit code {code}"))
    )
}

fn unknown(topic: &str) -> CliError {
    let command = Cli::command();
    let verbs = command
        .get_subcommands()
        .filter(|verb| !verb.is_hide_set())
        .map(|verb| verb.get_name().to_owned());
    let rules = RULES.iter().map(|entry| entry.about.code.to_owned());
    let codes = CODES.iter().map(|(code, _)| code.to_string());
    let known: Vec<String> = verbs.chain(rules).chain(codes).collect();
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    let near = nearest(topic, &names)
        .map(|near| format!("did you mean `{near}`? "))
        .unwrap_or_default();
    CliError::Missing {
        problem: format!("there is no verb, rule or exit code `{}`", prose(topic)),
        help: format!("{near}`portcullis help` lists the verbs, policies/rules.md the rules"),
    }
}
