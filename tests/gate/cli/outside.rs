//! Attacks by paths of a committed configuration that lead out of the repository: no message shows what stands there.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::sample::{CONFIG, Sample};

/// A file of the machine, as a first line of `/etc/passwd`, a login file or an environment: no word of it is meant for anybody.
const SECRETS: [&str; 3] = [
    "hunter2:x:0:0:hunter2:/root:/bin/bash\nsecond = hunter2\n",
    "{\"auths\": {\"registry.example\": {\"auth\": \"hunter2\"}}, \"hunter2\": \"hunter2\"}\n",
    "[hunter2]\nhunter2 = \"hunter2\"\n",
];

/// The configuration with a key in a table.
fn with(table: &str, key: &str, value: &str) -> String {
    let line = format!("[{table}]\n{key} = {value}\n");
    let old = match (table, key) {
        ("policy", "document") => "[policy]\ndocument = \"policy.toml\"\n",
        ("feeds", "osv") => "[feeds]\nosv = \"feed\"\n",
        ("build", "image") => "[build]\nusing = \"image\"\nimage = \"oci:built\"\n",
        ("build", _) => {
            return CONFIG.replace(
                "[build]\nusing = \"image\"\nimage = \"oci:built\"\n",
                &format!("{line}using = \"buildah\"\n"),
            );
        }
        ("policy" | "feeds", _) => return CONFIG.replace(&format!("[{table}]\n"), &line),
        _ => return format!("{CONFIG}{line}"),
    };
    let using = if table == "build" { "using = \"image\"\n" } else { "" };
    CONFIG.replace(old, &format!("{line}{using}"))
}

#[test]
fn no_path_of_the_configuration_shows_what_stands_outside_of_the_repository() {
    let keys = [
        ("policy", "document", ""),
        ("policy", "waivers", ""),
        ("policy", "vex", "[]"),
        ("feeds", "osv", ""),
        ("feeds", "kev", ""),
        ("feeds", "epss", ""),
        ("feeds", "rustsec", ""),
        ("build", "dockerfile", ""),
        ("build", "context", ""),
        ("build", "image", "oci-archive:"),
        ("build", "image", "docker-archive:"),
        ("build", "image", "oci:"),
        ("sign", "key", ""),
        ("sign", "key", "local:"),
    ];
    for secret in SECRETS {
        let place = Sample::new();
        let above = tempfile::tempdir_in(place.path(".").parent().unwrap()).unwrap();
        let file = above.path().join("secret");
        fs::write(&file, secret).unwrap();
        symlink(&file, place.path("link")).unwrap();
        let absolute = file.to_str().unwrap().to_owned();
        let dots = format!("./feed/../../{}/secret", above.path().file_name().unwrap().to_str().unwrap());
        for path in [absolute, dots, "link".to_owned()] {
            for (table, key, form) in keys {
                let value = if form == "[]" {
                    format!("[\"{path}\"]")
                } else {
                    format!("\"{form}{path}\"")
                };
                place.write("portcullis.toml", &with(table, key, &value));
                let done = place.run(&["gate", "--until", "publish"]);
                let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
                let named = format!("{table}.{key} = {value}: {said}");
                assert!(!said.contains("hunter2"), "{named}");
                if table == "policy" || key == "dockerfile" {
                    assert_eq!(done.status.code(), Some(64), "{named}");
                }
            }
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), secret);
    }
}

#[test]
fn documents_of_the_repository_are_read_and_shown_and_a_flag_may_name_others() {
    let place = Sample::new();
    let above = tempfile::tempdir().unwrap();
    // The control: a file of the repository is quoted at the place of its mistake.
    place.write("policy.toml", "[rules.root-user]\nlevle = \"off\"\n");
    let (_, err) = place.ends(64, &["gate", "--until", "policy"]);
    assert!(err.contains("policy.toml:2") && err.contains("levle = \"off\""), "{err}");
    // What whoever starts the run names is theirs.
    let policy = above.path().join("policy.toml");
    fs::write(
        &policy,
        "[rules.root-user]\nlevel = \"off\"\n[rules.untraceable-tag]\nlevel = \"off\"\n",
    )
    .unwrap();
    place.ends(0, &["gate", "--until", "policy", "--policy", policy.to_str().unwrap()]);
    place.write("portcullis.toml", &with("policy", "document", &format!("\"{}\"", policy.display())));
    let (_, err) = place.ends(64, &["gate", "--until", "policy"]);
    assert!(err.contains("policy.document") && err.contains("--policy"), "{err}");
}

#[test]
fn a_policy_above_the_service_is_one_of_the_repository() {
    let place = Sample::new();
    place.write("one/portcullis.toml", "[policy]\ndocument = \"../policies/gate.toml\"\n");
    place.write("policies/gate.toml", "[rules.root-user]\nlevle = \"off\"\n");
    let check = || place.ends(64, &["-C", "one", "--offline", "check"]).1;
    assert!(check().contains("outside of"), "{}", check());
    let git = std::process::Command::new("git")
        .args(["init", "-q"])
        .arg(place.path("."))
        .status()
        .unwrap();
    assert!(git.success());
    assert!(check().contains("did you mean `level`?"), "{}", check());
}

#[test]
fn a_login_in_the_address_of_a_health_check_is_refused_and_not_shown() {
    let place = Sample::new();
    let with = |url: &str| {
        format!("{CONFIG}[rollout]\ntarget = \"process\"\n[rollout.health]\nurl = \"{url}\"\nversion = {{ header = \"x-revision\" }}\n")
    };
    for url in [
        "http://bob:hunter2@127.0.0.1:9",
        "http://hunter2@127.0.0.1:9/readyz",
        "https://bob:hunter2@shop.example/?x",
    ] {
        place.write("portcullis.toml", &with(url));
        let (_, err) = place.ends(64, &["rollout", "status"]);
        assert!(err.contains("rollout.health.url") && !err.contains("hunter2"), "{err}");
    }
    // The control.
    place.write("portcullis.toml", &with("http://127.0.0.1:9/a@b"));
    place.ends(0, &["rollout", "status"]);
}
