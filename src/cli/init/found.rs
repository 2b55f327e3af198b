//! What lies in a folder that can be built.

use std::path::{Component, Path, PathBuf};

use super::manifests::{Service, Services, compose, kubernetes, stack};
use super::walk::folders;
use crate::cli::wiring::DOCKERFILES;
use crate::io::files::{self, FileError};
use crate::model::excused::Excused as _;
use crate::model::{dockerfile, plain_path};

/// How a service is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) enum Kind {
    /// A cargo package with a program.
    Crate { package: String },
    Dockerfile {
        /// Relative to the service's folder.
        file: PathBuf,
        /// The port that it exposes, if it is one.
        port: Option<u16>,
    },
    /// Manifests alone, which name an image that is built elsewhere.
    Image { image: Option<String> },
}

/// A service that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Found {
    /// Its folder, relative to the one that was looked into; empty for that itself.
    pub folder: PathBuf,
    pub name: String,
    /// How it is built.
    pub kind: Kind,
    /// What told so, for people: `Dockerfile`, `compose.yaml`.
    pub by: String,
    /// Where its image goes, as manifests say.
    pub repository: Option<String>,
    /// How it runs, as far as that is known.
    pub runs: Runs,
}

/// How a service runs. Every name in it is plain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::cli) enum Runs {
    #[default]
    Unknown,
    /// As a service of a Compose file, which is named relative to the service's folder.
    Compose { file: String, service: String },
    /// As a service of a swarm: `shop_api`.
    Swarm { service: String },
    /// As the only workload of the manifests: `deployment/shop`.
    Kubernetes { workload: String, namespace: Option<String> },
}

/// Looks into a folder. What lies in it itself is the service; else every one below.
///
/// # Errors
/// [`FileError`] for a folder that cannot be listed.
pub(in crate::cli) fn find(root: &Path, limit: u64) -> Result<Vec<Found>, FileError> {
    let manifests = kubernetes(root, limit);
    let images = || manifests.iter().flat_map(|manifests| &manifests.images);
    let repository = images().find_map(|image| repository_of(image));
    let runs = match manifests.as_ref().map(|manifests| manifests.workloads.as_slice()) {
        Some([only]) => Some(Runs::Kubernetes {
            workload: format!("{}/{}", only.kind.to_lowercase(), plain(&only.name)),
            namespace: only.namespace.as_deref().map(plain),
        }),
        _ => None,
    };
    let all: Vec<PathBuf> = folders(root)?;
    let mut found: Vec<Found> = Vec::new();
    let stack = stack(root, limit);
    // Whoever has a stack's file too runs it in a swarm.
    for (file, services) in compose(root, limit).iter().chain(&stack) {
        for service in &services.services {
            let new = of_service(root, file, (services, service), limit);
            found.retain(|known| new.as_ref().is_none_or(|new| new.folder != known.folder || new.name != known.name));
            found.extend(new);
        }
    }
    for folder in &all {
        if found.iter().all(|known| known.folder != *folder) {
            found.extend(of_folder(root, folder, limit));
        }
    }
    let (repository, runs) = match stack.as_ref().and_then(|(_, stack)| only_of_stack(root, stack)) {
        Some((image, runs)) if manifests.is_none() => (Some(image), Some(runs)),
        _ => (repository, runs),
    };
    if let Some(own) = found.iter().position(|found| found.folder.as_os_str().is_empty()) {
        let mut own = found.swap_remove(own);
        own.repository = repository.or(own.repository);
        own.runs = runs.unwrap_or(own.runs);
        return Ok(vec![own]);
    }
    if let ([only], Some(_)) = (found.as_mut_slice(), &repository) {
        only.repository.clone_from(&repository);
        only.runs = runs.clone().unwrap_or_else(|| std::mem::take(&mut only.runs));
    }
    if found.is_empty() && manifests.is_some() {
        found.push(Found {
            folder: PathBuf::new(),
            // A folder of manifests is called after what it is, and not after the service.
            name: match manifests.as_ref().map(|manifests| manifests.workloads.as_slice()) {
                Some([only]) => plain(&only.name),
                _ => name_of(root),
            },
            kind: Kind::Image {
                image: images().next().cloned(),
            },
            by: "Kubernetes manifests".to_owned(),
            repository,
            runs: runs.unwrap_or_default(),
        });
    }
    found.sort_by(|a, b| a.folder.cmp(&b.folder));
    Ok(found)
}

