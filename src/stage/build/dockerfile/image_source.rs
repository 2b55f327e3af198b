//! A build of each platform by an engine, and the image of them all.

use std::collections::BTreeMap;

use super::bases::Bases;
use super::engine::{Engine, Request};
use super::epoch::epoch;
use super::progress::Steps;
use super::sources::Sources;
use super::{engine, machine, provenance};
use crate::io::Effects;
use crate::io::archive::DockerImage;
use crate::io::secret::Secret;
use crate::model::event::Stage;
use crate::model::excused::Excused as _;
use crate::model::image::{BuiltImage, Descriptor, DescriptorPlatform, Platform};
use crate::model::plan::{BuildPlan, BuildSecret, Builder, DockerfileBuild, DockerfileBuilder};
use crate::stage::build::assembly::put_index;
use crate::stage::build::canonical::{self, Canonical, Leaks};
use crate::stage::build::staging_folder::Target;
use crate::stage::build::{BuildError, DockerfileError, ImageSource};

/// How far the clock of a builder may be ahead of ours.
const AHEAD: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

pub(in crate::stage::build) struct Dockerfile;

impl ImageSource for Dockerfile {
    fn acquire(&self, plan: &BuildPlan, effects: &Effects) -> Result<BuiltImage, BuildError> {
        let Builder::Dockerfile { with, build } = &plan.builder else {
            unreachable!("this builder is asked for Dockerfiles only")
        };
        let engine = engine::choose(*with)?;
        let asked = *with;
        let (with, version) = engine.name();
        effects.note(Stage::Build, format!("{} ({version})", with.as_str()));
        if !engine.uses_its_cache()
            && let Some(key) = cache_key(build)
        {
            match asked {
                Some(_) => return Err(DockerfileError::NoCaches { key }.into()),
                None => effects.warn(Stage::Build, format!("`[build] {key}` has no effect: buildah builds from nothing")),
            }
        }
        if plan.commit.is_none() {
            effects.warn(
                Stage::Build,
                "no git commit here: the image's date is 1970-01-01, and it names no revision",
            );
        }
        if plan.offline && with == DockerfileBuilder::Buildkit {
            effects.warn(
                Stage::Build,
                "offline: steps have no network, but the engine may look up base images all the same",
            );
        }
        let target = Target::new(&plan.layout)?;
        let sources = Sources::stage(plan, build, with, target.folder.path(), effects)?;
        let bases_known = match engine.uses_its_cache() && !plan.fresh {
            true => Self::bases(build, &sources, engine.as_ref(), target.folder.path(), effects)?,
            false => Bases::default(),
        };
        let run = Run {
            plan,
            build,
            sources,
            bases: bases_known,
            engine: engine.as_ref(),
            target: &target,
            effects,
        };
        let mut bases = BTreeMap::new();
        let mut images = Vec::new();
        for platform in platforms(build) {
            images.push((run.image(platform, &mut bases)?, platform));
        }
        let descriptor = run.index(images)?;
        let platforms = target.layout.platforms(&descriptor, &effects.limits)?;
        target.layout.put(&descriptor, None)?;
        let provenance = provenance::provenance(plan, build, &run.sources, (with, &version), &bases);
        drop(run.sources);
        Ok(BuiltImage {
            digest: descriptor.digest,
            media_type: descriptor.media_type,
            size: descriptor.size,
            layout: target.keep(&plan.layout)?,
            platforms,
            commit: plan.commit.clone(),
            provenance: Some(provenance),
            linked: None,
        })
    }
}

impl Dockerfile {
    /// What the bases have ready, where a step could see a secret: its value is no part of what a step is cached by.
    fn bases(
        build: &DockerfileBuild,
        sources: &Sources,
        engine: &dyn Engine,
        place: &std::path::Path,
        effects: &Effects,
    ) -> Result<Bases, BuildError> {
        if build.secrets.is_empty() {
            return Ok(Bases::default());
        }
        // An engine has an image for one platform alone, and a stage of another one would be built upon what its registry has.
        let platforms = Some(build.platforms.as_slice()).filter(|_| !sources.names_platforms);
        let mut bases = Bases::look(&sources.images, platforms, engine, place, effects)?;
        if !sources.is_understood {
            bases.unseen = Some("not all of the Dockerfile is understood here".to_owned());
        }
        if let Some(why) = &bases.unseen {
            let what = "the build has secrets, and nothing of it comes from the builder's cache";
            effects.note(Stage::Build, format!("{what}: {why}"));
        }
        Ok(bases)
    }
}

/// The first key that is about caches.
fn cache_key(build: &DockerfileBuild) -> Option<&'static str> {
    let keys = [("cache_from", &build.cache_from), ("cache_to", &build.cache_to)];
    keys.iter().find(|(_, caches)| !caches.is_empty()).map(|(key, _)| *key)
}

/// Each platform once; one without a name where none was asked for.
pub(super) fn platforms(build: &DockerfileBuild) -> Vec<Option<&Platform>> {
    match build.platforms.is_empty() {
        true => vec![None],
        false => build.platforms.iter().map(Some).collect(),
    }
}

type ById<T> = Vec<(String, T)>;

