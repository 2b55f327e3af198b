//! Plain lines: one for each thing that happens, nothing that moves. For logs and pipes.

use std::io::Write;
use std::sync::Mutex;

use super::{Verbosity, probe, sign};
use crate::model::event::{Event, Observer, Stage};
use crate::model::excused::Excused as _;
use crate::model::health::{Answered, Sample};
use crate::report::quantity::elapsed;
use crate::report::rollout_plan;
use crate::report::style::{Paint, Style};
use crate::report::text::{pad, prose};

/// Writes a line for each event.
pub struct Lines {
    style: Style,
    verbosity: Verbosity,
    state: Mutex<State>,
}

struct State {
    out: Box<dyn Write + Send>,
    last: Option<(bool, Answered)>,
}

impl Lines {
    /// Lines to a writer, usually stderr. What cannot be written is dropped: progress decides nothing.
    #[must_use]
    pub fn new(out: Box<dyn Write + Send>, style: Style, verbosity: Verbosity) -> Self {
        Self {
            style,
            verbosity,
            state: Mutex::new(State { out, last: None }),
        }
    }

    /// The line for an event; none for what is not told.
    fn text(&self, event: &Event, last: &mut Option<(bool, Answered)>) -> Option<String> {
        let signs = self.style.signs();
        let line = |stage: Stage, sign: &str, text: &str| {
            let name = self.style.paint(Paint::Strong, &pad(stage.as_str(), 10));
            format!("{name} {sign} {text}")
        };
        let normal = self.verbosity >= Verbosity::Normal;
        let verbose = self.verbosity >= Verbosity::Verbose;
        match event {
            Event::Started { stage, what } if normal => Some(line(*stage, signs.arrow, &prose(what))),
            Event::Note { stage, text } if normal => Some(line(*stage, signs.dot, &self.style.paint(Paint::Dim, &prose(text)))),
            Event::Warning { stage, text } => {
                let sign = self.style.paint(Paint::Doubt, signs.doubt);
                Some(line(*stage, &sign, &self.style.paint(Paint::Doubt, &prose(text))))
            }
            Event::Output { stage, line: text } if verbose => Some(line(*stage, "|", &self.style.paint(Paint::Dim, &prose(text)))),
            Event::Planned { plan } if normal => {
                let told = rollout_plan::lines(plan);
                let told = told.iter().map(|text| line(Stage::Rollout, signs.dot, text));
                Some(told.collect::<Vec<_>>().join("\n"))
            }
            Event::Probed { sample } if normal => {
                let changed = last.replace((sample.healthy, sample.answered)) != Some((sample.healthy, sample.answered));
                (changed || verbose).then(|| line(Stage::Rollout, self.probe_sign(sample), &probe(sample)))
            }
            Event::State { state, detail } if normal => {
                let state = self.style.paint(Paint::Strong, &pad(state.as_str(), 13));
                Some(line(Stage::Rollout, signs.arrow, &format!("{state} {}", prose(detail))))
            }
            Event::Finished { stage, result, elapsed_ms } if normal => {
                let (paint, sign) = sign(*stage, result, &self.style);
                let sign = self.style.paint(paint, sign);
                let time = self.style.paint(Paint::Dim, &elapsed(*elapsed_ms));
                Some(line(*stage, &sign, &format!("{}  {time}", prose(result))))
            }
            _ => None,
        }
    }

    const fn probe_sign(&self, sample: &Sample) -> &'static str {
        if sample.healthy {
            self.style.signs().good
        } else {
            self.style.signs().bad
        }
    }
}

impl Observer for Lines {
    fn on_event(&self, event: &Event) {
        let Ok(mut state) = self.state.lock() else { return };
        let State { out, last } = &mut *state;
        if let Some(line) = self.text(event, last) {
            writeln!(out, "{}", line.trim_end()).dismissed("what nobody can see is no failure of the run");
        }
    }
}
