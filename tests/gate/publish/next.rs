//! What `verify` says next is what works: a rollout where there is one, and the policy that was asked for where another one judged.

use super::published::Published;

const ROLLOUT: &str = "[rollout]\ntarget = \"process\"\n[rollout.health]\nurl = \"http://127.0.0.1:8080/readyz\"\n";

/// How `verify` of what was published ends, and what it says.
fn verified(published: &Published, more: &[&str]) -> (Option<i32>, String) {
    let output = crate::support::portcullis()
        .current_dir(published.place.path("."))
        .env("HOME", published.place.path("home"))
        .env("XDG_CACHE_HOME", published.place.path("home/cache"))
        .env("XDG_STATE_HOME", published.place.path("home/state"))
        .args(["verify", &format!("oci:{}", published.layout.dir().display())])
        .args(["--key", "state/portcullis.pub"])
        .args(more)
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test]
async fn a_rollout_is_next_only_where_the_configuration_says_where_to() {
    let published = Published::new().await;
    for more in [&[][..], &["--explain"]] {
        let (code, said) = verified(&published, more);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("Next: nothing to do; [rollout] in portcullis.toml"), "{said}");
    }
    std::fs::write(published.place.path("portcullis.toml"), ROLLOUT).unwrap();
    for more in [&[][..], &["--explain"]] {
        let (code, said) = verified(&published, more);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("Next: portcullis rollout oci:"), "{said}");
    }
}

#[tokio::test]
async fn what_another_policy_judged_is_judged_again_by_the_one_that_was_asked_for() {
    let published = Published::new().await;
    for more in [&["--policy", "strict"][..], &["--policy", "strict", "--explain"]] {
        let (code, said) = verified(&published, more);
        assert_eq!(code, Some(2), "{said}");
        let next = said.rsplit_once("Next: ").unwrap().1;
        assert!(next.contains("`portcullis publish --policy strict`"), "{said}");
    }
}
