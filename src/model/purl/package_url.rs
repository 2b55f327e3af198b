//! A package URL with its parts, its canonical form and its order.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Deref, DerefMut};
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::super::written;

/// A package URL, `pkg:type/namespace/name@version?qualifiers#subpath`.
///
/// Its [`Parts`] are kept decoded; `Display` writes the canonical form, which is put together once. A copy is shared, not made: dependency graphs
/// name each package many times. Source: the purl specification (ECMA-427).
#[derive(Clone, Default)]
pub struct Purl(Arc<Kept>);

#[derive(Clone, Default)]
struct Kept {
    parts: Parts,
    text: OnceLock<Box<str>>,
}

/// The parts of a [`Purl`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Parts {
    /// The type, lower case: `cargo`, `npm`, `deb`, `apk`, `rpm`, `pypi`, `golang`, `maven`, `generic`.
    pub kind: String,
    /// The namespace, segments joined by `/`: `debian`, `@babel`, `github.com/acme`.
    pub namespace: Option<String>,
    /// The name, percent-decoded; never empty in a parsed purl.
    pub name: String,
    /// The version, percent-decoded; `None` if absent.
    pub version: Option<String>,
    /// Qualifiers such as `arch` and `distro`.
    pub qualifiers: BTreeMap<String, String>,
    /// The path inside the package.
    pub subpath: Option<String>,
}

/// Why a text is not a [`Purl`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a package URL: {problem}")]
pub struct PurlError {
    /// The text, cut to 200 characters.
    pub text: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl Purl {
    /// A purl of a type, a name and a version, without a namespace or qualifiers.
    #[must_use]
    pub fn new(kind: &str, name: &str, version: &str) -> Self {
        Self::of(Parts {
            kind: kind.to_owned(),
            name: canonical_name(kind, name.to_owned()),
            version: (!version.is_empty()).then(|| version.to_owned()),
            ..Parts::default()
        })
    }

    pub(super) fn of(parts: Parts) -> Self {
        let text = OnceLock::new();
        Self(Arc::new(Kept { parts, text }))
    }

    /// The canonical form, by the package URL specification.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.text.get_or_init(|| self.0.parts.to_string().into_boxed_str())
    }

    /// True where the canonical form is read back as the same: not for one that was put together without a name, or with empty segments.
    #[must_use]
    pub fn reads_back(&self) -> bool {
        Self::parse(self.as_str()).as_ref() == Ok(self)
    }

    /// The same purl with a namespace.
    #[must_use]
    pub fn with_namespace(mut self, namespace: &str) -> Self {
        let namespace = canonical_namespace(&self.kind, namespace.to_owned());
        self.namespace = (!namespace.is_empty()).then_some(namespace);
        self
    }

    /// The same purl with one more qualifier; an empty value leaves it out, as the specification says.
    #[must_use]
    pub fn with_qualifier(mut self, key: &str, value: &str) -> Self {
        if !value.is_empty() {
            self.qualifiers.insert(key.to_owned(), value.to_owned());
        }
        self
    }

    /// Namespace and name as the ecosystem writes them: `@babel/core`, `github.com/acme/x`, `org.acme:lib`, `bash`.
    #[must_use]
    pub fn full_name(&self) -> String {
        match (&self.namespace, self.kind.as_str()) {
            (Some(namespace), "maven") => format!("{namespace}:{}", self.name),
            (Some(namespace), "npm" | "golang" | "composer" | "github" | "githubactions" | "swift") => format!("{namespace}/{}", self.name),
            _ => self.name.clone(),
        }
    }

    /// True for a package of an operating system.
    #[must_use]
    pub fn is_of_system(&self) -> bool {
        is_of_system(&self.kind)
    }

