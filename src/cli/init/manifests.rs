//! Compose files and Kubernetes manifests: what they build, and where their images come from.

use std::path::{Path, PathBuf};

use crate::io::files;
use crate::io::yaml::{self, Node, Value};
use crate::model::excused::Excused as _;

/// What Compose looks for, in its order.
const COMPOSE: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];
const WORKLOADS: [&str; 4] = ["Deployment", "StatefulSet", "DaemonSet", "CronJob"];
/// Those that a rollout can change.
const ROLLED_OUT: [&str; 2] = ["Deployment", "StatefulSet"];
/// Folders and files that manifests lie in, beside the folder itself.
const FOLDERS: [&str; 6] = ["", "k8s", "kubernetes", "deploy", "manifests", "base"];

/// A service that a Compose file builds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Built {
    pub(super) name: String,
    /// Its context, relative to the folder.
    pub(super) context: PathBuf,
    /// Its Dockerfile, relative to the context, where it is named.
    pub(super) dockerfile: Option<PathBuf>,
}

/// The Compose file of a folder, if there is one, with what it builds.
pub(super) fn compose(root: &Path, limit: u64) -> Option<(&'static str, Vec<Built>)> {
    let name = COMPOSE.into_iter().find(|name| root.join(name).is_file())?;
    let text = files::read_text_inside(root, Path::new(name), limit).or_none("one that cannot be read builds nothing that is known")?;
    let (documents, _) = yaml::documents(&text);
    let services = documents.first().and_then(|document| get(document, "services"));
    let Some(Value::Map(services)) = services.map(|node| &node.value) else {
        return Some((name, Vec::new()));
    };
    let built = services.iter().filter_map(|(key, service)| {
        let build = get(service, "build")?;
        let (context, dockerfile) = match &build.value {
            Value::Text(context) => (context.clone(), None),
            Value::Map(_) | Value::List(_) => (
                get(build, "context").and_then(text_of).unwrap_or_else(|| ".".to_owned()),
                get(build, "dockerfile").and_then(text_of),
            ),
        };
        Some(Built {
            name: text_of(key)?,
            context: PathBuf::from(context.trim_start_matches("./")),
            dockerfile: dockerfile.map(PathBuf::from),
        })
    });
    Some((name, built.collect()))
}

/// What Kubernetes manifests say of a service.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Manifests {
    /// The images of all containers.
    pub(super) images: Vec<String>,
    /// Kind and name of what a rollout can change: `("Deployment", "shop")`.
    pub(super) workloads: Vec<(String, String)>,
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
                    let name = get(&document, "metadata")
                        .and_then(|metadata| get(metadata, "name"))
                        .and_then(text_of);
                    found
                        .workloads
                        .extend(name.filter(|_| ROLLED_OUT.contains(&kind.as_str())).map(|name| (kind, name)));
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
