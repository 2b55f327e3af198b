//! Getting the image out of an engine, and leaving nothing of it there.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use crate::io::Effects;
use crate::io::archive::{self, save};
use crate::io::files::FileError;
use crate::io::process::Program;
use crate::model::event::{Event, Stage, Unit};
use crate::model::excused::Excused as _;
use crate::stage::build::BuildError;

/// An image under a name that this build made up. It goes, and its name with it, however the build ends.
pub(super) struct Temporary {
    engine: archive::Engine,
    name: String,
}

impl Temporary {
    pub(super) fn new(engine: archive::Engine, name: String) -> Self {
        Self { engine, name }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Saves it into a file.
    ///
    /// # Errors
    /// [`BuildError::Engine`], [`BuildError::File`], [`BuildError::Interrupted`].
    pub(super) fn save(&self, to: &Path, effects: &Effects) -> Result<(), BuildError> {
        let failed = |source| FileError::Write {
            path: to.to_owned(),
            source,
        };
        let mut file = File::create(to).map_err(failed)?;
        let mut running = save(self.engine, &self.name).map_err(BuildError::Engine)?;
        let mut chunk = vec![0; 256 * 1024];
        let mut done = 0;
        loop {
            if effects.is_cancelled() {
                return Err(BuildError::Interrupted);
            }
            let count = running.read(&mut chunk).map_err(failed)?;
            if count == 0 {
                break;
            }
            file.write_all(&chunk[..count]).map_err(failed)?;
            done += count as u64;
            effects.emit(&Event::Progress {
                stage: Stage::Build,
                task: "image".to_owned(),
                done,
                total: None,
                unit: Unit::Bytes,
            });
        }
        running.finish().map_err(BuildError::Engine)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let mut remove = match self.engine {
            archive::Engine::Docker => Program::new("docker").args(["image", "rm", "--", &self.name]),
            archive::Engine::ContainersStorage => Program::new("buildah").args(["rmi", "--", &self.name]),
        };
        remove
            .output()
            .dismissed("a build that failed has made none, and the engine says so");
    }
}
