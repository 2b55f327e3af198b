//! One GET over a fresh connection.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::header::{self, HeaderMap};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::model::excused::Excused as _;
use crate::model::plan::{HealthPlan, ProbePlan};

/// The most that is read of an answer, in bytes.
const LONGEST: usize = 256 * 1024;

pub(in crate::stage::rollout) struct Answer {
    pub(in crate::stage::rollout) status: u16,
    headers: HeaderMap,
    pub(in crate::stage::rollout) body: Bytes,
}

impl Answer {
    /// A header's value as text; of several of that name every one.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        let values = self.headers.get_all(name).iter();
        let values: Vec<_> = values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }
}

/// `http://host:port` of a URL.
pub(super) fn origin(url: &str) -> Option<String> {
    let uri: Uri = url.parse().or_none("the caller refuses the URL")?;
    Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?))
}

/// What of a URL is asked of whoever answers, with no query: that may hold a token.
pub(super) fn path(url: &str) -> String {
    let uri: Option<Uri> = url.parse().or_none("the caller refuses the URL");
    uri.map_or_else(|| "/".to_owned(), |uri| uri.path().to_owned())
}

/// Where people find a service whose health is asked for at a URL.
pub(in crate::stage::rollout) fn place_of(health: &HealthPlan) -> Option<String> {
    match &health.probe {
        ProbePlan::Http { url, .. } => origin(url),
        ProbePlan::Tcp { .. } | ProbePlan::Command { .. } => None,
    }
}

/// Asks a URL, or the same path at an instance's address. Redirects are answers.
pub(in crate::stage::rollout) async fn get(url: &str, instance: Option<SocketAddr>, limit: Duration) -> Result<Answer, String> {
    let asked = async {
        match url.split_once("://") {
            Some(("https", _)) if instance.is_none() => get_over_tls(url, limit).await,
            Some(("http" | "https", _)) => get_plain(url, instance).await,
            _ => Err(format!("`{url}` is no http URL")),
        }
    };
    tokio::time::timeout(limit, asked)
        .await
        .unwrap_or_else(|_| Err(format!("no whole answer within {} ms", limit.as_millis())))
}

async fn get_plain(url: &str, instance: Option<SocketAddr>) -> Result<Answer, String> {
    let uri: Uri = url.parse().map_err(|_| format!("`{url}` is no URL"))?;
    let authority = uri.authority().ok_or_else(|| format!("`{url}` names no host"))?.clone();
    let stream = match instance {
        Some(address) => TcpStream::connect(address).await,
        None => TcpStream::connect((authority.host().trim_matches(['[', ']']), authority.port_u16().unwrap_or(80))).await,
    };
    let stream = stream.map_err(|error| error.to_string())?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    let driver = tokio::spawn(connection);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path)
        .header(header::HOST, authority.as_str())
        .header(header::USER_AGENT, concat!("portcullis/", env!("CARGO_PKG_VERSION")))
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let response = sender.send_request(request).await.map_err(|error| describe(&error))?;
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, LONGEST)
        .collect()
        .await
        .map_err(|error| error.to_string())?
        .to_bytes();
    drop(sender);
    driver.abort();
    Ok(Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body,
    })
}

async fn get_over_tls(url: &str, limit: Duration) -> Result<Answer, String> {
    // A provider that is installed already is the same one.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(limit)
        .build()
        .map_err(|error| describe(&error))?;
    let mut response = client.get(url).send().await.map_err(|error| describe(&error))?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| describe(&error))? {
        if body.len() + chunk.len() > LONGEST {
            return Err(format!("the answer is longer than {LONGEST} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer {
        status,
        headers,
        body: body.into(),
    })
}

/// An error with its innermost cause, which is the one that says something.
fn describe(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if std::ptr::eq(cause, error) {
        error.to_string()
    } else {
        format!("{error}: {cause}")
    }
}
