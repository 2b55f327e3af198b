//! Dockerfiles, built by a real Docker Engine and by buildah.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::time::{Duration, Instant};

use crate::publish::faults::TinyDisk;
use crate::support::dockerfiles::{BASE, Builder, Project, listing};
use crate::support::engines::output;
use crate::support::registry::RunningRegistry;

const SMALL: &str = "FROM localhost/busybox:1 AS build
COPY src /srv/src
RUN mkdir -p /srv/made/deep && date > /dev/null && echo made > /srv/made/deep/file && ln -s file /srv/made/deep/link
FROM localhost/busybox:1
COPY --from=build /srv /srv
RUN echo second > /srv/second && chmod 4750 /srv/second
USER 1000:1000
HEALTHCHECK --interval=5s CMD [\"/bin/echo\", \"ok\"]
CMD [\"/bin/sh\"]
";

fn small(builder: &Builder) -> Project {
    Project::new(
        builder.name(),
        "",
        &[
            ("Dockerfile", SMALL),
            ("src/main.js", "hello\n"),
            (".dockerignore", "target\n.git\n"),
        ],
    )
}

#[test]
fn one_commit_gives_one_digest_in_two_folders_with_each_builder() {
    for builder in Builder::all() {
        let (first, second) = (small(&builder), small(&builder));
        // What a checkout of another day and another umask looks like.
        let path = second.root().join("src/main.js");
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_500_000_000))
            .unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let before = builder.contents();

        first.ends(0, &builder.env(), &["build"]);
        // No cache can explain that they are equal; the clock has moved on.
        std::thread::sleep(Duration::from_millis(1100));
        second.ends(0, &builder.env(), &["build", "--no-cache"]);
        assert_eq!(first.digest(), second.digest(), "{}", builder.name());
        assert_eq!(builder.contents(), before, "nothing stays in the engine");

        let files = listing(&first.results().join("image"), &first.digest());
        let has = |what: &str| files.iter().any(|line| line.contains(what));
        assert!(has("-rwsr-x--- 0/0               7 2026-01-02 03:04:05 srv/second"), "{files:#?}");
        assert!(
            has("-rw-r--r-- 0/0               6 2026-01-02 03:04:05 srv/src/main.js"),
            "{files:#?}"
        );
        assert!(has("2020-09-13 12:26:40 bin/busybox"), "the base keeps its times: {files:#?}");
        assert!(has("srv/made/deep/link -> file"), "{files:#?}");
    }
}

#[test]
fn the_image_says_how_it_runs_and_where_it_comes_from() {
    for builder in Builder::all() {
        let project = small(&builder);
        let said = project.ends(0, &builder.env(), &["build"]);
        assert!(said.contains("RUN echo second"), "the build's own steps are told: {said}");
        let layout = project.results().join("image");
        let read = |digest: &str| -> serde_json::Value {
            let blob = layout.join("blobs/sha256").join(digest.trim_start_matches("sha256:"));
            serde_json::from_slice(&fs::read(blob).unwrap()).unwrap()
        };
        let config = read(read(&project.digest())["config"]["digest"].as_str().unwrap());
        assert_eq!(config["created"], "2026-01-02T03:04:05Z");
        assert_eq!(config["config"]["User"], "1000:1000");
        assert_eq!(config["config"]["Healthcheck"]["Test"][0], "CMD");
        assert_eq!(config["config"]["Hostname"], serde_json::Value::Null);
        let revision = config["config"]["Labels"]["org.opencontainers.image.revision"].as_str().unwrap();
        assert_eq!(revision.len(), 40);
    }
}

#[test]
fn a_dockerfile_that_does_not_parse_is_named_with_its_line() {
    for builder in Builder::all() {
        let file = format!("FROM {BASE}\nRUNN echo hello\n");
        let project = Project::new(builder.name(), "", &[("Dockerfile", &file)]);
        let said = project.ends(64, &builder.env(), &["build"]);
        assert!(
            said.contains("Dockerfile") && said.to_lowercase().contains("unknown instruction"),
            "{said}"
        );
        if matches!(builder, Builder::Buildkit(_)) {
            assert!(said.contains("Dockerfile:2"), "{said}");
        }
        project.assert_nothing_left();
    }
}

