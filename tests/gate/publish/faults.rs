//! What happens to a publication, and to a pull, when registries, networks and disks fail.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::Method;
use portcullis::io::oci_layout::OciLayout;
use portcullis::io::registry::{Access, Content, Login, Logins, OnBytes, Options, Patience, Pushed, Registry, RegistryError};
use portcullis::io::secret::Secret;
use portcullis::io::{Effects, hash};
use portcullis::model::exit_kind::ExitKind;
use portcullis::model::plan::{Destination, KeySource};
use portcullis::stage::publish::PublishError;

use crate::support::faults::{Fault as Broken, FaultyProxy};
use crate::support::images::COMMIT;
use crate::support::ports::free_address;
use crate::support::publishing::{Workplace, registry};
use crate::support::registry::RunningRegistry;

const QUICK: Options = Options {
    access: Access::Write,
    plain_http: false,
    patience: Patience {
        attempts: 4,
        first: Duration::from_millis(10),
        longest: Duration::from_secs(5),
        in_all: Duration::from_secs(20),
    },
};

async fn proxied() -> Option<(RunningRegistry, FaultyProxy, Workplace)> {
    let running = RunningRegistry::docker()?;
    let proxy = FaultyProxy::start(running.address).await;
    Some((running, proxy, Workplace::new()))
}

fn quiet() -> OnBytes {
    Arc::new(|_| {})
}

#[tokio::test]
async fn a_registry_that_fails_for_a_while_is_asked_again() {
    let Some((_running, proxy, place)) = proxied().await else { return };
    proxy.on(Method::HEAD, "/manifests/", 1, Broken::Status(503));
    proxy.on(Method::POST, "/blobs/uploads/", 2, Broken::Status(500));
    proxy.on(Method::PUT, "/blobs/uploads/", 1, Broken::Status(502));
    proxy.on(Method::PUT, "/manifests/", 1, Broken::Reset);
    proxy.on(Method::GET, "/manifests/", 1, Broken::Truncate);
    let image = place.image();
    let (attested, _) = place
        .publish(&image, &place.plan(registry(proxy.repository("payments"))))
        .await
        .unwrap();
    place.verify(attested.image()).await.unwrap();
}

#[tokio::test]
async fn a_registry_that_asks_for_a_pause_gets_it() {
    let Some((_running, proxy, place)) = proxied().await else { return };
    let client = Registry::open(&proxy.repository("payments"), QUICK, &place.effects).unwrap();
    proxy.on(Method::HEAD, "/manifests/", 1, Broken::TooMany(1));
    let start = Instant::now();
    assert_eq!(client.tag("v1").await.unwrap(), None);
    assert!(start.elapsed() >= Duration::from_secs(1), "{:?}", start.elapsed());
    assert_eq!(client.requests(), 2);
}

#[tokio::test]
async fn a_registry_that_asks_for_more_than_the_time_left_is_given_up_at_once_and_says_so() {
    let Some((_running, proxy, place)) = proxied().await else { return };
    let client = Registry::open(&proxy.repository("payments"), QUICK, &place.effects).unwrap();
    proxy.on(Method::HEAD, "/manifests/", 99, Broken::TooMany(86_400));
    let start = Instant::now();
    let error = client.tag("v1").await.unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!((error.exit_kind(), client.requests()), (ExitKind::Unreachable, 1));
    assert!(error.to_string().contains("asks to wait for 86400 s"), "{error}");
}

#[tokio::test]
async fn a_registry_that_keeps_failing_ends_the_run_as_unreachable_and_says_what_it_said() {
    let Some((_running, proxy, place)) = proxied().await else { return };
    let client = Registry::open(&proxy.repository("payments"), QUICK, &place.effects).unwrap();
    proxy.on(Method::HEAD, "/manifests/", 99, Broken::Status(503));
    let error = client.tag("v1").await.unwrap_err();
    assert_eq!(error.exit_kind(), ExitKind::Unreachable);
    assert!(
        error.to_string().contains("503") && error.to_string().contains("4 attempts"),
        "{error}"
    );
}

#[tokio::test]
async fn a_registry_that_is_down_ends_the_run_as_unreachable() {
    let place = Workplace::new();
    let plan = place.plan(registry(format!("{}/payments", free_address())));
    let error = place.publish(&place.image(), &plan).await.unwrap_err();
    assert_eq!(error.exit_kind(), ExitKind::Unreachable, "{error:?}");
}

