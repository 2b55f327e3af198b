//! Compose files and Kubernetes manifests: what they build, and where their images come from.

use std::path::{Path, PathBuf};

use crate::io::files;
use crate::io::yaml::{self, Node, Value};
use crate::model::excused::Excused as _;

/// What Compose looks for, in its order.
const COMPOSE: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];
/// What is given to `docker stack deploy`, by custom.
const STACKS: [&str; 4] = ["docker-stack.yml", "docker-stack.yaml", "stack.yml", "stack.yaml"];
/// Keys of `deploy` that only a swarm reads.
const OF_A_SWARM: [&str; 4] = ["update_config", "rollback_config", "placement", "endpoint_mode"];
const WORKLOADS: [&str; 4] = ["Deployment", "StatefulSet", "DaemonSet", "CronJob"];
/// Those that a rollout can change.
const ROLLED_OUT: [&str; 2] = ["Deployment", "StatefulSet"];
/// Folders and files that manifests lie in, beside the folder itself.
const FOLDERS: [&str; 6] = ["", "k8s", "kubernetes", "deploy", "manifests", "base"];

/// A file of services: a Compose file, or a stack's.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Services {
    /// Its own name, where it has one.
    pub(super) project: Option<String>,
    pub(super) services: Vec<Service>,
}

/// A service of such a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) name: String,
    pub(super) built: Option<Built>,
    pub(super) image: Option<String>,
    /// True where the file says how a swarm runs it.
    pub(super) in_swarm: bool,
}

/// How a service is built.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Built {
    /// Its context, relative to the folder.
    pub(super) context: PathBuf,
    /// Its Dockerfile, relative to the context, where it is named.
    pub(super) dockerfile: Option<PathBuf>,
}

/// The Compose file of a folder, if there is one.
pub(super) fn compose(root: &Path, limit: u64) -> Option<(&'static str, Services)> {
    first_of(&COMPOSE, root, limit)
}

/// The file of a swarm's stack, if there is one.
pub(super) fn stack(root: &Path, limit: u64) -> Option<(&'static str, Services)> {
    let (name, mut stack) = first_of(&STACKS, root, limit)?;
    stack.services.iter_mut().for_each(|service| service.in_swarm = true);
    Some((name, stack))
}

fn first_of(names: &[&'static str], root: &Path, limit: u64) -> Option<(&'static str, Services)> {
    let name = names.iter().find(|name| root.join(name).is_file())?;
    let text = files::read_text_inside(root, Path::new(name), limit).or_none("one that cannot be read has no service that is known")?;
    let (documents, _) = yaml::documents(&text);
    let document = documents.first();
    let services = document.and_then(|document| get(document, "services")).map(|node| &node.value);
    let entries = match services {
        Some(Value::Map(services)) => services.as_slice(),
        _ => &[],
    };
    Some((
        name,
        Services {
            project: document.and_then(|document| get(document, "name")).and_then(text_of),
            services: entries
                .iter()
                .filter_map(|(key, node)| Some(service(text_of(key)?, node)))
                .collect(),
        },
    ))
}

fn service(name: String, node: &Node) -> Service {
    let deploy = get(node, "deploy");
    let has = |key: &str| deploy.is_some_and(|deploy| get(deploy, key).is_some());
    let mode = deploy.and_then(|deploy| get(deploy, "mode")).and_then(text_of);
    Service {
        name,
        built: get(node, "build").map(|build| match &build.value {
            Value::Text(context) => built(context, None),
            Value::Map(_) | Value::List(_) => {
                let context = get(build, "context").and_then(text_of).unwrap_or_else(|| ".".to_owned());
                built(&context, get(build, "dockerfile").and_then(text_of))
            }
        }),
        image: get(node, "image").and_then(text_of),
        in_swarm: OF_A_SWARM.into_iter().any(has) || mode.is_some_and(|mode| mode.starts_with("global")),
    }
}

fn built(context: &str, dockerfile: Option<String>) -> Built {
    Built {
        context: PathBuf::from(context.trim_start_matches("./")),
        dockerfile: dockerfile.map(PathBuf::from),
    }
}

/// What Kubernetes manifests say of a service.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Manifests {
    /// The images of all containers.
    pub(super) images: Vec<String>,
    /// What a rollout can change.
    pub(super) workloads: Vec<Workload>,
}

/// A Deployment or a StatefulSet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Workload {
    /// `Deployment`.
    pub(super) kind: String,
    pub(super) name: String,
    /// Where it runs, where the manifest says so.
    pub(super) namespace: Option<String>,
}

/// What manifests say; `None` where there is none of a workload.
pub(super) fn kubernetes(root: &Path, limit: u64) -> Option<Manifests> {
    let mut found = Manifests::default();
    let mut workloads = 0;
    for folder in FOLDERS {
        let listed = crate::io::folder::listed(&root.join(folder)).or_empty("a folder that is not there holds no manifest");
        let mut names: Vec<PathBuf> = listed.iter().map(|entry| Path::new(folder).join(entry.file_name())).collect();
        names.retain(|name| name.extension().is_some_and(|extension| extension == "yaml" || extension == "yml"));
        names.sort();
        for name in names {
            let Some(text) = files::read_text_inside(root, &name, limit).or_none("one that cannot be read names no image") else {
                continue;
            };
            for document in yaml::documents(&text).0 {
                let kind = get(&document, "kind").and_then(text_of).unwrap_or_default();
                if WORKLOADS.contains(&kind.as_str()) {
                    workloads += 1;
                    collect(&document, &mut found.images);
                    let of = |key: &str| get(&document, "metadata").and_then(|metadata| get(metadata, key)).and_then(text_of);
                    let name = of("name").filter(|_| ROLLED_OUT.contains(&kind.as_str()));
                    let namespace = of("namespace");
                    found.workloads.extend(name.map(|name| Workload { kind, name, namespace }));
                }
            }
        }
    }
    (workloads > 0).then_some(found)
}

/// The images of every container below a node, in their order.
fn collect(node: &Node, images: &mut Vec<String>) {
    match &node.value {
        Value::Text(_) => {}
        Value::List(items) => items.iter().for_each(|item| collect(item, images)),
        Value::Map(entries) => {
            for (key, value) in entries {
                match (text_of(key).as_deref(), text_of(value)) {
                    (Some("image"), Some(image)) => images.push(image),
                    _ => collect(value, images),
                }
            }
        }
    }
}

fn get<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    let Value::Map(entries) = &node.value else { return None };
    let found = entries
        .iter()
        .find(|(name, _)| matches!(&name.value, Value::Text(text) if text == key));
    found.map(|(_, value)| &**value)
}

fn text_of(node: &Node) -> Option<String> {
    match &node.value {
        Value::Text(text) => Some(text.clone()),
        Value::List(_) | Value::Map(_) => None,
    }
}
