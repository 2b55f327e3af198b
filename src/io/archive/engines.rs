//! Images in a container engine's own store, saved to a file by the engine's own program.

use std::path::Path;

use crate::io::process::{ProcessError, Program};

/// Saves an image of the Docker Engine as a `docker save` archive.
///
/// # Errors
/// [`ProcessError`] with what `docker` says.
pub fn save_from_docker(reference: &str, file: &Path) -> Result<(), ProcessError> {
    let name = file.as_os_str();
    // Behind `--` no reference can pass for an option.
    Program::new("docker")
        .args([
            "image".as_ref(),
            "save".as_ref(),
            "--output".as_ref(),
            name,
            "--".as_ref(),
            reference.as_ref(),
        ])
        .stdout()?;
    Ok(())
}

/// Saves an image of podman's and buildah's store as an OCI archive.
///
/// # Errors
/// [`ProcessError`] with what `buildah` or `podman` says.
pub fn save_from_containers_storage(reference: &str, file: &Path) -> Result<(), ProcessError> {
    let target = format!("oci-archive:{}", file.display());
    match Program::new("buildah").args(["push", "--quiet", "--", reference, &target]).stdout() {
        Err(ProcessError::Start { .. }) => {
            let arguments = ["push", "--quiet", "--", reference, &target];
            Program::new("podman").args(arguments).stdout()?;
            Ok(())
        }
        other => other.map(|_| ()),
    }
}
