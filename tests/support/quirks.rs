//! A registry in memory that behaves as one of the real ones has been seen to.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response};
use hyper_util::rt::TokioIo;
use portcullis::io::hash::sha256;
use serde_json::{Value, json};
use tokio::net::TcpListener;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chunks {
    /// By the specification.
    Plain,
    /// GHCR: more than 4 MiB is refused with 416.
    Small,
    /// ECR: 201 to each, with the range of the one before.
    Created,
    /// Zot: the first answer has a range that is too long.
    WrongOnce,
    /// GAR: none.
    Refused,
}

/// What a registry does that another does not.
#[derive(Debug, Clone)]
pub(crate) struct Quirks {
    pub(crate) chunks: Chunks,
    /// The first upload in one piece breaks.
    pub(crate) break_first: bool,
    /// The answer to a mount.
    pub(crate) mount: u16,
    /// The answer to a tag that is there already.
    pub(crate) immutable: Option<u16>,
    /// How many questions for a tag are answered as if it were not there.
    pub(crate) hidden: usize,
    /// Somebody else's manifest that gets each tag.
    pub(crate) stolen: Option<Bytes>,
    /// Answers to `referrers/`, by number: status, `Link` or `Location`, body.
    pub(crate) referrers: Vec<(u16, Option<String>, String)>,
    /// Says of what refers to an image that it is listed.
    pub(crate) unlisted: bool,
    /// Lists what refers to an image, as the specification has it. `referrers` counts for nothing.
    pub(crate) lists: bool,
    /// Sends whoever asks for a manifest, a blob or a list there: address and path of a repository.
    pub(crate) moved_to: Option<String>,
    /// What is sent there, by a word in its path; everything where this is empty.
    pub(crate) moved: Vec<&'static str>,
    /// Sends whoever asks for a tag to a page that is not there.
    pub(crate) tags_lead_to_no_page: bool,
    /// Sends those who want a blob there.
    pub(crate) blobs_at: Option<SocketAddr>,
    /// Asks everybody for a token of the service at this address.
    pub(crate) realm: Option<SocketAddr>,
    /// Questions for a tag are answered when so many have asked.
    pub(crate) meet: Option<Arc<tokio::sync::Barrier>>,
    /// How many attempts to set a tag are answered with 503.
    pub(crate) unwell: usize,
    /// How many attempts to store a manifest are told that one of its blobs is not there.
    pub(crate) blobs_come_late: usize,
    /// The token service gives none for two repositories.
    pub(crate) one_scope: bool,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            chunks: Chunks::Plain,
            break_first: false,
            mount: 202,
            immutable: None,
            hidden: 0,
            stolen: None,
            referrers: Vec::new(),
            unlisted: false,
            lists: false,
            moved_to: None,
            moved: Vec::new(),
            tags_lead_to_no_page: false,
            blobs_at: None,
            realm: None,
            meet: None,
            unwell: 0,
            blobs_come_late: 0,
            one_scope: false,
        }
    }
}

/// One request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) bytes: usize,
    pub(crate) authorization: Option<String>,
}

#[derive(Default)]
struct State {
    quirks: Quirks,
    blobs: HashMap<String, Bytes>,
    sessions: Vec<Vec<u8>>,
    manifests: HashMap<String, (String, Bytes)>,
    asked: Vec<Asked>,
    listed: usize,
}

/// The registry. Ends with the runtime that it was started on.
#[derive(Clone)]
pub(crate) struct QuirkyRegistry {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

type Answer = Response<Full<Bytes>>;

impl QuirkyRegistry {
    pub(crate) async fn start(quirks: Quirks) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let registry = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::new(Mutex::new(State {
                quirks,
                ..State::default()
            })),
        };
        let state = Arc::clone(&registry.state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&state);
                let service = service_fn(move |request| serve(request, Arc::clone(&state)));
                tokio::spawn(async move {
                    // A connection that is broken on purpose ends with an error.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        registry
    }

    pub(crate) fn repository(&self, path: &str) -> String {
        format!("{}/{path}", self.address)
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Quirks)) {
        change(&mut self.state.lock().unwrap().quirks);
    }

    pub(crate) fn blob(&self, digest: &str) -> Option<Bytes> {
        self.state.lock().unwrap().blobs.get(digest).cloned()
    }

    pub(crate) fn put_blob(&self, bytes: &[u8]) {
        let digest = sha256(bytes).to_string();
        self.state.lock().unwrap().blobs.insert(digest, Bytes::copy_from_slice(bytes));
    }

    pub(crate) fn put_manifest(&self, reference: &str, media: &str, bytes: &[u8]) {
        let manifest = (media.to_owned(), Bytes::copy_from_slice(bytes));
        self.state.lock().unwrap().manifests.insert(reference.to_owned(), manifest);
    }

    /// Everything that another one has, as who copies a repository with all that refers to its images brings it.
    pub(crate) fn copy_of(&self, other: &Self) {
        let (blobs, manifests) = {
            let other = other.state.lock().unwrap();
            (other.blobs.clone(), other.manifests.clone())
        };
        let mut state = self.state.lock().unwrap();
        state.blobs.extend(blobs);
        state.manifests.extend(manifests);
    }

