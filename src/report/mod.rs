//! What people and programs read.
//!
//! Takes events and an [`Outcome`](crate::model::outcome::Outcome). Gives text and the bytes of files; writes nothing itself but progress.
//! Invariant: nothing vanishes (what a report leaves out for brevity it counts and names the file of), and no control character of
//! foreign text reaches a screen, a workflow command or a page.

mod answer;
mod canary;
pub mod closing;
pub mod code_quality;
pub mod csv;
pub mod difference;
pub mod exit;
mod files;
mod fingerprint;
mod form;
pub mod gitlab;
mod group;
pub mod html;
pub mod human;
pub mod json;
pub mod junit;
pub mod progress;
pub mod quantity;
mod reporter;
pub mod rollout_plan;
pub mod sarif;
pub mod source_location;
pub mod style;
pub mod summary;
pub mod text;
pub mod vex;
mod xml;

pub use files::files;
pub use form::Form;
pub use group::message;
pub use human::human;
pub use reporter::Reporter;
pub use style::Style;

/// Every reporter, in the order of their files' names.
pub const REPORTERS: &[&dyn Reporter] = &[
    &json::Findings,
    &sarif::Sarif,
    &html::Html,
    &json::Rollout,
    &summary::Summary,
    &json::VerdictFile,
    &vex::Vex,
];
