//! `waive` and `waivers`: writing, listing and importing waivers.

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::json;
use strum::VariantArray;

use super::{waiver_flags, waiver_list};
use crate::cli::args::{Judging, WaiveArgs, WaiversVerb};
use crate::cli::ask;
use crate::cli::error::CliError;
use crate::cli::session::{Answer, Session};
use crate::cli::stored_run;
use crate::cli::wiring::WAIVER_FILE;
use crate::gate::GateError;
use crate::io::document::nearest;
use crate::io::files;
use crate::model::excused::Excused as _;
use crate::model::finding::Judgement;
use crate::model::purl::Purl;
use crate::model::severity::Severity;
use crate::model::waiver::{Justification, RULES_AS_IDS, VexStatus};
use crate::report::text::prose;
use crate::stage::policy::import::import;
use crate::stage::policy::pattern::PurlPattern;
use crate::stage::policy::waive::{NewWaiver, waive};

/// How long a waiver holds where nobody says: well within every default of the policy.
const USUAL_DAYS: i64 = 14;

/// Adds an entry. What flags leave out is asked for on a terminal, again where the answer is no answer, and refused elsewhere.
pub(super) async fn add(session: &Session<'_>, args: &WaiveArgs) -> Result<Answer, CliError> {
    let today = today(session);
    let policy = session
        .workspace
        .judging_plan(&Judging::default())?
        .policy
        .open(&session.effects)
        .await?;
    let most = policy.longest_waiver_days(last_found(session, &args.id).severity);
    flags_are_right(args, today, most)?;
    let ask = Questions { session };
    let before = last_found(session, &args.id);
    if !ask::somebody_answers(session.environment) {
        waiver_flags::nothing_is_missing(args, before.package.as_deref())?;
    }
    let package = ask.answer("--package", "package pattern", args.package.clone(), before.package, |text| {
        PurlPattern::parse(text)
            .map(|_| text.to_owned())
            .map_err(|problem| problem.to_string())
    })?;
    // What a waiver claims is never guessed.
    let reason = ask.answer(
        "--reason",
        "OpenVEX status (not_affected, affected, under_investigation, fixed)",
        args.reason.clone(),
        None,
        word::<VexStatus>,
    )?;
    let justification = match (args.justification.clone(), reason) {
        (None, VexStatus::Affected | VexStatus::Fixed | VexStatus::UnderInvestigation) => None,
        (given, _) => Some(ask.answer(
            "--justification",
            "why it is not affected, such as vulnerable_code_not_in_execute_path",
            given,
            None,
            word::<Justification>,
        )?),
    };
    let statement = ask.answer("--statement", "why, in a sentence", args.statement.clone(), None, worded)?;
    let owner = ask.answer("--owner", "who answers for it", args.owner.clone(), None, worded)?;
    let usual_end = today
        .checked_add(jiff::Span::new().days(USUAL_DAYS.min(most)))
        .map(|date| date.to_string())
        .or_none("no such day: then the date is asked for without a proposal");
    let expires = ask.answer("--expires", "last day it holds", args.expires.clone(), usual_end, |text| {
        last_day(text, today, most)
    })?;
    let waiver = NewWaiver {
        id: args.id.clone(),
        package,
        paths: args.path.clone(),
        reason,
        justification,
        statement,
        owner,
        approved_by: args.approved_by.clone(),
        created: today,
        expires,
    };
    let path = file(session)?;
    waive(&path, &waiver, &session.effects).map_err(GateError::from)?;
    Ok(Answer::Message {
        human: format!(
            "added {} for {} to {}, until the end of {expires} (UTC)",
            waiver.id,
            waiver.package,
            path.display()
        ),
        json: json!({ "schema": "portcullis/waive/v1", "file": path.display().to_string(), "id": waiver.id, "package": waiver.package, "expires": expires }),
        code: 0,
        next: "review and commit it, then run the gate again".to_owned(),
    })
}

/// Everything that is wrong with what was given, at once: nobody mends one flag after the other.
fn flags_are_right(args: &WaiveArgs, today: Date, most: i64) -> Result<(), CliError> {
    fn wrong<T>(given: Option<&String>, read: impl Fn(&str) -> Result<T, String>) -> Option<String> {
        read(given?).err()
    }
    let pattern = |text: &str| PurlPattern::parse(text).map_err(|problem| problem.to_string());
    let checked = [
        ("ID", check_id(&args.id).err()),
        ("--package", wrong(args.package.as_ref(), pattern)),
        ("--reason", wrong(args.reason.as_ref(), word::<VexStatus>)),
        ("--justification", wrong(args.justification.as_ref(), word::<Justification>)),
        ("--statement", wrong(args.statement.as_ref(), worded)),
        ("--owner", wrong(args.owner.as_ref(), worded)),
        ("--expires", wrong(args.expires.as_ref(), |text| last_day(text, today, most))),
    ];
    let found: Vec<(&str, String)> = checked.into_iter().filter_map(|(flag, problem)| Some((flag, problem?))).collect();
    match found.as_slice() {
        [] => Ok(()),
        [(flag, problem)] => Err(CliError::setting(flag, problem.clone())),
        all => Err(CliError::Usage {
            problem: all
                .iter()
                .map(|(flag, problem)| format!("{flag}: {problem}"))
                .collect::<Vec<_>>()
                .join("; "),
            help: "`portcullis help waive` says what each flag takes".to_owned(),
        }),
    }
}

