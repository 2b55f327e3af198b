//! `docker buildx build --progress=rawjson`: BuildKit's own messages, one JSON object after the other, on one line or on many.
//!
//! Source: `client.SolveStatus` in BuildKit; seen with buildx 0.13 (many lines).

use crate::model::excused::Excused as _;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Deserialize;

use super::{Reader, Steps};

/// A message of more lines is none.
const MOST: usize = 4 << 20;

/// Puts messages together from lines.
#[derive(Default)]
pub(in crate::stage::build::dockerfile) struct RawJson {
    message: String,
}

#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    vertexes: Vec<Vertex>,
    #[serde(default)]
    logs: Vec<Log>,
    #[serde(default)]
    warnings: Vec<Warning>,
}

#[derive(Deserialize)]
struct Vertex {
    digest: String,
    #[serde(default)]
    name: String,
    started: Option<Timestamp>,
    completed: Option<Timestamp>,
    #[serde(default)]
    cached: bool,
    #[serde(default)]
    error: String,
}

#[derive(Deserialize)]
struct Log {
    vertex: String,
    #[serde(default)]
    data: String,
}

#[derive(Deserialize)]
struct Warning {
    #[serde(default)]
    short: String,
}

impl Reader for RawJson {
    fn line(&mut self, line: &str, steps: &mut Steps) {
        if self.message.is_empty() && !line.starts_with('{') {
            return steps.output(line);
        }
        self.message.push_str(line);
        self.message.push('\n');
        // The end of an object of many lines is a brace in the first column.
        let is_whole = line == "}" || (line.starts_with('{') && line.ends_with('}'));
        if !is_whole && self.message.len() < MOST {
            return;
        }
        let message = std::mem::take(&mut self.message);
        match serde_json::from_str::<Status>(&message) {
            Ok(status) => take(status, steps),
            Err(_) => message.lines().for_each(|line| steps.output(line)),
        }
    }
}

fn take(status: Status, steps: &mut Steps) {
    for vertex in &status.vertexes {
        steps.started(&vertex.digest, &vertex.name);
        if vertex.cached {
            steps.cached(&vertex.digest);
        }
    }
    for log in &status.logs {
        // What is no base64 is not what BuildKit writes: it is shown as it is.
        let data = STANDARD.decode(&log.data).unwrap_or_else(|_| log.data.clone().into_bytes());
        for line in String::from_utf8_lossy(&data).lines() {
            steps.wrote(&log.vertex, line);
        }
    }
    for vertex in status.vertexes {
        if !vertex.error.is_empty() {
            steps.failed(&vertex.digest, &vertex.error);
        } else if let (Some(started), Some(completed)) = (vertex.started, vertex.completed) {
            let took = Duration::try_from(completed.duration_since(started)).or_none("no time is shown");
            steps.ended(&vertex.digest, took);
        }
    }
    for warning in &status.warnings {
        // The text is base64 in some versions and plain in others.
        let text = STANDARD
            .decode(&warning.short)
            .or_none("a warning of another form is not shown")
            .and_then(|bytes| String::from_utf8(bytes).or_none("a warning of another form is not shown"));
        steps.output(text.as_deref().unwrap_or(&warning.short));
    }
}