/// The one service of a stack whose image lies in a registry of its own, where there is one.
fn only_of_stack(root: &Path, stack: &Services) -> Option<(String, Runs)> {
    let own = |service: &&Service| service.image.as_deref().and_then(repository_of).is_some();
    let mut ours = stack.services.iter().filter(own);
    let (only, None) = (ours.next()?, ours.next()) else { return None };
    Some((repository_of(only.image.as_deref()?)?, in_swarm(root, stack, only)))
}

/// The stack's name is given on the command line: by custom the folder's.
fn in_swarm(root: &Path, stack: &Services, service: &Service) -> Runs {
    let project = stack.project.as_deref().map_or_else(|| name_of(root), plain);
    Runs::Swarm {
        service: format!("{project}_{}", plain(&service.name)),
    }
}

fn of_service(root: &Path, file: &str, (services, service): (&Services, &Service), limit: u64) -> Option<Found> {
    let built = service.built.as_ref()?;
    // The project's own folder, or one below it.
    let is_own = built.context.components().all(|part| part == Component::CurDir);
    let folder = if is_own {
        PathBuf::new()
    } else {
        plain_path::plain(&built.context)?
    };
    let dockerfile = built.dockerfile.clone().unwrap_or_else(|| PathBuf::from(DOCKERFILES[0]));
    if !root.join(&folder).join(&dockerfile).is_file() {
        return None;
    }
    Some(Found {
        name: plain(&service.name),
        kind: Kind::Dockerfile {
            port: exposed(&root.join(&folder), &dockerfile, limit),
            file: dockerfile,
        },
        by: file.to_owned(),
        runs: match service.in_swarm {
            true => in_swarm(root, services, service),
            false => Runs::Compose {
                file: format!("{}{file}", "../".repeat(folder.components().count())),
                service: plain(&service.name),
            },
        },
        repository: service.image.as_deref().and_then(repository_of).filter(|_| service.in_swarm),
        folder,
    })
}

fn of_folder(root: &Path, folder: &Path, limit: u64) -> Option<Found> {
    let whole = root.join(folder);
    let package = package(&whole, limit);
    // Whoever has written a Dockerfile wants it to be used, beside a Cargo.toml too.
    if let Some(file) = DOCKERFILES.into_iter().find(|name| whole.join(name).is_file()) {
        return Some(Found {
            folder: folder.to_owned(),
            name: package.unwrap_or_else(|| name_of(&whole)),
            kind: Kind::Dockerfile {
                port: exposed(&whole, Path::new(file), limit),
                file: PathBuf::from(file),
            },
            by: file.to_owned(),
            repository: None,
            runs: Runs::default(),
        });
    }
    let package = package.filter(|_| has_program(&whole, limit))?;
    Some(Found {
        folder: folder.to_owned(),
        name: package.clone(),
        kind: Kind::Crate { package },
        by: "Cargo.toml".to_owned(),
        repository: None,
        runs: Runs::default(),
    })
}

fn manifest(folder: &Path, limit: u64) -> Option<toml::Table> {
    let text = files::read_text_inside(folder, Path::new("Cargo.toml"), limit).or_none("no crate, or none that cargo reads")?;
    text.parse().or_none("cargo says what is wrong with it when it is built")
}

/// The name of the package of a folder.
fn package(folder: &Path, limit: u64) -> Option<String> {
    let name = manifest(folder, limit)?.get("package")?.get("name")?.as_str().map(str::to_owned)?;
    (plain(&name) == name).then_some(name)
}

fn has_program(folder: &Path, limit: u64) -> bool {
    let listed = || manifest(folder, limit).is_some_and(|manifest| manifest.contains_key("bin"));
    folder.join("src/main.rs").is_file() || folder.join("src/bin").is_dir() || listed()
}

