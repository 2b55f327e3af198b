//! A CycloneDX document, as far as it is read.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::super::or_absent;

#[derive(Deserialize)]
pub(super) struct Document<'a> {
    #[serde(borrow, default)]
    pub(super) metadata: Option<Metadata<'a>>,
    #[serde(borrow, default, deserialize_with = "or_absent")]
    pub(super) components: Vec<Element<'a>>,
    #[serde(borrow, default, deserialize_with = "or_absent")]
    pub(super) services: Vec<Element<'a>>,
    #[serde(borrow, default, deserialize_with = "or_absent")]
    pub(super) dependencies: Vec<Edge<'a>>,
    #[serde(borrow, default, deserialize_with = "or_absent")]
    pub(super) compositions: Vec<Composition<'a>>,
    #[serde(borrow, rename = "externalReferences", default, deserialize_with = "or_absent")]
    pub(super) references: Vec<Reference<'a>>,
}

/// To something outside of the document.
#[derive(Deserialize)]
pub(super) struct Reference<'a> {
    #[serde(borrow, rename = "type", default, deserialize_with = "or_absent")]
    pub(super) kind: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(super) struct Composition<'a> {
    #[serde(borrow, default, deserialize_with = "or_absent")]
    pub(super) aggregate: Cow<'a, str>,
}

#[derive(Deserialize, Default)]
pub(super) struct Metadata<'a> {
    #[serde(borrow, default)]
    pub(super) tools: Option<Tools<'a>>,
    #[serde(borrow, default)]
    pub(super) component: Option<Element<'a>>,
    #[serde(borrow, default, deserialize_with = "or_absent")]
    pub(super) properties: Vec<Pair<'a>>,
}

/// What wrote the document: a list up to 1.4, components and services from 1.5 on.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Tools<'a> {
    #[serde(borrow)]
    List(Vec<Tool<'a>>),
    Object {
        #[serde(borrow, default)]
        components: Vec<Tool<'a>>,
    },
    /// Another shape names no tool.
    Other(IgnoredAny),
}

#[derive(Deserialize)]
pub(super) struct Tool<'a> {
    #[serde(borrow, default)]
    pub(super) name: Cow<'a, str>,
}

impl Tools<'_> {
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let tools = match self {
            Self::List(tools) | Self::Object { components: tools } => tools.as_slice(),
            Self::Other(_) => &[],
        };
        tools.iter().map(|tool| &*tool.name)
    }
}

#[derive(Deserialize)]
pub(super) struct Element<'a> {
    #[serde(borrow, rename = "type", default, deserialize_with = "or_absent")]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow, rename = "bom-ref", default)]
    pub(super) reference: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) group: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "or_absent")]
    pub(super) name: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) version: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) scope: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) purl: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "or_absent")]
    pub(super) hashes: Vec<Hash<'a>>,
    #[serde(borrow, default, deserialize_with = "or_absent")]
    pub(super) licenses: Vec<LicenseChoice<'a>>,
    #[serde(borrow, default, deserialize_with = "or_absent")]
    pub(super) properties: Vec<Pair<'a>>,
    #[serde(borrow, default)]
    pub(super) evidence: Option<Evidence<'a>>,
    #[serde(borrow, default, deserialize_with = "or_absent")]
    pub(super) components: Vec<Element<'a>>,
    #[serde(borrow, rename = "externalReferences", default, deserialize_with = "or_absent")]
    pub(super) references: Vec<Reference<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Hash<'a> {
    #[serde(borrow)]
    pub(super) alg: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) content: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(super) struct LicenseChoice<'a> {
    #[serde(borrow, default)]
    pub(super) expression: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) license: Option<License<'a>>,
}

#[derive(Deserialize)]
pub(super) struct License<'a> {
    #[serde(borrow, default)]
    pub(super) id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) name: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
pub(super) struct Pair<'a> {
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "or_absent")]
    pub(super) value: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(super) struct Evidence<'a> {
    #[serde(borrow, default, deserialize_with = "or_absent")]
    pub(super) occurrences: Vec<Occurrence<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Occurrence<'a> {
    #[serde(borrow)]
    pub(super) location: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(super) struct Edge<'a> {
    #[serde(borrow, rename = "ref")]
    pub(super) from: Cow<'a, str>,
    #[serde(borrow, rename = "dependsOn", default, deserialize_with = "or_absent")]
    pub(super) to: Vec<Cow<'a, str>>,
}
