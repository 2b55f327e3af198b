//! What can still be told of a record that could not be read: the packages that it names.

use serde_json::Value;

/// At most so many names are kept of one broken record.
const MOST_NAMES: usize = 64;

/// The package names in a broken record, sorted: from `affected[].package.name` where it is JSON at all, else every string after a `"name"` key.
pub(super) fn names(bytes: &[u8]) -> Vec<String> {
    let mut names = match serde_json::from_slice::<Value>(bytes) {
        Ok(value) => names_in(&value),
        Err(_) => names_near_keys(&String::from_utf8_lossy(bytes)),
    };
    names.sort();
    names.dedup();
    names.truncate(MOST_NAMES);
    names
}

fn names_in(value: &Value) -> Vec<String> {
    let packages = match value.get("affected") {
        Some(Value::Array(list)) => list.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    packages
        .into_iter()
        .filter_map(|affected| affected.get("package").unwrap_or(affected).get("name")?.as_str())
        .map(str::to_owned)
        .collect()
}

fn names_near_keys(text: &str) -> Vec<String> {
    text.match_indices("\"name\"")
        .filter_map(|(at, key)| {
            let rest = text[at + key.len()..]
                .trim_start()
                .strip_prefix(':')?
                .trim_start()
                .strip_prefix('"')?;
            let name = rest.split('"').next()?;
            (!name.is_empty() && name.len() <= 214).then(|| name.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_the_wrong_shape_still_names_its_packages() {
        let bytes = br#"{"id": 3, "affected": [{"package": {"name": "b"}}, {"package": {"name": "a"}}]}"#;
        assert_eq!(names(bytes), ["a", "b"]);
    }

    #[test]
    fn a_cut_record_still_names_its_packages() {
        assert_eq!(
            names(br#"{"affected":[{"package":{"ecosystem":"npm", "name" : "left-pad"},"ranges":[{"ty"#),
            ["left-pad"]
        );
        assert!(names(b"\xff\xfe").is_empty());
    }
}
