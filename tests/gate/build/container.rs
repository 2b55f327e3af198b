//! How native images are run and what they say of themselves.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use portcullis::io::oci_layout::OciLayout;
use portcullis::model::plan::{HealthCheck, ImageSettings, NativeBuild};

use crate::build::crates::{attempt, pay, workspace};
use crate::build::targets::{base_with, loader_base, of_base};
use crate::support::sample::{CONFIG, Sample, run};

#[test]
fn an_image_says_how_it_is_run() {
    let folder = tempfile::tempdir().unwrap();
    let root = workspace(folder.path());
    let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        let owned = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        owned.collect()
    };
    let image = ImageSettings {
        env: map(&[("LOG", "info"), ("PATH", "/app:/opt")]),
        labels: map(&[("team", "pay"), ("org.opencontainers.image.title", "Payments")]),
        user: Some("1234:5".to_owned()),
        workdir: Some("/srv".to_owned()),
        cmd: vec!["serve".to_owned(), "--fast".to_owned()],
        healthcheck: Some(HealthCheck {
            test: vec!["/app/pay".to_owned(), "health".to_owned()],
            interval: Some(Duration::from_secs(10)),
            timeout: Some(Duration::from_millis(1500)),
            start_period: None,
            retries: Some(3),
        }),
    };
    let asked = NativeBuild { image, ..pay() };
    let built = attempt(&root, folder.path(), &asked).unwrap();
    let config = &built.platforms[0].config;
    assert_eq!(config.user.as_deref(), Some("1234:5"));
    assert_eq!(config.cmd, ["serve", "--fast"]);
    assert_eq!(config.working_dir.as_deref(), Some("/srv"));
    assert_eq!(
        config.env,
        ["SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt", "LOG=info", "PATH=/app:/opt"]
    );
    assert_eq!(
        (
            config.labels["team"].as_str(),
            config.labels["org.opencontainers.image.title"].as_str()
        ),
        ("pay", "Payments")
    );
    assert_eq!(
        config.labels["org.opencontainers.image.revision"],
        built.commit.as_ref().unwrap().sha.to_string()
    );
    let layout = OciLayout::open(&built.layout).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&layout.read_blob(&built.digest, 1 << 20).unwrap()).unwrap();
    let config = manifest["config"]["digest"].as_str().unwrap().parse().unwrap();
    let config: serde_json::Value = serde_json::from_slice(&layout.read_blob(&config, 1 << 20).unwrap()).unwrap();
    insta::assert_snapshot!(config["config"]["Healthcheck"], @r#"{"Interval":10000000000,"Retries":3,"Test":["CMD","/app/pay","health"],"Timeout":1500000000}"#);
    let parameters = built.provenance.unwrap().parameters;
    assert_eq!(parameters["container.user"], "1234:5");
    assert_eq!(parameters["container.env:LOG"], "info");

    // What is asked for counts over the base's user, too.
    let upon = NativeBuild {
        base: Some(loader_base(folder.path(), &["amd64"])),
        image: ImageSettings {
            user: Some("0".to_owned()),
            ..ImageSettings::default()
        },
        ..pay()
    };
    let built = attempt(&root, folder.path(), &upon).unwrap();
    assert_eq!(built.platforms[0].config.user.as_deref(), Some("0"), "and `root-user` says so");
}

