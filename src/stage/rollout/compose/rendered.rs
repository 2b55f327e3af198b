//! The service as Compose reads its files.

use std::time::Duration;

use serde_json::{Map, Value};

use super::docker::Docker;
use crate::io::hash::sha256;
use crate::model::digest::Digest;
use crate::model::excused::Excused as _;
use crate::model::plan::ComposePlan;

/// What the Compose files say of one service.
#[derive(Debug, Clone)]
pub(super) struct Rendered {
    pub(super) project: String,
    pub(super) document: Map<String, Value>,
    /// The service in it.
    pub(super) service: Map<String, Value>,
    /// Of all that makes two instances of one image differ.
    pub(super) hash: Digest,
    pub(super) replicas: usize,
    /// Why two versions cannot run side by side, where they cannot.
    pub(super) alone: Option<String>,
    pub(super) container_name: Option<String>,
    /// Where an instance listens, where that is said once.
    pub(super) port: Option<u16>,
    pub(super) dependencies: Vec<Dependency>,
    /// What is used here and cannot be done.
    pub(super) unsupported: Option<String>,
}

/// A service that must be there first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dependency {
    pub(super) service: String,
    /// `service_started`, `service_healthy`, `service_completed_successfully`.
    pub(super) condition: String,
}

impl Rendered {
    /// A job: another service of the files, with the image of this one, which is the one that was judged.
    ///
    /// # Errors
    /// Why there is no such job.
    pub(super) fn job(&self, name: &str) -> Result<&Map<String, Value>, String> {
        let services = self.document.get("services");
        let found = services.and_then(|services| services.get(name)).and_then(Value::as_object);
        let job = found.ok_or_else(|| {
            format!("the Compose files have no service `{name}` that could be run as a job; `profiles` in [rollout] says which are on")
        })?;
        if *job == self.service {
            return Err(format!("`{name}` is the service itself, and no job"));
        }
        let image = |service: &Map<String, Value>| (service.get("image").cloned(), service.get("build").cloned());
        let (own, of_job) = (image(&self.service), image(job));
        let same = match (&own.0, &of_job.0) {
            (None, None) => own.1.is_some() && own.1 == of_job.1,
            (own, of_job) => own == of_job,
        };
        match same {
            true => Ok(job),
            false => Err(format!(
                "the job `{name}` runs another image than the service, which nobody has judged"
            )),
        }
    }
}

/// Asks Compose what its files say.
///
/// # Errors
/// Compose's own words.
pub(super) async fn render(plan: &ComposePlan, docker: &Docker) -> Result<Rendered, String> {
    let mut args = before(plan);
    args.extend(["config", "--format", "json"].map(ToOwned::to_owned));
    let stdout = docker.compose(&args).await?;
    let document: Value = serde_json::from_slice(&stdout).map_err(|error| format!("`docker compose config` gives no JSON: {error}"))?;
    read(document, plan)
}

/// The options that say which files are meant.
fn before(plan: &ComposePlan) -> Vec<String> {
    let mut args = Vec::new();
    for file in &plan.files {
        args.extend(["--file".to_owned(), file.display().to_string()]);
    }
    for file in &plan.env_files {
        args.extend(["--env-file".to_owned(), file.display().to_string()]);
    }
    for profile in &plan.profiles {
        args.extend(["--profile".to_owned(), profile.clone()]);
    }
    if let Some(project) = &plan.project {
        args.extend(["--project-name".to_owned(), project.clone()]);
    }
    args
}

fn read(document: Value, plan: &ComposePlan) -> Result<Rendered, String> {
    let Value::Object(document) = document else {
        return Err("`docker compose config` gives no document".to_owned());
    };
    let project = document
        .get("name")
        .and_then(Value::as_str)
        .ok_or("the Compose project has no name")?
        .to_owned();
    let services = document.get("services").and_then(Value::as_object);
    let service = services.and_then(|services| services.get(&plan.service)).and_then(Value::as_object);
    let Some(service) = service.cloned() else {
        let names: Vec<&str> = services.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        return Err(format!(
            "the Compose files have no service `{}` (there are: {}); [rollout] compose_service names it, and `profiles` those that are on",
            plan.service,
            names.join(", ")
        ));
    };
    let text = |name: &str| service.get(name).and_then(Value::as_str);
    let container_name = text("container_name").map(ToOwned::to_owned);
    let in_file = service
        .get("scale")
        .or_else(|| service.get("deploy").and_then(|deploy| deploy.get("replicas")))
        .and_then(Value::as_u64);
    let mut differs = service.clone();
    for name in ["image", "build", "scale", "depends_on", "profiles"] {
        differs.remove(name);
    }
    Ok(Rendered {
        hash: sha256(Value::Object(differs).to_string().as_bytes()),
        replicas: plan
            .replicas
            .unwrap_or_else(|| usize::try_from(in_file.unwrap_or(1)).unwrap_or(usize::MAX)),
        alone: alone(&service, container_name.as_deref()),
        container_name,
        port: plan.port.or_else(|| only_port(&service)),
        dependencies: needed(&service, &document, plan),
        unsupported: unsupported(&service, &document),
        project,
        service,
        document,
    })
}

