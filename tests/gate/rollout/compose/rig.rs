//! An engine, a registry, a Compose file and a front door, all of which end with the test.

use std::collections::BTreeMap;
use std::fs;
use std::ops::{Deref, DerefMut};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use portcullis::model::digest::Digest;
use portcullis::model::image_ref::ImageRef;
use portcullis::model::plan::{
    CaddyPlan, ComposePlan, FrontPlan, NginxPlan, ProcessPlan, Protocol, SwitchFrontPlan, TargetPlan, TraefikPlan,
};
use portcullis::stage::publish::Attested;
use serde_json::{Value, json};

use crate::rollout::contained;
use crate::rollout::load::{Tally, plain_get};
use crate::rollout::world::{LONG, World, until};
use crate::support::engines::{DockerEngine, output};
use crate::support::registry::RunningRegistry;
use crate::support::tools;

/// Marks a world's folder as one of this target.
pub(crate) const MARK: &str = "compose-world.json";

/// What stands in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    Nginx,
    Caddy,
    Traefik,
    Switch,
    /// The service publishes its port itself.
    None,
}

pub(super) struct Rig {
    world: World,
    pub(super) engine: DockerEngine,
    registry: RunningRegistry,
    door: Option<Child>,
}

impl Deref for Rig {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl DerefMut for Rig {
    fn deref_mut(&mut self) -> &mut World {
        &mut self.world
    }
}

impl Rig {
    /// None, with a printed reason, where a part cannot be had here.
    pub(super) fn new(door: Door, replicas: usize) -> Option<Self> {
        let needed: &[&str] = match door {
            Door::Nginx => &["nginx", "skopeo", "rustc"],
            Door::Caddy => &["caddy", "skopeo", "rustc"],
            Door::Traefik => &["traefik", "skopeo", "rustc"],
            Door::Switch | Door::None => &["skopeo", "rustc"],
        };
        if needed.iter().any(|name| tools::program(name).is_none()) {
            return None;
        }
        let registry = RunningRegistry::docker()?;
        let engine = DockerEngine::start()?;
        if !engine
            .docker(&["compose", "version"])
            .output()
            .is_ok_and(|output| output.status.success())
        {
            println!("skipped: Docker Compose v2 (it is not installed; tests/setup gets it)");
            return None;
        }
        let world = World::new();
        let mark = json!({
            "host": engine.host(), "door": format!("{door:?}"), "replicas": replicas,
            "admin": crate::support::ports::free_address(), "registry": registry.repository("shop"),
        });
        fs::write(world.path().join(MARK), mark.to_string()).unwrap();
        let mut rig = Self {
            world,
            engine,
            registry,
            door: None,
        };
        use_compose(&mut rig.world);
        rig.image('a', &json!({}));
        rig.compose_file(&json!({}));
        rig.engine_says(&["compose", "up", "--detach", "cache"]);
        rig.door = rig.start_door(door, &mark);
        Some(rig)
    }

    /// Writes the Compose file anew, with more for the service.
    pub(super) fn compose_file(&self, more: &Value) {
        let image = format!("{}@{}", self.registry.repository("shop"), self.digest('a'));
        let mut api = json!({
            "image": image, "expose": ["8080"], "environment": {"COLOUR": "blue"},
            "depends_on": {"cache": {"condition": "service_started"}},
        });
        for (name, value) in more.as_object().unwrap() {
            api[name] = value.clone();
        }
        let services = json!({"api": api, "cache": {"image": image, "environment": {"ROLE": "cache"}}});
        // JSON is YAML.
        fs::write(
            self.path().join("compose.yaml"),
            json!({"name": self.project(), "services": services}).to_string(),
        )
        .unwrap();
    }

