//! A small HTTP server over files in memory, on loopback, that ends with the test: ETags, ranges, and the faults that a test asks for.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What a request asked for: path, and whether it was conditional or a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) conditional: bool,
    pub(crate) range: Option<String>,
    pub(crate) status: u16,
}

/// What is wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// This status, and how many seconds to wait.
    Status(u16, u32),
    /// The connection is reset after so many bytes of the body.
    Reset(usize),
    /// More bytes are promised than there are.
    TooShort,
    /// Asked for the rest, it sends the whole and calls it the rest.
    WrongRange,
}

#[derive(Default)]
struct State {
    /// What is wrong with the next answers, one each.
    faults: std::collections::VecDeque<Fault>,
    files: BTreeMap<String, Vec<u8>>,
    seen: Vec<Seen>,
    /// The next so many requests are answered with 503.
    failing: usize,
    /// The next so many bodies are cut off after so many bytes.
    cutting: Option<(usize, usize)>,
    closed: bool,
}

pub(crate) struct FilesServer {
    state: Arc<Mutex<State>>,
    address: std::net::SocketAddr,
}

impl FilesServer {
    /// Starts one without files.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if shared.lock().unwrap().closed {
                    break;
                }
                let shared = shared.clone();
                std::thread::spawn(move || serve(&stream, &shared));
            }
        });
        Self { state, address }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn put(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.state.lock().unwrap().files.insert(path.to_owned(), bytes.into());
    }

    pub(crate) fn fail(&self, times: usize) {
        self.state.lock().unwrap().failing = times;
    }

    pub(crate) fn cut(&self, times: usize, after: usize) {
        self.state.lock().unwrap().cutting = Some((times, after));
    }

    /// What is wrong with the next answers, one each.
    pub(crate) fn misbehave(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state.lock().unwrap().faults = faults.into_iter().collect();
    }

    /// Every request since the last call.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.state.lock().unwrap().seen)
    }
}

impl Drop for FilesServer {
    fn drop(&mut self) {
        self.state.lock().unwrap().closed = true;
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(stream: &TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut headers = BTreeMap::new();
        loop {
            let mut header = String::new();
            if reader.read_line(&mut header).unwrap_or(0) == 0 || header.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = header.trim().split_once(": ") {
                headers.insert(name.to_lowercase(), value.to_owned());
            }
        }
        if !answer(stream, &path, &headers, state) {
            return;
        }
    }
}

/// Answers one request; false when the connection is to be closed.
fn answer(mut stream: &TcpStream, path: &str, headers: &BTreeMap<String, String>, state: &Mutex<State>) -> bool {
    let mut state = state.lock().unwrap();
    let file = state.files.get(path).cloned();
    let etag = file
        .as_ref()
        .map(|bytes| format!("\"{}\"", &portcullis::io::hash::sha256(bytes).hex()[..16]))
        .unwrap_or_default();
    let range = headers.get("range").cloned();
    let start = range
        .as_deref()
        .and_then(|r| r.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    let start = start.filter(|_| headers.get("if-range").is_none_or(|validator| *validator == etag));
    let fault = state.faults.pop_front();
    let status = match &file {
        _ if state.failing > 0 => 503,
        _ if let Some(Fault::Status(status, _)) = fault => status,
        None => 404,
        Some(_) if headers.get("if-none-match") == Some(&etag) => 304,
        Some(bytes) if start.is_some_and(|start| start >= bytes.len()) => 416,
        Some(_) if start.is_some() => 206,
        Some(_) => 200,
    };
    state.failing = state.failing.saturating_sub(1);
    state.seen.push(Seen {
        path: path.to_owned(),
        conditional: headers.contains_key("if-none-match"),
        range,
        status,
    });
    let whole = file.unwrap_or_default();
    let body = match status {
        200 => &whole[..],
        206 if fault == Some(Fault::WrongRange) => &whole[..],
        206 => &whole[start.unwrap_or_default()..],
        _ => &[],
    };
    let promised = body.len() + if fault == Some(Fault::TooShort) { 100 } else { 0 };
    let mut head = format!("HTTP/1.1 {status} X\r\nContent-Length: {promised}\r\n");
    if let Some(Fault::Status(_, seconds)) = fault {
        head.push_str(&format!("Retry-After: {seconds}\r\n"));
    }
    if !etag.is_empty() {
        head.push_str(&format!("ETag: {etag}\r\n"));
    }
    if status == 206 {
        head.push_str(&format!(
            "Content-Range: bytes {}-{}/{}\r\n",
            if fault == Some(Fault::WrongRange) {
                0
            } else {
                start.unwrap_or_default()
            },
            whole.len() - 1,
            whole.len()
        ));
    }
    head.push_str("\r\n");
    let mut sent = body;
    let mut keep = true;
    if let Some((times, after)) = state.cutting.filter(|(times, after)| *times > 0 && body.len() > *after) {
        state.cutting = Some((times - 1, after));
        sent = &body[..after];
        keep = false;
    }
    drop(state);
    if let Some(Fault::Reset(after)) = fault {
        sent = &body[..after.min(body.len())];
        keep = false;
    }
    keep &= fault != Some(Fault::TooShort);
    keep &= stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(sent)).is_ok();
    if let Some(Fault::Reset(_)) = fault {
        // Give what was sent the time to arrive: a reset throws away what is still under way.
        std::thread::sleep(std::time::Duration::from_millis(50));
        let _ = rustix::net::sockopt::set_socket_linger(stream, Some(std::time::Duration::ZERO));
        return false;
    }
    if !keep {
        let _ = stream.shutdown(std::net::Shutdown::Both);
    }
    keep
}
