//! The native builder: a Cargo package becomes a static binary on `scratch`, without a daemon.
//!
//! Takes a package with a lock file. Gives an image whose binary lists its own crates.
//! Invariant: one commit, one toolchain and one version of this program give one digest, in whatever folder they build.

mod audit;
mod compile;
mod elf;
mod project;
mod rootfs;
mod toolchain;

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;

use self::compile::{Compilate, Compilation};
use self::elf::ElfError;
use self::project::Project;
use self::toolchain::Toolchain;
use super::assembly::{LayerWriter, NewLayer, Settings, assemble};
use super::{BuildError, ImageSource};
use crate::io::Effects;
use crate::io::files;
use crate::io::oci_layout::OciLayout;
use crate::model::event::Stage;
use crate::model::image::BuiltImage;
use crate::model::plan::{BuildPlan, Builder};
use crate::model::provenance::{Material, Provenance};

/// `cargo build`, layered by the gate itself.
pub(super) struct Native;

impl ImageSource for Native {
    fn acquire(&self, plan: &BuildPlan, effects: &Effects) -> Result<BuiltImage, BuildError> {
        let Builder::Native {
            package,
            bin,
            base,
            features,
            no_default_features,
        } = &plan.builder
        else {
            unreachable!("the native builder is asked for native builds only")
        };
        if let Some(base) = base {
            return Err(BuildError::Unavailable {
                what: format!("`base = \"{base}\"`"),
                help: "the native builder builds upon `scratch`".to_owned(),
            });
        }
        let (project, toolchain) = prepare(plan, package, bin.as_deref(), effects)?;
        let compilation = Compilation {
            plan,
            project: &project,
            toolchain: &toolchain,
            features: feature_arguments(features, *no_default_features),
            effects,
        };
        let binary = binary(&compilation.run()?, &project, effects)?;
        let image = layers(&compilation, &binary)?;
        effects.note(
            Stage::Build,
            format!("{} {} with rustc {}", project.bin, project.version, toolchain.release),
        );
        Ok(image)
    }
}

/// Everything that can be wrong before anything is compiled.
fn prepare(plan: &BuildPlan, package: &str, bin: Option<&str>, effects: &Effects) -> Result<(Project, Toolchain), BuildError> {
    if plan.commit.is_none() {
        effects.warn(
            Stage::Build,
            "no git commit here: the image's date is 1970-01-01, and it names no revision",
        );
    }
    std::thread::scope(|scope| {
        let toolchain = scope.spawn(|| Toolchain::of(&plan.root));
        let project = Project::find(&plan.root, package, bin, &effects.limits)?;
        let toolchain = toolchain.join().unwrap_or_else(|_| unreachable!("asking rustc does not panic"))?;
        Ok((project, toolchain))
    })
}

fn feature_arguments(features: &[String], no_default_features: bool) -> Vec<String> {
    let mut arguments = Vec::new();
    if no_default_features {
        arguments.push("--no-default-features".to_owned());
    }
    if !features.is_empty() {
        arguments.extend(["--features".to_owned(), features.join(",")]);
    }
    arguments
}

/// Reads the executable, sees that it is static, and writes the list of its crates into it.
fn binary(compilate: &Compilate, project: &Project, effects: &Effects) -> Result<Vec<u8>, BuildError> {
    let path = &compilate.executable;
    let odd = |ElfError(reason)| BuildError::Elf {
        path: path.clone(),
        reason,
    };
    let mut bytes = files::read(path, effects.limits.executable)?;
    if let Some(interpreter) = elf::interpreter(&bytes).map_err(odd)? {
        return Err(BuildError::NotStatic {
            path: path.clone(),
            interpreter,
        });
    }
    let section = audit::section(&compilate.compiled, &compilate.tree, &project.id)?;
    elf::put_section(&mut bytes, audit::SECTION, &section).map_err(odd)?;
    Ok(bytes)
}

