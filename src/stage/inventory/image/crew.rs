//! Several layers at a time, one on each core.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::stage::inventory::error::InventoryError;

/// Does something for each item on all cores, in the order given; sets `stop` at the first failure, and then fails with it.
pub(in crate::stage::inventory) fn each<T: Sync, R: Send>(
    items: &[T],
    stop: &AtomicBool,
    work: &(dyn Fn(&T) -> Result<R, InventoryError> + Sync),
) -> Result<Vec<R>, InventoryError> {
    let hands = thread::available_parallelism().map_or(1, usize::from).min(items.len());
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<Option<Result<R, InventoryError>>>> = Mutex::new(items.iter().map(|_| None).collect());
    thread::scope(|scope| {
        for _ in 0..hands {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(at) else { break };
                    let result = work(item);
                    stop.fetch_or(result.is_err(), Ordering::Relaxed);
                    results.lock().unwrap_or_else(PoisonError::into_inner)[at] = Some(result);
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
        }
    });
    let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut found = Vec::with_capacity(items.len());
    let mut stopped = false;
    for result in results {
        match result {
            Some(Ok(result)) => found.push(result),
            // Whoever was stopped was stopped because of another one's failure.
            Some(Err(error)) if !error.is_interruption() => return Err(error),
            _ => stopped = true,
        }
    }
    if stopped { Err(InventoryError::Interrupted) } else { Ok(found) }
}
