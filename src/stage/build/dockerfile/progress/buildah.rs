//! `buildah build`: `[1/2] STEP 2/3: RUN …`, one after the other, and between them what they write.

use super::{Reader, Steps};

/// The step under way ends when the next begins.
#[derive(Default)]
pub(in crate::stage::build::dockerfile) struct Buildah {
    current: Option<String>,
    count: u32,
}

impl Reader for Buildah {
    fn line(&mut self, line: &str, steps: &mut Steps) {
        if let Some(name) = step(line) {
            self.end(steps);
            self.count += 1;
            let id = self.count.to_string();
            steps.started(&id, &name);
            self.current = Some(id);
        } else if without_stage(line).1.starts_with("COMMIT ") {
            self.end(steps);
        } else if let Some(reason) = line.strip_prefix("Error: ") {
            if let Some(id) = &self.current {
                steps.failed(id, reason);
            }
            steps.output(line);
        } else if line.starts_with("time=\"") {
            steps.output(line);
        } else if let Some(id) = &self.current {
            steps.wrote(id, line);
        } else {
            steps.output(line);
        }
    }
}

impl Buildah {
    fn end(&mut self, steps: &mut Steps) {
        if let Some(id) = self.current.take() {
            steps.ended(&id, None);
        }
    }
}

/// `[1/2] STEP 2/3: RUN x` as `[1: 2/3] RUN x`; `STEP 2/3: RUN x` as `[2/3] RUN x`.
fn step(line: &str) -> Option<String> {
    let (stage, rest) = without_stage(line);
    let (number, text) = rest.strip_prefix("STEP ")?.split_once(": ")?;
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (at, of) = number.split_once('/')?;
    (is_number(at) && is_number(of)).then(|| match stage {
        Some(stage) => format!("[{stage}: {number}] {text}"),
        None => format!("[{number}] {text}"),
    })
}

/// The number of the stage in `[1/2] STEP …`, and the rest.
fn without_stage(line: &str) -> (Option<&str>, &str) {
    match line.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        Some((stage, rest)) => (stage.split_once('/').map(|(number, _)| number), rest),
        None => (None, line),
    }
}
