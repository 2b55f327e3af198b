//! JSON over HTTP/1.1 to a program of this machine: a container engine behind its Unix socket, a proxy's admin address.
//!
//! Each question has a connection of its own. Answers are bounded in bytes and in time.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpStream, UnixStream};
use tokio::time::Instant;

/// Bytes of the longest answer.
const LONGEST: usize = 32 << 20;
/// For a connection that was refused or broken off, between two attempts.
const PAUSE: Duration = Duration::from_millis(200);

/// Where the program listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Socket {
    /// A Unix socket, by its path.
    Unix(PathBuf),
    /// An address, without TLS.
    Tcp(SocketAddr),
}

/// Why there is no answer, or not the wanted one.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message says what each value is")]
pub enum LocalApiError {
    /// Nobody answers.
    #[error("{socket} does not answer: {reason}")]
    Silent { socket: String, reason: String },
    /// It said no.
    #[error("{socket} said {status} to {question}: {message}")]
    Refused {
        socket: String,
        /// Method and path.
        question: String,
        status: u16,
        message: String,
    },
}

impl LocalApiError {
    /// True where the answer was this status.
    #[must_use]
    pub fn is_status(&self, wanted: u16) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == wanted)
    }
}

/// A client of one program on this machine (Docker, Caddy), over its socket.
#[derive(Debug, Clone)]
pub struct LocalApi {
    socket: Socket,
    /// For how long one that does not answer is asked again. Only for questions and orders that can be repeated.
    patience: Duration,
}

#[derive(Clone)]
struct Question<'a> {
    method: Method,
    path: &'a str,
    /// Beside those that every question has. May be a secret: it is in no message.
    header: Option<(&'static str, &'a str)>,
    body: Option<&'a Value>,
    /// What is no JSON, with its kind.
    bytes: Option<(&'static str, Bytes)>,
    /// For the whole answer.
    limit: Duration,
}

impl LocalApi {
    /// One that is asked again for `patience` where it does not answer.
    #[must_use]
    pub const fn new(socket: Socket, patience: Duration) -> Self {
        Self { socket, patience }
    }

    /// The JSON at a path.
    ///
    /// # Errors
    /// [`LocalApiError`].
    pub async fn get(&self, path: &str) -> Result<Value, LocalApiError> {
        let bytes = self.get_bytes(path).await?;
        serde_json::from_slice(&bytes).map_err(|error| self.silent(format!("{path} is no JSON: {error}")))
    }

    /// The bytes at a path.
    ///
    /// # Errors
    /// [`LocalApiError`].
    pub async fn get_bytes(&self, path: &str) -> Result<Bytes, LocalApiError> {
        self.ask(&Question {
            method: Method::GET,
            path,
            header: None,
            body: None,
            bytes: None,
            limit: Duration::from_secs(30),
        })
        .await
    }

    /// Gives an order that can be repeated, and waits for at most `limit` until it was carried out.
    ///
    /// # Errors
    /// [`LocalApiError`].
    pub async fn order(&self, method: Method, path: &str, body: Option<&Value>, limit: Duration) -> Result<Bytes, LocalApiError> {
        self.order_with(method, path, None, body, limit).await
    }

