//! The switch by itself: other protocols, a dead instance, an image from a registry.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use bytes::Bytes;
use portcullis::io::oci_layout::{Manifest, OciLayout};
use portcullis::io::registry::{Access, Content, Options, Registry};
use portcullis::model::image_ref::ImageRef;
use portcullis::model::outcome::RolloutResult;
use portcullis::stage::publish::Attested;

use super::service::Behaviour;
use super::world::{LONG, World, commit, until};
use crate::support::registry::RunningRegistry;

fn connection(world: &World) -> TcpStream {
    let stream = TcpStream::connect(world.listen()).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream
}

fn read_until(stream: &mut TcpStream, end: &[u8]) -> String {
    let mut text = Vec::new();
    let mut byte = [0u8];
    while !text.ends_with(end) {
        stream.read_exact(&mut byte).unwrap();
        text.push(byte[0]);
    }
    String::from_utf8(text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgraded_connection_is_carried_both_ways_and_counts_as_in_flight() {
    let world = World::new();
    world.rollout(&world.good('a')).await;
    let mut stream = connection(&world);
    stream
        .write_all(b"GET /upgrade HTTP/1.1\r\nhost: shop\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n")
        .unwrap();
    let head = read_until(&mut stream, b"\r\n\r\n").to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 101") && head.contains("upgrade: echo"), "{head}");
    stream.write_all(b"ping\n").unwrap();
    assert_eq!(read_until(&mut stream, b"\n"), "ping\n");
    assert_eq!(world.status().await.traffic[0].in_flight, 1);
    drop(stream);
    world.until_in_flight(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn server_sent_events_pass_as_they_come_stay_with_their_version_and_are_cut_when_the_drain_is_over() {
    let mut world = World::new();
    world.rollout(&world.good('a')).await;
    world.plan.waits.drain = Duration::from_secs(1);
    let mut stream = connection(&world);
    stream.write_all(b"GET /events HTTP/1.1\r\nhost: shop\r\n\r\n").unwrap();
    let head = read_until(&mut stream, b"\r\n\r\n").to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 200") && head.contains("text/event-stream"), "{head}");
    let listener = std::thread::spawn(move || {
        let (mut text, mut reads) = (Vec::new(), 0);
        let mut bytes = [0u8; 4096];
        while let Ok(count) = stream.read(&mut bytes)
            && count > 0
        {
            text.extend_from_slice(&bytes[..count]);
            reads += 1;
        }
        let text = String::from_utf8(text).unwrap();
        let events: Vec<String> = text
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .map(str::to_owned)
            .collect();
        (events, reads)
    });
    let report = world.rollout(&world.good('b')).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    assert_eq!(
        report.cut_requests,
        Some(1),
        "the stream was under way when the old version stopped"
    );
    let (events, reads) = listener.join().unwrap();
    // All from the version that it began with, one each 50 ms, and as they were sent: what is kept back comes many at once.
    assert!(events.iter().all(|event| *event == commit('a')), "{events:?}");
    assert!(
        events.len() >= 10 && reads * 5 >= events.len(),
        "{} events in {reads} parts",
        events.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_with_prior_knowledge_is_refused_with_what_to_do_and_no_instance_gets_its_bytes() {
    let world = World::new();
    world.rollout(&world.good('a')).await;
    let mut stream = connection(&world);
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 505") && text.contains("tcp = \"HOST:PORT\""), "{text}");
    assert!(!text.contains(&commit('a')), "{text}");
    // The control.
    assert!(world.get("/version").await.unwrap().1.contains(&commit('a')));
}

#[tokio::test(flavor = "multi_thread")]
async fn hop_by_hop_headers_end_at_the_switch() {
    let world = World::new();
    world.rollout(&world.good('a')).await;
    let mut stream = connection(&world);
    // `x-request-id` is named as a header of this hop: the service must not see it and so cannot repeat it.
    stream
        .write_all(b"GET /version HTTP/1.1\r\nhost: shop\r\nconnection: x-request-id, close\r\nx-request-id: secret\r\n\r\n")
        .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200") && !text.contains("secret"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_forgot_its_routes_gets_the_last_known_good_back() {
    let world = World::new();
    world.rollout(&world.good('a')).await;
    world.kill_switch();
    std::fs::write(world.state().join("switch.json"), b"{\"token\":0,\"front\":null,\"standby\":null}").unwrap();
    let report = world.rollout(&world.release('b', Behaviour::exiting())).await;
    // The rollback puts the last known good back in front, although the switch had forgotten it.
    assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
    assert_eq!(world.get("/version").await.unwrap().0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_dies_is_started_again_by_the_switch() {
    let world = World::new();
    let release = world.good('a');
    world.rollout(&release).await;
    world.kill_instances();
    until("somebody has started it again", async || {
        matches!(world.get("/version").await, Ok((200, _)))
    })
    .await;
    let status = world.status().await;
    assert_eq!((status.restarts, status.instances.len()), (1, 1));
    let new = world.good('b');
    assert_eq!(world.rollout(&new).await.result, RolloutResult::Committed);
    assert_eq!(world.live().await, (Some(*new.digest()), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_in_a_registry_is_pulled_by_digest_and_rolled_out() {
    let Some(running) = RunningRegistry::docker() else { return };
    let world = World::new();
    let local = world.good('a');
    let repository = running.repository("acme/shop");
    let registry = Registry::open(&repository, Options::new(Access::Write, false), &world.effects()).unwrap();
    let layout = OciLayout::open(world.path().join("image-a")).unwrap();
    let bytes = layout.read_blob(local.digest(), 1 << 20).unwrap();
    let manifest = Manifest::parse(&layout.blob_path(local.digest()), &bytes).unwrap();
    for blob in manifest.layers.iter().chain([&manifest.config]) {
        let content = Content::File(layout.blob_path(&blob.digest));
        let on_bytes: portcullis::io::registry::OnBytes = std::sync::Arc::new(|_| {});
        registry
            .push_blob(&blob.digest, blob.size, &content, None, &on_bytes)
            .await
            .unwrap();
    }
    let media = "application/vnd.oci.image.manifest.v1+json";
    registry
        .put_manifest(&local.digest().to_string(), media, &Bytes::from(bytes))
        .await
        .unwrap();
    std::fs::remove_dir_all(world.path().join("image-a")).unwrap();
    let image = ImageRef::Registry {
        repository,
        digest: *local.digest(),
    };
    let attested = Attested::unverified(image, *local.digest(), "a test".to_owned());
    let report = world.rollout(&attested).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    assert_eq!(world.live().await, (Some(*local.digest()), 1));
}