#[test]
fn a_step_that_fails_shows_its_last_lines_and_its_line() {
    for builder in Builder::all() {
        let file = format!("FROM {BASE}\n\nRUN echo the last words; \\\n    exit 3\n");
        let project = Project::new(builder.name(), "", &[("Dockerfile", &file)]);
        let before = builder.contents();
        let said = project.ends(2, &builder.env(), &["build"]);
        assert!(said.contains("Dockerfile:3"), "{said}");
        assert!(said.contains("\n") && said.contains("the last words"), "{said}");
        project.assert_nothing_left();
        assert_eq!(builder.contents(), before);
    }
}

#[test]
fn a_base_that_cannot_be_pulled_is_unreachable() {
    for builder in Builder::all() {
        let project = Project::new(builder.name(), "", &[("Dockerfile", "FROM 127.0.0.1:9/nothing/there:1\n")]);
        let said = project.ends(69, &builder.env(), &["build"]);
        assert!(said.contains("a base image could not be pulled"), "{said}");
        project.assert_nothing_left();
    }
}

#[test]
fn an_engine_that_is_not_there_is_told_with_three_ways_out() {
    let project = Project::new("buildkit", "", &[("Dockerfile", "FROM scratch\n")]);
    let env = BTreeMap::from([("DOCKER_HOST", "unix:///nonexistent/docker.sock".to_owned())]);
    let said = project.ends(69, &env, &["build"]);
    for way in ["DOCKER_HOST", "buildah", "image"] {
        assert!(said.contains(way), "{way}: {said}");
    }
    project.assert_nothing_left();
}

#[test]
fn a_dockerfile_alone_needs_no_configuration_and_takes_the_builder_that_is_here() {
    let Some(builder) = Builder::buildah() else { return };
    let project = Project::new("buildah", "", &[("Dockerfile", "FROM scratch\nCOPY a /a\n"), ("a", "a\n")]);
    fs::remove_file(project.root().join("portcullis.toml")).unwrap();
    let mut env = builder.env();
    // An engine that does not answer, and that nobody named.
    let programs = tempfile::tempdir().unwrap();
    let docker = programs.path().join("docker");
    fs::write(&docker, "#!/bin/sh\nexit 1\n").unwrap();
    crate::support::tools::executable(&docker);
    let path = env.get("PATH").cloned().unwrap_or_else(|| std::env::var("PATH").unwrap());
    env.insert("PATH", format!("{}:{path}", programs.path().display()));
    let said = project.ends(0, &env, &["build"]);
    assert!(said.contains("buildah ("), "{said}");
}

#[test]
fn a_named_engine_that_is_dead_is_never_silently_another_builder() {
    let Some(builder) = Builder::buildah() else { return };
    let chosen = tempfile::tempdir().unwrap();
    fs::write(chosen.path().join("config.json"), "{\"currentContext\": \"nowhere\"}\n").unwrap();
    for (name, named, told) in [
        ("DOCKER_HOST", "unix:///nonexistent/docker.sock", "DOCKER_HOST"),
        ("DOCKER_CONTEXT", "nowhere", "DOCKER_CONTEXT"),
        ("DOCKER_CONFIG", chosen.path().to_str().unwrap(), "context `nowhere`"),
    ] {
        for using in ["buildkit", ""] {
            let project = Project::new("buildkit", "", &[("Dockerfile", "FROM scratch\nCOPY a /a\n"), ("a", "a\n")]);
            if using.is_empty() {
                fs::remove_file(project.root().join("portcullis.toml")).unwrap();
            }
            let mut env = builder.env();
            env.insert(name, named.to_owned());
            let said = project.ends(69, &env, &["build"]);
            assert!(!said.contains("buildah ("), "{said}");
            if using.is_empty() {
                assert!(said.contains(told), "{said}");
            }
        }
    }
}

