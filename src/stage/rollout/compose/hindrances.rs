//! What in a service of a Compose file stands against a second instance, or against any that Compose itself does not start.

use serde_json::{Map, Value};

use super::copied;

/// Why only one version can run at a time.
pub(super) fn alone(service: &Map<String, Value>, container_name: Option<&str>) -> Option<String> {
    if let Some(name) = container_name {
        return Some(format!("`container_name: {name}` belongs to one container at a time"));
    }
    let ports = service.get("ports").and_then(Value::as_array).into_iter().flatten();
    let published = ports.filter_map(|port| port.get("published")).find_map(|published| {
        let text = published.as_str().map_or_else(|| published.to_string(), ToOwned::to_owned);
        (!text.is_empty() && text != "0").then_some(text)
    });
    if let Some(port) = published {
        return Some(format!(
            "`ports` publishes {port} of this machine, which one container can have at a time"
        ));
    }
    let networks = service.get("networks").and_then(Value::as_object).into_iter().flatten();
    let mut fixed = networks.filter_map(|(_, network)| network.get("ipv4_address").or_else(|| network.get("ipv6_address")));
    fixed
        .next()
        .map(|address| format!("the network address {address} belongs to one container at a time"))
}

/// What is used in a service and cannot be done.
pub(super) fn unsupported(service: &Map<String, Value>, document: &Map<String, Value>) -> Option<String> {
    for name in ["network_mode", "pid", "ipc"] {
        let value = service.get(name).and_then(Value::as_str).unwrap_or_default();
        if value.starts_with("service:")
            || value.starts_with("container:")
            || (name == "network_mode" && !value.is_empty() && value != "bridge")
        {
            return Some(format!("`{name}: {value}` leaves the instance without an address of its own"));
        }
    }
    left_out(service, document)
}

/// What an instance or a job of the service would be without.
pub(super) fn left_out(service: &Map<String, Value>, document: &Map<String, Value>) -> Option<String> {
    if let Some(name) = ["volumes_from", "links"].into_iter().find(|name| service.contains_key(*name)) {
        return Some(format!("`{name}` ties the instance to other containers"));
    }
    let beside = ["post_start", "pre_stop", "provider", "models", "use_api_socket"];
    if let Some(name) = beside.into_iter().find(|name| service.contains_key(*name)) {
        return Some(format!(
            "`{name}` is what Compose itself does beside the container, and the engine does not"
        ));
    }
    for kind in ["configs", "secrets"] {
        let used = service.get(kind).and_then(Value::as_array).into_iter().flatten();
        for source in used.filter_map(|used| used.get("source")).filter_map(Value::as_str) {
            let defined = document.get(kind).and_then(|all| all.get(source));
            if defined.and_then(|one| one.get("external")).and_then(Value::as_bool) == Some(true) {
                return Some(format!("`{kind}: {source}` is external, which only a swarm has"));
            }
        }
    }
    let copied = copied::targets(service, document);
    let read_only = service.get("read_only").and_then(Value::as_bool) == Some(true);
    copied.first().filter(|_| read_only).map(|target| {
        format!(
            "`read_only: true`, so that nothing can be copied to {target} before it is started: only what is given by `file:` is mounted"
        )
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: &Value) -> Map<String, Value> {
        value.as_object().expect("an object").clone()
    }

    fn unsupported(service: &Value) -> Option<String> {
        let configs = json!({"inline": {"content": "x"}, "file": {"file": "/x"}, "external": {"external": true}});
        super::unsupported(&object(service), &object(&json!({"configs": configs})))
    }

    #[test]
    fn what_only_one_container_can_have_is_told_and_what_each_can_have_is_not() {
        let alone = |service: Value| {
            let service = object(&service);
            let name = service.get("container_name").and_then(Value::as_str);
            super::alone(&service, name)
        };
        assert!(alone(json!({"ports": [{"target": 80, "published": "8080"}]})).is_some_and(|why| why.contains("8080")));
        assert!(alone(json!({"container_name": "api"})).is_some_and(|why| why.contains("container_name")));
        assert!(alone(json!({"networks": {"default": {"ipv4_address": "10.0.0.2"}}})).is_some_and(|why| why.contains("10.0.0.2")));
        // The controls: any port of the machine, and none.
        assert_eq!(alone(json!({"ports": [{"target": 80}], "networks": {"default": null}})), None);
        assert_eq!(alone(json!({"expose": ["80"]})), None);
    }

    #[test]
    fn what_only_compose_or_a_swarm_does_is_refused_and_what_can_be_copied_or_mounted_is_not() {
        let used = |source: &str| unsupported(&json!({"configs": [{"source": source}]}));
        assert_eq!((used("inline"), used("file")), (None, None));
        assert!(used("external").is_some_and(|why| why.contains("swarm")));
        let read_only = |source: &str| unsupported(&json!({"read_only": true, "configs": [{"source": source}]}));
        assert!(read_only("inline").is_some_and(|why| why.contains("/inline")));
        assert_eq!(read_only("file"), None);
        assert!(unsupported(&json!({"network_mode": "host"})).is_some());
        for name in ["links", "post_start", "provider"] {
            assert!(unsupported(&json!({name: []})).is_some_and(|why| why.contains(name)));
        }
    }
}
