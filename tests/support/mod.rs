//! What integration tests share.

mod at_a_desk;
pub(crate) mod browser;
pub(crate) mod checkout;
pub(crate) mod debs;
pub(crate) mod dockerfiles;
pub(crate) mod engines;
pub(crate) mod faults;
pub(crate) mod files_server;
pub(crate) mod github_api;
#[expect(unreachable_pub, reason = "shared with the fuzz targets")]
pub(crate) mod go_tar;
pub(crate) mod hostile;
pub(crate) mod images;
#[expect(unreachable_pub, reason = "shared with the unit tests")]
pub(crate) mod layer;
pub(crate) mod layered;
#[expect(unreachable_pub, reason = "shared with the fuzz targets")]
pub(crate) mod mutated_tars;
pub(crate) mod outcomes;
#[expect(unreachable_pub, reason = "shared with the fuzz targets")]
pub(crate) mod peer;
pub(crate) mod ports;
pub(crate) mod publishing;
pub(crate) mod quirks;
pub(crate) mod registry;
pub(crate) mod rootfs;
pub(crate) mod sample;
#[cfg(feature = "keyless")]
pub(crate) mod sigstore;
#[cfg(feature = "keyless")]
pub(crate) mod sigstore_by_hand;
#[cfg(feature = "keyless")]
mod sigstore_parts;
pub(crate) mod tls;
pub(crate) mod tools;

pub(crate) use at_a_desk::portcullis;
