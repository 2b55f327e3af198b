//! A proxy before a registry: counts what passes, and breaks what it is told to break.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// What happens to a request.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// This status, without asking the registry.
    Status(u16),
    /// 429 with `Retry-After` in seconds.
    TooMany(u64),
    /// The connection closes without an answer.
    Reset,
    /// The answer's body stops in the middle, and the connection closes.
    Truncate,
    /// The first byte of the answer's body is another one.
    Corrupt,
    /// The answer's body is this one.
    Replace(Bytes),
}

/// Which requests a fault is for.
struct Rule {
    method: Method,
    path_part: String,
    skip: usize,
    times: usize,
    fault: Fault,
}

/// One request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body_bytes: usize,
}

#[derive(Default)]
struct State {
    rules: Vec<Rule>,
    seen: Vec<Seen>,
    /// Asks for a token; given to whoever has this `Authorization` header.
    guard: Option<String>,
    tokens: usize,
}

/// The proxy. Ends with the runtime that it was started on.
#[derive(Clone)]
pub(crate) struct FaultyProxy {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

type Answer = Response<BoxBody<Bytes, std::io::Error>>;

impl FaultyProxy {
    /// Starts before a registry.
    pub(crate) async fn start(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::default(),
        };
        let state = Arc::clone(&proxy.state);
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (state, client) = (Arc::clone(&state), client.clone());
                let service = service_fn(move |request| handle(request, upstream, Arc::clone(&state), client.clone()));
                tokio::spawn(async move {
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        proxy
    }

    /// Breaks the next `times` requests of this method whose path and query hold `path_part`.
    pub(crate) fn on(&self, method: Method, path_part: &str, times: usize, fault: Fault) {
        self.add(method, path_part, 0, times, fault);
    }

    /// Breaks the `nth` (from 1) such request only.
    pub(crate) fn on_nth(&self, method: Method, path_part: &str, nth: usize, fault: Fault) {
        self.add(method, path_part, nth - 1, 1, fault);
    }

    fn add(&self, method: Method, path_part: &str, skip: usize, times: usize, fault: Fault) {
        self.state.lock().unwrap().rules.push(Rule {
            method,
            path_part: path_part.to_owned(),
            skip,
            times,
            fault,
        });
    }

    /// Breaks nothing more.
    pub(crate) fn clear(&self) {
        self.state.lock().unwrap().rules.clear();
    }

    /// Lets only those pass who have a token, and gives one to whoever shows this `Authorization` header. A token is good until
    /// [`Self::expire_tokens`].
    pub(crate) fn guard(&self, authorization: &str) {
        self.state.lock().unwrap().guard = Some(authorization.to_owned());
    }

    /// Makes the tokens that were given worthless.
    pub(crate) fn expire_tokens(&self) {
        self.state.lock().unwrap().tokens += 1;
    }

    /// Every request since the last call.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.state.lock().unwrap().seen)
    }

    /// `127.0.0.1:PORT/path`.
    pub(crate) fn repository(&self, path: &str) -> String {
        format!("{}/{path}", self.address)
    }
}

async fn handle(
    request: Request<Incoming>,
    upstream: SocketAddr,
    state: Arc<Mutex<State>>,
    client: reqwest::Client,
) -> Result<Answer, std::io::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
    let path = parts.uri.path_and_query().unwrap().as_str().to_owned();
    let fault = {
        let mut state = state.lock().unwrap();
        state.seen.push(Seen {
            method: parts.method.clone(),
            path: path.clone(),
            body_bytes: body.len(),
        });
        if let Some(answer) = state.guarded(&path, &parts.headers) {
            return Ok(answer);
        }
        let rule = state
            .rules
            .iter_mut()
            .find(|r| r.times > 0 && r.method == parts.method && path.contains(&r.path_part));
        rule.and_then(|rule| {
            if rule.skip > 0 {
                rule.skip -= 1;
                return None;
            }
            rule.times -= 1;
            Some(rule.fault.clone())
        })
    };
    match fault {
        Some(Fault::Reset) => return Err(std::io::ErrorKind::ConnectionReset.into()),
        Some(Fault::Status(status)) => return Ok(plain(status, None)),
        Some(Fault::TooMany(seconds)) => return Ok(plain(429, Some(seconds))),
        _ => {}
    }
    // The Host header stays ours, so that the registry's Locations lead here again.
    let sent = client
        .request(parts.method, format!("http://{upstream}{path}"))
        .headers(parts.headers)
        .body(body)
        .send();
    let answer = sent.await.map_err(std::io::Error::other)?;
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    let declared = headers.get("content-length").cloned();
    let bytes = answer.bytes().await.map_err(std::io::Error::other)?;
    let (bytes, cut) = match &fault {
        Some(Fault::Corrupt) => {
            let mut changed = bytes.to_vec();
            changed.iter_mut().take(1).for_each(|byte| *byte ^= 1);
            (Bytes::from(changed), false)
        }
        Some(Fault::Replace(other)) => (other.clone(), false),
        Some(Fault::Truncate) => (bytes.slice(..bytes.len() / 2), true),
        _ => (bytes, false),
    };
    headers.remove("transfer-encoding");
    if matches!(fault, Some(Fault::Replace(_))) {
        headers.insert("content-length", bytes.len().into());
    } else if let Some(declared) = declared {
        headers.insert("content-length", declared);
    }
    let body = if cut {
        let end = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        let frames = futures_util::stream::iter([Ok(Frame::data(bytes)), Err(end)]);
        BodyExt::boxed(StreamBody::new(frames))
    } else {
        whole(bytes)
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

impl State {
    /// The answer to whoever may not pass, and to whoever wants a token.
    fn guarded(&self, path: &str, headers: &hyper::HeaderMap) -> Option<Answer> {
        let guard = self.guard.as_ref()?;
        let shown = headers.get("authorization").map_or("", |value| value.to_str().unwrap());
        let token = format!("token-{}", self.tokens);
        if path.starts_with("/token?") {
            assert!(path.contains("scope=repository"), "{path}");
            let body = format!(r#"{{"token": "{token}"}}"#);
            return Some(if shown == guard {
                Response::new(whole(body.into()))
            } else {
                plain(401, None)
            });
        }
        if shown == format!("Bearer {token}") {
            return None;
        }
        let host = headers.get("host").unwrap().to_str().unwrap();
        let mut answer = plain(401, None);
        let challenge = format!(r#"Bearer realm="http://{host}/token",service="test""#);
        answer.headers_mut().insert("www-authenticate", challenge.parse().unwrap());
        Some(answer)
    }
}

fn plain(status: u16, retry_after: Option<u64>) -> Answer {
    let mut response = Response::new(whole(Bytes::new()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    if let Some(seconds) = retry_after {
        response.headers_mut().insert("retry-after", seconds.into());
    }
    response
}

fn whole(bytes: Bytes) -> BoxBody<Bytes, std::io::Error> {
    Full::new(bytes).map_err(|never: Infallible| match never {}).boxed()
}
