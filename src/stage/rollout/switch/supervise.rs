//! Starts the instance in front again when it has died and no deployer is at work.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

use super::message::{Backend, Routes};
use super::plan::SwitchPlan;
use super::table::Table;
use crate::io::{Effects, daemon};
use crate::model::error_chain::chain;
use crate::model::event::Stage;
use crate::stage::rollout::lock::{self, Acquired, Lock};
use crate::stage::rollout::process::instance::Instances;
use crate::stage::rollout::target::TargetError;

/// How often is looked.
const LOOK: Duration = Duration::from_millis(250);
/// The first pause before a restart; doubled with each one that did not last.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// An instance that has lived this long is not the one that keeps dying.
const LASTED: Duration = Duration::from_secs(60);
/// The name by which the lock tells who holds it.
const HOLDER: &str = "restart-by-the-switch";

/// Watches until the switch ends.
pub(super) async fn supervise(plan: SwitchPlan, table: Arc<Table>, effects: Effects) {
    let instances = Instances::new(&plan.state);
    let mut pause = FIRST_PAUSE;
    let mut started = Instant::now();
    let mut known = None;
    let mut blind = false;
    loop {
        tokio::time::sleep(LOOK).await;
        if table.closing.load(Ordering::Relaxed) {
            return;
        }
        let (Routes { front: Some(front), .. }, _) = table.snapshot() else {
            continue;
        };
        // In front of containers, which their engine starts again.
        if !instances.has_any() {
            continue;
        }
        let alive = match lives(&instances, &front, &mut known) {
            Ok(alive) => alive,
            // What cannot be seen may well run: a second one beside it would be worse.
            Err(error) => {
                tell_once(&mut blind, &effects, &chain(&error));
                continue;
            }
        };
        if alive {
            if started.elapsed() > LASTED {
                pause = FIRST_PAUSE;
            }
            continue;
        }
        // A deployer that is at work sees it too, and decides.
        match lock::current(&plan.state) {
            Ok(None) => {}
            Ok(Some(_)) => continue,
            Err(error) => {
                tell_once(&mut blind, &effects, &chain(&error));
                continue;
            }
        }
        blind = false;
        effects.warn(
            Stage::Rollout,
            format!(
                "{}; it is started again in {} ms",
                instances.post_mortem(&front.run),
                pause.as_millis()
            ),
        );
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
        started = Instant::now();
        if let Err(trouble) = restart(&plan, &table, &instances, &front, &effects).await {
            effects.warn(Stage::Rollout, trouble);
        }
    }
}

fn tell_once(told: &mut bool, effects: &Effects, trouble: &str) {
    if !std::mem::replace(told, true) {
        effects.warn(Stage::Rollout, format!("whether the service runs cannot be seen: {trouble}"));
    }
}

/// Looks at one process where its id is known, and at all of them otherwise.
fn lives(instances: &Instances, front: &Backend, known: &mut Option<(Backend, u32)>) -> Result<bool, TargetError> {
    if let Some((backend, pid)) = known
        && backend == front
        && daemon::inspect(*pid).is_some()
    {
        return Ok(true);
    }
    let found = instances.running()?.into_iter().find(|running| running.deployed.run == front.run);
    *known = found.map(|running| (front.clone(), running.pid));
    Ok(known.is_some())
}

async fn restart(plan: &SwitchPlan, table: &Table, instances: &Instances, front: &Backend, effects: &Effects) -> Result<(), String> {
    let lock = match Lock::acquire(&plan.state, HOLDER, Duration::ZERO, effects).await {
        Ok(Acquired::Ours(lock)) => lock,
        Ok(Acquired::Theirs(_)) => return Ok(()),
        Err(error) => return Err(chain(&error)),
    };
    let (routes, _) = table.snapshot();
    let running = instances.running().map_err(|error| chain(&error))?;
    if routes.front.as_ref() != Some(front) || running.iter().any(|running| running.deployed.run == front.run) {
        return Ok(());
    }
    let start = instances
        .start_of(&front.run)
        .map_err(|error| chain(&error))?
        .ok_or_else(|| format!("how run {} was started is not known any more", front.run))?;
    let running = instances.start(&start).map_err(|error| chain(&error))?;
    let routes = Routes {
        token: lock.token(),
        front: Some(Backend {
            address: running.address,
            ..front.clone()
        }),
        ..routes
    };
    table.restarts.fetch_add(1, Ordering::Relaxed);
    match table.swap(routes).map_err(|error| chain(&error))? {
        None => Ok(()),
        Some(token) => Err(format!("another deployer (token {token}) gives the orders now")),
    }
}
