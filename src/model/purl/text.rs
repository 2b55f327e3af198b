//! Package URLs as they are written.

use std::collections::BTreeMap;
use std::fmt;

use crate::model::excused::Excused as _;
use crate::model::percent::write_encoded;

use super::{Parts, Purl, PurlError, canonical_name, canonical_namespace};

impl Purl {
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
        // `name/@1.0`: an empty segment is none, and no name begins with an at sign behind another.
        let (path, version) = match path.rsplit_once("/@") {
            Some((before, after)) if version.is_none() && !after.contains('/') => (before.trim_end_matches('/'), Some(after)),
            _ => (path, version),
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
}

/// A text without its percent-escapes; none where it is not UTF-8 then. What is no escape stays.
pub(crate) fn decode(text: &str) -> Option<String> {
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
            .and_then(|pair| std::str::from_utf8(pair).or_none("no hexadecimal digits: not an escape"))
            .and_then(|pair| u8::from_str_radix(pair, 16).or_none("no hexadecimal digits: not an escape"));
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
    String::from_utf8(out).or_none("no text: the caller says that the purl is invalid")
}

/// What stands in a purl as it is, beside letters and digits.
const PLAIN: &[u8] = b".-_~:";
/// The same where the parts of a path are.
const PLAIN_IN_PATHS: &[u8] = b".-_~:/";

impl fmt::Display for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pkg:{}/", self.kind)?;
        if let Some(namespace) = &self.namespace {
            write_encoded(f, namespace, PLAIN_IN_PATHS)?;
            f.write_str("/")?;
        }
        write_encoded(f, &self.name, PLAIN)?;
        if let Some(version) = &self.version {
            f.write_str("@")?;
            write_encoded(f, version, PLAIN)?;
        }
        for (at, (key, value)) in self.qualifiers.iter().enumerate() {
            write!(f, "{}{key}=", if at == 0 { '?' } else { '&' })?;
            write_encoded(f, value, PLAIN_IN_PATHS)?;
        }
        if let Some(subpath) = &self.subpath {
            f.write_str("#")?;
            write_encoded(f, subpath, PLAIN_IN_PATHS)?;
        }
        Ok(())
    }
}