#[tokio::test]
async fn a_manifest_with_other_bytes_is_not_believed() {
    let Some((_running, proxy, place)) = proxied().await else { return };
    let image = place.image();
    proxy.on(Method::GET, &format!("/manifests/{}", image.digest), 99, Broken::Corrupt);
    let plan = place.plan(registry(proxy.repository("payments")));
    let error = place.publish(&image, &plan).await.unwrap_err();
    assert!(
        matches!(error, PublishError::Registry(RegistryError::WrongDigest { expected, .. }) if expected == image.digest),
        "{error}"
    );
    assert_eq!(error.exit_kind(), ExitKind::Undecidable);
    assert!(!place.path("out/verdict.dsse.json").exists(), "nothing was attested");
}

#[tokio::test]
async fn a_blob_is_pulled_to_its_end_or_not_at_all() {
    let Some((_running, proxy, place)) = proxied().await else { return };
    let client = Registry::open(&proxy.repository("payments"), QUICK, &place.effects).unwrap();
    let content = Bytes::from(vec![5; 3_000_000]);
    let (digest, size) = (hash::sha256(&content), content.len() as u64);
    client
        .push_blob(&digest, size, &Content::Bytes(content.clone()), None, &quiet())
        .await
        .unwrap();
    let pull = || client.blob(&digest, size, size);

    proxy.on(Method::GET, "/blobs/", 2, Broken::Truncate);
    proxy.seen();
    assert_eq!(pull().await.unwrap(), content, "it goes on where it was cut off");
    assert_eq!(proxy.seen().len(), 3);

    proxy.on(Method::GET, "/blobs/", 99, Broken::Truncate);
    assert!(matches!(pull().await, Err(RegistryError::Unreachable { .. })));
    proxy.clear();

    proxy.on(Method::GET, "/blobs/", 1, Broken::Corrupt);
    let error = pull().await.unwrap_err();
    assert!(
        matches!(error, RegistryError::WrongDigest { .. }) && error.exit_kind() == ExitKind::Undecidable,
        "{error}"
    );

    for other in [Bytes::from(vec![5; 10]), Bytes::from(vec![5; 3_000_001])] {
        proxy.on(Method::GET, "/blobs/", 1, Broken::Replace(other));
        assert!(matches!(pull().await, Err(RegistryError::WrongSize { .. })));
    }
    let missing = hash::sha256(b"nobody has this");
    assert!(matches!(client.blob(&missing, 1, 1).await, Err(RegistryError::Missing { .. })));
    assert!(matches!(
        client.blob(&digest, size, 1000).await,
        Err(RegistryError::TooLarge { .. })
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_is_read_by_code_that_blocks() {
    let Some((_running, proxy, place)) = proxied().await else { return };
    let client = Registry::open(&proxy.repository("payments"), QUICK, &place.effects).unwrap();
    let content = Bytes::from(vec![9; 2_000_000]);
    let (digest, size) = (hash::sha256(&content), content.len() as u64);
    client
        .push_blob(&digest, size, &Content::Bytes(content.clone()), None, &quiet())
        .await
        .unwrap();
    let mut reader = client
        .pull_blob(&digest, size)
        .await
        .unwrap()
        .into_reader(tokio::runtime::Handle::current());
    let read = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut reader, &mut bytes).map(|_| bytes)
    });
    assert_eq!(read.await.unwrap().unwrap(), content);
}

#[tokio::test]
async fn an_upload_that_breaks_goes_on_in_chunks() {
    const MIB: usize = 1024 * 1024;
    let Some((_running, proxy, place)) = proxied().await else { return };
    let client = Registry::open(&proxy.repository("payments"), QUICK, &place.effects).unwrap();
    let content: Vec<u8> = (0..40 * MIB).map(|at| (at / 1000) as u8).collect();
    let file = place.path("blob");
    std::fs::write(&file, &content).unwrap();
    let digest = hash::sha256(&content);
    // The first attempt, all in one, breaks; then the second chunk.
    proxy.on(Method::PUT, "/blobs/uploads/", 1, Broken::Reset);
    proxy.on_nth(Method::PATCH, "/blobs/uploads/", 2, Broken::Reset);
    let pushed = client
        .push_blob(&digest, content.len() as u64, &Content::File(file), None, &quiet())
        .await
        .unwrap();
    assert_eq!(pushed, Pushed::Sent);
    assert_eq!(client.blob_size(&digest).await.unwrap(), Some(content.len() as u64));
    let patches: Vec<usize> = proxy
        .seen()
        .iter()
        .filter(|s| s.method == Method::PATCH)
        .map(|s| s.body_bytes)
        .collect();
    // Fourteen chunks, and the second of them twice.
    assert_eq!(patches, [vec![3 * MIB; 14], vec![MIB]].concat());
}

