//! Package URLs: the one name of a component across catalogers, advisories, policies and reports.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Deref, DerefMut};
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

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
    /// The name.
    pub name: String,
    /// The version.
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

    fn of(parts: Parts) -> Self {
        let text = OnceLock::new();
        Self(Arc::new(Kept { parts, text }))
    }

    /// The canonical form.
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

    /// Parses a purl.
    ///
    /// # Errors
    /// [`PurlError`] when the scheme, type or name is missing, or an escape is not UTF-8.
    pub fn parse(text: &str) -> Result<Self, PurlError> {
        let fail = |problem| PurlError {
            text: text.chars().take(200).collect(),
            problem,
        };
        let rest = text.strip_prefix("pkg:").ok_or_else(|| fail("it does not start with `pkg:`"))?;
        let rest = rest.trim_start_matches('/');
        let (rest, subpath) = match rest.rsplit_once('#') {
            Some((rest, subpath)) => (rest, Some(subpath.trim_matches('/'))),
            None => (rest, None),
        };
        let (rest, query) = match rest.rsplit_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (rest, None),
        };
        let (kind, rest) = rest.split_once('/').ok_or_else(|| fail("it has no name"))?;
        let valid_kind = kind.starts_with(|c: char| c.is_ascii_alphabetic())
            && kind.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+'));
        if !valid_kind {
            return Err(fail("its type is not a word"));
        }
        let rest = rest.trim_matches('/');
        let name_start = rest.rfind('/').map_or(0, |at| at + 1);
        let (path, version) = match rest[name_start..].find('@').filter(|at| *at > 0) {
            Some(at) => (&rest[..name_start + at], Some(&rest[name_start + at + 1..])),
            // npm scopes may be written unescaped and versions may hold a slash: `pkg:npm/foo@1.0/x` is not valid, keep it simple.
            None => (rest, None),
        };
        let (namespace, name) = match path.rsplit_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, path),
        };
        if name.is_empty() {
            return Err(fail("it has no name"));
        }
        let text_of = |part: &str| decode(part).ok_or_else(|| fail("an escape in it is not UTF-8"));
        let mut qualifiers = BTreeMap::new();
        for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').ok_or_else(|| fail("a qualifier has no `=`"))?;
            if !value.is_empty() {
                qualifiers.insert(key.to_ascii_lowercase(), text_of(value)?);
            }
        }
        let kind = kind.to_ascii_lowercase();
        let namespace = match namespace {
            Some(namespace) => {
                let joined = namespace
                    .split('/')
                    .filter(|s| !s.is_empty())
                    .map(text_of)
                    .collect::<Result<Vec<_>, _>>()?
                    .join("/");
                Some(canonical_namespace(&kind, joined))
            }
            None => None,
        };
        let name = canonical_name(&kind, text_of(name)?);
        Ok(Self::of(Parts {
            kind,
            namespace: namespace.filter(|n| !n.is_empty()),
            name,
            version: version.map(text_of).transpose()?.filter(|v| !v.is_empty()),
            qualifiers,
            subpath: subpath.map(text_of).transpose()?.filter(|s| !s.is_empty()),
        }))
    }

    /// Namespace and name as the ecosystem writes them: `@babel/core`, `github.com/acme/x`, `org.acme:lib`, `bash`.
    #[must_use]
    pub fn full_name(&self) -> String {
        match (&self.namespace, self.kind.as_str()) {
            (Some(namespace), "maven") => format!("{namespace}:{}", self.name),
            (Some(namespace), "npm" | "golang" | "composer") => format!("{namespace}/{}", self.name),
            _ => self.name.clone(),
        }
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

/// A name as the specification's rules for its type want it.
fn canonical_name(kind: &str, name: String) -> String {
    match kind {
        "pypi" => name.to_lowercase().replace('_', "-"),
        "github" | "bitbucket" | "deb" | "apk" | "composer" => name.to_lowercase(),
        _ => name,
    }
}

/// A namespace as the specification's rules for its type want it.
fn canonical_namespace(kind: &str, namespace: String) -> String {
    match kind {
        "github" | "bitbucket" | "deb" | "apk" | "rpm" | "composer" => namespace.to_lowercase(),
        _ => namespace,
    }
}

fn decode(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|pair| std::str::from_utf8(pair).ok())
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match escaped {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(out).ok()
}

/// Escapes everything but letters, digits, `.-_~:` and, where asked, `/`.
fn encode(text: &str, keep_slash: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~' | b':') || (keep_slash && byte == b'/');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| !plain(byte)) {
        // What is not plain may be one byte of several: they are escaped one by one, up to the next plain one, which begins a character.
        let until = rest.bytes().skip(at).position(plain).map_or(rest.len(), |more| at + more);
        f.write_str(&rest[..at])?;
        for byte in rest[at..until].bytes() {
            write!(f, "%{byte:02X}")?;
        }
        rest = &rest[until..];
    }
    f.write_str(rest)
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

impl fmt::Display for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pkg:{}/", self.kind)?;
        if let Some(namespace) = &self.namespace {
            encode(namespace, true, f)?;
            f.write_str("/")?;
        }
        encode(&self.name, false, f)?;
        if let Some(version) = &self.version {
            f.write_str("@")?;
            encode(version, false, f)?;
        }
        for (at, (key, value)) in self.qualifiers.iter().enumerate() {
            write!(f, "{}{key}=", if at == 0 { '?' } else { '&' })?;
            encode(value, true, f)?;
        }
        if let Some(subpath) = &self.subpath {
            f.write_str("#")?;
            encode(subpath, true, f)?;
        }
        Ok(())
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
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
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
