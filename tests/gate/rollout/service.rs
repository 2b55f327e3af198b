//! A small service that behaves as its image says: the thing that is rolled out.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// How a release behaves.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Behaviour {
    /// What `/version` answers.
    pub(crate) commit: Option<String>,
    /// Makes images differ that are otherwise equal.
    pub(crate) salt: u32,
    /// Ends at once with this status.
    pub(crate) exits: Option<i32>,
    /// Ends as soon as this file is there.
    pub(crate) exits_when: Option<String>,
    /// Every other answer of `/readyz` is 503.
    pub(crate) flaps: bool,
    /// `/readyz` is 503.
    pub(crate) sick: bool,
    /// `/readyz` is 503 as soon as this file is there.
    pub(crate) sick_when: Option<String>,
    /// Ends at its start as soon as this file is there.
    pub(crate) broken_when: Option<String>,
    /// SIGTERM does nothing.
    pub(crate) ignores_term: bool,
    /// So many of ten requests with an id, which probes have not, are answered with 500.
    pub(crate) errors_of_10: u64,
    /// Of those, they are not answered at all.
    pub(crate) hangs: bool,
    /// Each answer takes this long.
    pub(crate) slow_ms: u64,
}

impl Behaviour {
    /// Ends with 1 as soon as it is started.
    pub(crate) fn exiting() -> Self {
        Self {
            exits: Some(1),
            ..Self::default()
        }
    }
}

fn there(file: &Option<String>) -> bool {
    file.as_ref().is_some_and(|file| Path::new(file).exists())
}

/// Serves until it is killed.
#[expect(clippy::exit, reason = "it plays a program")]
pub(crate) fn serve() {
    let root = std::env::var("PORTCULLIS_ROOT").unwrap();
    let port = std::env::var("PORT").unwrap();
    let behaviour: Behaviour = serde_json::from_slice(&fs::read(Path::new(&root).join("behaviour.json")).unwrap()).unwrap();
    if there(&behaviour.broken_when) {
        println!("cannot find the database");
        std::process::exit(4);
    }
    if let Some(code) = behaviour.exits {
        println!("cannot read the configuration");
        std::process::exit(code);
    }
    if behaviour.exits_when.is_some() {
        let file = behaviour.exits_when.clone();
        std::thread::spawn(move || {
            while !there(&file) {
                std::thread::sleep(Duration::from_millis(5));
            }
            println!("out of memory");
            std::process::exit(137);
        });
    }
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).unwrap();
    let behaviour = Arc::new(behaviour);
    let probes = Arc::new(AtomicU64::new(0));
    for stream in listener.incoming().map_while(Result::ok) {
        let (behaviour, probes) = (Arc::clone(&behaviour), Arc::clone(&probes));
        std::thread::spawn(move || converse(stream, &behaviour, &probes));
    }
}

fn converse(stream: TcpStream, behaviour: &Behaviour, probes: &AtomicU64) {
    let _ = stream.set_nodelay(true);
    let Ok(mut writer) = stream.try_clone() else { return };
    let mut reader = BufReader::new(stream);
    while let Some(request) = read_request(&mut reader) {
        std::thread::sleep(Duration::from_millis(behaviour.slow_ms));
        if request.path == "/upgrade" {
            let _ = writer.write_all(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n");
            let _ = std::io::copy(&mut reader, &mut writer);
            return;
        }
        if request.path == "/events" {
            return stream_events(&mut writer, behaviour);
        }
        let (status, body) = answer(&request, behaviour, probes);
        let text = format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nx-revision: {}\r\nx-request-id: {}\r\n\r\n{body}",
            body.len(),
            behaviour.commit.as_deref().unwrap_or_default(),
            request.id,
        );
        if writer.write_all(text.as_bytes()).is_err() || request.close {
            return;
        }
    }
}

