//! Caches that builds are given and write, and the SSH agent: by an engine whose images are containerd's, and by buildah.

use std::fs;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::support::checkout::committed;
use crate::support::dockerfiles::{BASE, Builder, Project, listing};
use crate::support::engines::{output, text};
use crate::support::registry::RunningRegistry;
use crate::support::tools;

#[test]
fn an_engine_whose_images_are_containerds_builds_the_same_again_and_keeps_nothing() {
    let Some(builder) = Builder::buildkit_with_containerd() else {
        return;
    };
    let file = format!("FROM {BASE}\nCOPY a /a\nRUN echo b > /b\n");
    let project = Project::new(builder.name(), "", &[("Dockerfile", &file), ("a", "a\n")]);
    let before = builder.contents();
    let said = project.ends(0, &builder.env(), &["build", "--twice"]);
    assert!(said.contains("two builds give one digest"), "{said}");
    assert_eq!(builder.contents(), before);
    let files = listing(&project.results().join("image"), &project.digest());
    let has = |what: &str| files.iter().any(|line| line.contains(what));
    assert!(has("2026-01-02 03:04:05 b") && has("2020-09-13 12:26:40 bin/busybox"), "{files:#?}");
}

#[test]
fn a_cache_in_a_folder_and_one_in_a_registry_serve_an_engine_that_has_none() {
    let Some(builder) = Builder::buildkit_with_containerd() else {
        return;
    };
    let Some(registry) = RunningRegistry::docker() else { return };
    let place = tempfile::tempdir().unwrap();
    let folder = text(&place.path().join("cache"));
    let in_registry = format!("type=registry,ref={}", registry.repository("cache:1"));
    let forget = || output(&mut builder.command("docker", &["builder", "prune", "--all", "--force"]));
    for (name, to, from) in [
        (
            "folder",
            format!("type=local,dest={folder},mode=max"),
            format!("type=local,src={folder}"),
        ),
        ("registry", format!("{in_registry},mode=max"), in_registry.clone()),
    ] {
        let file = format!("FROM {BASE}\nRUN echo {name} > /made\n");
        let files = [("Dockerfile", file.as_str())];
        let writer = Project::new(builder.name(), &format!("cache_to = [\"{to}\"]\n"), &files);
        writer.ends(0, &builder.env(), &["build"]);
        forget();
        // Without it the step runs: the control.
        let said = Project::new(builder.name(), "", &files).ends(0, &builder.env(), &["build"]);
        assert!(!said.contains("/made cached"), "{said}");
        forget();
        let reader = Project::new(builder.name(), &format!("cache_from = [\"{from}\"]\n"), &files);
        let said = reader.ends(0, &builder.env(), &["build"]);
        assert!(said.contains("/made cached"), "{name}: {said}");
        let (of_cache, cached) = (listing(&reader.results().join("image"), &reader.digest()), reader.digest());
        reader.ends(0, &builder.env(), &["build", "--no-cache"]);
        assert_eq!(reader.digest(), cached, "{name}: {of_cache:#?}");
    }
}

#[test]
fn buildah_refuses_a_cache_that_it_would_not_use() {
    let Some(builder) = Builder::buildah() else { return };
    let file = format!("FROM {BASE}\n");
    for key in ["cache_from", "cache_to"] {
        let project = Project::new(
            builder.name(),
            &format!("{key} = [\"127.0.0.1:9/cache\"]\n"),
            &[("Dockerfile", &file)],
        );
        let said = project.ends(64, &builder.env(), &["build"]);
        assert!(said.contains(key) && said.contains("from nothing"), "{said}");
    }
}

#[test]
fn a_cache_that_the_engine_cannot_write_is_a_setting_to_be_mended() {
    let Some(builder) = Builder::buildkit() else { return };
    let file = format!("FROM {BASE}\n");
    let project = Project::new(builder.name(), "cache_to = [\"type=local,dest=cache\"]\n", &[("Dockerfile", &file)]);
    let said = project.ends(64, &builder.env(), &["build"]);
    assert!(said.contains("cache_to") && said.contains("containerd image store"), "{said}");
}

/// An agent without a key, which is enough to be reached.
struct Agent {
    pid: String,
    socket: String,
}

impl Agent {
    fn start() -> Option<Self> {
        tools::program("ssh-agent")?;
        let said = output(&mut Command::new("ssh-agent"));
        let value = |name: &str| Some(said.split_once(name)?.1.split(';').next()?.to_owned());
        Some(Self {
            socket: value("SSH_AUTH_SOCK=")?,
            pid: value("SSH_AGENT_PID=")?,
        })
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let ended = Command::new("kill").arg(&self.pid).stdout(Stdio::null()).status();
        assert!(ended.is_ok_and(|status| status.success()), "the agent is left");
    }
}

