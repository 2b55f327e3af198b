//! How far a layer is: told to whoever watches the run, which may stop it.

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::io::Effects;
use crate::model::event::{Event, Stage, Unit};

/// One layer on its way.
pub(in crate::stage::inventory) struct Progress<'p> {
    effects: &'p Effects,
    /// What it is called on the screen.
    task: String,
    /// Bytes as stored.
    total: u64,
    passed: AtomicU64,
    /// Set when another layer failed.
    stop: Option<&'p AtomicBool>,
}

impl<'p> Progress<'p> {
    pub(in crate::stage::inventory) fn new(effects: &'p Effects, task: String, total: u64, stop: Option<&'p AtomicBool>) -> Self {
        Self {
            effects,
            task,
            total,
            passed: AtomicU64::new(0),
            stop,
        }
    }

    /// The blob, counted as it is read.
    pub(in crate::stage::inventory) fn count<R>(&self, blob: R) -> Counted<'_, R> {
        Counted {
            inner: blob,
            passed: &self.passed,
        }
    }

    /// Tells how far it is, and hears whether to go on.
    pub(in crate::stage::inventory) fn pulse(&self) -> ControlFlow<()> {
        self.effects.emit(&Event::Progress {
            stage: Stage::Inventory,
            task: self.task.clone(),
            done: self.passed.load(Ordering::Relaxed),
            total: Some(self.total),
            unit: Unit::Bytes,
        });
        if self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed)) || self.effects.is_cancelled() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

/// A blob that counts what is read of it.
pub(in crate::stage::inventory) struct Counted<'c, R> {
    inner: R,
    passed: &'c AtomicU64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.passed.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
