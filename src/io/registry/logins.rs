//! Who the user is to registries: what the caller gives, then Docker's `config.json` and its credential helpers.
//!
//! Source: Docker's documentation of `docker login`, "Credential stores" and "Credential helpers".

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::Repository;
use crate::io::files::{self, FileError};
use crate::io::process::{ProcessError, Program};
use crate::io::secret::Secret;
use crate::model::excused::Excused as _;

/// The most that a `config.json` may hold, in bytes.
const CONFIG_LIMIT: u64 = 1024 * 1024;

/// How Docker Hub is called in a `config.json`.
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";

/// What a registry is told about the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// A user name with a password or an access token (GHCR: any name with `GITHUB_TOKEN`).
    Password {
        /// The user's name, which is no secret.
        user: String,
        /// The password or token.
        password: Secret,
    },
    /// A refresh token, exchanged for an access token by the registry's token service.
    Identity(Secret),
    /// An access token, sent as it is.
    Token(Secret),
}

/// Why a login could not be found out.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[expect(missing_docs, reason = "the message says what each value is")]
pub enum LoginError {
    /// The file could not be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(#[from] FileError),
    /// The file is not what Docker writes. Its content is not shown: it holds passwords.
    #[error("{} is no Docker configuration (line {line}, column {column})", path.display())]
    #[diagnostic(code(registry::login), help("`docker login` writes this file; DOCKER_CONFIG names its folder"))]
    Config {
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// An entry in it does not decode.
    #[error("{} has an entry for {host} that is not base64 of user:password", path.display())]
    #[diagnostic(code(registry::login), help("run `docker login {host}` again"))]
    Entry { path: PathBuf, host: String },
    /// A credential helper failed.
    #[error("the credential helper for {host} failed")]
    #[diagnostic(code(registry::login))]
    Helper { host: String, source: ProcessError },
    /// A credential helper answered with something else than credentials. The answer is not shown.
    #[error("the credential helper {helper} gave no credentials for {host}")]
    #[diagnostic(code(registry::login))]
    HelperAnswer { helper: String, host: String },
}

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

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct DockerConfig {
    auths: BTreeMap<String, Entry>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "lowercase", default)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HelperAnswer {
    username: String,
    secret: String,
}

impl DockerConfig {
    fn find(&self, repository: &Repository, path: &Path) -> Result<Option<Login>, LoginError> {
        let names = names(repository);
        let helper = names.iter().find_map(|name| self.cred_helpers.get(name).map(|h| (h, name)));
        if let Some((helper, name)) = helper {
            return ask(helper, name);
        }
        if let Some(store) = self.creds_store.as_ref().filter(|store| !store.is_empty()) {
            let listed = names.iter().find(|name| self.auths.contains_key(*name));
            let name = listed.or(names.first()).cloned().unwrap_or_default();
            if let Some(login) = ask(store, &name)? {
                return Ok(Some(login));
            }
        }
        let entry = names.iter().find_map(|name| self.auths.get(name));
        entry.map_or(Ok(None), |entry| {
            entry.login().ok_or_else(|| LoginError::Entry {
                path: path.to_owned(),
                host: repository.host().to_owned(),
            })
        })
    }
}

impl Entry {
    /// None for an entry that does not decode; `Some(None)` for one that holds nothing, as `docker login` leaves beside a store.
    #[expect(clippy::option_option, reason = "broken and empty are two things")]
    fn login(&self) -> Option<Option<Login>> {
        let given = |text: &Option<String>| text.clone().filter(|t| !t.is_empty());
        if let Some(token) = given(&self.registrytoken) {
            return Some(Some(Login::Token(Secret::new(token))));
        }
        if let Some(token) = given(&self.identitytoken) {
            return Some(Some(Login::Identity(Secret::new(token))));
        }
        if let (Some(user), Some(password)) = (given(&self.username), given(&self.password)) {
            let password = Secret::new(password);
            return Some(Some(Login::Password { user, password }));
        }
        let Some(auth) = given(&self.auth) else { return Some(None) };
        let text = String::from_utf8(STANDARD.decode(auth.trim()).or_none("what docker cannot decode is no login")?)
            .or_none("what docker cannot decode is no login")?;
        let (user, password) = text.split_once(':')?;
        Some(Some(Login::Password {
            user: user.to_owned(),
            password: Secret::new(password.trim_end_matches('\0')),
        }))
    }
}

/// The keys under which a repository's login may stand, the most precise first.
fn names(repository: &Repository) -> Vec<String> {
    let host = repository.login_host();
    let mut names = Vec::new();
    let whole = format!("{host}/{}", repository.path());
    let mut prefix = whole.as_str();
    while let Some((shorter, _)) = prefix.rsplit_once('/') {
        names.push(prefix.to_owned());
        prefix = shorter;
    }
    names.extend([
        host.to_owned(),
        format!("https://{host}"),
        format!("https://{host}/"),
        format!("https://{host}/v1/"),
        format!("https://{host}/v2/"),
        format!("http://{host}"),
    ]);
    if host == "docker.io" {
        names.push(DOCKER_HUB_KEY.to_owned());
        names.push("index.docker.io".to_owned());
    }
    names
}

/// Asks `docker-credential-NAME get`. A helper that knows nothing exits with 1, so an exit status is "nobody", not an error.
fn ask(helper: &str, server: &str) -> Result<Option<Login>, LoginError> {
    if helper.contains('/') || helper.starts_with('-') {
        return Err(LoginError::HelperAnswer {
            helper: helper.to_owned(),
            host: server.to_owned(),
        });
    }
    let program = format!("docker-credential-{helper}");
    let answer = match Program::new(&program).args(["get"]).stdout_of(server.as_bytes()) {
        Ok(answer) => answer,
        Err(ProcessError::Failed { .. }) => return Ok(None),
        Err(source) => {
            return Err(LoginError::Helper {
                host: server.to_owned(),
                source,
            });
        }
    };
    let answer: HelperAnswer = serde_json::from_slice(&answer).map_err(|_| LoginError::HelperAnswer {
        helper: program,
        host: server.to_owned(),
    })?;
    let secret = Secret::new(answer.secret);
    Ok(Some(if answer.username == "<token>" {
        Login::Identity(secret)
    } else {
        Login::Password {
            user: answer.username,
            password: secret,
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

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