#[test]
fn an_ssh_agent_reaches_its_step_and_one_that_is_not_there_is_told_before_anything_runs() {
    let Some(agent) = Agent::start() else { return };
    for builder in Builder::all() {
        let file = format!("FROM {BASE}\nRUN --mount=type=ssh if [ -S \"$SSH_AUTH_SOCK\" ]; then echo agent > /reached; fi\n");
        let project = Project::new(builder.name(), "ssh = [\"default\"]\n", &[("Dockerfile", &file)]);
        let mut env = builder.env();
        for (socket, reason) in [("", "is not set"), ("/nonexistent/agent", "is no socket")] {
            env.insert("SSH_AUTH_SOCK", socket.to_owned());
            let said = project.ends(64, &env, &["build"]);
            assert!(said.contains(reason) && said.contains("ssh-add"), "{said}");
        }
        env.insert("SSH_AUTH_SOCK", agent.socket.clone());
        project.ends(0, &env, &["build"]);
        let lost = Project::new(builder.name(), "ssh = [\"default=lost.key\"]\n", &[("Dockerfile", &file)]);
        let said = lost.ends(64, &env, &["build"]);
        assert!(said.contains("asks for a key") && said.contains("lost.key"), "{said}");
        let files = listing(&project.results().join("image"), &project.digest());
        assert!(
            files.iter().any(|line| line.ends_with(" reached")),
            "{}: {files:#?}",
            builder.name()
        );
    }
}

/// A token as GitHub's runner gives it to actions: BuildKit reads its scopes, and the cache of `act` asks for none.
fn runtime_token() -> String {
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let scopes = serde_json::json!([{"Scope": "refs/heads/main", "Permission": 3}]).to_string();
    let claims = serde_json::json!({"ac": scopes, "iat": 1_700_000_000_u64, "nbf": 1_700_000_000_u64, "exp": 4_102_444_800_u64});
    format!(
        "{}.{}.{}",
        part(serde_json::json!({"alg": "none"})),
        part(claims),
        URL_SAFE_NO_PAD.encode("none")
    )
}

#[test]
fn githubs_cache_serves_a_runner_whose_engine_has_none() {
    let (Some(act), Some(builder)) = (tools::program("act"), Builder::buildkit_with_containerd()) else {
        return;
    };
    let place = tempfile::tempdir().unwrap();
    let workflow = place.path().join("runner/.github/workflows/build.yml");
    fs::create_dir_all(workflow.parent().unwrap()).unwrap();
    let step =
        "on: push\njobs:\n  build:\n    runs-on: ubuntu-latest\n    steps:\n      - run: \"\\\"$PROGRAM\\\" -C \\\"$PROJECT\\\" build\"\n";
    fs::write(&workflow, step).unwrap();
    committed(&place.path().join("runner"));
    let file = format!("FROM {BASE}\nRUN echo github > /made\n");
    let caches = "cache_from = [\"type=gha\"]\ncache_to = [\"type=gha,mode=max\"]\n";
    let project = Project::new(builder.name(), caches, &[("Dockerfile", &file)]);
    let run = |token: &str| {
        let variables = builder.env().into_iter().chain([
            ("PROGRAM", env!("CARGO_BIN_EXE_portcullis").to_owned()),
            ("PROJECT", text(&project.root())),
            ("HOME", text(place.path())),
            ("ACTIONS_RUNTIME_TOKEN", token.to_owned()),
        ]);
        let mut command = Command::new(&act);
        command.args(["push", "-P", "ubuntu-latest=-self-hosted", "--cache-server-addr", "127.0.0.1"]);
        command.arg("--cache-server-path").arg(place.path().join("cache"));
        command.args(variables.flat_map(|(name, value)| ["--env".to_owned(), format!("{name}={value}")]));
        let done = command
            .env("XDG_CACHE_HOME", place.path().join("act"))
            .current_dir(place.path().join("runner"))
            .output()
            .unwrap();
        output(&mut builder.command("docker", &["builder", "prune", "--all", "--force"]));
        (done.status.success(), String::from_utf8_lossy(&done.stdout).into_owned())
    };
    let token = runtime_token();
    let (succeeded, said) = run(&token);
    assert!(succeeded && !said.contains("/made cached"), "{said}");
    let (succeeded, said) = run(&token);
    assert!(succeeded && said.contains("/made cached"), "{said}");
    assert!(!said.contains(&token), "{said}");
    let (_, said) = run("");
    assert!(said.contains("ACTIONS_RUNTIME_TOKEN"), "{said}");
}

