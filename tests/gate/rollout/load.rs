//! Open-loop load: requests are sent when their time has come, whether or not the ones before were answered. Never repeated.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// How long an answer is waited for.
const LONGEST: Duration = Duration::from_secs(40);

type Sender = SendRequest<Full<Bytes>>;

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) sent: AtomicU64,
    pub(crate) answered: AtomicU64,
    pub(crate) lost: Mutex<Vec<String>>,
}

impl Tally {
    pub(crate) fn lost(&self) -> Vec<String> {
        self.lost.lock().unwrap().clone()
    }

    pub(crate) fn line(&self) -> String {
        format!("{} of {} lost", self.lost().len(), self.sent.load(Ordering::SeqCst))
    }
}

/// Load that goes on until it is ended.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    tally: Arc<Tally>,
    task: tokio::task::JoinHandle<()>,
}

impl Load {
    /// GET and POST and slow ones, over fresh and kept-alive connections in turn, one each `every`.
    pub(crate) fn start(address: SocketAddr, every: Duration) -> Self {
        let (stop, tally) = (Arc::new(AtomicBool::new(false)), Arc::new(Tally::default()));
        let task = tokio::spawn(send_all(address, every, Arc::clone(&stop), Arc::clone(&tally)));
        Self { stop, tally, task }
    }

    /// Sends no more, waits for every answer.
    pub(crate) async fn end(self) -> Arc<Tally> {
        self.stop.store(true, Ordering::SeqCst);
        self.task.await.unwrap();
        self.tally
    }
}

async fn send_all(address: SocketAddr, every: Duration, stop: Arc<AtomicBool>, tally: Arc<Tally>) {
    let idle: Arc<Mutex<Vec<Sender>>> = Arc::default();
    let mut tick = tokio::time::interval(every);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    let mut under_way = tokio::task::JoinSet::new();
    for number in 0u64.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        tick.tick().await;
        let (tally, idle) = (Arc::clone(&tally), Arc::clone(&idle));
        tally.sent.fetch_add(1, Ordering::SeqCst);
        under_way.spawn(async move {
            let limit = LONGEST;
            let outcome = tokio::time::timeout(limit, send_one(address, number, &idle)).await;
            match outcome.unwrap_or_else(|_| Err(format!("no answer within {LONGEST:?}"))) {
                Ok(()) => {
                    tally.answered.fetch_add(1, Ordering::SeqCst);
                }
                Err(reason) => tally.lost.lock().unwrap().push(format!("request {number}: {reason}")),
            }
        });
        while under_way.try_join_next().is_some() {}
    }
    while under_way.join_next().await.is_some() {}
}

async fn send_one(address: SocketAddr, number: u64, idle: &Mutex<Vec<Sender>>) -> Result<(), String> {
    let body = format!("body of {number}").repeat(1 + (number % 50) as usize);
    let (method, path, body) = match number % 5 {
        0 | 1 => ("GET", "/version".to_owned(), String::new()),
        2 | 3 => ("POST", "/echo".to_owned(), body),
        _ => ("GET", format!("/slow?{}", 20 + number % 130), String::new()),
    };
    let keep = number.is_multiple_of(2);
    let used = if keep { take_idle(idle) } else { None };
    let mut sender = match used {
        Some(sender) => sender,
        None => connect(address).await?,
    };
    let request = Request::builder()
        .method(method)
        .uri(&path)
        .header("host", "shop")
        .header("x-request-id", number.to_string())
        .header("connection", if keep { "keep-alive" } else { "close" })
        .body(Full::new(Bytes::from(body.clone())))
        .map_err(|error| error.to_string())?;
    let response = sender
        .send_request(request)
        .await
        .map_err(|error| format!("{method} {path} (keep-alive: {keep}): {error:?}"))?;
    let status = response.status().as_u16();
    let id = response
        .headers()
        .get("x-request-id")
        .map(|id| id.to_str().unwrap_or_default().to_owned());
    let text = response
        .into_body()
        .collect()
        .await
        .map_err(|error| format!("{method} {path}: the answer broke off: {error}"))?
        .to_bytes();
    if status != 200 || id.as_deref() != Some(number.to_string().as_str()) {
        return Err(format!("{method} {path}: status {status}, id {id:?}, {text:?}"));
    }
    if path == "/echo" && text != body {
        return Err(format!("{path}: {} bytes came back of {}", text.len(), body.len()));
    }
    if keep && sender.ready().await.is_ok() {
        idle.lock().unwrap().push(sender);
    }
    Ok(())
}

fn take_idle(idle: &Mutex<Vec<Sender>>) -> Option<Sender> {
    let mut idle = idle.lock().unwrap();
    idle.retain(|sender| !sender.is_closed());
    idle.pop()
}

async fn connect(address: SocketAddr) -> Result<Sender, String> {
    let stream = TcpStream::connect(address).await.map_err(|error| format!("connect: {error}"))?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    tokio::spawn(connection);
    Ok(sender)
}

/// One GET over a connection of its own.
pub(crate) async fn plain_get(address: SocketAddr, path: &str) -> Result<(u16, String), String> {
    let mut sender = connect(address).await?;
    let request = Request::get(path)
        .header("host", "shop")
        .body(Full::new(Bytes::new()))
        .map_err(|error| error.to_string())?;
    let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}