    /// Adds jobs to the Compose file, with the service's image and a folder that is theirs, and to the plan; also for deployers that are started.
    pub(super) fn compose_jobs(&mut self, before: &[(&str, Value)], after: &[(&str, Value)]) {
        let path = self.path().join("compose.yaml");
        let mut file: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        for (name, more) in before.iter().chain(after) {
            let mut job = json!({"image": file["services"]["api"]["image"], "volumes": ["./jobs:/jobs"], "restart": "always"});
            for (key, value) in more.as_object().unwrap() {
                job[key] = value.clone();
            }
            file["services"][name] = job;
        }
        fs::write(path, file.to_string()).unwrap();
        let names = |jobs: &[(&str, Value)]| jobs.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>();
        let mark = self.path().join(MARK);
        let mut document: Value = serde_json::from_slice(&fs::read(&mark).unwrap()).unwrap();
        document["before"] = json!(names(before));
        document["after"] = json!(names(after));
        fs::write(mark, document.to_string()).unwrap();
        let plan = self.compose();
        (plan.before, plan.after) = (names(before), names(after));
    }

    fn project(&self) -> String {
        "shop".to_owned()
    }

    fn digest(&self, letter: char) -> Digest {
        let text = fs::read_to_string(self.path().join(format!("image-{letter}/digest"))).unwrap();
        Digest::parse(text.trim()).unwrap()
    }

    /// Builds and publishes a release whose commit is one letter, forty times.
    pub(super) fn image(&self, letter: char, config: &Value) -> Attested {
        contained::released(&self.world, &self.registry.repository("shop"), letter, config)
    }

    pub(super) fn good(&self, letter: char) -> Attested {
        self.image(letter, &json!({}))
    }

    /// Runs docker in the world's folder and gives what it printed.
    pub(super) fn engine_says(&self, args: &[&str]) -> String {
        output(self.engine.docker(args).current_dir(self.path()))
    }

    /// The containers of a service, with their digest label.
    pub(super) fn containers(&self, service: &str) -> Vec<String> {
        let filter = format!("label=com.docker.compose.service={service}");
        let listed = self.engine_says(&[
            "ps",
            "--all",
            "--no-trunc",
            "--filter",
            &filter,
            "--format",
            "{{.ID}} {{.State}} {{.Label \"portcullis.digest\"}}",
        ]);
        listed.lines().map(ToOwned::to_owned).collect()
    }

    /// True when exactly `count` containers of the service are there, all of them running this release.
    pub(super) fn runs_alone(&self, release: &Attested, count: usize) {
        let containers = self.containers("api");
        let wanted = format!(" running {}", release.digest());
        assert!(
            containers.len() == count && containers.iter().all(|line| line.ends_with(&wanted)),
            "{count} of {} alone: {containers:?}",
            release.digest()
        );
        assert_eq!(self.containers("api-portcullis-template"), Vec::<String>::new());
    }

    pub(super) fn compose(&mut self) -> &mut ComposePlan {
        let TargetPlan::Compose(plan) = &mut self.world.plan.target else {
            panic!("a rig is of Compose")
        };
        plan
    }

    /// Waits until Traefik has a service of a name, or has it no more: it reads its files a moment after they were written.
    pub(super) async fn until_traefik_has(&self, service: &str, has: bool) {
        let mark: Value = serde_json::from_slice(&fs::read(self.path().join(MARK)).unwrap()).unwrap();
        let admin = mark["admin"].as_str().unwrap().parse().unwrap();
        let named = format!("\"{service}@file\"");
        until("Traefik has read its files", async || {
            let answer = plain_get(admin, "/api/http/services").await;
            answer.is_ok_and(|(status, text)| status == 200 && text.contains(&named) == has)
        })
        .await;
    }

    /// Changes what is known of Traefik.
    pub(super) fn lead_by_traefik(&mut self, change: impl FnOnce(&mut TraefikPlan) -> bool) {
        let Some(FrontPlan::Traefik(traefik)) = &mut self.compose().front else {
            panic!("the door is Traefik")
        };
        assert!(change(traefik));
    }

