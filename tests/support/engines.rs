//! A Docker Engine and a store of podman's and buildah's, each with a state of its own that ends with the test.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::tools;

/// True for root: container engines start with no less here.
pub(crate) fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        println!("skipped: container engines (they need root here)");
    }
    is_root
}

/// Runs a command to its end and gives what it wrote.
pub(crate) fn output(command: &mut Command) -> String {
    let mut output = command.stdin(Stdio::null()).output().unwrap();
    // As buildah says that the kernel would not let it begin.
    if String::from_utf8_lossy(&output.stderr).contains("sealing memfd copy") {
        output = command.output().unwrap();
    }
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Addresses for the networks of one engine. Two that start networks at the same time would take the same ones: each looks at the machine's routes,
/// and neither sees the other's yet.
fn own_addresses() -> String {
    static STARTED: AtomicU32 = AtomicU32::new(0);
    let number = std::process::id()
        .wrapping_mul(41)
        .wrapping_add(STARTED.fetch_add(1, Ordering::Relaxed))
        % 1024;
    format!("base=10.{}.{}.0/20,size=24", 128 + number / 16, number % 16 * 16)
}

/// A Docker Engine that runs. Ends when it is dropped.
pub(crate) struct DockerEngine {
    child: Child,
    folder: tempfile::TempDir,
}

impl DockerEngine {
    /// None, with a printed reason, where it cannot be started.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with("{}")
    }

    /// One whose images are containerd's: what engines since 29 are by default. Such a one can export caches.
    pub(crate) fn start_with_images_in_containerd() -> Option<Self> {
        Self::start_with(r#"{"features": {"containerd-snapshotter": true}, "storage-driver": "overlayfs"}"#)
    }

    fn start_with(configuration: &str) -> Option<Self> {
        let (true, Some(dockerd), Some(_)) = (is_root(), tools::program("dockerd"), tools::program("docker")) else {
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let file = folder.path().join("daemon.json");
        std::fs::write(&file, configuration).unwrap();
        let child = Command::new(dockerd)
            .arg("--config-file")
            .arg(file)
            .arg("--data-root")
            .arg(folder.path().join("data"))
            .arg("--exec-root")
            .arg(folder.path().join("exec"))
            .arg("--pidfile")
            .arg(folder.path().join("pid"))
            .args(["--default-address-pool", &own_addresses()])
            .args(["--bridge=none", "--iptables=false", "--host"])
            .arg(format!("unix://{}", folder.path().join("docker.sock").display()))
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut engine = Self { child, folder };
        let deadline = Instant::now() + Duration::from_secs(180);
        while !engine
            .docker(&["info"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .success()
        {
            if engine.child.try_wait().unwrap().is_some() || Instant::now() > deadline {
                let log = std::fs::read_to_string(engine.folder.path().join("log")).unwrap_or_default();
                println!(
                    "skipped: a Docker Engine (it does not start: {})",
                    log.lines().last().unwrap_or_default()
                );
                return None;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(engine)
    }

    /// `DOCKER_HOST`'s value.
    pub(crate) fn host(&self) -> String {
        format!("unix://{}", self.folder.path().join("docker.sock").display())
    }

    /// The command line of this engine.
    pub(crate) fn docker(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command.args(arguments).env("DOCKER_HOST", self.host());
        command
    }
}

impl Drop for DockerEngine {
    fn drop(&mut self) {
        // It ends its own containerd when it is asked to end, and leaves it when it is killed.
        if let Some(pid) = rustix::process::Pid::from_raw(self.child.id() as i32) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let deadline = Instant::now() + Duration::from_secs(15);
        while Instant::now() < deadline && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Namespaces of overlay networks outlive it.
        let namespaces = std::fs::read_dir(self.folder.path().join("exec/netns"));
        for namespace in namespaces.into_iter().flatten().flatten() {
            let _ = Command::new("umount").arg("--lazy").arg(namespace.path()).output();
        }
    }
}

/// An empty store of podman's and buildah's.
pub(crate) struct Store {
    folder: tempfile::TempDir,
}

impl Store {
    /// None, with a printed reason, where nobody can read or fill it.
    pub(crate) fn new() -> Option<Self> {
        let (true, Some(_), Some(_)) = (is_root(), tools::program("buildah"), tools::program("skopeo")) else {
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let text = format!(
            "[storage]\ndriver = \"vfs\"\ngraphroot = \"{}\"\nrunroot = \"{}\"\n",
            at("graph"),
            at("run")
        );
        std::fs::write(folder.path().join("storage.conf"), text).unwrap();
        Some(Self { folder })
    }

    /// `CONTAINERS_STORAGE_CONF`'s value.
    pub(crate) fn configuration(&self) -> PathBuf {
        self.folder.path().join("storage.conf")
    }

    /// Copies an image into the store.
    pub(crate) fn take(&self, from: &str, name: &str) {
        skopeo_at(Some(self), from, &format!("containers-storage:{name}"), &[]);
    }
}

/// Copies an image from one place to another.
pub(crate) fn skopeo(from: &str, to: &str, options: &[&str]) {
    skopeo_at(None, from, to, options);
}

fn skopeo_at(store: Option<&Store>, from: &str, to: &str, options: &[&str]) {
    let mut command = Command::new("skopeo");
    if let Some(store) = store {
        command.env("CONTAINERS_STORAGE_CONF", store.configuration());
    }
    command
        .args(["--insecure-policy", "copy", "--quiet"])
        .args(options)
        .args([from, to]);
    output(&mut command);
}

/// A file's path as an argument.
pub(crate) fn text(path: &Path) -> String {
    path.display().to_string()
}
