//! `docker build --progress=plain`: `#7 [build 2/3] COPY a b`, `#7 CACHED`, `#7 DONE 0.1s`, `#7 0.484 what it writes`.

use crate::model::excused::Excused as _;

use std::time::Duration;

use super::{Reader, Steps};

/// Lines with a step's number. Those without are complaints.
#[derive(Default)]
pub(in crate::stage::build::dockerfile) struct Plain {
    known: std::collections::BTreeSet<String>,
}

impl Reader for Plain {
    fn line(&mut self, line: &str, steps: &mut Steps) {
        let Some((id, rest)) = numbered(line) else {
            if !line.is_empty() {
                steps.output(line);
            }
            return;
        };
        if rest.starts_with("sha256:") && !self.known.contains(id) {
            return;
        }
        if self.known.insert(id.to_owned()) {
            return steps.started(id, rest);
        }
        match rest.split_once(' ') {
            None if rest == "CACHED" => {
                steps.cached(id);
                steps.ended(id, None);
            }
            Some(("DONE", took)) => steps.ended(id, seconds(took)),
            Some(("ERROR:", reason)) => steps.failed(id, reason),
            // Its first word is the time since the step began.
            Some((at, said)) if at.parse::<f64>().is_ok() => steps.wrote(id, said),
            _ => {}
        }
    }
}

fn numbered(line: &str) -> Option<(&str, &str)> {
    let (id, rest) = line.strip_prefix('#')?.split_once(' ')?;
    id.bytes().all(|byte| byte.is_ascii_digit()).then_some((id, rest))
}

fn seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.strip_suffix('s')?.parse().or_none("no time is shown")?).or_none("no time is shown")
}