    /// The purl without version, qualifiers and subpath: what names the package over all its versions.
    #[must_use]
    pub fn package(&self) -> Self {
        Self::of(Parts {
            kind: self.kind.clone(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            ..Parts::default()
        })
    }
}

/// True for the types of packages that operating systems are made of.
#[must_use]
pub fn is_of_system(kind: &str) -> bool {
    matches!(kind, "deb" | "apk" | "rpm")
}

/// A name as the specification's rules for its type want it.
pub(super) fn canonical_name(kind: &str, name: String) -> String {
    match kind {
        "pypi" => name.to_lowercase().replace('_', "-"),
        "github" | "bitbucket" | "deb" | "apk" | "composer" => name.to_lowercase(),
        _ => name,
    }
}

/// A namespace as the specification's rules for its type want it.
pub(super) fn canonical_namespace(kind: &str, namespace: String) -> String {
    match kind {
        "github" | "bitbucket" | "deb" | "apk" | "rpm" | "composer" => namespace.to_lowercase(),
        _ => namespace,
    }
}

impl Deref for Purl {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0.parts
    }
}

impl DerefMut for Purl {
    fn deref_mut(&mut self) -> &mut Parts {
        let kept = Arc::make_mut(&mut self.0);
        kept.text = OnceLock::new();
        &mut kept.parts
    }
}

impl PartialEq for Purl {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.parts == other.0.parts
    }
}

impl Eq for Purl {}

impl PartialOrd for Purl {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Purl {
    fn cmp(&self, other: &Self) -> Ordering {
        if Arc::ptr_eq(&self.0, &other.0) {
            return Ordering::Equal;
        }
        self.0.parts.cmp(&other.0.parts)
    }
}

impl Hash for Purl {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.parts.hash(state);
    }
}

impl fmt::Debug for Purl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Purl").field(&self.as_str()).finish()
    }
}

impl fmt::Display for Purl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Purl {
    type Err = PurlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl Serialize for Purl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Purl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        written::parsed(deserializer, "a package URL", Self::parse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_together_reads_back_as_the_same() {
        for purl in [
            Purl::new("apk", "busyBox", "1.36.1-r29").with_namespace("Alpine"),
            Purl::new("pypi", "Foo_Bar", "1"),
            Purl::new("rpm", "NetworkManager", "1:1.0").with_namespace("Fedora"),
        ] {
            assert!(purl.reads_back(), "{purl}");
        }
        for purl in [
            Purl::new("npm", "", "1"),
            Purl::new("golang", "", "(devel)").with_namespace("example.org/acme"),
            Purl::new("golang", "a", "1").with_namespace("example.org//acme"),
        ] {
            assert!(!purl.reads_back(), "{purl}");
        }
    }

    #[test]
    fn canonical_forms_read_back_what_they_write() {
        for text in [
            "pkg:cargo/serde@1.0.228",
            "pkg:npm/%40babel/core@7.1.0",
            "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14?arch=amd64&distro=debian-12",
            "pkg:deb/debian/bash@1:5.2.15-2?arch=amd64",
            "pkg:golang/github.com/acme/x@v1.2.3#cmd/y",
            "pkg:maven/org.acme/lib@1.0",
            "pkg:pypi/django@4.2",
        ] {
            assert_eq!(Purl::parse(text).map(|p| p.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_is_not_plain_is_escaped_byte_by_byte() {
        assert_eq!(Purl::new("generic", "é+ü", "1 0").to_string(), "pkg:generic/%C3%A9%2B%C3%BC@1%200");
    }

    #[test]
    fn a_changed_purl_is_written_as_it_is_now_and_its_copies_as_they_were() {
        let before = Purl::new("deb", "bash", "5");
        assert_eq!(before.as_str(), "pkg:deb/bash@5");
        let mut after = before.clone();
        after.namespace = Some("debian".to_owned());
        assert_eq!((before.as_str(), after.as_str()), ("pkg:deb/bash@5", "pkg:deb/debian/bash@5"));
        assert_ne!(before, after);
    }

    #[test]
    fn an_unescaped_npm_scope_is_read() {
        let purl = Purl::parse("pkg:npm/@babel/core@7.1.0").expect("valid");
        assert_eq!((purl.full_name().as_str(), purl.version.as_deref()), ("@babel/core", Some("7.1.0")));
    }

    #[test]
    fn texts_without_scheme_type_or_name_are_refused() {
        for text in ["", "cargo/serde", "pkg:cargo", "pkg:cargo/", "pkg:/serde", "pkg:deb/x?arch"] {
            assert!(Purl::parse(text).is_err(), "{text}");
        }
    }
}
