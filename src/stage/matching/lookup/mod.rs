//! Components looked up in open feeds.

pub(super) mod component;
pub(super) mod evaluate;
pub(super) mod matcher;
mod merge;
pub(super) mod moving_tag;
mod names;
mod not_applicable;
mod red_hat;
pub(super) mod release;
pub(super) mod rpm_module;
mod ubuntu_pro;
mod young;
