//! One function for each tool's file. What they say of expiry is their own: `created` and `expires` here are days that hold to their end.

mod cargo;
mod fields;
mod grype;
mod open_vex;
mod osv_scanner;
mod read;
mod trivy;

pub(super) use read::read;