#[test]
fn a_missing_dockerfile_and_a_dockerfile_that_is_a_link_are_refused() {
    let Some(builder) = Builder::buildah() else { return };
    let project = Project::new("buildah", "dockerfile = \"deploy/Dockerfile\"\n", &[("a", "a\n")]);
    let said = project.ends(64, &builder.env(), &["build"]);
    assert!(said.contains("there is no Dockerfile"), "{said}");
    fs::create_dir(project.root().join("deploy")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", project.root().join("deploy/Dockerfile")).unwrap();
    let said = project.ends(64, &builder.env(), &["build"]);
    assert!(!said.contains("root:"), "{said}");
}

#[test]
fn a_commit_cannot_ask_for_the_gates_own_secrets() {
    let env = BTreeMap::from([
        ("PORTCULLIS_KEY", "a key".to_owned()),
        ("RELEASE_KEY", "a key".to_owned()),
        ("GITHUB_TOKEN", "a token".to_owned()),
    ]);
    for name in [
        "PORTCULLIS_KEY",
        "COSIGN_PASSWORD",
        "GITHUB_TOKEN",
        "GH_TOKEN",
        "SIGSTORE_ID_TOKEN",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        "ACTIONS_ID_TOKEN_REQUEST_URL",
        "RELEASE_KEY",
    ] {
        let config = format!("secrets = {{ token = \"env:{name}\" }}\n[sign]\nkey = \"env:RELEASE_KEY\"\n");
        let project = Project::new("buildah", &config, &[("Dockerfile", "FROM scratch\n")]);
        let said = project.ends(64, &env, &["build"]);
        assert!(said.contains(name) && said.contains("a secret of the gate's own"), "{said}");
    }
}

#[test]
fn a_context_or_a_secret_that_a_link_leads_out_is_refused() {
    let Some(builder) = Builder::buildah() else { return };
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("hidden"), "of somebody else\n").unwrap();
    let file = format!("FROM {BASE}\nRUN --mount=type=secret,id=token true\nCOPY hidden /hidden\n");
    let project = Project::new(
        "buildah",
        "context = \"ctx\"\nsecrets = { token = \"token\" }\n",
        &[("Dockerfile", &file)],
    );
    let (context, token) = (project.root().join("ctx"), project.root().join("token"));
    std::os::unix::fs::symlink(outside.path(), &context).unwrap();
    let said = project.ends(64, &builder.env(), &["build"]);
    assert!(said.contains("build.context") && said.contains("outside"), "{said}");

    fs::remove_file(&context).unwrap();
    fs::create_dir(&context).unwrap();
    fs::write(context.join("hidden"), "ours\n").unwrap();
    std::os::unix::fs::symlink(outside.path().join("hidden"), &token).unwrap();
    let said = project.ends(64, &builder.env(), &["build"]);
    assert!(said.contains("is a link"), "{said}");

    fs::remove_file(&token).unwrap();
    fs::write(&token, "ours\n").unwrap();
    project.ends(0, &builder.env(), &["build"]);
}

#[test]
fn a_secret_reaches_its_step_and_nothing_else() {
    const SECRET: &str = "hunter2-of-the-registry";
    for builder in Builder::all() {
        let file = format!(
            "FROM {BASE}\nRUN --mount=type=secret,id=token cat /run/secrets/token && echo && [ \"$(cat /run/secrets/token)\" = {SECRET} ] || exit 9\n"
        )
        .replace(&format!("= {SECRET} ]"), "= \"hunter2-of\"\"-the-registry\" ]");
        let project = Project::new(builder.name(), "secrets = { token = \"env:A_TOKEN\" }\n", &[("Dockerfile", &file)]);
        let mut env = builder.env();
        let said = project.ends(64, &env, &["build"]);
        assert!(said.contains("A_TOKEN is not set"), "{said}");
        env.insert("A_TOKEN", SECRET.to_owned());
        let said = project.ends(0, &env, &["build", "-v"]);
        assert!(!said.contains(SECRET), "{said}");
        assert!(said.contains("***"), "the step wrote it, and it was taken out: {said}");
        let mut all = Vec::new();
        for file in walk(&project.results()) {
            let bytes = fs::read(&file).unwrap();
            all.extend_from_slice(&bytes);
            let mut unpacked = Vec::new();
            if flate2::read::MultiGzDecoder::new(bytes.as_slice())
                .read_to_end(&mut unpacked)
                .is_ok()
            {
                all.extend_from_slice(&unpacked);
            }
        }
        // The control: what the step shows of itself is there.
        assert!(all.windows(9).any(|part| part == b"/bin/busy" || part == b"/run/secr"));
        assert!(
            !all.windows(SECRET.len()).any(|part| part == SECRET.as_bytes()),
            "the secret is in the results"
        );
    }
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] })
        .collect()
}

