//! What Compose itself copies into a container before it starts it: the `configs` and `secrets` of a service that are no files of this machine,
//! but text of the Compose file (`content`) or a variable's value (`environment`). <https://docs.docker.com/reference/compose-file/configs/>

use std::collections::BTreeMap;
use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::excused::Excused as _;
use crate::stage::rollout::error::BoxError;

/// Readable by everybody in the container, as the Compose specification has it.
const MODE: u32 = 0o444;
/// Bytes of the longest file that is taken out of a container: what the engine lets a config or secret have, and more.
const LONGEST: u64 = 1 << 20;

/// Values of variables, by name; why they are not known, where they are not.
pub(super) type Values = Result<BTreeMap<String, String>, String>;

/// A file of a container. Kept with the specification of a run, so that what comes back has what it had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Copied {
    /// Absolute, in the container.
    target: String,
    mode: u32,
    uid: u64,
    gid: u64,
    /// Base64.
    content: String,
}

/// A use of a config or secret that is copied.
struct Used<'a> {
    source: &'a str,
    target: String,
    how: &'a Map<String, Value>,
    from: From<'a>,
}

enum From<'a> {
    Content(&'a str),
    Environment(&'a str),
}

fn used<'a>(service: &'a Map<String, Value>, document: &'a Map<String, Value>) -> Vec<Used<'a>> {
    let mut all = Vec::new();
    for (kind, folder) in [("configs", "/"), ("secrets", "/run/secrets/")] {
        let uses = service.get(kind).and_then(Value::as_array).into_iter().flatten();
        for how in uses.filter_map(Value::as_object) {
            let Some(source) = how.get("source").and_then(Value::as_str) else {
                continue;
            };
            let text = |name: &str| document.get(kind)?.get(source)?.get(name)?.as_str();
            let from = match (text("environment"), text("content")) {
                (Some(name), _) => From::Environment(name),
                (None, Some(content)) => From::Content(content),
                (None, None) => continue,
            };
            let target = how.get("target").and_then(Value::as_str).unwrap_or(source);
            all.push(Used {
                source,
                target: if target.starts_with('/') {
                    target.to_owned()
                } else {
                    format!("{folder}{target}")
                },
                how,
                from,
            });
        }
    }
    all
}

/// The variables whose values are copied into a service's containers.
pub(super) fn variables<'a>(service: &'a Map<String, Value>, document: &'a Map<String, Value>) -> impl Iterator<Item = &'a str> {
    used(service, document).into_iter().filter_map(|one| match one.from {
        From::Environment(name) => Some(name),
        From::Content(_) => None,
    })
}

/// Where something is copied to in a service's containers.
pub(super) fn targets(service: &Map<String, Value>, document: &Map<String, Value>) -> Vec<String> {
    used(service, document).into_iter().map(|one| one.target).collect()
}

/// What is copied into a service's containers.
///
/// # Errors
/// What is not known, in words.
pub(super) fn of(service: &Map<String, Value>, document: &Map<String, Value>, values: &Values) -> Result<Vec<Copied>, String> {
    let user = service.get("user").and_then(Value::as_str).unwrap_or_default();
    let (user, group) = user.split_once(':').unwrap_or((user, ""));
    let number = |text: &str| {
        text.parse::<u64>()
            .or_none("a name is the image's to know: root's then, and readable by all")
    };
    used(service, document)
        .into_iter()
        .map(|one| {
            let content = match one.from {
                // As `docker compose config` writes it.
                From::Content(content) => content.replace("$$", "$"),
                From::Environment(name) => {
                    let value = values.as_ref().map_err(Clone::clone)?.get(name);
                    value
                        .cloned()
                        .ok_or_else(|| format!("`{}` is of the variable {name}, which is not set", one.source))?
                }
            };
            let owner = |name: &str, of_user: &str| {
                let own = one.how.get(name).and_then(Value::as_str);
                own.map_or_else(|| number(of_user), number).unwrap_or(0)
            };
            let mode = match one.how.get("mode") {
                None => Some(MODE),
                Some(Value::String(octal)) => u32::from_str_radix(octal, 8).or_none("said below"),
                Some(mode) => mode.as_u64().and_then(|mode| u32::try_from(mode).or_none("said below")),
            };
            Ok(Copied {
                mode: mode.ok_or_else(|| format!("the mode of `{}` is none", one.source))?,
                uid: owner("uid", user),
                gid: owner("gid", group),
                content: STANDARD.encode(content),
                target: one.target,
            })
        })
        .collect()
}

/// Values as Compose fills them in: `x-portcullis` of what `docker compose config` gives for [`asking`].
pub(super) fn filled_in(document: &Value) -> BTreeMap<String, String> {
    let values = document.get(MARK).and_then(Value::as_object).into_iter().flatten();
    values
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.replace("$$", "$"))))
        .collect()
}

