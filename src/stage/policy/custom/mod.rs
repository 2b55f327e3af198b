//! An organisation's own rules: CEL expressions over the documented evidence.
//!
//! Takes `[[custom]]` of the policy document. Gives findings of `custom/<name>`. Invariant: a rule that fails, or takes too long, is a gap that
//! is always denied; never "no findings".

mod each;
mod item;
mod view;

pub(crate) use each::Each;

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use cel::{Context, Program, Value};
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::io::document::DocumentError;
use crate::model::coverage::{Gap, GapKind};
use crate::model::excused::Excused as _;
use crate::model::finding::{Finding, Level, RuleCode};
use crate::model::human_duration::HumanDuration;

use super::Evidence;
use super::rules::Objections;
use item::Item;

/// The longest expression, and the deepest nesting in one: the parser recurses.
const MAX_LENGTH: usize = 8192;
const MAX_NESTING: usize = 48;

/// Stack of the thread that parses and evaluates.
const STACK: usize = 32 << 20;

/// One rule of the organisation's own.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CustomRule {
    /// Its name: findings have the code `custom/<name>`. Lower-case letters, digits and dashes.
    #[schemars(with = "String", regex(pattern = r"^[a-z0-9][a-z0-9-]*$"))]
    pub(crate) name: Spanned<String>,
    /// What it is asked of.
    pub(crate) each: Each,
    /// A CEL expression; where it is true, there is a finding.
    #[schemars(with = "String")]
    pub(crate) when: Spanned<String>,
    /// One line for people: what is wrong.
    pub(crate) message: String,
    /// What to do next.
    #[serde(default)]
    pub(crate) help: Option<String>,
    /// How hard it weighs.
    #[serde(default = "deny")]
    pub(crate) level: Level,
    /// How long it may take for the whole image; more is undecidable.
    #[serde(default = "one_second")]
    pub(crate) time_limit: HumanDuration,
}

fn deny() -> Level {
    Level::Deny
}

fn one_second() -> HumanDuration {
    HumanDuration(Duration::from_secs(1))
}

/// Checks names and expressions when the policy is read, so that a typo is a usage error and not an undecidable run.
pub(crate) fn validate(rules: &[CustomRule], name: &str, text: &str) -> Result<(), DocumentError> {
    let fail = |span: Range<usize>, problem: String, help: &str| DocumentError::at(name, text, span, problem, Some(help.to_owned()));
    for (index, rule) in rules.iter().enumerate() {
        let code = rule.name.get_ref();
        let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if code.is_empty() || !code.bytes().all(is_word) {
            return Err(fail(
                rule.name.span(),
                format!("`{code}` is no name for a rule"),
                "lower-case letters, digits and dashes",
            ));
        }
        if rules[..index].iter().any(|other| other.name.get_ref() == code) {
            return Err(fail(
                rule.name.span(),
                format!("there are two rules `{code}`"),
                "give each its own name",
            ));
        }
        if let Err(problem) = on_large_stack(rule.when.get_ref().clone(), |source| compile(&source).map(|_| ())) {
            let help = "a CEL expression that is true where something is wrong: `component.licenses.exists(l, l.startsWith('AGPL'))`";
            return Err(fail(rule.when.span(), format!("`when` is no CEL expression: {problem}"), help));
        }
    }
    Ok(())
}

fn compile(source: &str) -> Result<Program, String> {
    let nesting = source.bytes().scan(0i64, |depth, byte| {
        *depth += match byte {
            b'(' | b'[' | b'{' => 1,
            b')' | b']' | b'}' => -1,
            _ => 0,
        };
        Some(*depth)
    });
    if source.len() > MAX_LENGTH || nesting.max().unwrap_or(0) > MAX_NESTING as i64 {
        return Err(format!("it is longer than {MAX_LENGTH} bytes or nested deeper than {MAX_NESTING}"));
    }
    let compiled = catch_unwind(AssertUnwindSafe(|| Program::compile(source)));
    match compiled {
        Ok(Ok(program)) => Ok(program),
        Ok(Err(errors)) => Err(errors.errors.first().map_or_else(|| errors.to_string(), |error| error.msg.clone())),
        Err(_) => Err("the parser gave up".to_owned()),
    }
}

