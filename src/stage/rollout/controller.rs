//! A service whose instances an orchestrator's controller makes from a template: how a run's template is put there and back, and what is remembered
//! of the run meanwhile.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::carried_state::Carried;
use super::holder::Holder;
use super::journal_place::JournalPlace;
use super::lease::{Claimed, Lease, LeaseError, LeaseStore};
use super::release::Deployed;
use super::target::TargetError;
use super::templates::{Begun, Book, Known};
use crate::io::Effects;
use crate::model::error_chain::chain;
use crate::model::event::Stage;

/// Writes that lose against another writer (an autoscaler, the controller itself) before it is given up.
pub(super) const TRIES: usize = 20;

/// Which way a template goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Forward,
    /// To what was there: nothing that can be done without may end it.
    Back,
}

/// What makes instances from a template.
pub(super) trait Controller: Sync {
    /// As it was read. A write is guarded by its version.
    type Read: Send + Sync;

    /// Its name, for people.
    fn shown(&self) -> String;

    fn book(&self) -> &Book;

    fn read(&self) -> impl Future<Output = Result<Self::Read, TargetError>> + Send;

    fn template(read: &Self::Read) -> &Value;

    /// That somebody else changed the template.
    fn foreign(&self, read: &Self::Read) -> TargetError;

    /// What answers alone now.
    fn front(&self, read: &Self::Read) -> impl Future<Output = Result<Option<Deployed>, TargetError>> + Send;

    /// The template with the image of a release, and whose it is.
    fn with_release(&self, read: &Self::Read, deployed: &Deployed, token: u64) -> Result<Value, TargetError>;

    /// Puts a template in place of the one that was read. Gives it as it is there now, or `None` when somebody wrote meanwhile.
    fn write(&self, read: &Self::Read, template: &Value, way: Way) -> impl Future<Output = Result<Option<Value>, TargetError>> + Send;

    /// The template with the release's image, once for each run.
    fn put_new(&self, deployed: &Deployed, token: u64) -> impl Future<Output = Result<Known, TargetError>> + Send {
        async move {
            for _ in 0..TRIES {
                let read = self.read().await?;
                let now = Self::template(&read);
                match self.book().begun(deployed, now)? {
                    Begun::There(known) => return Ok(*known),
                    Begun::Foreign => return Err(self.foreign(&read)),
                    Begun::NotYet => {}
                }
                let template = self.with_release(&read, deployed, token)?;
                let found = self.front(&read).await?;
                let mut new = self.book().begin(deployed, template, now, found)?;
                if let Some(applied) = self.write(&read, &new.template, Way::Forward).await? {
                    new.applied = Some(applied);
                    self.book().remember([new.clone()])?;
                    return Ok(new);
                }
            }
            Err(busy(&self.shown()))
        }
    }

    /// A template that was there before, where what is there now came from here.
    fn put_back(&self, known: &Known) -> impl Future<Output = Result<(), TargetError>> + Send {
        async move {
            for _ in 0..TRIES {
                let read = self.read().await?;
                let now = Self::template(&read);
                if known.is(now) {
                    return Ok(());
                }
                if !self.book().has(now)? {
                    return Err(self.foreign(&read));
                }
                let template = known.applied.as_ref().unwrap_or(&known.template);
                if self.write(&read, template, Way::Back).await?.is_some() {
                    return Ok(());
                }
            }
            Err(busy(&self.shown()))
        }
    }
}

/// What the target keeps of the state folder, as it was read or written last: whoever has written it since gives the orders.
#[derive(Debug, Default)]
pub(super) struct StateThere(Mutex<Option<String>>);

impl StateThere {
    /// Remembers what is there now.
    pub(super) fn is_now(&self, text: &str) {
        *locked(&self.0) = Some(text.to_owned());
    }

    /// Reads what is there of the service `of`; `forget` is the command that forgets it.
    pub(super) fn read(&self, text: &str, of: &str, (shown, forget): (&str, &str)) -> Result<Option<Carried>, TargetError> {
        let carried = Carried::unpacked(text, of).map_err(|error| {
            let what = format!("what {shown} keeps of earlier rollouts cannot be read (`{forget}` forgets it)");
            TargetError::caused(what, error)
        })?;
        self.is_now(text);
        Ok(carried.map(|carried| carried.read_at(JournalPlace::kept_by(shown, forget))))
    }

