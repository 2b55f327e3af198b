//! The ways to name an image that exists already.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::digest::Digest;
use super::logins;

/// Where an image is taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageRef {
    /// `oci:DIR`, `oci:DIR:TAG` or `oci:DIR@sha256:…`: an OCI layout folder.
    OciLayout {
        /// The folder with `index.json`.
        dir: PathBuf,
        /// `org.opencontainers.image.ref.name` of the manifest, where the layout holds several.
        tag: Option<String>,
        /// The manifest's digest; counts before the tag.
        digest: Option<Digest>,
    },
    /// `oci-archive:FILE`: the same in a tar.
    OciArchive(PathBuf),
    /// `docker-archive:FILE`: what `docker save` writes.
    DockerArchive(PathBuf),
    /// `docker-daemon:REF`: an image in the Docker Engine.
    DockerDaemon(String),
    /// `containers-storage:REF`: an image of podman or buildah.
    ContainersStorage(String),
    /// `registry:REPOSITORY@sha256:…`: by digest; a tag is refused.
    Registry {
        /// `host/path`, without tag or digest.
        repository: String,
        /// Digest of the manifest or index.
        digest: Digest,
    },
    /// `rootfs:DIR`: an unpacked root file system.
    RootFs(PathBuf),
}

/// Why a text is not an [`ImageRef`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageRefError {
    /// No known prefix.
    #[error(
        "`{0}` names no image: expected oci:DIR, oci-archive:FILE, docker-archive:FILE, docker-daemon:REF, containers-storage:REF, registry:REF@sha256:… or rootfs:DIR"
    )]
    Scheme(String),
    /// A registry reference without a digest.
    #[error("`{0}` has no digest: a tag can move between two looks, so write registry:REPOSITORY@sha256:…")]
    NoDigest(String),
    /// A registry's name as other tools write it.
    #[error(
        "`{name}` names an image by a tag, and a tag can move between two looks: write registry:{repository}@sha256:… (the run that published it printed the digest, `docker buildx imagetools inspect {name}` shows it), or docker-daemon:{name} for an image of the engine here"
    )]
    Tag {
        /// As it was written.
        name: String,
        /// Without the tag.
        repository: String,
    },
    /// A registry's name with a user and a password before it.
    #[error(
        "`{0}` has a login in it, which belongs to `docker login` or a credential helper: leave it out, and change the password if this was stored anywhere"
    )]
    Login(String),
    /// An invalid digest.
    #[error(transparent)]
    Digest(#[from] super::digest::DigestError),
}

/// Schemes of references, and of what verbs read beside them.
const SCHEMES: [&str; 8] = [
    "oci",
    "oci-archive",
    "docker-archive",
    "docker-daemon",
    "containers-storage",
    "registry",
    "rootfs",
    "sbom",
];

/// True for a text that names an image, or says of what kind it is: it never means a path of that very name, which a commit could bring (git holds
/// names with `:` and `@`). Such a path is written with `./` before it.
#[must_use]
pub fn is_reference(text: &str) -> bool {
    let scheme = text.split_once(':').is_some_and(|(scheme, _)| SCHEMES.contains(&scheme));
    scheme || text.contains("@sha256:") && !text.starts_with(['.', '/'])
}

impl ImageRef {
    /// Parses one of the forms above.
    ///
    /// # Errors
    /// [`ImageRefError`] for every other text.
    pub fn parse(text: &str) -> Result<Self, ImageRefError> {
        let unknown = || match tagged(text) {
            Some(repository) => ImageRefError::Tag {
                name: text.to_owned(),
                repository: repository.to_owned(),
            },
            None => ImageRefError::Scheme(logins::of_reference(text)),
        };
        let (scheme, rest) = text.split_once(':').filter(|(_, rest)| !rest.is_empty()).ok_or_else(unknown)?;
        let names_image = matches!(scheme, "registry" | "docker-daemon" | "containers-storage");
        if names_image && logins::has_login(rest.trim_start_matches('/')) {
            return Err(ImageRefError::Login(logins::of_reference(text)));
        }
        Ok(match scheme {
            "oci" => {
                let (rest, digest) = match rest.split_once("@sha256:") {
                    Some((rest, hex)) => (rest, Some(Digest::parse(&format!("sha256:{hex}"))?)),
                    None => (rest, None),
                };
                let (dir, tag) = match rest.rsplit_once(':') {
                    Some((dir, tag)) if !dir.is_empty() && !tag.contains('/') => (dir, Some(tag.to_owned())),
                    _ => (rest, None),
                };
                Self::OciLayout {
                    dir: dir.into(),
                    tag,
                    digest,
                }
            }
            "oci-archive" => Self::OciArchive(rest.into()),
            "docker-archive" => Self::DockerArchive(rest.into()),
            "docker-daemon" => Self::DockerDaemon(rest.to_owned()),
            "containers-storage" => Self::ContainersStorage(rest.to_owned()),
            "rootfs" => Self::RootFs(rest.into()),
            "registry" => {
                let rest = rest.trim_start_matches("//");
                let (repository, digest) = rest
                    .split_once('@')
                    .ok_or_else(|| ImageRefError::NoDigest(logins::of_reference(text)))?;
                let name_start = repository.rfind('/').map_or(0, |at| at + 1);
                let repository = match repository[name_start..].find(':') {
                    Some(at) => &repository[..name_start + at],
                    None => repository,
                };
                // What stands behind the first at sign of a password is no digest, and is not shown as one.
                let digest = match digest.rsplit_once('@') {
                    Some(_) => return Err(ImageRefError::NoDigest(logins::of_reference(text))),
                    None => Digest::parse(digest)?,
                };
                Self::Registry {
                    repository: repository.to_owned(),
                    digest,
                }
            }
            _ => return Err(unknown()),
        })
    }
}

