//! How native images are run and what they say of themselves.

use std::collections::BTreeMap;
use std::time::Duration;

use portcullis::io::oci_layout::OciLayout;
use portcullis::model::plan::{HealthCheck, ImageSettings, NativeBuild};

use crate::build::crates::{attempt, pay, workspace};
use crate::build::targets::loader_base;

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