/// The port of the last `EXPOSE` of a Dockerfile.
fn exposed(folder: &Path, file: &Path, limit: u64) -> Option<u16> {
    let text = files::read_text_inside(folder, file, limit).or_none("the builder says what is wrong with it")?;
    let instructions = dockerfile::parse(&text).instructions;
    let mut ports = instructions.iter().filter_map(|instruction| {
        let (word, rest) = instruction.text.split_once(char::is_whitespace)?;
        let port = rest.trim().trim_end_matches("/tcp");
        word.eq_ignore_ascii_case("EXPOSE")
            .then(|| port.parse().or_none("a variable or several: nothing is guessed"))?
    });
    ports.next_back()
}

/// A folder's name as a service's.
fn name_of(folder: &Path) -> String {
    let name = folder.file_name().map(|name| plain(&name.to_string_lossy().to_lowercase()));
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| "service".to_owned())
}

/// A name of letters, digits, dots, hyphens and underlines: every character means itself, wherever it is written.
fn plain(name: &str) -> String {
    let keep = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') {
            c
        } else {
            '-'
        }
    };
    name.chars().map(keep).collect::<String>().trim_matches(['-', '.']).to_owned()
}

/// `host/path` of an image that lies in a registry of its own, without tag and digest.
fn repository_of(image: &str) -> Option<String> {
    let name = image.split('@').next()?;
    let name = match name.rsplit_once(':') {
        Some((before, tag)) if !tag.contains('/') => before,
        _ => name,
    };
    let host = name.split('/').next()?;
    let is_own = name.contains('/') && (host.contains('.') || host.contains(':'));
    let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:".contains(c));
    (is_own && is_plain).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("folder");
        for (name, text) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
            std::fs::write(path, text).expect("written");
        }
        dir
    }

    fn names(files: &[(&str, &str)]) -> Vec<String> {
        let dir = tree(files);
        let found = find(dir.path(), 1 << 20).expect("listed");
        found
            .iter()
            .map(|found| format!("{} {} by {}", found.folder.display(), found.name, found.by))
            .collect()
    }

    #[test]
    fn what_lies_in_the_folder_is_the_service_and_not_what_lies_below() {
        let own = [
            ("Cargo.toml", "[package]\nname = \"pay\"\n"),
            ("src/main.rs", ""),
            ("tools/Dockerfile", "FROM x\n"),
        ];
        assert_eq!(names(&own), [" pay by Cargo.toml"]);
        let with_dockerfile = [
            ("Cargo.toml", "[package]\nname = \"pay\"\n"),
            ("src/main.rs", ""),
            ("Dockerfile", "FROM x\n"),
        ];
        assert_eq!(names(&with_dockerfile), [" pay by Dockerfile"]);
        assert_eq!(names(&[("Cargo.toml", "[package]\nname = \"lib\"\n"), ("src/lib.rs", "")]), [""; 0]);
    }

    #[test]
    fn a_monorepo_has_several_and_others_files_are_none_of_them() {
        let found = names(&[
            ("Cargo.toml", "[workspace]\nmembers = [\"services/*\"]\n"),
            ("services/a/Cargo.toml", "[package]\nname = \"a\"\n"),
            ("services/a/src/main.rs", ""),
            ("services/b/Dockerfile", "FROM x\n"),
            ("node_modules/x/Dockerfile", "FROM x\n"),
        ]);
        assert_eq!(found, ["services/a a by Cargo.toml", "services/b b by Dockerfile"]);
    }

    #[test]
    fn compose_says_what_is_built_and_manifests_where_it_goes() {
        let compose = "services:\n  api:\n    build: ./api\n  db:\n    image: postgres\n";
        assert_eq!(
            names(&[("compose.yaml", compose), ("api/Dockerfile", "FROM x\n")]),
            ["api api by compose.yaml"]
        );
        let outside = "services:\n  api:\n    build: ../elsewhere\n";
        assert_eq!(names(&[("compose.yaml", outside)]), [""; 0]);
        let deployment = "kind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n      - image: ghcr.io/acme/pay:1.2\n";
        let dir = tree(&[("Dockerfile", "FROM x\nEXPOSE 8080/tcp\n"), ("k8s/app.yaml", deployment)]);
        let found = find(dir.path(), 1 << 20).expect("listed");
        assert_eq!(found[0].repository.as_deref(), Some("ghcr.io/acme/pay"));
        assert!(matches!(found[0].kind, Kind::Dockerfile { port: Some(8080), .. }));
        // Without a name nothing is said of how it runs.
        assert_eq!(found[0].runs, Runs::Unknown);
    }

    #[test]
    fn how_it_runs_is_what_the_files_say_of_one_service_alone() {
        let runs = |files: &[(&str, &str)]| find(tree(files).path(), 1 << 20).expect("listed")[0].runs.clone();
        let compose = ("compose.yaml", "services:\n  api:\n    build: ./api\n");
        let file = || "../compose.yaml".to_owned();
        let service = || "api".to_owned();
        assert_eq!(
            runs(&[compose, ("api/Dockerfile", "FROM x\n")]),
            Runs::Compose {
                file: file(),
                service: service()
            }
        );
        let named = |name: &str| format!("kind: StatefulSet\nmetadata:\n  name: {name}\n");
        let workload = |name: &str| Runs::Kubernetes {
            workload: format!("statefulset/{name}"),
            namespace: None,
        };
        assert_eq!(
            runs(&[("Dockerfile", "FROM x\n"), ("k8s/app.yaml", &named("pay"))]),
            workload("pay")
        );
        let hostile = named("\"pay\\n[sign]\"");
        assert_eq!(
            runs(&[("Dockerfile", "FROM x\n"), ("k8s/app.yaml", &hostile)]),
            workload("pay--sign")
        );
        let two = [named("pay"), named("other")].join("---\n");
        assert_eq!(runs(&[("Dockerfile", "FROM x\n"), ("k8s/app.yaml", &two)]), Runs::Unknown);
    }

    #[test]
    fn a_stack_runs_in_a_swarm_and_a_deploy_that_compose_reads_too_does_not() {
        let only = |files: &[(&str, &str)]| {
            let found = find(tree(files).path(), 1 << 20).expect("listed");
            assert_eq!(found.len(), 1, "{found:?}");
            found[0].clone()
        };
        let swarm = |service: &str| Runs::Swarm {
            service: service.to_owned(),
        };
        let dockerfile = ("api/Dockerfile", "FROM x\n");
        let with = |deploy: &str| {
            format!("name: shop\nservices:\n  api:\n    build: ./api\n    image: registry.example/shop/api:1\n    deploy: {deploy}\n")
        };
        for deploy in ["{update_config: {order: start-first}}", "{mode: global}"] {
            let found = only(&[("compose.yaml", &with(deploy)), dockerfile]);
            assert_eq!(
                (found.runs, found.repository.as_deref()),
                (swarm("shop_api"), Some("registry.example/shop/api"))
            );
        }
        // The control.
        let found = only(&[("compose.yaml", &with("{replicas: 2}")), dockerfile]);
        assert!(matches!(found.runs, Runs::Compose { .. }), "{:?}", found.runs);
        // A stack names images; what builds them lies beside it.
        let stack = "name: shop\nservices:\n  web:\n    image: registry.example/shop/web:1\n  cache:\n    image: redis\n";
        let found = only(&[("docker-stack.yml", stack), ("Dockerfile", "FROM x\n")]);
        assert_eq!(
            (found.runs, found.repository.as_deref()),
            (swarm("shop_web"), Some("registry.example/shop/web"))
        );
        // Of two files, the stack's says how it runs.
        let found = only(&[
            ("compose.yaml", &with("{replicas: 2}")),
            ("stack.yaml", &with("{replicas: 2}")),
            dockerfile,
        ]);
        assert_eq!(found.runs, swarm("shop_api"));
    }

    #[test]
    fn no_name_of_a_checkout_means_more_than_itself() {
        assert_eq!(plain("a\"]\n${{ x }}"), "a-------x");
        assert_eq!(repository_of("evil.example/${{ x }}:1"), None);
        assert_eq!(repository_of("postgres:16"), None);
        assert_eq!(repository_of("127.0.0.1:5000/a@sha256:00").as_deref(), Some("127.0.0.1:5000/a"));
    }
}
