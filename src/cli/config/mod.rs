//! `portcullis.toml`: what it may say. Parsed strictly; `wiring` turns it into plans.

mod build;
mod canary;
mod document;
mod native;
mod rollout;

pub use build::{Build, Network, Using};
pub use canary::{Canary, Prometheus, Sticky};
pub use document::{Config, Feeds, GitHub, Image, Inventory, PolicyFiles, PullEvent, Service, Sign, SignKeyless};
pub use native::{Cargo, Container, Files, HealthCheck, Link, Linker};
pub use rollout::{Front, FrontKind, Health, JsonEquals, Rollout, Target, Version, Waits};