#[tokio::test]
async fn a_blob_is_mounted_from_another_repository_where_that_is_allowed() {
    let Some((running, proxy, place)) = proxied().await else { return };
    let from = Registry::open(&running.repository("base"), QUICK, &place.effects).unwrap();
    let content = Content::Bytes(Bytes::from_static(b"a layer of the base image"));
    let (digest, size) = (hash::sha256(b"a layer of the base image"), 25);
    from.push_blob(&digest, size, &content, None, &quiet()).await.unwrap();
    let from = portcullis::io::registry::Repository::parse(&proxy.repository("base")).unwrap();
    let to = Registry::open(&proxy.repository("payments"), QUICK, &place.effects).unwrap();
    let pushed = to.push_blob(&digest, size, &content, Some(&from), &quiet()).await.unwrap();
    assert_eq!(pushed, Pushed::Mounted);
    assert!(proxy.seen().iter().all(|s| s.body_bytes == 0));
    assert_eq!(to.blob_size(&digest).await.unwrap(), Some(size));
    // Nothing there to mount: it is sent, not an error.
    let other = Content::Bytes(Bytes::from_static(b"x"));
    let pushed = to.push_blob(&hash::sha256(b"x"), 1, &other, Some(&from), &quiet()).await.unwrap();
    assert_eq!(pushed, Pushed::Sent);
}

fn with_login(place: &Workplace, host: &str, user: &str, password: &str) -> Effects {
    let login = Login::Password {
        user: user.to_owned(),
        password: Secret::new(password),
    };
    Effects {
        logins: Arc::new(Logins::anonymous().with(host, login)),
        ..place.effects.clone()
    }
}

#[tokio::test]
async fn a_password_opens_a_registry_with_basic_authentication() {
    let Some(running) = RunningRegistry::docker_with_password() else {
        return;
    };
    let mut place = Workplace::new();
    let image = place.image();
    let plan = place.plan(registry(running.repository("payments")));
    let host = running.address.to_string();

    let error = place.publish(&image, &plan).await.unwrap_err();
    assert!(error.to_string().contains("anonymous user"), "{error}");
    assert_eq!(error.exit_kind(), ExitKind::Usage);

    place.effects = with_login(&place, &host, "robot", "open-sesame");
    let error = place.publish(&image, &plan).await.unwrap_err();
    assert!(error.to_string().contains("user robot"), "{error}");
    assert!(!format!("{error:?}").contains("open-sesame"));

    place.effects = with_login(&place, &host, "robot", "sesame");
    place.publish(&image, &plan).await.unwrap();
}

#[tokio::test]
async fn a_token_is_fetched_once_and_again_when_it_has_expired() {
    let Some((_running, proxy, mut place)) = proxied().await else {
        return;
    };
    proxy.guard("Basic cm9ib3Q6c2VzYW1l");
    place.effects = with_login(&place, &proxy.address.to_string(), "robot", "sesame");
    let image = place.image();
    let plan = place.plan(registry(proxy.repository("payments")));
    place.publish(&image, &plan).await.unwrap();
    let tokens = proxy.seen().iter().filter(|s| s.path.starts_with("/token")).count();
    assert_eq!(tokens, 1);

    let client = Registry::open(&proxy.repository("payments"), QUICK, &place.effects).unwrap();
    assert_eq!(client.tag(COMMIT).await.unwrap(), Some(image.digest));
    proxy.expire_tokens();
    assert_eq!(client.tag(COMMIT).await.unwrap(), Some(image.digest));

    place.effects.logins = Arc::new(Logins::anonymous());
    let error = place.publish(&image, &plan).await.unwrap_err();
    assert!(matches!(error, PublishError::Registry(RegistryError::Denied { .. })), "{error}");
}