fn on_large_stack<T: Send + 'static>(source: String, work: fn(String) -> Result<T, String>) -> Result<T, String> {
    let started = thread::Builder::new().stack_size(STACK).spawn(move || work(source));
    match started.map(thread::JoinHandle::join) {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err("the parser gave up".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

pub(crate) fn check(rules: &[CustomRule], evidence: &Evidence<'_>, objections: &mut Objections) {
    for rule in rules.iter().filter(|rule| rule.level != Level::Off) {
        let asked = item::items(evidence, rule.each).and_then(|items| ask(rule, items));
        match asked {
            Ok(items) => objections.findings.extend(items.into_iter().map(|item| finding(rule, item))),
            Err(problem) => objections.gaps.push(Gap {
                kind: GapKind::UndecidedRule,
                subject: format!("custom/{}", rule.name.get_ref()),
                detail: problem,
                location: None,
            }),
        }
    }
}

/// Evaluates in a thread of its own, so that an expression that does not end does not hold the gate. A thread that is late is left behind: it
/// ends with the program.
fn ask(rule: &CustomRule, items: Vec<Item>) -> Result<Vec<Item>, String> {
    let (sender, receiver) = mpsc::channel();
    let source: Arc<str> = rule.when.get_ref().as_str().into();
    let work = move || {
        sender
            .send(evaluate(&source, items))
            .dismissed("nobody waits any more: its time was over, and that is an error");
    };
    thread::Builder::new()
        .stack_size(STACK)
        .spawn(work)
        .map_err(|error| error.to_string())?;
    match receiver.recv_timeout(rule.time_limit.0) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => Err("it took longer than its time limit".to_owned()),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err("its evaluation broke off".to_owned()),
    }
}

/// The items for which the expression is true. The first error ends it: a rule that holds for some components only decides nothing.
fn evaluate(source: &str, items: Vec<Item>) -> Result<Vec<Item>, String> {
    let program = compile(source)?;
    let mut found = Vec::new();
    for item in items {
        let mut context = Context::default();
        for (name, value) in &item.variables {
            context.add_variable_from_value(*name, value.clone());
        }
        let value = catch_unwind(AssertUnwindSafe(|| program.execute(&context)));
        let of = item.name();
        match value {
            Ok(Ok(Value::Bool(true))) => found.push(item),
            Ok(Ok(Value::Bool(false))) => {}
            Ok(Ok(_)) => return Err(format!("it gave something else than true or false{of}")),
            Ok(Err(error)) => return Err(format!("it failed{of}: {error}")),
            Err(_) => return Err(format!("its evaluation broke off{of}")),
        }
    }
    Ok(found)
}

fn finding(rule: &CustomRule, item: Item) -> Finding {
    let code = RuleCode::new(format!("custom/{}", rule.name.get_ref()));
    let message = match &item.label {
        Some(label) => format!("{label}: {}", rule.message),
        None => rule.message.clone(),
    };
    let mut finding = Finding::new(code, rule.level, message);
    finding.help.clone_from(&rule.help);
    finding.ids = item.ids;
    finding.advisory_kind = item.kind;
    finding.severity = item.severity;
    finding.purl = item.purl;
    finding.source = item.source;
    finding.subject = item.subject;
    finding.locations = item.locations;
    finding
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_bounded_in_its_depth_and_its_length_and_not_in_its_width() {
        let nested = |depth: usize| format!("{}true{}", "(".repeat(depth), ")".repeat(depth));
        let tried = |source: String| on_large_stack(source, |source| compile(&source).map(drop));
        tried(nested(MAX_NESTING)).expect("as deep as may be");
        assert!(tried(nested(MAX_NESTING + 1)).expect_err("too deep").contains("nested deeper"));
        tried(vec!["(true)"; 2 * MAX_NESTING].join(" && ")).expect("one beside the other");
        tried(format!("{:MAX_LENGTH$}", "true")).expect("as long as may be");
        tried(format!("{:1$}", "true", MAX_LENGTH + 1)).expect_err("too long");
    }
}