#[test]
fn a_secret_of_the_build_that_a_step_writes_into_the_image_ends_it() {
    let token = "npm_a8Kq2LmZx90Tr5VbYw";
    for builder in Builder::all() {
        let mut env = builder.env();
        env.insert(
            "NPMRC",
            format!("registry=https://registry.example.org/\n//registry.example.org/:_authToken={token}\n"),
        );
        let secrets = "[build.secrets]\nnpmrc = \"env:NPMRC\"\n";
        let mount = "RUN --mount=type=secret,id=npmrc,target=/run/npmrc";
        for (step, place) in [
            ("cat /run/npmrc > /leak", Some("leak")),
            ("cut -d= -f2 /run/npmrc > /srv", Some("srv")),
            (
                "cat /run/npmrc > /dev/null && echo registry=https://registry.example.org/ > /kept",
                None,
            ),
        ] {
            let file = format!("FROM {BASE}\n{mount} {step}\n");
            let project = Project::new(builder.name(), secrets, &[("Dockerfile", &file)]);
            match place {
                Some(place) => {
                    let said = project.ends(2, &env, &["build"]);
                    assert!(said.contains("secret `npmrc` is in the image") && said.contains(place), "{said}");
                    assert!(!said.contains(token), "{said}");
                    project.assert_nothing_left();
                }
                None => drop(project.ends(0, &env, &["build"])),
            }
        }
    }
}

#[test]
fn a_secrets_earlier_value_does_not_come_out_of_the_engines_cache() {
    let (earlier, now) = ("npm_a8Kq2LmZx90Tr5VbYw", "npm_Zx90Tr5VbYwa8Kq2Lm");
    for builder in Builder::all() {
        let file = format!("FROM {BASE}\nRUN --mount=type=secret,id=token cp /run/secrets/token /leak\n");
        let project = Project::new(builder.name(), "[build.secrets]\ntoken = \"env:TOKEN\"\n", &[("Dockerfile", &file)]);
        for value in [earlier, now] {
            let mut env = builder.env();
            env.insert("TOKEN", value.to_owned());
            let said = project.ends(2, &env, &["build"]);
            assert!(said.contains("secret `token` is in the image"), "{said}");
        }
    }
}

#[test]
fn an_earlier_value_that_a_step_of_the_base_saw_does_not_come_out_of_the_engines_cache() {
    let (earlier, now) = ("npm_a8Kq2LmZx90Tr5VbYw", "npm_Zx90Tr5VbYwa8Kq2Lm");
    for builder in Builder::all() {
        let place = tempfile::tempdir().unwrap();
        let of_base = "ONBUILD RUN --mount=type=secret,id=token cp /run/secrets/token /leak";
        fs::write(place.path().join("Dockerfile"), format!("FROM {BASE}\n{of_base}\n")).unwrap();
        let (program, tag) = match builder {
            Builder::Buildkit(_) => ("docker", "--tag=localhost/ready:1"),
            Builder::Buildah(_) => ("buildah", "--tag=localhost/ready:1"),
        };
        let folder = text(place.path());
        let format = (program == "buildah").then_some("--format=docker");
        let args: Vec<&str> = ["build", tag].into_iter().chain(format).chain([folder.as_str()]).collect();
        output(&mut builder.command(program, &args));
        let secrets = "[build.secrets]\ntoken = \"env:TOKEN\"\n";
        let registry = (program == "docker").then(RunningRegistry::docker).flatten();
        let mut bases = vec!["localhost/ready:1".to_owned()];
        if let Some(registry) = &registry {
            // One that only a registry has.
            let name = registry.repository("team/ready:1");
            for args in [
                &["tag", "localhost/ready:1", &name][..],
                &["push", "--quiet", &name],
                &["image", "rm", &name],
            ] {
                output(&mut builder.command("docker", args));
            }
            bases.push(name);
        }
        for base in bases {
            let file = format!("FROM {base}\nUSER 1000\n");
            let project = Project::new(builder.name(), secrets, &[("Dockerfile", &file)]);
            for value in [earlier, now] {
                let mut env = builder.env();
                env.insert("TOKEN", value.to_owned());
                let said = project.ends(2, &env, &["build"]);
                assert!(said.contains("secret `token` is in the image"), "{base}: {said}");
                let is_told = said.contains("has a step ready that may see a secret");
                assert_eq!(is_told, program == "docker", "{base}: {said}");
            }
        }
        // The control: a base that is known to have none of these is built upon as ever.
        let plain = format!("FROM {BASE}\nRUN echo {} > /made\n", builder.name());
        let project = Project::new(builder.name(), secrets, &[("Dockerfile", &plain)]);
        let mut env = builder.env();
        env.insert("TOKEN", now.to_owned());
        project.ends(0, &env, &["build"]);
        let again = project.ends(0, &env, &["build"]);
        assert_eq!(again.contains("/made cached"), program == "docker", "{again}");
        if program == "docker" {
            // An engine has it for one platform alone: of a stage for another one, its registry has to be asked.
            output(&mut builder.command("docker", &["tag", BASE, "localhost/plain:1"]));
            for (platform, is_known) in [("", true), ("--platform=$BUILDPLATFORM ", false)] {
                let file = format!("FROM {platform}localhost/plain:1\nUSER 1000\n");
                let said = Project::new(builder.name(), secrets, &[("Dockerfile", &file)]).ends(0, &env, &["build"]);
                assert_eq!(!said.contains("it is not known what the base"), is_known, "{platform}: {said}");
            }
        }
    }
}
