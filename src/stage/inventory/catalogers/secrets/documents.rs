//! Files whose name says what they hold: `.env`, `.npmrc`, Docker's and AWS's credentials, `.netrc`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;

use crate::io::encoding;
use crate::model::excused::Excused as _;

use super::addresses;
use super::found::{Found, line_of};
use super::places::file_name;
use super::proof::is_placeholder;

/// What the name of a file and its content together give away.
pub(super) fn by_name(path: &str, content: &[u8]) -> Vec<Found> {
    let name = file_name(path);
    let folder = path.rsplit('/').nth(1).unwrap_or_default();
    let search: fn(&str, &[u8]) -> Vec<Found> = match (folder, name) {
        (_, ".env") => |text, _| environment(text),
        (_, name) if name.starts_with(".env.") => |text, _| environment(text),
        (_, ".npmrc") => |text, _| {
            lines(text, "npm credentials", |line| {
                ["_authToken", "_auth", "_password"]
                    .iter()
                    .any(|key| value_of(line, key).is_some_and(is_real))
            })
        },
        (_, ".pypirc") => |text, _| lines(text, "PyPI password", |line| value_of(line, "password").is_some_and(is_real)),
        (_, ".netrc" | "_netrc") => |text, _| {
            lines(text, "netrc password", |line| {
                let mut words = line.split_whitespace().skip_while(|word| *word != "password");
                words.nth(1).is_some_and(is_real)
            })
        },
        (_, ".pgpass" | "pgpass.conf") => {
            |text, _| lines(text, "PostgreSQL password", |line| line.splitn(5, ':').nth(4).is_some_and(is_real))
        }
        (_, ".my.cnf" | ".mylogin.cnf") => |text, _| lines(text, "MySQL password", |line| value_of(line, "password").is_some_and(is_real)),
        (".m2", "settings.xml") => |text, _| {
            lines(text, "Maven password", |line| {
                let value = line.split_once("<password>").and_then(|(_, rest)| rest.split_once('<'));
                value.is_some_and(|(value, _)| is_real(value) && !value.starts_with("${"))
            })
        },
        (_, ".git-credentials") => |text, _| {
            lines(text, "git credentials", |line| {
                let after = line.split_once("://").map(|(_, rest)| rest);
                let user = after.and_then(|rest| rest.split_once('@')).map(|(user, _)| user);
                user.and_then(|user| user.split_once(':'))
                    .is_some_and(|(_, password)| is_real(password))
            })
        },
        (".git", "config") | (_, "pip.conf" | ".gitmodules" | ".yarnrc.yml" | ".condarc") => |_, content| addresses::passwords(content),
        (".docker" | ".kaniko" | "containers", "config.json" | "auth.json") | (_, ".dockercfg" | ".dockerconfigjson") => {
            |text, _| docker(text)
        }
        (".aws", "credentials") => |text, _| {
            lines(text, "AWS credentials", |line| {
                value_of(line, "aws_secret_access_key").is_some_and(|value| value.len() == 40 && is_real(value))
            })
        },
        (".kube", "config") | (_, "kubeconfig" | "admin.conf") => |text, _| {
            lines(text, "Kubernetes credentials", |line| {
                let line = line.trim_start_matches("- ");
                ["client-key-data:", "token:"].iter().any(|key| {
                    line.strip_prefix(key)
                        .is_some_and(|value| value.trim().len() > 30 && is_real(value))
                })
            })
        },
        (_, name) if name.ends_with(".json") => |text, _| service_account(text),
        _ => return Vec::new(),
    };
    // What programs read as text in their own encoding is read as far as it is ASCII.
    let text = encoding::decode(content).unwrap_or_else(|_| String::from_utf8_lossy(content));
    search(text.as_ref(), content)
}

fn lines(text: &str, what: &str, gives_away: impl Fn(&str) -> bool) -> Vec<Found> {
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if !line.starts_with(['#', ';']) && gives_away(line) {
            found.push(Found {
                line: at + 1,
                what: what.to_owned(),
            });
        }
    }
    found
}

/// The value of `…key = value`.
fn value_of<'l>(line: &'l str, key: &str) -> Option<&'l str> {
    let (name, value) = line.split_once('=')?;
    (name.trim() == key || name.trim().ends_with(&format!(":{key}"))).then(|| value.trim())
}

fn is_real(value: &str) -> bool {
    let value = value.trim().trim_matches(['"', '\'']);
    !value.is_empty() && !is_placeholder(value.as_bytes())
}

/// An `.env` file is named once, with the variables in it that have a value and a telling name.
fn environment(text: &str) -> Vec<Found> {
    const TELLING: [&str; 9] = [
        "PASSWORD",
        "PASSWD",
        "SECRET",
        "TOKEN",
        "API_KEY",
        "APIKEY",
        "PRIVATE",
        "CREDENTIAL",
        "ACCESS_KEY",
    ];
    let mut set = 0;
    let mut telling = Vec::new();
    let mut first = None;
    for (at, line) in text.lines().enumerate() {
        let line = line.trim().trim_start_matches("export ");
        let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) else {
            continue;
        };
        let name = name.trim();
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_name || !is_real(value) {
            continue;
        }
        set += 1;
        first = first.or(Some(at + 1));
        let has_password = value
            .split_once("://")
            .is_some_and(|(_, rest)| rest.split_once('@').is_some_and(|(user, _)| user.contains(':')));
        if TELLING.iter().any(|word| name.to_ascii_uppercase().contains(word)) || has_password {
            telling.push(name);
        }
    }
    let Some(line) = first else { return Vec::new() };
    let names = if telling.is_empty() {
        String::new()
    } else {
        telling.truncate(5);
        format!(", among them {}", telling.join(", "))
    };
    vec![Found {
        line,
        what: format!(".env file with {set} {}{names}", if set == 1 { "variable" } else { "variables" }),
    }]
}

/// `"auth": base64("user:password")` in Docker's and Podman's files.
fn docker(text: &str) -> Vec<Found> {
    let Ok(document) = serde_json::from_str::<serde_json::Value>(text) else {
        return Vec::new();
    };
    let entries = document.get("auths").unwrap_or(&document).as_object();
    let mut found = Vec::new();
    for (registry, entry) in entries.into_iter().flatten() {
        let word = |key: &str| entry.get(key).and_then(serde_json::Value::as_str).unwrap_or_default();
        let decoded = STANDARD.decode(word("auth")).or_empty("what docker cannot decode logs nobody in");
        let password = memmem::find(&decoded, b":").is_some_and(|at| at + 1 < decoded.len() && !is_placeholder(&decoded[at + 1..]));
        if password || is_real(word("identitytoken")) || is_real(word("password")) {
            let at = text.find(registry.as_str()).unwrap_or(0);
            found.push(Found {
                line: line_of(text.as_bytes(), at),
                what: "registry credentials in a Docker configuration".to_owned(),
            });
        }
    }
    found
}

/// Google's key files. The key itself is found as a private key; this names what it opens.
fn service_account(text: &str) -> Vec<Found> {
    let is_one = text.contains("\"service_account\"") && text.contains("\"private_key_id\"") && text.contains("PRIVATE KEY-----");
    let at = text.find("\"service_account\"").unwrap_or(0);
    if !is_one {
        return Vec::new();
    }
    vec![Found {
        line: line_of(text.as_bytes(), at),
        what: "Google Cloud service account key".to_owned(),
    }]
}
