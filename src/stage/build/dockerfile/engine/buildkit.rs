//! BuildKit, in a Docker Engine or beside it, through Docker's command line.

use std::path::Path;

use super::super::failure;
use super::super::progress::{Heard, Plain, RawJson, Reader, Steps};
use super::request::{Engine, Request, Stored};
use super::saved::Temporary;
use crate::io::archive;
use crate::io::process::{ProcessError, Program};
use crate::model::event::Stage;
use crate::model::excused::Excused as _;
use crate::model::plan::DockerfileBuilder;
use crate::stage::build::BuildError;

/// The first buildx whose progress can be had as JSON.
const RAW_JSON: (u32, u32) = (0, 13);
/// From this version on, docker's command line builds with BuildKit through buildx alone.
const NEEDS_BUILDX: u32 = 23;
/// Without it, BuildKit takes no notice of `type=gha`.
const GITHUB_TOKEN: &str = "ACTIONS_RUNTIME_TOKEN";
/// What GitHub's cache is reached with: BuildKit's `type=gha`.
const GITHUB_CACHE: [&str; 4] = ["ACTIONS_CACHE_URL", "ACTIONS_RESULTS_URL", GITHUB_TOKEN, "ACTIONS_CACHE_SERVICE_V2"];

/// A Docker Engine that answers.
pub(super) struct Buildkit {
    engine: String,
    front: Front,
}

enum Front {
    Buildx {
        version: String,
        json: bool,
        /// True where images go to the engine; otherwise the builder is a BuildKit of its own, and gives files.
        in_engine: bool,
    },
    /// `DOCKER_BUILDKIT=1 docker build`.
    Docker,
}

impl Buildkit {
    /// Asks for the engine and for buildx.
    ///
    /// # Errors
    /// Why it cannot be used, in a few words.
    pub(super) fn find() -> Result<Self, String> {
        let ask = |args: &[&str]| {
            Program::new("docker")
                .args(args)
                .stdout()
                .map(|out| String::from_utf8_lossy(&out).trim().to_owned())
        };
        let versions = ask(&["version", "--format", "{{.Server.Version}} {{.Client.Version}}"]).map_err(|error| match error {
            ProcessError::Start { .. } => "docker is not installed".to_owned(),
            ProcessError::Failed { tail, .. } => {
                format!("no Docker Engine answers ({})", tail.lines().last().unwrap_or_default().trim())
            }
        })?;
        let (engine, client) = versions.split_once(' ').unwrap_or((versions.as_str(), ""));
        let front = match ask(&["buildx", "version"]) {
            Ok(text) => {
                let version = text
                    .split_whitespace()
                    .nth(1)
                    .unwrap_or_default()
                    .trim_start_matches('v')
                    .to_owned();
                let driver = ask(&["buildx", "inspect"]).map_err(|error| format!("buildx does not answer ({error})"))?;
                Front::Buildx {
                    json: numbers(&version).is_some_and(|numbers| numbers >= RAW_JSON),
                    in_engine: driver.lines().any(|line| line.split_whitespace().eq(["Driver:", "docker"])),
                    version,
                }
            }
            Err(_) if numbers(client).is_some_and(|(major, _)| major < NEEDS_BUILDX) => Front::Docker,
            Err(_) => {
                return Err(format!(
                    "docker {client} builds with BuildKit through buildx, which is not installed"
                ));
            }
        };
        Ok(Self {
            engine: engine.to_owned(),
            front,
        })
    }

    fn command(&self, request: &Request<'_>, name: &str, archive: &Path) -> Result<Program, BuildError> {
        let mut program = Program::new("docker");
        program = match &self.front {
            Front::Buildx { json, in_engine, .. } => {
                let progress = if *json { "--progress=rawjson" } else { "--progress=plain" };
                let output = match in_engine {
                    true => ["--load".to_owned(), format!("--tag={name}")],
                    false => ["--output".to_owned(), format!("type=docker,name={name},dest={}", archive.display())],
                };
                program
                    .args(["buildx", "build", progress, "--provenance=false", "--sbom=false"])
                    .args(output)
            }
            Front::Docker => program
                .args(["build", "--progress=plain"])
                .args([format!("--tag={name}")])
                .env("DOCKER_BUILDKIT", "1"),
        };
        let build = request.build;
        let mut caches = build.cache_from.iter().chain(&build.cache_to);
        if caches.any(|cache| cache.contains("type=gha")) {
            program = with_github_cache(program, request);
        }
        let option =
            |name: &'static str, values: &[String]| values.iter().flat_map(|value| [name.to_owned(), value.clone()]).collect::<Vec<_>>();
        let epoch = request.epoch.to_string();
        program = program
            .args(option("--cache-from", &build.cache_from))
            .args(option("--cache-to", &build.cache_to))
            .env("SOURCE_DATE_EPOCH", &epoch)
            .args(["--build-arg".to_owned(), format!("SOURCE_DATE_EPOCH={epoch}")])
            .args(self.without_cache(request));
        Ok(request.common(program)?.args(["--"]).args([request.context]))
    }

