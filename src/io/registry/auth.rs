//! Access tokens: the registry says where to get one, we get it as the user that we are.
//!
//! Source: the distribution project's "Token Authentication Specification" and "OAuth2 Token Authentication".

use std::sync::{Arc, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{Response, Url};
use serde::Deserialize;

use super::client::without_query;
use super::send::{bare, body};
use super::{Login, Registry, RegistryError};
use crate::io::loopback::is_loopback;
use crate::io::secret::Secret;
use crate::model::excused::Excused as _;

/// The most that a token service may answer, in bytes.
const TOKEN_LIMIT: u64 = 256 * 1024;

impl Registry {
    /// Answers a 401: the header to send instead of `used`; none where there is nothing better.
    pub(super) async fn authorize(&self, response: &Response, used: Option<HeaderValue>) -> Result<Option<HeaderValue>, RegistryError> {
        let authorizer = &self.inner.authorizer;
        let mut state = authorizer.state.lock().await;
        if state.header.is_some() && state.header != used {
            // Somebody else answered the same challenge meanwhile.
            return Ok(state.header.clone());
        }
        let login = match &state.login {
            Some(login) => login.clone(),
            None => {
                let found = self.login().await?;
                state.login.insert(found).clone()
            }
        };
        let header = match challenge(response) {
            Some(Challenge::Basic) if used.is_none() => match &login {
                Some(Login::Password { user, password }) => basic(user, password),
                _ => None,
            },
            Some(Challenge::Bearer { realm, service, scope }) => {
                let scope = scope.unwrap_or_else(|| authorizer.scope());
                let mut scopes = vec![widest(scope, authorizer.scope())];
                state.alone |= used.is_some();
                scopes.extend(authorizer.source_scope().filter(|_| !state.alone));
                let token = self.token(&realm, service.as_deref(), &scopes, login.as_ref()).await?;
                match token {
                    None if scopes.len() > 1 => {
                        state.alone = true;
                        self.token(&realm, service.as_deref(), &scopes[..1], login.as_ref()).await?
                    }
                    token => token,
                }
            }
            _ => None,
        };
        state.header.clone_from(&header);
        Ok(header)
    }

    async fn login(&self) -> Result<Option<Login>, RegistryError> {
        let (logins, repository) = (Arc::clone(&self.inner.authorizer.logins), self.inner.repository.clone());
        match tokio::task::spawn_blocking(move || logins.find(&repository)).await {
            Ok(found) => Ok(found?),
            // The runtime ends, and with it the run.
            Err(gone) if gone.is_cancelled() => Err(RegistryError::Interrupted),
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }

    async fn token(
        &self,
        realm: &str,
        service: Option<&str>,
        scopes: &[String],
        login: Option<&Login>,
    ) -> Result<Option<HeaderValue>, RegistryError> {
        const ACTION: &str = "get a token";
        if let Some(Login::Token(token)) = login {
            return Ok(bearer(token));
        }
        let mut url = self.token_url(realm)?;
        let realms = &self.inner.realms;
        realms.lock().unwrap_or_else(PoisonError::into_inner).insert(without_query(&url));
        let request = if let Some(Login::Identity(token)) = login {
            let form = form(&[
                ("grant_type", "refresh_token"),
                ("service", service.unwrap_or_default()),
                ("client_id", "portcullis"),
                ("scope", &scopes.join(" ")),
                ("refresh_token", token.expose()),
            ]);
            let form_type = "application/x-www-form-urlencoded";
            self.inner.http.post(url.clone()).header("content-type", form_type).body(form)
        } else {
            service.iter().for_each(|service| {
                url.query_pairs_mut().append_pair("service", service);
            });
            url.query_pairs_mut().extend_pairs(scopes.iter().map(|scope| ("scope", scope)));
            let request = self.inner.http.get(url.clone());
            match login {
                Some(Login::Password { user, password }) => match basic(user, password) {
                    Some(header) => request.header(AUTHORIZATION, header),
                    None => request,
                },
                _ => request,
            }
        };
        let response = self.send_once(ACTION, url.as_str(), request).await?;
        if response.status().is_client_error() {
            return Ok(None);
        }
        if !response.status().is_success() {
            return Err(self.refused(ACTION, response).await);
        }
        let bytes = body(ACTION, response, TOKEN_LIMIT).await?;
        let answer: TokenAnswer = serde_json::from_slice(&bytes).map_err(|error| RegistryError::Answer {
            url: bare(url.as_str()),
            what: "token",
            // serde's own text may quote the token.
            reason: format!("line {}, column {}", error.line(), error.column()),
        })?;
        Ok(answer.token.or(answer.access_token).and_then(|token| bearer(&Secret::new(token))))
    }

    /// A password is not sent over plain HTTP because a registry says so; and one that is asked over plain HTTP, where anybody on the way can answer,
    /// does not send it to another host.
    fn token_url(&self, realm: &str) -> Result<Url, RegistryError> {
        let url = Url::parse(realm).map_err(|error| RegistryError::Answer {
            url: bare(&self.inner.base),
            what: "authentication challenge",
            reason: format!("its realm is no URL: {error}"),
        })?;
        let base = Url::parse(&self.inner.base).or_none("without an origin of its own nothing is allowed, below");
        let asked = base.as_ref().map_or(("", None), |base| (base.scheme(), base.host_str()));
        let allowed = match (asked, url.scheme()) {
            (("https", _), scheme) => scheme == "https",
            (("http", host), "http" | "https") => host == url.host_str() || self.inner.repository.is_loopback() && is_here(&url),
            _ => false,
        };
        if allowed {
            Ok(url)
        } else {
            Err(RegistryError::Downgrade {
                url: bare(&self.inner.base),
                target: bare(realm),
            })
        }
    }
}

/// True for a URL of this machine.
fn is_here(url: &Url) -> bool {
    url.host_str().is_some_and(is_loopback)
}

#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Challenge {
    Basic,
    Bearer {
        realm: String,
        service: Option<String>,
        scope: Option<String>,
    },
}

/// A registry that answers a HEAD asks for `pull` only; what is to follow needs more.
fn widest(asked: String, ours: String) -> String {
    if ours.contains(":pull,push") && !asked.contains("push") {
        ours
    } else {
        asked
    }
}

fn challenge(response: &Response) -> Option<Challenge> {
    let texts = response.headers().get_all(WWW_AUTHENTICATE);
    let mut found: Vec<Challenge> = texts
        .iter()
        .filter_map(|text| parse(text.to_str().or_none("a challenge that is no text asks for nothing")?))
        .collect();
    let bearer = found.iter().position(|c| matches!(c, Challenge::Bearer { .. })).unwrap_or(0);
    (!found.is_empty()).then(|| found.swap_remove(bearer))
}

/// `Bearer realm="…",service="…",scope="…"`.
fn parse(text: &str) -> Option<Challenge> {
    let (scheme, mut rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    if scheme.eq_ignore_ascii_case("basic") {
        return Some(Challenge::Basic);
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let (mut realm, mut service, mut scope) = (None, None, None);
    while let Some((key, after)) = rest.split_once('=') {
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_once(',').unwrap_or((after, "")),
        };
        match key.trim().to_ascii_lowercase().as_str() {
            "realm" => realm = Some(value.to_owned()),
            "service" => service = Some(value.to_owned()),
            "scope" => scope = Some(value.to_owned()),
            _ => {}
        }
        rest = after.trim_start().trim_start_matches(',').trim_start();
    }
    Some(Challenge::Bearer {
        realm: realm?,
        service,
        scope,
    })
}

fn basic(user: &str, password: &Secret) -> Option<HeaderValue> {
    sensitive(&format!("Basic {}", STANDARD.encode(format!("{user}:{}", password.expose()))))
}

fn bearer(token: &Secret) -> Option<HeaderValue> {
    sensitive(&format!("Bearer {}", token.expose()))
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).or_none("what cannot stand in a header is no login")?;
    value.set_sensitive(true);
    Some(value)
}

fn form(pairs: &[(&str, &str)]) -> String {
    let mut url = Url::parse("form:x").expect("a URL");
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().expect("pairs make a query").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_read_with_and_without_quotes() {
        let text = r#"Bearer realm="https://auth.example/token",service="r.example", scope="repository:a/b:pull,push""#;
        assert_eq!(
            parse(text),
            Some(Challenge::Bearer {
                realm: "https://auth.example/token".to_owned(),
                service: Some("r.example".to_owned()),
                scope: Some("repository:a/b:pull,push".to_owned()),
            })
        );
        let Some(Challenge::Bearer { realm, .. }) = parse("bearer realm=https://x/t,service=y") else {
            panic!("bearer")
        };
        assert_eq!(realm, "https://x/t");
        assert_eq!(parse("Basic realm=\"x\""), Some(Challenge::Basic));
        for broken in ["", "Digest x", "Bearer", "Bearer realm=\"x", "Bearer service=\"y\""] {
            assert_eq!(parse(broken), None, "{broken}");
        }
    }

    #[test]
    fn a_form_escapes_what_it_carries() {
        assert_eq!(form(&[("a", "b&c=d"), ("e", "f g")]), "a=b%26c%3Dd&e=f+g");
    }
}
