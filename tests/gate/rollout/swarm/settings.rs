//! What the configuration may say, and what is said without a swarm.

use std::process::Output;

fn status(more: &str) -> Output {
    let dir = tempfile::tempdir().unwrap();
    let text = format!(
        "[service]\nname = \"shop\"\n[rollout]\ntarget = \"swarm\"\nstate = \"state\"\n{more}\n[rollout.health]\nurl = \"http://127.0.0.1:1/\"\n"
    );
    std::fs::write(dir.path().join("portcullis.toml"), text).unwrap();
    let mut command = crate::support::portcullis();
    command.env("DOCKER_HOST", format!("unix://{}", dir.path().join("no-engine.sock").display()));
    let output = command.arg("-C").arg(dir.path()).args(["rollout", "status"]).output().unwrap();
    assert!(!dir.path().join("state").exists(), "a question left a trace");
    output
}

#[test]
fn a_name_that_is_none_of_a_service_and_keys_of_other_targets_are_refused() {
    for (more, told) in [
        ("swarm_service = \"a/b\"", "no name of a service"),
        ("swarm_service = \"\"", "no name of a service"),
        ("workload = \"deployment/shop\"", "target = \"kubernetes\" alone"),
        ("replicas = 2", "target = \"compose\" alone"),
        ("listen = \"127.0.0.1:1\"", "no listener of ours"),
    ] {
        let output = status(more);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(64), "{more}: {text}");
        assert!(text.contains(told), "{more}: {text}");
    }
}

#[test]
fn without_an_engine_what_runs_is_not_taken_for_nothing() {
    let output = status("");
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(text.contains("no-engine.sock") && text.contains("cannot be asked"), "{text}");
}