    /// The media type and the bytes of a manifest.
    pub(crate) fn manifest(&self, reference: &str) -> Option<(String, Bytes)> {
        self.state.lock().unwrap().manifests.get(reference).cloned()
    }

    /// What refers to a digest by its own word, as an index.
    pub(crate) fn list(&self, digest: &str) -> String {
        self.state.lock().unwrap().list(digest)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.state.lock().unwrap().asked)
    }
}

async fn serve(request: Request<Incoming>, state: Arc<Mutex<State>>) -> Result<Answer, std::io::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
    let path = parts.uri.path_and_query().unwrap().as_str().to_owned();
    let meet = state.lock().unwrap().quirks.meet.clone();
    let is_tag = path
        .split_once("/manifests/")
        .is_some_and(|(_, reference)| !reference.starts_with("sha256"));
    if let Some(meet) = meet.filter(|_| is_tag && parts.method == Method::HEAD) {
        // Whoever comes alone (the other one has ended) goes on after a while.
        let _ = tokio::time::timeout(std::time::Duration::from_secs(1), meet.wait()).await;
    }
    let mut state = state.lock().unwrap();
    let authorization = parts.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    state.asked.push(Asked {
        method: parts.method.clone(),
        path: path.clone(),
        bytes: body.len(),
        authorization: authorization.clone(),
    });
    if path.starts_with("/token") && state.quirks.one_scope && path.matches("scope=").count() > 1 {
        return Ok(answer(403, &[], ""));
    }
    if path.starts_with("/token") {
        return Ok(answer(200, &[], r#"{"token":"good"}"#));
    }
    if let Some(realm) = state.quirks.realm.filter(|_| authorization.as_deref() != Some("Bearer good")) {
        let challenge = format!(r#"Bearer realm="http://{realm}/token",service="test""#);
        return Ok(answer(401, &[("www-authenticate", &challenge)], ""));
    }
    state.answer(&parts.method, &path, &parts.headers, body)
}

impl State {
    fn answer(&mut self, method: &Method, path: &str, headers: &HeaderMap, body: Bytes) -> Result<Answer, std::io::Error> {
        let tail = |word: &str| path.split_once(word).map(|(_, tail)| tail.to_owned());
        let is_read = method == Method::GET || method == Method::HEAD;
        if let Some(repository) = self.quirks.moved_to.clone().filter(|_| is_read) {
            let words = ["/manifests/", "/blobs/", "/referrers/"];
            let is_moved = |word: &&&str| self.quirks.moved.is_empty() || self.quirks.moved.iter().any(|moved| word.contains(moved));
            let asked = words.iter().filter(is_moved).find_map(|word| Some((word, tail(word)?)));
            if let Some((word, tail)) = asked {
                return Ok(answer(307, &[("location", &format!("http://{repository}{word}{tail}"))], ""));
            }
        }
        if let Some(session) = tail("/blobs/uploads/") {
            return self.upload(method, &session, headers, &body);
        }
        if let Some(digest) = tail("/blobs/") {
            if let Some(elsewhere) = self.quirks.blobs_at.filter(|_| method == Method::GET) {
                return Ok(answer(307, &[("location", &format!("http://{elsewhere}{path}"))], ""));
            }
            return Ok(self.blobs.get(&digest).map_or_else(
                || answer(404, &[], ""),
                |blob| {
                    bytes(
                        200,
                        &[("content-length", &blob.len().to_string())],
                        if method == Method::HEAD { Bytes::new() } else { blob.clone() },
                    )
                },
            ));
        }
        if let Some(reference) = tail("/manifests/") {
            if self.quirks.tags_lead_to_no_page && *method == Method::GET && !reference.contains(':') {
                return Ok(answer(303, &[("location", "/no/such/page")], ""));
            }
            return Ok(self.manifest(method, &reference, headers, body));
        }
        if let Some(digest) = tail("/referrers/").filter(|_| self.quirks.lists) {
            return Ok(answer(
                200,
                &[("content-type", "application/vnd.oci.image.index.v1+json")],
                &self.list(&digest),
            ));
        }
        if tail("/referrers/").is_some() {
            let at = self.listed;
            self.listed += 1;
            let Some((status, link, text)) = self.quirks.referrers.get(at).or_else(|| self.quirks.referrers.last()) else {
                return Ok(answer(404, &[], ""));
            };
            let mut more = vec![("content-type", "application/vnd.oci.image.index.v1+json")];
            more.extend(link.as_deref().map(|link| (if *status == 303 { "location" } else { "link" }, link)));
            return Ok(answer(*status, &more, text));
        }
        Ok(answer(if path == "/limited" { 429 } else { 404 }, &[], ""))
    }

    /// What refers to a digest, by what the manifests say.
    fn list(&self, digest: &str) -> String {
        let by_digest = self.manifests.iter().filter(|(reference, _)| reference.starts_with("sha256:"));
        let entries = by_digest.filter_map(|(reference, (media, bytes))| {
            let manifest: Value = serde_json::from_slice(bytes).ok()?;
            let entry = json!({"mediaType": media, "digest": reference, "size": bytes.len(), "artifactType": manifest["artifactType"]});
            (manifest["subject"]["digest"] == digest).then_some(entry)
        });
        let entries: Vec<Value> = entries.collect();
        json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries}).to_string()
    }

    fn upload(&mut self, method: &Method, session: &str, headers: &HeaderMap, body: &Bytes) -> Result<Answer, std::io::Error> {
        if *method == Method::POST {
            if session.starts_with("?mount=") && self.quirks.mount != 202 {
                return Ok(answer(self.quirks.mount, &[], ""));
            }
            self.sessions.push(Vec::new());
            return Ok(answer(
                202,
                &[("location", &format!("/v2/a/blobs/uploads/{}", self.sessions.len() - 1))],
                "",
            ));
        }
        let (number, query) = session.split_once('?').unwrap_or((session, ""));
        let chunks = self.quirks.chunks;
        let held = &mut self.sessions[number.parse::<usize>().unwrap()];
        let location = format!("/v2/a/blobs/uploads/{number}");
        let range = |length: usize| format!("0-{}", length.saturating_sub(1));
        match *method {
            Method::PATCH => {
                let from = headers["content-range"]
                    .to_str()
                    .unwrap()
                    .split('-')
                    .next()
                    .unwrap()
                    .parse::<usize>()
                    .unwrap();
                if chunks == Chunks::Refused {
                    return Ok(answer(405, &[], ""));
                }
                if from != held.len() || (chunks == Chunks::Small && body.len() > 4 << 20) {
                    return Ok(answer(416, &[("range", &range(held.len()))], ""));
                }
                let before = held.len();
                held.extend_from_slice(body);
                let (status, told) = match chunks {
                    Chunks::Created => (201, before),
                    Chunks::WrongOnce if before == 0 => (202, held.len() + 4096),
                    _ => (202, held.len()),
                };
                Ok(answer(status, &[("location", &location), ("range", &range(told))], ""))
            }
            Method::GET => Ok(answer(204, &[("location", &location), ("range", &range(held.len()))], "")),
            _ => {
                if std::mem::take(&mut self.quirks.break_first) {
                    return Err(std::io::ErrorKind::ConnectionReset.into());
                }
                let whole = [held.as_slice(), body].concat();
                let digest = sha256(&whole).to_string();
                if !query.contains(&digest.replace(':', "%3A")) {
                    return Ok(answer(400, &[], "DIGEST_INVALID"));
                }
                self.blobs.insert(digest, whole.into());
                Ok(answer(201, &[], ""))
            }
        }
    }

    fn manifest(&mut self, method: &Method, reference: &str, headers: &HeaderMap, body: Bytes) -> Answer {
        let is_tag = !reference.starts_with("sha256:");
        if *method == Method::PUT {
            if self.quirks.blobs_come_late > 0 {
                self.quirks.blobs_come_late -= 1;
                let told = r#"{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown to registry"}]}"#;
                return answer(400, &[], told);
            }
            if is_tag && !reference.starts_with("sha256-") && self.quirks.unwell > 0 {
                self.quirks.unwell -= 1;
                return answer(503, &[], "");
            }
            if let Some(status) = self.quirks.immutable.filter(|_| is_tag && self.manifests.contains_key(reference)) {
                return answer(status, &[], "the tag is immutable");
            }
            let media = headers["content-type"].to_str().unwrap().to_owned();
            let digest = sha256(&body).to_string();
            self.manifests.insert(digest.clone(), (media.clone(), body.clone()));
            if is_tag {
                let kept = match &self.quirks.stolen {
                    Some(other) if !reference.starts_with("sha256-") => other.clone(),
                    _ => body,
                };
                self.manifests.insert(reference.to_owned(), (media, kept));
            }
            let mut headers = vec![("docker-content-digest", digest.as_str())];
            headers.extend((self.quirks.unlisted || self.quirks.lists).then_some(("oci-subject", digest.as_str())));
            return answer(201, &headers, "");
        }
        if is_tag && !reference.starts_with("sha256-") && self.quirks.hidden > 0 {
            self.quirks.hidden -= 1;
            return answer(404, &[], "");
        }
        let Some((media, manifest)) = self.manifests.get(reference) else {
            return answer(404, &[], "");
        };
        let (length, digest) = (manifest.len().to_string(), sha256(manifest).to_string());
        let headers = [
            ("content-type", media.as_str()),
            ("content-length", &length),
            ("docker-content-digest", &digest),
        ];
        bytes(200, &headers, if *method == Method::HEAD { Bytes::new() } else { manifest.clone() })
    }
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    bytes(status, headers, Bytes::copy_from_slice(body.as_bytes()))
}

fn bytes(status: u16, headers: &[(&str, &str)], body: Bytes) -> Answer {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(Full::new(body)).unwrap()
}
