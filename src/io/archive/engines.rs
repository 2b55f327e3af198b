//! Images in a container engine's own store, as the engine's own program saves them: in the form of `docker save`.

use crate::io::process::{ProcessError, Program, Running};

/// Whose store an image is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// The Docker Engine, through `docker`.
    Docker,
    /// The store of podman and buildah, through either of them.
    ContainersStorage,
}

/// Starts to save an image; the archive is what is read.
///
/// # Errors
/// [`ProcessError::Start`]. What the program says is told by [`Running::finish`].
pub fn save(engine: Engine, reference: &str) -> Result<Running, ProcessError> {
    // Behind `--` no reference can pass for an option.
    match engine {
        Engine::Docker => Program::new("docker").args(["image", "save", "--", reference]).piped(),
        Engine::ContainersStorage => {
            let target = "docker-archive:/dev/stdout";
            match Program::new("buildah").args(["push", "--quiet", "--", reference, target]).piped() {
                Err(ProcessError::Start { .. }) => Program::new("podman")
                    .args(["image", "save", "--quiet", "--format", "docker-archive", "--", reference])
                    .piped(),
                other => other,
            }
        }
    }
}
