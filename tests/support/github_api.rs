//! GitHub's API as far as the program asks it: comments, deployments, snapshots of dependencies. It can refuse, ask to wait, and break off an answer.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// What it does to a request instead of answering it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// `Resource not accessible by integration`.
    Forbidden,
    /// A secondary limit, with this many seconds to wait.
    Wait(u64),
    /// The server failed, and did nothing.
    Broken,
    /// The server did it, and the answer is a failure.
    DoneAndBroken,
    /// Somewhere else.
    Elsewhere,
}

#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) comments: Vec<Value>,
    pub(crate) deployments: Vec<Value>,
    pub(crate) statuses: Vec<Value>,
    pub(crate) snapshots: Vec<Value>,
    /// The commit that the pull request is at.
    pub(crate) head: Option<String>,
    /// Method and path of every request.
    pub(crate) asked: Vec<String>,
    /// What the next orders (no questions) meet.
    pub(crate) faults: VecDeque<Fault>,
}

#[derive(Clone)]
pub(crate) struct GitHubApi {
    pub(crate) address: SocketAddr,
    kept: Arc<Mutex<Kept>>,
}

/// The only token that it takes.
pub(crate) const TOKEN: &str = "ghs_thejobsowntoken";

impl GitHubApi {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let api = Self {
            address: listener.local_addr().unwrap(),
            kept: Arc::default(),
        };
        let served = api.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let served = served.clone();
                std::thread::spawn(move || served.serve(stream));
            }
        });
        api
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn kept<T>(&self, look: impl FnOnce(&mut Kept) -> T) -> T {
        look(&mut self.kept.lock().unwrap())
    }

    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut stream = stream;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let mut words = line.split_whitespace();
            let (method, path) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
            let (mut length, mut authorized) = (0, false);
            loop {
                let mut header = String::new();
                reader.read_line(&mut header).unwrap();
                let header = header.trim();
                if header.is_empty() {
                    break;
                }
                let (name, value) = header.split_once(':').unwrap();
                match name.to_ascii_lowercase().as_str() {
                    "content-length" => length = value.trim().parse().unwrap(),
                    "authorization" => authorized = value.trim() == format!("Bearer {TOKEN}"),
                    _ => {}
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
            let (status, more, answer) = match authorized {
                true => self.answer(&method, &path, body),
                false => (401, String::new(), json!({"message": "Bad credentials"})),
            };
            let text = answer.to_string();
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{more}content-length: {}\r\n\r\n",
                text.len()
            );
            if stream
                .write_all(head.as_bytes())
                .and_then(|()| stream.write_all(text.as_bytes()))
                .is_err()
            {
                return;
            }
        }
    }

    fn answer(&self, method: &str, path: &str, body: Value) -> (u16, String, Value) {
        let mut kept = self.kept.lock().unwrap();
        kept.asked.push(format!("{method} {path}"));
        let fault = if method == "GET" { None } else { kept.faults.pop_front() };
        match fault {
            Some(Fault::Forbidden) => return (403, String::new(), json!({"message": "Resource not accessible by integration"})),
            Some(Fault::Wait(seconds)) => {
                let message = json!({"message": "You have exceeded a secondary rate limit"});
                return (403, format!("retry-after: {seconds}\r\n"), message);
            }
            Some(Fault::Broken) => return (502, String::new(), json!({"message": "Server Error"})),
            Some(Fault::Elsewhere) => return (307, "location: http://127.0.0.1:9/\r\n".to_owned(), Value::Null),
            Some(Fault::DoneAndBroken) | None => {}
        }
        let done = carry_out(&mut kept, method, path, body);
        match fault {
            Some(_) => (502, String::new(), json!({"message": "Server Error"})),
            None => done,
        }
    }
}

fn carry_out(kept: &mut Kept, method: &str, path: &str, body: Value) -> (u16, String, Value) {
    let ok = |status: u16, value: Value| (status, String::new(), value);
    let Some(path) = path.strip_prefix("/repos/acme/shop") else {
        return ok(404, json!({"message": "Not Found"}));
    };
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let asked = |name: &str| {
        let values = query.split('&').filter_map(|pair| pair.split_once('='));
        values
            .into_iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.replace("%20", " "))
    };
    match (method, path) {
        ("GET", "/pulls/7") => ok(200, json!({"head": {"sha": kept.head}})),
        ("GET", "/issues/7/comments") => {
            let (size, page) = (
                asked("per_page").unwrap().parse().unwrap(),
                asked("page").unwrap().parse::<usize>().unwrap(),
            );
            let shown: Vec<Value> = kept.comments.iter().skip((page - 1) * size).take(size).cloned().collect();
            ok(200, json!(shown))
        }
        ("POST", "/issues/7/comments") => {
            let comment =
                json!({"id": 100 + kept.comments.len(), "user": {"login": "github-actions[bot]", "type": "Bot"}, "body": body["body"]});
            kept.comments.push(comment.clone());
            ok(201, comment)
        }
        ("PATCH", path) if path.starts_with("/issues/comments/") => {
            let id: u64 = path.rsplit('/').next().unwrap().parse().unwrap();
            match kept.comments.iter_mut().find(|comment| comment["id"] == id) {
                Some(comment) => {
                    comment["body"] = body["body"].clone();
                    ok(200, comment.clone())
                }
                None => ok(404, json!({"message": "Not Found"})),
            }
        }
        ("GET", "/deployments") => {
            let same = |deployment: &&Value| {
                ["task", "environment"]
                    .iter()
                    .all(|key| deployment[*key].as_str() == asked(key).as_deref())
                    && deployment["ref"].as_str() == asked("sha").as_deref()
            };
            ok(200, json!(kept.deployments.iter().filter(same).take(1).collect::<Vec<_>>()))
        }
        ("POST", "/deployments") => {
            let mut deployment = body;
            deployment["id"] = json!(500 + kept.deployments.len());
            kept.deployments.push(deployment.clone());
            ok(201, deployment)
        }
        ("POST", path) if path.starts_with("/deployments/") && path.ends_with("/statuses") => {
            kept.statuses.push(body.clone());
            ok(201, body)
        }
        ("POST", "/dependency-graph/snapshots") => {
            kept.snapshots.push(body);
            ok(
                201,
                json!({"id": 1, "result": "SUCCESS", "message": "Dependency results for the repo have been successfully updated."}),
            )
        }
        _ => ok(404, json!({"message": "Not Found"})),
    }
}
