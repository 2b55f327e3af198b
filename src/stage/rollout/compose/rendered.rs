//! The service as Compose reads its files.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use super::copied::{self, Copied, Values};
use super::docker::Docker;
use super::hindrances::{alone, left_out, unsupported};
use crate::io::hash::sha256;
use crate::io::temporary;
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
    /// Of variables that Compose copies into containers.
    values: Values,
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
        if !same {
            return Err(format!(
                "the job `{name}` runs another image than the service, which nobody has judged"
            ));
        }
        match left_out(job, &self.document).or_else(|| self.copied(job).err()) {
            Some(reason) => Err(format!("the job `{name}`: {reason}")),
            None => Ok(job),
        }
    }

    /// What is copied into the containers of a service of the files.
    ///
    /// # Errors
    /// What is not known, in words.
    pub(super) fn copied(&self, service: &Map<String, Value>) -> Result<Vec<Copied>, String> {
        copied::of(service, &self.document, &self.values)
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
    let mut rendered = read(json(&stdout)?, plan)?;
    // Whoever only looks may not have them: what is not known is said where it is needed.
    rendered.values = values(plan, docker, &rendered).await;
    rendered.hash = hash(&rendered);
    Ok(rendered)
}

fn json(stdout: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(stdout).map_err(|error| format!("`docker compose config` gives no JSON: {error}"))
}

/// The values of variables that are copied into instances and jobs.
async fn values(plan: &ComposePlan, docker: &Docker, rendered: &Rendered) -> Values {
    let services = rendered.document.get("services");
    let jobs = plan.before.iter().chain(&plan.after);
    let jobs = jobs.filter_map(|job| services?.get(job)?.as_object());
    let used = std::iter::once(&rendered.service).chain(jobs);
    let mut names: Vec<&str> = used.flat_map(|service| copied::variables(service, &rendered.document)).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let folder = temporary::folder_in(&std::env::temp_dir()).map_err(|error| format!("no temporary folder: {error}"))?;
    let file = folder.path().join("compose.json");
    let asking = copied::asking(&rendered.project, &names)?;
    std::fs::write(&file, asking.to_string()).map_err(|error| format!("{}: {error}", file.display()))?;
    // Where Compose looks for `.env`: beside the first file.
    let beside = plan.files.first().and_then(|first| first.parent());
    let beside = beside.map_or_else(|| plan.root.clone(), |beside| plan.root.join(beside));
    let of_this = ComposePlan {
        files: vec![file],
        profiles: Vec::new(),
        ..plan.clone()
    };
    let mut args = vec!["--project-directory".to_owned(), beside.display().to_string()];
    args.extend(before(&of_this));
    args.extend(["config", "--format", "json"].map(ToOwned::to_owned));
    Ok(copied::filled_in(&json(&docker.compose(&args).await?)?))
}

/// Of all that makes two instances of one image differ.
fn hash(rendered: &Rendered) -> Digest {
    let mut differs = rendered.service.clone();
    for name in ["image", "build", "scale", "depends_on", "profiles"] {
        differs.remove(name);
    }
    // Those that copy nothing keep the hash that they had.
    let copied = rendered
        .copied(&rendered.service)
        .or_empty("what is not known is refused in the plan");
    if !copied.is_empty() {
        differs.insert("x-portcullis-copied".to_owned(), serde_json::json!(copied));
    }
    sha256(Value::Object(differs).to_string().as_bytes())
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
    let mut rendered = Rendered {
        hash: Digest::from_bytes([0; 32]),
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
        values: Ok(BTreeMap::new()),
    };
    rendered.hash = hash(&rendered);
    Ok(rendered)
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

    fn plan() -> ComposePlan {
        ComposePlan {
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
        }
    }

    fn rendered(service: &Value) -> Rendered {
        read(json!({"name": "shop", "services": {"api": service}}), &plan()).expect("a service")
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
    fn a_job_is_refused_for_what_it_would_be_without() {
        let document = |job: Value| {
            let mut job = job;
            job["image"] = "i".into();
            json!({"name": "shop", "services": {"api": {"image": "i"}, "migrate": job}, "secrets": {"s": {"external": true}, "v": {"environment": "A"}}})
        };
        let why = |job: Value| {
            let rendered = read(document(job), &plan()).expect("a service");
            rendered.job("migrate").err().unwrap_or_default()
        };
        assert!(why(json!({"secrets": [{"source": "s"}]})).contains("external"));
        assert!(why(json!({"links": ["x"]})).contains("links"));
        assert!(why(json!({"secrets": [{"source": "v"}]})).contains("variable A, which is not set"));
        assert_eq!(why(json!({"command": ["x"]})), "");
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
