//! The steps of a build, whoever builds.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use crate::io::Effects;
use crate::io::process::did_not_begin;
use crate::io::secret::Secret;
use crate::model::event::{Event, Stage, Unit};

/// Lines that are kept of a step, for when it fails.
const TAIL: usize = 20;
/// What a secret's value becomes wherever it is shown.
const HIDDEN: &str = "***";
/// A shorter value is in too many words to be taken out of them.
const SHORTEST: usize = 4;

/// The steps of one build, by whatever identity the builder gives them.
pub(in crate::stage::build::dockerfile) struct Steps {
    effects: Effects,
    secrets: Vec<Secret>,
    running: BTreeMap<String, Step>,
    done: u64,
    failed: Option<FailedStep>,
    /// Images that were resolved: name and digest, `debian:12` and `sha256:…`.
    bases: BTreeMap<String, String>,
    /// What belongs to no step: complaints, and excerpts of the Dockerfile.
    rest: VecDeque<String>,
}

struct Step {
    name: String,
    begun: Instant,
    tail: VecDeque<String>,
    /// Told once: what is brought from elsewhere begins and ends several times meanwhile.
    cached: bool,
    ended: bool,
}

/// A step that failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::stage::build::dockerfile) struct FailedStep {
    pub(in crate::stage::build::dockerfile) name: String,
    pub(in crate::stage::build::dockerfile) reason: String,
    /// The end of what it wrote.
    pub(in crate::stage::build::dockerfile) tail: String,
}

impl Steps {
    pub(in crate::stage::build::dockerfile) fn new(effects: &Effects, secrets: Vec<Secret>) -> Self {
        Self {
            effects: effects.clone(),
            secrets,
            running: BTreeMap::new(),
            done: 0,
            failed: None,
            bases: BTreeMap::new(),
            rest: VecDeque::new(),
        }
    }

    /// Those of the same build from its beginning: what was heard so far is forgotten.
    pub(in crate::stage::build::dockerfile) fn anew(&self) -> Self {
        Self::new(&self.effects, self.secrets.clone())
    }

    /// A step is known by its name. Heard again, nothing changes.
    pub(super) fn started(&mut self, id: &str, name: &str) {
        self.note_base(name);
        self.running.entry(id.to_owned()).or_insert_with(|| Step {
            name: name.to_owned(),
            begun: Instant::now(),
            tail: VecDeque::new(),
            cached: false,
            ended: false,
        });
    }

    /// A step wrote a line.
    pub(super) fn wrote(&mut self, id: &str, line: &str) {
        let line = self.without_secrets(line);
        let Some(step) = self.running.get_mut(id) else {
            return self.output(&line);
        };
        push(&mut step.tail, &line);
        let line = format!("{} {line}", short(&step.name));
        self.effects.emit(&Event::Output { stage: Stage::Build, line });
    }

    /// A step need not run: its result is in a cache.
    pub(super) fn cached(&mut self, id: &str) {
        if let Some(step) = self.running.get_mut(id) {
            step.cached = true;
        }
    }

    /// A step ended well. Without a time of the builder's, it took what passed since it was heard of.
    pub(super) fn ended(&mut self, id: &str, took: Option<Duration>) {
        let Some(step) = self.running.get_mut(id).filter(|step| !step.ended) else {
            return;
        };
        step.ended = true;
        let took = took.unwrap_or_else(|| step.begun.elapsed());
        if !is_of_the_dockerfile(&step.name) {
            return;
        }
        self.done += 1;
        let text = match step.cached {
            true => format!("{}  cached", step.name),
            false => format!("{}  {:.1} s", step.name, took.as_secs_f64()),
        };
        let text = self.without_secrets(&text);
        self.effects.note(Stage::Build, text);
        self.effects.emit(&Event::Progress {
            stage: Stage::Build,
            task: "steps".to_owned(),
            done: self.done,
            total: None,
            unit: Unit::Items,
        });
    }

    /// A step failed. The first one counts: others fail because of it.
    pub(super) fn failed(&mut self, id: &str, reason: &str) {
        let Some(step) = self.running.get(id) else { return };
        let failed = FailedStep {
            name: self.without_secrets(&step.name),
            reason: self.without_secrets(reason),
            tail: Vec::from(step.tail.clone()).join("\n"),
        };
        self.failed.get_or_insert(failed);
    }

    /// A line of no step's.
    pub(super) fn output(&mut self, line: &str) {
        let line = self.without_secrets(line);
        push(&mut self.rest, &line);
        self.effects.emit(&Event::Output { stage: Stage::Build, line });
    }

    /// The step that failed, where the builder named one.
    pub(in crate::stage::build::dockerfile) fn failure(&self) -> Option<&FailedStep> {
        self.failed.as_ref()
    }

    /// Whether the builder says that it [did not begin](crate::io::process::did_not_begin), as a whole or where a step was to start.
    pub(in crate::stage::build::dockerfile) fn did_not_begin(&self) -> bool {
        let said = self.failed.iter().map(|failed| failed.tail.as_str());
        said.chain(self.rest.iter().map(String::as_str)).any(did_not_begin)
    }

    /// The last lines that belong to no step.
    pub(in crate::stage::build::dockerfile) fn rest(&self) -> Vec<String> {
        self.rest.iter().cloned().collect()
    }

    /// Images whose digests the builder told, by their names.
    pub(in crate::stage::build::dockerfile) fn bases(&self) -> &BTreeMap<String, String> {
        &self.bases
    }

    /// An image whose digest the builder told when it was asked.
    pub(in crate::stage::build::dockerfile) fn resolved(&mut self, name: &str, digest: &str) {
        self.bases.insert(name.to_owned(), digest.to_owned());
    }

    /// The same text without the values of the build's secrets.
    pub(in crate::stage::build::dockerfile) fn without_secrets(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for line in self.secrets.iter().flat_map(|secret| secret.expose().lines()) {
            let line = line.trim();
            if line.len() >= SHORTEST {
                text = text.replace(line, HIDDEN);
            }
        }
        text
    }

    /// BuildKit names an image that it has resolved with its digest: `[build 1/3] FROM docker.io/library/debian:12@sha256:…`.
    fn note_base(&mut self, name: &str) {
        let image = name.split_once("] FROM ").map(|(_, image)| image.trim());
        if let Some((image, hex)) = image.and_then(|image| image.split_once("@sha256:")) {
            self.bases.insert(image.to_owned(), format!("sha256:{hex}"));
        }
    }
}

/// `[build 2/3] RUN …`, and none of the builder's own work such as `[internal] load metadata`.
fn is_of_the_dockerfile(name: &str) -> bool {
    name.starts_with('[') && !name.starts_with("[internal]") && !name.starts_with("[auth]")
}

/// The part in brackets.
fn short(name: &str) -> &str {
    name.find(']').map_or(name, |end| &name[..=end])
}

fn push(tail: &mut VecDeque<String>, line: &str) {
    if tail.len() == TAIL {
        tail.pop_front();
    }
    tail.push_back(line.to_owned());
}