pub(super) async fn run(session: &Session<'_>, verb: &WaiversVerb) -> Result<Answer, CliError> {
    match verb {
        WaiversVerb::List => waiver_list::list(session).await,
        WaiversVerb::Import { file } => bring(session, file),
    }
}

/// Prints another tool's file as waivers; the gate refuses them until a human has filled in every mark.
fn bring(session: &Session<'_>, file: &Path) -> Result<Answer, CliError> {
    let text = files::read_text(file, session.effects.limits.document)?;
    let name = file.display().to_string();
    let imported = import(&name, None, &text, today(session), |id| last_found(session, id).package).map_err(GateError::from)?;
    for note in &imported.notes {
        session.effects.warn(crate::model::event::Stage::Policy, note.clone());
    }
    Ok(Answer::Message {
        json: json!({ "schema": "portcullis/waivers-import/v1", "entries": imported.entries, "notes": imported.notes, "text": imported.text }),
        human: imported.text,
        code: 0,
        next: format!("put it into {WAIVER_FILE} and fill in every TODO: until then the gate refuses it"),
    })
}

fn file(session: &Session<'_>) -> Result<PathBuf, CliError> {
    let usual = || session.workspace.root.join(WAIVER_FILE);
    Ok(session.workspace.waivers_file(&Judging::default())?.unwrap_or_else(usual))
}

fn today(session: &Session<'_>) -> Date {
    session.effects.clock.evaluation().to_zoned(TimeZone::UTC).date()
}

/// What the last run found under an id.
#[derive(Default)]
struct Before {
    /// The package, if it was one only.
    package: Option<String>,
    /// How bad it is; `Some(None)` for a finding that nobody rates, `None` where nothing was found.
    severity: Option<Option<Severity>>,
}

fn last_found(session: &Session<'_>, id: &str) -> Before {
    let record =
        stored_run::evidence(&session.workspace.output, &session.effects).or_none("without a last run there is nothing to propose");
    let verdict = record.and_then(|record| record.replay().or_none("without a last verdict there is nothing to propose"));
    let Some(verdict) = verdict else { return Before::default() };
    let is_named = |known: &String| known.eq_ignore_ascii_case(id);
    let is_rule = |j: &&Judgement| j.finding.is_named_by_rule(id);
    let named = verdict.findings.iter().filter(|j| j.finding.ids.iter().any(is_named) || is_rule(j));
    let severity = named.clone().map(|j| j.finding.severity).max();
    let mut purls: Vec<&Purl> = named.filter_map(|j| j.finding.purl.as_ref()).collect();
    purls.dedup();
    let package = match purls.as_slice() {
        [only] => {
            let mut pattern = only.package();
            pattern.version.clone_from(&only.version);
            Some(pattern.to_string())
        }
        _ => None,
    };
    Before { package, severity }
}

/// Who is asked for what flags leave out.
struct Questions<'s> {
    session: &'s Session<'s>,
}

impl Questions<'_> {
    /// A flag's value, or what somebody types, or the usual value where nobody is there to ask. An answer that is none is asked for again: what was
    /// answered before it is not thrown away.
    fn answer<T>(
        &self,
        flag: &'static str,
        what: &str,
        given: Option<String>,
        usual: Option<String>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, CliError> {
        if given.is_some() || !ask::somebody_answers(self.session.environment) {
            let text = given
                .or(usual)
                .ok_or_else(|| CliError::setting(flag, format!("it is needed: {what}")))?;
            return read(&text).map_err(|problem| CliError::setting(flag, problem));
        }
        loop {
            let usual = usual.as_deref();
            let typed = ask::line(&format!("{what}{}: ", ask::shown(usual)), usual);
            let typed = typed.map_err(|error| CliError::setting(flag, format!("the answer cannot be read: {error}")))?;
            match typed.text.as_deref().map(&read) {
                Some(Ok(value)) => return Ok(value),
                Some(Err(problem)) => ask::say(&format!("  {problem}\n")),
                // The end of the input is no answer, however often it is asked for.
                None if typed.is_over => return Err(CliError::setting(flag, format!("it is needed: {what}"))),
                None => {}
            }
            if typed.is_over {
                return Err(CliError::setting(flag, "there was no further answer"));
            }
        }
    }
}