#[test]
fn what_the_image_cannot_start_is_refused_before_anything_is_compiled() {
    let folder = tempfile::tempdir().unwrap();
    let root = workspace(folder.path());
    let checked_by = |program: &str| ImageSettings {
        healthcheck: Some(HealthCheck {
            test: vec![program.to_owned()],
            ..HealthCheck::default()
        }),
        ..ImageSettings::default()
    };
    let run_as = |user: &str| ImageSettings {
        user: Some(user.to_owned()),
        ..ImageSettings::default()
    };
    let features = |names: &[&str]| NativeBuild {
        features: names.iter().map(|&name| name.to_owned()).collect(),
        ..pay()
    };
    let upon = |image| NativeBuild { image, ..pay() };
    for (asked, said) in [
        (upon(checked_by("/usr/bin/curl")), "`/usr/bin/curl` is not in the image"),
        (upon(checked_by("curl")), "`curl` is not in the image"),
        (upon(run_as("app")), "knows no such name"),
        (features(&["fasst"]), "has no feature `fasst`"),
        (features(&["nobody/fast"]), "has no feature `nobody/fast`"),
    ] {
        let error = attempt(&root, folder.path(), &asked).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
        assert_eq!(error.exit_kind().code(), 64, "{error}");
    }
    // The controls: the program itself by its name, and the user that is there.
    for image in [checked_by("pay"), run_as("nonroot")] {
        attempt(&root, folder.path(), &upon(image)).unwrap();
    }
    // A base has no such program either, and knows the names that are in its lists.
    let based = |image| NativeBuild {
        base: Some(loader_base(folder.path(), &["amd64"])),
        image,
        ..pay()
    };
    let error = attempt(&root, folder.path(), &based(checked_by("curl"))).unwrap_err();
    assert!(error.to_string().contains("`curl` is not in the image"), "{error}");
    for user in ["app", "1000:app"] {
        let error = attempt(&root, folder.path(), &based(run_as(user))).unwrap_err();
        assert!(error.to_string().contains("the base knows no such name"), "{error}");
    }
    attempt(&root, folder.path(), &based(run_as("1000:1000"))).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let root = workspace(folder.path());
    let with_names = NativeBuild {
        base: Some(base_with(folder.path(), &["amd64"], |tar| {
            for (list, text) in [
                ("etc/passwd", "root:x:0:0::/:\napp:x:1000:1000::/:\n"),
                ("etc/group", "app:x:1000:\n"),
            ] {
                of_base(tar, list, tar::EntryType::Regular, 0o644, "", text.as_bytes());
            }
        })),
        image: run_as("app:app"),
        ..pay()
    };
    attempt(&root, folder.path(), &with_names).unwrap();
}

/// The example of `docs/images.md`.
fn example() -> String {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/images.md")).unwrap();
    let section = page.split("## From a Cargo package").nth(1).unwrap();
    section.split("```toml\n").nth(1).unwrap().split("```").next().unwrap().to_owned()
}

#[test]
fn the_page_shows_every_key_of_the_native_builder() {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/schema/portcullis.schema.json");
    let schema: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(schema).unwrap()).unwrap();
    let example = example();
    let properties = |of: &str| schema["definitions"][of]["properties"].as_object().unwrap().clone();
    let native = properties("Build").into_iter();
    let native = native.filter(|(_, key)| key["description"].as_str().is_some_and(|said| said.starts_with("native: ")));
    let keys: Vec<String> = native
        .map(|(name, _)| name)
        .filter(|name| name != "container" && name != "bin")
        .collect();
    assert!(keys.len() > 12, "{keys:?}");
    let of_tables = ["Container", "Files", "HealthCheck"].map(|table| properties(table).into_iter().map(|(name, _)| name));
    for key in keys.into_iter().chain(of_tables.into_iter().flatten()) {
        assert!(
            example.contains(&format!("{key} = ")),
            "`{key}` is not in the example of docs/images.md"
        );
    }
}

#[test]
fn the_example_of_the_page_is_built() {
    let place = Sample::new();
    let root = workspace(&place.path("."));
    // The base, and what is built for, are of the reader's own.
    let of_the_reader = ["base = ", "targets = ", "link = ", "linker = "];
    let lines: Vec<String> = example()
        .lines()
        .filter(|line| !of_the_reader.iter().any(|key| line.starts_with(key)))
        .map(str::to_owned)
        .collect();
    let config = CONFIG.replace(
        "[build]\nusing = \"image\"\nimage = \"oci:built\"\n",
        &format!("{}\n", lines.join("\n")),
    );
    std::fs::write(root.join("portcullis.toml"), config).unwrap();
    std::fs::copy(place.path("policy.toml"), root.join("policy.toml")).unwrap();
    std::fs::create_dir(root.join("feed")).unwrap();
    let output = run(&root, &["gate", "--until", "build", "--offline"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    let layout = OciLayout::open(root.join("target/portcullis/image")).unwrap();
    let image = layout
        .platforms(&layout.find(None).unwrap(), &portcullis::io::limits::Limits::default())
        .unwrap();
    let config = &image[0].config;
    assert_eq!(
        (config.entrypoint.as_slice(), config.cmd.as_slice()),
        (&["/app/pay".to_owned()][..], &["serve".to_owned()][..])
    );
    assert_eq!(
        config.env,
        [
            "PORT=8080",
            "PATH=/app",
            "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt",
            "LOG=info"
        ]
    );
    assert_eq!(config.healthcheck.as_deref().unwrap(), ["CMD", "/app/pay", "health"]);
    assert_eq!(image[0].layers.len(), 3);
}
