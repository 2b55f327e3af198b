//! The `process` target: instances as local processes behind a switch of our own. For previews, tests and a bare machine.
//!
//! The image's root file system is unpacked by verified digest and its entry point is executed from there, as the user who runs the gate,
//! with the image's environment, the plan's and `PORT`. There is no chroot and no container: a static binary finds all that it needs, a
//! dynamic one uses the libraries of the machine, and an absolute path in an argument means the machine's. `PORTCULLIS_ROOT` names the root.
//!
//! Folder of the state: `journal.jsonl`, `lock`, `switch.json`, `control`, `control.key`, `switch.log`, `releases/<hex>[.n]/root`, `instances/<run>.{json,log}`.

mod fetch;
pub(super) mod front;
pub(super) mod instance;
mod layer_folder;
mod outline;
mod own_libraries;
mod path_in_root;
mod rootfs;
pub(super) mod store;
mod target;
mod tree;

pub(super) use target::ProcessTarget;
