//! Why a program did not do its work.

use std::io;

/// Why a program did not do its work.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[expect(missing_docs, reason = "the message says what each value is")]
pub enum ProcessError {
    /// It could not be started.
    #[error("cannot start {program}")]
    #[diagnostic(code(io::process), help("is {program} installed and on the PATH?"))]
    Start { program: String, source: io::Error },
    /// It ended with another status than 0.
    #[error("{program} failed ({status}): {tail}")]
    #[diagnostic(
        code(io::process),
        help("{}", if self.is_of_an_absent_image() { "the engine has no image of that name: `docker images` lists those it has" } else { "its own words are above" })
    )]
    Failed {
        /// The program and its first arguments.
        program: String,
        status: String,
        /// The last lines it wrote to stderr.
        tail: String,
    },
}

impl ProcessError {
    /// True for an engine's program that says that it has no such image: what was named is wrong, and to ask again helps nothing.
    #[must_use]
    pub fn is_of_an_absent_image(&self) -> bool {
        // As docker, podman and buildah say it.
        const WORDS: [&str; 3] = ["no such image", "image not known", "does not exist in local storage"];
        let Self::Failed { tail, .. } = self else { return false };
        let tail = tail.to_ascii_lowercase();
        WORDS.iter().any(|words| tail.contains(words))
    }

    /// True where buildah or podman did not get as far as to begin: see [`did_not_begin`].
    #[must_use]
    pub fn did_not_begin(&self) -> bool {
        matches!(self, Self::Failed { tail, .. } if did_not_begin(tail))
    }
}

/// True for the words of buildah, podman and skopeo that the kernel would not seal the copy of themselves that they start as (`EBUSY`, where a page
/// of the copy is still held elsewhere). Nothing has been done by then, and the next try succeeds. Source: `pkg/unshare/unshare.c` of
/// containers/storage, `fcntl(2)` on `F_SEAL_WRITE`.
#[must_use]
pub fn did_not_begin(said: &str) -> bool {
    said.lines()
        .any(|line| line.contains("sealing memfd copy") && line.contains("resource busy"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_that_an_engine_has_not_is_told_from_an_engine_that_is_not_there() {
        let failed = |tail: &str| ProcessError::Failed {
            program: "docker".to_owned(),
            status: "exit status: 1".to_owned(),
            tail: tail.to_owned(),
        };
        for tail in ["Error response from daemon: No such image: x:latest", "Error: x: image not known"] {
            assert!(failed(tail).is_of_an_absent_image(), "{tail}");
        }
        let busy = "Close_Fd sealing memfd copy: Device or resource busy\nsubprocess exited with status 1";
        assert!(failed(busy).did_not_begin());
        assert!(!failed("Error sealing memfd copy: Operation not permitted").did_not_begin());
        assert!(!failed("Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?").is_of_an_absent_image());
    }
}
