//! A service in a swarm: a static program in images of a registry on loopback, behind a door that asks the swarm's DNS.

use std::fs;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use portcullis::model::plan::{ProbePlan, SwarmPlan, TargetPlan};
use portcullis::stage::publish::Attested;
use serde_json::{Value, json};

use crate::rollout::contained;
use crate::rollout::world::{LONG, World};
use crate::support::engines::{DockerEngine, output};
use crate::support::ports::free_address;
use crate::support::registry::RunningRegistry;
use crate::support::tools;

/// A file of a world that is in a swarm: the engine, the service, the door's address.
pub(crate) const MARK: &str = "swarm.txt";
/// What the service is called.
pub(super) const NAME: &str = "shop";

pub(super) struct Fleet {
    world: World,
    pub(super) engine: DockerEngine,
    pub(super) registry: RunningRegistry,
    pub(super) door: SocketAddr,
}

impl Deref for Fleet {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl DerefMut for Fleet {
    fn deref_mut(&mut self) -> &mut World {
        &mut self.world
    }
}

impl Fleet {
    /// A service of two tasks that runs release `a`, which nobody here has brought there, behind a door. None, with a printed reason, where a part
    /// cannot be had here.
    pub(super) fn new() -> Option<Self> {
        for name in ["skopeo", "rustc", "curl"] {
            tools::program(name)?;
        }
        let registry = RunningRegistry::docker_with_password()?;
        let engine = DockerEngine::start()?;
        let mut world = World::new();
        let door = free_address();
        fs::write(world.path().join(MARK), format!("{}\n{NAME}\n{door}\n", engine.host())).unwrap();
        fs::write(world.path().join("repository"), registry.repository(NAME)).unwrap();
        // What `docker login` writes.
        let auths = json!({"auths": {registry.address.to_string(): {"auth": "cm9ib3Q6c2VzYW1l"}}});
        fs::create_dir(world.path().join("docker")).unwrap();
        fs::write(world.path().join("docker/config.json"), auths.to_string()).unwrap();
        use_swarm(&mut world);
        let fleet = Self {
            world,
            engine,
            registry,
            door,
        };
        let cluster = free_address().to_string();
        // A port of its own for its network: what a swarm that was killed has left in the kernel has the same numbers otherwise.
        let port = data_port().to_string();
        let init = ["swarm", "init", "--advertise-addr", "127.0.0.1", "--listen-addr", &cluster];
        fleet.docker(&[&init[..], &["--data-path-port", &port]].concat());
        fleet.docker(&["network", "create", "--driver", "overlay", "net"]);
        let first = fleet.image('a', &json!({}));
        let image = format!("{}@{}", fleet.registry.repository(NAME), first.digest());
        let create = |name: &str, more: &[&str]| {
            let always = [
                "service",
                "create",
                "--quiet",
                "--detach",
                "--with-registry-auth",
                "--network",
                "net",
                "--name",
                name,
            ];
            fleet.docker(&[&always[..], more, &[&image]].concat());
        };
        let order = ["--replicas", "2", "--update-order", "start-first", "--update-monitor", "1s"];
        create(NAME, &[&order[..], &["--env", "COLOUR=blue"]].concat());
        let published = format!("mode=host,published={},target=8080", door.port());
        create("door", &["--env", &format!("DOOR=tasks.{NAME}"), "--publish", &published]);
        Some(fleet)
    }

    /// `docker …` of this engine, logged in to the registry.
    pub(super) fn docker(&self, arguments: &[&str]) -> String {
        output(self.engine.docker(arguments).env("DOCKER_CONFIG", self.path().join("docker")))
    }

    /// An image in the registry. It serves on for a moment when it is told to end.
    pub(super) fn image(&self, letter: char, more: &Value) -> Attested {
        // Without a health check, a task that ends at once has run all the same, and the old one was stopped for it.
        let check = json!({"Test": ["CMD", "/service", "check"], "Interval": 300_000_000, "Timeout": 5_000_000_000_u64});
        let mut config = json!({"Env": ["GRACE=1500"], "StopSignal": "SIGTERM", "Healthcheck": check});
        for (name, value) in more.as_object().unwrap() {
            match (name.as_str(), value.as_array()) {
                ("Env", Some(more)) => config["Env"].as_array_mut().unwrap().extend(more.iter().cloned()),
                _ => config[name] = value.clone(),
            }
        }
        contained::logged_in(&self.world, &self.registry.repository(NAME), letter, &config, "robot:sesame")
    }

    /// The task template, as the engine has it.
    pub(super) fn template(&self) -> Value {
        let text = self.docker(&["service", "inspect", NAME, "--format", "{{json .Spec.TaskTemplate}}"]);
        serde_json::from_str(&text).unwrap()
    }

    /// The ids of the tasks that run, in order.
    pub(super) fn tasks(&self) -> Vec<String> {
        let text = self.docker(&["service", "ps", NAME, "--filter", "desired-state=running", "--quiet", "--no-trunc"]);
        let mut tasks: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
        tasks.sort();
        tasks
    }

    pub(super) fn target(&mut self) -> &mut SwarmPlan {
        let TargetPlan::Swarm(plan) = &mut self.world.plan.target else {
            panic!("it is in a swarm")
        };
        plan
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        // The engine ends its containers with the swarm, and its networks.
        let _ = self.engine.docker(&["service", "rm", NAME, "door"]).output();
        let _ = self.engine.docker(&["swarm", "leave", "--force"]).output();
        // It stays otherwise, and has one name on every machine. Containers that are ending are in it.
        let removed = || {
            self.engine
                .docker(&["network", "rm", "docker_gwbridge"])
                .output()
                .is_ok_and(|output| output.status.success())
        };
        for _ in 0..40 {
            if removed() {
                break;
            }
            std::thread::sleep(Duration::from_millis(250));
        }
    }
}

/// A port that nobody has now, of those that a swarm takes.
fn data_port() -> u16 {
    let is_free = |port: &u16| std::net::UdpSocket::bind(("127.0.0.1", *port)).is_ok();
    std::iter::repeat_with(|| free_address().port()).find(is_free).unwrap()
}

/// Makes a world's target the service that its mark names.
pub(crate) fn use_swarm(world: &mut World) {
    let text = fs::read_to_string(world.path().join(MARK)).unwrap();
    let [host, service, door] = text.lines().collect::<Vec<_>>()[..] else {
        panic!("{text}")
    };
    world.plan.target = TargetPlan::Swarm(SwarmPlan {
        service: service.to_owned(),
        host: Some(host.to_owned()),
        deploy_limit: Duration::from_secs(120),
        rollback_limit: Duration::from_secs(120),
        state: world.state(),
    });
    world.plan.health.probe = ProbePlan::Http {
        url: format!("http://{door}/version"),
        status: 200,
        json: None,
    };
    world.plan.health.version = None;
    world.plan.health.interval = Duration::from_millis(100);
    world.plan.health.deadline = LONG;
}