fn layers(compilation: &Compilation<'_>, binary: &[u8]) -> Result<BuiltImage, BuildError> {
    let plan = compilation.plan;
    let layout = OciLayout::create(&plan.layout)?;
    let layers = [rootfs::layer(&layout)?, program(&layout, compilation, binary)?];
    let descriptor = assemble(&layout, &layers, &settings(compilation))?;
    let limits = &compilation.effects.limits;
    let platforms = layout.platforms(&descriptor, limits)?;
    layout.replace_with(&descriptor, None, limits)?;
    Ok(BuiltImage {
        digest: descriptor.digest,
        media_type: descriptor.media_type,
        size: descriptor.size,
        layout: plan.layout.clone(),
        platforms,
        commit: plan.commit.clone(),
        provenance: Some(provenance(compilation)),
    })
}

fn program(layout: &OciLayout, compilation: &Compilation<'_>, binary: &[u8]) -> Result<NewLayer, BuildError> {
    let seconds = created(compilation.plan).as_second();
    let mut layer = LayerWriter::new(layout, u64::try_from(seconds).unwrap_or(0))?;
    layer.folder("app", 0o755)?;
    layer.file(&format!("app/{}", compilation.project.bin), 0o755, binary)?;
    layer.finish(&compilation.shown())
}

/// The commit's time; 1970 where there is no commit, because the clock would make the digest differ at every build.
fn created(plan: &BuildPlan) -> Timestamp {
    plan.commit.as_ref().map_or(Timestamp::UNIX_EPOCH, |commit| commit.time)
}

fn settings(compilation: &Compilation<'_>) -> Settings {
    let plan = compilation.plan;
    let mut env = vec!["PATH=/app".to_owned(), format!("SSL_CERT_FILE={}", rootfs::CERTIFICATES)];
    env.extend(plan.port.map(|port| format!("PORT={port}")));
    Settings {
        platform: compilation.toolchain.platform(),
        created: created(plan),
        user: rootfs::USER.to_owned(),
        entrypoint: vec![format!("/app/{}", compilation.project.bin)],
        env,
        port: plan.port,
        labels: labels(compilation),
    }
}

/// Source: the OCI image specification, "Annotations".
fn labels(compilation: &Compilation<'_>) -> BTreeMap<String, String> {
    let plan = compilation.plan;
    let mut labels = BTreeMap::new();
    let mut label = |name: &str, value: String| labels.insert(format!("org.opencontainers.image.{name}"), value);
    label("title", plan.service.clone());
    label("version", compilation.project.version.clone());
    label("created", created(plan).to_string());
    if let Some(commit) = &plan.commit {
        label("revision", commit.sha.to_string());
        commit.source.as_ref().map(|source| label("source", source.clone()));
    }
    labels
}

fn provenance(compilation: &Compilation<'_>) -> Provenance {
    let (plan, project) = (compilation.plan, compilation.project);
    let sha256 = |digest: String| BTreeMap::from([("sha256".to_owned(), digest)]);
    let mut materials = vec![Material {
        uri: format!("file:{}", lock_path(&plan.root, &project.workspace)),
        digest: sha256(project.lock.hex()),
    }];
    materials.extend(plan.commit.as_ref().map(|commit| Material {
        uri: format!("git+{}", commit.source.as_deref().unwrap_or("file:.")),
        digest: BTreeMap::from([("gitCommit".to_owned(), commit.sha.to_string())]),
    }));
    materials.sort();
    let text = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    Provenance {
        builder: "native".to_owned(),
        parameters: BTreeMap::from([
            text("base", "scratch"),
            text("binary", &project.bin),
            text("command", &compilation.shown()),
            text("package", &project.package),
            text("target", &compilation.toolchain.target),
        ]),
        materials,
        tools: BTreeMap::from([
            text("rustc", &compilation.toolchain.release),
            text("portcullis", env!("CARGO_PKG_VERSION")),
        ]),
        reproducible: plan.commit.as_ref().is_some_and(|commit| !commit.dirty),
    }
}

/// Where the lock file lies, seen from the service's folder.
fn lock_path(root: &Path, workspace: &Path) -> String {
    let up = root.strip_prefix(workspace).map_or(0, |below| below.components().count());
    format!("{}Cargo.lock", "../".repeat(up))
}
