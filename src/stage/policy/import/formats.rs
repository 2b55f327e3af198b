//! One function for each tool's file. What they say of expiry is their own: `created` and `expires` here are days that hold to their end.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::yaml::{self, Node};
use super::{Draft, Format};
use crate::model::waiver::{Justification, VexStatus};

/// The line, where it is known, and what is wrong.
type Problem = (Option<usize>, String);

pub(super) fn read(format: Format, text: &str, notes: &mut Vec<String>) -> Result<Vec<Draft>, Problem> {
    match format {
        Format::TrivyIgnore => trivyignore(text),
        Format::TrivyIgnoreYaml => trivyignore_yaml(text, notes),
        Format::Grype => grype(text, notes),
        Format::OsvScanner => osv_scanner(text),
        Format::CargoAudit => cargo_audit(text),
        Format::CargoDeny => cargo_deny(text, notes),
        Format::OpenVex => open_vex(text),
    }
}

/// `CVE-2024-1 exp:2024-12-31`, `#` begins a comment. The comment above an entry is often its reason.
fn trivyignore(text: &str) -> Result<Vec<Draft>, Problem> {
    let mut drafts = Vec::new();
    let mut comment: Option<String> = None;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if let Some(words) = line.strip_prefix('#') {
            comment = Some(words.trim().to_owned()).filter(|words| !words.is_empty());
            continue;
        }
        let (line, inline) = line
            .split_once('#')
            .map_or((line, None), |(line, words)| (line, Some(words.trim().to_owned())));
        let mut words = line.split_whitespace();
        let Some(id) = words.next() else {
            comment = None;
            continue;
        };
        let mut draft = Draft {
            id: id.to_owned(),
            statement: inline.or(comment.take()),
            ..Draft::default()
        };
        for word in words {
            let day = word.strip_prefix("exp:").and_then(|day| day.parse::<Date>().ok());
            // There an entry has ended when its day begins.
            draft.expires = Some(last_day_before(
                day.ok_or_else(|| (Some(number), format!("`{word}` is not understood")))?,
            ));
        }
        drafts.push(draft);
    }
    Ok(drafts)
}

fn last_day_before(day: Date) -> Date {
    day.yesterday().unwrap_or(day)
}

fn trivyignore_yaml(text: &str, notes: &mut Vec<String>) -> Result<Vec<Draft>, Problem> {
    let root = yaml::parse(text)?;
    let mut drafts = Vec::new();
    for (key, list) in root.entries("the file")? {
        if key != "vulnerabilities" {
            notes.push(format!("`{key}` has no counterpart here"));
            continue;
        }
        for entry in list.items(key)? {
            let mut base = Draft::default();
            let mut purls = Vec::new();
            for (key, node) in entry.entries("an entry")? {
                match key {
                    "id" => node.text(key)?.clone_into(&mut base.id),
                    "statement" => base.statement = Some(node.text(key)?.to_owned()),
                    "paths" => base.paths = node.texts(key)?.iter().map(|path| rooted(path)).collect(),
                    "purls" => purls = node.texts(key)?,
                    "expired_at" => base.expires = Some(last_day_before(a_day(node.text(key)?, node.line)?)),
                    other => return Err((Some(node.line), format!("`{other}` is not understood"))),
                }
            }
            required(&base.id, "id", entry.line)?;
            if purls.is_empty() {
                drafts.push(base);
            } else {
                drafts.extend(purls.into_iter().map(|purl| Draft {
                    package: Some(purl),
                    ..base.clone()
                }));
            }
        }
    }
    Ok(drafts)
}

/// Paths are relative to the image's root there, absolute here.
fn rooted(path: &str) -> String {
    if path.starts_with('/') || path.starts_with("**") {
        path.to_owned()
    } else {
        format!("/{path}")
    }
}

