//! From the checks of a project to the image of its programs.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::compile::{Compilation, linker_path, target_dir};
use super::created::created;
use super::earlier::{self, Earlier};
use super::graph::Graph;
use super::lines::Crates;
use super::named::Content;
use super::placement::Placement;
use super::prepared::{Prepared, prepare};
use super::program::{self, Built, has_its_loader, missing_libraries};
use super::project::Selected;
use super::sources::Sources;
use super::stamp::Kept;
use super::stand_ins::StandIns;
use super::target::Target;
use super::units::Read;
use super::{named, origin, own_home, rootfs, running, told};
use crate::io::Effects;
use crate::io::oci_layout::OciLayout;
use crate::model::event::Stage;
use crate::model::image::{BuiltImage, Descriptor, DescriptorPlatform};
use crate::model::linked::LinkedImage;
use crate::model::plan::{BuildPlan, Builder, Link, NativeBuild};
use crate::model::program_place::path_of;
use crate::stage::build::assembly::Below;
use crate::stage::build::assembly::{Base, LayerWriter, NewLayer, assemble, put_index};
use crate::stage::build::image::bring;
use crate::stage::build::{BuildError, ImageSource};

/// `cargo build`, layered by the gate itself.
pub(in crate::stage::build) struct Native;

impl ImageSource for Native {
    fn acquire(&self, plan: &BuildPlan, effects: &Effects) -> Result<BuiltImage, BuildError> {
        let Builder::Native(build) = &plan.builder else {
            unreachable!("the native builder is asked for native builds only")
        };
        let prepared = prepare(plan, build, effects)?;
        let run = Run {
            plan,
            build,
            prepared: &prepared,
            effects,
        };
        let mut kept = Kept::open(plan, build, &prepared, target_dir(plan))?;
        let compiled = run.compile(&mut kept)?;
        let image = run.image(&compiled)?;
        if compiled.is_of_the_commit {
            kept.ended_well()?;
        }
        let project = &prepared.project;
        let programs: Vec<&str> = project.programs().map(String::as_str).collect();
        let version = project.packages.first().map_or("", |package| &package.version);
        effects.note(
            Stage::Build,
            format!("{} {version} with rustc {}", programs.join(", "), prepared.toolchain.release),
        );
        Ok(image)
    }
}

struct Run<'r> {
    plan: &'r BuildPlan,
    build: &'r NativeBuild,
    prepared: &'r Prepared,
    effects: &'r Effects,
}

/// What cargo made, for every target.
struct Compiled<'r> {
    platforms: Vec<ForTarget<'r>>,
    /// No local package lies outside of the workspace, and none in a folder that no commit holds.
    is_contained: bool,
    /// No single file that was read is in no commit.
    is_of_the_commit: bool,
}

/// What cargo made, before it is known what of it is in no commit.
struct Made<'r> {
    platforms: Vec<ForTarget<'r>>,
    /// Folders of local packages that lie outside of the workspace.
    outside: BTreeSet<PathBuf>,
    /// What went into the programs; none where cargo does not say.
    read: Option<Read>,
}

/// What cargo made for one target.
struct ForTarget<'r> {
    target: &'r Target,
    programs: Vec<Built>,
    /// The command, as it is shown.
    command: String,
}