    /// Docker's own front knows of no stages there.
    fn without_cache(&self, request: &Request<'_>) -> Option<String> {
        match (&self.front, request.anew) {
            _ if request.fresh => Some("--no-cache".to_owned()),
            (_, []) => None,
            (Front::Buildx { .. }, stages) => Some(format!("--no-cache-filter={}", stages.join(","))),
            (Front::Docker, _) => Some("--no-cache".to_owned()),
        }
    }

    fn reader(&self) -> Box<dyn Reader> {
        match &self.front {
            Front::Buildx { json: true, .. } => Box::new(RawJson::default()),
            Front::Buildx { .. } | Front::Docker => Box::new(Plain::default()),
        }
    }
}

impl Engine for Buildkit {
    fn name(&self) -> (DockerfileBuilder, String) {
        let with = match &self.front {
            Front::Buildx { version, .. } => format!("engine {}, buildx {version}", self.engine),
            Front::Docker => format!("engine {}", self.engine),
        };
        (DockerfileBuilder::Buildkit, with)
    }

    fn uses_its_cache(&self) -> bool {
        true
    }

    fn stored(&self, name: &str) -> Option<Stored> {
        let is_beside = matches!(self.front, Front::Buildx { in_engine: false, .. });
        if is_beside {
            return None;
        }
        let format = "{{.Os}}/{{.Architecture}}{{with .Variant}}/{{.}}{{end}} {{json .Config.OnBuild}}";
        let said = Program::new("docker")
            .args(["image", "inspect", "--format", format, "--", name])
            .stdout();
        let said = said.or_none("an image that the engine does not have is looked for in its registry")?;
        let said = String::from_utf8_lossy(&said);
        let (platform, triggers) = said.trim().split_once(' ')?;
        let on_build: Option<Vec<String>> =
            serde_json::from_str(triggers).or_none("what is not understood is looked up in the registry")?;
        Some(Stored {
            platform: platform.to_owned(),
            on_build: on_build.unwrap_or_default(),
        })
    }

    fn build(&self, request: &Request<'_>, steps: Steps, archive: &Path) -> Result<Steps, BuildError> {
        let image = Temporary::new(archive::Engine::Docker, format!("portcullis-build:{}", request.unique));
        let program = self.command(request, image.name(), archive)?;
        let heard = Heard::new(self.reader(), steps);
        let done = program.lines(&request.effects.cancelled, |_| (), |line| heard.line(line));
        let steps = heard.steps();
        if let Err(error) = done {
            return Err(failure::explain(request, &steps, "docker", &error));
        }
        match self.front {
            // The engine has no image of that name.
            Front::Buildx { in_engine: false, .. } => std::mem::forget(image),
            _ => image.save(archive, request.effects)?,
        }
        Ok(steps)
    }
}

fn with_github_cache(mut program: Program, request: &Request<'_>) -> Program {
    let mut has_token = false;
    for name in GITHUB_CACHE {
        let value = crate::io::environment::variable(name).filter(|value| !value.is_empty());
        if let Some(value) = value {
            has_token |= name == GITHUB_TOKEN;
            program = program.env(name, value);
        }
    }
    if !has_token {
        let why = "a runner gives ACTIONS_RUNTIME_TOKEN to actions alone, and a step must put it into the environment";
        request.effects.warn(Stage::Build, format!("GitHub's cache is left out: {why}"));
    }
    program
}

/// The first two numbers of a version.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut parts = version
        .split(['.', '+', '-'])
        .map(|part| part.parse().or_none("no number: not a version"));
    Some((parts.next()??, parts.next()??))
}