#[tokio::test]
async fn plain_http_is_for_loopback_unless_it_is_named() {
    // An address of documentation, which nobody answers: the scheme shows in the error.
    let place = Workplace::new();
    let open = |plain_http| Registry::open("192.0.2.1:9/a", Options { plain_http, ..QUICK }, &place.effects).unwrap();
    let hurried = |client: Registry| async move { tokio::time::timeout(Duration::from_millis(50), client.tag("v1")).await };
    for (plain_http, scheme) in [(false, "https://"), (true, "http://")] {
        // Most machines drop the packets, some refuse: both are fine, neither may reach anything.
        if let Ok(answer) = hurried(open(plain_http)).await {
            assert!(answer.unwrap_err().to_string().contains(scheme));
        }
    }
    let offline = Effects {
        offline: true,
        ..place.effects.clone()
    };
    let error = Registry::open("ghcr.io/acme/payments", QUICK, &offline).map(|_| ()).unwrap_err();
    assert_eq!(error.exit_kind(), ExitKind::Usage);
}

#[tokio::test]
async fn a_run_that_is_cancelled_stops_between_requests() {
    let Some((_running, proxy, place)) = proxied().await else { return };
    place.effects.cancelled.store(true, std::sync::atomic::Ordering::Relaxed);
    let plan = place.plan(registry(proxy.repository("payments")));
    let error = place.publish(&place.image(), &plan).await.unwrap_err();
    assert_eq!(error.exit_kind(), ExitKind::Interrupted);
    assert!(proxy.seen().is_empty());
}

#[tokio::test]
async fn a_layer_that_was_damaged_after_the_build_is_not_published() {
    let place = Workplace::new();
    let image = place.image();
    let source = OciLayout::open(&image.layout).unwrap();
    std::fs::write(source.blob_path(&hash::sha256(b"one layer")), b"0ne layer").unwrap();
    let plan = place.plan(Destination::OciLayout(place.path("registry")));
    let error = place.publish(&image, &plan).await.unwrap_err();
    assert_eq!(error.exit_kind(), ExitKind::Undecidable);
    let target = OciLayout::open(place.path("registry")).unwrap();
    assert!(target.index().unwrap().is_empty(), "nothing was tagged");

    let Some(running) = RunningRegistry::docker() else { return };
    let error = place
        .publish(&image, &place.plan(registry(running.repository("payments"))))
        .await
        .unwrap_err();
    assert_eq!(error.exit_kind(), ExitKind::Undecidable);
    let client = Registry::open(&running.repository("payments"), QUICK, &place.effects).unwrap();
    assert_eq!(client.tag(COMMIT).await.unwrap(), None);
}

#[tokio::test]
async fn a_key_that_cannot_be_used_stops_the_publication_before_anything_is_sent() {
    let place = Workplace::new();
    let mut plan = place.plan(Destination::OciLayout(place.path("registry")));
    std::fs::write(
        place.path("bad.key"),
        "-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n-----END PRIVATE KEY-----\n",
    )
    .unwrap();
    for key in [KeySource::File(place.path("bad.key")), KeySource::Env("NOT_SET".to_owned())] {
        plan.key = Some(key);
        let error = place.publish(&place.image(), &plan).await.unwrap_err();
        assert_eq!(error.exit_kind(), ExitKind::Usage, "{error}");
        assert!(!place.path("registry").exists());
    }
}

/// A folder on a disk of 200 kB.
pub(crate) struct TinyDisk<'a>(&'a std::path::Path);

impl<'a> TinyDisk<'a> {
    pub(crate) fn mount(folder: &'a std::path::Path) -> Option<Self> {
        std::fs::create_dir_all(folder).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=200k", "tmpfs"])
            .arg(folder)
            .output()
            .is_ok_and(|output| output.status.success());
        if !mounted {
            println!("skipped: a full disk (mounting a tmpfs needs root)");
        }
        mounted.then_some(Self(folder))
    }
}

impl Drop for TinyDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).output();
    }
}

#[tokio::test]
async fn a_full_disk_leaves_no_tag_and_says_so() {
    let place = Workplace::new();
    let folder = place.path("registry");
    let Some(_disk) = TinyDisk::mount(&folder) else { return };
    let error = place
        .publish(&place.image(), &place.plan(Destination::OciLayout(folder.clone())))
        .await
        .unwrap_err();
    let report = format!("{:?}", miette::Report::new(error));
    let said = report.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
    assert!(said.contains("the disk of the repository is full"), "{report}");
    assert!(said.contains("[image] repository") && !said.contains("--output"), "{report}");
    assert!(OciLayout::open(&folder).unwrap().index().unwrap().is_empty());
    let left = std::fs::read_dir(folder.join("blobs/sha256")).unwrap();
    assert!(
        left.map(|f| f.unwrap().file_name())
            .all(|name| !name.to_string_lossy().starts_with('.')),
        "no half file is left"
    );
}
