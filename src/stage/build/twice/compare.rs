//! The first difference of two images.

use std::collections::BTreeSet;

use serde_json::Value;

use super::cause::of_content;
use super::entries::{Seen, content, entries};
use crate::io::Effects;
use crate::io::oci_layout::{Manifest, OciLayout};
use crate::model::excused::Excused as _;
use crate::model::image::{BuiltImage, Layer, PlatformImage};
use crate::stage::build::BuildError;
use crate::stage::build::cause::Cause;

/// Where, what and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    /// `layer 3 (RUN npm ci)`.
    pub(super) place: String,
    /// `srv/made: bytes 11 to 19`.
    pub(super) what: String,
    pub(super) cause: Cause,
}

/// Compares platform by platform, layer by layer, the lowest first: what lies above a difference differs because of it.
///
/// # Errors
/// [`BuildError::Layer`], [`BuildError::Layout`] for an image that does not hold together.
pub(super) fn first_difference(first: &BuiltImage, second: &BuiltImage, effects: &Effects) -> Result<Difference, BuildError> {
    let (one, two) = (OciLayout::open(&first.layout)?, OciLayout::open(&second.layout)?);
    for (a, b) in first.platforms.iter().zip(&second.platforms) {
        let several = first.platforms.len() > 1;
        let on = if several { format!("{}, ", a.platform) } else { String::new() };
        for (number, (of_a, of_b)) in (1..).zip(a.layers.iter().zip(&b.layers)) {
            if of_a.diff_id == of_b.diff_id {
                continue;
            }
            let step = of_a.created_by.as_deref().unwrap_or("of an unknown step");
            let (what, cause) = layer((&one, of_a), (&two, of_b), effects)?;
            let place = format!("{on}layer {number} ({step})");
            return Ok(Difference { place, what, cause });
        }
        if a.layers.len() != b.layers.len() {
            let what = format!("{} layers, then {}", a.layers.len(), b.layers.len());
            return Ok(plain(format!("{on}the layers"), what));
        }
        if let Some(what) = configuration((&one, a), (&two, b), effects)? {
            return Ok(plain(format!("{on}the configuration"), what));
        }
    }
    Ok(plain(
        "the manifest".to_owned(),
        "the images are put together differently".to_owned(),
    ))
}

fn plain(place: String, what: String) -> Difference {
    Difference {
        place,
        what,
        cause: Cause::Unknown,
    }
}

type At<'a, T> = (&'a OciLayout, &'a T);

fn layer((one, a): At<'_, Layer>, (two, b): At<'_, Layer>, effects: &Effects) -> Result<(String, Cause), BuildError> {
    let (of_a, of_b) = (entries(one, a, effects)?, entries(two, b, effects)?);
    let Some((x, y)) = of_a.iter().zip(&of_b).find(|(x, y)| x != y) else {
        let longer = if of_a.len() > of_b.len() { &of_a } else { &of_b };
        let extra = longer.get(of_a.len().min(of_b.len()));
        let what = extra.map_or_else(
            || "the same entries, written differently".to_owned(),
            |entry| format!("{}: in one of the builds only", entry.path),
        );
        return Ok((what, Cause::Unknown));
    };
    if x.path != y.path {
        return Ok(other_entries(&of_a, &of_b, x, y));
    }
    if x.shape != y.shape && x.content == y.content {
        return Ok((format!("{}: {}, then {}", x.path, x.shape, y.shape), Cause::Unknown));
    }
    if x.content == y.content {
        let time = |seen: &Seen| format!("{}.{:09}", seen.metadata.seconds, seen.metadata.nanos);
        return Ok(match time(x) == time(y) {
            true => (format!("{}: owner or attributes", x.path), Cause::Unknown),
            false => (
                format!("{}: modified at {}, then at {}", x.path, time(x), time(y)),
                Cause::TimeStamp,
            ),
        });
    }
    let contents = content(one, a, &x.path, effects)?.zip(content(two, b, &y.path, effects)?);
    Ok(match contents {
        Some((p, q)) => {
            let range = differing(&p, &q);
            let what = format!("{}: bytes {} to {}{}", x.path, range.0, range.1, sizes(&p, &q));
            (what, of_content(&x.path, &p, &q, range))
        }
        None => (
            format!("{}: {} bytes, then {}, too many to look at", x.path, x.size, y.size),
            Cause::Unknown,
        ),
    })
}

