//! Every rule asked of every item, and what comes of it.

use std::sync::{Arc, mpsc};
use std::thread;

use super::expression::{STACK, evaluate};
use super::item::{self, Item};
use super::rule::CustomRule;
use crate::model::coverage::{Gap, GapKind};
use crate::model::excused::Excused as _;
use crate::model::finding::{Finding, Level, RuleCode};
use crate::stage::policy::Evidence;
use crate::stage::policy::rules::Objections;

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

pub(super) fn finding(rule: &CustomRule, item: Item) -> Finding {
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
