//! Rollouts to a real Docker Engine with Compose, behind a real nginx, a real Caddy, a real Traefik and our own switch.

mod copied;
mod crashes;
mod deploys;
mod faults;
mod jobs;
mod rig;
mod traefik;

pub(super) use rig::{MARK, published, use_compose};