fn grype(text: &str, notes: &mut Vec<String>) -> Result<Vec<Draft>, Problem> {
    let root = yaml::parse(text)?;
    let mut drafts = Vec::new();
    for (key, list) in root.entries("the file")? {
        if key != "ignore" {
            continue;
        }
        for entry in list.items(key)? {
            let mut draft = Draft::default();
            let mut conditions = Vec::new();
            for (key, node) in entry.entries("an entry")? {
                match key {
                    "vulnerability" => node.text(key)?.clone_into(&mut draft.id),
                    "reason" => draft.statement = Some(node.text(key)?.to_owned()),
                    "vex-status" => draft.reason = status(node.text(key)?),
                    "vex-justification" => draft.justification = justification(node.text(key)?),
                    "package" => grype_package(node, &mut draft, &mut conditions)?,
                    "fix-state" | "namespace" | "match-type" | "include-aliases" => {
                        conditions.push(format!("{key}: {}", node.text(key)?));
                    }
                    other => return Err((Some(node.line), format!("`{other}` is not understood"))),
                }
            }
            if draft.id.is_empty() {
                notes.push(format!(
                    "line {}: an entry without a vulnerability ignores whole packages; there are no such waivers",
                    entry.line
                ));
                continue;
            }
            if !conditions.is_empty() {
                draft.hint = Some(format!("there it holds only for {}", conditions.join(", ")));
            }
            drafts.push(draft);
        }
    }
    Ok(drafts)
}

fn grype_package(node: &Node, draft: &mut Draft, conditions: &mut Vec<String>) -> Result<(), Problem> {
    let (mut name, mut version, mut kind) = (None, None, None);
    for (key, node) in node.entries("package")? {
        let text = node.text(key)?.to_owned();
        match key {
            "name" => name = Some(text),
            "version" => version = Some(text),
            "type" => kind = Some(text),
            "location" => draft.paths = vec![text],
            _ => conditions.push(format!("{key}: {text}")),
        }
    }
    let purl_type = kind.as_deref().and_then(|kind| match kind {
        "rust-crate" => Some("cargo"),
        "npm" => Some("npm"),
        "python" => Some("pypi"),
        "go-module" => Some("golang"),
        "gem" => Some("gem"),
        _ => None,
    });
    match (purl_type, &name) {
        // Names of Debian, Alpine and Java packages lack the namespace that a package URL needs.
        (Some(kind), Some(name)) => {
            let version = version.map(|version| format!("@{version}")).unwrap_or_default();
            draft.package = Some(format!("pkg:{kind}/{name}{version}"));
        }
        _ => {
            let words = [name, version, kind].into_iter().flatten().collect::<Vec<_>>();
            if !words.is_empty() {
                conditions.push(format!("the package {}", words.join(" ")));
            }
        }
    }
    Ok(())
}

