//! Docker's `config.json`, as `docker login` writes it, and the credential helpers that it names.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::Repository;
use super::login::{Login, LoginError};
use crate::io::process::{ProcessError, Program};
use crate::io::secret::Secret;
use crate::model::excused::Excused as _;

/// How Docker Hub is called in a `config.json`.
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct DockerConfig {
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
    /// The login for a repository; `path` is the file's, for errors.
    pub(super) fn find(&self, repository: &Repository, path: &Path) -> Result<Option<Login>, LoginError> {
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
