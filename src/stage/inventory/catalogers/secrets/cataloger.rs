//! Every file that could hold a secret, and the secrets in it.

use super::found::Found;
use super::{documents, keys, places, tokens};
use crate::io::encoding;
use crate::model::excused::Excused as _;
use crate::model::inventory::FactKind;
use crate::stage::inventory::cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};

/// Private keys, tokens and files with logins; facts that name the pattern, never the secret.
pub struct Secrets;

impl Cataloger for Secrets {
    fn id(&self) -> &'static str {
        "secrets"
    }

    fn version(&self) -> u32 {
        4
    }

    fn domain(&self) -> Domain {
        Domain::Both
    }

    fn follows_links(&self) -> bool {
        false
    }

    fn wants(&self, head: &EntryHead<'_>) -> Want {
        if places::is_worth_reading(head.path, head.size) {
            Want::Whole
        } else {
            Want::No
        }
    }

    fn catalog(&self, file: &LayerFile<'_>, sink: &mut dyn Sink) {
        let mut found = secrets(file.head.path, file.content);
        found.sort();
        found.dedup();
        // A list of a thousand is no better than one of twenty.
        for Found { line, what } in found.into_iter().take(20) {
            sink.fact_at(FactKind::Secret, what, u32::try_from(line).unwrap_or(u32::MAX));
        }
    }
}

pub(super) fn secrets(path: &str, content: &[u8]) -> Vec<Found> {
    if places::is_published_source(path) {
        return Vec::new();
    }
    // UTF-16 hides nothing; other text is taken as it is.
    let decoded = match content {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => encoding::decode(content).or_none("what is no text in UTF-16 is looked at as bytes"),
        _ => None,
    };
    let content = decoded.as_deref().map_or(content, str::as_bytes);
    let mut found = tokens::in_text(content);
    if !places::is_sample(path) {
        found.extend(keys::private_keys(content));
        found.extend(keys::putty_keys(content));
        found.extend(documents::by_name(path, content));
    }
    found
}