/// Why only one version can run at a time.
fn alone(service: &Map<String, Value>, container_name: Option<&str>) -> Option<String> {
    if let Some(name) = container_name {
        return Some(format!("`container_name: {name}` belongs to one container at a time"));
    }
    let ports = service.get("ports").and_then(Value::as_array).into_iter().flatten();
    let published = ports.filter_map(|port| port.get("published")).find_map(|published| {
        let text = published.as_str().map_or_else(|| published.to_string(), ToOwned::to_owned);
        (!text.is_empty() && text != "0").then_some(text)
    });
    if let Some(port) = published {
        return Some(format!(
            "`ports` publishes {port} of this machine, which one container can have at a time"
        ));
    }
    let networks = service.get("networks").and_then(Value::as_object).into_iter().flatten();
    let mut fixed = networks.filter_map(|(_, network)| network.get("ipv4_address").or_else(|| network.get("ipv6_address")));
    fixed
        .next()
        .map(|address| format!("the network address {address} belongs to one container at a time"))
}

/// The one port that `expose` or `ports` names.
fn only_port(service: &Map<String, Value>) -> Option<u16> {
    let exposed = service.get("expose").and_then(Value::as_array).into_iter().flatten();
    let published = service.get("ports").and_then(Value::as_array).into_iter().flatten();
    let of_text = |value: &Value| {
        let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        text.split('/').next().map(ToOwned::to_owned)
    };
    let mut ports: Vec<String> = exposed
        .filter_map(of_text)
        .chain(published.filter_map(|port| port.get("target")).filter_map(of_text))
        .collect();
    ports.sort();
    ports.dedup();
    match ports.as_slice() {
        [one] => one.parse().or_none("what cannot be read is said to be unknown by the caller"),
        _ => None,
    }
}

/// What must be there before the service and its jobs are started.
fn needed(service: &Map<String, Value>, document: &Map<String, Value>, plan: &ComposePlan) -> Vec<Dependency> {
    let jobs: Vec<&String> = plan.before.iter().chain(&plan.after).collect();
    let services = document.get("services");
    let of_jobs = jobs
        .iter()
        .filter_map(|job| services.and_then(|services| services.get(job.as_str())).and_then(Value::as_object));
    let mut needed: Vec<Dependency> = std::iter::once(service).chain(of_jobs).flat_map(dependencies).collect();
    // Those that the rollout itself runs or changes are there in time.
    needed.retain(|one| one.service != plan.service && !jobs.contains(&&one.service));
    needed.sort_by(|a, b| (&a.service, &a.condition).cmp(&(&b.service, &b.condition)));
    needed.dedup();
    needed
}

fn dependencies(service: &Map<String, Value>) -> Vec<Dependency> {
    let named = service.get("depends_on").and_then(Value::as_object).into_iter().flatten();
    let needed = named.filter(|(_, how)| how.get("required").and_then(Value::as_bool) != Some(false));
    needed
        .map(|(service, how)| Dependency {
            service: service.clone(),
            condition: how.get("condition").and_then(Value::as_str).unwrap_or("service_started").to_owned(),
        })
        .collect()
}

fn unsupported(service: &Map<String, Value>, document: &Map<String, Value>) -> Option<String> {
    for name in ["network_mode", "pid", "ipc"] {
        let value = service.get(name).and_then(Value::as_str).unwrap_or_default();
        if value.starts_with("service:")
            || value.starts_with("container:")
            || (name == "network_mode" && !value.is_empty() && value != "bridge")
        {
            return Some(format!("`{name}: {value}` leaves the instance without an address of its own"));
        }
    }
    if let Some(name) = ["volumes_from", "links"].into_iter().find(|name| service.contains_key(*name)) {
        return Some(format!("`{name}` ties the instance to other containers"));
    }
    for kind in ["configs", "secrets"] {
        let used = service.get(kind).and_then(Value::as_array).into_iter().flatten();
        for source in used.filter_map(|used| used.get("source")).filter_map(Value::as_str) {
            let defined = document.get(kind).and_then(|all| all.get(source));
            if defined.is_some_and(|one| one.get("content").is_some() || one.get("environment").is_some()) {
                return Some(format!(
                    "`{kind}: {source}` is copied into a container by Compose, which only `file:` does without"
                ));
            }
        }
    }
    None
}

