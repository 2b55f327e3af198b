//! What the switch counts, as Prometheus reads it: on the control socket alone.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::service::Behaviour;
use super::world::World;

/// The whole answer to a GET over the control socket of a state folder.
pub(crate) fn asked(state: &Path, path: &str) -> String {
    let mut stream = UnixStream::connect(state.join("control")).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: switch\r\naccept: */*\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// The values of a page by name and labels; every line must be one of the format. Source: Prometheus' text format, 0.0.4.
fn parsed(page: &str) -> BTreeMap<String, f64> {
    let mut families = BTreeMap::new();
    let mut values = BTreeMap::new();
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert_eq!(families.insert(name.to_owned(), kind), None, "told twice: {line}");
        } else if !line.starts_with("# HELP ") {
            let (key, value) = line.rsplit_once(' ').unwrap();
            let name = key.split('{').next().unwrap();
            let family = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|end| name.strip_suffix(end).filter(|name| families.get(*name) == Some(&"histogram")))
                .unwrap_or(name);
            assert!(families.contains_key(family), "its type is told before: {line}");
            assert_eq!(values.insert(key.to_owned(), value.parse().unwrap()), None, "told twice: {line}");
        }
    }
    values
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_parse_and_agree_with_what_was_asked_and_stand_on_no_public_address() {
    let world = World::new();
    let release = world.release(
        'a',
        Behaviour {
            slow_ms: 3,
            ..Behaviour::default()
        },
    );
    world.rollout(&release).await;
    world.until_in_flight(0).await;
    let before = parsed(asked(&world.state(), "/metrics").split_once("\r\n\r\n").unwrap().1);
    for _ in 0..7 {
        world.get("/version").await.unwrap();
        world.get("/nothing").await.unwrap();
    }
    // The last one is counted a moment after its answer has come.
    world.until_in_flight(0).await;
    let answer = asked(&world.state(), "/metrics");
    let (head, page) = answer.split_once("\r\n\r\n").unwrap();
    assert!(
        head.starts_with("HTTP/1.1 200") && head.contains("text/plain; version=0.0.4"),
        "{head}"
    );
    let after = parsed(page);
    let grew = |part: &str| -> f64 {
        let all =
            |values: &BTreeMap<String, f64>| -> f64 { values.iter().filter(|(key, _)| key.contains(part)).map(|(_, value)| value).sum() };
        all(&after) - all(&before)
    };
    assert_eq!((grew("code=\"2xx\""), grew("code=\"4xx\""), grew("code=\"5xx\"")), (7.0, 7.0, 0.0));
    assert_eq!(grew("duration_seconds_count"), 14.0);
    let digest = release.digest().to_string();
    assert!(
        after
            .keys()
            .any(|key| key.starts_with("portcullis_switch_share{") && key.contains(&digest)),
        "{page}"
    );
    // Each answer took 3 ms at least, and buckets only grow.
    assert_eq!(grew("le=\"0.002\""), 0.0, "{page}");
    let buckets: Vec<f64> = page
        .lines()
        .filter(|line| line.contains("_bucket{"))
        .map(|line| line.rsplit_once(' ').unwrap().1.parse().unwrap())
        .collect();
    assert!(buckets.len() > 10 && buckets.is_sorted(), "{buckets:?}");
    // The service answers there, and knows no such path.
    assert_eq!(world.get("/metrics").await.unwrap().0, 404);
    assert!(asked(&world.state(), "/other").starts_with("HTTP/1.1 404"));
}