/// An event each 50 ms, as long as somebody listens.
fn stream_events(writer: &mut TcpStream, behaviour: &Behaviour) {
    let _ = writer.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n");
    for number in 0.. {
        let event = format!("id: {number}\ndata: {}\n\n", behaviour.commit.as_deref().unwrap_or_default());
        let sent = write!(writer, "{:x}\r\n{event}\r\n", event.len()).and_then(|()| writer.flush());
        if sent.is_err() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn answer(request: &Request, behaviour: &Behaviour, probes: &AtomicU64) -> (u16, String) {
    if !request.id.is_empty() && probes.fetch_add(1, Ordering::Relaxed) % 10 < behaviour.errors_of_10 {
        if behaviour.hangs {
            std::thread::sleep(Duration::from_secs(3_600));
        }
        return (500, "out of order".to_owned());
    }
    match request.path.as_str() {
        "/readyz" => {
            let odd = probes.fetch_add(1, Ordering::Relaxed) % 2 == 1;
            let bad = behaviour.sick || there(&behaviour.sick_when) || (behaviour.flaps && odd);
            (if bad { 503 } else { 200 }, "{\"status\":\"ok\"}".to_owned())
        }
        "/version" => (
            200,
            format!("{{\"commit\":\"{}\"}}", behaviour.commit.as_deref().unwrap_or_default()),
        ),
        "/order" => (200, attempts_at_control().to_string()),
        "/slow" => {
            let begun = Instant::now();
            let long = Duration::from_millis(request.query.parse().unwrap_or(0));
            std::thread::sleep(long.saturating_sub(begun.elapsed()));
            (200, "slow".to_owned())
        }
        "/echo" => (200, String::from_utf8_lossy(&request.body).into_owned()),
        _ => (404, String::new()),
    }
}

/// What a service gets that tries to give its switch orders: it finds the state folder by what it was started with.
fn attempts_at_control() -> serde_json::Value {
    let state = std::env::var("PORTCULLIS_STATE").unwrap();
    let state = Path::new(&state);
    let key = fs::read_to_string(state.join("control.key")).unwrap_or_default();
    let attempt = |key: &str| super::world::order(state, key, serde_json::json!({"op": "status"}));
    serde_json::json!({
        "environment": std::env::vars().map(|(name, value)| format!("{name}={value}\n")).collect::<String>(),
        "without a key": attempt(""),
        "with a wrong key": attempt(&"0".repeat(64)),
        "with the key": attempt(&key),
        "metrics": super::metrics::asked(state, "/metrics"),
    })
}

struct Request {
    path: String,
    query: String,
    id: String,
    close: bool,
    body: Vec<u8>,
}

fn read_request(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
    let target = line.split(' ').nth(1)?.to_owned();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut request = Request {
        path: path.to_owned(),
        query: query.to_owned(),
        id: String::new(),
        close: false,
        body: Vec::new(),
    };
    let mut length = 0u64;
    let mut chunked = false;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok().filter(|count| *count > 0)?;
        let Some((name, value)) = header.trim().split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "transfer-encoding" => chunked = true,
            "x-request-id" => value.clone_into(&mut request.id),
            "connection" => request.close = value.eq_ignore_ascii_case("close"),
            _ => {}
        }
    }
    if chunked {
        request.body = read_chunks(reader)?;
        return Some(request);
    }
    reader.take(length).read_to_end(&mut request.body).ok()?;
    (request.body.len() as u64 == length).then_some(request)
}

fn read_chunks(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
        let size = u64::from_str_radix(line.trim(), 16).ok()?;
        let before = body.len() as u64;
        reader.take(size).read_to_end(&mut body).ok()?;
        if body.len() as u64 != before + size {
            return None;
        }
        // The end of the chunk's line, or of the trailers' lines, which this service does not look at.
        loop {
            let mut end = String::new();
            reader.read_line(&mut end).ok().filter(|count| *count > 0)?;
            if end.trim().is_empty() {
                break;
            }
        }
        if size == 0 {
            return Some(body);
        }
    }
}
