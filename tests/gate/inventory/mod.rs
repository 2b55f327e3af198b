//! What is in an image, a tree or an SBOM.

mod cached_layers;
mod cases;
mod catalogers;
mod crate_licenses;
mod documents_go;
mod exclusions;
mod gaps;
mod go;
mod go_workspaces;
mod hostile;
mod java;
mod links;
mod package_managers;
mod peers;
mod programs;
mod rpm;
mod sbom;
mod sbom_attacks;
mod sbom_peers;
mod scopes;
mod sources;
mod tar_readers;
mod uv_scopes;
