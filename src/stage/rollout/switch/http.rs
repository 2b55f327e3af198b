//! HTTP/1.1: each request goes to the instance that is in front at its moment, so a swap needs no connection to be closed.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::{Either, Empty, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode, Version};
use hyper_util::rt::TokioIo;

use crate::model::excused::Excused as _;

use super::access_log::Line;
use super::instance::Flight;
use super::table::Table;
use super::talk::Talk;
use super::tunnel;
use super::upstream::{self, Sender, Sent};

type Answer = Response<Passed>;

/// Answers one request of a peer, which came in on an address of ours. Never fails: what goes wrong becomes a 502 or 503.
pub(super) async fn answer(
    table: Arc<Table>,
    (peer, here): (SocketAddr, SocketAddr),
    talk: Arc<Talk>,
    mut request: Request<Incoming>,
) -> Result<Answer, Infallible> {
    let ended = Ended(Arc::clone(&talk));
    let wants_upgrade = wants_upgrade(request.headers());
    let client = wants_upgrade.then(|| hyper::upgrade::on(&mut request));
    let (mut parts, body) = request.into_parts();
    prepare(&mut parts, (peer.ip(), here), wants_upgrade);
    let mut line = table.access_log.as_ref().map(|_| Line::of(&parts, peer.ip()));
    let (parts, inner) = forward(&table, parts, body, &mut line).await.into_parts();
    if let Some((log, line)) = table.access_log.as_ref().zip(line) {
        log.write(line.ended(parts.status));
    }
    let mut answer = Response::from_parts(parts, Passed { inner, _ended: ended });
    let switched = answer.status() == StatusCode::SWITCHING_PROTOCOLS && client.is_some();
    if wants_upgrade {
        talk.switched(switched);
    }
    if let Some(client) = client.filter(|_| switched) {
        tunnel_upgrade(client, &mut answer);
    } else if table.closing.load(Ordering::Relaxed) {
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(answer)
}

type Forwarded = Response<Either<Counted, Full<Bytes>>>;

async fn forward(table: &Table, parts: Parts, body: Incoming, line: &mut Option<Line>) -> Forwarded {
    let repeatable = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) && body.is_end_stream();
    let mut flight = match table.begin(&parts.headers).await {
        Ok(flight) => flight,
        Err(told) => {
            table.unanswered.fetch_add(1, Ordering::Relaxed);
            return own(StatusCode::SERVICE_UNAVAILABLE, told);
        }
    };
    // An instance may close an idle connection in the very moment in which it is used again, and then nobody knows whether it saw the
    // request: only what can be repeated goes over a used connection.
    if repeatable
        && let Some(mut sender) = flight.instance().idle()
        && let Ok(response) = sender.send_request(again(&parts)).await
    {
        return pass(response, flight, sender, line);
    }
    let mut body = Some(body);
    let mut on_standby = false;
    loop {
        if table.capacity.upstreams_are_used_up() {
            table.forget_idle();
        }
        let sent = match upstream::open(flight.instance().backend.address, &table.capacity).await {
            Ok(mut sender) => {
                let request = match body.take() {
                    _ if repeatable => again(&parts),
                    Some(body) => Request::from_parts(parts.clone(), Either::Left(body)),
                    None => return own(StatusCode::BAD_GATEWAY, "the instance did not answer\n"),
                };
                sender
                    .send_request(request)
                    .await
                    .map(|response| (response, sender))
                    .or_none("the request is answered with 502")
            }
            Err(_) => None,
        };
        if let Some((response, sender)) = sent {
            if on_standby {
                table.from_standby.fetch_add(1, Ordering::Relaxed);
            }
            return pass(response, flight, sender, line);
        }
        flight.broken();
        let may_repeat = !on_standby && (repeatable || body.is_some());
        match may_repeat.then(|| table.enter_standby(flight.instance())).flatten() {
            Some(standby) => flight = standby,
            None => {
                table.unanswered.fetch_add(1, Ordering::Relaxed);
                return own(StatusCode::BAD_GATEWAY, "the instance did not answer\n");
            }
        }
        on_standby = true;
    }
}

fn again(parts: &Parts) -> Request<Sent> {
    Request::from_parts(parts.clone(), Either::Right(Empty::new()))
}

