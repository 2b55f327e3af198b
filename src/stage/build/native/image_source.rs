//! From the checks of a project to the image of its binary.

use super::compile::{Compilate, Compilation};
use super::created::created;
use super::elf::ElfError;
use super::project::Project;
use super::toolchain::Toolchain;
use super::{audit, elf, origin, rootfs};
use crate::io::Effects;
use crate::io::files;
use crate::io::oci_layout::OciLayout;
use crate::model::event::Stage;
use crate::model::image::BuiltImage;
use crate::model::image_ref::ImageRef;
use crate::model::plan::{BuildPlan, Builder};
use crate::stage::build::assembly::{Base, LayerWriter, NewLayer, Settings, assemble};
use crate::stage::build::image::bring;
use crate::stage::build::{BuildError, ImageSource};

/// `cargo build`, layered by the gate itself.
pub(in crate::stage::build) struct Native;

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
        let (project, toolchain) = prepare(plan, package, bin.as_deref(), effects)?;
        let compilation = Compilation {
            plan,
            project: &project,
            toolchain: &toolchain,
            features: feature_arguments(features, *no_default_features),
            effects,
        };
        let compilate = compilation.run()?;
        let outside = project.outside(compilate.compiled.keys());
        for folder in &outside {
            let what = "lies outside of the workspace: cargo makes the digest depend on where the checkout lies; make it a member";
            effects.warn(Stage::Build, format!("{folder} {what}"));
        }
        let binary = binary(&compilate, &project, effects)?;
        let image = image(&compilation, &binary, base.as_ref(), outside.is_empty())?;
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
pub(super) fn binary(compilate: &Compilate, project: &Project, effects: &Effects) -> Result<Vec<u8>, BuildError> {
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

pub(super) fn image(
    compilation: &Compilation<'_>,
    binary: &[u8],
    base: Option<&ImageRef>,
    reproducible: bool,
) -> Result<BuiltImage, BuildError> {
    let (plan, limits) = (compilation.plan, &compilation.effects.limits);
    let layout = OciLayout::create(&plan.layout)?;
    let settings = settings(compilation);
    let base = match base {
        None => None,
        Some(reference) => {
            let descriptor = bring(reference, plan, &layout, compilation.effects)?;
            Some(Base::open(
                &layout,
                &reference.to_string(),
                &descriptor,
                &settings.platform,
                limits,
            )?)
        }
    };
    let program = program(&layout, compilation, binary)?;
    let layers = match &base {
        // A base brings its own users and certificates.
        Some(_) => vec![program],
        None => vec![rootfs::layer(&layout)?, program],
    };
    let settings = upon(settings, base.as_ref());
    let descriptor = assemble(&layout, base.as_ref(), &layers, &settings)?;
    let platforms = layout.platforms(&descriptor, limits)?;
    layout.replace_with(&descriptor, None, limits)?;
    Ok(BuiltImage {
        digest: descriptor.digest,
        media_type: descriptor.media_type,
        size: descriptor.size,
        layout: plan.layout.clone(),
        platforms,
        commit: plan.commit.clone(),
        provenance: Some(origin::provenance(compilation, base.as_ref(), reproducible)),
    })
}

pub(super) fn program(layout: &OciLayout, compilation: &Compilation<'_>, binary: &[u8]) -> Result<NewLayer, BuildError> {
    let seconds = created(compilation.plan).as_second();
    let mut layer = LayerWriter::new(layout, seconds)?;
    layer.folder("app", 0o755)?;
    layer.file(&format!("app/{}", compilation.project.bin), 0o755, binary)?;
    layer.finish(&compilation.shown())
}

fn settings(compilation: &Compilation<'_>) -> Settings {
    let plan = compilation.plan;
    let port = plan.port.map(|port| ("PORT".to_owned(), port.to_string()));
    Settings {
        platform: compilation.toolchain.platform(),
        created: created(plan),
        user: rootfs::USER.to_owned(),
        entrypoint: vec![format!("/app/{}", compilation.project.bin)],
        env: port.into_iter().collect(),
        port: plan.port,
        labels: origin::labels(compilation),
    }
}

/// What differs between `scratch` and a base.
fn upon(mut settings: Settings, base: Option<&Base>) -> Settings {
    match base {
        Some(base) => {
            let digest = ("org.opencontainers.image.base.digest".to_owned(), base.digest.to_string());
            settings.labels.extend([digest]);
        }
        None => settings.env.extend([
            ("PATH".to_owned(), "/app".to_owned()),
            ("SSL_CERT_FILE".to_owned(), rootfs::CERTIFICATES.to_owned()),
        ]),
    }
    settings
}
