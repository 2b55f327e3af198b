//! The integration tests, one module a stage, in one binary.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test ends at the first surprise, may start programs, and says why it was skipped"
)]

#[path = "../support/mod.rs"]
mod support;

mod action;
mod build;
mod build_base;
mod build_faults;
mod build_service;
mod cached_layers;
mod catalogers;
mod cli;
mod crate_licenses;
mod documents_go;
mod gaps;
mod github;
mod inventory_cases;
mod inventory_go;
mod inventory_hostile;
mod inventory_java;
mod inventory_links;
mod inventory_peers;
mod inventory_programs;
mod inventory_rpm;
mod inventory_scopes;
mod inventory_sources;
mod matching;
mod matching_bundle;
mod matching_case;
mod matching_changes;
mod matching_crates;
mod matching_dpkg;
mod matching_feeds;
mod matching_index;
mod matching_mirrors;
mod matching_npm;
mod matching_open;
mod matching_peers;
mod matching_requirements;
mod matching_transport;
mod matching_versions;
mod package_managers;
mod place;
mod policy;
mod policy_case;
mod policy_errors;
mod policy_generated;
mod policy_holes;
mod policy_questions;
mod policy_registry;
mod policy_verbs;
mod publish;
mod publish_faults;
mod publish_interop;
mod publish_registries;
mod publish_verify;
mod report;
mod rollout;
mod sbom;
mod sbom_peers;
mod tar_readers;
mod unhappy;
