//! Debian's package database: `var/lib/dpkg/status`, and `status.d/*` of images without a package manager.
//!
//! Source: deb-control(5), dpkg(1) "Package states". Purls have no namespace and components no ecosystem: these follow from the
//! operating system's release, which another file tells.

mod cataloger;
mod file_lists;
mod package;
mod paragraph;
mod relations;

pub use cataloger::Dpkg;
