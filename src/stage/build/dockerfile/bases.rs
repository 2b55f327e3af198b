//! What bases have ready for whoever builds upon them: `ONBUILD`, steps that stand in no Dockerfile that is read.

use std::path::Path;

use super::engine::{Engine, Stored};
use crate::io::Effects;
use crate::io::registry::{Access, Options, Registry, RemoteError, RemoteImage};
use crate::model::digest::Digest;
use crate::model::excused::Excused as _;
use crate::model::image::Platform;
use crate::model::visible::shortened;
use crate::stage::build::BuildError;
use crate::stage::build::waiting::Waiting;

/// What is known of a build's bases.
#[derive(Default)]
pub(super) struct Bases {
    /// Why some step may see a secret and be in nothing that was read; `None` where every base is known to have none.
    pub(super) unseen: Option<String>,
    /// What a registry was asked about, as `registry/name:tag`, and what it said for.
    asked: Vec<(String, Digest)>,
}

impl Bases {
    /// Asks the engine that builds for each base, and the registry for what it does not have: it would be built upon that one. `platforms`: of all stages;
    /// none where a stage may be of another.
    ///
    /// # Errors
    /// [`BuildError::File`] where the system gives no thread; what is not answered is not known, which is no error.
    pub(super) fn look(
        names: &[String],
        platforms: Option<&[Platform]>,
        engine: &dyn Engine,
        place: &Path,
        effects: &Effects,
    ) -> Result<Self, BuildError> {
        let waiting = Waiting::for_folder(place)?;
        let mut bases = Self::default();
        for name in names {
            let stored = engine.stored(name);
            let here = stored.as_ref().map_or(&[][..], |stored| &stored.on_build);
            let is_for_all =
                |stored: &Stored| platforms.is_some_and(|all| all.iter().all(|platform| platform.to_string() == stored.platform));
            let remote = match &stored {
                Some(stored) if is_for_all(stored) => Some(Vec::new()),
                _ => {
                    let asked = waiting.on(bases.in_registry(name, effects));
                    asked
                        .or_none("what cannot be had is not known, and nothing comes from the cache then")
                        .flatten()
                }
            };
            let Some(remote) = remote else {
                bases.unseen = Some(format!(
                    "it is not known what the base {name} has ready for whoever builds upon it (ONBUILD)"
                ));
                break;
            };
            if let Some(trigger) = here.iter().chain(&remote).find(|trigger| may_mount(trigger)) {
                let trigger = shortened(trigger, 100);
                bases.unseen = Some(format!(
                    "the base {name} has a step ready that may see a secret (ONBUILD {trigger})"
                ));
                break;
            }
        }
        Ok(bases)
    }

    /// The triggers of every platform of an image; none where its name leads to nothing.
    async fn in_registry(&mut self, name: &str, effects: &Effects) -> Result<Option<Vec<String>>, RemoteError> {
        let (tagged, digest) = name.split_once('@').map_or((name, None), |(tagged, digest)| (tagged, Some(digest)));
        let (repository, tag) = match tagged.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => (repository, tag),
            _ => (tagged, "latest"),
        };
        let registry = Registry::open(repository, Options::new(Access::Read, false), effects)?;
        let digest: Option<Digest> = match digest {
            Some(digest) => digest.parse().or_none("what is no digest names nothing"),
            None => registry.tag(tag).await?,
        };
        let Some(digest) = digest else { return Ok(None) };
        let image = RemoteImage::open(repository, &digest, effects).await?;
        self.asked.push((format!("{}:{tag}", registry.repository()), digest));
        let texts = image.platforms.into_iter().flat_map(|platform| platform.config.texts);
        let triggers = texts.filter(|(place, _)| place.starts_with("config.OnBuild["));
        Ok(Some(triggers.map(|(_, text)| text).collect()))
    }

    /// True where a builder resolved a name to another image than was asked about. `resolved`: name and digest, as the builder says.
    pub(super) fn moved<'r>(&self, mut resolved: impl Iterator<Item = (&'r String, &'r String)>) -> bool {
        resolved.any(|(name, digest)| {
            self.asked
                .iter()
                .any(|(asked, known)| asked == name && known.to_string() != *digest)
        })
    }
}

/// True for a trigger whose step may be given more than its layers: only a mount does that, and one is written in its line.
fn may_mount(trigger: &str) -> bool {
    trigger.contains(['\n', '\r']) || trigger.to_lowercase().contains("--mount")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trigger_that_mounts_is_told_however_it_is_written() {
        for trigger in [
            "RUN --mount=type=secret,id=s cat /run/secrets/s > /k",
            "run --network=none --MOUNT=type=$KIND,id=s x",
            "RUN --mo\\\nunt=type=secret,id=s x",
        ] {
            assert!(may_mount(trigger), "{trigger}");
        }
        for trigger in ["COPY . /srv", "RUN npm ci --omit=dev", "ENV A=1"] {
            assert!(!may_mount(trigger), "{trigger}");
        }
    }

    #[test]
    fn a_base_that_moved_since_it_was_asked_about_is_told() {
        let digest = |byte| Digest::from_bytes([byte; 32]);
        let bases = Bases {
            unseen: None,
            asked: vec![("docker.io/library/node:24".to_owned(), digest(1))],
        };
        let moved = |name: &str, byte| bases.moved([(&name.to_owned(), &digest(byte).to_string())].into_iter());
        assert!(moved("docker.io/library/node:24", 2));
        assert!(!moved("docker.io/library/node:24", 1));
        assert!(!moved("docker.io/library/debian:12", 2));
    }
}
