//! A cluster that runs as long as it is held.

use std::path::PathBuf;
use std::process::Command;

use crate::support::tools;

pub(super) struct Cluster {
    dir: tempfile::TempDir,
}

fn script() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/support/kubernetes/cluster")
}

impl Cluster {
    /// `None`, with a printed reason, where it cannot be had.
    pub(super) fn start() -> Option<Self> {
        for name in ["etcd", "containerd", "runc", "kubectl", "iptables", "cc", "skopeo"] {
            tools::program(name)?;
        }
        let bin = tools::file("kubernetes/kube")?;
        let cluster = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        let status = Command::new(script())
            .arg("up")
            .arg(cluster.dir.path())
            .arg(bin.parent().unwrap())
            .status();
        assert!(status.unwrap().success(), "the cluster did not come up");
        Some(cluster)
    }

    pub(super) fn kubeconfig(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join("admin.kubeconfig")
    }

    /// Sends a signal to one of the cluster's own programs.
    pub(super) fn signal(&self, program: &str, signal: &str) {
        let pid = std::fs::read_to_string(self.dir.path().join("run").join(program)).unwrap();
        let status = Command::new("kill").args([signal, pid.trim()]).status().unwrap();
        assert!(status.success(), "{program} {signal}");
    }

    pub(super) fn kubectl(&self, args: &[&str]) -> String {
        let output = Command::new("kubectl")
            .arg("--kubeconfig")
            .arg(self.kubeconfig())
            .args(args)
            .output()
            .unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub(super) fn apply(&self, objects: &serde_json::Value) {
        let file = self.dir.path().join("apply.json");
        std::fs::write(&file, objects.to_string()).unwrap();
        self.kubectl(&["apply", "-f", file.to_str().unwrap()]);
    }

    pub(super) fn template(&self, workload: &str) -> serde_json::Value {
        let text = self.kubectl(&["get", workload, "-o", "json"]);
        serde_json::from_str::<serde_json::Value>(&text).unwrap()["spec"]["template"].clone()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = Command::new(script()).arg("down").arg(self.dir.path()).status();
    }
}
