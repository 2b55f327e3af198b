//! Watching a version: until it has answered often enough in a row, and for as long as it must stay healthy.

use crate::model::error_chain::chain;
use std::time::Duration;

use tokio::time::Instant;

use super::halt::Halt;
use super::machine::Run;
use super::target::{RolloutTarget, TargetError};
use super::verifier::{ProbeTarget, Verifier};
use crate::io::Effects;
use crate::model::digest::Digest;
use crate::model::event::{Event, Stage};
use crate::model::health::{Answered, Sample};

/// Between two probes of an instance that has just been started: it is asked often so that nobody waits for nothing.
const STAGING_INTERVAL: Duration = Duration::from_millis(100);
/// How soon a wish to stop is noticed.
const SLICE: Duration = Duration::from_millis(50);

/// What is asked for in a row.
struct Streak {
    door: ProbeTarget,
    deadline: Duration,
    interval: Duration,
    /// True when an answer of the old version ends it at once.
    old_is_fatal: bool,
}

impl<T: RolloutTarget> Run<'_, T> {
    /// Until this run's instance is healthy by its own address.
    pub(super) async fn await_staged(&mut self, door: ProbeTarget) -> Result<(), Halt> {
        let deadline = self.plan.waits.stage;
        self.await_streak(door, deadline, self.plan.health.interval.min(STAGING_INTERVAL), false)
            .await
    }

    /// Until this run's release has answered often enough in a row.
    pub(super) async fn await_streak(
        &mut self,
        door: ProbeTarget,
        deadline: Duration,
        interval: Duration,
        old_is_fatal: bool,
    ) -> Result<(), Halt> {
        let streak = Streak {
            door,
            deadline,
            interval,
            old_is_fatal,
        };
        let mut samples = std::mem::take(&mut self.samples);
        let outcome = keep_asking(self.target, &self.verifier(), &self.id, &streak, &mut samples).await;
        self.samples = samples;
        outcome
    }

    /// For as long as this run's release must stay healthy.
    pub(super) async fn soak(&mut self) -> Result<(), Halt> {
        let mut samples = std::mem::take(&mut self.samples);
        let outcome = keep_watching(self.target, &self.verifier(), &self.id, &mut samples).await;
        self.samples = samples;
        outcome
    }

    /// The same gate for a release that was brought back.
    pub(super) async fn verify_restored(&mut self, good: &super::release::Deployed) -> Result<(), Halt> {
        let health = &self.plan.health;
        let streak = Streak {
            door: ProbeTarget::Front,
            deadline: health.deadline,
            interval: health.interval,
            old_is_fatal: false,
        };
        let mut samples = std::mem::take(&mut self.samples);
        let verifier = Verifier {
            restoring: true,
            ..self.verifier_of(&good.release, Some(&self.release))
        };
        let mut outcome = keep_asking(self.target, &verifier, &good.run, &streak, &mut samples).await;
        if outcome.is_ok() && !health.soak.is_zero() {
            outcome = keep_watching(self.target, &verifier, &good.run, &mut samples).await;
        }
        drop(verifier);
        self.samples = samples;
        outcome
    }
}

async fn keep_asking<T: RolloutTarget>(
    target: &T,
    verifier: &Verifier<'_>,
    run: &str,
    streak: &Streak,
    samples: &mut Vec<Sample>,
) -> Result<(), Halt> {
    let wanted = verifier.plan.successes;
    let end = Instant::now() + streak.deadline;
    let mut row = 0;
    let mut countdown = Countdown::begin();
    loop {
        let sample = take(target, verifier, streak.door, samples).await?;
        // Others answer for an instance that has ended.
        if streak.door == ProbeTarget::Front
            && let Some(reason) = target.broken(run)
        {
            return Err(Halt::Failed(reason));
        }
        if verifier.counts(&sample) {
            row += 1;
            if row >= wanted {
                return Ok(());
            }
        } else {
            row = 0;
            still_there(target, verifier, run, streak.door).await?;
            countdown.tell(&sample, end, verifier.effects);
        }
        if streak.old_is_fatal && sample.answered == Answered::Old {
            return Err(Halt::Failed("the old version still answers after it was drained".to_owned()));
        }
        if Instant::now() >= end {
            let last = sample.error.map_or_else(String::new, |error| format!(": {error}"));
            return Err(Halt::Failed(format!(
                "{} did not answer well {wanted} times in a row within {} s{last}",
                sample.via,
                streak.deadline.as_secs_f64()
            )));
        }
        pause(streak.interval, verifier.effects).await?;
    }
}

