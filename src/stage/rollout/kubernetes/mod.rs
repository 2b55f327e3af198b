//! The `kubernetes` target: a Deployment or StatefulSet whose pod template is patched to the image by its digest.
//!
//! One patch, guarded by the resource version that was read, changes image and annotations of the template; the cluster's own controller replaces the
//! pods. What runs is told by the digests that the pods' containers have, and by the annotations that pods get from their template. The way back
//! is the whole template that was there. Nobody else may have changed it meanwhile: then nothing is restored.
//!
//! Folder of the state: `journal.jsonl`, `lock`, `kubernetes.json` (the templates). In the cluster: a Lease, so that of two machines one deploys.

mod api;
mod controller;
mod lease;
mod outline;
mod permissions;
mod pods;
mod rolled;
mod target;
mod workload;

pub(super) use controller::KubernetesTarget;