    fn start_door(&self, door: Door, mark: &Value) -> Option<Child> {
        let folder = self.path().join("door");
        fs::create_dir_all(&folder).unwrap();
        let listen = self.listen();
        let mut command = match door {
            Door::Switch | Door::None => return None,
            Door::Nginx => {
                fs::write(folder.join("shop.conf"), "upstream shop {\n    server 127.0.0.1:9;\n}\n").unwrap();
                let at = folder.display();
                let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
                    .map(|name| format!("{name}_temp_path {at}/{name};"))
                    .concat();
                let text = format!(
                    "user root; daemon off; worker_processes 2; pid {at}/pid; error_log {at}/error.log;\nevents {{}}\nhttp {{ access_log off; {temporary}\n\
                     include {at}/shop.conf;\nserver {{ listen {listen}; location / {{ proxy_pass http://shop; proxy_http_version 1.1; proxy_set_header Connection \"\"; }} }} }}\n"
                );
                fs::write(folder.join("nginx.conf"), text).unwrap();
                let mut command = Command::new("nginx");
                command.arg("-c").arg(folder.join("nginx.conf"));
                command
            }
            Door::Caddy => {
                let proxy = json!({"@id": "shop", "handler": "reverse_proxy", "upstreams": [{"dial": "127.0.0.1:9"}]});
                let server = json!({"listen": [listen], "automatic_https": {"disable": true}, "routes": [{"handle": [proxy]}]});
                let config =
                    json!({"admin": {"listen": mark["admin"]}, "apps": {"http": {"grace_period": "3s", "servers": {"shop": server}}}});
                fs::write(folder.join("caddy.json"), config.to_string()).unwrap();
                let mut command = Command::new("caddy");
                command
                    .arg("run")
                    .arg("--config")
                    .arg(folder.join("caddy.json"))
                    .env("HOME", &folder)
                    .env("XDG_DATA_HOME", &folder);
                command.env("XDG_CONFIG_HOME", &folder);
                command
            }
            Door::Traefik => {
                let watched = folder.join("dynamic");
                fs::create_dir_all(&watched).unwrap();
                let router = json!({"rule": "PathPrefix(`/`)", "service": "shop", "entryPoints": ["web"]});
                fs::write(
                    watched.join("routers.yml"),
                    json!({"http": {"routers": {"shop": router}}}).to_string(),
                )
                .unwrap();
                let admin = mark["admin"].as_str().unwrap();
                let config = json!({
                    "entryPoints": {"web": {"address": listen.to_string()}, "traefik": {"address": admin}},
                    "providers": {"file": {"directory": watched}, "providersThrottleDuration": "100ms"},
                    "api": {"insecure": true}, "global": {"checkNewVersion": false, "sendAnonymousUsage": false},
                });
                fs::write(folder.join("traefik.yml"), config.to_string()).unwrap();
                let mut command = Command::new("traefik");
                command.arg(format!("--configFile={}", folder.join("traefik.yml").display()));
                command
            }
        };
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let deadline = std::time::Instant::now() + LONG;
        while std::net::TcpStream::connect(listen).is_err() {
            assert!(std::time::Instant::now() < deadline, "{door:?} does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(child)
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Some(door) = &mut self.door {
            if let Some(pid) = rustix::process::Pid::from_raw(door.id() as i32) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            }
            let _ = door.wait();
        }
        // The bridges of an engine's networks outlive it.
        let all = self.engine.docker(&["ps", "--all", "--quiet"]).output();
        let ids = all
            .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
            .unwrap_or_default();
        let ids: Vec<&str> = ids.split_whitespace().collect();
        if !ids.is_empty() {
            let _ = self.engine.docker(&["rm", "--force"]).args(ids).output();
        }
        let _ = self.engine.docker(&["network", "prune", "--force"]).output();
    }
}

/// True where connections that nobody has accepted yet outlive the listener that they came to.
pub(super) fn migrates() -> bool {
    fs::read_to_string("/proc/sys/net/ipv4/tcp_migrate_req").is_ok_and(|value| value.trim() == "1")
}

/// Requests that were not answered, without those that a proxy's reload is the reason for, whatever is behind the proxy: it closes connections
/// that carry nothing, and what a client sends on one in that moment is reset; and Caddy's new listener does not get the connections that its
/// old one had not accepted. Those are few, and printed.
pub(super) fn lost(door: Door, tally: &Tally) -> Vec<String> {
    let idle = |reason: &String| {
        let how = ["Canceled", "IncompleteMessage", "ConnectionReset"];
        matches!(door, Door::Nginx | Door::Caddy) && reason.contains("keep-alive: true") && how.iter().any(|how| reason.contains(how))
    };
    let fresh = |reason: &String| {
        let how = ["connect: Connection reset", "ConnectionReset"];
        door == Door::Caddy && !migrates() && how.iter().any(|how| reason.contains(how))
    };
    let (resets, lost): (Vec<String>, Vec<String>) = tally.lost().into_iter().partition(|reason| idle(reason) || fresh(reason));
    println!("{} requests were reset by a reload of {door:?}: {resets:?}", resets.len());
    assert!(resets.len() <= 20, "{} requests were reset: {resets:?}", resets.len());
    lost
}

/// Makes a world's target the Compose file in its folder.
pub(crate) fn use_compose(world: &mut World) {
    let root = world.path().to_owned();
    let mark: Value = serde_json::from_slice(&fs::read(root.join(MARK)).unwrap()).unwrap();
    let text = |name: &str| mark[name].as_str().unwrap().to_owned();
    let state = root.join("state");
    let door = root.join("door");
    let nginx = |more: &[&str]| {
        let conf = door.join("nginx.conf").display().to_string();
        ["nginx", "-c", &conf].iter().chain(more).map(|word| (*word).to_owned()).collect()
    };
    let named = |key: &str| {
        let names = mark[key].as_array().into_iter().flatten();
        names.map(|name| name.as_str().unwrap().to_owned()).collect()
    };
    let front = match text("door").as_str() {
        "Nginx" => Some(FrontPlan::Nginx(NginxPlan {
            file: door.join("shop.conf"),
            upstream: "shop".to_owned(),
            test: nginx(&["-t"]),
            reload: nginx(&["-s", "reload"]),
        })),
        "Caddy" => Some(FrontPlan::Caddy(CaddyPlan {
            admin: text("admin").parse().unwrap(),
            id: "shop".to_owned(),
        })),
        "Traefik" => Some(FrontPlan::Traefik(TraefikPlan {
            file: door.join("dynamic/shop.yml"),
            service: "shop".to_owned(),
            api: text("admin").parse().unwrap(),
        })),
        "Switch" => Some(FrontPlan::Switch(SwitchFrontPlan {
            process: ProcessPlan {
                program: env!("CARGO_BIN_EXE_portcullis").into(),
                listen: world.listen(),
                protocol: Protocol::Http,
                env: BTreeMap::new(),
                state: state.clone(),
                access_log: None,
            },
            hold: Duration::from_secs(30),
        })),
        _ => None,
    };
    if matches!(text("door").as_str(), "Caddy" | "Traefik") {
        // They keep idle connections, which are waited for.
        world.plan.waits.drain = Duration::from_secs(3);
    }
    world.plan.target = TargetPlan::Compose(Box::new(ComposePlan {
        service: "api".to_owned(),
        root,
        files: Vec::new(),
        project: None,
        profiles: Vec::new(),
        env_files: Vec::new(),
        replicas: Some(mark["replicas"].as_u64().unwrap() as usize),
        port: None,
        network: None,
        front,
        before: named("before"),
        after: named("after"),
        job_limit: Duration::from_secs(60),
        host: Some(text("host")),
        env: BTreeMap::new(),
        pass_env: Vec::new(),
        pull_limit: Duration::from_secs(60),
        state,
    }));
}

/// A release of this target is in the registry.
pub(crate) fn published(world: &World, digest: Digest) -> Option<ImageRef> {
    let mark: Value = serde_json::from_slice(&fs::read(world.path().join(MARK)).ok()?).ok()?;
    Some(ImageRef::Registry {
        repository: mark["registry"].as_str()?.to_owned(),
        digest,
    })
}
