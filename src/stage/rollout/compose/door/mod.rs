//! What stands in front of the instances: nginx, Caddy, Traefik, our own switch, or nothing where an instance publishes its port itself.

mod caddy;
mod front_door;
mod leads;
mod nginx;
mod own;
mod own_file;
mod traefik;
mod workers;

pub(super) use front_door::Door;
pub(super) use leads::{Leads, Led};
pub(super) use own::OwnSwitch;