impl<'r> Run<'r> {
    fn compilation<'c>(&'c self, package: &'c Selected, target: &'c Target) -> Compilation<'c> {
        Compilation {
            plan: self.plan,
            build: self.build,
            project: &self.prepared.project,
            package,
            toolchain: &self.prepared.toolchain,
            target,
            effects: self.effects,
        }
    }

    fn compile(&self, kept: &mut Kept<'_>) -> Result<Compiled<'r>, BuildError> {
        let (project, configurations) = (&self.prepared.project, &self.prepared.configurations);
        let mut graphs = Vec::new();
        for target in &self.prepared.targets {
            for package in &project.packages {
                graphs.push(self.compilation(package, target).graph()?);
            }
        }
        let (Some(target), Some(package)) = (self.prepared.targets.first(), project.packages.first()) else {
            unreachable!("a build has a target and a package")
        };
        let packages = self.compilation(package, target).packages()?;
        let stand_ins = StandIns::of(&packages, configurations, &self.effects.limits)?;
        let top = self.prepared.tree.top();
        let home = own_home::unlike_the_lock(top, &packages, &graphs, &self.effects.limits)?;
        let mut uncommitted = earlier::uncommitted(top, &graphs, configurations)?;
        uncommitted.extend(home.changed.iter().cloned());
        let sources = Sources::of((&packages, &graphs), &project.workspace, uncommitted, &home, &self.effects.limits);
        if !kept.is_of_this_commit() || !sources.uncommitted.is_empty() {
            let linkers = self
                .build
                .linkers
                .values()
                .map(|linker| linker_path(&self.plan.root, linker).display().to_string());
            let given: Vec<String> = linkers.chain(self.build.env.values().cloned()).collect();
            let checkout = self.prepared.tree.folder().display().to_string();
            let earlier = Earlier::of((&packages, &home.changed), &graphs, configurations, &given, &checkout);
            kept.is_written_by(earlier.running)?;
            let changeable = earlier.changeable.iter().map(String::as_str);
            kept.forget(graphs.iter().flat_map(Graph::local).chain(changeable))?;
        }
        let crates = Crates::of(
            &packages,
            &self.prepared.toolchain.remap(&project.workspace, &target_dir(self.plan)),
        );
        let built = self.build(graphs, &stand_ins, &crates);
        kept.was_written_by_no_other()?;
        let Made { platforms, outside, read } = built?;
        told::told_of_folders(&sources.uncommitted, &home.changed, &outside, self.effects);
        let is_of_the_commit = told::told(self.plan, self.build, self.prepared, read, &sources, self.effects)?;
        Ok(Compiled {
            platforms,
            is_contained: outside.is_empty() && sources.uncommitted.is_empty() && is_of_the_commit,
            is_of_the_commit,
        })
    }

    /// Compiles for every target.
    fn build(&self, graphs: Vec<Graph>, stand_ins: &StandIns, crates: &Crates) -> Result<Made<'r>, BuildError> {
        let project = &self.prepared.project;
        let mut read = Some(Read::default());
        let mut outside: BTreeSet<PathBuf> = BTreeSet::new();
        let mut platforms = Vec::new();
        let mut graphs = graphs.into_iter();
        for target in &self.prepared.targets {
            let (mut programs, mut commands) = (Vec::new(), Vec::new());
            for (package, graph) in project.packages.iter().zip(&mut graphs) {
                let compilation = self.compilation(package, target);
                let compilate = compilation.run(graph)?;
                programs.extend(program::built(&compilation, &compilate, stand_ins, crates)?);
                commands.push(compilation.shown());
                outside.extend(project.outside(compilate.compiled.keys()));
                read = read.zip(compilate.read).map(|(known, more)| known.and(more));
            }
            programs.sort_by(|a, b| a.name.cmp(&b.name));
            let command = commands.join(" && ");
            platforms.push(ForTarget { target, programs, command });
        }
        Ok(Made { platforms, outside, read })
    }

    fn image(&self, compiled: &Compiled<'_>) -> Result<BuiltImage, BuildError> {
        let (plan, limits) = (self.plan, &self.effects.limits);
        let layout = OciLayout::create(&plan.layout)?;
        let brought = match &self.build.base {
            None => None,
            Some(reference) => Some((reference.to_string(), bring(reference, plan, &layout, self.effects)?)),
        };
        let mut bases = Vec::new();
        let mut manifests = Vec::new();
        for made in &compiled.platforms {
            let platform = made.target.platform();
            let base = match &brought {
                None => None,
                Some((name, descriptor)) => Some(Base::open(&layout, name, descriptor, &platform, limits)?),
            };
            let mut descriptor = self.manifest(made, base.as_ref(), &layout)?;
            descriptor.platform = Some(DescriptorPlatform {
                architecture: platform.architecture,
                os: platform.os,
                variant: platform.variant,
            });
            manifests.push(descriptor);
            bases.extend(base);
        }
        let descriptor = match manifests.as_mut_slice() {
            [only] => Descriptor {
                platform: None,
                ..only.clone()
            },
            several => put_index(&layout, several)?,
        };
        let platforms = layout.platforms(&descriptor, limits)?;
        layout.replace_with(&descriptor, None, limits)?;
        let programs = compiled.platforms.iter().flat_map(|made| &made.programs);
        let commands: Vec<&str> = compiled.platforms.iter().map(|made| made.command.as_str()).collect();
        Ok(BuiltImage {
            digest: descriptor.digest,
            media_type: descriptor.media_type,
            size: descriptor.size,
            layout: plan.layout.clone(),
            platforms,
            commit: plan.commit.clone(),
            provenance: Some(origin::provenance(
                plan,
                self.build,
                self.prepared,
                bases.first(),
                &commands,
                compiled.is_contained,
            )),
            linked: Some(LinkedImage {
                toolchain: format!("rustc {}", self.prepared.toolchain.release),
                programs: programs.map(|program| program.linked.clone()).collect(),
            }),
        })
    }

    /// Writes the manifest of one platform.
    fn manifest(&self, made: &ForTarget<'_>, base: Option<&Base>, layout: &OciLayout) -> Result<Descriptor, BuildError> {
        let placement = &self.prepared.placement;
        let image = &self.build.image;
        let is_looked_into =
            !placement.is_empty() || self.build.link == Link::Dynamic || image.healthcheck.is_some() || image.user.is_some();
        let below = match base {
            Some(base) if is_looked_into => Below::of(layout, &base.layers, self.effects)?,
            Some(_) => Below::default(),
            None => rootfs::tree(),
        };
        if let Some(base) = base {
            let content = Content {
                below: &below,
                placement,
                programs: made.programs.iter().map(|program| program.name.as_str()).collect(),
                path: Some(path_of(&base.environment()).to_owned()),
            };
            content.has_what_checks(image)?;
            if is_looked_into {
                named::knows_the_user(image, placement, Some(&below))?;
            }
        }
        for program in &made.programs {
            has_its_loader(program, &below, made.target.machine())?;
            let missing = missing_libraries(program, &below);
            if !missing.is_empty() && self.build.link == Link::Dynamic {
                let what = format!(
                    "/app/{} needs {}, and the base has no file of that name",
                    program.name,
                    missing.join(", ")
                );
                self.effects.warn(Stage::Build, what);
            }
        }
        let mut layers = Vec::new();
        if base.is_none() {
            // A base brings its own users and certificates.
            layers.push(rootfs::layer(layout)?);
        }
        if !placement.is_empty() {
            layers.push(self.files(placement, &below, layout)?);
        }
        layers.push(self.programs(made, layout)?);
        let settings = running::settings(self.plan, self.build, &self.prepared.project, made.target, base);
        assemble(layout, base, &layers, &settings)
    }

    fn files(&self, placement: &Placement, below: &Below, layout: &OciLayout) -> Result<NewLayer, BuildError> {
        let entries = self.build.files.iter();
        let shown: Vec<String> = entries.map(|entry| format!("{} to {}", entry.from, entry.to)).collect();
        let seconds = created(self.plan).as_second();
        placement.layer(layout, below, seconds, &format!("portcullis: files {}", shown.join(", ")))
    }

    fn programs(&self, made: &ForTarget<'_>, layout: &OciLayout) -> Result<NewLayer, BuildError> {
        let mut layer = LayerWriter::new(layout, created(self.plan).as_second())?;
        layer.folder("app", 0o755)?;
        for program in &made.programs {
            layer.file(&format!("app/{}", program.name), 0o755, &program.content)?;
        }
        layer.finish(&made.command)
    }
}
