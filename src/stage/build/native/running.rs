//! How the image is run and what it says of itself.

use std::collections::BTreeMap;

use super::created::created;
use super::project::Project;
use super::target::Target;
use super::{origin, rootfs};
use crate::model::plan::{BuildPlan, NativeBuild};
use crate::stage::build::assembly::{Base, Settings};

/// The settings of one platform's image.
pub(super) fn settings(plan: &BuildPlan, build: &NativeBuild, project: &Project, target: &Target, base: Option<&Base>) -> Settings {
    let image = &build.image;
    let mut labels = origin::labels(plan, project);
    let mut env: Vec<(String, String)> = Vec::new();
    env.extend(plan.port.map(|port| ("PORT".to_owned(), port.to_string())));
    match base {
        Some(base) => {
            let digest = ("org.opencontainers.image.base.digest".to_owned(), base.digest.to_string());
            labels.extend([digest]);
        }
        None => env.extend([
            ("PATH".to_owned(), "/app".to_owned()),
            ("SSL_CERT_FILE".to_owned(), rootfs::CERTIFICATES.to_owned()),
        ]),
    }
    labels.extend(image.labels.clone());
    Settings {
        platform: target.platform(),
        created: created(plan),
        user: image.user.clone(),
        default_user: rootfs::USER.to_owned(),
        entrypoint: vec![format!("/app/{}", project.entrypoint)],
        cmd: image.cmd.clone(),
        workdir: image.workdir.clone().unwrap_or_else(|| "/".to_owned()),
        env: over(env, &image.env),
        port: plan.port,
        labels,
        health: image.healthcheck.clone(),
    }
}

/// Variables, those that are asked for over the builder's own.
fn over(mut env: Vec<(String, String)>, asked: &BTreeMap<String, String>) -> Vec<(String, String)> {
    env.retain(|(name, _)| !asked.contains_key(name));
    env.extend(asked.iter().map(|(name, value)| (name.clone(), value.clone())));
    env
}
