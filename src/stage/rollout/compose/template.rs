//! From the service in the Compose file to what the engine is asked to create.
//!
//! Translating a Compose service by hand would be a second Compose. So Compose makes a container of it, under another service's name and without
//! starting it, and what the engine says of that container is the specification.

use serde_json::{Map, Value, json};

use super::containers::{COMMIT, Container, Containers, DIGEST, IMAGE, RUN};
use super::docker::Docker;
use super::rendered::Rendered;
use super::spec::Spec;
use crate::io::temporary;
use crate::stage::rollout::release::Deployed;
use crate::stage::rollout::target::TargetError;

/// What the engine says of a container and does not take back.
const SERVICE: &str = "com.docker.compose.service";

/// Makes the template of a run, reads it, removes it.
pub(super) async fn of(
    docker: &Docker,
    containers: &Containers,
    rendered: &Rendered,
    deployed: &Deployed,
    reference: &str,
    port: u16,
) -> Result<Spec, TargetError> {
    let service = name(&containers.service);
    let own = (service.as_str(), &rendered.service);
    let (made, seen) = made(docker, containers, rendered, own, reference).await?;
    let mut body = body(&seen, &[&service, &made.name], &containers.service)?;
    label(&mut body, deployed);
    belongs_to(&mut body, &containers.service);
    Ok(Spec {
        schema: "portcullis/compose-spec/v1".to_owned(),
        deployed: deployed.clone(),
        image_id: made.image_id,
        hash: Some(rendered.hash),
        replicas: rendered.replicas,
        port,
        alone: rendered.alone.is_some(),
        name: rendered.container_name.clone(),
        body,
        copied: rendered.copied(&rendered.service).map_err(TargetError::Failed)?,
    })
}

/// What to create for a job, which is a service of the files too.
pub(super) async fn of_job(
    docker: &Docker,
    containers: &Containers,
    rendered: &Rendered,
    (job, service): (&str, &Map<String, Value>),
    reference: &str,
) -> Result<Value, TargetError> {
    let template = name(job);
    let (made, seen) = made(docker, containers, rendered, (&template, service), reference).await?;
    let mut body = body(&seen, &[&template, &made.name], job)?;
    belongs_to(&mut body, job);
    Ok(body)
}

/// Lets Compose make a container of a service under a name, and looks at it. It is removed again.
async fn made(
    docker: &Docker,
    containers: &Containers,
    rendered: &Rendered,
    (name, service): (&str, &Map<String, Value>),
    reference: &str,
) -> Result<(Container, Value), TargetError> {
    swept(containers, name).await?;
    let folder = temporary::folder_in(&std::env::temp_dir()).map_err(|error| TargetError::caused("no temporary folder", error))?;
    let file = folder.path().join("compose.json");
    let document = document(rendered, (name, service), reference).to_string();
    std::fs::write(&file, document).map_err(|error| TargetError::caused(file.display().to_string(), error))?;
    let args = [
        "--file",
        &file.display().to_string(),
        "--project-name",
        &rendered.project,
        "create",
        "--no-build",
        "--pull",
        "never",
        name,
    ]
    .map(ToOwned::to_owned);
    let made = match docker.compose(&args).await {
        Ok(_) => looked_at(containers, name).await,
        Err(reason) => Err(TargetError::Failed(format!("Compose cannot make an instance: {reason}"))),
    };
    swept(containers, name).await?;
    made
}

async fn looked_at(containers: &Containers, name: &str) -> Result<(Container, Value), TargetError> {
    let missing = || TargetError::Failed("Compose has made no instance".to_owned());
    let made = containers.of_service(name).await?.into_iter().next().ok_or_else(missing)?;
    let gone = || TargetError::Failed("the template was removed by somebody else".to_owned());
    let seen = containers.inspect(&made.id).await?.ok_or_else(gone)?;
    Ok((made, seen))
}

fn name(service: &str) -> String {
    format!("{service}-portcullis-template")
}

/// Removes templates, also of a run that was killed. None of them ever ran.
pub(super) async fn sweep(containers: &Containers) -> Result<(), TargetError> {
    swept(containers, &name(&containers.service)).await
}

async fn swept(containers: &Containers, name: &str) -> Result<(), TargetError> {
    for left in containers.of_service(name).await? {
        containers.remove(&left).await?;
    }
    Ok(())
}

/// A service alone, under another name, as one instance that depends on nothing.
fn document(rendered: &Rendered, (name, service): (&str, &Map<String, Value>), reference: &str) -> Value {
    let mut service = service.clone();
    for key in ["build", "container_name", "depends_on", "profiles", "scale", "pull_policy"] {
        service.remove(key);
    }
    if let Some(deploy) = service.get_mut("deploy").and_then(Value::as_object_mut) {
        deploy.remove("replicas");
    }
    service.insert("image".to_owned(), Value::from(reference));
    let mut document = rendered.document.clone();
    document.insert("services".to_owned(), json!({ name: service }));
    Value::Object(document)
}

