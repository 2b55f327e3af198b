//! Every file that could hold a secret, and the secrets in it.

use super::found::Found;
use super::{documents, in_base64, inner_marks, keys, pieces, places, tokens};
use crate::io::encoding;
use crate::io::layers::Spilled;
use crate::model::coverage::GapKind;
use crate::model::excused::Excused as _;
use crate::model::inventory::FactKind;
use crate::stage::inventory::cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};
use crate::stage::inventory::formats::whole::whole;

/// Private keys, tokens and files with logins; facts that name the pattern, never the secret.
pub struct Secrets;

impl Cataloger for Secrets {
    fn id(&self) -> &'static str {
        "secrets"
    }

    fn version(&self) -> u32 {
        6
    }

    fn domain(&self) -> Domain {
        Domain::Both
    }

    fn follows_links(&self) -> bool {
        false
    }

    fn wants(&self, head: &EntryHead<'_>) -> Want {
        match places::is_worth_reading(head.path, head.size) {
            false => Want::No,
            true if head.size <= places::SMALL => Want::Whole,
            // What is larger is data, unless it begins as a text does.
            true => Want::IfMagic(places::TEXTS),
        }
    }

    fn catalog(&self, file: &LayerFile<'_>, sink: &mut dyn Sink) {
        tell(secrets(file.head.path, file.content), sink);
    }

    fn catalog_large(&self, head: &EntryHead<'_>, content: &Spilled, sink: &mut dyn Sink) {
        let mut found = Vec::new();
        let mut first = [0; 2];
        let is_utf16 = content.read_at(&mut first, 0).is_ok() && matches!(first, [0xff, 0xfe] | [0xfe, 0xff]);
        if is_utf16 {
            let read = whole(content, |content| found = secrets(head.path, content));
            if let Err(problem) = read {
                sink.gap(
                    GapKind::LimitReached,
                    format!("a text in UTF-16 that is not looked at for secrets: {problem}"),
                );
            }
            return tell(found, sink);
        }
        let read = pieces::each(content, |piece, before| {
            found.extend(secrets(head.path, piece).into_iter().map(|mut secret| {
                secret.line += before;
                secret
            }));
            found.sort();
            found.dedup();
            found.truncate(SHOWN);
        });
        if let Err(problem) = read {
            sink.gap(GapKind::LimitReached, format!("it cannot be read again for secrets: {problem}"));
        }
        tell(found, sink);
    }
}

/// A list of a thousand is no better than one of twenty.
const SHOWN: usize = 20;

fn tell(mut found: Vec<Found>, sink: &mut dyn Sink) {
    found.sort();
    found.dedup();
    for Found { line, what } in found.into_iter().take(SHOWN) {
        sink.fact_at(FactKind::Secret, what, u32::try_from(line).unwrap_or(u32::MAX));
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
    found.extend(inner_marks::in_text(content));
    found.extend(in_base64::in_text(content, !places::is_sample(path)));
    if !places::is_sample(path) {
        found.extend(keys::private_keys(content));
        found.extend(keys::putty_keys(content));
        found.extend(documents::by_name(path, content));
    }
    found
}
