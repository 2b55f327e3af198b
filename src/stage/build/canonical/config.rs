//! The image's configuration in one form: what the image runs, what its steps were, no identity of the machine that built it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::made::is_made;
use super::settings::{Canonical, document};
use crate::model::digest::Digest;
use crate::stage::build::BuildError;

/// What of `config` decides how the image runs. The rest is of the container that it was committed from, such as a host name.
/// Source: the OCI image specification, "Image Configuration", and Docker's of version 1.2, whose health checks OCI has not.
const KEPT: [&str; 15] = [
    "ArgsEscaped",
    "Cmd",
    "Entrypoint",
    "Env",
    "ExposedPorts",
    "Healthcheck",
    "Labels",
    "OnBuild",
    "Shell",
    "StopSignal",
    "StopTimeout",
    "User",
    "Volumes",
    "WorkingDir",
    "MacAddress",
];

/// The configuration's bytes, with the digests of the layers as they are now.
pub(super) fn configuration(from: &[u8], diff_ids: &[Digest], canonical: &Canonical) -> Result<Vec<u8>, BuildError> {
    let from = document(from)?;
    let created = Timestamp::from_second(canonical.epoch).unwrap_or(Timestamp::UNIX_EPOCH).to_string();
    let mut config = Map::new();
    for key in ["architecture", "os", "variant", "os.version", "os.features", "author"] {
        config.extend(filled(&from, key).map(|value| (key.to_owned(), value)));
    }
    config.insert("created".to_owned(), json!(created));
    config.insert("config".to_owned(), running(from.get("config"), &canonical.labels));
    config.insert("rootfs".to_owned(), json!({"type": "layers", "diff_ids": diff_ids}));
    let steps = from.get("history").and_then(Value::as_array);
    let history: Vec<Value> = steps.into_iter().flatten().map(|step| history(step, &created, canonical)).collect();
    config.insert("history".to_owned(), Value::Array(history));
    Ok(Value::Object(config).to_string().into_bytes())
}

fn running(from: Option<&Value>, labels: &BTreeMap<String, String>) -> Value {
    let mut running: Map<String, Value> = KEPT
        .iter()
        .filter_map(|key| Some(((*key).to_owned(), filled(from?, key)?)))
        .collect();
    let all = running.entry("Labels").or_insert_with(|| json!({}));
    for (name, value) in labels {
        all[name] = json!(value);
    }
    Value::Object(running)
}

/// A value that says something: no null, no empty text, list or map, which some builders write and others leave out.
fn filled(from: &Value, key: &str) -> Option<Value> {
    let value = from.get(key)?;
    let is_empty = match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    };
    (!is_empty).then(|| value.clone())
}

/// A step: one of the base's as it is, one of the build's with the commit's time.
fn history(step: &Value, created: &str, canonical: &Canonical) -> Value {
    if !is_made(step, canonical) {
        return step.clone();
    }
    let mut said: Map<String, Value> = ["author", "comment", "empty_layer"]
        .iter()
        .filter_map(|key| Some(((*key).to_owned(), filled(step, key)?)))
        .collect();
    // buildah names the base there by whatever name its storage knows that digest: the machine's, not the image's.
    said.retain(|key, value| key != "comment" || !value.as_str().is_some_and(|comment| comment.starts_with("FROM ")));
    let made_by = step.get("created_by").and_then(Value::as_str).unwrap_or_default();
    said.insert("created_by".to_owned(), json!(without_digest(made_by)));
    said.insert("created".to_owned(), json!(created));
    Value::Object(said)
}

/// buildah names what it copied by a digest that hangs on the time of day: `COPY dir:4779… in /srv` is `COPY dir in /srv`.
fn without_digest(step: &str) -> String {
    let mut words: Vec<&str> = step.split(' ').collect();
    for word in &mut words {
        if let Some((what @ ("file" | "dir" | "multi"), digest)) = word.split_once(':')
            && digest.len() == 64
            && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
        {
            *word = what;
        }
    }
    words.join(" ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_machine_is_left_and_all_of_the_image_is() {
        let from = json!({
            "container": "8cd7", "container_config": {"Hostname": "3a88c7758a54"}, "docker_version": "26", "id": "1",
            "architecture": "amd64", "os": "linux", "created": "2026-11-28T14:53:12Z",
            "config": {
                "Hostname": "3a88c7758a54", "Image": "", "AttachStdin": false, "Entrypoint": [], "Cmd": ["sh"], "User": "1000",
                "Healthcheck": {"Test": ["CMD", "true"]}, "Volumes": {}, "Labels": {"a": "b"}, "Env": ["PATH=/bin"],
            },
            "history": [
                {"created": "2020-01-01T00:00:00Z", "created_by": "base", "odd": 1},
                {"created": "2026-11-28T14:53:12Z", "created_by": format!("/bin/sh -c #(nop) COPY dir:{} in /srv ", "a".repeat(64)),
                 "comment": "FROM 127.0.0.1:5000/node-base:1"},
                {"created": "2026-11-28T14:53:13Z", "created_by": "CMD [\"sh\"]", "comment": "buildkit.dockerfile.v0", "empty_layer": true},
            ],
        });
        let canonical = Canonical {
            epoch: 1_700_000_000,
            begun: "2026-11-28T14:00:00Z".parse().expect("a time"),
            ended: "2026-11-28T16:00:00Z".parse().expect("a time"),
            labels: BTreeMap::from([("revision".to_owned(), "1".to_owned())]),
            leaks: super::super::leak::Leaks::of(&[], &[]).expect("nothing"),
        };
        let bytes = configuration(from.to_string().as_bytes(), &[], &canonical).expect("written");
        let config: Value = serde_json::from_slice(&bytes).expect("JSON");
        let wanted = json!({
            "architecture": "amd64", "os": "linux", "created": "2023-11-14T22:13:20Z",
            "config": {
                "Cmd": ["sh"], "User": "1000", "Healthcheck": {"Test": ["CMD", "true"]}, "Env": ["PATH=/bin"],
                "Labels": {"a": "b", "revision": "1"},
            },
            "rootfs": {"type": "layers", "diff_ids": []},
            "history": [
                {"created": "2020-01-01T00:00:00Z", "created_by": "base", "odd": 1},
                {"created": "2023-11-14T22:13:20Z", "created_by": "/bin/sh -c #(nop) COPY dir in /srv"},
                {"created": "2023-11-14T22:13:20Z", "created_by": "CMD [\"sh\"]", "comment": "buildkit.dockerfile.v0", "empty_layer": true},
            ],
        });
        assert_eq!(config, wanted);
    }
}
