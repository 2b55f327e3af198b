//! The instances of a run: made from its specification, started, waited for.

use crate::model::error_chain::chain;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::containers::{Container, Containers};
use super::copied;
use super::health::{self, EngineHealth};
use super::rendered::Rendered;
use super::spec::Spec;
use crate::io::Effects;
use crate::model::excused::Excused as _;
use crate::stage::rollout::release::{Deployed, FOREIGN};
use crate::stage::rollout::target::TargetError;

const NUMBER: &str = "com.docker.compose.container-number";
const LOOK: Duration = Duration::from_millis(100);

/// Makes and starts what is missing of a run. `revive`: an instance that has ended was stopped from here, and is started again.
pub(super) async fn ensure(containers: &Containers, spec: &Spec, revive: bool) -> Result<Vec<Container>, TargetError> {
    let run = &spec.deployed.run;
    let all = containers.all().await?;
    let have = all.iter().filter(|container| container.run() == run).count();
    let number = |container: &Container| {
        container
            .labels
            .get(NUMBER)
            .and_then(|text| text.parse().or_none("a number that is none counts for nothing"))
    };
    let next: u64 = all.iter().filter_map(number).max().unwrap_or(0) + 1;
    let missing = spec.replicas.saturating_sub(have);
    for (name, number) in free_names(containers, spec, &all).take(missing).zip(next..) {
        let mut body = spec.body.clone();
        if let Some(labels) = body.get_mut("Labels").and_then(Value::as_object_mut) {
            labels.insert(NUMBER.to_owned(), Value::from(number.to_string()));
        }
        containers.create(&name, &body).await?;
    }
    let ours: Vec<Container> = containers
        .all()
        .await?
        .into_iter()
        .filter(|container| container.run() == run)
        .collect();
    if ours.len() != spec.replicas {
        return Err(TargetError::Failed(format!(
            "{} instances of run {run} are there, and {} should be",
            ours.len(),
            spec.replicas
        )));
    }
    for container in &ours {
        match container.state.as_str() {
            "running" | "restarting" => {}
            "created" => {
                containers.put(container, &spec.copied).await?;
                containers.start(container).await?;
            }
            _ if revive => containers.start(container).await?,
            _ => return Err(TargetError::Failed(ended(containers, &container.id).await)),
        }
    }
    running(containers, run).await
}

/// A name for each instance, the same ones each time: two runs of this cannot make one twice.
fn free_names<'a>(containers: &Containers, spec: &'a Spec, all: &[Container]) -> impl Iterator<Item = String> + use<'a> {
    let taken: Vec<String> = all.iter().map(|container| container.name.clone()).collect();
    let prefix = format!("{}-{}-{}", containers.project, containers.service, spec.deployed.run);
    let fixed = spec.name.clone();
    let numbered = (1..=spec.replicas).map(move |number| format!("{prefix}-{number}"));
    fixed.into_iter().chain(numbered).filter(move |name| !taken.contains(name))
}

pub(super) async fn running(containers: &Containers, run: &str) -> Result<Vec<Container>, TargetError> {
    let all = containers.all().await?;
    Ok(all
        .into_iter()
        .filter(|container| container.run() == run && container.is_running())
        .collect())
}

/// Until the engine says that each is healthy, where there is a check.
pub(super) async fn await_healthy(
    containers: &Containers,
    ours: &[Container],
    limit: Duration,
    effects: &Effects,
) -> Result<(), TargetError> {
    let begun = Instant::now();
    for container in ours {
        loop {
            if effects.is_cancelled() {
                return Err(TargetError::Cancelled);
            }
            let gone = || TargetError::Failed(format!("{} was removed by somebody else", container.name));
            let seen = containers.inspect(&container.id).await?.ok_or_else(gone)?;
            if seen.pointer("/State/Running").and_then(Value::as_bool) != Some(true) || restarts(&seen) > 0 {
                return Err(TargetError::Failed(ended(containers, &container.id).await));
            }
            match health::of(&seen) {
                EngineHealth::Unchecked | EngineHealth::Healthy => break,
                EngineHealth::CannotRun(output) => {
                    return Err(TargetError::Failed(format!("the health check cannot run in this image: {output}")));
                }
                EngineHealth::Unhealthy(output) => {
                    return Err(TargetError::Failed(format!(
                        "the engine says that {} is unhealthy: {output}",
                        container.name
                    )));
                }
                EngineHealth::Starting => {}
            }
            let own = seen.get("Config").and_then(health::budget).unwrap_or(Duration::MAX);
            let waited = begun.elapsed();
            if waited >= limit {
                return Err(still_starting(container, "rollout.waits.stage", limit));
            }
            if waited >= own {
                return Err(still_starting(container, "the health check's own start period and retries", own));
            }
            tokio::time::sleep(LOOK).await;
        }
    }
    Ok(())
}