#[test]
fn a_cancelled_build_stops_its_steps_and_leaves_nothing() {
    for builder in Builder::all() {
        // A number that no other process has among its arguments.
        let nap = format!("sleep 9{}", std::process::id());
        let file = format!("FROM {BASE}\nRUN {nap}\n");
        let project = Project::new(builder.name(), "", &[("Dockerfile", &file)]);
        let before = builder.contents();
        let mut running = project.start(&builder.env(), &["build"]);
        let begun = Instant::now();
        while !is_asleep(&nap) {
            assert!(begun.elapsed() < Duration::from_secs(180), "the step does not begin");
            std::thread::sleep(Duration::from_millis(50));
        }
        let pid = rustix::process::Pid::from_raw(i32::try_from(running.id()).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert_eq!(running.wait().unwrap().code(), Some(14), "{}", builder.name());
        let ended = Instant::now();
        while is_asleep(&nap) {
            assert!(ended.elapsed() < Duration::from_secs(60), "{}: the step goes on", builder.name());
            std::thread::sleep(Duration::from_millis(50));
        }
        project.assert_nothing_left();
        assert_eq!(builder.contents(), before);
    }
}

/// True while the step's own process runs; the shell and the builder have it among their arguments, too.
fn is_asleep(nap: &str) -> bool {
    fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        line.trim_end().ends_with(nap) && !line.contains("portcullis") && !line.contains("docker") && !line.contains("buildah")
    })
}

#[test]
fn a_full_disk_is_named_and_nothing_is_left() {
    for builder in Builder::all() {
        let project = small(&builder);
        let results = project.results();
        let before = builder.contents();
        let Some(disk) = TinyDisk::mount(&results) else { return };
        let said = project.ends(2, &builder.env(), &["build"]);
        assert!(said.contains("the disk is full"), "{said}");
        project.assert_nothing_left();
        drop(disk);
        assert_eq!(builder.contents(), before);
    }
}

#[test]
fn several_platforms_make_an_index() {
    for builder in Builder::all() {
        let project = Project::new(
            builder.name(),
            "platforms = [\"linux/amd64\", \"linux/arm64\"]\n",
            &[("Dockerfile", "FROM scratch\nCOPY a /a\n"), ("a", "a\n")],
        );
        project.ends(0, &builder.env(), &["build"]);
        let blob = project
            .results()
            .join("image/blobs/sha256")
            .join(project.digest().trim_start_matches("sha256:"));
        let index: serde_json::Value = serde_json::from_slice(&fs::read(blob).unwrap()).unwrap();
        let platforms: Vec<&str> = index["manifests"]
            .as_array()
            .unwrap()
            .iter()
            .map(|manifest| manifest["platform"]["architecture"].as_str().unwrap())
            .collect();
        assert_eq!(platforms, ["amd64", "arm64"], "{}", builder.name());
    }
}

#[test]
fn a_base_of_another_platform_than_the_images_is_refused() {
    let (Some(registry), Some(builder)) = (RunningRegistry::docker(), Builder::buildkit()) else {
        return;
    };
    // An engine looks for another platform of its own images in their registry, and takes what a registry has for any platform.
    let base = registry.repository("busybox:1");
    output(&mut builder.command("docker", &["tag", BASE, &base]));
    output(&mut builder.command("docker", &["push", "--quiet", &base]));
    let file = format!("FROM {base}\nCOPY a /a\n");
    let files = [("Dockerfile", file.as_str()), ("a", "a\n")];
    let project = Project::new(builder.name(), "platforms = [\"linux/arm64\"]\n", &files);
    let said = project.ends(64, &builder.env(), &["build"]);
    assert!(said.contains("is for amd64, and the image is to be for linux/arm64"), "{said}");
    assert!(!project.results().join("image/index.json").exists());
    // The control.
    Project::new(builder.name(), "platforms = [\"linux/amd64\"]\n", &files).ends(0, &builder.env(), &["build"]);
}

#[test]
fn a_second_build_from_nothing_names_the_first_difference_and_its_cause() {
    for builder in Builder::all() {
        let sound = Project::new(builder.name(), "", &[("Dockerfile", &format!("FROM {BASE}\nRUN echo a > /a\n"))]);
        let said = sound.ends(0, &builder.env(), &["build", "--twice"]);
        assert!(said.contains("two builds give one digest"), "{said}");
        for (step, cause) in [
            // Two builds may fall into one second.
            ("echo a > /a && sleep 1 && date > /now", "a time stamp"),
            ("echo a > /a && head -c 64 /dev/urandom > /now", "randomness"),
        ] {
            let file = format!("FROM {BASE}\nRUN {step}\n");
            let odd = Project::new(builder.name(), "", &[("Dockerfile", &file)]);
            let said = odd.ends(2, &builder.env(), &["build", "--twice"]);
            assert!(said.contains("now: bytes"), "{said}");
            assert!(said.contains(cause), "{cause}: {said}");
        }
    }
}
