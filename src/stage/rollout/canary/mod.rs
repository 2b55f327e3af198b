//! A canary: the new version gets a growing share of the requests, and each step must keep its budgets before the next one.
//!
//! `walk` is the part of the way forward between "healthy by its own address" and the shift; `meter` counts what the switch says of both versions between
//! two looks, `budget` judges it, `metric` asks Prometheus, `told` says it. What is not known when a step's time is over is never a pass.

mod budget;
mod meter;
mod metric;
mod told;
mod walk;

pub(super) use meter::status;
pub(super) use told::Outlook;
