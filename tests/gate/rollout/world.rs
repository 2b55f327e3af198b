//! A service in a folder of its own: images, plan, front door. Whatever runs in it ends with it.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use portcullis::io::Effects;
use portcullis::io::daemon::{self, Signal};
use portcullis::io::oci_layout::OciLayout;
use portcullis::model::digest::Digest;
use portcullis::model::image::{Descriptor, media_type};
use portcullis::model::image_ref::ImageRef;
use portcullis::model::outcome::RolloutReport;
use portcullis::model::plan::{HealthPlan, ProbePlan, ProcessPlan, Protocol, RolloutPlan, TargetPlan, VersionAssertion, Waits};
use portcullis::stage::publish::Attested;
use portcullis::stage::rollout::{self, RolloutStatus};
use serde_json::{Value, json};

use super::service::Behaviour;
use crate::support::ports::free_address;

pub(crate) struct World {
    dir: Option<tempfile::TempDir>,
    path: PathBuf,
    pub(crate) plan: RolloutPlan,
}

impl World {
    /// A service that nobody has deployed yet.
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().canonicalize().unwrap();
        let listen = free_address();
        fs::write(path.join("listen"), listen.to_string()).unwrap();
        let mut world = Self::at(&path);
        world.dir = Some(dir);
        world
    }

    /// The same service, seen from another process.
    pub(crate) fn at(path: &Path) -> Self {
        let listen: SocketAddr = fs::read_to_string(path.join("listen")).unwrap().parse().unwrap();
        let plan = RolloutPlan {
            service: "shop".to_owned(),
            target: TargetPlan::Process(ProcessPlan {
                program: env!("CARGO_BIN_EXE_portcullis").into(),
                listen,
                protocol: Protocol::Http,
                env: BTreeMap::new(),
                state: path.join("state"),
                access_log: None,
            }),
            health: HealthPlan {
                probe: ProbePlan::Http {
                    url: format!("http://{listen}/readyz"),
                    status: 200,
                    json: None,
                },
                version: Some(VersionAssertion::Path("/version".to_owned())),
                interval: Duration::from_millis(25),
                timeout: Duration::from_secs(10),
                successes: 3,
                deadline: Duration::from_secs(60),
                soak: Duration::from_millis(300),
                max_error_rate: 0.0,
                max_p95_ms: None,
            },
            waits: Waits {
                stage: Duration::from_secs(60),
                drain: Duration::from_secs(20),
                stop: Duration::from_secs(2),
                lock: Duration::ZERO,
            },
            canary: None,
            unverified: None,
            again: None,
            without_way_back: false,
            dry_run: false,
        };
        let mut world = Self {
            dir: None,
            path: path.to_owned(),
            plan,
        };
        super::canary::use_canary(&mut world);
        if path.join(super::command::SHOP).exists() {
            super::command::use_commands(&mut world);
        }
        if path.join(super::compose::MARK).exists() {
            super::compose::use_compose(&mut world);
        }
        if path.join(super::swarm::MARK).exists() {
            super::swarm::use_swarm(&mut world);
        }
        #[cfg(feature = "kubernetes")]
        if path.join(super::kubernetes::MARK).exists() {
            super::kubernetes::use_kubernetes(&mut world);
        }
        world
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.path.join("state")
    }

    pub(crate) fn listen(&self) -> SocketAddr {
        fs::read_to_string(self.path.join("listen")).unwrap().parse().unwrap()
    }

    /// Has the switch carry connections of a protocol that it does not read.
    pub(crate) fn speaks_tcp(&mut self) {
        let address = self.listen().to_string();
        let TargetPlan::Process(plan) = &mut self.plan.target else {
            panic!()
        };
        plan.protocol = Protocol::Tcp;
        self.plan.health.probe = ProbePlan::Tcp { address };
    }

    pub(crate) fn effects(&self) -> Effects {
        let mut effects = Effects::plain(self.path.join("cache"));
        let docker = self.path.join("docker");
        if docker.exists() {
            effects.logins = std::sync::Arc::new(portcullis::io::registry::Logins::docker(docker));
        }
        effects
    }

    /// An image of a release whose commit is one letter, forty times.
    pub(crate) fn release(&self, letter: char, behaviour: Behaviour) -> Attested {
        let behaviour = Behaviour {
            commit: behaviour.commit.or_else(|| Some(commit(letter))),
            ..behaviour
        };
        let trap = if behaviour.ignores_term { "trap '' TERM\n" } else { "" };
        let script = format!(
            "#!/bin/sh\n{trap}PORTCULLIS_TEST_ROLE=service exec '{}' --exact rollout::roles::act --nocapture\n",
            std::env::current_exe().unwrap().display()
        );
        let files = [
            ("service", 0o755, script.into_bytes()),
            ("behaviour.json", 0o644, serde_json::to_vec(&behaviour).unwrap()),
        ];
        self.pack(letter, &files)
    }

    /// An image of files, whose commit is one letter, forty times.
    pub(crate) fn pack(&self, letter: char, files: &[(&str, u32, Vec<u8>)]) -> Attested {
        self.pack_configured(letter, files, &json!({}))
    }

    /// The same with more for the image's configuration; an image of a letter that was used before replaces it.
    pub(crate) fn pack_configured(&self, letter: char, files: &[(&str, u32, Vec<u8>)], more: &Value) -> Attested {
        let folder = self.path.join(format!("image-{letter}"));
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        let layout = OciLayout::create(folder).unwrap();
        let mut tar = tar::Builder::new(Vec::new());
        for (name, mode, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_mode(*mode);
            header.set_size(content.len() as u64);
            tar.append_data(&mut header, name, content.as_slice()).unwrap();
        }
        let blob = |media: &str, bytes: &[u8]| Descriptor::new(media, layout.write_blob(bytes).unwrap(), bytes.len() as u64);
        let layer = blob(media_type::OCI_LAYER, &tar.into_inner().unwrap());
        let mut config = json!({"Entrypoint": ["/service"], "Labels": {"org.opencontainers.image.revision": commit(letter)}});
        for (name, value) in more.as_object().unwrap() {
            config[name] = value.clone();
        }
        let config = json!({
            "os": "linux",
            "architecture": if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" },
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [layer.digest]},
        });
        let config = blob(media_type::OCI_CONFIG, config.to_string().as_bytes());
        let manifest = json!({"schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": [layer]});
        let manifest = blob(media_type::OCI_MANIFEST, manifest.to_string().as_bytes());
        layout.put(&manifest, None).unwrap();
        fs::write(layout.dir().join("digest"), manifest.digest.to_string()).unwrap();
        self.opened(letter)
    }

    /// A release that was packed before.
    pub(crate) fn opened(&self, letter: char) -> Attested {
        let dir = self.path.join(format!("image-{letter}"));
        let digest = Digest::parse(fs::read_to_string(dir.join("digest")).unwrap().trim()).unwrap();
        let image = match fs::read_to_string(self.path.join("repository")) {
            Ok(repository) => ImageRef::Registry { repository, digest },
            Err(_) => super::compose::published(self, digest).unwrap_or(ImageRef::OciLayout {
                dir,
                tag: None,
                digest: Some(digest),
            }),
        };
        Attested::unverified(image, digest, "a test".to_owned())
    }

    /// A release without peculiarities.
    pub(crate) fn good(&self, letter: char) -> Attested {
        self.release(letter, Behaviour::default())
    }

    pub(crate) async fn rollout(&self, release: &Attested) -> RolloutReport {
        rollout::rollout(release, &self.plan, &self.effects()).await.unwrap()
    }

    pub(crate) async fn status(&self) -> RolloutStatus {
        rollout::status(&self.plan, &self.effects()).await.unwrap()
    }

    /// The digest in front, and how many instances run.
    pub(crate) async fn live(&self) -> (Option<Digest>, usize) {
        let status = self.status().await;
        (status.live.map(|live| live.deployed.release.digest), status.instances.len())
    }

    /// The requests that a release has answered, by the switch's own count.
    pub(crate) async fn served(&self, release: &Attested) -> u64 {
        let traffic = self.status().await.traffic;
        let its = traffic.iter().filter(|traffic| traffic.backend.digest == *release.digest());
        its.map(|traffic| traffic.served).sum()
    }

    /// Kills everything, as a machine that starts anew.
    pub(crate) fn reboot(&self) {
        self.kill_switch();
        self.kill_instances();
    }

    /// Kills every instance, as a machine out of memory would.
    pub(crate) fn kill_instances(&self) {
        for process in daemon::find("PORTCULLIS_STATE", &self.state().display().to_string()).unwrap() {
            daemon::end(&process, Signal::Kill).unwrap();
        }
    }

    pub(crate) fn kill_switch(&self) {
        for process in daemon::find("PORTCULLIS_SWITCH", &self.state().display().to_string()).unwrap() {
            daemon::end(&process, Signal::Kill).unwrap();
        }
        let begun = Instant::now();
        while !self.switches().is_empty() {
            assert!(begun.elapsed() < LONG, "the switch cannot be killed");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// The switches that run.
    pub(crate) fn switches(&self) -> Vec<u32> {
        let found = daemon::find("PORTCULLIS_SWITCH", &self.state().display().to_string()).unwrap();
        found.into_iter().map(|process| process.pid).collect()
    }

    /// Waits until the journal is so many lines long.
    pub(crate) async fn until_journal_has(&self, count: usize) {
        until("the journal has so many lines", async || {
            super::roles::lines(&self.state().join("journal.jsonl")) >= count
        })
        .await;
    }

    /// Waits until so many requests are under way through the switch.
    pub(crate) async fn until_in_flight(&self, count: u64) {
        until("so many requests are under way", async || {
            self.status().await.traffic.iter().map(|traffic| traffic.in_flight).sum::<u64>() == count
        })
        .await;
    }

    /// What the front door answers at a path.
    pub(crate) async fn get(&self, path: &str) -> Result<(u16, String), String> {
        let text = super::load::plain_get(self.listen(), path).await?;
        Ok(text)
    }
}

/// How long what must come is waited for: on a machine that is slow for a while it comes late, and a hang is told all the same.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Waits until something is so.
pub(crate) async fn until(what: &str, is: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !is().await {
        assert!(begun.elapsed() < LONG, "within {LONG:?} it never came that {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Writes a file that somebody else reads meanwhile: they see the old text or the new one, and nothing between.
pub(crate) fn replace(file: &Path, text: &str) {
    let fresh = file.with_extension("fresh");
    fs::write(&fresh, text).unwrap();
    fs::rename(fresh, file).unwrap();
}

/// Gives the switch of a state folder an order over its control socket.
pub(crate) fn order(state: &Path, key: &str, order: serde_json::Value) -> serde_json::Value {
    use std::io::{BufRead, BufReader, Write};
    let mut order = order;
    order["key"] = key.into();
    let mut stream = BufReader::new(std::os::unix::net::UnixStream::connect(state.join("control")).unwrap());
    stream.get_mut().write_all(format!("{order}\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_line(&mut answer).unwrap();
    serde_json::from_str(&answer).unwrap()
}

/// The commit of a release.
pub(crate) fn commit(letter: char) -> String {
    letter.to_string().repeat(40)
}

impl Drop for World {
    fn drop(&mut self) {
        if self.dir.is_none() {
            return;
        }
        let state = self.state().display().to_string();
        for mark in ["PORTCULLIS_SWITCH", "PORTCULLIS_STATE", "PORTCULLIS_COMMAND"] {
            for process in daemon::find(mark, &state).unwrap_or_default() {
                let _ = daemon::end(&process, Signal::Kill);
            }
        }
    }
}
