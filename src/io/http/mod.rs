//! HTTP as a client: conditional, resumable, retried a bounded number of times. Proxies come from the usual variables.
//!
//! Takes URLs. Gives bytes, a file, or an error that tells an unreachable service from one that says no.
//! Invariant: no file under its final name is ever half downloaded; no credentials in any message.

mod answer;
mod client;
mod download;
mod error;
mod own_origin;
mod redirects;
mod roots;
mod tries;

pub use crate::io::patience::Patience;
pub use answer::{Fetched, Validators};
pub use client::{Http, ReadIfChanged};
pub use error::HttpError;
pub use own_origin::OwnOrigin;
pub(in crate::io) use redirects::refusal;
pub(in crate::io) use roots::{is_distrust, tls_config};
pub use tries::{Passing, tried};
