//! One OSV record, as far as matching reads it. Borrowed from its bytes; what matching does not read is skipped, whatever its shape.
//! Source: the OSV schema, 1.7.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::model::excused::Excused as _;

/// A text, borrowed where it has no escapes.
#[derive(Debug, Deserialize)]
pub(in crate::stage::matching) struct Text<'a>(#[serde(borrow)] pub(in crate::stage::matching) Cow<'a, str>);

impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// A record. Lists may be missing or null.
#[derive(Debug, Deserialize)]
pub(in crate::stage::matching) struct Record<'a> {
    #[serde(borrow)]
    pub(in crate::stage::matching) id: Text<'a>,
    #[serde(borrow, default)]
    pub(in crate::stage::matching) modified: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(in crate::stage::matching) published: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(in crate::stage::matching) withdrawn: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "list")]
    pub(in crate::stage::matching) aliases: Vec<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "list")]
    pub(in crate::stage::matching) upstream: Vec<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "list")]
    pub(in crate::stage::matching) related: Vec<Text<'a>>,
    #[serde(borrow, default)]
    pub(in crate::stage::matching) summary: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(in crate::stage::matching) details: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(in crate::stage::matching) severity: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "list")]
    pub(in crate::stage::matching) affected: Vec<Affected<'a>>,
    #[serde(borrow, default)]
    pub(in crate::stage::matching) references: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(in crate::stage::matching) database_specific: Option<&'a RawValue>,
}

/// One package that a record names.
#[derive(Debug, Deserialize)]
pub(in crate::stage::matching) struct Affected<'a> {
    #[serde(borrow, default)]
    pub(in crate::stage::matching) package: Option<Package<'a>>,
    #[serde(borrow, default, deserialize_with = "list")]
    pub(in crate::stage::matching) ranges: Vec<Range<'a>>,
    #[serde(borrow, default, deserialize_with = "list")]
    pub(in crate::stage::matching) versions: Vec<Text<'a>>,
    #[serde(borrow, default)]
    pub(in crate::stage::matching) severity: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(in crate::stage::matching) ecosystem_specific: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(in crate::stage::matching) database_specific: Option<&'a RawValue>,
}

/// A package's name in its ecosystem.
#[derive(Debug, Deserialize)]
pub(in crate::stage::matching) struct Package<'a> {
    #[serde(borrow)]
    pub(in crate::stage::matching) ecosystem: Text<'a>,
    #[serde(borrow)]
    pub(in crate::stage::matching) name: Text<'a>,
    /// The same once more, which may be another one.
    #[serde(borrow, default)]
    pub(in crate::stage::matching) purl: Option<Text<'a>>,
}

/// A list of events of one kind of versions.
#[derive(Debug, Deserialize)]
pub(in crate::stage::matching) struct Range<'a> {
    #[serde(borrow, rename = "type")]
    pub(in crate::stage::matching) kind: Text<'a>,
    #[serde(borrow, default, deserialize_with = "list")]
    pub(in crate::stage::matching) events: Vec<Event<'a>>,
}

/// A version at which something changes. One field is set; records with several in one event exist and are read as several events.
#[derive(Debug, Deserialize)]
pub(in crate::stage::matching) struct Event<'a> {
    #[serde(borrow, default)]
    pub(in crate::stage::matching) introduced: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(in crate::stage::matching) fixed: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(in crate::stage::matching) last_affected: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(in crate::stage::matching) limit: Option<Text<'a>>,
}

/// One entry of a `severity` list.
#[derive(Debug, Deserialize)]
pub(in crate::stage::matching) struct Score<'a> {
    #[serde(borrow, rename = "type")]
    pub(in crate::stage::matching) kind: Text<'a>,
    #[serde(borrow)]
    pub(in crate::stage::matching) score: Text<'a>,
}

#[derive(Debug, Deserialize)]
pub(in crate::stage::matching) struct Reference<'a> {
    #[serde(borrow, rename = "type", default)]
    pub(in crate::stage::matching) kind: Option<Text<'a>>,
    #[serde(borrow)]
    pub(in crate::stage::matching) url: Text<'a>,
}

/// What databases add to a record or to a package of it. Every field is optional, and a wrong shape reads as "not said".
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::stage::matching) struct Specific {
    /// GHSA: `LOW`, `MODERATE`, `HIGH`, `CRITICAL`.
    pub(in crate::stage::matching) severity: Option<String>,
    /// Debian: `low`, `not yet assigned`, `unimportant`.
    pub(in crate::stage::matching) urgency: Option<String>,
    /// RustSec: a vector.
    pub(in crate::stage::matching) cvss: Option<String>,
    /// RustSec: `unmaintained`, `unsound`, `notice`.
    pub(in crate::stage::matching) informational: Option<String>,
    /// RustSec: `malicious` among them.
    pub(in crate::stage::matching) categories: Option<Vec<String>>,
    /// RustSec: the targets it is about.
    pub(in crate::stage::matching) affects: Option<Affects>,
}

/// RustSec's `affects`. An empty list is "all".
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::stage::matching) struct Affects {
    pub(in crate::stage::matching) os: Option<Vec<String>>,
    pub(in crate::stage::matching) arch: Option<Vec<String>>,
    /// Paths of functions, and whatever else stands there.
    pub(in crate::stage::matching) functions: Option<Vec<serde_json::Value>>,
}

fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads an inner document that matching can do without: a wrong shape is the default.
pub(in crate::stage::matching) fn lenient<'a, T: Deserialize<'a> + Default>(raw: Option<&'a RawValue>) -> T {
    raw.and_then(|raw| {
        serde_json::from_str::<Option<T>>(raw.get())
            .or_none("an inner document that matching can do without: another shape is the default")
            .flatten()
    })
    .unwrap_or_default()
}

impl Record<'_> {
    /// The page for people: the advisory itself where one is named, else the first page.
    pub(in crate::stage::matching) fn url(&self) -> Option<String> {
        let references: Vec<Reference<'_>> = lenient(self.references);
        let advisory = |r: &&Reference<'_>| r.kind.as_ref().is_some_and(|kind| kind.as_ref() == "ADVISORY");
        let chosen = references.iter().find(advisory).or_else(|| references.first())?;
        let url = chosen.url.as_ref();
        (url.starts_with("https://") || url.starts_with("http://")).then(|| url.to_owned())
    }
}