const MARK: &str = "x-portcullis";

/// A Compose file that asks for the values of variables, in all the places where Compose looks for them.
///
/// # Errors
/// The one that no variable can be named.
pub(super) fn asking(project: &str, names: &[&str]) -> Result<Value, String> {
    let mut values = Map::new();
    for name in names {
        let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(good) {
            return Err(format!("`environment: {name}` names no variable"));
        }
        values.insert((*name).to_owned(), format!("${{{name}?it is not set}}").into());
    }
    Ok(serde_json::json!({"name": project, "services": {}, MARK: values}))
}

/// An archive of the files, to be laid out from `/`; none where there are none.
///
/// # Errors
/// One that does not fit into an archive.
pub(super) fn archive(files: &[Copied]) -> Result<Option<Vec<u8>>, BoxError> {
    let mut archive = tar::Builder::new(Vec::new());
    for file in files {
        let content = STANDARD.decode(&file.content)?;
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(file.mode);
        header.set_uid(file.uid);
        header.set_gid(file.gid);
        header.set_mtime(0);
        archive.append_data(&mut header, file.target.trim_start_matches('/'), content.as_slice())?;
    }
    match files.is_empty() {
        true => Ok(None),
        false => Ok(Some(archive.into_inner()?)),
    }
}

/// The file at `target` that the engine has taken out of a container; `None` for what is no file.
///
/// # Errors
/// One that is too long, or no archive.
pub(super) fn taken(target: &str, bytes: &[u8]) -> Result<Option<Copied>, BoxError> {
    let mut archive = tar::Archive::new(bytes);
    for entry in archive.entries()? {
        let mut entry = entry?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        if entry.size() > LONGEST {
            return Err(format!("{target} has more than {LONGEST} bytes").into());
        }
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        return Ok(Some(Copied {
            target: target.to_owned(),
            mode: entry.header().mode()? & 0o7777,
            uid: entry.header().uid()?,
            gid: entry.header().gid()?,
            content: STANDARD.encode(content),
        }));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().expect("an object").clone()
    }

    #[test]
    fn what_is_copied_lands_where_the_specification_says_with_its_owner_and_mode() {
        let document = object(json!({
            "configs": {"one": {"content": "5 $$ for all"}, "two": {"environment": "A"}, "three": {"file": "/x"}},
            "secrets": {"token": {"environment": "TOKEN"}, "key": {"file": "/y"}},
        }));
        let service = object(json!({
            "user": "1000:1001",
            "configs": [{"source": "one"}, {"source": "two", "target": "/etc/two", "uid": "5", "gid": "6", "mode": 288}, {"source": "three"}],
            "secrets": [{"source": "token", "target": "/run/secrets/token"}, {"source": "token", "target": "other", "mode": "0400"}, {"source": "key"}],
        }));
        assert_eq!(variables(&service, &document).collect::<Vec<_>>(), ["A", "TOKEN", "TOKEN"]);
        let values = BTreeMap::from([("A".to_owned(), "a".to_owned()), ("TOKEN".to_owned(), "t".to_owned())]);
        let copied = of(&service, &document, &Ok(values.clone())).expect("copied");
        let told: Vec<String> = copied
            .iter()
            .map(|one| {
                let content = String::from_utf8(STANDARD.decode(&one.content).expect("base64")).expect("text");
                format!("{} {:o} {}:{} {content}", one.target, one.mode, one.uid, one.gid)
            })
            .collect();
        assert_eq!(
            told,
            [
                "/one 444 1000:1001 5 $ for all",
                "/etc/two 440 5:6 a",
                "/run/secrets/token 444 1000:1001 t",
                "/run/secrets/other 400 1000:1001 t",
            ]
        );
        // What is put into a container is what is taken out of it.
        let bytes = archive(&copied[1..2]).expect("packed").expect("one");
        assert_eq!(taken("/etc/two", &bytes).expect("whole").as_ref(), copied.get(1));
        assert_eq!(archive(&[]).expect("packed"), None);
        let error = of(&service, &document, &Err("nobody says".to_owned())).expect_err("unknown");
        assert_eq!(error, "nobody says");
        assert!(
            of(&service, &document, &Ok(BTreeMap::new()))
                .expect_err("unset")
                .contains("variable A")
        );
        assert!(asking("shop", &["A B"]).is_err() && asking("shop", &["A", "_b1"]).is_ok());
    }
}
