//! What the configuration may say, and what is said without a cluster.

use std::process::Output;

fn status(more: &str) -> Output {
    let dir = tempfile::tempdir().unwrap();
    let text = format!(
        "[service]\nname = \"shop\"\n[rollout]\ntarget = \"kubernetes\"\nstate = \"state\"\nkubeconfig = \"no-such-file\"\n{more}\n[rollout.health]\nurl = \"http://127.0.0.1:1/\"\n"
    );
    std::fs::write(dir.path().join("portcullis.toml"), text).unwrap();
    let mut command = crate::support::portcullis();
    let output = command.arg("-C").arg(dir.path()).args(["rollout", "status"]).output().unwrap();
    assert!(!dir.path().join("state").exists(), "a question left a trace");
    output
}

#[test]
fn a_name_that_could_lead_elsewhere_in_the_api_and_keys_of_other_targets_are_refused() {
    for (more, told) in [
        ("", "`kubernetes` target needs it"),
        ("workload = \"shop\"", "neither `deployment/NAME` nor `statefulset/NAME`"),
        ("workload = \"daemonset/shop\"", "neither"),
        ("workload = \"deployment/../../secrets/shop\"", "neither"),
        ("workload = \"deployment/shop?x=1\"", "neither"),
        ("workload = \"deployment/shop\"\nnamespace = \"a/b\"", "no name of a namespace"),
        (
            "workload = \"deployment/shop\"\ndeploy = [\"./deploy.sh\"]",
            "target = \"command\" alone",
        ),
        ("workload = \"deployment/shop\"\nlisten = \"127.0.0.1:1\"", "no listener of ours"),
    ] {
        let output = status(more);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(64), "{more}: {text}");
        assert!(text.contains(told), "{more}: {text}");
    }
}

#[test]
fn without_a_cluster_what_runs_is_not_taken_for_nothing() {
    let output = status("workload = \"deployment/shop\"");
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(text.contains("no cluster is known here") && text.contains("no-such-file"), "{text}");
}
