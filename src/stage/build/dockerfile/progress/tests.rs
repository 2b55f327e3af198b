//! What three builders say of one Dockerfile, as they said it.

use std::sync::{Arc, Mutex};

use super::{Buildah, Plain, RawJson, Reader, Steps};
use crate::io::Effects;
use crate::io::secret::Secret;
use crate::model::event::{Event, Observer};

/// Notes and output, in their order.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Observer for Heard {
    fn on_event(&self, event: &Event) {
        let line = match event {
            Event::Note { text, .. } => text.clone(),
            Event::Output { line, .. } => format!("| {line}"),
            _ => return,
        };
        self.0.lock().expect("not poisoned").push(line);
    }
}

fn heard(mut reader: impl Reader, said: &str) -> (Vec<String>, Steps) {
    let observer = Arc::new(Heard::default());
    let effects = Effects {
        observer: Arc::<Heard>::clone(&observer),
        ..Effects::plain(std::env::temp_dir())
    };
    let mut steps = Steps::new(&effects, vec![Secret::new("hunter2\n")]);
    said.lines().for_each(|line| reader.line(line, &mut steps));
    let lines = observer.0.lock().expect("not poisoned").clone();
    (lines, steps)
}

const PLAIN: &str = "#1 [internal] load remote build context
#1 sha256:1e95cad5d583f4c525ba13e319c74e7b898f785673fb432e9a45440f566d10f7
#1 CACHED

#3 [internal] load metadata for docker.io/library/debian:12
#3 DONE 0.0s

#8 [build 1/3] FROM docker.io/library/debian:12@sha256:01e1341586a17b4d557fd8dbbd34d9ff54e769d882dc7bd62427c4ab92a80473
#8 sha256:01e1341586a17b4d557fd8dbbd34d9ff54e769d882dc7bd62427c4ab92a80473
#8 CACHED

#6 [build 3/3] RUN echo hunter2; false
#6 0.613 hunter2
#6 ERROR: executor failed running [/bin/sh -c echo hunter2; false]: exit code: 1
------
ERROR: failed to solve: exit code: 1
";

#[test]
fn plain_progress_of_docker_is_told_as_steps_without_secrets() {
    let (lines, steps) = heard(Plain::default(), PLAIN);
    let image = "docker.io/library/debian:12";
    let digest = "sha256:01e1341586a17b4d557fd8dbbd34d9ff54e769d882dc7bd62427c4ab92a80473";
    assert_eq!(lines[0], format!("[build 1/3] FROM {image}@{digest}  cached"));
    assert_eq!(lines[1], "| [build 3/3] ***");
    assert_eq!(steps.bases().get(image).map(String::as_str), Some(digest));
    let failed = steps.failure().expect("a step failed");
    assert_eq!(
        (failed.name.as_str(), failed.tail.as_str()),
        ("[build 3/3] RUN echo ***; false", "***")
    );
    assert_eq!(
        steps.rest().last().map(String::as_str),
        Some("ERROR: failed to solve: exit code: 1")
    );
}

const RAW: &str = r#"{
  "vertexes": [
    {
      "digest": "sha256:aa",
      "name": "[2/2] RUN echo \u003e\u00262",
      "started": "2026-11-28T14:50:07.431567991Z"
    }
  ]
}
{
  "logs": [
    {
      "vertex": "sha256:aa",
      "stream": 1,
      "data": "YWEK",
      "timestamp": "2026-11-28T14:50:08.098755431Z"
    }
  ]
}
{"vertexes":[{"digest":"sha256:aa","name":"[2/2] RUN echo >&2","started":"2026-11-28T14:50:07.4Z","completed":"2026-11-28T14:50:08.9Z"}]}
{"vertexes":[{"digest":"sha256:aa","name":"[2/2] RUN echo >&2","started":"2026-11-28T14:50:07.4Z","completed":"2026-11-28T14:50:08.9Z"}]}
{"vertexes":[{"digest":"sha256:bb","name":"[1/2] FROM x","started":"2026-11-28T14:50:07.4Z","completed":"2026-11-28T14:50:07.4Z","cached":true}]}
{"vertexes":[{"digest":"sha256:cc","name":"[internal] load","started":"2026-11-28T14:50:07Z","completed":"2026-11-28T14:50:08Z"}]}
{"vertexes":[{"digest":"sha256:dd","name":"[3/3] RUN x","started":"2026-11-28T14:50:07Z","completed":"2026-11-28T14:50:08Z","error":"exit code: 1"}]}
Dockerfile:2
--------------------
ERROR: failed to solve: x
"#;

#[test]
fn raw_progress_is_read_on_one_line_and_on_many_and_a_step_ends_once() {
    let (lines, steps) = heard(RawJson::default(), RAW);
    let wanted = ["| [2/2] aa", "[2/2] RUN echo >&2  1.5 s", "[1/2] FROM x  cached"];
    assert_eq!(lines[..3], wanted.map(str::to_owned));
    assert_eq!(steps.failure().map(|failed| failed.reason.as_str()), Some("exit code: 1"));
    assert_eq!(steps.rest(), ["Dockerfile:2", "--------------------", "ERROR: failed to solve: x"]);
}

#[test]
fn what_is_no_message_is_shown_as_it_is() {
    let (lines, _) = heard(RawJson::default(), "{\n  \"vertexes\": 7\n}\nplain\n");
    assert_eq!(lines, ["| {", "|   \"vertexes\": 7", "| }", "| plain"]);
}

const BUILDAH: &str = "[1/2] STEP 1/2: FROM localhost/busybox:1 AS build
[1/2] STEP 2/2: RUN echo hello
hello
[2/2] STEP 1/2: FROM localhost/busybox:1
[2/2] STEP 2/2: RUN false
Error: building at STEP \"RUN false\": exit status 1
";

#[test]
fn steps_of_buildah_end_where_the_next_begins() {
    let (lines, steps) = heard(Buildah::default(), BUILDAH);
    let starts: Vec<&str> = lines
        .iter()
        .map(|line| line.rsplit_once("  ").map_or(line.as_str(), |(text, _)| text))
        .collect();
    assert_eq!(
        starts,
        [
            "[1: 1/2] FROM localhost/busybox:1 AS build",
            "| [1: 2/2] hello",
            "[1: 2/2] RUN echo hello",
            "[2: 1/2] FROM localhost/busybox:1",
            "| Error: building at STEP \"RUN false\": exit status 1",
        ]
    );
    assert_eq!(steps.failure().map(|failed| failed.name.as_str()), Some("[2: 2/2] RUN false"));
}