/// Everything that the platforms of one build share.
pub(super) struct Run<'r> {
    plan: &'r BuildPlan,
    build: &'r DockerfileBuild,
    sources: Sources,
    bases: Bases,
    engine: &'r dyn Engine,
    target: &'r Target,
    effects: &'r Effects,
}

impl Run<'_> {
    /// Builds one platform and puts its manifest into the layout.
    fn image(&self, platform: Option<&Platform>, bases: &mut BTreeMap<String, String>) -> Result<Descriptor, BuildError> {
        let folder = self.target.folder.path();
        let word: String = folder
            .file_name()
            .map(|name| name.to_string_lossy().chars().filter(char::is_ascii_alphanumeric).collect())
            .unwrap_or_default();
        let unique = match platform {
            Some(platform) => format!("{word}-{}", platform.to_string().replace('/', "-")),
            None => word,
        };
        // A copy that comes from the cache keeps its old times, and what a cache mount keeps may be of a commit between: it would be passed over. A step
        // that saw another value of a secret may have written that one into its layer, and nobody can look for a value that nobody knows.
        let anew: Option<Vec<String>> = self.sources.anew.iter().cloned().collect();
        let request = Request {
            plan: self.plan,
            build: self.build,
            dockerfile: &self.sources.dockerfile,
            context: &self.sources.context,
            images: &self.sources.images,
            platform,
            unique: &unique,
            epoch: epoch(self.plan),
            fresh: self.plan.fresh || anew.is_none() || self.bases.unseen.is_some(),
            anew: anew.as_deref().unwrap_or_default(),
            effects: self.effects,
        };
        let (secrets, bytes) = self.secrets();
        let begun = self.effects.clock.now();
        let mut canonical = Canonical {
            epoch: epoch(self.plan),
            begun,
            ended: begun,
            labels: provenance::labels(self.plan),
            leaks: Leaks::of(&secrets, &bytes)?,
        };
        let archive = folder.join(format!("{unique}.tar"));
        let build = |request: &Request<'_>| -> Result<_, BuildError> {
            let hidden = secrets.iter().map(|(_, secret)| secret.clone()).collect();
            let steps = self.engine.build(request, Steps::new(self.effects, hidden), &archive)?;
            Ok((steps, DockerImage::open(&archive, &self.effects.limits)?))
        };
        let (mut steps, mut image) = build(&request)?;
        if !request.fresh && self.engine.uses_its_cache() && !canonical::knows_the_commit(&image.config, canonical.epoch)? {
            let what = "the builder does not date its steps (a frontend of before 2023): steps of its cache cannot be told from the base's";
            self.effects.warn(Stage::Build, format!("{what}; building again without it"));
            drop(image);
            let fresh = Request { fresh: true, ..request };
            (steps, image) = build(&fresh)?;
        }
        if !request.fresh && self.bases.moved(steps.bases().iter()) {
            let what = "a base is another one than a moment ago: building again without the builder's cache";
            self.effects.warn(Stage::Build, what);
            drop(image);
            let fresh = Request { fresh: true, ..request };
            (steps, image) = build(&fresh)?;
        }
        bases.extend(steps.bases().clone());
        let now = self.effects.clock.now();
        // One that dates its steps to the commit needs no allowance, by which a base of a clock that is ahead would be taken for a step of this build.
        canonical.ended = match canonical::knows_the_commit(&image.config, canonical.epoch)? {
            true => now,
            false => now.saturating_add(AHEAD).unwrap_or(jiff::Timestamp::MAX),
        };
        let image = canonical::image(&image, &canonical, &self.target.layout, self.effects)?;
        if let Some(platform) = platform {
            machine::starts_on(platform, &image, &self.target.layout, self.effects)?;
        }
        Ok(image)
    }

    /// The values of the build's secrets by their ids, so that they are never shown, and never in the image: texts, and what is no text in UTF-8.
    fn secrets(&self) -> (ById<Secret>, ById<Vec<u8>>) {
        let (mut texts, mut bytes) = (Vec::new(), Vec::new());
        for (id, secret) in &self.build.secrets {
            match secret {
                BuildSecret::Variable(name) => texts.extend(self.effects.secrets.secret(name).map(|value| (id.clone(), value))),
                BuildSecret::File(path) => {
                    let content = std::fs::read(self.plan.root.join(path));
                    match content
                        .or_none("one that cannot be read is refused before the build begins")
                        .map(String::from_utf8)
                    {
                        Some(Ok(text)) => texts.push((id.clone(), Secret::new(text))),
                        Some(Err(odd)) => bytes.push((id.clone(), odd.into_bytes())),
                        None => {}
                    }
                }
            }
        }
        (texts, bytes)
    }

    /// The manifest of the only platform, or an index of several.
    fn index(&self, images: Vec<(Descriptor, Option<&Platform>)>) -> Result<Descriptor, BuildError> {
        let mut manifests = Vec::new();
        for (mut descriptor, platform) in images {
            let Some(platform) = platform.filter(|_| self.build.platforms.len() > 1) else {
                return Ok(descriptor);
            };
            descriptor.platform = Some(DescriptorPlatform {
                architecture: platform.architecture.clone(),
                os: platform.os.clone(),
                variant: platform.variant.clone(),
            });
            manifests.push(descriptor);
        }
        Ok(put_index(&self.target.layout, &manifests)?)
    }
}
