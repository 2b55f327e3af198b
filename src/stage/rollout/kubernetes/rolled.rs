//! Waiting until the cluster's controller has replaced the pods, and saying why it does not.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::api::Cluster;
use super::pods::{self, Trouble};
use super::workload::{Workload, run_of};
use crate::model::excused::Excused as _;
use crate::model::visible::shortened;
use crate::stage::rollout::limit::Limit;
use crate::stage::rollout::query::encoded;

/// Lines of a log that are told.
const LINES: usize = 5;
pub(super) const LOOK: Duration = Duration::from_millis(400);

/// How long a pull may fail for a reason that may pass: the node tries again after ten seconds, and once more after twenty.
const PATIENCE: Duration = Duration::from_secs(40);

/// Since when pulls fail that may work later, by pod.
#[derive(Default)]
pub(super) struct Failing(BTreeMap<String, Instant>);

impl Failing {
    /// The new pod that will not come up, where there is one.
    pub(super) fn hopeless(&mut self, workload: &Workload, pods: &[Value]) -> Option<Trouble> {
        let troubles: Vec<Trouble> = new_pods(workload, pods).filter_map(pods::trouble).collect();
        self.0.retain(|pod, _| troubles.iter().any(|trouble| trouble.pod == *pod));
        troubles.into_iter().find(|trouble| {
            let since = self.0.entry(trouble.pod.clone()).or_insert_with(Instant::now);
            !trouble.may_pass || since.elapsed() >= PATIENCE
        })
    }
}

/// How often each new pod's containers were started again.
pub(super) fn restarts(workload: &Workload, pods: &[Value]) -> BTreeMap<String, u64> {
    new_pods(workload, pods)
        .map(|pod| (pods::name(pod).to_owned(), pods::restarts(pod)))
        .collect()
}

/// What has gone wrong with a new pod since it came up.
pub(super) fn fell(workload: &Workload, pods: &[Value], before: &BTreeMap<String, u64>) -> Option<String> {
    new_pods(workload, pods).find_map(|pod| {
        let name = pods::name(pod);
        if let Some(trouble) = pods::trouble(pod).filter(|trouble| !trouble.may_pass) {
            return Some(format!("pod {name}: {}", trouble.said));
        }
        let (now, then) = (pods::restarts(pod), before.get(name)?);
        (now > *then).then(|| format!("a container of pod {name} ended and was started again"))
    })
}

/// What is said when the time is over.
pub(super) fn late(workload: &Workload, pods: &[Value], limit: &Limit) -> String {
    let what = workload.pending().unwrap_or_else(|| "it is not done".to_owned());
    let nowhere = new_pods(workload, pods).find_map(pods::unscheduled);
    let nowhere = nowhere.map_or_else(String::new, |said| format!("; {said}"));
    let conditions = workload.whole["status"]["conditions"].as_array();
    let refused = conditions
        .into_iter()
        .flatten()
        .find(|one| one["type"] == "ReplicaFailure" && one["status"] == "True")
        .map_or_else(String::new, |one| {
            format!("; {}", shortened(one["message"].as_str().unwrap_or(""), 300))
        });
    format!(
        "the new pods did not take over within {} s [rollout.{}]: {what}{nowhere}{refused}",
        limit.length.as_secs_f64(),
        limit.setting
    )
}

fn new_pods<'a>(workload: &Workload, pods: &'a [Value]) -> impl Iterator<Item = &'a Value> {
    let run = workload.run().to_owned();
    pods.iter()
        .filter(move |pod| run_of(&pod["metadata"]) == run && !pods::is_ending(pod))
}

/// A pod that does not come up, with its last lines and what the cluster says of it.
pub(super) async fn post_mortem(cluster: &Cluster, trouble: &Trouble) -> String {
    let mut said = format!("pod {} does not come up: {}", trouble.pod, trouble.said);
    let base = format!("/api/v1/namespaces/{}", cluster.namespace);
    for previous in ["true", "false"] {
        let path = format!(
            "{base}/pods/{}/log?container={}&tailLines={LINES}&previous={previous}",
            trouble.pod,
            encoded(&trouble.container)
        );
        let log = cluster.text(&path).await.or_none("a container that never ran has no log");
        let lines: Vec<String> = log
            .iter()
            .flat_map(|text| text.lines())
            .filter(|line| !line.trim().is_empty())
            .map(|line| shortened(line, 200))
            .collect();
        if !lines.is_empty() {
            said.push_str(&format!("; its last lines: {}", lines.join(" | ")));
            break;
        }
    }
    let field = encoded(&format!("involvedObject.name={},type=Warning", trouble.pod));
    let events = cluster.get(&format!("{base}/events?fieldSelector={field}&limit=20")).await;
    // What the pod says of itself is told already; events are more of it.
    if let Ok(events) = events {
        let told = events["items"].as_array().into_iter().flatten().rev().take(2);
        for event in told {
            let text = |name: &str| shortened(event[name].as_str().unwrap_or(""), 200);
            said.push_str(&format!("; event {}: {}", text("reason"), text("message")));
        }
    }
    said
}
