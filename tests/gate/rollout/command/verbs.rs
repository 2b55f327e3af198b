//! The verbs as users type them: a configuration, commands, exit codes.

use std::path::Path;
use std::process::Output;

use super::shop::{DEPLOYS, Seen, Shop};

fn configure(shop: &Shop, more: &str) {
    let listen = shop.listen();
    let text = format!(
        "[service]\nname = \"shop\"\n[rollout]\ntarget = \"command\"\ndeploy = [\"./deploy.sh\"]\nrollback = [\"./rollback.sh\"]\nobserve = [\"./observe.sh\"]\nstate = \"state\"\n{more}\n[rollout.health]\nurl = \"http://{listen}/readyz\"\nversion = {{ json = \"/version\" }}\ninterval = \"50ms\"\nsoak = \"200ms\"\n"
    );
    std::fs::write(shop.file("portcullis.toml"), text).unwrap();
}

fn portcullis(folder: &Path, args: &[&str]) -> Output {
    crate::support::portcullis()
        .args(args)
        .current_dir(folder)
        .env("PORTCULLIS_KEY", "our-signing-key")
        .env("GITHUB_TOKEN", "our-token")
        .env("CLOUD_TOKEN", "the-commands-own")
        .env("OTHER_TOKEN", "nobody-passed-it")
        .output()
        .unwrap()
}

/// The image of a letter as an argument.
fn image(shop: &Shop, letter: char) -> String {
    let dir = shop.file(&format!("image-{letter}"));
    let digest = std::fs::read_to_string(dir.join("digest")).unwrap();
    format!("oci:{}@{digest}", dir.display())
}

#[test]
fn commands_get_digest_reference_and_what_is_passed_and_no_secret_of_ours() {
    let shop = Shop::new(Seen::Both);
    configure(&shop, "pass_env = [\"CLOUD_TOKEN\"]\nenv = { CLUSTER = \"blue\" }");
    shop.good('a');
    shop.script("deploy", &format!("env > seen\n{DEPLOYS}"));
    let image = image(&shop, 'a');
    let output = portcullis(shop.path(), &["rollout", &image, "--unverified", "a test"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("runs `deploy`: ./deploy.sh"), "the plan is told at the start: {told}");
    let seen = std::fs::read_to_string(shop.file("seen")).unwrap();
    let has = |pair: &str| seen.lines().any(|line| line == pair);
    let digest = image.rsplit_once('@').unwrap().1;
    for pair in [
        &format!("PORTCULLIS_DIGEST={digest}"),
        &format!("PORTCULLIS_IMAGE={image}"),
        &format!("PORTCULLIS_COMMIT={}", "a".repeat(40)),
        "PORTCULLIS_SERVICE=shop",
        "PORTCULLIS_OPERATION=deploy",
        "CLOUD_TOKEN=the-commands-own",
        "CLUSTER=blue",
    ] {
        assert!(has(pair), "{pair}: {seen}");
    }
    for secret in ["our-signing-key", "our-token", "nobody-passed-it"] {
        assert!(!seen.contains(secret), "{secret}: {seen}");
    }
    let status = portcullis(shop.path(), &["rollout", "status"]);
    assert!(String::from_utf8_lossy(&status.stdout).contains(&digest[..19]), "{status:?}");
    let json = portcullis(
        shop.path(),
        &["rollout", "--plan", "--format", "json", &image, "--unverified", "a test"],
    );
    let plan: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((json.status.code(), &plan["change"]), (Some(0), &"verify".into()));
}

#[test]
fn a_secret_of_ours_cannot_be_passed_and_keys_of_another_target_are_refused() {
    let shop = Shop::new(Seen::Both);
    for (more, told) in [
        ("pass_env = [\"PORTCULLIS_KEY\"]", "secret of the gate's own"),
        ("listen = \"127.0.0.1:1\"", "no listener of ours"),
        ("deply = [\"x\"]", "deploy"),
    ] {
        configure(&shop, more);
        let output = portcullis(shop.path(), &["rollout", "status"]);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(64), "{more}: {text}");
        assert!(text.contains(told), "{more}: {text}");
    }
    let text = std::fs::read_to_string(shop.file("portcullis.toml")).unwrap();
    std::fs::write(
        shop.file("portcullis.toml"),
        text.replace("\"command\"", "\"process\"").replace("deply = [\"x\"]", ""),
    )
    .unwrap();
    let output = portcullis(shop.path(), &["rollout", "status"]);
    assert_eq!(output.status.code(), Some(64), "{output:?}");
    // The control.
    configure(&shop, "");
    assert_eq!(portcullis(shop.path(), &["rollout", "status"]).status.code(), Some(0));
}

#[test]
fn a_plan_that_is_refused_ends_with_12_and_says_what_would_work() {
    let shop = Shop::new(Seen::Both);
    shop.good('a');
    configure(&shop, "");
    let text = std::fs::read_to_string(shop.file("portcullis.toml")).unwrap();
    let text = text
        .replace("observe = [\"./observe.sh\"]\n", "")
        .replace("version = { json = \"/version\" }\n", "");
    std::fs::write(shop.file("portcullis.toml"), text).unwrap();
    for format in ["human", "json"] {
        let output = portcullis(
            shop.path(),
            &[
                "rollout",
                "--plan",
                "--format",
                format,
                &image(&shop, 'a'),
                "--unverified",
                "a test",
            ],
        );
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(12), "{out}{err}");
        assert!(
            out.contains("status of 0 proves nothing") && err.contains("exit 12. Next: write where"),
            "{out}{err}"
        );
    }
    assert!(shop.calls().is_empty());
    assert!(!shop.file("state").exists(), "a plan left a trace");
}
