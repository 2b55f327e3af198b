//! RPM's package database, in each of its three forms: sqlite, ndb, and Berkeley DB's hash tables.
//!
//! Source: rpm's `lib/backend`. Each form holds the same header blobs ([`header`]). Purls have no namespace and components no ecosystem:
//! these follow from the system's release.

mod bdb;
mod blobs;
mod cataloger;
mod header;
mod ndb;
mod sqlite;

#[cfg(test)]
mod tests;

pub use cataloger::Rpm;
