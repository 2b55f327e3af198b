//! What tasks are made from: whose they are, and which image they run.

use serde_json::{Value, json};

use crate::model::digest::Digest;
use crate::model::excused::Excused as _;
use crate::stage::rollout::release::{Deployed, FOREIGN, Release};

pub(super) const RUN: &str = "portcullis.run";
const COMMIT: &str = "portcullis.commit";
const TOKEN: &str = "portcullis.token";

/// The run that a template or a task's specification names.
pub(super) fn run_of(template: &Value) -> &str {
    template["ContainerSpec"]["Labels"][RUN].as_str().unwrap_or(FOREIGN)
}

/// What a template or a task's specification runs.
///
/// # Errors
/// For a reference without a digest: which image a node takes for a tag is not known.
pub(super) fn deployed(template: &Value) -> Result<Deployed, String> {
    let image = template["ContainerSpec"]["Image"].as_str().unwrap_or("");
    let (name, digest) = image
        .split_once('@')
        .ok_or_else(|| format!("what runs is named by a tag alone, `{image}`: which image that is now nobody can tell"))?;
    let digest: Digest = digest.parse().map_err(|_| format!("`{image}` has a digest that is none"))?;
    let commit = template["ContainerSpec"]["Labels"][COMMIT]
        .as_str()
        .filter(|commit| !commit.is_empty());
    Ok(Deployed {
        run: run_of(template).to_owned(),
        release: Release {
            digest,
            commit: commit.map(ToOwned::to_owned),
            image: format!("registry:{}@{digest}", without_tag(name)),
        },
    })
}

/// `host:5000/name:tag` without its tag.
pub(super) fn without_tag(name: &str) -> &str {
    match name.rsplit_once(':') {
        Some((before, tag)) if !tag.contains('/') => before,
        _ => name,
    }
}

/// A template with another image, and whose it is.
pub(super) fn with_release(template: &Value, deployed: &Deployed, token: u64) -> Value {
    let mut template = template.clone();
    let release = &deployed.release;
    let container = &mut template["ContainerSpec"];
    container["Image"] = release.image.strip_prefix("registry:").unwrap_or(&release.image).into();
    if !container["Labels"].is_object() {
        container["Labels"] = json!({});
    }
    let labels = &mut container["Labels"];
    labels[RUN] = deployed.run.clone().into();
    labels[TOKEN] = token.to_string().into();
    labels[COMMIT] = release.commit.clone().unwrap_or_default().into();
    template
}

/// A length in nanoseconds, as the engine has it, in seconds.
pub(super) fn seconds(value: &Value) -> Option<f64> {
    value
        .as_u64()
        .map(|nanoseconds| std::time::Duration::from_nanos(nanoseconds).as_secs_f64())
}

/// The time of an update or a task, for what came after it.
pub(super) fn time(value: &Value) -> Option<jiff::Timestamp> {
    value.as_str()?.parse().or_none("a time that is none is no time")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_alone_names_no_image() {
        let named = |image: &str| deployed(&json!({"ContainerSpec": {"Image": image}}));
        let digest = format!("sha256:{}", "a".repeat(64));
        assert!(named("shop:1").expect_err("a tag").contains("by a tag alone"));
        assert!(named("shop@sha256:1").is_err());
        for image in ["127.0.0.1:5000/shop", "127.0.0.1:5000/shop:1.2"] {
            let found = named(&format!("{image}@{digest}")).expect("a digest");
            assert_eq!(found.release.image, format!("registry:127.0.0.1:5000/shop@{digest}"));
            assert_eq!(found.run, FOREIGN);
        }
    }
}
