//! The lease as a Lease of the cluster, beside the workload.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::api::{ApiError, Cluster};
use crate::stage::rollout::lease::{Kept, LEASE, LeaseStore, Record, micro, time};

#[derive(Clone)]
pub(super) struct ClusterLease {
    pub(super) cluster: Cluster,
    pub(super) name: String,
}

impl ClusterLease {
    fn path(&self, name: &str) -> String {
        format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases{name}", self.cluster.namespace)
    }
}

impl LeaseStore for ClusterLease {
    type Error = ApiError;

    fn name(&self) -> &str {
        &self.name
    }

    fn frees(&self) -> String {
        format!("kubectl delete lease -n {} {}", self.cluster.namespace, self.name)
    }

    async fn read(&self) -> Result<Option<Kept>, ApiError> {
        let object = match self.cluster.get(&self.path(&format!("/{}", self.name))).await {
            Ok(object) => object,
            Err(error) if error.code() == Some(404) => return Ok(None),
            Err(error) => return Err(error),
        };
        let spec = &object["spec"];
        Ok(Some(Kept {
            record: Record {
                holder: spec["holderIdentity"].as_str().unwrap_or("").to_owned(),
                acquired: time(spec["acquireTime"].as_str()),
                renewed: time(spec["renewTime"].as_str()),
                changes: spec["leaseTransitions"].as_i64().unwrap_or(0),
            },
            version: object["metadata"]["resourceVersion"].as_str().unwrap_or("").to_owned(),
            object,
        }))
    }

    async fn write(&self, record: &Record, over: Option<&Kept>) -> Result<bool, ApiError> {
        let at = |time: Option<Timestamp>| time.map_or(Value::Null, |time| micro(time).into());
        let spec = json!({
            "holderIdentity": if record.holder.is_empty() { Value::Null } else { record.holder.clone().into() },
            "leaseDurationSeconds": LEASE.as_secs(),
            "acquireTime": at(record.acquired),
            "renewTime": at(record.renewed),
            "leaseTransitions": record.changes,
        });
        let written = match over {
            Some(kept) => {
                let mut object = kept.object.clone();
                object["spec"] = spec;
                self.cluster.put(&self.path(&format!("/{}", self.name)), &object).await
            }
            None => {
                let fresh = json!({
                    "apiVersion": "coordination.k8s.io/v1",
                    "kind": "Lease",
                    "metadata": {"name": self.name},
                    "spec": spec,
                });
                self.cluster.post(&self.path(""), &fresh).await
            }
        };
        match written {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some(409) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
