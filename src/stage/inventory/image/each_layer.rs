//! Several layers at a time, one on each core.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use crate::stage::inventory::error::InventoryError;

/// Does something for each item on all cores; sets `stop` at the first failure, so that the others end, and then fails with it.
pub(in crate::stage::inventory) fn each<T: Sync, R: Send>(
    items: &[T],
    stop: &AtomicBool,
    work: &(dyn Fn(&T) -> Result<R, InventoryError> + Sync),
) -> Result<Vec<R>, InventoryError> {
    let one = |item: &T| {
        if stop.load(Ordering::Relaxed) {
            return Err(InventoryError::Interrupted);
        }
        let result = work(item);
        stop.fetch_or(result.is_err(), Ordering::Relaxed);
        result
    };
    // Each by itself: a layer is work for seconds, and the longest should not wait behind others.
    let results: Vec<Result<R, InventoryError>> = items.par_iter().with_max_len(1).map(one).collect();
    let mut found = Vec::with_capacity(items.len());
    let mut interruption = None;
    for result in results {
        match result {
            Ok(result) => found.push(result),
            // Whoever was stopped was stopped because of another one's failure.
            Err(error) if error.is_interruption() => interruption = Some(error),
            Err(error) => return Err(error),
        }
    }
    interruption.map_or(Ok(found), Err)
}
