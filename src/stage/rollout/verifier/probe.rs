//! One probe: what is asked, and what the answer says.

use crate::model::error_chain::chain;
use std::net::SocketAddr;
use std::time::Instant;

use super::answer::{field, shown, unlike};
use super::http;
use super::identity::{self, Identity};
use crate::io::Effects;
use crate::io::process::Program;
use crate::model::digest::Digest;
use crate::model::health::{Answered, Sample};
use crate::model::plan::{HealthPlan, ProbePlan, VersionAssertion};
use crate::stage::rollout::release::Release;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::stage::rollout) enum ProbeTarget {
    /// The public one.
    Front,
    /// An instance's own.
    Instance(SocketAddr),
}

/// Asks, always over a fresh connection.
pub(in crate::stage::rollout) struct Verifier<'a> {
    pub(in crate::stage::rollout) plan: &'a HealthPlan,
    pub(in crate::stage::rollout) new: Identity,
    pub(in crate::stage::rollout) old: Option<Identity>,
    /// The front door's `http://host:port` for a version path, where the probe itself has no URL.
    pub(in crate::stage::rollout) base: String,
    /// True while the version before is brought back: then `new` is that one, and samples say "old" of it.
    pub(in crate::stage::rollout) restoring: bool,
    /// True where the target names what runs: then each sample through the front door is told by that too.
    pub(in crate::stage::rollout) by_observation: bool,
    pub(in crate::stage::rollout) effects: &'a Effects,
}

/// What one look gave, before it is judged.
struct Look {
    status: Option<u16>,
    names: Option<String>,
    trouble: Option<String>,
}

impl Look {
    fn bad(trouble: impl Into<String>) -> Self {
        Self {
            status: None,
            names: None,
            trouble: Some(trouble.into()),
        }
    }
}

impl<'a> Verifier<'a> {
    /// Asks for a release alone, by what answers say. `url` is where people find the service.
    pub(in crate::stage::rollout) fn of(plan: &'a HealthPlan, release: &Release, url: Option<String>, effects: &'a Effects) -> Self {
        Self {
            plan,
            new: Identity::from(release),
            old: None,
            // Without one, a path has no address to be asked at, and the probe says so.
            base: url.unwrap_or_default(),
            restoring: false,
            by_observation: false,
            effects,
        }
    }
}

