//! Live progress on a terminal: the stage under way with its time, a bar with size and rate for each part, a line for each thing done.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Verbosity, probe, sign};
use crate::model::event::{Event, Observer, Stage, Unit};
use crate::model::excused::Excused as _;
use crate::report::quantity::elapsed;
use crate::report::rollout_plan;
use crate::report::style::{Paint, Style};
use crate::report::text::{fit, pad, prose};

/// Bars shown at one time; what goes beyond them is under way all the same.
const BARS: usize = 6;
/// Columns of a part's name.
const NAME: usize = 26;

/// Draws on stderr.
pub struct Terminal {
    style: Style,
    verbosity: Verbosity,
    screen: MultiProgress,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    stage: Option<(Stage, ProgressBar)>,
    parts: BTreeMap<String, ProgressBar>,
}

impl Terminal {
    /// Progress on stderr, twelve frames a second at most.
    #[must_use]
    pub fn new(style: Style, verbosity: Verbosity) -> Self {
        let target = if verbosity == Verbosity::Quiet {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr_with_hz(12)
        };
        Self {
            style,
            verbosity,
            screen: MultiProgress::with_draw_target(target),
            state: Mutex::new(State::default()),
        }
    }

    /// Takes everything that moves off the screen. To be called before anything else writes to it; `Drop` does it too.
    pub fn close(&self) {
        if let Ok(mut state) = self.state.lock() {
            state.clear();
        }
        self.screen
            .clear()
            .dismissed("progress that nobody can see is no failure of the run");
    }

    fn say(&self, line: &str) {
        self.screen
            .println(line.trim_end())
            .dismissed("progress that nobody can see is no failure of the run");
    }

    fn line(&self, stage: Stage, sign: (Paint, &str), text: &str) {
        let sign = self.style.paint(sign.0, sign.1);
        let name = self.style.paint(Paint::Strong, &pad(stage.as_str(), 10));
        self.say(&format!("{sign} {name} {text}"));
    }

    fn started(&self, mut state: MutexGuard<'_, State>, stage: Stage, what: &str) {
        state.clear();
        let template = ProgressStyle::with_template("{spinner} {prefix} {wide_msg} {elapsed:>4}");
        let ticks = if self.style.unicode {
            "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ "
        } else {
            "|/-\\ "
        };
        let bar = self.screen.add(ProgressBar::new_spinner());
        if let Ok(template) = template {
            bar.set_style(template.tick_chars(ticks));
        }
        bar.set_prefix(self.style.paint(Paint::Strong, &pad(stage.as_str(), 10)));
        bar.set_message(prose(what));
        bar.enable_steady_tick(Duration::from_millis(100));
        state.stage = Some((stage, bar));
    }

    fn moved(&self, mut state: MutexGuard<'_, State>, task: &str, done: u64, total: Option<u64>, unit: Unit) {
        if total.is_some_and(|total| done >= total) {
            if let Some(bar) = state.parts.remove(task) {
                bar.finish_and_clear();
                self.screen.remove(&bar);
            }
            return;
        }
        if !state.parts.contains_key(task) {
            if state.parts.len() >= BARS {
                return;
            }
            let bar = self.screen.add(ProgressBar::no_length());
            bar.set_style(self.bar(unit, total.is_some()));
            let name = prose(task);
            bar.set_prefix(pad(&fit(&name, NAME, self.style.signs().cut), NAME));
            state.parts.insert(task.to_owned(), bar);
        }
        if let Some(bar) = state.parts.get(task) {
            if let Some(total) = total {
                bar.set_length(total);
            }
            bar.set_position(done);
        }
    }

    fn bar(&self, unit: Unit, sized: bool) -> ProgressStyle {
        let template = match (unit, sized) {
            (Unit::Bytes, true) => "    {prefix} {bar:20} {decimal_bytes:>9} of {decimal_total_bytes}  {decimal_bytes_per_sec}  {eta}",
            (Unit::Bytes, false) => "    {prefix} {decimal_bytes:>9}  {decimal_bytes_per_sec}",
            (Unit::Items, true) => "    {prefix} {bar:20} {human_pos:>9} of {human_len}  {per_sec}  {eta}",
            (Unit::Items, false) => "    {prefix} {human_pos:>9}  {per_sec}",
        };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        style.progress_chars(if self.style.unicode { "━╸ " } else { "=> " })
    }

    /// What the line of the stage under way says beside its name.
    fn beside(state: &State, text: &str) {
        if let Some((_, bar)) = &state.stage {
            bar.set_message(prose(text));
        }
    }
}

impl State {
    fn clear(&mut self) {
        for bar in std::mem::take(&mut self.parts).into_values() {
            bar.finish_and_clear();
        }
        if let Some((_, bar)) = self.stage.take() {
            bar.finish_and_clear();
        }
    }
}

impl Observer for Terminal {
    fn on_event(&self, event: &Event) {
        let Ok(mut state) = self.state.lock() else { return };
        let signs = self.style.signs();
        let verbose = self.verbosity >= Verbosity::Verbose;
        match event {
            Event::Warning { stage, text } => {
                let text = self.style.paint(Paint::Doubt, &prose(text));
                if self.verbosity == Verbosity::Quiet {
                    let line = format!("{} {} {text}\n", signs.doubt, stage.as_str());
                    let said = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
                    said.dismissed("progress that nobody can see is no failure of the run");
                } else {
                    self.line(*stage, (Paint::Doubt, signs.doubt), &text);
                }
            }
            _ if self.verbosity == Verbosity::Quiet => {}
            Event::Started { stage, what } => self.started(state, *stage, what),
            Event::Progress {
                task, done, total, unit, ..
            } => self.moved(state, task, *done, *total, *unit),
            Event::Note { stage, text } => {
                let text = self.style.paint(Paint::Dim, &prose(text));
                self.line(*stage, (Paint::Dim, signs.dot), &text);
            }
            Event::Output { stage, line } if verbose => {
                let text = self.style.paint(Paint::Dim, &prose(line));
                self.line(*stage, (Paint::Dim, "|"), &text);
            }
            Event::Output { line, .. } => Self::beside(&state, line),
            Event::Planned { plan } => {
                for text in rollout_plan::lines(plan) {
                    self.line(Stage::Rollout, (Paint::Dim, signs.dot), &text);
                }
            }
            Event::Probed { sample } if verbose => self.line(Stage::Rollout, (Paint::Dim, signs.dot), &probe(sample)),
            Event::Probed { sample } => Self::beside(&state, &probe(sample)),
            Event::State { state: name, detail } => {
                let name = self.style.paint(Paint::Strong, &pad(name.as_str(), 13));
                self.line(Stage::Rollout, (Paint::Dim, signs.arrow), &format!("{name} {}", prose(detail)));
            }
            Event::Finished { stage, result, elapsed_ms } => {
                state.clear();
                let time = self.style.paint(Paint::Dim, &elapsed(*elapsed_ms));
                self.line(*stage, sign(*stage, result, &self.style), &format!("{}  {time}", prose(result)));
            }
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.close();
    }
}