/// How long the file's own health check may take by its own clock; `None` without one.
pub(super) fn check(rendered: &Rendered) -> Option<Duration> {
    let check = rendered.service.get("healthcheck")?;
    let text = |name: &str| check.get(name).and_then(Value::as_str).and_then(span);
    let retries = check.get("retries").and_then(Value::as_u64).unwrap_or(3);
    let each = text("interval").unwrap_or(Duration::from_secs(30)) + text("timeout").unwrap_or(Duration::from_secs(30));
    let retries = u32::try_from(retries).unwrap_or(u32::MAX);
    Some(
        text("start_period")
            .unwrap_or_default()
            .saturating_add(each.saturating_mul(retries)),
    )
}

/// `1m30s`, as Go writes durations; `None` for anything else.
fn span(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut sum = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits]
            .parse()
            .or_none("what cannot be read is said to be unknown by the caller")?;
        let tail = &rest[digits..];
        let unit = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        sum += number
            * match &tail[..unit] {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 0.001,
                "us" | "µs" => 0.000_001,
                "ns" => 0.000_000_001,
                _ => return None,
            };
        rest = &tail[unit..];
    }
    Duration::try_from_secs_f64(sum).or_none("what cannot be read is said to be unknown by the caller")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde_json::json;

    use super::*;

    fn rendered(service: &Value) -> Rendered {
        let plan = ComposePlan {
            service: "api".to_owned(),
            root: PathBuf::new(),
            files: Vec::new(),
            project: None,
            profiles: Vec::new(),
            env_files: Vec::new(),
            replicas: None,
            port: None,
            network: None,
            front: None,
            before: Vec::new(),
            after: Vec::new(),
            job_limit: Duration::ZERO,
            host: None,
            env: std::collections::BTreeMap::new(),
            pass_env: Vec::new(),
            pull_limit: Duration::ZERO,
            state: PathBuf::new(),
        };
        let configs = json!({"inline": {"content": "x"}, "file": {"file": "/x"}});
        read(json!({"name": "shop", "services": {"api": service}, "configs": configs}), &plan).expect("a service")
    }

    #[test]
    fn what_only_one_container_can_have_is_told_and_what_each_can_have_is_not() {
        let alone = |service: Value| rendered(&service).alone;
        assert!(alone(json!({"ports": [{"target": 80, "published": "8080"}]})).is_some_and(|why| why.contains("8080")));
        assert!(alone(json!({"container_name": "api"})).is_some_and(|why| why.contains("container_name")));
        assert!(alone(json!({"networks": {"default": {"ipv4_address": "10.0.0.2"}}})).is_some_and(|why| why.contains("10.0.0.2")));
        // The controls: any port of the machine, and none.
        assert_eq!(alone(json!({"ports": [{"target": 80}], "networks": {"default": null}})), None);
        assert_eq!(alone(json!({"expose": ["80"]})), None);
    }

    #[test]
    fn one_port_is_the_ports_and_several_are_nobodys() {
        assert_eq!(
            rendered(&json!({"expose": ["8080/tcp"], "ports": [{"target": 8080}]})).port,
            Some(8080)
        );
        assert_eq!(rendered(&json!({"expose": ["80", "81"]})).port, None);
        assert_eq!(rendered(&json!({})).port, None);
    }

    #[test]
    fn the_hash_is_of_what_the_instance_gets_and_not_of_the_image() {
        let hash = |service: Value| rendered(&service).hash;
        assert_eq!(
            hash(json!({"image": "a", "command": ["x"]})),
            hash(json!({"image": "b", "command": ["x"]}))
        );
        assert_ne!(hash(json!({"command": ["x"]})), hash(json!({"command": ["y"]})));
    }

    #[test]
    fn what_compose_copies_into_a_container_is_refused_and_a_mounted_file_is_not() {
        let used = |source: &str| rendered(&json!({"configs": [{"source": source}]})).unsupported;
        assert!(used("inline").is_some());
        assert_eq!(used("file"), None);
        assert!(rendered(&json!({"network_mode": "host"})).unsupported.is_some());
    }

    #[test]
    fn the_clock_of_a_health_check_is_read_as_go_writes_it() {
        assert_eq!(span("1m30s"), Some(Duration::from_secs(90)));
        assert_eq!(span("1.5s"), Some(Duration::from_millis(1500)));
        assert_eq!(span("soon"), None);
        let with = rendered(
            &json!({"healthcheck": {"test": ["CMD", "x"], "interval": "2s", "timeout": "1s", "retries": 4, "start_period": "10s"}}),
        );
        assert_eq!(check(&with), Some(Duration::from_secs(22)));
        assert_eq!(check(&rendered(&json!({}))), None);
    }

    #[test]
    fn replicas_are_the_files_or_one() {
        assert_eq!(rendered(&json!({"deploy": {"replicas": 2}})).replicas, 2);
        assert_eq!(rendered(&json!({"scale": 3})).replicas, 3);
        assert_eq!(rendered(&json!({})).replicas, 1);
    }
}
