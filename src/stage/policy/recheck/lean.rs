//! A stored inventory without its edges: parsing who needs whom takes more time than all the rest, and no rule looks at it.
//!
//! What is read are the model's own types. One member of a document is taken out on its way to them, and an empty list takes its place.

use std::borrow::Cow;
use std::fmt;
use std::iter;
use std::marker::PhantomData;

use serde::de::value::{CowStrDeserializer, MapAccessDeserializer, SeqDeserializer};
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::model::inventory::{Component, Inventory};

/// [`Inventory`], with nothing in the `dependencies` of its components, whatever the document says.
pub(super) struct WithoutEdges(pub(super) Inventory);

impl<'de> Deserialize<'de> for WithoutEdges {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (mut inventory, components): (Inventory, Vec<Bare>) = read_apart(deserializer, "struct Inventory", "components")?;
        inventory.components = components.into_iter().map(|Bare(component)| component).collect();
        Ok(Self(inventory))
    }
}

struct Bare(Component);

impl<'de> Deserialize<'de> for Bare {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (component, IgnoredAny) = read_apart(deserializer, "struct Component", "dependencies")?;
        Ok(Self(component))
    }
}

/// Reads a map as `T`, and one of its members, a list, as `M` in place of what `T` would make of it.
fn read_apart<'de, D, T, M>(deserializer: D, expected: &'static str, member: &'static str) -> Result<(T, M), D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
    M: Deserialize<'de> + Default,
{
    deserializer.deserialize_map(Reading {
        expected,
        member,
        types: PhantomData,
    })
}

struct Reading<T, M> {
    /// What `T` says that it expects.
    expected: &'static str,
    member: &'static str,
    types: PhantomData<(T, M)>,
}

impl<'de, T: Deserialize<'de>, M: Deserialize<'de> + Default> Visitor<'de> for Reading<T, M> {
    type Value = (T, M);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let mut apart = M::default();
        let rest = T::deserialize(MapAccessDeserializer::new(Members {
            map,
            member: self.member,
            is_member: false,
            apart: &mut apart,
        }))?;
        Ok((rest, apart))
    }
}

/// The members of a map. The value of one of them goes to `apart`.
struct Members<'m, A, M> {
    map: A,
    member: &'static str,
    /// Whether the key that was read last is the member's.
    is_member: bool,
    apart: &'m mut M,
}

impl<'de, A: MapAccess<'de>, M: Deserialize<'de>> MapAccess<'de> for Members<'_, A, M> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        let Some(Key(key)) = self.map.next_key()? else { return Ok(None) };
        self.is_member = key == self.member;
        seed.deserialize(CowStrDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        if self.is_member {
            *self.apart = self.map.next_value()?;
            return seed.deserialize(SeqDeserializer::new(iter::empty::<u8>()));
        }
        self.map.next_value_seed(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.map.size_hint()
    }
}

/// Borrowed, but where it holds an escape.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::image::Platform;
    use crate::model::inventory::{Ecosystem, Location, Origin, Scope, SourcePackage, Subject};
    use crate::model::purl::Purl;

    #[test]
    fn nothing_but_the_graph_is_left_out() {
        let mut inventory = Inventory::new(Subject {
            name: "x".to_owned(),
            digest: None,
            commit: None,
        });
        let purl = Purl::new("deb", "bash", "5").with_namespace("debian");
        let mut component = Component::new(purl.clone(), Some(Ecosystem::new("Debian:12")), "dpkg");
        component.source = Some(SourcePackage {
            name: "bash".to_owned(),
            version: "5".to_owned(),
        });
        component.scope = Scope::Build;
        component.origin = Origin::Git("https://example.com/x".to_owned());
        component.licenses = vec!["MIT".to_owned()];
        component.sha256 = Some("00".to_owned());
        component.locations = vec![Location::path("/var/lib/dpkg/status")];
        component.platform = Some(Platform::linux_amd64());
        component.owned_by = Some(purl.clone());
        component.root = true;
        component.yanked = true;
        component.published = Some(jiff::Timestamp::UNIX_EPOCH);
        component.dependencies = vec![purl];
        inventory.components.push(component);
        let bytes = serde_json::to_vec(&inventory).expect("json");
        let WithoutEdges(lean) = serde_json::from_slice(&bytes).expect("read");
        inventory.components[0].dependencies.clear();
        assert_eq!(lean, inventory);
    }

    #[test]
    fn what_the_whole_reader_refuses_is_refused_in_the_same_words() {
        let refused = |text: &str| {
            let whole = serde_json::from_str::<Inventory>(text).expect_err("refused").to_string();
            let lean = serde_json::from_str::<WithoutEdges>(text)
                .map(drop)
                .expect_err("refused")
                .to_string();
            assert_eq!(lean, whole, "{text}");
        };
        let inventory = serde_json::to_string(&Inventory::new(Subject {
            name: "x".to_owned(),
            digest: None,
            commit: None,
        }));
        let inventory = inventory.expect("json");
        assert!(serde_json::from_str::<WithoutEdges>(&inventory).is_ok(), "the control");
        refused(&inventory.replacen("\"components\":[],", "", 1));
        refused(&inventory.replacen("\"components\":[]", "\"components\":[],\"components\":[]", 1));
        refused(&inventory.replacen("\"components\":[]", "\"components\":[{\"purl\":\"pkg:deb/debian/a@1\"}]", 1));
        refused(&inventory.replacen("\"components\":[]", "\"components\":{}", 1));
        refused(&inventory.replacen("\"components\":[]", "\"components\":[3]", 1));
        refused(&inventory[..inventory.len() - 1]);
    }
}