fn osv_scanner(text: &str) -> Result<Vec<Draft>, Problem> {
    #[derive(Deserialize)]
    struct File {
        #[serde(rename = "IgnoredVulns", default)]
        ignored: Vec<Ignored>,
        #[serde(rename = "PackageOverrides", default)]
        overrides: Vec<toml::Table>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Ignored {
        id: String,
        #[serde(default)]
        ignore_until: Option<toml::value::Datetime>,
        #[serde(default)]
        reason: Option<String>,
    }
    let file: File = toml::from_str(text).map_err(|error| of_toml(text, &error))?;
    if !file.overrides.is_empty() {
        let problem = "`PackageOverrides` ignores packages whole; remove it to import the rest, and write [rules] for what it says";
        return Err((None, problem.to_owned()));
    }
    file.ignored
        .into_iter()
        .map(|ignored| {
            let until = ignored
                .ignore_until
                .map(|until| a_day(&until.to_string(), 0))
                .transpose()
                .map_err(|(_, problem)| (None, problem))?;
            Ok(Draft {
                id: ignored.id,
                statement: ignored.reason,
                expires: until.map(last_day_before),
                ..Draft::default()
            })
        })
        .collect()
}

fn cargo_audit(text: &str) -> Result<Vec<Draft>, Problem> {
    #[derive(Default, Deserialize)]
    struct File {
        #[serde(default)]
        advisories: Advisories,
    }
    #[derive(Default, Deserialize)]
    struct Advisories {
        #[serde(default)]
        ignore: Vec<String>,
    }
    let file: File = toml::from_str(text).map_err(|error| of_toml(text, &error))?;
    let draft = |id| Draft { id, ..Draft::default() };
    Ok(file.advisories.ignore.into_iter().map(draft).collect())
}

fn cargo_deny(text: &str, notes: &mut Vec<String>) -> Result<Vec<Draft>, Problem> {
    #[derive(Default, Deserialize)]
    struct File {
        #[serde(default)]
        advisories: Advisories,
    }
    #[derive(Default, Deserialize)]
    struct Advisories {
        #[serde(default)]
        ignore: Vec<Ignored>,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Ignored {
        Id(String),
        Advisory {
            id: String,
            reason: Option<String>,
        },
        Crate {
            #[serde(rename = "crate")]
            name: String,
        },
    }
    let file: File = toml::from_str(text).map_err(|error| of_toml(text, &error))?;
    let mut drafts = Vec::new();
    for ignored in file.advisories.ignore {
        match ignored {
            Ignored::Id(id) if id.starts_with("RUSTSEC-") => drafts.push(Draft { id, ..Draft::default() }),
            Ignored::Advisory { id, reason } => drafts.push(Draft {
                id,
                statement: reason,
                ..Draft::default()
            }),
            Ignored::Id(name) | Ignored::Crate { name } => {
                notes.push(format!(
                    "`{name}` ignores that a crate is yanked: [rules.yanked-crate] decides that here"
                ));
            }
        }
    }
    Ok(drafts)
}

fn open_vex(text: &str) -> Result<Vec<Draft>, Problem> {
    #[derive(Deserialize)]
    struct File {
        #[serde(rename = "@context")]
        context: String,
        author: String,
        statements: Vec<Statement>,
    }
    #[derive(Deserialize)]
    struct Statement {
        vulnerability: Vulnerability,
        #[serde(default)]
        products: Vec<Product>,
        status: VexStatus,
        #[serde(default)]
        justification: Option<Justification>,
        #[serde(default)]
        impact_statement: Option<String>,
    }
    #[derive(Deserialize)]
    struct Vulnerability {
        name: String,
    }
    #[derive(Deserialize)]
    struct Product {
        #[serde(rename = "@id", default)]
        id: String,
        #[serde(default)]
        subcomponents: Vec<Product>,
    }
    let file: File = serde_json::from_str(text).map_err(|error| (Some(error.line()), error.to_string()))?;
    if !file.context.contains("openvex.dev/ns") {
        return Err((None, "its @context is not OpenVEX's".to_owned()));
    }
    let mut drafts = Vec::new();
    for statement in file.statements {
        let draft = Draft {
            id: statement.vulnerability.name.clone(),
            reason: Some(statement.status),
            justification: statement.justification,
            statement: statement.impact_statement.clone(),
            hint: Some(format!("said by {}", file.author)),
            ..Draft::default()
        };
        let inner = statement
            .products
            .iter()
            .flat_map(|product| match product.subcomponents.as_slice() {
                [] => std::slice::from_ref(product),
                subcomponents => subcomponents,
            });
        let packages: Vec<String> = inner
            .map(|product| product.id.clone())
            .filter(|id| id.starts_with("pkg:") && !id.starts_with("pkg:oci/"))
            .collect();
        if packages.is_empty() {
            drafts.push(draft);
        } else {
            drafts.extend(packages.into_iter().map(|package| Draft {
                package: Some(package),
                ..draft.clone()
            }));
        }
    }
    Ok(drafts)
}

fn of_toml(text: &str, error: &toml::de::Error) -> Problem {
    let line = error
        .span()
        .map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
    (line, error.message().lines().next().unwrap_or("not valid").to_owned())
}

/// `2024-12-31`, or the day in UTC of `2024-12-31T10:00:00Z`.
fn a_day(text: &str, line: usize) -> Result<Date, Problem> {
    let of_instant = || text.parse::<Timestamp>().map(|instant| instant.to_zoned(TimeZone::UTC).date());
    text.parse::<Date>()
        .or_else(|_| of_instant())
        .map_err(|_| (Some(line).filter(|line| *line > 0), format!("`{text}` is no day")))
}

fn required(text: &str, key: &str, line: usize) -> Result<(), Problem> {
    if text.is_empty() {
        Err((Some(line), format!("an entry has no `{key}`")))
    } else {
        Ok(())
    }
}

fn status(text: &str) -> Option<VexStatus> {
    serde_json::from_value(text.into()).ok()
}

fn justification(text: &str) -> Option<Justification> {
    serde_json::from_value(text.into()).ok()
}
