//! A service in a cluster: a static program in images of a registry on loopback, behind a NodePort.

use std::fs;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use portcullis::model::plan::{KubernetesPlan, ProbePlan, TargetPlan, WorkloadKind};
use portcullis::stage::publish::Attested;
use serde_json::json;

use super::cluster::Cluster;
use crate::rollout::contained;
use crate::rollout::world::{LONG, World};
use crate::support::registry::RunningRegistry;

/// A file of a world that is in a cluster: kubeconfig, kind, name, port.
pub(crate) const MARK: &str = "kubernetes.txt";

pub(super) struct Shop<'a> {
    world: World,
    pub(super) cluster: &'a Cluster,
    registry: &'a RunningRegistry,
    pub(super) name: String,
    pub(super) kind: &'static str,
}

impl Deref for Shop<'_> {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl DerefMut for Shop<'_> {
    fn deref_mut(&mut self) -> &mut World {
        &mut self.world
    }
}

impl<'a> Shop<'a> {
    /// A workload of two pods that runs release `a`, which nobody here has brought there.
    pub(super) fn new(cluster: &'a Cluster, registry: &'a RunningRegistry, kind: &'static str, port: u16) -> Self {
        let mut world = World::new();
        let name = format!("shop-{port}");
        let mark = format!("{}\n{kind}\n{name}\n{port}\n", cluster.kubeconfig().display());
        fs::write(world.path().join(MARK), mark).unwrap();
        fs::write(world.path().join("repository"), format!("{}/{name}", registry.address)).unwrap();
        use_kubernetes(&mut world);
        let shop = Self {
            world,
            cluster,
            registry,
            name,
            kind,
        };
        let first = shop.image('a', false);
        let image = format!("{}/{}@{}", registry.address, shop.name, first.digest());
        let labels = json!({"app": shop.name});
        let probe = json!({"httpGet": {"path": "/readyz", "port": 8080}, "periodSeconds": 1});
        let container = json!({"name": "shop", "image": image, "env": [{"name": "COLOUR", "value": "blue"}], "readinessProbe": probe,
            // Until the node sends it nothing any more: it ends at once afterwards.
            "lifecycle": {"preStop": {"sleep": {"seconds": 3}}}});
        let mut spec = json!({
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container], "terminationGracePeriodSeconds": 5}},
        });
        if kind == "statefulset" {
            spec["serviceName"] = shop.name.clone().into();
        }
        cluster.apply(&json!({"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "apps/v1", "kind": if kind == "statefulset" { "StatefulSet" } else { "Deployment" },
             "metadata": {"name": shop.name}, "spec": spec},
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": shop.name},
             "spec": {"type": "NodePort", "selector": labels, "ports": [{"port": 8080, "nodePort": port}]}},
        ]}));
        cluster.kubectl(&["rollout", "status", &shop.workload(), "--timeout=180s"]);
        shop
    }

    pub(super) fn workload(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }

    pub(super) fn repository(&self) -> String {
        self.registry.repository(&self.name)
    }

    /// An image in the registry.
    pub(super) fn image(&self, letter: char, crashes: bool) -> Attested {
        let config = if crashes { json!({"Env": ["EXITS=3"]}) } else { json!({}) };
        contained::released(&self.world, &self.repository(), letter, &config)
    }

    /// Until no pod is left that is ending: requests may still reach one.
    pub(super) async fn await_old_pods_gone(&self) {
        let label = format!("app={}", self.name);
        let count = || self.cluster.kubectl(&["get", "pods", "-l", &label, "-o", "name"]).lines().count();
        let begun = std::time::Instant::now();
        while count() > 2 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            assert!(begun.elapsed() < Duration::from_secs(25), "old pods do not end");
        }
    }

    /// Makes the container of one pod end, by the pod's own address: by the Service's it could be one that ends anyway.
    pub(super) fn end_one_pod(&self) {
        let label = format!("app={}", self.name);
        let address = self
            .cluster
            .kubectl(&["get", "pods", "-l", &label, "-o", "jsonpath={.items[0].status.podIP}"]);
        let status = Command::new("curl")
            .args(["-s", &format!("http://{}:8080/exit?3", address.trim())])
            .status()
            .unwrap();
        assert!([0, 52, 56].contains(&status.code().unwrap()), "it was not reached: {status}");
    }

    pub(super) fn target(&mut self) -> &mut KubernetesPlan {
        let TargetPlan::Kubernetes(plan) = &mut self.world.plan.target else {
            panic!("it is in a cluster")
        };
        plan
    }
}

/// Makes a world's target the workload that its mark names.
pub(crate) fn use_kubernetes(world: &mut World) {
    let text = fs::read_to_string(world.path().join(MARK)).unwrap();
    let [kubeconfig, kind, name, port] = text.lines().collect::<Vec<_>>()[..] else {
        panic!("{text}")
    };
    world.plan.target = TargetPlan::Kubernetes(KubernetesPlan {
        kind: if kind == "statefulset" {
            WorkloadKind::StatefulSet
        } else {
            WorkloadKind::Deployment
        },
        workload: name.to_owned(),
        namespace: None,
        context: None,
        kubeconfig: Some(Path::new(kubeconfig).to_owned()),
        container: None,
        deploy_limit: Duration::from_secs(120),
        rollback_limit: Duration::from_secs(120),
        state: world.state(),
    });
    world.plan.health.probe = ProbePlan::Http {
        url: format!("http://127.0.0.1:{port}/version"),
        status: 200,
        json: None,
    };
    world.plan.health.version = None;
    world.plan.health.interval = Duration::from_millis(100);
    world.plan.health.deadline = LONG;
}
