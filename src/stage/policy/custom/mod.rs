//! An organisation's own rules: CEL expressions over the documented evidence.
//!
//! Takes `[[custom]]` of the policy document. Gives findings of `custom/<name>`. Invariant: a rule that fails, or takes too long, is a gap that
//! is always denied; never "no findings".

mod check;
mod each;
mod expression;
mod item;
mod rule;
mod view;

pub(crate) use check::check;
pub(crate) use each::Each;
pub(crate) use rule::{CustomRule, validate};
