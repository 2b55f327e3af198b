//! One repository of one registry, and how long we are patient with it.

pub use super::access::Access;
pub(super) use super::address::without_query;
pub use crate::io::patience::Patience;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::redirect;

use super::authorizer::Authorizer;
use super::{RegistryError, Repository};
use crate::io::Effects;
use crate::io::http::{refusal, tls_config};
use crate::io::limits::Limits;
/// A client for one repository. Cheap to clone.
#[derive(Clone)]
pub struct Registry {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) repository: Repository,
    pub(super) base: String,
    pub(super) http: reqwest::Client,
    pub(super) authorizer: Authorizer,
    pub(super) patience: Patience,
    pub(super) limits: Limits,
    pub(super) plain_http: bool,
    /// Where blobs may be mounted from.
    source: Option<Repository>,
    /// Token services, which get credentials and may not send them on.
    pub(super) realms: Realms,
    cancelled: Arc<AtomicBool>,
    requests: AtomicU64,
}

/// What a client is opened with beside the repository.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// What will be done.
    pub access: Access,
    /// Allows plain HTTP for this registry; loopback is allowed without it.
    pub plain_http: bool,
    /// How long to try.
    pub patience: Patience,
}

impl Options {
    /// Options with the default patience.
    #[must_use]
    pub fn new(access: Access, plain_http: bool) -> Self {
        Self {
            access,
            plain_http,
            patience: Patience::default(),
        }
    }
}

impl Registry {
    /// Opens a repository. Sends nothing yet.
    ///
    /// # Errors
    /// [`RegistryError::Repository`] for an invalid name, [`RegistryError::Offline`], [`RegistryError::Tls`].
    pub fn open(repository: &str, options: Options, effects: &Effects) -> Result<Self, RegistryError> {
        Self::open_beside(repository, options, &[], effects)
    }

    /// The same, with repositories from which blobs may be mounted: those of the same registry are used.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_beside(repository: &str, options: Options, sources: &[String], effects: &Effects) -> Result<Self, RegistryError> {
        let repository = Repository::parse(repository)?;
        if effects.offline && !repository.is_loopback() {
            return Err(RegistryError::Offline {
                host: repository.host().to_owned(),
            });
        }
        let plain = options.plain_http || repository.is_loopback();
        let scheme = if plain { "http" } else { "https" };
        let base = format!("{scheme}://{}/v2/{}", repository.server(), repository.path());
        let realms = Realms::default();
        let sources: Vec<Repository> = sources.iter().map(|source| Repository::parse(source)).collect::<Result<_, _>>()?;
        let is_beside = |source: &Repository| source.host() == repository.host() && *source != repository;
        let source = sources.into_iter().find(is_beside);
        Ok(Self {
            inner: Arc::new(Inner {
                http: http_client(repository.is_loopback(), Arc::clone(&realms))?,
                authorizer: Authorizer::new(repository.clone(), options.access, source.clone(), Arc::clone(&effects.logins)),
                source,
                realms,
                repository,
                base,
                patience: options.patience,
                limits: effects.limits,
                plain_http: plain,
                cancelled: Arc::clone(&effects.cancelled),
                requests: AtomicU64::new(0),
            }),
        })
    }

    /// The repository that every request goes to.
    #[must_use]
    pub fn repository(&self) -> &Repository {
        &self.inner.repository
    }

    /// The repository that blobs may be mounted from.
    #[must_use]
    pub fn source(&self) -> Option<&Repository> {
        self.inner.source.as_ref()
    }

    /// How many requests were sent so far, those for tokens and those that were tried again included.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.inner.requests.load(Ordering::Relaxed)
    }

    pub(super) fn url(&self, tail: &str) -> String {
        format!("{}/{tail}", self.inner.base)
    }
}

impl Inner {
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    pub(super) fn count_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }
}

fn http_client(loopback: bool, realms: Realms) -> Result<reqwest::Client, RegistryError> {
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls_config().map_err(RegistryError::Tls)?)
        .user_agent(concat!("portcullis/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(Duration::from_secs(60))
        .redirect(redirect::Policy::custom(move |attempt| follow(attempt, &realms)));
    if loopback {
        builder = builder.no_proxy();
    }
    builder.build().map_err(RegistryError::Client)
}

/// Blobs are often redirected to a store. Never from HTTPS to plain HTTP, never far, and never with the body of a request for a token.
fn follow(attempt: redirect::Attempt<'_>, realms: &Realms) -> redirect::Action {
    if let Some(reason) = refusal(&attempt) {
        return attempt.error(reason);
    }
    let first = attempt.previous().first();
    let known = realms.lock().unwrap_or_else(PoisonError::into_inner);
    let carries_credentials = first.is_some_and(|first| known.contains(&without_query(first)) && first.origin() != attempt.url().origin());
    drop(known);
    if carries_credentials {
        attempt.error("a token service sends credentials on to another host, which is not followed")
    } else {
        attempt.follow()
    }
}

/// URLs of token services, without query.
pub(super) type Realms = Arc<Mutex<BTreeSet<String>>>;
