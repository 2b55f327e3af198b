//! Portcullis: the gate between a commit and production. One digest, one verdict, fail closed.
//!
//! # One run
//!
//! The folders below [`stage`] are the pipeline in its order. What one stage gives, the next takes, and only [`gate`] sees them all:
//!
//! | stage | takes | gives |
//! |---|---|---|
//! | [`stage::build`] | a [`BuildPlan`](model::plan::BuildPlan) with the [`Commit`](model::commit::Commit) | a [`BuiltImage`](model::image::BuiltImage), with the digest that it computed itself |
//! | [`stage::inventory`] | an image, a source tree or an SBOM | an [`Inventory`](model::inventory::Inventory): components, facts, and as gaps what could not be seen |
//! | [`stage::matching`] | an inventory and feeds | a [`Matching`](model::matching::Matching): which advisories hold which components, and by which range |
//! | [`stage::policy`] | both, and what is known of the run | a [`Verdict`](model::verdict::Verdict); for a cleared one also [`Cleared`](stage::policy::Cleared) |
//! | [`stage::publish`] | [`Cleared`](stage::policy::Cleared) | [`Attested`](stage::publish::Attested): the same digest, pushed, tagged and signed |
//! | [`stage::rollout`] | [`Attested`](stage::publish::Attested) | a [`RolloutReport`](model::outcome::RolloutReport) of what was observed |
//!
//! `Cleared` and `Attested` have private fields, so that to skip the gate by accident does not compile: [`clear`](stage::policy::clearance::clear) alone
//! makes the one, publishing and verifying make the other. The one way around is [`unverified`](stage::publish::Attested::unverified), which keeps the
//! reason that a person gave.
//!
//! # A verdict, without I/O
//!
//! What was not seen is not "no findings":
//!
//! ```
//! use portcullis::model::context::Context;
//! use portcullis::model::coverage::{Gap, GapKind};
//! use portcullis::model::inventory::{Inventory, Location, Subject};
//! use portcullis::model::matching::Matching;
//! use portcullis::model::verdict::Decision;
//! use portcullis::stage::policy::document::EMBEDDED;
//! use portcullis::stage::policy::{self, Evidence, Policy, Waivers};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let policy = Policy::from_text("embedded:gate.toml", EMBEDDED)?;
//! let mut inventory = Inventory::new(Subject {
//!     name: "api".to_owned(),
//!     digest: None,
//!     commit: None,
//! });
//! inventory.gaps.push(Gap {
//!     kind: GapKind::LimitReached,
//!     subject: "dpkg".to_owned(),
//!     detail: "a paragraph at offset 512 is longer than 16 MB".to_owned(),
//!     location: Some(Location::path("/var/lib/dpkg/status")),
//! });
//! let verdict = policy::judge(
//!     &policy,
//!     &Waivers::default(),
//!     &Evidence {
//!         inventory: &inventory,
//!         matching: &Matching::default(),
//!         context: &Context::default(),
//!         at: "2026-11-28T12:00:00Z".parse()?,
//!     },
//! );
//! assert_eq!(verdict.verdict, Decision::Undecidable);
//! # Ok(())
//! # }
//! ```
//!
//! # Where to look
//!
//! - What the nouns mean: `src/GLOSSARY.md`; the nouns themselves: [`model`], which has no I/O, no clock and no environment.
//! - Effects behind small interfaces, and every limit: [`io`].
//! - What people and programs read: [`report`]; what a workflow run sees: [`github`].
//! - Arguments, configuration, exit codes: [`cli`].
//! - How to add a cataloger, a rule, a target or a feed: `CONTRIBUTING.md`.
//! - Who may import whom: `tests/tidy.rs`.

pub mod cli;
pub mod gate;
pub mod github;
pub mod io;
pub mod model;
pub mod report;
pub mod stage;
