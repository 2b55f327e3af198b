//! A shop that is deployed by scripts.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis::model::plan::{CommandPlan, TargetPlan};

use crate::rollout::world::World;

/// Marks a world's folder as one of this target.
pub(crate) const SHOP: &str = "shop";

/// Brings the release in front, and leaves a line about it.
pub(super) const DEPLOYS: &str = "echo \"$PORTCULLIS_DIGEST $PORTCULLIS_COMMIT\" > live.new\nmv live.new live\n";
const OBSERVES: &str = "if [ -e live ]; then cut -d' ' -f1 live; fi\n";

pub(super) struct Shop {
    world: World,
}

impl Deref for Shop {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl DerefMut for Shop {
    fn deref_mut(&mut self) -> &mut World {
        &mut self.world
    }
}

/// Waits in a script, in the background, until the rollout soaks.
pub(super) const UNTIL_IT_SOAKS: &str = "until tail -n 1 state/journal.jsonl | grep -q Soaking; do sleep 0.02; done";
/// For how long a version that never answers well is waited for, where the one that is brought back has to answer within the same time.
pub(super) const SHORT: Duration = Duration::from_secs(5);

/// How it is seen what runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// By `observe`, and no answer names a version.
    Observed,
    /// By what `/version` answers alone.
    Answered,
    Both,
}

impl Shop {
    pub(super) fn new(seen: Seen) -> Self {
        let mut world = World::new();
        fs::write(world.path().join(SHOP), format!("{seen:?}")).unwrap();
        use_commands(&mut world);
        let shop = Self { world };
        shop.script("deploy", DEPLOYS);
        shop.script("rollback", DEPLOYS);
        shop.script("observe", OBSERVES);
        shop.script("stop", "rm -f live\n");
        let listener = TcpListener::bind(shop.listen()).unwrap();
        let path = shop.path().to_owned();
        std::thread::spawn(move || serve(&listener, &path));
        shop
    }

    /// Says what a command does, after it has left a line in `calls`.
    pub(super) fn script(&self, name: &str, text: &str) {
        let path = self.path().join(format!("{name}.sh"));
        let call = "echo \"$PORTCULLIS_OPERATION $PORTCULLIS_COMMIT\" >> calls\n";
        let call = if name == "observe" { "" } else { call };
        let fresh = path.with_extension("new");
        fs::write(&fresh, format!("#!/bin/sh\n{call}{text}")).unwrap();
        crate::support::tools::executable(&fresh);
        fs::rename(fresh, path).unwrap();
    }

    /// The commands that were run: `deploy aaaa`, with the first four digits of the commit.
    pub(super) fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path().join("calls")).unwrap_or_default();
        text.lines()
            .map(|line| {
                let (operation, commit) = line.split_once(' ').unwrap();
                format!("{operation} {}", &commit[..commit.len().min(4)]).trim_end().to_owned()
            })
            .collect()
    }

    pub(super) fn commands(&mut self) -> &mut CommandPlan {
        let TargetPlan::Command(plan) = &mut self.plan.target else {
            panic!("a shop is deployed by commands")
        };
        plan
    }

    /// What serves, as the file says.
    pub(super) fn live_file(&self) -> String {
        fs::read_to_string(self.path().join("live")).unwrap_or_default()
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }
}

/// Makes a world's target the commands in its folder.
pub(crate) fn use_commands(world: &mut World) {
    let root = world.path().to_owned();
    let seen = fs::read_to_string(root.join(SHOP)).unwrap();
    let script = |name: &str| vec![format!("./{name}.sh")];
    world.plan.target = TargetPlan::Command(CommandPlan {
        service: "shop".to_owned(),
        deploy: script("deploy"),
        rollback: script("rollback"),
        observe: (seen != "Answered").then(|| script("observe")),
        stop: Some(script("stop")),
        unpack: false,
        env: BTreeMap::new(),
        pass_env: Vec::new(),
        deploy_limit: Duration::from_secs(60),
        rollback_limit: Duration::from_secs(60),
        observe_limit: Duration::from_secs(30),
        state: root.join("state"),
        root,
    });
    if seen == "Observed" {
        world.plan.health.version = None;
    }
}

/// Answers for whatever the file `live` names; 503 without one, or with a file `sick` whose text it has.
fn serve(listener: &TcpListener, path: &Path) {
    for stream in listener.incoming().map_while(Result::ok) {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        let mut header = String::new();
        if reader.read_line(&mut line).is_err() {
            continue;
        }
        while reader.read_line(&mut header).is_ok_and(|count| count > 2) {
            header.clear();
        }
        let live = fs::read_to_string(path.join("live")).unwrap_or_default();
        let sick = fs::read_to_string(path.join("sick")).is_ok_and(|text| live.contains(text.trim()));
        let commit = live.split_whitespace().nth(1).unwrap_or_default();
        let status = if live.is_empty() || sick { "503 X" } else { "200 X" };
        let body = format!("{{\"commit\":\"{commit}\"}}");
        let answer = format!(
            "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let _ = reader.get_mut().write_all(answer.as_bytes());
        if path.join("ended").exists() {
            return;
        }
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        // The server ends with the next request.
        let _ = fs::write(self.path().join("ended"), "");
        let _ = std::net::TcpStream::connect(self.listen()).map(|mut stream| stream.write_all(b"GET / HTTP/1.1\r\n\r\n"));
    }
}
