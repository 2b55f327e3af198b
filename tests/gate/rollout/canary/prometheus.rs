//! A query of Prometheus as a budget.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

use portcullis::model::canary::StepVerdict;
use portcullis::model::outcome::RolloutResult;
use portcullis::model::plan::{CanaryPlan, MetricPlan};

use super::rig::{came_back, quick, under_load, world};
use crate::rollout::says;
use crate::rollout::service::Behaviour;

/// A stand-in for Prometheus that gives this result; and the queries that it was asked.
fn prometheus(result: &'static str) -> (String, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (asked, queries) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut line = String::new();
            let _ = BufReader::new(stream.try_clone().unwrap()).read_line(&mut line);
            let body = format!("{{\"status\":\"success\",\"data\":{{\"resultType\":\"vector\",\"result\":{result}}}}}");
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            if asked.send(line).is_err() {
                return;
            }
        }
    });
    (url, queries)
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_decides_too_and_no_data_is_no_pass() {
    const GOOD: &str = r#"[{"metric":{},"value":[1.0,"0.2"]}]"#;
    const BAD: &str = r#"[{"metric":{},"value":[1.0,"0.9"]}]"#;
    for (result, wanted) in [
        (GOOD, StepVerdict::Passed),
        (BAD, StepVerdict::Failed),
        ("[]", StepVerdict::Unknown),
    ] {
        let (url, queries) = prometheus(result);
        let world = world(CanaryPlan {
            metric: Some(MetricPlan {
                url,
                query: "errors{digest=\"{digest}\"}".to_owned(),
                max: Some(0.5),
                min: None,
            }),
            ..quick()
        })
        .await;
        let (report, tally) = under_load(&world, Behaviour::default()).await;
        assert_eq!(tally.lost(), Vec::<String>::new(), "{}", tally.line());
        let asked = queries.recv().unwrap();
        let digest = world.opened('b').digest().hex();
        assert!(
            asked.starts_with("GET /api/v1/query?query=errors%7B") && asked.contains(&digest),
            "{asked}"
        );
        match wanted {
            StepVerdict::Passed => {
                assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
                assert_eq!(report.canary[0].metric, Some(0.2));
            }
            wanted => {
                came_back(&world, &report, wanted).await;
                says(report.reason, "Prometheus");
            }
        }
    }
    // Nobody there is no data either.
    let world = world(CanaryPlan {
        metric: Some(MetricPlan {
            url: "http://127.0.0.1:9".to_owned(),
            query: "up".to_owned(),
            max: None,
            min: Some(1.0),
        }),
        ..quick()
    })
    .await;
    let (report, _) = under_load(&world, Behaviour::default()).await;
    came_back(&world, &report, StepVerdict::Unknown).await;
}