/// The budgets of the soak, kept as it goes on so that what cannot end well ends early.
async fn keep_watching<T: RolloutTarget>(target: &T, verifier: &Verifier<'_>, run: &str, samples: &mut Vec<Sample>) -> Result<(), Halt> {
    let plan = verifier.plan;
    let from = samples.len();
    let end = Instant::now() + plan.soak;
    let expected = (plan.soak.as_secs_f64() / plan.interval.as_secs_f64().max(0.001)).max(1.0);
    let mut bad = 0u32;
    loop {
        let sample = take(target, verifier, ProbeTarget::Front, samples).await?;
        // A sample that counts where each one is told by what runs has looked already.
        if !(verifier.by_observation && verifier.counts(&sample)) {
            still_there(target, verifier, run, ProbeTarget::Front).await?;
        }
        if let Some(reason) = target.broken(run) {
            return Err(Halt::Failed(reason));
        }
        if sample.answered == Answered::Old {
            return Err(Halt::Failed("the old version answered during the soak".to_owned()));
        }
        if !verifier.counts(&sample) {
            bad += 1;
            if f64::from(bad) > plan.max_error_rate * expected {
                let last = sample.error.map_or_else(String::new, |error| format!("; the last one: {error}"));
                return Err(Halt::Failed(format!(
                    "{bad} of {} samples failed during the soak, and the budget is {}{last}",
                    samples.len() - from,
                    plan.max_error_rate
                )));
            }
        }
        if Instant::now() >= end {
            break;
        }
        pause(plan.interval.min(end.saturating_duration_since(Instant::now())), verifier.effects).await?;
    }
    within_latency(plan.max_p95_ms, &samples[from..])
}

fn within_latency(limit: Option<f64>, samples: &[Sample]) -> Result<(), Halt> {
    let Some(limit) = limit else { return Ok(()) };
    let mut times: Vec<f64> = samples.iter().map(|sample| sample.latency_ms).collect();
    times.sort_by(f64::total_cmp);
    let at = (times.len() * 95).div_ceil(100).saturating_sub(1);
    match times.get(at) {
        Some(p95) if *p95 > limit => Err(Halt::Failed(format!(
            "the 95th percentile of latency in the soak was {p95} ms, and the limit is {limit} ms"
        ))),
        _ => Ok(()),
    }
}

pub(super) async fn take<T: RolloutTarget>(
    target: &T,
    verifier: &Verifier<'_>,
    door: ProbeTarget,
    samples: &mut Vec<Sample>,
) -> Result<Sample, Halt> {
    if verifier.effects.is_cancelled() {
        return Err(Halt::Cancelled);
    }
    let mut sample = verifier.probe(door).await;
    if verifier.by_observation && sample.healthy && door == ProbeTarget::Front {
        match target.observe().await {
            Ok(observed) => {
                let digests: Vec<Digest> = observed.instances.iter().map(|running| running.deployed.release.digest).collect();
                verifier.judge(&mut sample, &digests);
            }
            Err(TargetError::Cancelled) => return Err(Halt::Cancelled),
            // A failed reading is unknown.
            Err(error) => verifier.misjudge(&mut sample, &chain(&error)),
        }
    }
    let recorded = verifier.recorded(&sample);
    verifier.effects.emit(&Event::Probed { sample: recorded.clone() });
    samples.push(recorded);
    Ok(sample)
}

/// Says why it is still waited, and for how long it will be: first after two seconds, then every five.
struct Countdown {
    next: Instant,
}

impl Countdown {
    fn begin() -> Self {
        Self {
            next: Instant::now() + Duration::from_secs(2),
        }
    }

    fn tell(&mut self, sample: &Sample, end: Instant, effects: &Effects) {
        let now = Instant::now();
        if now < self.next {
            return;
        }
        self.next = now + Duration::from_secs(5);
        let left = end.saturating_duration_since(now).as_secs();
        let error = sample.error.as_deref().unwrap_or("not healthy");
        effects.note(Stage::Rollout, format!("{}: {error}; {left} s left", sample.via));
    }
}

/// Fails when the run's instance is gone, or somebody else's is in front. A target that cannot be asked for a moment is no failure:
/// the probes and the deadline decide.
pub(super) async fn still_there<T: RolloutTarget>(target: &T, verifier: &Verifier<'_>, run: &str, door: ProbeTarget) -> Result<(), Halt> {
    let seen = match door {
        ProbeTarget::Front => target.tend().await,
        ProbeTarget::Instance(_) => Ok(()),
    };
    let observed = match (seen, target.observe().await) {
        (Ok(()), Ok(observed)) => observed,
        (Err(TargetError::Superseded(by)), _) | (_, Err(TargetError::Superseded(by))) => return Err(Halt::Superseded(by)),
        (Err(TargetError::Cancelled), _) | (_, Err(TargetError::Cancelled)) => return Err(Halt::Cancelled),
        (Err(_), _) | (_, Err(_)) => return Ok(()),
    };
    if door == ProbeTarget::Front
        && let Some(front) = &observed.front
        && front.run != run
        && !(target.capabilities().fused_shift && verifier.old.as_ref().is_some_and(|old| old.digest == front.release.digest))
    {
        return Err(Halt::Superseded(format!(
            "run {} of {} was put in front meanwhile",
            front.run,
            front.release.shown()
        )));
    }
    if target.capabilities().probes_instances && !observed.runs(run) {
        return Err(Halt::Failed(target.post_mortem(run)));
    }
    Ok(())
}

pub(super) async fn pause(length: Duration, effects: &Effects) -> Result<(), Halt> {
    let end = Instant::now() + length;
    loop {
        if effects.is_cancelled() {
            return Err(Halt::Cancelled);
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        tokio::time::sleep(left.min(SLICE)).await;
    }
}