/// A word of a list.
fn word<T: VariantArray + Into<&'static str> + Copy>(text: &str) -> Result<T, String> {
    let known = |value: &T| -> &'static str { (*value).into() };
    if let Some(value) = T::VARIANTS.iter().find(|value| known(value) == text) {
        return Ok(*value);
    }
    let names: Vec<&str> = T::VARIANTS.iter().map(known).collect();
    let near = nearest(text, &names)
        .map(|near| format!("; did you mean `{near}`?"))
        .unwrap_or_default();
    Err(format!("`{text}` is none of {}{near}", names.join(", ")))
}

/// A sentence or a name, of something.
fn worded(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("it is empty".to_owned()),
        text => Ok(text.to_owned()),
    }
}

/// The last day of a waiver, which the policy would accept.
fn last_day(text: &str, today: Date, most: i64) -> Result<Date, String> {
    let day: Date = text
        .parse()
        .map_err(|_| format!("`{text}` is no day: expected one such as {today}, which counts to its end in UTC"))?;
    let lasts = i64::from((day - today).get_days());
    if lasts < 0 {
        return Err(format!("{day} is over already"));
    }
    if lasts > most {
        let latest = today.checked_add(jiff::Span::new().days(most));
        let latest = latest
            .map(|latest| format!(", until {latest}"))
            .or_empty("a policy that allows more than there are days");
        return Err(format!(
            "{day} is {lasts} days from now, and the policy lets this be waived for {most}{latest}"
        ));
    }
    Ok(day)
}

/// Refuses what no advisory is called: a waiver for it would cover nothing, and be found out later.
fn check_id(id: &str) -> Result<(), String> {
    let parts: Vec<&str> = id.split('-').collect();
    let digits = |part: &str, least: usize| part.len() >= least && part.bytes().all(|byte| byte.is_ascii_digit());
    let fits = match parts.as_slice() {
        _ if RULES_AS_IDS.contains(&id) => true,
        ["CVE", year, number] => digits(year, 4) && year.len() == 4 && digits(number, 4),
        ["RUSTSEC", year, number] => digits(year, 4) && year.len() == 4 && digits(number, 4) && number.len() == 4,
        ["GHSA", groups @ ..] => {
            groups.len() == 3
                && groups
                    .iter()
                    .all(|group| group.len() == 4 && group.bytes().all(|b| b.is_ascii_alphanumeric()))
        }
        [prefix, _, ..] => {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
            prefix.starts_with(|c: char| c.is_ascii_alphabetic())
                && !["CVE", "RUSTSEC"].contains(prefix)
                && id.chars().all(is_plain)
                && id.chars().any(|c| c.is_ascii_digit())
        }
        _ => false,
    };
    match fits {
        true => Ok(()),
        false => Err(format!(
            "`{}` is no advisory's id: expected one such as CVE-2024-12345, GHSA-abcd-1234-wxyz, RUSTSEC-2024-0001 or DSA-5000-1",
            prose(id)
        )),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn what_no_advisory_is_called_is_no_id() {
        for good in [
            "CVE-2024-12345",
            "GHSA-43w2-9j62-hq99",
            "RUSTSEC-2021-0003",
            "DSA-5000-1",
            "DEMO-2026-0001",
            "MAL-2026-1",
            "RHSA-2024:1234",
            "DEBIAN-CVE-2026-1",
            "too-new-component",
        ] {
            assert_eq!(check_id(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "smallvec",
            "CVE-24-1",
            "CVE-2024-1",
            "CVE 2024-12345",
            "GHSA-43w2-9j62",
            "RUSTSEC-2021-3",
            "CVE-2024-12345\n",
            "-1",
            "x-y",
            "yanked-crate",
            "A-1\u{202e}",
        ] {
            assert!(check_id(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_waiver_lasts_no_longer_than_the_policy_lets_it() {
        let today = date(2026, 11, 21);
        assert_eq!(last_day("2026-12-05", today, 14), Ok(date(2026, 12, 5)));
        assert_eq!(last_day("2026-11-21", today, 14), Ok(today), "to the end of the day");
        for (text, word) in [
            ("2026-12-06", "until 2026-12-05"),
            ("2026-11-20", "over already"),
            ("in two weeks", "such as 2026-11-21"),
            ("2026-13-01", "such as"),
        ] {
            let said = last_day(text, today, 14).expect_err(text);
            assert!(said.contains(word), "{said}");
        }
    }
}
