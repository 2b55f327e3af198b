//! Where the image comes from: as labels on it, and as facts about it.

use std::collections::BTreeMap;
use std::path::Path;

use super::prepared::Prepared;
use super::project::Project;
use crate::io::environment;
use crate::model::plan::{BuildPlan, CargoCommand, Link, NativeBuild, PlacedFiles};
use crate::model::provenance::{Material, Provenance};
use crate::stage::build::assembly::Base;

/// Source: the OCI image specification, "Annotations".
pub(super) fn labels(plan: &BuildPlan, project: &Project) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    let mut label = |name: &str, value: String| labels.insert(format!("org.opencontainers.image.{name}"), value);
    label("title", plan.service.clone());
    if let Some(package) = project.packages.first() {
        label("version", package.version.clone());
    }
    label("created", super::created::created(plan).to_string());
    if let Some(commit) = &plan.commit {
        label("revision", commit.sha.to_string());
        commit.source.as_ref().map(|source| label("source", source.clone()));
    }
    labels
}

/// The facts that a provenance statement rests on.
pub(super) fn provenance(
    plan: &BuildPlan,
    build: &NativeBuild,
    prepared: &Prepared,
    base: Option<&Base>,
    commands: &[&str],
    is_contained: bool,
) -> Provenance {
    let project = &prepared.project;
    let sha256 = |digest: String| BTreeMap::from([("sha256".to_owned(), digest)]);
    let mut materials = vec![Material {
        uri: format!("file:{}", lock_path(&plan.root, &project.workspace)),
        digest: sha256(project.lock.hex()),
    }];
    materials.extend(plan.commit.as_ref().map(|commit| Material {
        uri: format!("git+{}", commit.source.as_deref().unwrap_or("file:.")),
        digest: BTreeMap::from([("gitCommit".to_owned(), commit.sha.to_string())]),
    }));
    materials.extend(base.map(|base| Material {
        uri: base.name.clone(),
        digest: sha256(base.digest.hex()),
    }));
    materials.sort();
    let text = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let mut tools = prepared.tools.clone();
    tools.extend([
        text("rustc", &prepared.toolchain.release),
        text("portcullis", env!("CARGO_PKG_VERSION")),
    ]);
    let mut parameters = parameters(build, prepared);
    parameters.extend([
        text("base", base.map_or("scratch", |base| &base.name)),
        text("command", &commands.join(" && ")),
    ]);
    // Their values are the machine's, and are written nowhere.
    let has_foreign_values = build.pass_env.iter().any(|name| environment::variable(name).is_some());
    let is_committed = plan.commit.as_ref().is_some_and(|commit| !commit.dirty)
        && !prepared.placement.of_the_ignored
        && prepared.placement.differs.is_none();
    Provenance {
        builder: "native".to_owned(),
        parameters,
        materials,
        tools,
        reproducible: is_contained && is_committed && !has_foreign_values,
    }
}

/// What was asked for: what is not the default, beside the programs and targets.
fn parameters(build: &NativeBuild, prepared: &Prepared) -> BTreeMap<String, String> {
    let project = &prepared.project;
    let mut parameters = BTreeMap::new();
    let mut set = |key: &str, value: String| {
        if !value.is_empty() {
            parameters.insert(key.to_owned(), value);
        }
    };
    let joined = |all: &mut dyn Iterator<Item = &str>| all.collect::<Vec<&str>>().join(",");
    set("binary", joined(&mut project.programs().map(String::as_str)));
    set("package", joined(&mut project.packages.iter().map(|package| package.name.as_str())));
    set("target", joined(&mut prepared.targets.iter().map(|target| target.asked.as_str())));
    set("entrypoint", build.entrypoint.clone().unwrap_or_default());
    set(
        "link",
        if build.link == Link::Dynamic {
            "dynamic".to_owned()
        } else {
            String::new()
        },
    );
    set(
        "cargo",
        if build.cargo == CargoCommand::Zigbuild {
            "zigbuild".to_owned()
        } else {
            String::new()
        },
    );
    for target in &prepared.targets {
        set(
            &format!("linker:{}", target.asked),
            target.linker(build).unwrap_or_default().to_owned(),
        );
    }
    set("profile", build.profile.clone().unwrap_or_default());
    set("strip", if build.keep_symbols { "false".to_owned() } else { String::new() });
    for (name, value) in &build.env {
        set(&format!("env:{name}"), value.clone());
    }
    set("pass_env", build.pass_env.join(","));
    set("files", build.files.iter().map(placed).collect::<Vec<_>>().join(","));
    let image = &build.image;
    for (name, value) in &image.env {
        set(&format!("container.env:{name}"), value.clone());
    }
    for (name, value) in &image.labels {
        set(&format!("container.label:{name}"), value.clone());
    }
    set("container.user", image.user.clone().unwrap_or_default());
    set("container.workdir", image.workdir.clone().unwrap_or_default());
    set("container.cmd", image.cmd.join(" "));
    set(
        "container.healthcheck",
        image.healthcheck.as_ref().map(|check| check.test.join(" ")).unwrap_or_default(),
    );
    parameters
}

/// `assets:/app/assets:0644`
fn placed(files: &PlacedFiles) -> String {
    let mode = files.mode.map(|mode| format!(":{mode:04o}")).unwrap_or_default();
    let ignored = if files.ignored { ":ignored" } else { "" };
    format!("{}:{}{mode}{ignored}", files.from, files.to)
}

/// Where the lock file lies, seen from the service's folder.
fn lock_path(root: &Path, workspace: &Path) -> String {
    let up = root.strip_prefix(workspace).map_or(0, |below| below.components().count());
    format!("{}Cargo.lock", "../".repeat(up))
}