fn still_starting(container: &Container, clock: &str, limit: Duration) -> TargetError {
    TargetError::Failed(format!(
        "the engine's health check of {} still says `starting` after {} s: {clock} ran out",
        container.name,
        limit.as_secs_f64()
    ))
}

pub(super) fn restarts(seen: &Value) -> u64 {
    seen.get("RestartCount").and_then(Value::as_u64).unwrap_or(0)
}

/// Until each address takes a connection.
pub(super) async fn await_listening(
    containers: &Containers,
    run: &str,
    addresses: &[SocketAddr],
    wait: Duration,
) -> Result<(), TargetError> {
    let end = Instant::now() + wait;
    for address in addresses {
        loop {
            let tried = tokio::time::timeout(Duration::from_secs(1), tokio::net::TcpStream::connect(address)).await;
            if matches!(tried, Ok(Ok(_))) {
                break;
            }
            if running(containers, run).await?.is_empty() {
                return Err(TargetError::Failed(why_none_runs(containers, run).await?));
            }
            if Instant::now() >= end {
                return Err(TargetError::Failed(format!("{address} does not listen")));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    Ok(())
}

/// Why no instance of a run runs: the last words of the first that is there.
pub(super) async fn why_none_runs(containers: &Containers, run: &str) -> Result<String, TargetError> {
    let all = containers.all().await?;
    Ok(match all.iter().find(|container| container.run() == run) {
        Some(container) => ended(containers, &container.id).await,
        None => format!("no instance of run {run} runs any more"),
    })
}

/// Why an instance does not run, with its last words.
pub(super) async fn ended(containers: &Containers, id: &str) -> String {
    let seen = match containers.inspect(id).await {
        Ok(Some(seen)) => seen,
        Ok(None) => return "the instance was removed by somebody else".to_owned(),
        Err(error) => return format!("the instance does not run, and cannot be looked at: {}", chain(&error)),
    };
    let name = seen
        .get("Name")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .trim_start_matches('/')
        .to_owned();
    let state = |field: &str| seen.pointer(&format!("/State/{field}")).cloned().unwrap_or(Value::Null);
    let memory = if state("OOMKilled") == Value::Bool(true) {
        " (out of memory)"
    } else {
        ""
    };
    let how = match restarts(&seen) {
        0 => format!("ended with {}", state("ExitCode")),
        many => format!(
            "keeps ending and was started again {many} times, the last time after {}",
            state("ExitCode")
        ),
    };
    format!("{name} {how}{memory}; its last lines: {}", containers.last_words(id).await)
}

/// Stops and removes every container but those of `keep`.
pub(super) async fn retire(containers: &Containers, keep: Option<&str>, wait: Duration) -> Result<Vec<String>, TargetError> {
    let all = containers.all().await?;
    let others: Vec<&Container> = all.iter().filter(|container| Some(container.run()) != keep).collect();
    futures_util::future::try_join_all(others.iter().map(|container| async {
        if container.state != "created" {
            containers.stop(container, wait).await?;
        }
        containers.remove(container).await
    }))
    .await?;
    let mut runs: Vec<String> = others.iter().map(|container| container.run().to_owned()).collect();
    runs.sort();
    runs.dedup();
    Ok(runs)
}

/// A specification of what somebody else has started, from what runs.
pub(super) async fn adopted(
    containers: &Containers,
    foreign: &[Container],
    deployed: &Deployed,
    port: u16,
    rendered: &Rendered,
) -> Result<Option<Spec>, TargetError> {
    let Some(first) = foreign.first() else { return Ok(None) };
    let Some(seen) = containers.inspect(&first.id).await? else {
        return Ok(None);
    };
    let body = super::template::body(&seen, &[&first.name], &containers.service)?;
    let alone = rendered.alone.is_some();
    let mut copied = Vec::new();
    for target in copied::targets(&rendered.service, &rendered.document) {
        copied.extend(containers.take(first, &target).await?);
    }
    Ok(Some(Spec {
        schema: "portcullis/compose-spec/v1".to_owned(),
        deployed: Deployed {
            run: FOREIGN.to_owned(),
            ..deployed.clone()
        },
        image_id: first.image_id.clone(),
        hash: None,
        replicas: foreign.len(),
        port,
        alone,
        name: alone.then(|| first.name.clone()),
        body,
        copied,
    }))
}
