//! What a run is to do: configuration and flags resolved, nothing left to look up. `cli` makes plans, stages carry them out.

mod build;
mod canary;
mod feeds;
mod native;
mod publish;
mod rollout;

pub use build::{BuildPlan, BuildSecret, Builder, DockerfileBuild, DockerfileBuilder};
pub use canary::{CanaryPlan, MetricPlan, Sticky};
pub use feeds::{CratesIndexSource, FeedsPlan, NpmRegistrySource};
pub use native::{CargoCommand, HealthCheck, ImageSettings, Link, NativeBuild, PlacedFiles, ProgramName};
pub use publish::{Destination, KeySource, Keyless, KeylessServices, PublishPlan, SignerIdentity};
pub use rollout::{
    AccessLog, CaddyPlan, CommandPlan, ComposePlan, FrontPlan, HealthPlan, KubernetesPlan, NginxPlan, ProbePlan, ProcessPlan, Protocol,
    RolloutPlan, SwarmPlan, SwitchFrontPlan, TargetPlan, TraefikPlan, VersionAssertion, Waits, WorkloadKind,
};
