//! What `waive` needs where nobody can be asked.

use strum::VariantArray;

use crate::cli::args::WaiveArgs;
use crate::cli::error::CliError;
use crate::model::waiver::VexStatus;

/// Refuses what is not given, all of it at once and as a command to fill in.
///
/// # Errors
/// [`CliError::Usage`].
pub(super) fn nothing_is_missing(args: &WaiveArgs, package: Option<&str>) -> Result<(), CliError> {
    let claims_safety = args
        .reason
        .as_deref()
        .is_none_or(|reason| reason == VexStatus::NotAffected.as_str());
    let needed = [
        ("--package", package.is_none() && args.package.is_none(), "'pkg:cargo/NAME@VERSION'"),
        ("--reason", args.reason.is_none(), "not_affected"),
        (
            "--justification",
            claims_safety && args.justification.is_none(),
            "vulnerable_code_not_in_execute_path",
        ),
        ("--statement", args.statement.is_none(), "'why, in a sentence'"),
        ("--owner", args.owner.is_none(), "TEAM"),
    ];
    let missing: Vec<(&str, &str)> = needed
        .into_iter()
        .filter(|(_, is, _)| *is)
        .map(|(flag, _, example)| (flag, example))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|(flag, _)| *flag).collect();
    let mut given = vec![args.id.clone()];
    for (flag, value) in [
        ("--package", &args.package),
        ("--reason", &args.reason),
        ("--justification", &args.justification),
        ("--statement", &args.statement),
        ("--owner", &args.owner),
        ("--expires", &args.expires),
    ] {
        given.extend(value.iter().map(|value| format!("{flag} {}", shell_word(value))));
    }
    given.extend(missing.iter().map(|(flag, example)| format!("{flag} {example}")));
    Err(CliError::Usage {
        problem: format!(
            "{} {} needed where nobody can be asked",
            names.join(", "),
            if names.len() == 1 { "is" } else { "are" }
        ),
        help: format!(
            "portcullis waive {}   (reasons: {}; `portcullis help waive` says what each flag takes)",
            given.join(" "),
            VexStatus::VARIANTS
                .iter()
                .map(|status| status.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        ),
    })
}

/// A value as a shell takes it.
fn shell_word(value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@".contains(c);
    match !value.is_empty() && value.chars().all(is_plain) {
        true => value.to_owned(),
        false => format!("'{}'", value.replace('\'', "'\\''")),
    }
}
