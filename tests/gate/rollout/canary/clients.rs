//! A client stays with the version that it has met.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use portcullis::model::plan::{CanaryPlan, Sticky};
use portcullis::stage::rollout;

use super::rig::{quick, world};
use crate::rollout::roles;
use crate::rollout::world::commit;

/// Version and cookie of an answer.
fn version_with(address: SocketAddr, header: &str) -> (bool, Option<String>) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .write_all(format!("GET /version HTTP/1.1\r\nhost: shop\r\n{header}connection: close\r\n\r\n").as_bytes())
        .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let cookie = text.lines().find_map(|line| line.strip_prefix("set-cookie: ")).map(|cookie| {
        let pair = cookie.split(';').next().unwrap();
        pair.to_owned()
    });
    (text.contains(&commit('b')), cookie)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_stays_with_its_version_by_cookie_and_by_header() {
    for sticky in [Sticky::Cookie("shop-lot".to_owned()), Sticky::Header("x-user".to_owned())] {
        let world = world(CanaryPlan {
            time: Duration::from_secs(60),
            sticky: sticky.clone(),
            ..quick()
        })
        .await;
        let effects = world.effects();
        let cancelled = Arc::clone(&effects.cancelled);
        let (plan, new, listen) = (world.plan.clone(), world.good('b'), world.listen());
        let running = tokio::spawn(async move { rollout::rollout(&new, &plan, &effects).await.unwrap() });
        roles::come_to("\"operation\":\"weigh\",\"detail\"", &world, &running).await;
        let clients = tokio::task::spawn_blocking(move || {
            let mut met = 0;
            for client in 0..24 {
                let (header, first) = match &sticky {
                    Sticky::Header(name) => {
                        let header = format!("{name}: user-{client}\r\n");
                        let (first, cookie) = version_with(listen, &header);
                        assert_eq!(cookie, None);
                        (header, first)
                    }
                    Sticky::Cookie(_) | Sticky::None => {
                        let (first, cookie) = version_with(listen, "");
                        let cookie = cookie.expect("it is told its lot");
                        assert!(cookie.starts_with("shop-lot="), "{cookie}");
                        (format!("cookie: {cookie}\r\n"), first)
                    }
                };
                for _ in 0..6 {
                    assert_eq!(version_with(listen, &header), (first, None), "client {client}");
                }
                met += usize::from(first);
            }
            met
        });
        let met = clients.await.unwrap();
        assert!((1..24).contains(&met), "both versions are met: {met} of 24");
        cancelled.store(true, std::sync::atomic::Ordering::SeqCst);
        running.await.unwrap();
    }
}
