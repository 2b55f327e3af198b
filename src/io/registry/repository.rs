//! Names of repositories.

use std::fmt;
use std::net::IpAddr;

use crate::io::loopback::is_loopback;

use crate::model::logins;

/// A repository of a registry: host and path, without tag or digest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repository {
    host: String,
    path: String,
}

/// Why a text is not a [`Repository`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("`{text}` names no repository: {reason}")]
#[diagnostic(
    code(registry::repository),
    help("expected HOST[:PORT]/PATH without tag or digest, such as ghcr.io/acme/payments")
)]
pub struct RepositoryError {
    /// The text, cut to 200 characters.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Repository {
    /// Parses `host[:port]/path`. A name without a host is one of Docker Hub, as Docker has it.
    ///
    /// # Errors
    /// [`RepositoryError`] for a path that the distribution specification does not allow.
    /// Source: the OCI distribution specification, "Pulling manifests".
    pub fn parse(text: &str) -> Result<Self, RepositoryError> {
        let fail = |reason| RepositoryError {
            text: logins::of_reference(text).chars().take(200).collect(),
            reason,
        };
        let (host, path) = match text.split_once('/') {
            Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (host, path.to_owned()),
            Some(_) => ("docker.io", text.to_owned()),
            None => ("docker.io", format!("library/{text}")),
        };
        let host = if matches!(host, "index.docker.io" | "registry-1.docker.io") {
            "docker.io"
        } else {
            host
        };
        if host.len() > 255 || !is_host(host) {
            return Err(fail("its host is none"));
        }
        if path.len() > 255 {
            return Err(fail("its path has more than 255 characters"));
        }
        if !is_path(&path) {
            return Err(fail(
                "its path is not lower-case letters and digits, joined by `.`, `_`, `-` and `/`",
            ));
        }
        Ok(Self {
            host: host.to_owned(),
            path,
        })
    }

    /// `ghcr.io`, `127.0.0.1:5000`.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// `acme/payments`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The host that answers: Docker Hub's registry is not called `docker.io`.
    pub(super) fn server(&self) -> &str {
        if self.host == "docker.io" {
            "registry-1.docker.io"
        } else {
            &self.host
        }
    }

    pub(super) fn login_host(&self) -> &str {
        &self.host
    }

    /// True when the host can only be this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(host_name(&self.host))
    }
}

/// The host without its port.
fn host_name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.is_empty() => name,
        _ => host,
    }
}

fn is_host(host: &str) -> bool {
    let name = host_name(host);
    if let Some(inner) = name.strip_prefix('[').and_then(|n| n.strip_suffix(']')) {
        return inner.parse::<IpAddr>().is_ok();
    }
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-')) && !name.starts_with(['.', '-'])
}

/// What the distribution specification's grammar allows: no tag, no digest, no upper case. The common forms are told by a few comparisons:
/// `oci-client` decides on the rest, with a regular expression that takes 50 ms to compile.
fn is_path(path: &str) -> bool {
    path.split('/').all(is_component)
        || oci_client::Reference::try_from(format!("registry.invalid/{path}")).is_ok_and(|reference| reference.repository() == path)
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_component(text: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let mut separators = text
        .split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        .filter(|run| !run.is_empty());
    let ends = [text.bytes().next(), text.bytes().last()];
    ends.into_iter().all(|end| end.is_some_and(alphanumeric))
        && separators.all(|run| matches!(run, "." | "_" | "__") || run.bytes().all(|byte| byte == b'-'))
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_docker_reads_them() {
        for (text, host, path) in [
            ("ghcr.io/acme/payments", "ghcr.io", "acme/payments"),
            ("127.0.0.1:5000/a/b", "127.0.0.1:5000", "a/b"),
            ("[::1]:5000/a", "[::1]:5000", "a"),
            ("localhost/a", "localhost", "a"),
            ("debian", "docker.io", "library/debian"),
            ("acme/payments", "docker.io", "acme/payments"),
            ("r.example/a__b/c---d/e.f", "r.example", "a__b/c---d/e.f"),
        ] {
            let parsed = Repository::parse(text).expect(text);
            assert_eq!((parsed.host(), parsed.path()), (host, path));
        }
    }

    #[test]
    fn what_could_leave_the_repository_is_refused() {
        for text in [
            "",
            "r.example/",
            "r.example/A",
            "r.example/a/../b",
            "r.example/a:tag",
            "r.example/a@sha256:00",
            "r.example/a?x",
            "r.example/a//b",
            "r.example/_a",
            "user@r.example:1/a",
            "r.example/a___b",
        ] {
            assert!(Repository::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_quick_grammar_takes_nothing_that_the_whole_one_refuses() {
        let pieces = ["a", "9", "Z", ".", "..", "_", "__", "___", "-", "---", "/", "ä", ""];
        for mut number in 0..pieces.len().pow(4) {
            let mut text = String::new();
            for _ in 0..4 {
                text.push_str(pieces[number % pieces.len()]);
                number /= pieces.len();
            }
            let whole = oci_client::Reference::try_from(format!("registry.invalid/{text}")).is_ok_and(|r| r.repository() == text);
            assert_eq!(text.split('/').all(is_component), whole, "{text}");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for (text, expected) in [
            ("127.0.0.1:5000/a", true),
            ("localhost:5000/a", true),
            ("[::1]:5000/a", true),
            ("127.0.0.1.example.com/a", false),
            ("10.0.0.1:5000/a", false),
            ("localhost.example/a", false),
        ] {
            assert_eq!(Repository::parse(text).expect(text).is_loopback(), expected, "{text}");
        }
    }
}