    /// Fails where what is there is neither what was read nor what was written from here.
    pub(super) fn undisturbed(&self, there: Option<&str>, shown: &str) -> Result<(), TargetError> {
        match there.is_some_and(|there| locked(&self.0).as_deref() != Some(there)) {
            true => Err(TargetError::Superseded(format!(
                "another deployer has written down a rollout of {shown} meanwhile"
            ))),
            false => Ok(()),
        }
    }
}

/// What the target keeps of the state folder ends no way back; forward it must be there.
pub(super) fn done_without(way: Way, error: TargetError, effects: &Effects) -> Result<(), TargetError> {
    let failure = error.failure().filter(|_| way == Way::Back).ok_or(error)?;
    let told = "a deployer on another machine will not know of the way back";
    effects.warn(Stage::Rollout, format!("{told}: {failure}"));
    Ok(())
}

pub(super) fn busy(shown: &str) -> TargetError {
    TargetError::Failed(format!("{shown} was written by others {TRIES} times in a row"))
}

/// What is remembered of the run that is under way. `Up` is what the instances were when they had come up.
pub(super) struct UnderWay<S: LeaseStore, Up> {
    lease: Mutex<Option<Lease<S>>>,
    staged: Mutex<Option<Deployed>>,
    /// The template that must be there from now on, since it was put there from here.
    ours: Mutex<Option<Known>>,
    came_up: Mutex<Option<(String, Up)>>,
    /// What was seen to have gone wrong with a run since.
    fell: Mutex<Option<(String, String)>>,
}

impl<S: LeaseStore, Up: Clone> UnderWay<S, Up> {
    pub(super) const fn new() -> Self {
        Self {
            lease: Mutex::new(None),
            staged: Mutex::new(None),
            ours: Mutex::new(None),
            came_up: Mutex::new(None),
            fell: Mutex::new(None),
        }
    }

    /// Takes the lease, or gives who has it.
    pub(super) async fn claim(
        &self,
        store: S,
        place: (&Path, &str),
        wait: Duration,
        effects: &Effects,
    ) -> Result<Option<Holder>, LeaseError<S::Error>> {
        match Lease::claim(store, place, wait, effects).await? {
            Claimed::Ours(lease) => {
                *locked(&self.lease) = Some(*lease);
                Ok(None)
            }
            Claimed::Theirs(holder) => Ok(Some(holder)),
        }
    }

    /// Gives the lease back.
    pub(super) async fn release(&self, effects: &Effects) {
        let lease = locked(&self.lease).take();
        if let Some(lease) = lease {
            let name = lease.name().to_owned();
            if let Err(error) = lease.release().await {
                let said = format!("the lease {name} could not be given back, and ends by itself: {}", chain(&error));
                effects.warn(Stage::Rollout, said);
            }
        }
    }

    pub(super) fn stage(&self, deployed: &Deployed) {
        *locked(&self.staged) = Some(deployed.clone());
    }

    pub(super) fn staged(&self, run: &str) -> Result<Deployed, TargetError> {
        let staged = locked(&self.staged).clone().filter(|staged| staged.run == run);
        staged.ok_or_else(|| TargetError::Failed(format!("run {run} has no release here")))
    }

    /// Says which template must be there from now on; none where it does not matter any more.
    pub(super) fn owns(&self, known: Option<Known>) {
        *locked(&self.ours) = known;
    }

    /// Fails when somebody else gives the orders now: by the lease, or with `foreign` by the template that is there.
    pub(super) fn undisturbed(&self, template: &Value, foreign: impl FnOnce() -> TargetError) -> Result<(), TargetError> {
        if let Some(lost) = locked(&self.lease).as_ref().filter(|lease| lease.is_lost()) {
            return Err(TargetError::Superseded(format!(
                "another deployer has taken the lease {}",
                lost.name()
            )));
        }
        match &*locked(&self.ours) {
            Some(ours) if !ours.is(template) => Err(foreign()),
            _ => Ok(()),
        }
    }

    pub(super) fn came_up(&self, run: &str, up: Up) {
        *locked(&self.came_up) = Some((run.to_owned(), up));
    }

    /// What a run's instances were when they had come up.
    pub(super) fn up(&self, run: &str) -> Option<Up> {
        let came_up = locked(&self.came_up);
        came_up.as_ref().filter(|(of, _)| of == run).map(|(_, up)| up.clone())
    }

    pub(super) fn fell(&self, run: &str, reason: String) {
        *locked(&self.fell) = Some((run.to_owned(), reason));
    }

    /// What has gone wrong with a run since it came up.
    pub(super) fn broken(&self, run: &str) -> Option<String> {
        let fell = locked(&self.fell);
        fell.as_ref().filter(|(of, _)| of == run).map(|(_, reason)| reason.clone())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
