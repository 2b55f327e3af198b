//! One number from Prometheus. Source: its HTTP API, `/api/v1/query`.

use std::time::Duration;

use serde::Deserialize;

use crate::model::plan::MetricPlan;
use crate::model::visible::shortened;
use crate::stage::rollout::query::encoded;
use crate::stage::rollout::release::Deployed;
use crate::stage::rollout::verifier::get;

/// What a query gave.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reading {
    Value(f64),
    /// No answer, no data, several values, or one that is no number.
    Unknown(String),
}

/// Asks. Whatever goes wrong is unknown.
pub(super) async fn ask(metric: &MetricPlan, of: &Deployed, limit: Duration) -> Reading {
    let query = metric
        .query
        .replace("{run}", &of.run)
        .replace("{digest}", &of.release.digest.to_string())
        .replace("{commit}", of.release.commit.as_deref().unwrap_or_default());
    let url = format!("{}/api/v1/query?query={}", metric.url.trim_end_matches('/'), encoded(&query));
    match get(&url, None, limit).await {
        Ok(answer) => read(answer.status, &answer.body).map_or_else(Reading::Unknown, Reading::Value),
        Err(trouble) => Reading::Unknown(trouble),
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    data: Data,
    #[serde(default)]
    error: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Data {
    #[serde(rename = "resultType")]
    kind: String,
    result: serde_json::Value,
}

fn read(status: u16, body: &[u8]) -> Result<f64, String> {
    let answer: Answer = serde_json::from_slice(body).map_err(|error| format!("status {status}, and the answer is no JSON: {error}"))?;
    if status != 200 {
        return Err(format!("status {status}: {}", shortened(&answer.error, 120)));
    }
    let result = &answer.data.result;
    let value = match (answer.data.kind.as_str(), result.as_array().map(Vec::as_slice)) {
        ("scalar", Some([_, value])) => value,
        ("vector", Some([])) => return Err("it has no data for the query".to_owned()),
        ("vector", Some([one])) => &one["value"][1],
        ("vector", Some(several)) => return Err(format!("the query gives {} values, and one is expected", several.len())),
        (kind, _) => return Err(format!("the query gives a `{}`, and one number is expected", shortened(kind, 40))),
    };
    let text = value.as_str().unwrap_or_default();
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) | Err(_) => Err(format!("the query gives `{}`, which is no number", shortened(text, 40))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_is_read_and_everything_else_is_unknown() {
        let told = |kind: &str, result: &str| {
            let body = format!("{{\"status\":\"success\",\"data\":{{\"resultType\":\"{kind}\",\"result\":{result}}}}}");
            read(200, body.as_bytes())
        };
        let one = "{\"metric\":{},\"value\":[1435781451.781,\"0.25\"]}";
        assert_eq!(told("vector", &format!("[{one}]")), Ok(0.25));
        assert_eq!(told("scalar", "[1435781451.781,\"3\"]"), Ok(3.0));
        assert!(told("vector", "[]").is_err_and(|reason| reason.contains("no data")));
        assert!(told("vector", &format!("[{one},{one}]")).is_err());
        assert!(told("vector", &format!("[{}]", one.replace("0.25", "NaN"))).is_err());
        assert!(told("matrix", "[]").is_err());
        assert!(read(400, br#"{"status":"error","error":"parse error"}"#).is_err_and(|reason| reason.contains("parse error")));
        assert!(read(200, b"<html>").is_err());
    }
}
