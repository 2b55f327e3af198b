//! Package URLs as they are written.

use std::collections::BTreeMap;
use std::fmt;

use crate::model::excused::Excused as _;

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