fn other_entries(of_a: &[Seen], of_b: &[Seen], x: &Seen, y: &Seen) -> (String, Cause) {
    let names = |seen: &[Seen]| -> BTreeSet<String> { seen.iter().map(|seen| seen.path.clone()).collect() };
    let (a, b) = (names(of_a), names(of_b));
    if a == b {
        return (format!("{} stands where {} stood", y.path, x.path), Cause::Order);
    }
    let only = a.symmetric_difference(&b).next().unwrap_or(&x.path);
    (format!("{only}: in one of the builds only"), super::cause::of_name(only))
}

fn sizes(p: &[u8], q: &[u8]) -> String {
    match p.len() == q.len() {
        true => String::new(),
        false => format!(" ({} bytes, then {})", p.len(), q.len()),
    }
}

/// The first and the last byte that differ, counted from 0 in the first content.
fn differing(p: &[u8], q: &[u8]) -> (usize, usize) {
    let first = p.iter().zip(q).take_while(|(x, y)| x == y).count();
    let most = p.len().min(q.len()) - first;
    let same_end = p.iter().rev().zip(q.iter().rev()).take(most).take_while(|(x, y)| x == y).count();
    (first, p.len().saturating_sub(same_end + 1).max(first))
}

/// The first key of the configuration whose value differs.
fn configuration(
    (one, a): At<'_, PlatformImage>,
    (two, b): At<'_, PlatformImage>,
    effects: &Effects,
) -> Result<Option<String>, BuildError> {
    let read = |layout: &OciLayout, image: &PlatformImage| -> Result<Option<Value>, BuildError> {
        let path = layout.blob_path(&image.manifest);
        let manifest = Manifest::parse(&path, &layout.read_blob(&image.manifest, effects.limits.manifest)?)?;
        let bytes = layout.read_blob(&manifest.config.digest, effects.limits.manifest)?;
        Ok(serde_json::from_slice(&bytes).or_none("it was read strictly when the image was opened"))
    };
    let (Some(a), Some(b)) = (read(one, a)?, read(two, b)?) else {
        return Ok(None);
    };
    Ok(key("", &a, &b))
}

fn key(at: &str, a: &Value, b: &Value) -> Option<String> {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            names.into_iter().find_map(|name| {
                let (x, y) = (a.get(name).unwrap_or(&Value::Null), b.get(name).unwrap_or(&Value::Null));
                key(&format!("{at}/{name}"), x, y)
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => (0..)
            .zip(a.iter().zip(b))
            .find_map(|(number, (x, y))| key(&format!("{at}/{number}"), x, y)),
        (a, b) => (a != b).then(|| format!("{at}: {a}, then {b}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_range_covers_what_differs() {
        assert_eq!(differing(b"at 12:00:01!", b"at 12:00:02!"), (10, 10));
        assert_eq!(differing(b"abc", b"abcd"), (3, 3), "one goes on");
        assert_eq!(differing(b"xbbby", b"xccccy"), (1, 3));
        assert_eq!(differing(b"aaa", b"aa"), (2, 2));
    }

    #[test]
    fn the_key_of_a_configuration_is_named() {
        let (a, b) = (
            json!({"config": {"Env": ["A=1", "B=2"]}}),
            json!({"config": {"Env": ["A=1", "B=3"]}}),
        );
        assert_eq!(key("", &a, &b).as_deref(), Some("/config/Env/1: \"B=2\", then \"B=3\""));
        assert_eq!(key("", &a, &a), None);
    }
}
