//! Requests that carry a secret, or whose answer becomes evidence: they go to the server that was named, and nowhere else.

use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url, redirect};

use super::HttpError;
use super::client::{CONNECT, SILENCE};
use super::download;
use super::roots::tls_config;
use super::tries::tried;
use crate::io::loopback::is_loopback;
use crate::io::patience::{Patience, is_passing, retry_after, until_reset};
use crate::io::secret::Secret;
use crate::model::excused::Excused as _;
use crate::model::logins::redact;
use crate::model::visible::shortened;

/// So many bytes of why a server refuses are read, and so many characters of them told.
const SAID: (u64, usize) = (16 * 1024, 300);

/// A client that follows no redirect and speaks plain HTTP with this machine alone.
#[derive(Debug, Clone)]
pub struct OwnOrigin {
    client: Client,
    /// For this machine: what is sent to it in plain HTTP goes through no proxy.
    here: Client,
    patience: Patience,
    offline: bool,
}

impl OwnOrigin {
    /// A client; `offline` leaves it the servers of this machine.
    ///
    /// # Errors
    /// [`HttpError::Tls`], [`HttpError::Client`].
    pub fn new(patience: Patience, offline: bool) -> Result<Self, HttpError> {
        let config = tls_config().map_err(|source| HttpError::Tls { source })?;
        let builder = || {
            Client::builder()
                .tls_backend_preconfigured(config.clone())
                .user_agent(concat!("portcullis/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(CONNECT)
                .read_timeout(SILENCE)
                .redirect(redirect::Policy::none())
        };
        let built = |builder: reqwest::ClientBuilder| builder.build().map_err(|source| HttpError::Client { source });
        Ok(Self {
            client: built(builder())?,
            here: built(builder().no_proxy())?,
            patience,
            offline,
        })
    }

    /// Why an address is not asked; `None` for HTTPS, and for plain HTTP on this machine.
    #[must_use]
    pub fn refusal(url: &str) -> Option<&'static str> {
        let Some(url) = Url::parse(url).or_none("the answer says that it is none") else {
            return Some("it is no URL");
        };
        match (url.scheme(), url.host_str()) {
            (_, None) => Some("it names no host"),
            _ if !url.username().is_empty() || url.password().is_some() => Some("it has a login in it"),
            ("https", _) => None,
            ("http", Some(host)) if is_loopback(host) => None,
            ("http", _) => Some("plain HTTP is for this machine alone: write https://"),
            _ => Some("it is no address of a web server"),
        }
    }

    /// Reads a document of at most `limit` bytes, with a bearer token.
    ///
    /// # Errors
    /// [`HttpError`]; a redirect is one.
    pub async fn get(&self, url: &str, bearer: &Secret, limit: u64) -> Result<Vec<u8>, HttpError> {
        let request = |client: &Client| client.get(url).bearer_auth(bearer.expose());
        self.send(url, Some(bearer), limit, request).await
    }

    /// Sends a body, and reads an answer of at most `limit` bytes. It may be sent several times. `secret` is in the body, and is taken out of
    /// what the server says of it.
    ///
    /// # Errors
    /// [`HttpError`]; a redirect is one.
    pub async fn post(
        &self,
        url: &str,
        content_type: &str,
        body: &[u8],
        secret: Option<&Secret>,
        limit: u64,
    ) -> Result<Vec<u8>, HttpError> {
        let request = |client: &Client| client.post(url).header("content-type", content_type).body(body.to_vec());
        self.send(url, secret, limit, request).await
    }

    /// Sends an order in JSON with a bearer token, once: it may have been carried out although no answer came. Reads an answer of at most `limit`
    /// bytes.
    ///
    /// # Errors
    /// [`HttpError`]; a redirect is one.
    pub async fn order(
        &self,
        method: Method,
        url: &str,
        bearer: &Secret,
        body: &serde_json::Value,
        limit: u64,
    ) -> Result<Vec<u8>, HttpError> {
        let once = Self {
            patience: Patience {
                attempts: 1,
                ..self.patience
            },
            ..self.clone()
        };
        let request = |client: &Client| {
            let request = client.request(method.clone(), url).bearer_auth(bearer.expose());
            request.header("content-type", "application/json").body(body.to_string())
        };
        once.send(url, Some(bearer), limit, request).await
    }

    async fn send(
        &self,
        url: &str,
        secret: Option<&Secret>,
        limit: u64,
        request: impl Fn(&Client) -> RequestBuilder,
    ) -> Result<Vec<u8>, HttpError> {
        if let Some(reason) = Self::refusal(url) {
            return Err(HttpError::Address { url: redact(url), reason });
        }
        let is_here = Url::parse(url).is_ok_and(|url| url.host_str().is_some_and(is_loopback));
        if self.offline && !is_here {
            return Err(HttpError::Offline { url: redact(url) });
        }
        let client = if is_here { &self.here } else { &self.client };
        tried(self.patience, url, || async {
            let response = request(client).send().await.map_err(|source| HttpError::unreachable(url, source))?;
            match response.status() {
                status if status.is_success() => download::body(url, response, limit).await,
                status if status.is_redirection() => Err(HttpError::redirected(url)),
                // GitHub says 403 where it asks to wait.
                status if is_passing(status) || response.headers().contains_key(RETRY_AFTER) => Err(HttpError::Refused {
                    url: redact(url),
                    status: status.as_u16(),
                    retry_after: retry_after(response.headers()),
                }),
                // Its limits come without that header, too: as a number that is used up, or in words alone.
                status if is_limit(status) => {
                    let wait = until_reset(response.headers());
                    let is_used_up = response.headers().get("x-ratelimit-remaining").is_some_and(|left| left == "0");
                    match denied(url, status, response, secret).await {
                        HttpError::Denied { url, status, said } if is_used_up || said.to_ascii_lowercase().contains("rate limit") => {
                            Err(HttpError::Refused {
                                url,
                                status,
                                retry_after: wait,
                            })
                        }
                        denied => Err(denied),
                    }
                }
                status => Err(denied(url, status, response, secret).await),
            }
        })
        .await
    }
}

fn is_limit(status: StatusCode) -> bool {
    matches!(status, StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS)
}

async fn denied(url: &str, status: StatusCode, response: Response, secret: Option<&Secret>) -> HttpError {
    let said = download::body(url, response, SAID.0).await;
    let said = said.or_empty("a server that says nothing is told by its status");
    // First, so that no line end in the middle of a secret hides it.
    let mut said = shortened(&String::from_utf8_lossy(&said), usize::MAX);
    // A token of three parts may come back in one of them.
    for part in secret.into_iter().flat_map(|secret| secret.expose().split('.')) {
        if part.len() > 8 {
            said = said.replace(part, "…");
        }
    }
    HttpError::Denied {
        url: redact(url),
        status: status.as_u16(),
        said: shortened(said.trim(), SAID.1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_and_no_address_holds_a_login() {
        for refused in [
            "http://fulcio.example",
            "https://me:secret@fulcio.example",
            "ftp://fulcio.example",
            "fulcio.example",
            "file:///etc/passwd",
            "http://127.0.0.1.example/",
        ] {
            assert!(OwnOrigin::refusal(refused).is_some(), "{refused}");
        }
        for asked in [
            "https://fulcio.example",
            "http://127.0.0.1:1/x",
            "http://localhost:1",
            "http://[::1]:1",
        ] {
            assert_eq!(OwnOrigin::refusal(asked), None, "{asked}");
        }
    }

    /// Answers one request with these lines; gives the request.
    async fn answer_once(listener: tokio::net::TcpListener, answer: String) -> String {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (mut stream, _) = listener.accept().await.expect("a request");
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).await.expect("its bytes");
        stream.write_all(answer.as_bytes()).await.expect("answered");
        String::from_utf8_lossy(&request[..length]).into_owned()
    }

    async fn listener() -> (tokio::net::TcpListener, String) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/t", listener.local_addr().expect("an address"));
        (listener, url)
    }

    #[tokio::test]
    async fn a_token_follows_no_redirect_and_is_taken_out_of_what_a_server_says() {
        let once = Patience {
            attempts: 1,
            ..Patience::default()
        };
        let http = OwnOrigin::new(once, true).expect("a client");
        let token = Secret::new("aaaaaaaaaa.bbbbbbbbbb.cccccccccc");
        let (elsewhere, other) = listener().await;
        let (asked, url) = listener().await;
        let redirect = format!("HTTP/1.1 307 T\r\nlocation: {other}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        let (seen, got) = tokio::join!(answer_once(asked, redirect), http.get(&url, &token, 100));
        assert!(seen.contains("authorization: Bearer aaaaaaaaaa.bbbbbbbbbb"), "{seen}");
        assert!(matches!(got, Err(HttpError::Redirect { .. })), "{got:?}");
        let nobody = tokio::time::timeout(std::time::Duration::from_millis(200), elsewhere.accept()).await;
        assert!(nobody.is_err(), "nobody asked the other");

        let (asked, url) = listener().await;
        let said = "no: bbbb\nbbbbbb is not ours";
        let refusal = format!(
            "HTTP/1.1 403 F\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{said}",
            said.len()
        );
        let (_, got) = tokio::join!(answer_once(asked, refusal), http.post(&url, "text/plain", b"x", Some(&token), 100));
        let error = got.expect_err("refused").to_string();
        assert!(error.contains("403: no: … is not ours"), "{error}");

        let error = http.get("https://fulcio.example", &token, 100).await.expect_err("offline");
        assert!(matches!(error, HttpError::Offline { .. }), "{error}");
    }
}
