//! Who the user is to registries: what the caller gives, then Docker's `config.json` and its credential helpers.
//!
//! Source: Docker's documentation of `docker login`, "Credential stores" and "Credential helpers".

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::Repository;
use super::docker_config::DockerConfig;
use super::login::{Login, LoginError};
use crate::io::files;

/// The most that a `config.json` may hold, in bytes.
const CONFIG_LIMIT: u64 = 1024 * 1024;

/// Every login that is known.
#[derive(Debug, Clone, Default)]
pub struct Logins {
    given: BTreeMap<String, Login>,
    docker: Option<PathBuf>,
}

impl Logins {
    /// No login for any host: public repositories only.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// Reads `config.json` in Docker's folder (`$DOCKER_CONFIG`, else `~/.docker`) when a registry is used.
    #[must_use]
    pub const fn docker(folder: PathBuf) -> Self {
        Self {
            given: BTreeMap::new(),
            docker: Some(folder),
        }
    }

    /// Adds a login for a host such as `ghcr.io`; it counts before Docker's.
    #[must_use]
    pub fn with(mut self, host: impl Into<String>, login: Login) -> Self {
        self.given.insert(host.into(), login);
        self
    }

    /// The login for a repository; none where the user is anonymous. Blocking: may start a credential helper.
    ///
    /// # Errors
    /// [`LoginError`]; a file that is not there is no error.
    pub fn find(&self, repository: &Repository) -> Result<Option<Login>, LoginError> {
        if let Some(login) = self.given.get(repository.host()) {
            return Ok(Some(login.clone()));
        }
        let Some(folder) = &self.docker else { return Ok(None) };
        let path = folder.join("config.json");
        if !path.exists() {
            return Ok(None);
        }
        let bytes = files::read(&path, CONFIG_LIMIT)?;
        let config: DockerConfig = serde_json::from_slice(&bytes).map_err(|error| LoginError::Config {
            path: path.clone(),
            line: error.line(),
            column: error.column(),
        })?;
        config.find(repository, &path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::secret::Secret;

    fn find(config: &str, repository: &str) -> Result<Option<Login>, LoginError> {
        let dir = tempfile::tempdir().expect("folder");
        std::fs::write(dir.path().join("config.json"), config).expect("written");
        Logins::docker(dir.path().to_owned()).find(&Repository::parse(repository).expect("repository"))
    }

    fn password(user: &str, password: &str) -> Login {
        Login::Password {
            user: user.to_owned(),
            password: Secret::new(password),
        }
    }

    #[test]
    fn an_auths_entry_is_found_under_every_spelling_of_its_host() {
        for key in ["ghcr.io", "https://ghcr.io", "https://ghcr.io/v2/", "ghcr.io/acme"] {
            let config = format!(r#"{{"auths": {{"{key}": {{"auth": "YTpiOmM="}}}}}}"#);
            let login = find(&config, "ghcr.io/acme/payments").expect("readable");
            assert_eq!(login, Some(password("a", "b:c")), "{key}");
        }
        let hub = r#"{"auths": {"https://index.docker.io/v1/": {"auth": "YTpi"}}}"#;
        assert_eq!(find(hub, "docker.io/library/debian").expect("readable"), Some(password("a", "b")));
        assert_eq!(find(hub, "quay.io/a/b").expect("readable"), None);
    }

    #[test]
    fn the_longest_path_wins() {
        let config = r#"{"auths": {"h.example": {"auth": "YTpi"}, "h.example/team": {"auth": "YzpkCg=="}}}"#;
        let login = find(config, "h.example/team/app").expect("readable");
        assert_eq!(login, Some(password("c", "d\n")));
    }

    #[test]
    fn an_identity_token_is_not_a_password() {
        let config = r#"{"auths": {"a.example": {"auth": "PHRva2VuPjo=", "identitytoken": "t"}}}"#;
        assert_eq!(
            find(config, "a.example/b").expect("readable"),
            Some(Login::Identity(Secret::new("t")))
        );
    }

    #[test]
    fn a_broken_file_is_an_error_that_shows_nothing_of_it() {
        let error = find(r#"{"auths": {"a.example": {"auth": "c2VjcmV0" "#, "a.example/b").expect_err("broken");
        assert!(!format!("{error:?} {error}").contains("c2VjcmV0"));
        assert!(find(r#"{"auths": {"a.example": {"auth": "%%%"}}}"#, "a.example/b").is_err());
    }

    #[test]
    fn a_login_that_is_given_counts_before_dockers() {
        let logins = Logins::anonymous().with("ghcr.io", password("x", "y"));
        let found = logins.find(&Repository::parse("ghcr.io/a/b").expect("repository")).expect("found");
        assert_eq!(found, Some(password("x", "y")));
        assert!(!format!("{found:?}").contains("\"y\""));
    }
}
