//! `portcullis.toml` and the waiver file as they begin.

use super::found::{Found, Kind, Runs};

/// Where the policy lies.
pub(super) const POLICY_FILE: &str = "policies/gate.toml";

/// A waiver file without an entry.
pub(super) const WAIVERS: &str = "\
# Waivers: dated promises about single findings, each with a reason, an owner and a last day.
# `portcullis waive ID` adds one; `portcullis waivers list` says what each covers.
";

/// The policy that is written: the gate's own, which people change, without the line of its schema.
pub(super) fn policy() -> &'static str {
    const POLICY: &str = include_str!("../../../policies/gate.toml");
    POLICY
        .split_once('\n')
        .filter(|(line, _)| line.starts_with("#:schema"))
        .map_or(POLICY, |(_, rest)| rest)
}

/// The configuration of a service whose image goes to a repository.
#[must_use]
pub(super) fn configuration(found: &Found, repository: &str) -> String {
    let mut text = format!(
        "# What `portcullis gate` builds, judges and publishes. Paths are relative to this file. `portcullis doctor` says what is missing.\n\
         [service]\nname = {}\n\n[build]\n{}\n[image]\nrepository = {}\n\
         # The full commit id: such a tag never moves.\ntags = [\"{{sha}}\"]\n\n",
        quoted(&found.name),
        build(&found.kind),
        quoted(repository),
    );
    text.push_str(
        "[feeds]\n# Older advisory data is \"we do not know\".\nmax_age = \"24h\"\n\n\
         [policy]\n# The gate's own policy, to be changed; \"strict\" is the stricter one.\ndocument = \"policies/gate.toml\"\nwaivers = \"policies/waivers.toml\"\n\n\
         [sign]\n# ECDSA P-256 or Ed25519 in PEM: openssl genpkey -algorithm ed25519. Only the job that publishes has it.\nkey = \"env:PORTCULLIS_KEY\"\n\n\
         # With this the gate also rolls out, and goes back if the new version does not serve (see docs/rollout.md of the gate):\n",
    );
    let pulls = matches!(found.runs, Runs::Compose { .. } | Runs::Swarm { .. } | Runs::Kubernetes { .. });
    if pulls && repository.starts_with("oci:") {
        text.push_str("# (This target pulls the image: [image] repository must then be a registry's, host/path.)\n");
    }
    for line in rollout(&found.runs, &found.kind).lines() {
        text.push_str(format!("# {line}").trim_end());
        text.push('\n');
    }
    text
}

fn rollout(runs: &Runs, kind: &Kind) -> String {
    // Containers and pods are told apart by themselves: an answer that names no version would only fail there.
    // Twice a remark: it is for who has traffic, and another decision.
    let canary = "\n# [rollout.canary]                          # a growing share of the requests first; without traffic the old version stays\n\
                  # steps = [5, 25, 100]\n# time = \"60s\"\n# errors = 0.01\n";
    let health = "\n[rollout.health]\nurl = \"http://127.0.0.1:8080/readyz\"         # as users call it\n";
    // What is linked with a base's libraries is no program of the machine.
    let process = match kind {
        Kind::Crate { .. } => "target = \"process\"",
        Kind::Dockerfile { .. } | Kind::Image { .. } => {
            "target = \"process\"                          # a program that needs nothing of its image; else \"compose\", \"swarm\", \"kubernetes\" or \"command\""
        }
    };
    match runs {
        Runs::Unknown => format!(
            "[rollout]\n{process}\n{health}\
             version = {{ json = \"/version\" }}              # its answer must name the commit or the digest\n{canary}"
        ),
        Runs::Compose { file, service } => format!(
            "[rollout]\ntarget = \"compose\"\nfiles = [{}]\ncompose_service = {}\n\n\
             [rollout.front]                             # what leads to the instances: \"nginx\", \"caddy\", \"traefik\", or \"switch\" for one\n\
             kind = \"switch\"\n{health}{canary}",
            quoted(file),
            quoted(service)
        ),
        Runs::Swarm { service } => format!(
            "[rollout]\ntarget = \"swarm\"\nswarm_service = {}               # as `docker service ls` names it\n{health}",
            quoted(service)
        ),
        Runs::Kubernetes { workload, namespace } => {
            let namespace = namespace
                .as_deref()
                .map_or_else(String::new, |namespace| format!("namespace = {}\n", quoted(namespace)));
            format!(
                "[rollout]\ntarget = \"kubernetes\"\nworkload = {}\n{namespace}{health}",
                quoted(workload)
            )
        }
    }
}

fn build(kind: &Kind) -> String {
    match kind {
        Kind::Crate { package } => format!("using = \"native\"\npackage = {}\n", quoted(package)),
        Kind::Dockerfile { file, port } => {
            let port = port.map(|port| format!("port = {port}\n")).unwrap_or_default();
            let text = format!(
                "# By a Docker Engine where one answers, else by buildah.\ndockerfile = {}\n",
                quoted(&file.display().to_string())
            );
            format!("{text}{port}")
        }
        Kind::Image { image } => {
            let pinned = image.as_ref().filter(|image| image.contains("@sha256:"));
            let line = match pinned {
                Some(image) => format!("image = {}\n", quoted(&format!("registry:{image}"))),
                None => "# By digest: a tag can move between two looks.\n# image = \"registry:REPOSITORY@sha256:…\"\n".to_owned(),
            };
            format!("# The image is built elsewhere.\nusing = \"image\"\n{line}")
        }
    }
}

/// A text in TOML's own quotes.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