    /// As [`Self::order`], with a header.
    ///
    /// # Errors
    /// [`LocalApiError`].
    pub async fn order_with(
        &self,
        method: Method,
        path: &str,
        header: Option<(&'static str, &str)>,
        body: Option<&Value>,
        limit: Duration,
    ) -> Result<Bytes, LocalApiError> {
        self.ask(&Question {
            method,
            path,
            header,
            body,
            bytes: None,
            limit,
        })
        .await
    }

    /// Gives bytes of a media type, which can be given again, and waits for at most `limit` until they were taken.
    ///
    /// # Errors
    /// [`LocalApiError`].
    pub async fn put(&self, path: &str, bytes: (&'static str, Bytes), limit: Duration) -> Result<Bytes, LocalApiError> {
        self.ask(&Question {
            method: Method::PUT,
            path,
            header: None,
            body: None,
            bytes: Some(bytes),
            limit,
        })
        .await
    }

    async fn ask(&self, question: &Question<'_>) -> Result<Bytes, LocalApiError> {
        let end = Instant::now() + self.patience;
        loop {
            let asked = tokio::time::timeout(question.limit, self.ask_once(question)).await;
            let asked =
                asked.unwrap_or_else(|_| Err(self.silent(format!("no answer to {} within {} s", question.path, question.limit.as_secs()))));
            match asked {
                Err(LocalApiError::Silent { .. }) if Instant::now() < end => tokio::time::sleep(PAUSE).await,
                other => return other,
            }
        }
    }

    async fn ask_once(&self, question: &Question<'_>) -> Result<Bytes, LocalApiError> {
        let silent = |error: &dyn std::fmt::Display| self.silent(error.to_string());
        let (kind, body) = question.bytes.clone().unwrap_or_else(|| {
            let body = question.body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
            ("application/json", body)
        });
        let host = match &self.socket {
            Socket::Unix(_) => "localhost".to_owned(),
            Socket::Tcp(address) => address.to_string(),
        };
        let mut request = Request::builder().method(question.method.clone()).uri(question.path);
        if let Some((name, value)) = question.header {
            request = request.header(name, value);
        }
        let request = request
            .header("host", host)
            .header("content-type", kind)
            .header("connection", "close")
            .body(Full::new(body))
            .map_err(|error| silent(&error))?;
        let response = match &self.socket {
            Socket::Unix(path) => send(UnixStream::connect(path).await.map_err(|error| silent(&error))?, request).await,
            Socket::Tcp(address) => send(TcpStream::connect(address).await.map_err(|error| silent(&error))?, request).await,
        };
        let (status, bytes) = response.map_err(|reason| self.silent(reason))?;
        // 304: it is so already.
        if (200..300).contains(&status) || status == 304 {
            return Ok(bytes);
        }
        Err(LocalApiError::Refused {
            socket: self.shown(),
            question: format!("{} {}", question.method, question.path.split('?').next().unwrap_or_default()),
            status,
            message: message(&bytes),
        })
    }

    fn silent(&self, reason: String) -> LocalApiError {
        LocalApiError::Silent {
            socket: self.shown(),
            reason,
        }
    }

    fn shown(&self) -> String {
        match &self.socket {
            Socket::Unix(path) => path.display().to_string(),
            Socket::Tcp(address) => address.to_string(),
        }
    }
}

async fn send<S>(stream: S, request: Request<Full<Bytes>>) -> Result<(u16, Bytes), String>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    // It ends with its one answer.
    let driven = tokio::spawn(connection);
    let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), LONGEST).collect().await;
    driven.abort();
    Ok((status, body.map_err(|error| error.to_string())?.to_bytes()))
}

/// Docker says `{"message": …}`, Caddy `{"error": …}`.
fn message(bytes: &[u8]) -> String {
    let text = match serde_json::from_slice::<Value>(bytes) {
        Ok(said) => said
            .get("message")
            .or_else(|| said.get("error"))
            .and_then(Value::as_str)
            .map_or_else(|| said.to_string(), ToOwned::to_owned),
        Err(_) => String::from_utf8_lossy(bytes).into_owned(),
    };
    crate::model::visible::shortened(&text, 400)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// Answers each connection with the next text.
    fn server(answers: Vec<&'static str>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let address = listener.local_addr().expect("address");
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().expect("accepted");
                let mut head = [0; 1024];
                let _read = stream.read(&mut head).expect("read");
                stream.write_all(answer.as_bytes()).expect("written");
            }
        });
        address
    }

    #[tokio::test]
    async fn a_refusal_is_told_with_its_status_and_words_and_is_not_asked_again() {
        let said = "HTTP/1.1 409 Conflict\r\ncontent-length: 25\r\n\r\n{\"message\":\"name in use\"}\n";
        let api = LocalApi::new(Socket::Tcp(server(vec![said])), Duration::from_secs(5));
        let error = api.get("/x?all=1").await.expect_err("refused");
        assert!(error.is_status(409), "{error}");
        assert!(error.to_string().ends_with("said 409 to GET /x: name in use"), "{error}");
    }

    #[tokio::test]
    async fn one_that_breaks_off_is_asked_again_within_its_patience_and_not_without_one() {
        let good = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ntrue";
        let patient = LocalApi::new(Socket::Tcp(server(vec!["", good])), Duration::from_secs(5));
        assert_eq!(patient.get("/x").await.expect("answered"), Value::Bool(true));
        let hasty = LocalApi::new(Socket::Tcp(server(vec!["", good])), Duration::ZERO);
        assert!(matches!(hasty.get("/x").await, Err(LocalApiError::Silent { .. })));
    }
}