impl Verifier<'_> {
    /// True when the sample counts as a success: healthy, and given by the new version where versions can be told apart.
    pub(in crate::stage::rollout) fn counts(&self, sample: &Sample) -> bool {
        let told = self.plan.version.is_some() || self.by_observation;
        sample.healthy && (!told || sample.answered == Answered::New)
    }

    pub(in crate::stage::rollout) async fn probe(&self, target: ProbeTarget) -> Sample {
        let at = self.effects.clock.now();
        let begun = Instant::now();
        let mut look = match &self.plan.probe {
            ProbePlan::Http { url, status, json } => self.look_http(target, url, *status, json.as_ref()).await,
            ProbePlan::Tcp { address } => self.look_tcp(target, address).await,
            ProbePlan::Command { argv } => self.look_command(target, argv).await,
        };
        let latency_ms = begun.elapsed().as_secs_f64() * 1000.0;
        let healthy = look.trouble.is_none();
        if let Some(VersionAssertion::Path(path)) = &self.plan.version
            && healthy
        {
            match self.version_at(target, path).await {
                Ok(text) => look.names = Some(text),
                Err(trouble) => look.trouble = Some(format!("{path}: {trouble}")),
            }
        }
        let answered = look.names.as_deref().map_or(Answered::Unknown, |text| self.which(text));
        let error = look.trouble.or_else(|| self.wrong_version(answered, look.names.as_deref()));
        Sample {
            at,
            via: match target {
                ProbeTarget::Front => "front door".to_owned(),
                ProbeTarget::Instance(address) => address.to_string(),
            },
            healthy,
            answered,
            status: look.status,
            latency_ms: (latency_ms * 1000.0).round() / 1000.0,
            error,
        }
    }

    /// What the front door names as its version, whoever answers.
    pub(in crate::stage::rollout) async fn named(&self) -> Result<String, String> {
        match (&self.plan.version, &self.plan.probe) {
            (Some(VersionAssertion::Path(path)), _) => self.version_at(ProbeTarget::Front, path).await,
            (Some(VersionAssertion::Header(name)), ProbePlan::Http { url, .. }) => {
                let answer = http::get(url, None, self.plan.timeout).await?;
                answer.header(name).ok_or_else(|| format!("the answer has no header {name}"))
            }
            _ => Err("nothing names a version here".to_owned()),
        }
    }

    /// Tells a healthy sample by what runs: the new version counts only when nothing else runs.
    pub(in crate::stage::rollout) fn judge(&self, sample: &mut Sample, running: &[Digest]) {
        let is_old = |digest: &Digest| self.old.as_ref().is_some_and(|old| old.digest == *digest);
        let seen = if running.iter().any(is_old) {
            Answered::Old
        } else if !running.is_empty() && running.iter().all(|digest| *digest == self.new.digest) {
            Answered::New
        } else {
            Answered::Unknown
        };
        let answered = match (self.plan.version.is_some(), sample.answered) {
            (true, Answered::Old) => Answered::Old,
            (true, Answered::Unknown) if seen == Answered::New => Answered::Unknown,
            _ => seen,
        };
        sample.answered = answered;
        if seen != Answered::New {
            let mut names: Vec<String> = running.iter().map(Digest::short).collect();
            names.dedup();
            let what = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
            sample.error = Some(format!("what runs is {what}; expected {} alone", self.new.digest.short()));
        }
    }

    /// A sample whose version could not be seen.
    pub(in crate::stage::rollout) fn misjudge(&self, sample: &mut Sample, trouble: &str) {
        sample.answered = Answered::Unknown;
        sample.error = Some(format!("what runs cannot be seen: {trouble}"));
    }

    fn which(&self, text: &str) -> Answered {
        identity::which(text, &self.new, self.old.as_ref())
    }

    /// The sample as reports have it: "new" is what this run rolls out, "old" what it replaces, whichever is asked for now.
    pub(in crate::stage::rollout) fn recorded(&self, sample: &Sample) -> Sample {
        let answered = match (self.restoring, sample.answered) {
            (true, Answered::New) => Answered::Old,
            (true, Answered::Old) => Answered::New,
            (_, answered) => answered,
        };
        Sample {
            answered,
            ..sample.clone()
        }
    }

    fn wrong_version(&self, answered: Answered, names: Option<&str>) -> Option<String> {
        let place = match self.plan.version.as_ref()? {
            VersionAssertion::Header(name) => format!("header {name}"),
            VersionAssertion::Path(path) => path.clone(),
        };
        let expected = match &self.new.commit {
            Some(commit) => format!("expected the commit {commit} or the digest {}", self.new.digest),
            None => format!("expected the digest {}, for the image names no commit", self.new.digest),
        };
        match (answered, names) {
            (Answered::New, _) => None,
            (Answered::Old, _) if self.restoring => Some(format!("{place}: the failed version answered; {expected}")),
            (Answered::Old, _) => Some(format!("{place}: the version before answered; {expected}")),
            (Answered::Unknown, None) => Some(format!("the answer has no {place}; {expected}")),
            (Answered::Unknown, Some(text)) => Some(format!("{place} answered `{}`; {expected}", shown(text))),
        }
    }

    async fn look_http(&self, target: ProbeTarget, url: &str, status: u16, json: Option<&(String, String)>) -> Look {
        let answer = match http::get(url, instance(target), self.plan.timeout).await {
            Ok(answer) => answer,
            Err(trouble) => return Look::bad(trouble),
        };
        let names = match &self.plan.version {
            Some(VersionAssertion::Header(name)) => answer.header(name),
            Some(VersionAssertion::Path(_)) | None => None,
        };
        let trouble = if answer.status == status {
            json.and_then(|(pointer, wanted)| unlike(&answer.body, pointer, wanted))
        } else {
            Some(format!("{}: status {} instead of {status}", http::path(url), answer.status))
        };
        Look {
            status: Some(answer.status),
            names,
            trouble,
        }
    }

    async fn version_at(&self, target: ProbeTarget, path: &str) -> Result<String, String> {
        let base = match &self.plan.probe {
            ProbePlan::Http { url, .. } => http::origin(url).ok_or_else(|| format!("`{url}` is no URL"))?,
            ProbePlan::Tcp { .. } | ProbePlan::Command { .. } => self.base.clone(),
        };
        let (path, pointer) = match path.split_once('#') {
            Some((path, pointer)) => (path, Some(pointer)),
            None => (path, None),
        };
        let answer = http::get(&format!("{base}{path}"), instance(target), self.plan.timeout).await?;
        match (answer.status, pointer) {
            (200, None) => Ok(String::from_utf8_lossy(&answer.body).into_owned()),
            (200, Some(pointer)) => field(&answer.body, pointer),
            (status, _) => Err(format!("status {status}")),
        }
    }

    async fn look_tcp(&self, target: ProbeTarget, address: &str) -> Look {
        let address = instance(target).map_or_else(|| address.to_owned(), |address| address.to_string());
        match tokio::time::timeout(self.plan.timeout, tokio::net::TcpStream::connect(&address)).await {
            Ok(Ok(_)) => Look {
                status: None,
                names: None,
                trouble: None,
            },
            Ok(Err(error)) => Look::bad(format!("{address}: {error}")),
            Err(_) => Look::bad(format!("{address}: no connection within {} ms", self.plan.timeout.as_millis())),
        }
    }

    async fn look_command(&self, target: ProbeTarget, argv: &[String]) -> Look {
        let Some((program, args)) = argv.split_first() else {
            return Look::bad("the command is empty");
        };
        let address = instance(target).map_or_else(|| self.base.trim_start_matches("http://").to_owned(), |a| a.to_string());
        let program = Program::new(program)
            .args(args)
            .env("PORTCULLIS_ADDRESS", address)
            .env("PORTCULLIS_DIGEST", self.new.digest.to_string())
            .env("PORTCULLIS_COMMIT", self.new.commit.clone().unwrap_or_default());
        let trouble = match program.status_within(self.plan.timeout).await {
            Ok(Some(status)) if status.success() => None,
            Ok(Some(status)) => Some(status.to_string()),
            Ok(None) => Some(format!("no end within {} ms", self.plan.timeout.as_millis())),
            Err(error) => Some(chain(&error)),
        };
        Look {
            status: None,
            names: None,
            trouble,
        }
    }
}

