//! What is known of how a registry wants to be asked.

use std::sync::Arc;

use reqwest::header::HeaderValue;
use tokio::sync::Mutex;

use super::{Access, Login, Logins, Repository};

/// Keeps the header that is sent with each request.
pub(super) struct Authorizer {
    pub(super) repository: Repository,
    pub(super) access: Access,
    /// Where blobs may be mounted from: a token that may pull there too is asked for.
    source: Option<Repository>,
    pub(super) logins: Arc<Logins>,
    pub(super) state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) header: Option<HeaderValue>,
    pub(super) login: Option<Option<Login>>,
    /// A token for two repositories did not do (a service gave none, or one for the wrong one of them): ours alone is asked for from now on.
    pub(super) alone: bool,
}

impl Authorizer {
    pub(super) fn new(repository: Repository, access: Access, source: Option<Repository>, logins: Arc<Logins>) -> Self {
        Self {
            repository,
            access,
            source,
            logins,
            state: Mutex::new(State::default()),
        }
    }

    pub(super) async fn header(&self) -> Option<HeaderValue> {
        self.state.lock().await.header.clone()
    }

    /// Who we are, for an error.
    pub(super) async fn who(&self) -> String {
        match self.state.lock().await.login.as_ref() {
            Some(Some(Login::Password { user, .. })) => format!("user {user}"),
            Some(Some(Login::Identity(_) | Login::Token(_))) => "the user of a token".to_owned(),
            _ => "an anonymous user".to_owned(),
        }
    }

    /// The scope beside ours that a token is asked for.
    pub(super) fn source_scope(&self) -> Option<String> {
        self.source.as_ref().map(|source| format!("repository:{}:pull", source.path()))
    }

    pub(super) fn scope(&self) -> String {
        let actions = match self.access {
            Access::Read => "pull",
            Access::Write => "pull,push",
        };
        format!("repository:{}:{actions}", self.repository.path())
    }
}