/// The label that says which service a container is of.
fn belongs_to(body: &mut Value, service: &str) {
    if let Some(labels) = body.get_mut("Labels").and_then(Value::as_object_mut) {
        labels.insert(SERVICE.to_owned(), Value::from(service));
        labels.remove("com.docker.compose.project.config_files");
    }
}

/// Puts a run's labels on a specification.
pub(super) fn label(body: &mut Value, deployed: &Deployed) {
    let Some(labels) = body.get_mut("Labels").and_then(Value::as_object_mut) else {
        return;
    };
    let release = &deployed.release;
    let ours = [
        (RUN, deployed.run.clone()),
        (DIGEST, release.digest.to_string()),
        (COMMIT, release.commit.clone().unwrap_or_default()),
        (IMAGE, release.image.clone()),
    ];
    labels.extend(ours.map(|(name, value)| (name.to_owned(), Value::from(value))));
}

/// What to create so that it is like the container that was looked at. `names` are those that belong to that one container.
pub(super) fn body(seen: &Value, names: &[&str], service: &str) -> Result<Value, TargetError> {
    let missing = |what: &str| TargetError::Failed(format!("the engine does not say `{what}` of a container"));
    let mut body = seen
        .get("Config")
        .and_then(Value::as_object)
        .cloned()
        .ok_or_else(|| missing("Config"))?;
    let id = seen.get("Id").and_then(Value::as_str).ok_or_else(|| missing("Id"))?;
    let short = id.get(..12).unwrap_or(id);
    // Made up by the engine for this one.
    if body.get("Hostname").and_then(Value::as_str) == Some(short) {
        body.remove("Hostname");
    }
    body.remove("MacAddress");
    body.entry("Labels").or_insert_with(|| Value::Object(Map::new()));
    // By its id: a name may mean another image by the time that it is made again.
    let image = seen.get("Image").cloned().ok_or_else(|| missing("Image"))?;
    body.insert("Image".to_owned(), image);
    body.insert(
        "HostConfig".to_owned(),
        seen.get("HostConfig").cloned().ok_or_else(|| missing("HostConfig"))?,
    );
    let networks = seen
        .pointer("/NetworkSettings/Networks")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    let endpoints: Map<String, Value> = networks
        .map(|(network, endpoint)| {
            let aliases = endpoint
                .get("Aliases")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str);
            let mut kept: Vec<&str> = aliases.filter(|alias| !names.contains(alias) && *alias != short).collect();
            if !kept.contains(&service) {
                kept.push(service);
            }
            let part = |name: &str| endpoint.get(name).cloned().unwrap_or(Value::Null);
            let endpoint =
                json!({"Aliases": kept, "IPAMConfig": part("IPAMConfig"), "Links": part("Links"), "DriverOpts": part("DriverOpts")});
            (network.clone(), endpoint)
        })
        .collect();
    body.insert("NetworkingConfig".to_owned(), json!({ "EndpointsConfig": endpoints }));
    Ok(Value::Object(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_one_container_is_not_given_to_the_next() {
        let seen = json!({
            "Id": "0123456789abcdef", "Image": "sha256:1",
            "Config": {"Hostname": "0123456789ab", "Image": "shop:latest", "Env": ["A=1"], "Labels": null},
            "HostConfig": {"Binds": ["/a:/b"]},
            "NetworkSettings": {"Networks": {"shop_default": {
                "Aliases": ["shop-template-1", "template", "0123456789ab", "backend"], "IPAddress": "10.0.0.2", "MacAddress": "x", "IPAMConfig": {}}}},
        });
        let body = body(&seen, &["template", "shop-template-1"], "api").expect("a body");
        assert_eq!(body.get("Hostname"), None);
        assert_eq!(body["Image"], "sha256:1");
        assert_eq!(body["Env"], json!(["A=1"]));
        assert_eq!(body["HostConfig"]["Binds"], json!(["/a:/b"]));
        let endpoint = &body["NetworkingConfig"]["EndpointsConfig"]["shop_default"];
        assert_eq!(endpoint["Aliases"], json!(["backend", "api"]));
        assert_eq!(endpoint.get("IPAddress"), None);
    }

    #[test]
    fn a_host_name_that_the_file_gives_stays() {
        let seen = json!({"Id": "0123456789abcdef", "Image": "i", "Config": {"Hostname": "shop"}, "HostConfig": {}});
        assert_eq!(body(&seen, &[], "api").expect("a body")["Hostname"], "shop");
    }
}