const fn instance(target: ProbeTarget) -> Option<SocketAddr> {
    match target {
        ProbeTarget::Front => None,
        ProbeTarget::Instance(address) => Some(address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verifier<'a>(plan: &'a HealthPlan, effects: &'a Effects) -> Verifier<'a> {
        Verifier {
            plan,
            new: Identity {
                digest: Digest::from_bytes([1; 32]),
                commit: Some("a".repeat(40)),
            },
            old: None,
            base: String::new(),
            restoring: false,
            by_observation: false,
            effects,
        }
    }

    fn plan() -> HealthPlan {
        let second = std::time::Duration::from_secs(1);
        HealthPlan {
            probe: ProbePlan::Tcp { address: String::new() },
            version: Some(VersionAssertion::Path("/version".to_owned())),
            interval: second,
            timeout: second,
            successes: 1,
            deadline: second,
            soak: second,
            max_error_rate: 0.0,
            max_p95_ms: None,
        }
    }

    #[test]
    fn a_wrong_version_is_told_with_what_came_and_what_was_expected() {
        let (plan, effects) = (plan(), Effects::plain(std::path::PathBuf::new()));
        let told = verifier(&plan, &effects).wrong_version(Answered::Unknown, Some("{\"commit\":\"unknown\"}"));
        let told = told.expect("wrong");
        let expected = format!("expected the commit {} or the digest sha256:0101", "a".repeat(40));
        assert!(
            told.starts_with("/version answered `{\"commit\":\"unknown\"}`; ") && told.contains(&expected),
            "{told}"
        );
        assert_eq!(verifier(&plan, &effects).wrong_version(Answered::New, Some("a")), None);
    }

    #[test]
    fn answers_of_the_version_that_is_brought_back_are_not_counted_as_the_new_versions() {
        let (plan, effects) = (plan(), Effects::plain(std::path::PathBuf::new()));
        let sample = Sample {
            at: jiff::Timestamp::UNIX_EPOCH,
            via: "front door".to_owned(),
            healthy: true,
            answered: Answered::New,
            status: Some(200),
            latency_ms: 1.0,
            error: None,
        };
        let mut asks = verifier(&plan, &effects);
        assert_eq!(asks.recorded(&sample).answered, Answered::New);
        asks.restoring = true;
        assert_eq!(asks.recorded(&sample).answered, Answered::Old);
    }
}
