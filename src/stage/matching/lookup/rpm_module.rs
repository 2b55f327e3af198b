//! Module streams of rpm distributions: a fix of one stream (`nodejs:20`) says nothing of a package of another (`nodejs:18`).
//!
//! A package of a module has `.module` in its release. Its stream stands in the `MODULARITYLABEL` of its header, which syft and we write as the
//! qualifier `rpmmod`; that of an advisory in its title (`nodejs:20 security update`). Source: Fedora's modularity documentation.

use crate::model::inventory::Component;

use crate::stage::matching::index::{Claim, Index, IndexError};

const MARK: &str = ".module";

/// Whether a claim speaks of a module's stream that the package is not of. Where the stream of one of them is not told, it may be the same.
pub(in crate::stage::matching) fn is_of_another_stream(
    index: &Index,
    claim: &Claim<'_>,
    component: &Component,
) -> Result<bool, IndexError> {
    if component.purl.kind != "rpm" || !claim.lists()?.fixed.iter().any(|fixed| fixed.contains(MARK)) {
        return Ok(false);
    }
    let label = component.purl.qualifiers.get("rpmmod");
    if label.is_none() && !component.version.contains(MARK) {
        return Ok(true);
    }
    let Some((module, stream)) = label.and_then(|label| stream_of_label(label)) else {
        return Ok(false);
    };
    let title = index.advisory(claim.advisory)?.summary()?;
    let named: Vec<(&str, &str)> = title.split_whitespace().filter_map(stream_of_word).collect();
    let of_module = |(name, _): &&(&str, &str)| *name == module;
    Ok(named.iter().any(|named| of_module(&named)) && !named.iter().filter(of_module).any(|(_, named)| *named == stream))
}

/// `nodejs` and `18` of `nodejs:18:9050020250401:rhel9`.
fn stream_of_label(label: &str) -> Option<(&str, &str)> {
    let mut parts = label.split(':');
    Some((parts.next()?, parts.next().filter(|stream| !stream.is_empty())?))
}

/// `nodejs` and `20` of `nodejs:20`, and of `nodejs:20,`.
fn stream_of_word(word: &str) -> Option<(&str, &str)> {
    let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    word.split_once(':').filter(|(name, stream)| !name.is_empty() && !stream.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_read_from_labels_and_titles() {
        assert_eq!(stream_of_label("nodejs:18:9050020250401:rhel9"), Some(("nodejs", "18")));
        assert_eq!(stream_of_label("nodejs"), None);
        let words: Vec<_> = "Important: nodejs:20 security, bug fix (perl:5.32) update"
            .split(' ')
            .filter_map(stream_of_word)
            .collect();
        assert_eq!(words, [("nodejs", "20"), ("perl", "5.32")]);
    }
}
