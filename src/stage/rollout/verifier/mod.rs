//! Asking whether a version serves, and which one it is.

mod http;
mod identity;

use std::net::SocketAddr;
use std::time::Instant;

pub(super) use identity::Identity;

use crate::io::Effects;
use crate::io::process::Program;
use crate::model::health::{Answered, Sample};
use crate::model::plan::{HealthPlan, ProbePlan, VersionAssertion};

/// Which door is knocked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// The public one.
    Front,
    /// An instance's own.
    Instance(SocketAddr),
}

/// Asks, always over a fresh connection.
pub(super) struct Verifier<'a> {
    pub(super) plan: &'a HealthPlan,
    pub(super) new: Identity,
    pub(super) old: Option<Identity>,
    /// The front door's `http://host:port` for a version path, where the probe itself has no URL.
    pub(super) base: String,
    pub(super) effects: &'a Effects,
}

/// What one look gave, before it is judged.
struct Look {
    status: Option<u16>,
    names: Option<String>,
    trouble: Option<String>,
}

impl Look {
    fn bad(trouble: impl Into<String>) -> Self {
        Self {
            status: None,
            names: None,
            trouble: Some(trouble.into()),
        }
    }
}

impl Verifier<'_> {
    /// True when the sample counts as a success: healthy, and given by the new version where versions can be told apart.
    pub(super) fn counts(&self, sample: &Sample) -> bool {
        sample.healthy && (self.plan.version.is_none() || sample.answered == Answered::New)
    }

    /// One probe.
    pub(super) async fn probe(&self, door: Door) -> Sample {
        let at = self.effects.clock.now();
        let begun = Instant::now();
        let mut look = match &self.plan.probe {
            ProbePlan::Http { url, status, json } => self.look_http(door, url, *status, json.as_ref()).await,
            ProbePlan::Tcp { address } => self.look_tcp(door, address).await,
            ProbePlan::Command { argv } => self.look_command(door, argv).await,
        };
        let latency_ms = begun.elapsed().as_secs_f64() * 1000.0;
        let healthy = look.trouble.is_none();
        if let Some(VersionAssertion::Path(path)) = &self.plan.version
            && healthy
        {
            match self.version_at(door, path).await {
                Ok(text) => look.names = Some(text),
                Err(trouble) => look.trouble = Some(format!("{path}: {trouble}")),
            }
        }
        let answered = look.names.as_deref().map_or(Answered::Unknown, |text| self.which(text));
        let error = look.trouble.or_else(|| self.disappointment(answered, look.names.as_deref()));
        Sample {
            at,
            via: match door {
                Door::Front => "front door".to_owned(),
                Door::Instance(address) => address.to_string(),
            },
            healthy,
            answered,
            status: look.status,
            latency_ms: (latency_ms * 1000.0).round() / 1000.0,
            error,
        }
    }

    fn which(&self, text: &str) -> Answered {
        identity::which(text, &self.new, self.old.as_ref())
    }

    fn disappointment(&self, answered: Answered, names: Option<&str>) -> Option<String> {
        self.plan.version.as_ref()?;
        match answered {
            Answered::New => None,
            Answered::Old => Some("the version before answered".to_owned()),
            Answered::Unknown => Some(match names {
                None => "the answer names no version".to_owned(),
                Some(text) => format!(
                    "the answer names neither version: `{}`",
                    text.chars().filter(|c| !c.is_control()).take(80).collect::<String>()
                ),
            }),
        }
    }

    async fn look_http(&self, door: Door, url: &str, status: u16, json: Option<&(String, String)>) -> Look {
        let answer = match http::get(url, instance(door), self.plan.timeout).await {
            Ok(answer) => answer,
            Err(trouble) => return Look::bad(trouble),
        };
        let names = match &self.plan.version {
            Some(VersionAssertion::Header(name)) => answer.header(name),
            Some(VersionAssertion::Path(_)) | None => None,
        };
        let trouble = if answer.status == status {
            json.and_then(|(pointer, wanted)| unlike(&answer.body, pointer, wanted))
        } else {
            Some(format!("status {} instead of {status}", answer.status))
        };
        Look {
            status: Some(answer.status),
            names,
            trouble,
        }
    }

    async fn version_at(&self, door: Door, path: &str) -> Result<String, String> {
        let base = match &self.plan.probe {
            ProbePlan::Http { url, .. } => http::origin(url).ok_or_else(|| format!("`{url}` is no URL"))?,
            ProbePlan::Tcp { .. } | ProbePlan::Command { .. } => self.base.clone(),
        };
        let answer = http::get(&format!("{base}{path}"), instance(door), self.plan.timeout).await?;
        if answer.status == 200 {
            Ok(String::from_utf8_lossy(&answer.body).into_owned())
        } else {
            Err(format!("status {}", answer.status))
        }
    }

    async fn look_tcp(&self, door: Door, address: &str) -> Look {
        let address = instance(door).map_or_else(|| address.to_owned(), |address| address.to_string());
        match tokio::time::timeout(self.plan.timeout, tokio::net::TcpStream::connect(&address)).await {
            Ok(Ok(_)) => Look {
                status: None,
                names: None,
                trouble: None,
            },
            Ok(Err(error)) => Look::bad(format!("{address}: {error}")),
            Err(_) => Look::bad(format!("{address}: no connection within {} ms", self.plan.timeout.as_millis())),
        }
    }

    async fn look_command(&self, door: Door, argv: &[String]) -> Look {
        let Some((program, args)) = argv.split_first() else {
            return Look::bad("the command is empty");
        };
        let address = instance(door).map_or_else(|| self.base.trim_start_matches("http://").to_owned(), |a| a.to_string());
        let program = Program::new(program)
            .args(args)
            .env("PORTCULLIS_ADDRESS", address)
            .env("PORTCULLIS_DIGEST", self.new.digest.to_string())
            .env("PORTCULLIS_COMMIT", self.new.commit.clone().unwrap_or_default());
        let trouble = match program.status_within(self.plan.timeout).await {
            Ok(Some(status)) if status.success() => None,
            Ok(Some(status)) => Some(status.to_string()),
            Ok(None) => Some(format!("no end within {} ms", self.plan.timeout.as_millis())),
            Err(error) => Some(error.to_string()),
        };
        Look {
            status: None,
            names: None,
            trouble,
        }
    }
}

const fn instance(door: Door) -> Option<SocketAddr> {
    match door {
        Door::Front => None,
        Door::Instance(address) => Some(address),
    }
}

/// What is wrong with the value at a JSON pointer.
fn unlike(body: &[u8], pointer: &str, wanted: &str) -> Option<String> {
    let Ok(document) = serde_json::from_slice::<serde_json::Value>(body) else {
        return Some("the answer is no JSON".to_owned());
    };
    let found = match document.pointer(pointer) {
        None => return Some(format!("the answer has nothing at `{pointer}`")),
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    (found != wanted).then(|| {
        format!(
            "`{pointer}` is `{}` instead of `{wanted}`",
            found.chars().filter(|c| !c.is_control()).take(80).collect::<String>()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_pointer_must_have_the_value() {
        let body = br#"{"status":"ok","checks":{"db":true}}"#;
        assert_eq!(unlike(body, "/status", "ok"), None);
        assert_eq!(unlike(body, "/checks/db", "true"), None);
        assert!(unlike(body, "/status", "up").is_some());
        assert!(unlike(body, "/nothing", "up").is_some());
        assert!(unlike(b"<html>", "/status", "ok").is_some());
    }
}