fn own(status: StatusCode, text: &'static str) -> Forwarded {
    let mut answer = Response::new(Either::Right(Full::new(Bytes::from_static(text.as_bytes()))));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::SERVER, HeaderValue::from_static("portcullis-switch"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    answer
}

fn pass(response: Response<Incoming>, mut flight: Flight, sender: Sender, line: &mut Option<Line>) -> Forwarded {
    flight.answered(response.status());
    if let Some(line) = line {
        line.answered_by(flight.instance());
    }
    let upgraded = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    let (mut parts, body) = response.into_parts();
    if !upgraded {
        strip_hop_by_hop(&mut parts.headers);
    }
    parts.version = Version::HTTP_11;
    if let Some(cookie) = flight.cookie.take() {
        parts.headers.append(header::SET_COOKIE, cookie);
    }
    let mut counted = Counted {
        inner: body,
        flight: Some(flight),
        sender: (!upgraded).then_some(sender),
    };
    if !upgraded && counted.inner.is_end_stream() {
        counted.finish();
    }
    Response::from_parts(parts, Either::Left(counted))
}

/// As the connection's guard reads it: both headers.
fn wants_upgrade(headers: &HeaderMap) -> bool {
    let connection = headers.get_all(header::CONNECTION);
    let mut words = connection.iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    headers.contains_key(header::UPGRADE) && words.any(|word| word.trim_ascii().eq_ignore_ascii_case(b"upgrade"))
}

fn prepare(parts: &mut Parts, (peer, here): (IpAddr, SocketAddr), upgrade: bool) {
    let wanted = parts.headers.get(header::UPGRADE).cloned();
    strip_hop_by_hop(&mut parts.headers);
    if let Some(wanted) = wanted.filter(|_| upgrade) {
        parts.headers.insert(header::UPGRADE, wanted);
        parts.headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    }
    if let Ok(value) = HeaderValue::from_str(&peer.to_string()) {
        parts.headers.append(HeaderName::from_static("x-forwarded-for"), value);
    }
    parts.version = Version::HTTP_11;
    // HTTP/1.0 needs none, and what is sent on is HTTP/1.1, where servers refuse a request without one.
    if !parts.headers.contains_key(header::HOST) {
        let named = parts.uri.authority().map_or_else(|| here.to_string(), ToString::to_string);
        if let Ok(host) = HeaderValue::from_str(&named) {
            parts.headers.insert(header::HOST, host);
        }
    }
    if parts.uri.authority().is_some()
        && let Some(path) = parts.uri.path_and_query().cloned()
    {
        parts.uri = path.into();
    }
}

/// RFC 9110, 7.6.1: what concerns one connection is not passed on. The framing itself is hyper's.
fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().or_none("what is no text names no header"))
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().or_none("what is no name names no header"))
        .filter(|name| *name != header::CONTENT_LENGTH && *name != header::TRANSFER_ENCODING && *name != header::HOST)
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in ["connection", "keep-alive", "proxy-connection", "upgrade"] {
        headers.remove(name);
    }
}

fn tunnel_upgrade(client: hyper::upgrade::OnUpgrade, answer: &mut Answer) {
    let instance = hyper::upgrade::on(&mut *answer);
    let mut flight = match &mut answer.body_mut().inner {
        Either::Left(counted) => counted.flight.take(),
        Either::Right(_) => None,
    };
    tokio::spawn(async move {
        if let (Ok(client), Ok(instance)) = (client.await, instance.await) {
            let carried = tunnel::between(TokioIo::new(client), TokioIo::new(instance)).await;
            match (carried, flight.as_mut()) {
                (Ok(()), Some(flight)) => flight.served(),
                (Err(_), Some(flight)) => flight.broken(),
                (_, None) => {}
            }
        }
        drop(flight);
    });
}

/// Tells the connection that its request is answered, however it ended.
struct Ended(Arc<Talk>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.answered();
    }
}

/// An answer's body. Its connection waits for the next request when it is gone.
pub(super) struct Passed {
    inner: Either<Counted, Full<Bytes>>,
    _ended: Ended,
}

impl Body for Passed {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.inner).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// An answer's body that keeps its request in flight until its last byte has passed.
pub(super) struct Counted {
    inner: Incoming,
    flight: Option<Flight>,
    sender: Option<Sender>,
}

impl Counted {
    fn finish(&mut self) {
        if let Some(mut flight) = self.flight.take() {
            flight.served();
            if let Some(sender) = self.sender.take() {
                flight.instance().give_back(sender);
            }
        }
    }
}

impl Body for Counted {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        match &polled {
            Poll::Ready(None) => self.finish(),
            Poll::Ready(Some(Ok(_))) if self.inner.is_end_stream() => self.finish(),
            Poll::Ready(Some(Err(_))) => {
                if let Some(mut flight) = self.flight.take() {
                    flight.broken();
                }
            }
            Poll::Ready(Some(Ok(_))) | Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(request: hyper::http::request::Builder) -> Parts {
        let (mut parts, ()) = request.body(()).expect("a request").into_parts();
        let here = SocketAddr::from(([127, 0, 0, 1], 8080));
        prepare(&mut parts, (IpAddr::from([127, 0, 0, 9]), here), false);
        parts
    }

    #[test]
    fn what_is_sent_on_has_a_host_also_where_http_1_0_had_none() {
        let hosts = |parts: &Parts| -> Vec<String> {
            let hosts = parts.headers.get_all(header::HOST).iter();
            hosts.map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned()).collect()
        };
        let parts = prepared(Request::builder().version(Version::HTTP_10).uri("/a"));
        assert_eq!(
            (hosts(&parts), parts.version),
            (vec!["127.0.0.1:8080".to_owned()], Version::HTTP_11)
        );
        let parts = prepared(Request::builder().version(Version::HTTP_10).uri("http://shop/a"));
        assert_eq!((hosts(&parts), parts.uri.to_string()), (vec!["shop".to_owned()], "/a".to_owned()));
        // The control: one that is there stays alone.
        let parts = prepared(Request::builder().uri("/a").header(header::HOST, "shop"));
        assert_eq!(hosts(&parts), ["shop"]);
    }
}