/// The repository of `HOST/PATH:TAG` or `NAME:latest`, as other tools name an image.
fn tagged(text: &str) -> Option<&str> {
    let plain = |text: &str, more: &[char]| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(&c));
    let (repository, tag) = text.rsplit_once(':').filter(|(_, tag)| plain(tag, &['.', '-', '_']))?;
    let (host, path) = repository.split_once('/').unwrap_or(("", repository));
    let is_host = match host.split_once(':') {
        Some((name, port)) => plain(name, &['.', '-']) && port.bytes().all(|byte| byte.is_ascii_digit()),
        None => host.is_empty() && tag == "latest" || plain(host, &['.', '-', '_']) && !host.starts_with('.'),
    };
    (is_host && path.split('/').all(|part| plain(part, &['.', '-', '_']))).then_some(repository)
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OciLayout { dir, tag, digest } => {
                write!(f, "oci:{}", dir.display())?;
                tag.iter().try_for_each(|tag| write!(f, ":{tag}"))?;
                digest.iter().try_for_each(|digest| write!(f, "@{digest}"))
            }
            Self::OciArchive(file) => write!(f, "oci-archive:{}", file.display()),
            Self::DockerArchive(file) => write!(f, "docker-archive:{}", file.display()),
            Self::DockerDaemon(reference) => write!(f, "docker-daemon:{reference}"),
            Self::ContainersStorage(reference) => write!(f, "containers-storage:{reference}"),
            Self::Registry { repository, digest } => write!(f, "registry:{repository}@{digest}"),
            Self::RootFs(dir) => write!(f, "rootfs:{}", dir.display()),
        }
    }
}

impl FromStr for ImageRef {
    type Err = ImageRefError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_by_its_tag_is_told_how_it_is_written_here() {
        for (text, repository) in [
            ("ghcr.io/acme/pay:1.0", "ghcr.io/acme/pay"),
            ("127.0.0.1:5000/pay:main", "127.0.0.1:5000/pay"),
            ("acme/pay:1.0", "acme/pay"),
            ("nginx:latest", "nginx"),
        ] {
            let error = ImageRef::parse(text).expect_err("a tag");
            assert!(error.to_string().contains(&format!("registry:{repository}@sha256:…")), "{error}");
        }
        for other in [
            "ocl:image",
            "oci-archiv:/tmp/a/b.tar",
            "registri:host/pay:1",
            "/tmp/a:b",
            "./a:b",
            "a//b:c",
            "pay",
        ] {
            assert!(matches!(ImageRef::parse(other), Err(ImageRefError::Scheme(_))), "{other}");
        }
    }

    #[test]
    fn a_registry_reference_needs_a_digest() {
        assert!(matches!(
            ImageRef::parse("registry:127.0.0.1:5000/a/b:v1"),
            Err(ImageRefError::NoDigest(_))
        ));
        let digest = format!("sha256:{}", "0".repeat(64));
        let parsed = ImageRef::parse(&format!("registry:127.0.0.1:5000/a/b:v1@{digest}")).expect("valid");
        assert_eq!(parsed.to_string(), format!("registry:127.0.0.1:5000/a/b@{digest}"));
    }

    #[test]
    fn every_form_reads_back_what_it_writes() {
        for text in [
            "oci:target/image",
            "oci:/a/b:v1",
            "oci:/a/b@sha256:0000000000000000000000000000000000000000000000000000000000000000",
            "oci:/a/b:v1@sha256:0000000000000000000000000000000000000000000000000000000000000000",
            "oci-archive:x.tar",
            "docker-archive:x.tar",
            "docker-daemon:a/b:v1",
            "rootfs:/mnt",
        ] {
            assert_eq!(ImageRef::parse(text).map(|r| r.to_string()), Ok(text.to_owned()));
        }
    }
}
